"""Times that are drawn for each trajectory, and samples at times of each trajectory's own: flows, stiff flows, maps, delay systems."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import solve_ivp

import attractory
from attractory.errors import RequestError
from attractory.expressions.system import System
from attractory.integrate import BlockSettings, DrawnGrid, Engine, Ensemble, SampleGrid, TimedGrid, integrate_block, integrate_ensemble
from attractory.integrate.sample_times import exponential, logarithm, sample_times
from attractory.layout import DrawnTimes, Status

SPIRAL = System(name="Spiral", kind="flow", equations={"x": "y", "y": "1.5*(1 - x**2)*y - x"}, initial={"x": 1.0, "y": 0.5})
LOGISTIC = System(name="Logistic", kind="map", equations={"x": "3.9*x*(1 - x)"}, initial={"x": 0.3})
SETTINGS = BlockSettings(seed=3, transient=7.0, tolerance=1e-14, dtype="float64")
POISSON = DrawnGrid("events", DrawnTimes("poisson", 0.5), 60)
JITTER = DrawnGrid("late", DrawnTimes("jitter", 0.05, 0.5), 120)
DROPPED = DrawnGrid("gaps", DrawnTimes("dropped", 0.05, 0.3), 150)
FINE = SampleGrid(0.05, 300)
# Of each statistical test; draws are seeded, so it passes always or never.
FALSE_ALARM = 1e-4


def times_of(grid: DrawnGrid, count: int, *, seed: int = 0) -> np.ndarray:
    return sample_times(grid, seed=seed, system="Spiral", indices=range(count))


def spiral_rates(_: float, state: np.ndarray) -> list[float]:
    return [state[1], 1.5 * (1 - state[0] ** 2) * state[1] - state[0]]


def kept(times: np.ndarray, dt: float) -> np.ndarray:
    """The numbers of the regular samples at these times, which are k dt to the bit."""
    numbers = np.rint(times / dt).astype(int)
    assert (numbers * dt == times).all()
    return numbers


def test_drawn_times_are_pinned() -> None:
    """They decide bytes: another map from random words to times needs a new format number."""
    draw = {grid.name: times_of(grid, 1, seed=3)[0, -2:].tolist() for grid in (POISSON, JITTER, DROPPED)}
    assert draw == {
        "events": [29.372444047677945, 29.66346028107299],
        "late": [5.924528719643311, 5.971119998129456],
        "gaps": [11.05, 11.200000000000001],
    }


def test_times_depend_on_seed_system_granularity_and_number_alone() -> None:
    """Trajectory 5 has the same times alone and among others, and none of another granularity's, seed's or number's."""
    alone = sample_times(POISSON, seed=0, system="Spiral", indices=[5])[0]
    np.testing.assert_array_equal(alone, times_of(POISSON, 7)[5])
    other = DrawnGrid("others", POISSON.drawn, 60)
    others = [times_of(other, 6)[5], times_of(POISSON, 6, seed=1)[5], times_of(POISSON, 5)[4]]
    others.append(sample_times(POISSON, seed=0, system="Other", indices=[5])[0])
    assert all((alone != one).all() for one in others)


@pytest.mark.parametrize("grid", [POISSON, JITTER, DROPPED], ids=["poisson", "jitter", "dropped"])
def test_fewer_samples_are_the_first_of_more(grid: DrawnGrid) -> None:
    """Asking for more samples moves none of those that there were."""
    longer = DrawnGrid(grid.name, grid.drawn, 4 * grid.samples)
    np.testing.assert_array_equal(times_of(grid, 3), times_of(longer, 3)[:, : grid.samples])


def test_the_logarithm_is_that_of_the_mathematics_library() -> None:
    """To three units in the last place, over all sizes and next to one."""
    values = np.concatenate([np.geomspace(1e-16, 1e16, 2001), 1.0 - np.geomspace(1e-16, 0.5, 500), [np.sqrt(0.5), 1.0]])
    expected = np.array([math.log(value) for value in values])
    assert (np.abs(logarithm(values) - expected) <= 3 * np.spacing(np.abs(expected))).all()


def test_the_largest_and_smallest_words_have_gaps() -> None:
    """No word makes a gap of zero or of infinity."""
    gaps = exponential(np.array([0, 2**64 - 1], np.uint64))
    np.testing.assert_allclose(gaps, [53 * math.log(2), 2.0**-53], rtol=1e-15)


def test_poisson_gaps_are_exponential() -> None:
    """Chi-square of 64,000 gaps (the first from time 0) in 40 equally likely bins; and the gaps of neighbours are uncorrelated."""
    gaps = np.diff(times_of(DrawnGrid("events", POISSON.drawn, 2000), 32), axis=1, prepend=0.0) / 0.5
    counts, _ = np.histogram(-np.expm1(-gaps), bins=40, range=(0.0, 1.0))
    assert stats.chisquare(counts).pvalue > FALSE_ALARM
    correlation = np.mean((gaps[:, 1:] - 1.0) * (gaps[:, :-1] - 1.0)) * math.sqrt(gaps[:, 1:].size)
    assert 2 * stats.norm.sf(abs(correlation)) > FALSE_ALARM


