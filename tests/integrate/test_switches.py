"""Flows with switches against closed forms and independent solutions: crossings, grazes, sliding, and turns without end."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

import attractory
from attractory.expressions.sliding import followed
from attractory.expressions.system import System
from attractory.integrate import Engine, integrate
from attractory.layout import Status

TOLERANCES = (1e-6, 1e-8, 1e-10, 1e-12, 1e-14)


def flow(equations: dict[str, str], **keys: object) -> System:
    """A flow that starts at 1 in every variable unless told otherwise."""
    return System(name="Flow", equations=equations, initial=dict.fromkeys(equations, 1.0), **keys)


def solution(
    equations: dict[str, str], initial: list[float], *, samples: int = 101, dt: float = 0.1, tolerance: float = 1e-14
) -> np.ndarray:
    """States (time, variable) of one trajectory, which must have gone well."""
    made = integrate(flow(equations), initial=initial, samples=samples, dt=dt, tolerance=tolerance)
    assert made.status.values.tolist() == [Status.OK]
    return made.state.values[0]


TIMES = np.arange(101) * 0.1


# --- crossings -------------------------------------------------------------------------------------------------------------------------


def test_a_relay_keeps_amplitude_and_phase_over_a_hundred_periods() -> None:
    """x'' = -sign(x) from (0, 1): parabolas of period 4; the allowed error is some roundings of the time 400."""
    states = solution({"x": "y", "y": "-sign(x)"}, [0.0, 1.0], samples=4001)
    phase = np.mod(np.arange(4001) * 0.1, 4)
    arc = np.where(phase < 2, phase - phase**2 / 2, -((phase - 2) - (phase - 2) ** 2 / 2))
    np.testing.assert_allclose(states[:, 0], arc, atol=1e-12)


def relay_oscillator(times: np.ndarray, speed: float) -> np.ndarray:
    """x of x'' = -x - sign(x)/2 from (0, speed): arcs of circles around -1/2 and 1/2 in turn."""
    half = 2 * np.arctan2(speed, 0.5)
    turn, phase = np.divmod(times, half)
    return (1 - 2 * np.mod(turn, 2)) * (0.5 * (np.cos(phase) - 1) + speed * np.sin(phase))


@pytest.mark.parametrize("tolerance", TOLERANCES)
def test_the_error_through_switches_follows_the_tolerance(tolerance: float) -> None:
    """Twenty crossings of a relay oscillator: ten tolerances a crossing, as on smooth oscillators."""
    states = solution({"x": "y", "y": "-x - 0.5*sign(x)"}, [0.0, 1.0], samples=401, tolerance=tolerance)
    error = np.abs(states[:, 0] - relay_oscillator(np.arange(401) * 0.1, 1.0)).max()
    assert error < 200 * tolerance + 4e-14


@pytest.mark.parametrize("tolerance", TOLERANCES)
def test_a_ball_on_a_spring_floor_bounces_in_closed_form(tolerance: float) -> None:
    """x'' = -1 in the air and -25 x in the floor: parabolas of length 2 v, then arcs of (roughly) half a turn of the spring."""
    states = solution({"x": "v", "v": "where(x > 0, -1, -25*x)"}, [0.0, 1.0], samples=201, tolerance=tolerance)
    phase = np.mod(np.arange(201) * 0.1, 2 + np.pi / 5)
    expected = np.where(phase < 2, phase - phase**2 / 2, -np.sin(5 * (phase - 2)) / 5)
    assert np.abs(states[:, 0] - expected).max() < 300 * tolerance + 4e-14


def chua_by_exponentials(initial: list[float], times: np.ndarray) -> np.ndarray:
    """Chua's circuit as three linear systems: each solved by its eigenvectors, the crossings of x = -1 and 1 by bisection."""
    values = attractory.system("Chua").parameters
    alpha, beta, m0, m1 = (values[name] for name in ("alpha", "beta", "m0", "m1"))
    state, now, states = np.array(initial), 0.0, []
    while len(states) < len(times):
        region = np.sign(state[0]) if abs(state[0]) > 1 else 0.0
        slope, offset = (m1, region * (m0 - m1)) if region else (m0, 0.0)
        matrix = np.array([[-alpha * (1 + slope), alpha, 0], [1, -1, 1], [0, -beta, 0]])
        rest = np.linalg.solve(matrix, [alpha * offset, 0, 0])
        rates, vectors = np.linalg.eig(matrix)
        parts = np.linalg.solve(vectors, (state - rest).astype(complex))

        def at(t, rates=rates, vectors=vectors, parts=parts, rest=rest):
            return (vectors @ (np.exp(rates * t) * parts)).real + rest

        steps = np.linspace(0, 3, 3001)[1:]
        outside = [t for t in steps if (np.sign(at(t)[0]) if abs(at(t)[0]) > 1 else 0.0) != region]
        edge = np.copysign(1.0, at(outside[0] - 1e-3)[0] if region else at(outside[0])[0])
        first = max(outside[0] - 1e-3, 1e-9)
        leaves = brentq(lambda t, at=at, edge=edge: at(t)[0] - edge, first, outside[0], xtol=1e-15)
        while len(states) < len(times) and times[len(states)] <= now + leaves:
            states.append(at(times[len(states)] - now))
        now, state = now + leaves, at(leaves)
        state[0] = edge * (1 + 1e-15 if not region else 1 - 1e-15)  # the region that it enters
    return np.array(states)


