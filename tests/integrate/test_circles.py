"""Coordinates on a circle: stored in their ranges, integrated as they grow."""

from __future__ import annotations

from dataclasses import replace

import mpmath
import numpy as np
import pytest

import attractory
from attractory.expressions.circles import as_stored, difference, within
from attractory.expressions.system import System
from attractory.integrate import BlockSettings, Engine, Ensemble, SampleGrid, Trajectories, integrate, integrate_block, integrate_ensemble
from attractory.layout import Status

ROTOR = {"name": "Rotor", "equations": {"q": "p", "p": "-sin(q)"}, "initial": {"q": 0.5, "p": 2.5}}
ANGLES = ("ArnoldBeltramiChildress", "DoublePendulum", "Duffing", "ForcedVanDerPol")


def clock(low: str, high: str) -> System:
    """q' = 1 on a circle."""
    return System(name="Clock", equations={"q": "1", "x": "cos(q)"}, initial={"q": 0.0, "x": 0.0}, wrap={"q": [low, high]})


def made_from(system: System, initial: np.ndarray, grids: list[SampleGrid], **engine: object) -> Trajectories:
    values = np.tile(system.definition.values, (len(initial), 1))
    return integrate_ensemble(system.definition, Ensemble(initial, values, np.zeros(len(initial))), grids=grids, engine=Engine(**engine))


@pytest.mark.parametrize("name", ANGLES)
@pytest.mark.parametrize("part", [100, 3])
def test_samples_are_the_unwrapped_ones_less_whole_turns(name: str, part: int) -> None:
    """Both ways of sampling (many samples a step, few), two grids: everything but the turns is as without `wrap`."""
    system = attractory.system(name)
    bare = System.from_record(system.record.model_copy(update={"wrap": {}}))
    initial = within(system.initial * (1 + 0.01 * np.arange(20)[:, None]), system.definition.wrap)
    grids = [SampleGrid(system.period / part, 300), SampleGrid(7 * system.period / part, 40)]
    found, unwrapped = made_from(system, initial, grids), made_from(bare, initial, grids)
    for states, plain in zip(found.states, unwrapped.states, strict=True):
        others = np.setdiff1d(np.arange(system.dimension), [one.variable for one in system.definition.wrap])
        np.testing.assert_array_equal(states[..., others], plain[..., others])
        # half a unit in the last place of the unwrapped angle, up to 900 here
        assert np.abs(difference(states, plain, system.definition.wrap)).max() < 1e-15 * max(10, np.abs(plain).max())
        for one in system.definition.wrap:
            assert one.low <= states[..., one.variable].min()
            assert states[..., one.variable].max() < one.high
        np.testing.assert_array_equal(states[:, 0], initial)


@pytest.mark.parametrize(("low", "high"), [("0", "2*pi"), ("-pi", "pi"), ("0.3", "2*pi + 0.3")])
def test_single_precision_never_rounds_out_of_the_range(low: str, high: str) -> None:
    """Samples at every float32 around the ends, and as `as_stored` makes them of the double ones, both ways of sampling."""
    system = clock(low, high)
    (one,) = system.definition.wrap
    ends = np.array([one.low, one.high - 1e-3])
    initial = np.stack([within(ends[:, None], (replace_place(one),))[:, 0], np.zeros(2)], axis=1)
    for dt in (1e-8, 0.37):
        grids = [SampleGrid(dt, 200_000 if dt < 0.1 else 500)]
        single, double = (made_from(system, initial, grids, dtype=dtype).states[0] for dtype in ("float32", "float64"))
        assert one.low <= float(single[..., 0].min())
        assert float(single[..., 0].max()) < one.high
        np.testing.assert_array_equal(single, as_stored(double, system.definition.wrap, "float32"))
        turned = difference(single.astype(float), double, system.definition.wrap)
        assert np.abs(turned[..., 0]).max() < 8e-7  # two units in the last place of 6.28


def replace_place(one):
    """The same circle for states of one column."""
    return one._replace(variable=0)


def test_an_angle_keeps_its_digits_after_a_million_turns() -> None:
    """q' = 1 from 2 pi 10^6: the samples are modulo 2 pi itself, not modulo the double nearest to it."""
    system = clock("0", "2*pi")
    found = made_from(system, np.array([[2e6 * np.pi, 0.0]]), [SampleGrid(0.3, 100)]).states[0][0, :, 0]
    with mpmath.workdps(40):
        exact = [float(mpmath.fmod(mpmath.mpf(2e6 * np.pi) + mpmath.mpf(0.3 * n), 2 * mpmath.pi)) for n in range(100)]
    np.testing.assert_allclose(found, exact, rtol=0, atol=2e-15)


def test_the_initial_state_of_a_block_is_its_sample_zero() -> None:
    """A rotor drawn, run through its transient, and stored from a state in the range; without a transient too."""
    system = System(**ROTOR, wrap={"q": ["-pi", "pi"]})
    for transient in (0.0, 40.0):
        settings = BlockSettings(seed=1, transient=transient, tolerance=1e-12, dtype="float64")
        made = integrate_block(system, indices=range(8), grids=[SampleGrid(0.1, 50)], settings=settings)
        np.testing.assert_array_equal(made.initial, made.states[0][:, 0])
        beginnings = Ensemble(made.initial, made.parameters, made.start_time)
        again = integrate_ensemble(system.definition, beginnings, grids=[SampleGrid(0.1, 50)], engine=Engine(tolerance=1e-12))
        np.testing.assert_array_equal(again.states[0], made.states[0])