def test_poisson_times_have_the_rate_that_was_asked_for() -> None:
    """The last of n times is Gamma(n) distributed: 64,000 samples one in half a time unit."""
    total = times_of(DrawnGrid("events", POISSON.drawn, 2000), 32)[:, -1].sum() / 0.5
    below = stats.gamma(64_000).cdf(total)
    assert 2 * min(below, 1.0 - below) > FALSE_ALARM


def test_jittered_times_stay_in_their_part_of_the_step() -> None:
    """Sample k lies evenly in [k, k + 1/2) steps: chi-square in 20 bins."""
    late = times_of(DrawnGrid("late", JITTER.drawn, 2000), 8) / 0.05 - np.arange(2000)
    assert late.min() >= -1e-12  # roundings of the division
    assert late.max() < 0.5 + 1e-12
    counts, _ = np.histogram(late, bins=20, range=(0.0, 0.5))
    assert stats.chisquare(counts).pvalue > FALSE_ALARM


def test_dropped_samples_are_the_part_that_was_asked_for() -> None:
    """Gaps are geometric: chi-square of 16,000 in the lengths 1 to 5 and more."""
    steps = np.diff(kept(times_of(DrawnGrid("gaps", DROPPED.drawn, 2000), 8), 0.05), axis=1, prepend=-1)
    counts = np.bincount(np.minimum(steps.ravel(), 6), minlength=7)[1:]
    chances = np.array([0.7 * 0.3**k for k in range(5)] + [0.3**5])
    assert stats.chisquare(counts, steps.size * chances).pvalue > FALSE_ALARM


def test_equal_times_are_moved_apart() -> None:
    """Times that rounding makes equal still rise: here all are a few units of the smallest double."""
    tiny = DrawnGrid("late", DrawnTimes("jitter", 5e-324, 1.0), 1000)
    assert (np.diff(times_of(tiny, 2), axis=1) > 0).all()


def test_samples_at_dropped_times_are_the_regular_ones() -> None:
    """To the bit, in the same run and in one of its own."""
    beside = integrate_block(SPIRAL, indices=range(9), grids=[FINE, POISSON, DROPPED], settings=SETTINGS)
    alone = integrate_block(SPIRAL, indices=range(9), grids=[DROPPED], settings=SETTINGS)
    regular = integrate_block(SPIRAL, indices=range(9), grids=[FINE], settings=SETTINGS)
    np.testing.assert_array_equal(beside.states[0], regular.states[0])
    np.testing.assert_array_equal(beside.states[2], alone.states[0])
    for row in range(9):
        np.testing.assert_array_equal(alone.states[0][row], regular.states[0][row, kept(alone.times[0][row], 0.05)])


@pytest.mark.parametrize("lanes", [1, 4, 16])
def test_no_lane_or_batch_shows(lanes: int) -> None:
    """Other lane widths and other neighbours, the same times and states to the bit."""
    whole = integrate_block(SPIRAL, indices=range(9), grids=[POISSON, JITTER], settings=SETTINGS)
    some = integrate_block(SPIRAL, indices=[7, 2], grids=[POISSON, JITTER], settings=SETTINGS, engine=Engine(lanes=lanes))
    for grid in range(2):
        np.testing.assert_array_equal(some.states[grid], whole.states[grid][[7, 2]])
        np.testing.assert_array_equal(some.times[grid], whole.times[grid][[7, 2]])


def test_states_at_poisson_times_solve_the_equations() -> None:
    """SciPy's DOP853 at 1e-13 from the same states, stopped at each of the times: within 2e-11, some hundred of its own tolerances."""
    made = integrate_block(SPIRAL, indices=range(3), grids=[POISSON], settings=SETTINGS)
    for row, times in enumerate(made.times[0]):
        path = [made.initial[row]]
        for begin, end in zip([0.0, *times], times, strict=False):
            step = solve_ivp(
                lambda t, s: [s[1], 1.5 * (1 - s[0] ** 2) * s[1] - s[0]], (begin, end), path[-1], "DOP853", rtol=1e-13, atol=1e-13
            )
            path.append(step.y[:, -1])
        np.testing.assert_allclose(made.states[0][row], path[1:], rtol=0, atol=2e-11)


def test_a_delay_system_is_sampled_at_drawn_times() -> None:
    """Dropped times have the regular samples' bits, beside others and alone."""
    system = attractory.system("MackeyGlass")
    settings = BlockSettings(seed=0, transient=20.0, tolerance=1e-9, dtype="float32")
    grids = [
        SampleGrid(1.0, 60),
        DrawnGrid("gaps", DrawnTimes("dropped", 1.0, 0.3), 30),
        DrawnGrid("events", DrawnTimes("poisson", 1.0), 30),
    ]
    made = integrate_block(system, indices=range(3), grids=grids, settings=settings)
    alone = integrate_block(system, indices=[2], grids=grids[1:2], settings=settings)
    for row in range(3):
        np.testing.assert_array_equal(made.states[1][row], made.states[0][row, kept(made.times[1][row], 1.0)])
        grown = np.interp(made.times[2][row], np.arange(60.0), made.states[0][row, :, 0])
        inside = made.times[2][row] < 59
        np.testing.assert_allclose(made.states[2][row, inside, 0], grown[inside], atol=0.05)  # of a line between samples
    np.testing.assert_array_equal(alone.states[0][0], made.states[1][2])


