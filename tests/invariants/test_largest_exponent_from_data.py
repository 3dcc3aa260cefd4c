"""Exponents that are known, and motion that has none."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import lfilter

import attractory
from attractory import System
from attractory.errors import RequestError
from attractory.invariants import DelayCoordinates, Estimate, NeighbourPairs, Sampling, largest_exponent_from_data, neighbour_curves

BOTH = pytest.mark.parametrize("algorithm", ["rosenstein", "kantz"])
DELAYED = NeighbourPairs(delays=DelayCoordinates(3, 5), references=512)


def henon_orbit(iterates: int) -> np.ndarray:
    """x of the Hénon map by Python's own arithmetic, behind a thousand iterates."""
    x, y, values = 0.1, 0.1, []
    for _ in range(1000 + iterates):
        values.append(x)
        x, y = 1 - 1.4 * x**2 + y, 0.3 * x
    return np.array(values[1000:])


def white_noise() -> np.ndarray:
    return np.random.default_rng(0).standard_normal(10_000)


def agrees(found: Estimate, expected: float, *, part: float) -> bool:
    """Within three of its errors and within a part of what is expected, so that neither a bias nor a large error passes."""
    off = abs(float(found.value) - expected)
    return bool(off < 3 * float(found.standard_error) and off < part * expected and found.settings["exponential"])


@BOTH
def test_the_exponents_of_maps_are_found(henon: System, logistic: System, algorithm: str) -> None:
    """log 2 of the logistic map at 4, exactly; 0.41922 of Hénon: Sprott, Chaos and Time-Series Analysis (2003), p. 421."""
    sampling = Sampling(trajectories=8, samples=4096)
    assert agrees(largest_exponent_from_data(logistic, algorithm=algorithm, sampling=sampling), np.log(2.0), part=0.03)
    assert agrees(largest_exponent_from_data(henon, algorithm=algorithm, sampling=sampling), 0.41922, part=0.05)


@BOTH
def test_the_exponent_of_lorenz_is_found(lorenz: System, algorithm: str) -> None:
    """0.9056: Sprott, p. 431; within 15 %, for a point of 100,000 has its neighbour only five factors of e nearer than the lobes are."""
    sampling = Sampling(trajectories=8, samples=12_500, dt=0.03)
    assert agrees(largest_exponent_from_data(lorenz, algorithm=algorithm, sampling=sampling), 0.9056, part=0.15)


def test_a_slow_flow_is_not_slowed_by_the_motion_along_it() -> None:
    """0.0714 of Rössler (Sprott, p. 431): distances across the motion have it, where the ones along it are a fifth too slow."""
    rossler = System(
        name="Rossler", equations={"x": "-y - z", "y": "x + 0.2*y", "z": "0.2 + z*(x - 5.7)"}, initial={"x": 1.0, "y": 1.0, "z": 0.0},
        timescale={"period": 5.9, "definition": "mean time between maxima of x"},
    )  # fmt: skip
    sampling = Sampling(trajectories=8, samples=12_500, dt=0.236)
    assert agrees(largest_exponent_from_data(rossler, sampling=sampling), 0.0714, part=0.08)
    whole = largest_exponent_from_data(rossler, sampling=sampling, pairs=NeighbourPairs(across=False))
    assert whole.value < 0.9 * 0.0714


def test_one_measured_variable_has_the_exponent_that_nolds_finds() -> None:
    """0.41351: `nolds.lyap_r` 0.6 of the same 2,000 numbers, with emb_dim=2, lag=1, min_tsep=5, trajectory_len=8, fit="poly"."""
    found = largest_exponent_from_data(henon_orbit(2000), pairs=NeighbourPairs(delays=DelayCoordinates(2, 1), window=5))
    slope = np.polyfit(np.arange(8), found.convergence["log_distance"][:8], 1)[0]
    assert slope == pytest.approx(0.41351, abs=0.01)  # a quarter of the points has no neighbours here, so that all can be followed
    assert agrees(found, 0.41922, part=0.1)


def test_a_dataset_says_what_its_system_says(henon: System) -> None:
    """What `attractory.integrate` returned is as good as the system."""
    found = largest_exponent_from_data(attractory.integrate(henon, trajectories=8, samples=2048, seed=1))
    assert agrees(found, 0.41922, part=0.05)


