"""Poincaré sections: every crossing once, in order, at the right time and on the section."""

from __future__ import annotations

import platform

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import attractory
from attractory.errors import RequestError
from attractory.expressions.section import cut, read_section
from attractory.expressions.system import System
from attractory.integrate import Engine, Ensemble, SampleGrid, SectionGrid, Trajectories, integrate, integrate_ensemble
from attractory.kernels import Target
from attractory.layout import Status

TURN = System(
    name="Turn", equations={"x": "w*y", "y": "-w*x"}, parameters={"w": 1.0}, initial={"x": 1.0, "y": 0.0},
    timescale={"period": 6.2831853, "definition": "2 pi / w"},
)  # fmt: skip
DECAY = System(name="Decay", equations={"x": "-x"}, initial={"x": 1.0})
BOUNCE = System(name="Bounce", equations={"x": "v", "v": "-sign(x)"}, initial={"x": 1.0, "v": 0.0})
MAP = System(name="Halves", kind="map", equations={"x": "x/2"}, initial={"x": 1.0})
LORENZ_CUT = {"of": "z", "at": 27, "direction": "up"}


def crossings(system: System, section: dict, samples: int, **settings) -> tuple[np.ndarray, np.ndarray]:
    """(times, states) of one trajectory from the catalogued state."""
    made = integrate(system, initial=system.initial, section=section, samples=samples, **settings)
    assert made.status.values.tolist() == [0]
    return made.time.values[0], made.state.values[0]


def ensemble(name: str, sections: list[dict], grids: list[SampleGrid], samples: int = 12, order=slice(None), **engine) -> Trajectories:
    """Seven trajectories near the catalogued state, cut and sampled in one run."""
    system = attractory.system(name)
    starts = (np.asarray(system.initial) * (1 + 0.01 * np.arange(7)[:, None]))[order]
    cuts = [SectionGrid(cut(system, read_section(section)), samples, np.inf, 0.1) for section in sections]
    parameters = np.tile(system.definition.values, (len(starts), 1))
    return integrate_ensemble(
        system.definition, Ensemble(starts, parameters, np.zeros(len(starts))), grids=[*grids, *cuts], engine=Engine(1e-12, **engine)
    )


def test_lorenz_is_cut_where_scipy_finds_it() -> None:
    """Eight crossings of z = 27 by DOP853 at 1e-13 with short steps, so that its dense output is as good: to 1e-10 of a time unit."""
    times, states = crossings(attractory.system("Lorenz"), LORENZ_CUT, 8)

    def rates(t: float, state: np.ndarray) -> list[float]:
        x, y, z = state
        return [10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z]

    def event(t: float, state: np.ndarray) -> float:
        return state[2] - 27

    event.direction = 1.0  # type: ignore[attr-defined]
    start = attractory.system("Lorenz").initial
    solution = solve_ivp(rates, (0, times[-1] + 0.1), start, method="DOP853", rtol=1e-13, atol=1e-13, max_step=0.01, events=event)
    np.testing.assert_allclose(times, solution.t_events[0], rtol=0, atol=1e-10)
    np.testing.assert_allclose(states, solution.y_events[0], rtol=0, atol=1e-8)  # a time of 1e-10 at a speed of a hundred
    assert np.abs(states[:, 2] - 27).max() <= 2**-48


@pytest.mark.parametrize(("direction", "first", "step"), [("down", 0.5, 2.0), ("up", 1.5, 2.0), ("both", 0.5, 1.0)])
def test_an_oscillators_crossings_are_those_of_the_cosine(direction: str, first: float, step: float) -> None:
    """x = cos t crosses zero at odd multiples of pi / 2, falling first: two hundred crossings to 1e-13 of the time."""
    times, states = crossings(TURN, {"of": "x", "direction": direction}, 200)
    np.testing.assert_allclose(times, (first + step * np.arange(200)) * np.pi, rtol=1e-13)
    assert np.abs(states[:, 0]).max() < 2**-52  # a rounding of terms of size one
    if direction != "both":
        assert (np.sign(states[:, 1]) == (1 if direction == "up" else -1)).all()


def test_at_may_be_an_expression_of_parameters() -> None:
    """cos(2 t) = w/4 at w = 2 falls through 1/2 at t = pi/6."""
    made = integrate(TURN, initial=[1.0, 0.0], parameters={"w": 2.0}, section={"of": "x", "at": "w/4", "direction": "down"}, samples=3)
    np.testing.assert_allclose(made.time.values[0], np.pi * (1 / 6 + np.arange(3)), rtol=1e-14)


