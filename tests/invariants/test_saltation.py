"""Tangent vectors through switches: against differences of trajectories, against exponents known in closed form, and volumes."""

from __future__ import annotations

import numpy as np
import pytest

from attractory.expressions.derivative import variational
from attractory.expressions.sliding import followed
from attractory.expressions.system import System
from attractory.integrate import Engine, Ensemble, SampleGrid, advance, integrate_ensemble
from attractory.invariants import lyapunov_spectrum
from attractory.invariants.lyapunov_spectrum import Effort
from attractory.layout import Status


def flow(equations: dict[str, str], **keys: object) -> System:
    """A flow that starts at 0.1 in every variable."""
    return System(name="Flow", equations=equations, initial=dict.fromkeys(equations, 0.1), **keys)


def flowed(system: System, states: np.ndarray, duration: float) -> np.ndarray:
    """States (trajectory, variable) after so long a time, all of which went well."""
    ensemble = Ensemble(states, np.zeros((len(states), 0)), np.zeros(len(states)))
    moved, status, _ = advance(system.definition, ensemble, duration=duration, engine=Engine(tolerance=1e-14))
    assert set(status.tolist()) == {Status.OK}
    return moved.initial


def tangents(system: System, state: np.ndarray, duration: float) -> np.ndarray:
    """The derivative (variable, variable) of the final by the initial state, carried by the variational equations."""
    size = len(state)
    definition = variational(followed(system.definition))
    begin = np.concatenate([state, np.eye(size).ravel()])[None]
    moved, status, _ = advance(
        definition, Ensemble(begin, np.zeros((1, 0)), np.zeros(1)), duration=duration, engine=Engine(tolerance=1e-14)
    )
    assert status.tolist() == [Status.OK]
    return moved.initial[0, size:].reshape(size, size).T


FLOWS = {
    "a sign": ({"x": "y", "y": "z", "z": "-0.8*z - y - x + sign(x)"}, [0.3, 0.1, -0.2], 12.0),
    "a choice that depends on its own side": ({"x": "y + where(x > 0, 1, 2)", "y": "-x - 0.1*y"}, [1.0, 0.0], 10.0),
    "a level": ({"x": "y", "y": "-x + 0.3*floor(2*x)"}, [1.3, 0.2], 9.0),
    "a bend": ({"x": "y", "y": "-abs(x) - x + 1"}, [1.0, 0.3], 9.0),
    "a surface that moves": ({"x": "y", "y": "-x - sign(x - 0.3*sin(t))*0.4"}, [1.0, 0.3], 9.0),
    "a nested switch": ({"x": "y", "y": "-x + where(mod(x, 0.7) < 0.3, 0.2, -0.1)"}, [0.9, 0.3], 6.0),
    "a solution that slides and leaves": ({"x": "v", "v": "-x - (0.5 + 0.5*exp(-abs(v - 0.3)))*sign(v - 0.3)"}, [0.2, 1.2], 9.0),
}


@pytest.mark.parametrize("name", list(FLOWS))
def test_tangent_vectors_are_the_derivatives_of_the_flow(name: str) -> None:
    """Central differences at a distance of 1e-6 agree to 1e-6 of the largest entry: their own error."""
    equations, state, duration = FLOWS[name]
    system = flow(equations)
    size, distance = len(state), 1e-6
    shifts = distance * np.concatenate([np.eye(size), -np.eye(size)])
    ends = flowed(system, np.array(state) + shifts, duration)
    differences = (ends[:size] - ends[size:]).T / (2 * distance)
    found = tangents(system, np.array(state), duration)
    np.testing.assert_allclose(found, differences, atol=3e-6 * max(1.0, np.abs(differences).max()))