@pytest.mark.parametrize("tolerance", [1e-8, 1e-10, 1e-12])
def test_chua_agrees_with_its_exact_solution(tolerance: float) -> None:
    """Five turns of the double scroll, some ten crossings; neighbours part by exp(0.43 * 7) = 20, so 3,000 tolerances are allowed."""
    initial = [-1.668, -0.224, 0.796]
    made = integrate("Chua", initial=initial, samples=71, dt=0.1, tolerance=tolerance)
    expected = chua_by_exponentials(initial, np.arange(71) * 0.1)
    assert np.abs(made.state.values[0] - expected).max() < 3000 * tolerance + 1e-11


def test_two_switches_that_turn_at_once_both_turn() -> None:
    """x' = sign(y) and y' = -sign(x)... seen from above: sign(t - 1) and where(2*t > 2, 1, -1) turn at the same time."""
    states = solution({"x": "sign(t - 1) + where(2*t > 2, 1, -1)"}, [0.0])
    np.testing.assert_allclose(states[:, 0], 2 * np.abs(TIMES - 1) - 2, atol=1e-14)


def test_opposite_conditions_turn_together() -> None:
    """x > 0 and x < 0 are one switch: u' = 1 on one side, -2 on the other."""
    states = solution({"x": "1", "u": "where(x > 0, 1, 0) - where(x < 0, 2, 0)"}, [-1.0, 0.0])
    np.testing.assert_allclose(states[:, 1], np.where(TIMES < 1, -2 * TIMES, TIMES - 3), atol=1e-14)


@pytest.mark.parametrize("touch", ["x + 1", "-(x + 1)", "(x + 1)**2", "(x + 1)*(1 + y*y)"])
def test_a_surface_that_is_touched_is_not_crossed(touch: str) -> None:
    """x = cos(t) touches x = -1 with even order; a sign there stays what it is but for the time that rounding cannot tell, 1e-8."""
    made = integrate(flow({"x": "-sin(t)", "y": f"sign({touch})"}), initial=[1.0, 0.0], samples=101, dt=0.3)
    assert made.status.values.tolist() == [Status.OK]
    sign = -1.0 if touch.startswith("-") else 1.0
    np.testing.assert_allclose(made.state.values[0, :, 1], sign * 0.3 * np.arange(101), atol=1e-6)
    assert made.steps.values[0] < 1000  # five grazes of some dozen steps each, of order four the most


def test_a_square_wave_of_the_time_is_followed() -> None:
    """x' = 1 for a quarter of each period, -1/3 for the rest."""
    states = solution({"x": "where(mod(t, 2) < 0.5, 1, -1/3)"}, [0.0], samples=1001)
    phase = np.mod(np.arange(1001) * 0.1 + 1e-9, 2) - 1e-9
    np.testing.assert_allclose(states[:, 0], np.where(phase < 0.5, phase, 0.5 - (phase - 0.5) / 3), atol=1e-11)


def test_nested_and_joined_conditions_are_those_of_the_text() -> None:
    """Three regions of t, chosen in two ways."""
    states = solution({"x": "where(t > 2, where(t > 5, 3, -1), 0.5)", "y": "where(t > 2 and t <= 5 or t > 8, 1, 0)"}, [0.0, 0.0])
    nested = 0.5 * np.minimum(TIMES, 2) - np.clip(TIMES - 2, 0, 3) + 3 * np.maximum(TIMES - 5, 0)
    np.testing.assert_allclose(states[:, 0], nested, atol=1e-13)
    np.testing.assert_allclose(states[:, 1], np.clip(TIMES - 2, 0, 3) + np.maximum(TIMES - 8, 0), atol=1e-13)


def test_many_levels_of_a_state_are_crossed_both_ways() -> None:
    """y' = floor(50 x) for x = sin(t): one hundred levels a swing, up and down; the integral is a sum over the levels' times."""
    states = solution({"x": "cos(t)", "y": "floor(50*x)"}, [0.0, 0.0], samples=32)
    times = np.arange(32) * 0.1
    fine = np.linspace(0, 3.1, 3_100_001)
    levels = np.floor(50 * np.sin(fine))
    expected = np.concatenate([[0.0], np.cumsum((levels[1:] + levels[:-1]) / 2) * 1e-6])[::100_000]
    np.testing.assert_allclose(states[:, 1], expected, atol=1e-4)  # a hundred jumps, each within a step of the sum
    assert abs(states[31, 0] - np.sin(times[31])) < 1e-14


