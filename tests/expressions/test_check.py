"""What is wrong with an entry's mathematics: all that cannot be read at once, and claims that do not hold."""

from __future__ import annotations

from typing import Any

import pytest

from attractory.catalog.record import SystemRecord
from attractory.expressions.check import circle_failures, numerical_failures, problems

LORENZ: dict[str, Any] = {
    "name": "Mine",
    "kind": "flow",
    "parameters": {"sigma": 10, "rho": 28, "beta": "8/3"},
    "equations": {"x": "sigma*(y - x)", "y": "x*(rho - z) - y", "z": "x*y - beta*z"},
    "initial": {"x": 1, "y": 1, "z": 25},
    "symmetries": [{"x": "-x", "y": "-y", "z": "z"}],
}
OSCILLATOR: dict[str, Any] = {
    "name": "Mine",
    "kind": "flow",
    "equations": {"x": "p", "p": "-x**3"},
    "initial": {"x": 1, "p": 0},
    "conserved": {"energy": "p**2/2 + x**4/4"},
}
STANDARD: dict[str, Any] = {
    "name": "Mine",
    "kind": "map",
    "parameters": {"k": 1},
    "equations": {"x": "x + y + k*sin(x)", "y": "y + k*sin(x)"},
    "initial": {"x": 1, "y": 2},
    "wrap": {"x": [0, "2*pi"], "y": [0, "2*pi"]},
    "symmetries": [{"x": "2*pi - x", "y": "2*pi - y"}],
}


def record(entry: dict[str, Any], **keys: Any) -> SystemRecord:
    return SystemRecord.from_mapping(entry | keys)


@pytest.mark.parametrize("entry", [LORENZ, OSCILLATOR, STANDARD])
def test_right_entry_has_no_problem_and_no_failure(entry: dict[str, Any]) -> None:
    """A symmetry, an energy and a symmetry on a torus that hold."""
    assert problems(record(entry)) == ()
    assert numerical_failures(record(entry)) == ()


def test_every_mistake_is_found_in_one_run() -> None:
    """One message an expression, in the order of the entry."""
    wrong = {"x": "sigma*(y - w)", "y": "x*(rho - z", "z": "x*y - beta*z"}
    found = problems(record(LORENZ, equations=wrong, conserved={"energy": "v"}, symmetries=[{"x": "-q"}], wrap={"x": [1, 0]}))
    keys = [message.split(" ")[2] for message in found]
    assert keys == ["equations.x", "equations.y", "conserved.energy", "symmetries.0.x", "wrap.x"]


def test_mistakes_of_meaning_are_found_after_those_of_reading() -> None:
    """A division by zero, an initial value that is none, an index out of range."""
    found = problems(record(LORENZ, parameters={"sigma": [1], "rho": 28, "beta": 1}, equations=LORENZ["equations"] | {"x": "sigma[3]/0"}))
    assert len(found) == 1
    assert "uses sigma[3], but 'sigma' has 1 elements" in found[0]
    assert "log of -1" in problems(record(OSCILLATOR, initial={"x": "log(-1)", "p": 0}))[0]


def test_mistake_in_a_parameter_hides_no_other_kind_of_message() -> None:
    """What is built on a parameter is not reported as well."""
    found = problems(record(LORENZ, parameters={"sigma": 10, "rho": "2*rh", "beta": 1}))
    assert len(found) == 1
    assert "parameters.rho uses 'rh'" in found[0]


def test_delay_system_is_read_as_far_as_it_can_be() -> None:
    """Its expressions are read, and its rate where the history ends is a number."""
    delay = {"name": "Mine", "kind": "delay", "parameters": {"tau": 2}, "equations": {"x": "-x(t - tau)"}, "history": {"x": "cos(t)"}}
    assert problems(record(delay)) == ()
    assert numerical_failures(record(delay)) == ()
    assert "history.x uses 'x'" in problems(record(delay, history={"x": "x"}))[0]
    assert "equations.x uses 'tua'" in problems(record(delay, equations={"x": "-x(t - tua)"}))[0]
    assert "expected a finite number for every t from -2 to 0" in problems(record(delay, history={"x": "1/(t + 1)"}))[0]
    assert "time derivative" in numerical_failures(record(delay, equations={"x": "log(-x(t - tau)**2)"}))[0]


def test_false_symmetry_is_found() -> None:
    """Lorenz's equations are not even in all three variables."""
    (found,) = numerical_failures(record(LORENZ, symmetries=[{"x": "-x", "y": "-y", "z": "-z"}]))
    assert "symmetries.0 is not a symmetry: at x = " in found
    (found,) = numerical_failures(record(STANDARD, symmetries=[{"x": "x + 1"}]))
    assert "symmetries.0 is not a symmetry" in found


def test_false_energy_is_found() -> None:
    """A wrong coefficient, and a quantity that depends on nothing."""
    (found,) = numerical_failures(record(OSCILLATOR, conserved={"energy": "p**2/2 + x**4/2"}))
    assert "conserved.energy is not conserved: it changes by" in found
    (found,) = numerical_failures(record(OSCILLATOR, conserved={"one": "1"}))
    assert "conserved.one does not depend on the state" in found
    (found,) = numerical_failures(record(OSCILLATOR, conserved={"energy": "t + x**4/4 + p**2/2"}))
    assert "conserved.energy is not conserved" in found


def test_conserved_quantity_of_a_map_is_compared_with_the_next_state() -> None:
    """A rotation by the angle of 3-4-5 keeps the radius and no coordinate."""
    rotation = {"name": "Mine", "kind": "map", "equations": {"x": "0.6*x - 0.8*y", "y": "0.8*x + 0.6*y"}, "initial": {"x": 1, "y": 0}}
    assert numerical_failures(record(rotation, conserved={"radius": "x**2 + y**2"})) == ()
    (found,) = numerical_failures(record(rotation, conserved={"x": "x"}))
    assert "changes by" in found
    assert "from one state to the next" in found


def test_initial_state_without_a_derivative_is_found() -> None:
    """Equations that are infinite where the system starts."""
    (found,) = numerical_failures(record(OSCILLATOR, equations={"x": "p/x", "p": "-x"}, initial={"x": 0, "p": 1}, conserved={}))
    assert found == "System 'Mine': initial gives x the time derivative inf; expected a finite number."


ROTOR: dict[str, Any] = {
    "name": "Mine",
    "kind": "flow",
    "equations": {"q": "p", "p": "-sin(q)"},
    "initial": {"q": 1, "p": 0},
    "conserved": {"energy": "p**2/2 - cos(q)"},
    "wrap": {"q": ["-pi", "pi"]},
}


def test_a_coordinate_that_is_on_no_circle_is_found() -> None:
    """A pendulum's angle is one; with a spring it is none, nor is half of it, nor where a conserved quantity counts turns."""
    assert numerical_failures(record(ROTOR)) == circle_failures(record(ROTOR)) == ()
    assert circle_failures(record(STANDARD)) == ()
    for keys in ({"equations": {"q": "p", "p": "-q"}}, {"wrap": {"q": [0, "pi"]}}, {"conserved": {"turns": "q"}}):
        (found,) = circle_failures(record(ROTOR, **keys))
        assert "wrap says that q is on a circle, but a turn of" in found
    (found,) = circle_failures(record(STANDARD, wrap={"x": [0, "pi"]}))
    assert "a turn of 3.14159 changes the equations or a conserved quantity by" in found
