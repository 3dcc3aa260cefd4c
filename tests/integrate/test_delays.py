"""Delay systems against closed forms and the method of steps by hand, through their breaking points, and what is refused."""

from __future__ import annotations

from fractions import Fraction
from math import factorial, pi
from typing import Any

import numpy as np
import pytest

from attractory.errors import AttractoryError
from attractory.expressions.system import System
from attractory.integrate import BlockSettings, Engine, SampleGrid, integrate, integrate_block
from attractory.kernels import Target
from attractory.layout import Status

LINEAR = System(name="Linear", kind="delay", equations={"x": "-x(t - 1)"}, history={"x": "1"})
MACKEY_GLASS = System(
    name="MackeyGlass17",
    kind="delay",
    parameters={"tau": 17},
    equations={"x": "0.2*x(t - tau)/(1 + x(t - tau)**10) - 0.1*x"},
    history={"x": "0.5"},
)
TOLERANCES = (1e-6, 1e-8, 1e-10, 1e-12, 1e-14)


def steps_by_hand(t: Fraction, delay: int = 1) -> Fraction:
    """x(t) of x' = -x(t - delay) with x = 1 before 0: the sum over k of (-1)^k (t - (k - 1) delay)^k / k!, while t > (k - 1) delay."""
    total, k = Fraction(1), 1
    while t > (k - 1) * delay:
        total += Fraction((-1) ** k, factorial(k)) * (t - (k - 1) * delay) ** k
        k += 1
    return total


def whole(system: System, **asked: Any) -> Any:
    """States (time,) of the first variable, from the catalogued history."""
    settings = BlockSettings(0, asked.get("transient", 0.0), asked.get("tolerance", 1e-14), "float64")
    grid = SampleGrid(asked["dt"], asked["samples"])
    # The history as it is: the first trajectory of a draw is moved, a constant past is not.
    made = integrate_at_history(system, grid, settings)
    assert made.status.tolist() == [Status.OK]
    return made.states[0][0, :, 0]


def integrate_at_history(system: System, grid: SampleGrid, settings: BlockSettings) -> Any:
    from attractory.integrate import Pasts, integrate_delays

    parameters = np.array([system.definition.values]).reshape(1, -1)
    pasts = Pasts(np.zeros((1, system.dimension)), np.ones(1), parameters)
    return integrate_delays(system.definition, pasts, grids=[grid], engine=Engine(settings.tolerance), transient=settings.transient)


@pytest.mark.parametrize("tolerance", TOLERANCES)
def test_a_linear_equation_is_the_method_of_steps_by_hand(tolerance: float) -> None:
    """Polynomials of degree 1 to 10 over ten delays, which a series of that order has exactly: to round-off at every tolerance."""
    wanted = [float(steps_by_hand(Fraction(n, 20))) for n in range(201)]
    np.testing.assert_allclose(whole(LINEAR, samples=201, dt=0.05, tolerance=tolerance), wanted, atol=1e-14, rtol=0)


def test_a_history_in_closed_form_is_continued() -> None:
    """x' = -(pi/2) x(t - 1) with x = cos(pi t / 2) before 0 is that cosine for ever: nothing breaks at 0, and the history is a series."""
    system = System(name="Cosine", kind="delay", equations={"x": "-pi/2*x(t - 1)"}, history={"x": "cos(pi/2*t)"})
    t = 0.05 * np.arange(201)
    # The equation keeps what it is given: ten delays of round-off in steps of about a half.
    np.testing.assert_allclose(whole(system, samples=201, dt=0.05), np.cos(pi / 2 * t), atol=2e-14)


def test_two_delays_and_a_parameter() -> None:
    """x' = -a x(t - 1) + b x(t - pi) with exp(r t) before 0 is that exponential where r satisfies its characteristic equation."""
    r = 0.3
    a = 0.7
    b = (r + a * np.exp(-r)) / np.exp(-r * pi)
    system = System(
        name="Two",
        kind="delay",
        parameters={"a": a, "b": float(b), "r": r, "tau": pi},
        equations={"x": "-a*x(t - 1) + b*x(t - tau)"},
        history={"x": "exp(r*t)"},
    )
    t = 0.1 * np.arange(101)
    np.testing.assert_allclose(whole(system, samples=101, dt=0.1), np.exp(r * t), rtol=2e-13)  # growing solutions carry early round-off