def test_modulo_of_a_state_is_a_sawtooth() -> None:
    """x = t, y' = mod(x, 0.3)."""
    states = solution({"x": "1", "y": "mod(x, 0.3)"}, [0.0, 0.0])
    whole = np.floor(TIMES / 0.3 + 1e-9)
    np.testing.assert_allclose(states[:, 1], 0.045 * whole + (TIMES - 0.3 * whole) ** 2 / 2, atol=1e-13)


# --- on the surface --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("initial", "rate"), [(0.0, 10.25), (1.0, 112.0), (-1.0, -1.0)])
def test_a_function_that_rests_at_zero_has_its_value_at_zero(initial: float, rate: float) -> None:
    """sign 0, heaviside what it is given, >= true, > false."""
    equations = {"x": "0*x", "y": "sign(x) + heaviside(x, 0.25) + where(x >= 0, 10, 0) + where(x > 0, 100, 0)"}
    np.testing.assert_allclose(solution(equations, [initial, 0.0])[:, 1], rate * TIMES, rtol=1e-13)


@pytest.mark.parametrize("direction", [1.0, -1.0])
def test_a_start_on_the_surface_goes_where_the_equations_point(direction: float) -> None:
    """x'' = 0 from x = 0: abs and sign have the side that the trajectory moves to from the first step on."""
    states = solution({"x": "v", "v": "0*x", "y": "abs(x)", "z": "sign(x)"}, [0.0, direction, 0.0, 0.0])
    np.testing.assert_allclose(states[:, 2], TIMES**2 / 2, atol=1e-13)
    np.testing.assert_allclose(states[:, 3], direction * TIMES, atol=1e-13)


def test_a_start_on_the_surface_with_curvature_alone_leaves_in_a_few_steps() -> None:
    """x = t^4/4 from 0 touches its surface with order four at the start."""
    made = integrate(flow({"x": "t**3", "y": "sign(x)"}), initial=[0.0, 0.0], samples=11, dt=0.1)
    np.testing.assert_allclose(made.state.values[0, :, 1], TIMES[:11], atol=1e-14)
    assert made.steps.values[0] < 20


# --- sliding ---------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tolerance", TOLERANCES)
def test_a_solution_slides_along_a_moving_surface(tolerance: float) -> None:
    """x' = -2 sign(x - sin(t)) from 3: down to the sine, and along it, since its slope stays below 2."""
    states = solution({"x": "-2*sign(x - sin(t))"}, [3.0], tolerance=tolerance)
    expected = np.where(TIMES < brentq(lambda t: 3 - 2 * t - np.sin(t), 0, 2), 3 - 2 * TIMES, np.sin(TIMES))
    assert np.abs(states[:, 0] - expected).max() < 100 * tolerance + 1e-14


@pytest.mark.parametrize("tolerance", TOLERANCES)
def test_sliding_ends_where_one_side_lets_go(tolerance: float) -> None:
    """x' = -sign(x - t^2/2) from the surface: along the parabola while its slope is below 1, then straight on."""
    states = solution({"x": "-sign(x - t*t/2)"}, [0.0], samples=41, tolerance=tolerance)
    times = np.arange(41) * 0.1
    assert np.abs(states[:, 0] - np.where(times < 1, times**2 / 2, times - 0.5)).max() < 100 * tolerance + 1e-14


@pytest.mark.parametrize("tolerance", TOLERANCES)
def test_dry_friction_stops_a_spring_where_its_force_is_too_small(tolerance: float) -> None:
    """x'' = -x - 0.3 sign(x') from 3.1 loses 0.6 in each half turn and sticks at -0.1 after five."""
    states = solution({"x": "v", "v": "-x - 0.3*sign(v)"}, [3.1, 0.0], samples=301, tolerance=tolerance)
    times = np.arange(301) * 0.1
    half = np.minimum(np.floor(times / np.pi), 5)
    side = 1 - 2 * np.mod(half, 2)
    expected = np.where(half < 5, side * (0.3 + (2.8 - 0.6 * half) * np.cos(times - half * np.pi)), -0.1)
    assert np.abs(states[:, 0] - expected).max() < 300 * tolerance + 1e-13


STICK_SLIP = {"x": "v", "v": "-x - (0.5 + 0.5*exp(-abs(v - 0.3)))*sign(v - 0.3)"}