def test_a_relay_oscillator_has_exponents_of_zero() -> None:
    """x'' = -sign(x): the period depends on the amplitude, so neighbours part in proportion to the time and no faster."""
    relay = flow({"x": "y", "y": "-sign(x)"}, timescale={"period": 4.0, "definition": "4 times the speed at x = 0, about"})
    estimate = lyapunov_spectrum(relay, standard_error=5e-3, effort=Effort(trajectories=8, budget=4000.0))
    assert (np.abs(estimate.value) < 0.01).all()
    assert abs(estimate.value.sum()) < 1e-9  # areas are kept to the integration's error


def test_the_double_scroll_has_its_exponents() -> None:
    """x''' = -0.8 x'' - x' - x + sign(x): 0.0805, and -0.8 in all, since det S = 1; 0.050 without the jump condition.

    0.0805(3) is what a fixed-step method of fourth order with bisected crossings and the jump condition gives over 900,000 time units
    (steps of 0.01 and 0.02), and what nearby trajectories give, without any tangent vector: 0.0811(5)."""
    scroll = System(
        name="DoubleScroll",
        equations={"x": "y", "y": "z", "z": "-0.8*z - y - x + sign(x)"},
        initial={"x": 0.01, "y": 0.0, "z": 0.0},
        timescale={"period": 6.5, "definition": "mean time between maxima of x"},
    )
    estimate = lyapunov_spectrum(scroll, standard_error=1e-3, effort=Effort(trajectories=64))
    errors = 3 * np.hypot(estimate.standard_error, 3e-4)
    assert (np.abs(estimate.value - [0.0805, 0.0, -0.8805]) < errors).all()
    assert estimate.value.sum() == pytest.approx(-0.8, abs=1e-9)


def test_volumes_change_at_switches_too() -> None:
    """A relay that moves its own surface's rate: the exponents add up to the divergence and the mean of log |det S| at the crossings.

    x' = y + 0.1 or y + 0.2, y' = -x - 0.1 y: det S = (y + 0.2)/(y + 0.1) from right to left, its inverse back, at other speeds."""
    system = flow({"x": "y + where(x > 0, 0.1, 0.2)", "y": "-x - 0.1*y"})
    state, period = np.array([1.0, 0.0]), 5.0
    found = np.linalg.det(tangents(system, state, period))
    times = np.linspace(0, period, 50_001)
    ensemble = Ensemble(state[None], np.zeros((1, 0)), np.zeros(1))
    orbit = integrate_ensemble(system.definition, ensemble, grids=[SampleGrid(times[1], len(times))], engine=Engine()).states[0][0]
    crossings = np.flatnonzero(np.diff(np.sign(orbit[:, 0])))
    expected = np.exp(-0.1 * period)
    for place in crossings:
        y = orbit[place, 1]
        expected *= (y + 0.2) / (y + 0.1) if orbit[place, 0] > 0 else (y + 0.1) / (y + 0.2)
    assert len(crossings) > 0
    assert found == pytest.approx(expected, rel=1e-3)  # y is read within a step of 1e-4


def test_sliding_forgets_the_way_there() -> None:
    """x' = -sign(x) + 0.3 sin(y): after the solution has reached x = 0, all tangent vectors lie in the surface."""
    found = tangents(flow({"x": "-sign(x) + 0.3*sin(y)", "y": "1 + x"}), np.array([0.5, 0.2]), 3.0)
    assert np.abs(found[0]).max() < 1e-14
    assert np.linalg.matrix_rank(found, tol=1e-12) == 1


def test_a_system_that_slides_has_exponents() -> None:
    """A mass that sticks and slips on a belt: a closed orbit (0), and a direction that each stick forgets."""
    belt = System(
        name="Belt",
        equations={"x": "v", "v": "-x - (0.5 + 0.5*exp(-abs(v - 0.3)))*sign(v - 0.3)"},
        initial={"x": 0.0, "v": 0.3},
        timescale={"period": 8.0, "definition": "about"},
    )
    estimate = lyapunov_spectrum(belt, standard_error=1e-2, effort=Effort(trajectories=8, budget=800.0))
    assert abs(estimate.value[0]) < 0.02
    assert estimate.value[1] < -3.0