def test_a_start_outside_the_range_is_integrated_as_given() -> None:
    """Sample 0 is the given angle less its turns; the trajectory is that of the given state."""
    system, bare = System(**ROTOR, wrap={"q": [0, "2*pi"]}), System(**ROTOR)
    found, plain = (integrate(one, initial=[100.0, 2.5], samples=50, dt=0.1) for one in (system, bare))
    np.testing.assert_array_equal(found.state.values[..., 1], plain.state.values[..., 1])
    assert found.state.values[0, 0, 0] == pytest.approx(100.0 - 30 * np.pi, abs=2e-14)
    assert found.attrs["wrap"] == "q: [0.0, 6.283185307179586)"


def test_a_stiff_flow_has_its_angle_in_range() -> None:
    """A clock beside a stiff equation, by the method for stiff flows."""
    equations = {"q": "3", "x": "-1e6*(x - cos(q)) - 3*sin(q)"}
    system = System(name="Stiff", equations=equations, initial={"q": 0.0, "x": 1.0}, wrap={"q": [0, "2*pi"]})
    made = integrate(system, initial=[0.0, 1.0], samples=201, dt=0.05, tolerance=1e-9)
    assert made.stiff_steps.values[0] > 0
    angle = made.state.values[0, :, 0]
    assert angle.min() >= 0
    assert angle.max() < 2 * np.pi
    turned = difference(angle[:, None], 3 * made.time.values[:, None], (replace_place(system.definition.wrap[0]),))
    assert np.abs(turned).max() < 1e-12
    np.testing.assert_allclose(made.state.values[0, :, 1], np.cos(3 * made.time.values), rtol=0, atol=1e-6)


def test_a_ring_of_oscillators_is_wrapped_in_loops() -> None:
    """Forty phases of one indexed variable."""
    keys = {"parameters": {"N": 40}, "indices": {"i": "N"}, "equations": {"q[i]": "1 + 0.1*i + sin(q[i+1] - q[i])"}}
    ring = {"name": "Ring", **keys, "initial": {"q[i]": "i"}}
    system, bare = System(**ring, wrap={"q": [0, "2*pi"]}), System(**ring)
    initial = np.tile(within(system.initial, system.definition.wrap), (3, 1))
    found, plain = (made_from(one, initial, [SampleGrid(0.1, 200)]).states[0] for one in (system, bare))
    assert found.max() < 2 * np.pi
    assert found.min() >= 0
    assert np.abs(difference(found, plain, system.definition.wrap)).max() < 3e-14


def test_nan_follows_a_failure_on_a_circle_too() -> None:
    """A pole in finite time beside a clock."""
    system = System(name="Pole", equations={"q": "1", "x": "x*x"}, initial={"q": 0.0, "x": 1.0}, wrap={"q": [0, 1]})
    made = integrate(system, initial=[0.0, 1.0], samples=21, dt=0.1)
    assert made.status.values.tolist() == [Status.DIVERGED]
    assert np.isnan(made.state.values[0, 15:]).all()
    assert np.isfinite(made.state.values[0, :10]).all()


def test_a_range_that_a_parameter_decides_is_one_for_all() -> None:
    """Another length of the circle needs another system; with one value for all it is asked for by `with_parameters`."""
    keys = {"equations": {"x": "cos(2*pi*x/L)"}, "parameters": {"L": 3.0, "a": 1.0}, "initial": {"x": 0.5}, "wrap": {"x": [0, "L"]}}
    system = System(name="Ring", **keys)
    assert system.with_parameters(L=2.0).ranges == {"x": (0.0, 2.0)}
    with pytest.raises(attractory.errors.RequestError, match=r"wrap\.x would have another range .* system\.with_parameters\(L="):
        integrate(system, initial=[0.5], samples=5, dt=0.1, parameters={"L": 2.0})
    assert integrate(system, initial=[0.5], samples=5, dt=0.1, parameters={"a": 2.0}).status.values[0] == Status.OK


def test_exponents_are_those_of_the_unwrapped_flow() -> None:
    """Tangent vectors, and nearby trajectories where the right-hand side jumps: no turn is taken for a distance."""
    jumping = {"name": "Jumps", "equations": {"q": "1 + 0.1*x", "x": "-x + where(sin(q) > 0, 1, -1)"}, "initial": {"q": 0.0, "x": 0.1}}
    for entry in (ROTOR, jumping):
        values = [attractory.lyapunov_spectrum(System(**entry, wrap=wrap), standard_error=0.05).value for wrap in ({}, {"q": [0, "2*pi"]})]
        np.testing.assert_allclose(values[0], values[1], rtol=0, atol=0.05)


def test_a_wrapped_map_stays_below_the_upper_end_in_both_precisions() -> None:
    """A rounding that leads to 2 pi itself leads to 0; so does one of float32."""
    equations = {"q": "q + p", "p": "p"}
    system = System(name="Turn", kind="map", equations=equations, initial={"q": 0.0, "p": 1.0}, wrap={"q": [0, "2*pi"]})
    initial = np.array([[np.nextafter(2 * np.pi, 0), 0.0], [2 * np.pi - 1e-8, 0.0], [1e-17, -1e-17], [1.0, -1.0 - 1e-17]])
    for dtype in ("float64", "float32"):
        states = made_from(system, initial, [SampleGrid(1, 5)], dtype=dtype).states[0][..., 0].astype(float)
        assert states.min() >= 0
        assert states.max() < 2 * np.pi


def test_the_unwrapped_definition_is_there_for_who_asks() -> None:
    """A definition without its circles gives angles that grow."""
    system = clock("0", "2*pi")
    bare = replace(system.definition, wrap=())
    ensemble = Ensemble(np.zeros((1, 2)), np.zeros((1, 0)), np.zeros(1))
    made = integrate_ensemble(bare, ensemble, grids=[SampleGrid(10.0, 3)], engine=Engine())
    np.testing.assert_allclose(made.states[0][0, :, 0], [0.0, 10.0, 20.0], rtol=1e-15)