def test_a_stiff_flow_is_sampled_at_drawn_times() -> None:
    """What goes over to the method for stiff flows has the regular samples' bits at the times that are kept."""
    stiff = System(name="Stiff", kind="flow", equations={"x": "y", "y": "1000*(1 - x**2)*y - x"}, initial={"x": 2.0, "y": 0.0})
    settings = BlockSettings(seed=0, transient=0.0, tolerance=1e-9, dtype="float64")
    grids = [SampleGrid(10.0, 120), DrawnGrid("gaps", DrawnTimes("dropped", 10.0, 0.3), 60)]
    made = integrate_block(stiff, indices=range(3), grids=grids, settings=settings)
    assert (made.stiff_steps > 0).all()
    for row in range(3):
        np.testing.assert_array_equal(made.states[1][row], made.states[0][row, kept(made.times[1][row], 10.0)])


@pytest.mark.parametrize("every", [1, 3])
def test_iterates_that_are_left_out_change_no_others(every: int) -> None:
    """A map's dropped samples are the regular ones, in every lane of a group and of the last, incomplete one."""
    settings = BlockSettings(seed=0, transient=10, tolerance=1e-9, dtype="float32")
    dropped = DrawnGrid("gaps", DrawnTimes("dropped", float(every), 0.4), 200)
    made = integrate_block(LOGISTIC, indices=range(37), grids=[SampleGrid(every, 500), dropped], settings=settings)
    alone = integrate_block(LOGISTIC, indices=range(37), grids=[dropped], settings=settings)
    np.testing.assert_array_equal(alone.states[0], made.states[1])
    for row in range(37):
        np.testing.assert_array_equal(made.states[1][row], made.states[0][row, kept(made.times[1][row], float(every))])


def test_a_trajectory_that_fails_has_times_and_no_states() -> None:
    """x' = x^2 from 1 ends at t = 1: samples before are there, those after are NaN, times are the ones that were asked for."""
    pole = System(name="Pole", kind="flow", equations={"x": "x**2"}, initial={"x": 1.0})
    times = np.array([[0.25, 0.5, 1.5], [0.25, 0.5, 0.75]])
    start = Ensemble(np.ones((2, 1)), np.empty((2, 0)), np.zeros(2))
    made = integrate_ensemble(pole.definition, start, grids=[TimedGrid(times, 0.5, 1.5)], engine=Engine())
    assert made.status.tolist()[1] == Status.OK
    assert made.status.tolist()[0] != Status.OK
    np.testing.assert_allclose(made.states[0][:, :, 0], [[4 / 3, 2, np.nan], [4 / 3, 2, 4]], rtol=1e-13)
    np.testing.assert_array_equal(made.times[0], times)


def test_a_start_that_is_no_number_leaves_the_others() -> None:
    """The trajectories that can begin keep their own times."""
    times = np.array([[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]])
    start = Ensemble(np.array([[1.0, 0.0], [np.nan, 0.0], [1.0, 0.0]]), np.empty((3, 0)), np.zeros(3))
    engine = Engine()
    made = integrate_ensemble(SPIRAL.definition, start, grids=[TimedGrid(times, 0.1, 1.0)], engine=engine)
    last = integrate_ensemble(SPIRAL.definition, start.subset(np.array([2])), grids=[TimedGrid(times[2:], 0.1, 1.0)], engine=engine)
    assert np.isnan(made.states[0][1]).all()
    np.testing.assert_array_equal(made.states[0][2], last.states[0][0])


@pytest.mark.parametrize(
    ("system", "times", "message"),
    [
        (SPIRAL, [[0.2, 0.2]], "do not rise"),
        (SPIRAL, [[-0.1, 0.2]], "do not rise from 0"),
        (SPIRAL, [[0.1, np.nan]], "do not rise"),
        (LOGISTIC, [[1.0, 2.5]], "nothing between two iterates"),
    ],
)
def test_times_that_cannot_be_are_refused(system: System, times: list[list[float]], message: str) -> None:
    """Before any work."""
    start = Ensemble(np.ones((1, system.dimension)), np.empty((1, 0)), np.zeros(1))
    with pytest.raises(RequestError, match=message):
        integrate_ensemble(system.definition, start, grids=[TimedGrid(np.array(times), 1.0, 3.0)], engine=Engine())


def test_precision_reference_wants_regular_times() -> None:
    """The sentence says so."""
    settings = BlockSettings(seed=0, transient=0.0, tolerance=1e-14, dtype="float32", precision="reference")
    with pytest.raises(RequestError, match="times of each trajectory's own"):
        integrate_block(SPIRAL, indices=[0], grids=[POISSON], settings=settings)
