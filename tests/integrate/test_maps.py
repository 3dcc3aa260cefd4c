"""Maps in lanes against the same arithmetic in plain Python."""

from __future__ import annotations

import numpy as np
import pytest

from attractory.expressions.system import System
from attractory.integrate import Engine, Ensemble, SampleGrid, integrate, integrate_ensemble
from attractory.invariants import lyapunov_spectrum
from attractory.invariants.lyapunov_spectrum import Effort
from attractory.layout import Status

QUADRATIC = System(name="Quadratic", kind="map", equations={"x": "1 - 1.4*x**2 + y", "y": "0.3*x"}, initial={"x": 0.1, "y": 0.1})


def test_iterates_have_the_bits_of_plain_python() -> None:
    """No operation of a map is contracted or reordered."""
    made = integrate(QUADRATIC, initial=[0.1, 0.2], samples=200)
    x, y = 0.1, 0.2
    for n in range(200):
        assert made.state.values[0, n].tolist() == [x, y]
        x, y = (1 - 1.4 * (x * x)) + y, 0.3 * x


def test_every_nth_iterate_is_the_nth_of_all() -> None:
    """A grid of every third iterate beside one of all."""
    ensemble = Ensemble(np.array([[0.1, 0.2], [0.3, 0.1]]), np.zeros((2, 0)), np.zeros(2))
    grids = [SampleGrid(1, 61), SampleGrid(3, 21)]
    made = integrate_ensemble(QUADRATIC.definition, ensemble, grids=grids, engine=Engine())
    np.testing.assert_array_equal(made.states[0][:, ::3], made.states[1])


def test_an_escape_is_a_status_of_its_own_trajectory() -> None:
    """The second initial state leaves to infinity; NaN follows its last finite iterate."""
    made = integrate(QUADRATIC, initial=[[0.1, 0.1], [10.0, 10.0]], samples=40)
    assert made.status.values.tolist() == [Status.OK, Status.DIVERGED]
    finite = np.isfinite(made.state.values[1]).all(1)
    assert finite[:8].all()
    assert np.isnan(made.state.values[1, ~finite]).all()


def test_a_wrapped_coordinate_stays_within_its_range() -> None:
    """The standard map modulo 2 pi."""
    system = System(
        name="Kicked", kind="map", equations={"p": "p + 1.2*sin(q)", "q": "q + p + 1.2*sin(q)"}, initial={"p": 0.5, "q": 1.0},
        wrap={"p": [0, "2*pi"], "q": [0, "2*pi"]},
    )  # fmt: skip
    states = integrate(system, 4, samples=500).state.values
    assert states.min() >= 0
    assert states.max() <= 2 * np.pi


def test_branches_of_a_map_are_those_of_its_conditions() -> None:
    """The tent map by `where`, exact in binary for a few iterates."""
    tent = System(name="Tent", kind="map", equations={"x": "where(x < 0.5, 2*x, 2 - 2*x)"}, initial={"x": 0.3})
    states = integrate(tent, initial=[0.15625], samples=6).state.values[0, :, 0]
    assert states.tolist() == [0.15625, 0.3125, 0.625, 0.75, 0.5, 1.0]