def test_every_maximum_of_x_is_one() -> None:
    """Rössler: x' = -y - z is zero to the rounding of y and z, and x'' = -y' - z' below zero, so each is a maximum; there is one a turn."""
    made = integrate("Rossler", 3, section={"maximum_of": "x"}, samples=200)
    x, y, z = np.moveaxis(made.state.values, 2, 0)
    assert np.abs(y + z).max() <= 4 * np.finfo(float).eps * np.abs(y).max()
    assert (-(x + 0.2 * y) - (0.2 + z * (x - 5.7)) < 0).all()
    turns = np.diff(made.time.values, axis=1)
    assert turns.min() > 4.5
    assert turns.max() < 7.5


def test_minima_and_maxima_take_turns() -> None:
    """Of cos t: maxima at even multiples of pi, the start being one (which does not count), minima at odd ones."""
    np.testing.assert_allclose(crossings(TURN, {"maximum_of": "x"}, 5)[0], 2 * np.pi * np.arange(1, 6), rtol=1e-14)
    np.testing.assert_allclose(crossings(TURN, {"minimum_of": "x"}, 5)[0], np.pi * np.arange(1, 11, 2), rtol=1e-14)


def test_a_section_of_henon_heiles_keeps_the_energy() -> None:
    """Five hundred crossings of x = 0 lie on one surface of energy: to 1e-12, some thousand roundings."""
    _, states = crossings(attractory.system("HenonHeiles"), {"of": "x"}, 500)
    x, y, px, py = states.T
    energy = (px**2 + py**2 + x**2 + y**2) / 2 + x**2 * y - y**3 / 3
    assert np.abs(energy / energy[0] - 1).max() < 1e-12
    assert np.abs(x).max() < 1e-15
    assert (px > 0).all()


def test_a_touch_is_no_crossing() -> None:
    """cos t touches 1 at every turn and never crosses it; 1 - 1e-12 it crosses twice a turn, 2.8e-6 apart."""
    made = integrate(TURN, initial=[1.0, 0.0], section={"of": "x", "at": 1, "direction": "both", "within": 40.0}, samples=1)
    assert made.status.values.tolist() == [Status.NOT_CROSSED]
    times, _ = crossings(TURN, {"of": "x", "at": 1 - 1e-12, "direction": "both"}, 5)
    half = np.arccos(1 - 1e-12)
    np.testing.assert_allclose(times, np.array([half, *(2 * np.pi * np.repeat([1, 2], 2) + half * np.array([-1, 1, -1, 1]))]), atol=1e-9)


def test_a_start_on_the_section_does_not_count() -> None:
    """sin t starts at zero, rising: the first rise through zero is one turn later."""
    made = integrate(TURN, initial=[0.0, 1.0], section={"of": "x"}, samples=2)
    np.testing.assert_allclose(made.time.values[0], [2 * np.pi, 4 * np.pi], rtol=1e-14)


def test_many_crossings_in_one_step_are_all_found_in_order() -> None:
    """A step of x' = -x is longer than a turn of sin(40 t): each of its zeros is found, and none twice."""
    times, _ = crossings(DECAY, {"of": "sin(40*t)", "direction": "both"}, 100)
    made = integrate(DECAY, initial=[1.0], section={"of": "sin(40*t)", "direction": "both"}, samples=100)
    assert int(made.steps[0]) < 50
    np.testing.assert_allclose(times, np.pi / 40 * np.arange(1, 101), rtol=1e-13)


def test_a_driven_system_is_cut_at_a_phase_of_its_drive() -> None:
    """Duffing's phase grows at the rate omega: crossings of sin(z) are one period of the drive apart, to rounding of the time."""
    made = integrate("Duffing", 2, section={"of": "sin(z)"}, samples=100)
    np.testing.assert_allclose(np.diff(made.time.values), 2 * np.pi / 1.4, rtol=0, atol=1e-12)


@pytest.mark.parametrize("section", [{"of": "x"}, {"maximum_of": "v"}])
def test_systems_with_switches_are_cut_too(section: dict) -> None:
    """x'' = -sign(x) from 1: arcs of parabolas, x rises through zero every 4 sqrt 2; v' jumps from 1 to -1 there, which is v's maximum."""
    times, _ = crossings(BOUNCE, {**section, "within": 100.0}, 10)
    np.testing.assert_allclose(times, np.sqrt(2) * (3 + 4 * np.arange(10)), rtol=1e-12)