def test_a_delay_system_in_delay_coordinates_has_the_exponent_of_its_equations() -> None:
    """0.00517 with an error of 0.00003 of Mackey and Glass' with a delay of 17, by tangent functions, as the catalog has it."""
    pairs = NeighbourPairs(delays=DelayCoordinates(6, 5))
    found = largest_exponent_from_data("MackeyGlass", pairs=pairs, sampling=Sampling(trajectories=8, samples=8192, dt=1.12))
    assert agrees(found, 0.00517, part=0.1)


@BOTH
def test_a_periodic_signal_has_no_exponent(algorithm: str) -> None:
    """Neighbours stay neighbours: the rate is zero within its error, and the estimate does not call it exponential."""
    found = largest_exponent_from_data(np.sin(0.1 * np.arange(6_000)), pairs=DELAYED, algorithm=algorithm)
    assert abs(found.value) < found.standard_error < 1e-3
    assert found.settings["exponential"] is False


def test_a_signal_that_repeats_to_the_last_digit_is_not_called_exponential() -> None:
    """Sixty-four values again and again: neighbours of every rank are at one distance, which says nothing."""
    found = largest_exponent_from_data(np.tile(np.sin(2 * np.pi * np.arange(64) / 64), 100), pairs=DELAYED)
    assert found.settings["exponential"] is False
    assert abs(found.value) < 1e-6 or np.isinf(found.standard_error)


@BOTH
@pytest.mark.parametrize(("correlation", "times"), [(0.0, 1), (0.95, 1), (0.95, 3)])
def test_noise_is_not_called_exponential(algorithm: str, correlation: float, times: int) -> None:
    """White, red and smooth noise: how far apart pairs began is forgotten within a turn, so there is no range and no finite error."""
    noise = white_noise()
    for _ in range(times):
        noise = lfilter([1.0], [1.0, -correlation], noise)
    found = largest_exponent_from_data(noise, pairs=DELAYED, algorithm=algorithm)
    assert np.isinf(found.standard_error)
    assert found.settings["exponential"] is False


def test_a_noisy_sine_is_not_called_exponential() -> None:
    """Neighbours as near as the noise part at once, and then no more."""
    signal = np.sin(0.1 * np.arange(10_000)) + 1e-3 * white_noise()
    assert largest_exponent_from_data(signal, pairs=DELAYED).settings["exponential"] is False


def test_the_error_covers_the_exponent_in_most_runs(henon: System) -> None:
    """Of 12 seeds, at least 10 within two standard errors of 0.41922: fewer happen once in a thousand times where they are right."""
    sampling = [Sampling(trajectories=4, samples=1024, seed=seed) for seed in range(12)]
    found = [largest_exponent_from_data(henon, sampling=one) for one in sampling]
    assert sum(abs(each.value - 0.41922) < 2 * each.standard_error for each in found) >= 10


def test_the_same_source_gives_the_same_estimate_whatever_the_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums of blocks have one order."""
    values, pairs = henon_orbit(1000), NeighbourPairs(delays=DelayCoordinates(2, 1))
    first = largest_exponent_from_data(values, pairs=pairs)
    for threads in (1, 5):
        monkeypatch.setattr(neighbour_curves, "processors", lambda threads=threads: threads)
        assert largest_exponent_from_data(values, pairs=pairs) == first


@pytest.mark.parametrize(
    ("values", "arguments", "message"),
    [
        (white_noise(), {"algorithm": "wolf"}, "algorithm='wolf'; expected one of rosenstein, kantz"),
        (white_noise()[:200], {}, "200 points: expected at least 500"),
        (white_noise(), {"pairs": NeighbourPairs(least_distance=0.0)}, "least_distance=0; expected a number above 0"),
        (
            white_noise()[:2000],
            {"pairs": NeighbourPairs(least_distance=50.0)},
            "0 of 4096 points have 8 neighbours .* expected at least 64",
        ),
        (white_noise(), {"pairs": NeighbourPairs(references=10)}, "references=10; expected at least 64"),
        (white_noise()[:9990].reshape(999, 10), {}, "trajectories of 10 samples: expected at least 12"),
    ],
)
def test_what_says_nothing_is_refused(values: np.ndarray, arguments: dict[str, object], message: str) -> None:
    """With what was found and what is expected."""
    source = values if values.ndim == 1 else values[:, :, None]
    with pytest.raises(RequestError, match=message):
        largest_exponent_from_data(source, **arguments)  # type: ignore[arg-type]


def test_a_delay_system_needs_delay_coordinates() -> None:
    """Its variables are no state."""
    with pytest.raises(RequestError, match="the variables of a delay system are not its state"):
        largest_exponent_from_data("MackeyGlass")
