"""Flows whose solutions are known in closed form, and what becomes of those that cannot go on."""

from __future__ import annotations

import numpy as np
import pytest

from attractory.expressions.system import System
from attractory.integrate import Engine, Ensemble, SampleGrid, advance, integrate, integrate_ensemble
from attractory.layout import Status


def flow(equations: dict[str, str], **keys: object) -> System:
    """A flow that starts at 1 in every variable unless told otherwise."""
    return System(name="Flow", equations=equations, initial=dict.fromkeys(equations, 1.0), **keys)


def solution(system: System, initial: list[float], *, samples: int = 101, dt: float = 0.1, tolerance: float = 1e-14) -> np.ndarray:
    """States (time, variable) of one trajectory, which must have gone well."""
    made = integrate(system, initial=initial, samples=samples, dt=dt, tolerance=tolerance)
    assert made.status.values.tolist() == [Status.OK]
    return made.state.values[0]


TIMES = np.arange(101) * 0.1


def test_exponential_decay_is_exact_to_round_off() -> None:
    """x' = -x."""
    np.testing.assert_allclose(solution(flow({"x": "-x"}), [1.0])[:, 0], np.exp(-TIMES), atol=1e-15)


def test_oscillator_keeps_amplitude_and_phase() -> None:
    """x'' = -x over 16 turns; a hundred roundings are allowed."""
    states = solution(flow({"x": "y", "y": "-x"}), [1.0, 0.0], samples=1001)
    np.testing.assert_allclose(states[:, 0], np.cos(np.arange(1001) * 0.1), atol=1e-13)


def test_logistic_growth_has_its_closed_form() -> None:
    """x' = x (1 - x)."""
    expected = 1 / (1 + 9 * np.exp(-TIMES))
    np.testing.assert_allclose(solution(flow({"x": "x*(1 - x)"}), [0.1])[:, 0], expected, atol=1e-14)


def test_explicit_time_is_the_time_since_the_start() -> None:
    """x' = cos(t) + t."""
    states = solution(flow({"x": "cos(t) + t"}), [0.0])
    np.testing.assert_allclose(states[:, 0], np.sin(TIMES) + TIMES**2 / 2, atol=5e-14)


@pytest.mark.parametrize(("rate", "expected"), [("0*x", 1.0 + 0 * TIMES), ("2", 1 + 2 * TIMES), ("3*t**2", 1 + TIMES**3)])
def test_vanishing_coefficients_give_a_bounded_step(rate: str, expected: np.ndarray) -> None:
    """A fixed point and solutions that are polynomials in t."""
    np.testing.assert_allclose(solution(flow({"x": rate}), [1.0])[:, 0], expected, rtol=1e-14)


def test_sample_zero_is_the_initial_state_to_the_bit() -> None:
    """No rounding on the way to time zero."""
    start = np.random.default_rng(0).normal(size=(5, 2))
    made = integrate(flow({"x": "sin(y)", "y": "-x*y"}), initial=start, samples=3, dt=0.1)
    np.testing.assert_array_equal(made.state.values[:, 0], start)


def test_sign_switches_bounce_as_parabolas_do() -> None:
    """x'' = -sign(x): from (0, 1) each arc lasts 2 and is a parabola; 24 crossings in all."""
    states = solution(flow({"x": "y", "y": "-sign(x)"}), [0.0, 1.0], samples=481)
    phase = np.mod(np.arange(481) * 0.1, 4)
    arc = np.where(phase < 2, phase - phase**2 / 2, -((phase - 2) - (phase - 2) ** 2 / 2))
    np.testing.assert_allclose(states[:, 0], arc, atol=2e-14)


def test_levels_are_crossed_one_by_one() -> None:
    """x' = floor(t): between integers a straight line."""
    whole = np.floor(TIMES + 1e-9)
    expected = whole * (whole - 1) / 2 + whole * (TIMES - whole)
    np.testing.assert_allclose(solution(flow({"x": "floor(t)"}), [0.0])[:, 0], expected, atol=1e-12)


def test_several_switches_in_one_step_are_all_seen() -> None:
    """A square wave of frequency 40/pi drives a variable that moves smoothly otherwise: the integral of |sin| slopes."""
    made = solution(flow({"x": "sign(sin(40*t))"}), [0.0], samples=11, dt=0.1)
    phase = np.mod(40 * np.arange(11) * 0.1, 2 * np.pi)
    expected = np.where(phase < np.pi, phase, 2 * np.pi - phase) / 40
    np.testing.assert_allclose(made[:, 0], expected, atol=1e-13)


def test_grazing_a_switching_surface_changes_nothing() -> None:
    """x = cos(t) touches the surface x = -1 of y' = |x + 1| and never crosses it, so y = sin(t) + t."""
    states = solution(flow({"x": "-sin(t)", "y": "abs(x + 1)"}), [1.0, 0.0])
    np.testing.assert_allclose(states[:, 1], np.sin(TIMES) + TIMES, atol=1e-13)