def test_a_step_that_is_taken_back_takes_its_crossings_along() -> None:
    """y' = tanh(2000 (x - 1)), x' = 1: no coefficient foresees the turn at x = 1. A step from x = 0.3 of length one falls through -1/4
    and is taken back: y is |t - 0.7| but for a thousandth; it crosses 0.2 twice and -1/4 never."""
    turned = System(name="Turned", equations={"x": "1", "y": "tanh(2000*(x - 1))"}, initial={"x": 0.3, "y": 0.7})
    never = integrate(turned, initial=turned.initial, section={"of": "y", "at": -0.25, "direction": "both", "within": 3.0}, samples=1)
    assert never.status.values.tolist() == [Status.NOT_CROSSED]
    np.testing.assert_allclose(crossings(turned, {"of": "y", "at": 0.2, "direction": "both"}, 2)[0], [0.5, 0.9], rtol=1e-10)
    np.testing.assert_allclose(crossings(turned, {"minimum_of": "y", "within": 9.0}, 1)[0], [0.7], rtol=1e-10)


def test_large_systems_are_cut_too() -> None:
    """Sixty variables, whose kernels are loops: x0 lies on the section, the others are what a regular sample at that time is."""
    name = attractory.system("Lorenz96").with_parameters(N=60)
    times, states = crossings(name, {"of": "x[0]", "at": 2}, 3)
    assert np.abs(states[:, 0] - 2).max() < 1e-14
    again = integrate(name, initial=name.initial, samples=2, dt=float(times[2])).state.values[0, 1]
    np.testing.assert_allclose(again, states[2], rtol=1e-12)


def test_what_is_never_crossed_has_a_status_and_ends_soon() -> None:
    """Lorenz stays below 60: after a thousand periods NaN, NOT_CROSSED; what was crossed before `within` was over is kept."""
    made = integrate("Lorenz", 2, section={"of": "z", "at": 60}, samples=3)
    assert made.status.values.tolist() == [Status.NOT_CROSSED] * 2
    assert np.isnan(made.state.values).all()
    assert np.isnan(made.time.values).all()
    assert int(made.steps.max()) < 25_000
    made = integrate(DECAY, initial=[1.0], section={"of": "x", "at": 0.5, "direction": "down", "within": 5.0}, samples=2)
    assert made.status.values.tolist() == [Status.NOT_CROSSED]
    np.testing.assert_allclose(made.time.values[0], [np.log(2), np.nan], rtol=1e-15)
    np.testing.assert_allclose(made.state.values[0, :, 0], [0.5, np.nan], rtol=1e-15)


def test_without_a_period_a_million_steps_are_the_budget() -> None:
    """A fixed point, whose steps are the longest that are made, waits no longer."""
    made = integrate(DECAY, initial=[0.0], section={"of": "x", "at": 0.5}, samples=2)
    assert made.status.values.tolist() == [Status.NOT_CROSSED]
    assert int(made.steps[0]) <= 1_000_002


def test_other_granularities_of_the_run_change_no_bit() -> None:
    """A section alone, two together, and beside regular samples: the same crossings; and the same regular samples as without sections."""
    fine, coarse = SampleGrid(0.0075, 300), SampleGrid(0.05, 100)
    other = {"maximum_of": "x"}
    alone = ensemble("Lorenz", [LORENZ_CUT], [])
    many = ensemble("Lorenz", [other, LORENZ_CUT], [fine, coarse])
    plain = ensemble("Lorenz", [], [fine, coarse])
    np.testing.assert_array_equal(alone.states[0], many.states[3])
    np.testing.assert_array_equal(alone.times[0], many.times[3])
    np.testing.assert_array_equal(ensemble("Lorenz", [other], []).states[0], many.states[2])
    assert many.times[:2] == (None, None)
    for regular, own in zip(plain.states, many.states[:2], strict=True):
        np.testing.assert_array_equal(regular, own)


@pytest.mark.parametrize(
    ("name", "section"),
    [
        ("Lorenz", LORENZ_CUT),
        ("Thomas", {"maximum_of": "x*y"}),
        ("Chua", {"of": "x - y"}),
        ("Rossler", {"of": "sin(30*y + 20*t)", "direction": "both"}),
    ],
)
def test_crossings_have_the_same_bits_everywhere(name: str, section: dict) -> None:
    """SSE2, AVX2 and native, one to sixteen lanes, the batch in another order."""
    forced = platform.machine().lower() in ("x86_64", "amd64")
    targets = ("sse2", "avx2", "native", "native") if forced else ("native",) * 4
    shuffled = [3, 6, 0, 5, 1, 4, 2]
    found = set()
    for target, lanes, order in zip(targets, (2, 4, 1, 16), (shuffled, list(range(7)), shuffled, list(range(7))), strict=True):
        made = ensemble(name, [section], [], samples=6, order=order, target=Target(target), lanes=lanes)
        back = np.argsort(order)
        found.add(np.ascontiguousarray(made.states[0][back]).tobytes() + np.ascontiguousarray(made.times[0][back]).tobytes())
    assert len(found) == 1