def test_two_delays_with_no_common_measure_through_their_breaks() -> None:
    """x' = -x(t - 1) - x(t - sqrt(2)) with x = 1 before 0: integrating the constants of the first pieces by hand."""
    system = System(name="Breaks", kind="delay", parameters={"tau": 2**0.5}, equations={"x": "-x(t - 1) - x(t - tau)"}, history={"x": "1"})
    second = 2**0.5
    t = np.array([0.5, 1.0, 1.2, second, 1.7, 2.0])

    def by_hand(now: float) -> float:
        """x = 1 - 2 t, then each delay adds the integral of the 2 (t - delay) by which the past has fallen, until the breaks at 2."""
        return 1 - 2 * now + max(now - 1, 0.0) ** 2 + max(now - second, 0.0) ** 2

    found = np.interp(t, 1e-4 * np.arange(20001), whole(system, samples=20001, dt=1e-4))
    np.testing.assert_allclose(found, [by_hand(now) for now in t], atol=1e-8)  # the interpolation between samples


@pytest.mark.parametrize("tolerance", TOLERANCES)
def test_the_error_through_breaking_points_follows_the_tolerance(tolerance: float) -> None:
    """Mackey and Glass from a constant past, over eighteen delays with a kink at the first: against the tightest tolerance."""
    reference = whole(MACKEY_GLASS, samples=601, dt=0.5, tolerance=1e-15)
    error = np.abs(whole(MACKEY_GLASS, samples=601, dt=0.5, tolerance=tolerance) - reference).max()
    assert error < 10 * tolerance + 1e-14  # measured: at most 0.1 of the tolerance, and 4e-16


def test_a_break_that_is_ignored_would_show() -> None:
    """The same with an equation whose solution jumps in its third derivative only once: the sum of two closed forms."""
    system = System(name="Late", kind="delay", equations={"x": "-x(t - 3)"}, history={"x": "1"})
    wanted = [float(steps_by_hand(Fraction(n, 7), 3)) for n in range(141)]
    np.testing.assert_allclose(whole(system, samples=141, dt=1 / 7, tolerance=1e-13), wanted, rtol=1e-12, atol=1e-12)


def test_a_delay_shorter_than_a_step_is_handled() -> None:
    """x' = -x(t - 0.001) with the history exp(r t) of its slow root: a thousand steps a unit, each as long as the delay."""
    delay, r = 1e-3, -1.0
    for _ in range(60):
        r = -np.exp(-r * delay)
    system = System(name="Short", kind="delay", parameters={"r": float(r)}, equations={"x": "-x(t - 0.001)"}, history={"x": "exp(r*t)"})
    t = 0.1 * np.arange(31)
    np.testing.assert_allclose(whole(system, samples=31, dt=0.1), np.exp(r * t), rtol=1e-12)  # round-off of 3,000 steps


def test_a_long_delay_lets_the_ring_grow() -> None:
    """A delay of ten thousand steps: what is remembered grows as it must, and the last delay is as right as the first."""
    system = System(name="Long", kind="delay", equations={"x": "cos(50*t) + 0*x(t - 200)"}, history={"x": "0"})
    t = 0.5 * np.arange(1001)
    np.testing.assert_allclose(whole(system, samples=1001, dt=0.5), np.sin(50 * t) / 50, atol=1e-12)


def test_a_transient_is_the_same_run_seen_later() -> None:
    """Sample 0 is the state after the transient, to the tolerance the run without one, and `initial` is it to the bit."""
    early = integrate_at_history(MACKEY_GLASS, SampleGrid(0.5, 601), BlockSettings(0, 0.0, 1e-12, "float64"))
    late = integrate_at_history(MACKEY_GLASS, SampleGrid(0.5, 401), BlockSettings(0, 100.0, 1e-12, "float64"))
    np.testing.assert_allclose(late.states[0][0], early.states[0][0, 200:], atol=1e-11)
    np.testing.assert_array_equal(late.states[0][:, 0], late.initial)
    assert late.start_time.tolist() == [100.0]


def test_bits_do_not_depend_on_lanes_neighbours_or_instructions() -> None:
    """Seven trajectories with delays of their own: in any number of lanes, any order, under any target."""
    tau = np.array([17.0, 12.5, 30.0, 17.0, 3.25, 22.0, 8.0])
    asked: dict[str, Any] = {"samples": 200, "dt": 0.7, "tolerance": 1e-10, "transient": 50.0}
    first = integrate(MACKEY_GLASS, initial=np.linspace(0.4, 1.3, 7)[:, None], parameters={"tau": tau}, **asked).state.values
    order = np.array([4, 0, 6, 2, 5, 1, 3])
    for engine in (*(Engine(lanes=lanes) for lanes in (1, 2, 4, 8)), *(Engine(target=Target(name)) for name in ("sse2", "avx2"))):
        initial = np.linspace(0.4, 1.3, 7)[order, None]
        again = integrate(MACKEY_GLASS, initial=initial, parameters={"tau": tau[order]}, engine=engine, **asked)
        np.testing.assert_array_equal(again.state.values, first[order])