def stick_slip_by_events(end: float) -> np.ndarray:
    """The final state of STICK_SLIP from (0, 0.3), stuck: phases of stick and slip by DOP853 with events."""
    now, state, sticks = 0.0, np.array([0.0, 0.3]), True

    def slip(t: float, u: np.ndarray) -> list[float]:
        return [u[1], -u[0] + 0.5 + 0.5 * np.exp(u[1] - 0.3)]

    def returns(t: float, u: np.ndarray) -> float:
        return u[1] - 0.3

    returns.terminal, returns.direction = True, 1.0  # type: ignore[attr-defined]
    while now < end:
        if sticks:  # the belt carries it until the spring pulls with the friction at rest, 1
            lasts = min((1.0 - state[0]) / 0.3, end - now)
            now, state = now + lasts, np.array([state[0] + 0.3 * lasts, 0.3])
        else:
            found = solve_ivp(slip, (now, end), state, method="DOP853", rtol=1e-13, atol=1e-14, events=returns)
            now, state = float(found.t[-1]), found.y[:, -1]
        sticks = not sticks
    return state


@pytest.mark.parametrize("tolerance", [1e-6, 1e-8, 1e-10, 1e-12])
def test_stick_and_slip_follow_the_tolerance(tolerance: float) -> None:
    """A mass on a belt, drawn back by a spring, with friction that falls with the speed: five phases of stick, five of slip.

    The slip begins with a speed of zero against the belt, where an error of the time counts most: 1e4 tolerances are allowed."""
    made = integrate(flow(STICK_SLIP), initial=[0.0, 0.3], samples=2, dt=40.0, tolerance=tolerance)
    assert made.status.values.tolist() == [Status.OK]
    assert np.abs(made.state.values[0, -1] - stick_slip_by_events(40.0)).max() < 1e4 * tolerance + 1e-10


def test_two_coupled_relays_slide_into_their_corner_and_stay() -> None:
    """x' = -2 sign(x) + sign(y), y' = -2 sign(y) - sign(x): both are at zero after a finite time, and remain there."""
    states = solution({"x": "-2*sign(x) + sign(y)", "y": "-2*sign(y) - sign(x)"}, [1.0, 0.5])
    np.testing.assert_allclose(states[30:], 0.0, atol=1e-13)


@pytest.mark.parametrize("equations", [{"x": "floor(-2*x) + 0.5"}, {"x": "0.3 - sign(x)*(1 + 0.1*sign(x)*x) - 0.1*exp(sign(x))"}])
def test_sliding_that_is_not_followed_is_a_status_at_once(equations: dict[str, str]) -> None:
    """At a level, and where the equations are not linear in the sign: some ten steps, not thousands."""
    made = integrate(flow(equations), initial=[1.1], samples=101, dt=0.1)
    assert made.status.values.tolist() == [Status.SLIDING]
    assert made.steps.values[0] < 60


def test_systems_that_cannot_slide_are_left_alone() -> None:
    """A switch whose function's rate does not depend on its side needs no more nodes than it has."""
    for name in ("Chua", "LinzSprott", "SprottMore", "Lorenz"):
        definition = attractory.system(name).definition
        assert followed(definition) is definition


# --- without end -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("centre", ["x", "(x - 1)"])
@pytest.mark.parametrize("tolerance", [1e-6, 1e-14])
def test_infinitely_many_turns_in_finite_time_are_a_status(centre: str, tolerance: float) -> None:
    """x'' = -2 sign(x) - sign(x') falls to rest at t = 4.4614 in ever faster turns; nothing is sampled behind that time."""
    height, time = 1.0, 0.0
    for _ in range(100):
        speed = np.sqrt(2 * height)
        time, height = time + speed + speed / 3, speed**2 / 6
    start = [2.0 if "1" in centre else 1.0, 0.0]
    made = integrate(flow({"x": "v", "v": f"-2*sign({centre}) - sign(v)"}), initial=start, samples=1001, dt=0.01, tolerance=tolerance)
    assert made.status.values.tolist() == [Status.ZENO]
    assert np.isfinite(made.state.values[0, :, 0]).sum() == int(time / 0.01) + 1
    assert made.steps.values[0] < 2000
    assert "without end" in Status.ZENO.sentence


def test_fast_switches_that_go_on_for_ever_are_no_reason_to_stop() -> None:
    """x' = sign(sin(10,000 t)) turns 31,830 times, without any variable that shows how fast the sine is: a triangle of that frequency."""
    made = integrate(flow({"x": "sign(sin(1e4*t))"}), initial=[0.0], samples=2, dt=10.0, engine=Engine(lanes=2), tolerance=1e-9)
    phase = np.mod(1e5, 2 * np.pi)
    assert made.status.values.tolist() == [Status.OK]
    assert abs(made.state.values[0, -1, 0] - np.minimum(phase, 2 * np.pi - phase) / 1e4) < 1e-10