def test_order_of_convergence_follows_the_tolerance() -> None:
    """On a pendulum the error at t = 10 stays within a factor of 100 of each tolerance."""
    system = flow({"x": "y", "y": "-sin(x)"})
    fine = solution(system, [1.0, 0.0], tolerance=1e-15)[-1]
    for tolerance in (1e-5, 1e-8, 1e-11):
        assert np.abs(solution(system, [1.0, 0.0], tolerance=tolerance)[-1] - fine).max() < 100 * tolerance


def test_grids_of_one_pass_agree_with_passes_of_their_own() -> None:
    """Several granularities come from one integration and have the bits that each has alone."""
    system = flow({"x": "10*(y - x)", "y": "x*(28 - z) - y", "z": "x*y - 8*z/3"})
    ensemble = Ensemble(np.full((3, 3), 5.0) + np.arange(3)[:, None], np.zeros((3, 0)), np.zeros(3))
    grids = [SampleGrid(0.05, 50), SampleGrid(0.0075, 300)]
    both = integrate_ensemble(system.definition, ensemble, grids=grids, engine=Engine())
    steps = SampleGrid(0.05, 46)  # the same last time, so that the last step is bounded alike
    for grid, states in zip(grids, both.states, strict=True):
        alone = integrate_ensemble(system.definition, ensemble, grids=[grid], engine=Engine()).states[0]
        np.testing.assert_array_equal(states[:, : steps.samples], alone[:, : steps.samples])


def test_single_precision_is_the_rounded_double() -> None:
    """float32 output differs from float64 output by one rounding, no more."""
    system = flow({"x": "y", "y": "-x*x*x"})
    ensemble = Ensemble(np.ones((2, 2)), np.zeros((2, 0)), np.zeros(2))
    double, single = (
        integrate_ensemble(system.definition, ensemble, grids=[SampleGrid(0.1, 50)], engine=Engine(dtype=dtype)).states[0]
        for dtype in ("float64", "float32")
    )
    np.testing.assert_array_equal(double.astype(np.float32), single)


def test_parameters_may_differ_by_trajectory() -> None:
    """x' = -a x with three rates."""
    made = integrate(flow({"x": "-a*x"}, parameters={"a": 1.0}), 3, initial=[1.0], samples=11, dt=0.1, parameters={"a": [0.5, 1.0, 2.0]})
    expected = np.exp(-np.array([0.5, 1.0, 2.0])[:, None] * np.arange(11) * 0.1)
    np.testing.assert_allclose(made.state.values[:, :, 0], expected, atol=1e-15)


def test_a_pole_ends_its_trajectory_alone() -> None:
    """x' = x^2 from 1 has a pole at t = 1; from -1 it goes on."""
    made = integrate(flow({"x": "x*x"}), initial=[[1.0], [-1.0]], samples=21, dt=0.1)
    assert made.status.values.tolist() == [Status.DIVERGED, Status.OK]
    np.testing.assert_allclose(made.state.values[0, :9, 0], 1 / (1 - np.arange(9) * 0.1), rtol=1e-13)
    assert np.isnan(made.state.values[0, 11:]).all()
    np.testing.assert_allclose(made.state.values[1, :, 0], -1 / (1 + np.arange(21) * 0.1), rtol=1e-14)


def test_a_pole_costs_as_many_steps_at_any_tolerance() -> None:
    """x' = x^2 from 1 ends in at most 1.2 times the steps that a tolerance of 1e-14 takes, which are some 200: steps shorten to the pole
    by e^-1.8 of what is left, and end where they no longer move the time."""
    steps = {}
    for tolerance in (1e-3, 1e-5, 1e-9, 1e-12, 1e-14):
        made = integrate(flow({"x": "x*x"}), initial=[1.0], samples=2, dt=2.0, tolerance=tolerance)
        assert made.status.values.tolist() == [Status.DIVERGED]
        steps[tolerance] = int(made.steps.values[0])
    assert max(steps.values()) <= 1.2 * steps[1e-14] < 300


@pytest.mark.parametrize("equation", ["-1/x", "-1/x + 0*abs(x + 1)"])
def test_a_solution_that_ends_at_a_finite_value_is_ended_where_its_steps_vanish(equation: str) -> None:
    """x' = -1/x from 1 is sqrt(1 - 2t), with and without a switch elsewhere: in under 100 steps no step moves the time at t = 1/2."""
    for tolerance in (1e-9, 1e-12):
        made = integrate(flow({"x": equation}), initial=[1.0], samples=11, dt=0.1, tolerance=tolerance)
        assert made.status.values.tolist() == [Status.STEP_UNDERFLOW]
        assert made.steps.values[0] < 100
        # the tolerance is one of the state itself where that is below 1; from 1 to the state at t = 0.4, an error grows by sqrt(5)
        np.testing.assert_allclose(made.state.values[0, :5, 0], np.sqrt(1 - 0.2 * np.arange(5)), atol=20 * tolerance)
        assert np.isnan(made.state.values[0, 6:]).all()