@pytest.mark.parametrize("trajectories", [1, 7, 8, 40, 67])
@pytest.mark.parametrize("every", [(1,), (3,), (1, 2), (6, 4)])
def test_any_number_of_samples_of_any_number_of_trajectories_is_put_in_its_place(trajectories: int, every: tuple[int, ...]) -> None:
    """Blocks of eight lanes and samples, the rest of both, several buffers, grids with a common divisor: against NumPy's iteration."""
    initial = 0.1 + 0.001 * np.arange(2 * trajectories).reshape(trajectories, 2)
    counts = [131 // step + 1 for step in every]
    ensemble = Ensemble(initial, np.zeros((trajectories, 0)), np.zeros(trajectories))
    grids = [SampleGrid(step, count) for step, count in zip(every, counts, strict=True)]
    for lanes in (2, 8, 16):
        made = integrate_ensemble(QUADRATIC.definition, ensemble, grids=grids, engine=Engine(lanes=lanes))
        for states, step, count in zip(made.states, every, counts, strict=True):
            np.testing.assert_array_equal(states, iterated(QUADRATIC, initial, step, count))


def iterated(system: System, states: np.ndarray, every: int, count: int) -> np.ndarray:
    """(trajectory, time, variable) by `system.rhs` alone."""
    kept = [states]
    for _ in range(count - 1):
        for _ in range(every):
            states = system.rhs(states)
        kept.append(states)
    return np.stack(kept, axis=1)


def test_a_map_of_many_variables_keeps_its_state_in_memory() -> None:
    """A ring of thirty logistic maps, too many for the registers."""
    ring = System(
        name="Ring", kind="map", parameters={"N": 30}, indices={"i": "N"},
        equations={"x[i]": "0.8*3.9*x[i]*(1 - x[i]) + 0.1*3.9*(x[i-1]*(1 - x[i-1]) + x[i+1]*(1 - x[i+1]))"},
        initial={"x[i]": "0.3 + 0.01*i"},
    )  # fmt: skip
    initial = ring.initial * (1 + 0.001 * np.arange(19)[:, None])
    made = integrate(ring, initial=initial, samples=40)
    np.testing.assert_array_equal(made.state.values, iterated(ring, initial, 1, 40))


def test_an_infinity_between_two_samples_is_not_seen_and_one_at_a_sample_is() -> None:
    """x -> 1/x passes through infinity and comes back: from 0 at each odd iterate."""
    system = System(name="Inverse", kind="map", equations={"x": "1/x"}, initial={"x": 2.0})
    ensemble = Ensemble(np.array([[0.0], [2.0]]), np.zeros((2, 0)), np.zeros(2))
    for grids, status in (
        ([SampleGrid(2, 5)], [Status.OK, Status.OK]),
        ([SampleGrid(3, 5)], [Status.DIVERGED, Status.OK]),
        ([SampleGrid(2, 5), SampleGrid(3, 5)], [Status.DIVERGED, Status.OK]),
        ([SampleGrid(2, 5), SampleGrid(4, 5)], [Status.OK, Status.OK]),
    ):
        made = integrate_ensemble(system.definition, ensemble, grids=grids, engine=Engine())
        assert made.status.tolist() == status
        for states, grid in zip(made.states, grids, strict=True):
            expected = [0.0 if n * grid.dt % 2 == 0 else np.inf for n in range(5)]
            gone = np.logical_or.accumulate(np.isinf(expected))
            np.testing.assert_array_equal(states[0, :, 0], np.where(gone, np.nan, expected))


@pytest.mark.parametrize("others", [0, 1, 30])
def test_what_single_precision_cannot_hold_has_diverged_whatever_its_neighbours_do(others: int) -> None:
    """x -> 10 x from 1 passes 3.4e38 at iterate 39; beside none, one that becomes infinite, and thirty that do not."""
    system = System(name="Tens", kind="map", equations={"x": "10*x"}, initial={"x": 1.0})
    initial = np.array([[1.0], *[[1e300] if others == 1 else [0.0]] * others])
    ensemble = Ensemble(initial, np.zeros((1 + others, 0)), np.zeros(1 + others))
    for lanes in (1, 8):
        made = [
            integrate_ensemble(system.definition, ensemble, grids=[SampleGrid(1, 45)], engine=Engine(dtype=dtype, lanes=lanes))
            for dtype in ("float32", "float64")
        ]
        assert [int(one.status[0]) for one in made] == [Status.DIVERGED, Status.OK]
        assert np.isfinite(made[0].states[0][0, :39]).all()
        assert np.isnan(made[0].states[0][0, 39:]).all()


GOLDEN = (1 + 5**0.5) / 2
SKEW = 0.3
PIECEWISE = {
    "cat": ({"x": "mod(x + y, 1)", "y": "mod(x + 2*y, 1)"}, [2 * np.log(GOLDEN), -2 * np.log(GOLDEN)]),
    "beta": ({"x": "(1 + sqrt(5))/2*x - floor((1 + sqrt(5))/2*x)"}, [np.log(GOLDEN)]),
    "tent": ({"x": "1.999*min(x, 1 - x)"}, [np.log(1.999)]),
    "tent by where": ({"x": "where(x < 0.5, 1.999*x, 1.999 - 1.999*x)"}, [np.log(1.999)]),
    "Lozi": ({"x": "1 - 1.7*abs(x) + y", "y": "0.5*x"}, None),
    "baker": (
        {"x": "where(y < 0.3, 0.2*x, 0.6 + 0.4*x)", "y": "where(y < 0.3, y/0.3, (y - 0.3)/0.7)"},
        [-SKEW * np.log(SKEW) - (1 - SKEW) * np.log(1 - SKEW), SKEW * np.log(0.2) + (1 - SKEW) * np.log(0.4)],
    ),
    "logistic": ({"x": "4*x*(1 - x)"}, [np.log(2)]),
}  # fmt: skip


@pytest.mark.parametrize("name", list(PIECEWISE))
def test_exponents_of_piecewise_maps_are_those_of_their_closed_forms(name: str) -> None:
    """mod, floor, where, min and abs: within four of the errors that are printed; Lozi's add up to log |det J| = log b."""
    equations, exact = PIECEWISE[name]
    system = System(name="Piecewise", kind="map", equations=equations, initial=dict.fromkeys(equations, 0.31))
    found = lyapunov_spectrum(system, standard_error=2e-3, effort=Effort(trajectories=64, budget=4000.0))
    if exact is None:
        assert found.value.sum() == pytest.approx(np.log(0.5), abs=1e-12)
        assert found.value[0] > 0.4  # 0.47 for these parameters
    else:
        assert np.abs(found.value - exact).max() < 4 * found.standard_error.max() + 1e-9


def test_doubling_modulo_one_ends_at_zero_in_binary() -> None:
    """2x mod 1 moves a double's 53 digits out, one an iterate, exactly: a true orbit of a computer's number, and a short one."""
    doubling = System(name="Doubling", kind="map", equations={"x": "mod(2*x, 1)"}, initial={"x": 0.3})
    states = integrate(doubling, initial=[0.1], samples=61).state.values[0, :, 0]
    assert (states[:50] > 0).all()
    assert (states[55:] == 0).all()
