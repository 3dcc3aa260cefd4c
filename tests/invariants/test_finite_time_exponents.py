"""Maps whose growth over n iterates has a known distribution."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from attractory import System
from attractory.errors import RequestError
from attractory.invariants import LyapunovTimes, finite_time_exponents, lyapunov_spectrum
from attractory.invariants.growth_rates import Effort

QUICK = Effort(trajectories=32)


def skew_tent() -> System:
    """Slopes of 1/0.3 and 1/0.7, each with the chance of its interval and independent of the others."""
    return System(
        name="SkewTent", kind="map", equations={"x": "where(x < a, x/a, (1 - x)/(1 - a))"}, parameters={"a": 0.3}, initial={"x": 0.2}
    )


def test_the_skew_tent_map_has_binomial_exponents() -> None:
    """Over eight iterates the exponent takes nine values; 32,768 windows follow the binomial distribution by the chi-square test."""
    found = finite_time_exponents(skew_tent(), window=8, effort=Effort(trajectories=128))
    left = np.arange(9)
    values = -(left * np.log(0.3) + (8 - left) * np.log(0.7)) / 8
    edges, counts = found.convergence["edges"][0], found.convergence["counts"][0]
    weights, _ = np.histogram(values, bins=edges, weights=binom.pmf(left, 8, 0.3))
    often = weights * counts.sum() > 10.0  # eight left slopes in a row are seen twice or not at all
    expected = weights[often] * counts.sum()
    assert counts.sum() == 128 * 256
    assert counts[often].sum() > 0.999 * counts.sum()
    assert np.sum((counts[often] - expected) ** 2 / expected) < 26.1  # 8 degrees of freedom: one in a thousand is above
    assert abs(found.value[0] + 0.3 * np.log(0.3) + 0.7 * np.log(0.7)) < 4 * found.standard_error[0]


@pytest.mark.parametrize("iterates", [1, 4])
def test_the_logistic_map_has_the_deviation_of_its_conjugacy(logistic: System, iterates: int) -> None:
    """Conjugate to the tent map, so the growth over n iterates is n log 2 and the difference of a function at both ends, whose variance
    is pi^2 (1 - 2^-n) / 6: the deviation falls as 1 / n and not as its root."""
    found = finite_time_exponents(logistic, window=iterates, effort=QUICK)
    expected = np.sqrt(np.pi**2 / 6 * (1 - 2.0**-iterates)) / iterates
    assert abs(found.settings["deviation"][0] - expected) < 4 * found.settings["deviation_error"][0]  # type: ignore[index]
    assert abs(found.value[0] - np.log(2.0)) < 4 * found.standard_error[0]


def test_the_mean_is_the_spectrum_and_longer_windows_scatter_less(lorenz: System) -> None:
    """Whatever the window; over many Lyapunov times the deviation falls as the root of the window, or faster."""
    spectrum = lyapunov_spectrum(lorenz, standard_error=5e-3, effort=Effort(trajectories=64))
    found = finite_time_exponents(lorenz, window=1.1, effort=QUICK)
    assert (abs(found.value - spectrum.value) < 4 * np.hypot(found.standard_error, spectrum.standard_error)).all()
    assert found.settings["window_lyapunov_times"] == pytest.approx(1.1 * 0.9056, rel=0.03)
    length, deviation = found.convergence["length"], found.convergence["deviation"][:, 0]
    np.testing.assert_allclose(length, 1.1 * 2.0 ** np.arange(len(length)))
    assert (deviation[1:] < 0.8 * deviation[:-1]).all()
    assert found.convergence["counts"].sum(axis=1).tolist() == [32 * 256] * 3


def test_the_cat_map_grows_by_the_same_over_every_window() -> None:
    """log((3 + sqrt 5) / 2) everywhere, and no deviation but rounding; of its whole iterates a window of 7 makes whole parts."""
    found = finite_time_exponents("ArnoldCat", window=7, effort=Effort(trajectories=2, budget=700.0))
    golden = np.log((3 + np.sqrt(5)) / 2)
    np.testing.assert_allclose(found.value, [golden, -golden], rtol=1e-12)
    assert max(found.settings["deviation"]) < 1e-12  # type: ignore[arg-type]
    assert found.settings["share_below_zero"] == (0.0, 1.0)


def test_a_window_may_be_counted_in_lyapunov_times() -> None:
    """Of Hénon 2.4 iterates each: ten are 24."""
    found = finite_time_exponents("Henon", window=LyapunovTimes(10.0), exponents=1, effort=QUICK)
    assert found.settings["window"] == 24.0
    assert found.settings["window_lyapunov_times"] == pytest.approx(10.0, rel=0.02)


def test_the_same_seed_gives_the_same_estimate(henon: System) -> None:
    """And another seed another."""
    first, again, other = (finite_time_exponents(henon, window=2, effort=Effort(trajectories=4), seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"window": 0.0}, "window=0.0; expected a time above 0"),
        ({"window": LyapunovTimes(1.0)}, "Lorenz has no annotated Lyapunov time; expected a window in time units"),
        ({"exponents": 4}, "exponents=4: Lorenz has 3 variables"),
        ({"bins": 0}, "bins=0; expected from 1 to 10000"),
        ({"effort": Effort(trajectories=1)}, "trajectories=1: at least 2"),
    ],
)
def test_argument_out_of_range_is_refused(lorenz: System, arguments: dict[str, object], message: str) -> None:
    """Before anything is integrated."""
    with pytest.raises(RequestError, match=message):
        finite_time_exponents(lorenz, **arguments)  # type: ignore[arg-type]


def test_a_window_of_a_stiff_flow_is_refused_with_what_to_do() -> None:
    """A rate of -10,000 beside one of -1 has a thousand intervals in a time unit; the leading exponent alone has not."""
    stiff = System(name="Stiff", equations={"x": "-x", "y": "-10000*(y - x)"}, initial={"x": 1.0, "y": 1.0})
    with pytest.raises(RequestError, match=r"Stiff: a window of 2 takes \d+ intervals, .* expected at most 512. Give a shorter window"):
        finite_time_exponents(stiff, window=2.0, effort=Effort(trajectories=2, transient=0.1))
    leading = finite_time_exponents(stiff, window=0.05, exponents=1, effort=Effort(trajectories=2, transient=0.1))
    assert leading.value[0] == pytest.approx(-1.0, abs=1e-6)


def test_half_an_iterate_and_a_delay_system_are_refused(henon: System) -> None:
    """A map has whole ones, and the tangents of a delay system are functions."""
    with pytest.raises(RequestError, match=r"window=1.5; expected a whole number of iterates above 0"):
        finite_time_exponents(henon, window=1.5)
    with pytest.raises(RequestError, match="MackeyGlass is a delay system: expected a flow or a map"):
        finite_time_exponents("MackeyGlass")