def test_leaving_the_domain_of_a_function_is_a_status() -> None:
    """x' = -1 / sqrt(x) reaches zero at t = 2/3; its neighbour, far from there, is untouched."""
    made = integrate(flow({"x": "-1/sqrt(x)"}), initial=[[1.0], [100.0]], samples=31, dt=0.1)
    assert made.status.values[0] in (Status.DIVERGED, Status.STEP_UNDERFLOW)
    assert made.status.values[1] == Status.OK
    np.testing.assert_allclose(made.state.values[1, :, 0], (1000 - np.arange(31) * 0.15) ** (2 / 3), rtol=1e-13)


def test_sliding_along_a_surface_is_followed_not_ground_through() -> None:
    """x' = 0.3 - sign(x) is pushed onto x = 0 from both sides, and stays there."""
    made = integrate(flow({"x": "0.3 - sign(x)"}), initial=[1.0], samples=31, dt=0.1)
    np.testing.assert_allclose(made.state.values[0, :, 0], np.maximum(1 - 0.7 * TIMES[:31], 0), atol=1e-14)
    assert made.steps.values[0] < 40


def test_the_step_budget_ends_what_never_ends() -> None:
    """Ten steps are not enough for a thousand turns."""
    made = integrate(flow({"x": "y", "y": "-x"}), initial=[1.0, 0.0], samples=1001, dt=6.0, engine=Engine(step_budget=10))
    assert made.status.values.tolist() == [Status.STEP_BUDGET]
    assert np.isnan(made.state.values[0, -1]).all()


def test_a_state_that_is_no_number_is_not_started() -> None:
    """NaN and infinity among good initial states."""
    made = integrate(flow({"x": "-x"}), initial=[[1.0], [np.nan], [np.inf]], samples=3, dt=0.1)
    assert made.status.values.tolist() == [Status.OK, Status.NOT_STARTED, Status.NOT_STARTED]
    assert np.isnan(made.state.values[1:]).all()


def test_a_switch_that_no_coefficient_foresees_is_not_stepped_over() -> None:
    """y' = 1 + tanh(2000 (t - 1.3)) is exactly zero in double precision until shortly before t = 1.3, and two after."""
    states = solution(flow({"y": "1 + tanh(2000*(x - 1.3))", "x": "1"}), [0.0, 0.0], samples=31)
    times = np.arange(31) * 0.1
    np.testing.assert_allclose(states[:, 0], np.where(times > 1.3, 2 * (times - 1.3), 0.0), atol=np.log(2) / 2000)


def test_one_sample_alone_is_the_initial_state() -> None:
    """Nothing has to be integrated for it, and nothing fails."""
    made = integrate(flow({"x": "-x"}), initial=[[1.5], [2.5]], samples=1, dt=0.1)
    assert made.status.values.tolist() == [Status.OK, Status.OK]
    assert made.state.values[:, 0, 0].tolist() == [1.5, 2.5]


def test_a_slow_escape_to_infinity_ends() -> None:
    """An unstable spiral that turns ever faster would take more steps for each unit of time, without end."""
    system = flow({"x": "x - y*sqrt(x*x + y*y)", "y": "y + x*sqrt(x*x + y*y)"})
    made = integrate(system, initial=[1.0, 0.0], samples=2001, dt=0.1, tolerance=1e-6)
    assert made.status.values.tolist() == [Status.DIVERGED]
    assert np.isfinite(made.state.values[0, :100]).all()


@pytest.mark.parametrize(
    ("equations", "duration"),
    [
        ({"x": "y", "y": "-x"}, 3.0),
        ({"x": "x*x", "y": "0"}, 1.0),  # a pole where x begins above 1
        ({"x": "1000*(cos(t) - x)", "y": "x - y"}, 20.0),  # goes over to the method for stiff flows
        ({"x": "y", "y": "-x - 0.5*sign(y)"}, 3.0),
    ],
)
def test_moving_on_gives_the_last_of_two_samples_to_the_bit(equations: dict[str, str], duration: float) -> None:
    """States, statuses and steps of `advance`, which takes no first sample, beside an integration that takes both; NaN where it failed."""
    begin = Ensemble(np.linspace(-2.0, 2.0, 42).reshape(21, 2), np.empty((21, 0)), np.linspace(0.0, 5.0, 21))
    definition, engine = flow(equations).definition, Engine(tolerance=1e-12)
    moved, status, steps = advance(definition, begin, duration=duration, engine=engine)
    made = integrate_ensemble(definition, begin, grids=[SampleGrid(duration, 2)], engine=engine)
    np.testing.assert_array_equal(moved.initial, made.states[0][:, 1])
    assert status.tolist() == made.status.tolist()
    assert steps == made.steps.sum()