def test_single_precision_is_double_precision_rounded() -> None:
    """The state is; its time stays double."""
    single, double = (ensemble("Lorenz", [LORENZ_CUT], [], dtype=dtype) for dtype in ("float32", "float64"))
    assert single.states[0].dtype == np.float32
    np.testing.assert_array_equal(single.states[0], double.states[0].astype(np.float32))
    np.testing.assert_array_equal(single.times[0], double.times[0])


def test_crossing_times_follow_the_tolerance() -> None:
    """HenonHeiles' tenth crossing against that at 1e-15: each thousandth of the tolerance takes the error down by a hundred at least."""
    times = {tolerance: crossings(attractory.system("HenonHeiles"), {"of": "x"}, 10, tolerance=tolerance)[0] for tolerance in
             (1e-3, 1e-6, 1e-9, 1e-12, 1e-15)}  # fmt: skip
    errors = [np.abs(times[tolerance] - times[1e-15]).max() for tolerance in (1e-3, 1e-6, 1e-9, 1e-12)]
    assert (np.array(errors[1:]) < 0.01 * np.array(errors[:-1])).all()
    assert errors[-1] < 1e-10


def test_a_trajectory_that_cannot_start_has_no_times() -> None:
    """NaN for it, and its neighbours as ever."""
    made = integrate(TURN, initial=[[np.nan, 0.0], [1.0, 0.0]], section={"of": "x"}, samples=2)
    assert made.status.values.tolist() == [Status.NOT_STARTED, Status.OK]
    assert np.isnan(made.time.values[0]).all()
    np.testing.assert_allclose(made.time.values[1], [1.5 * np.pi, 3.5 * np.pi], rtol=1e-14)


def test_the_dataset_has_a_time_for_each_crossing() -> None:
    """`time` (trajectory, time) is a coordinate, counted from the state after the transient, which is no sample."""
    made = integrate(TURN, 3, section={"of": "x"}, samples=4, seed=2)
    assert made.time.dims == ("trajectory", "time")
    assert made.state.dims == ("trajectory", "time", "variable")
    assert "time" in made.coords
    assert (np.diff(made.time.values) > 0).all()
    np.testing.assert_array_equal(made.state.values, integrate(TURN, 5, section={"of": "x"}, samples=4, seed=2).state.values[:3])


@pytest.mark.parametrize(
    ("system", "section", "message"),
    [
        (MAP, {"of": "x"}, r"Halves is a map: each iterate is a point already; a section cuts the trajectories of a flow"),
        (TURN, {"of": "q"}, r"Turn: section\.of .*q"),
        (TURN, {"of": "x", "at": "y"}, r"section\.at is 'y', which changes along a trajectory"),
        (TURN, {"of": "w"}, r"section\.of is 'w', which never changes along a trajectory"),
        (TURN, {"of": "abs(x)"}, r"section\.of: 'abs\(x\)' uses abs of the state; expected a smooth expression"),
        (TURN, {"of": "x", "direction": "upp"}, r"section\.direction is 'upp'; expected up, down, both\. Did you mean 'up'\?"),
        (TURN, {"of": "x", "dir": "up"}, r"section has no key 'dir'"),
        (TURN, {}, r"section has none of of, maximum_of and minimum_of; expected exactly one"),
        (TURN, {"of": "x", "maximum_of": "x"}, r"section has of and maximum_of of of"),
        (TURN, {"maximum_of": "x", "at": 1}, r"section has maximum_of beside at or direction"),
        (TURN, {"of": "x", "within": 0}, r"section\.within is 0; expected a finite number of time units above zero"),
        (TURN, "x", r"section is 'x'; expected a mapping"),
        (TURN, {"of": "x +"}, r"Turn: section\.of "),
    ],
)  # fmt: skip
def test_a_section_that_cannot_be_is_refused_in_one_sentence(system: System, section: dict, message: str) -> None:
    """Where, what was found, what was expected."""
    with pytest.raises(RequestError, match=message):
        integrate(system, section=section, samples=3)


def test_a_section_and_a_step_do_not_go_together() -> None:
    """Samples are either at regular times or crossings."""
    with pytest.raises(RequestError, match="section and dt both say when to sample"):
        integrate(TURN, section={"of": "x"}, samples=3, dt=0.1)
    with pytest.raises(RequestError, match="samples is missing"):
        integrate(TURN, section={"of": "x"})