def test_a_block_is_a_function_of_seed_and_number() -> None:
    """Trajectories 3 and 1 by themselves are those of the block of five."""
    settings = BlockSettings(seed=7, transient=40.0, tolerance=1e-9, dtype="float32")
    grids = [SampleGrid(0.5, 50), SampleGrid(0.1, 20)]
    five = integrate_block(MACKEY_GLASS, indices=range(5), grids=grids, settings=settings)
    two = integrate_block(MACKEY_GLASS, indices=[3, 1], grids=grids, settings=settings)
    for many, few in zip(five.states, two.states, strict=True):
        np.testing.assert_array_equal(many[[3, 1]], few)
    assert len(np.unique(five.initial)) == 5


def test_a_constant_past_stands_in_for_the_history() -> None:
    """`initial` is x for all t <= 0: at rest where that is a fixed point, here x = 1 of Mackey and Glass."""
    made = integrate(MACKEY_GLASS, initial=[1.0], samples=50, dt=2.0)
    np.testing.assert_allclose(made.state.values, 1.0, atol=1e-14)


def test_an_indexed_system_reads_the_past_of_its_neighbours() -> None:
    """A ring of three, each following the next one's past, from equal histories: as one variable alone."""
    ring = System(name="Ring", kind="delay", indices={"i": 3}, equations={"x[i]": "-x[i + 1](t - 1)"}, history={"x[i]": "1"})
    made = integrate_at_history(ring, SampleGrid(0.25, 17), BlockSettings(0, 0.0, 1e-12, "float64")).states[0][0]
    for variable in range(3):
        np.testing.assert_array_equal(made[:, variable], whole(LINEAR, samples=17, dt=0.25, tolerance=1e-12))


def test_a_trajectory_that_fails_ends_alone() -> None:
    """x' = x(t - 1)^2 from 3 is beyond every number within six delays, from 0.01 it is not; NaN is not begun."""
    system = System(name="Pole", kind="delay", equations={"x": "x(t - 1)**2 + x**2"}, history={"x": "1"})
    made = integrate(system, initial=[[0.01], [3.0], [np.nan]], samples=5, dt=0.5, tolerance=1e-9)
    assert made.status.values.tolist() == [Status.OK, Status.DIVERGED, Status.NOT_STARTED]
    assert np.isfinite(made.state.values[0]).all()
    assert np.isnan(made.state.values[1, 1:]).all()
    assert np.isnan(made.state.values[2]).all()


def test_a_budget_of_steps_is_kept() -> None:
    """A hundred steps, where thousands are needed."""
    made = integrate(MACKEY_GLASS, initial=[0.5], samples=3, dt=1000.0, engine=Engine(step_budget=100))
    assert made.status.values.tolist() == [Status.STEP_BUDGET]


ENTRY: dict[str, Any] = {
    "name": "Mine",
    "kind": "delay",
    "parameters": {"tau": 2},
    "equations": {"x": "-x(t - tau)"},
    "history": {"x": "1"},
}
REFUSALS: dict[str, tuple[dict[str, Any], str]] = {
    "future": ({"equations": {"x": "x(t + 1)"}}, r"reads 'x' at t \+1; a delay must be above zero"),
    "now": ({"equations": {"x": "x(t)"}}, r"not t less a delay. Write x for now, x\(t - tau\) for the past"),
    "scaled": ({"equations": {"x": "x(2*t)"}}, r"a time that does not begin with t"),
    "scaled after": ({"equations": {"x": "x(t*2)"}}, r"at a time that is not t less a delay"),
    "state-dependent": ({"equations": {"x": "-x(t - x)"}}, r"with a delay that depends on t or a state; delays must be constant"),
    "time-dependent": ({"equations": {"x": "-x(t - 1 - t)"}}, r"with a delay that depends on t or a state"),
    "zero": ({"parameters": {"tau": 0}}, r"have a delay of 0 with these parameters; expected a finite number above zero"),
    "negative": ({"parameters": {"tau": -1}}, r"have a delay of -1 with these parameters"),
    "no history": ({"history": {}}, r"history: has no value for x"),
    "history fails": ({"history": {"x": "log(t)"}}, r"history gives x the value nan at t = -2; expected a finite number"),
    "switch": ({"equations": {"x": "-sign(x(t - tau))"}}, r"equations use sign; delay systems with switches are not integrated"),
    "no past": ({"equations": {"x": "-x"}}, r"equations read no past state"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_delay_that_cannot_be_is_refused_in_words(case: str) -> None:
    """Each message says what was found and what was expected."""
    keys, message = REFUSALS[case]
    with pytest.raises(AttractoryError, match=message):
        System(**{**ENTRY, **keys})


def test_a_delay_of_an_ensemble_is_checked_before_any_work() -> None:
    """The message names the parameter, its value and the trajectory."""
    with pytest.raises(AttractoryError, match=r"Mine: trajectory 1 has a delay of -1 \(tau = -1\); expected a finite number above zero"):
        integrate(System(**ENTRY), parameters={"tau": [1.0, -1.0]}, samples=2, dt=1.0)
