"""Derivatives, against mpmath's numerical differentiation with thirty digits, closed forms, and each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

from attractory.expressions import System
from attractory.expressions.definition import Definition
from attractory.expressions.derivative import derivative, divergence, jacobian, variational
from attractory.expressions.evaluate import evaluate
from attractory.expressions.graph import GraphBuilder

CENTRE = {"x": 0.4, "y": -0.7, "z": 1.3}


def flow(equations: dict[str, str], **keys: Any) -> Definition:
    return System(name="Mine", kind="flow", equations=equations, initial=dict.fromkeys(equations, 0.5), **keys).definition


FUNCTIONS: dict[str, Callable[[Any, Any], Any]] = {
    "x*y*x - y/x": lambda x, y: x * y * x - y / x,
    "x**3/(1 + y**2)": lambda x, y: x**3 / (1 + y**2),
    "x**-3": lambda x, y: x**-3,
    "x**2.5": lambda x, y: x ** mpmath.mpf(2.5),
    "x**y": lambda x, y: x**y,
    "2**x": lambda x, y: mpmath.mpf(2) ** x,
    "sqrt(x - y)": lambda x, y: mpmath.sqrt(x - y),
    "exp(x*y)": lambda x, y: mpmath.exp(x * y),
    "log(x)*log10(x + 1)": lambda x, y: mpmath.log(x) * mpmath.log10(x + 1),
    "sin(x)*cos(y) + tan(x*y)": lambda x, y: mpmath.sin(x) * mpmath.cos(y) + mpmath.tan(x * y),
    "asin(x) + acos(x*y) + atan(y*y)": lambda x, y: mpmath.asin(x) + mpmath.acos(x * y) + mpmath.atan(y * y),
    "atan2(y, x)": lambda x, y: mpmath.atan2(y, x),
    "sinh(x) - cosh(y)/tanh(x)": lambda x, y: mpmath.sinh(x) - mpmath.cosh(y) / mpmath.tanh(x),
    "abs(x*y)": lambda x, y: abs(x * y),
    "sign(y)*x + floor(y)*x": lambda x, y: -2 * x,
    "min(x, y, x*y)": lambda x, y: min(x, y, x * y),
    "max(x*x, y)": lambda x, y: max(x * x, y),
    "mod(y, x)": lambda x, y: y - x * mpmath.floor(y / x),
    "heaviside(x)*x + heaviside(y)*y": lambda x, y: x,
    "where(x > y, x*y, x + y)": lambda x, y: x * y if x > y else x + y,
}


@pytest.mark.parametrize("text", FUNCTIONS)
def test_derivative_agrees_with_numerical_differentiation(text: str) -> None:
    """The rule of every function, against a difference quotient that is exact to a double."""
    defined = flow({"x": text, "y": "0"})
    graph, rows = jacobian(defined)
    found = evaluate(graph, rows[0], [[CENTRE["x"], CENTRE["y"]]], defined.values)[0]
    with mpmath.workdps(30):
        point = (mpmath.mpf(CENTRE["x"]), mpmath.mpf(CENTRE["y"]))
        expected = [float(mpmath.diff(FUNCTIONS[text], point, order)) for order in ((1, 0), (0, 1))]
    assert found == pytest.approx(expected, rel=1e-14, abs=1e-14)  # some ten roundings


def test_zero_entries_are_the_constant_zero() -> None:
    """The Jacobian of a sparse system costs what is in it."""
    graph, rows = jacobian(flow({"x": "y", "y": "-x", "z": "2*z"}))
    assert [[graph.nodes[node].value for node in row] for row in rows] == [[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 2.0]]


def test_derivative_by_a_variable_that_does_not_occur_is_zero() -> None:
    """A constant has the derivative 0, as a node."""
    builder = GraphBuilder()
    assert builder.value(derivative(builder, builder.add("sin", builder.variable(0)), 1)) == 0.0


def test_divergence_of_lorenz_is_a_constant() -> None:
    """-sigma - 1 - beta, with no variable left in its graph."""
    equations = {"x": "sigma*(y - x)", "y": "x*(rho - z) - y", "z": "x*y - beta*z"}
    graph, node = divergence(flow(equations, parameters={"sigma": 10, "rho": 28, "beta": "8/3"}))
    assert {entry.op for entry in graph.nodes} <= {"parameter", "const", "neg", "add", "sub"}
    assert evaluate(graph, (node,), [[1.0, 2.0, 3.0]], [10, 28, 8 / 3])[0, 0] == -10 - 1 - 8 / 3


def test_divergence_of_a_rotation_is_zero() -> None:
    """A trace without terms is the constant 0."""
    graph, node = divergence(flow({"x": "y", "y": "-x"}))
    assert graph.nodes[node].value == 0.0


@pytest.mark.parametrize("vectors", [1, 2, None])
def test_tangent_vectors_are_carried_by_the_jacobian(vectors: int | None) -> None:
    """Each vector's time derivative is the Jacobian times the vector, component by component."""
    equations = {"x": "sin(y)*z - x", "y": "x*z/(1 + x*x)", "z": "exp(-x*x) - a*z + t"}
    system = System(name="Mine", kind="flow", parameters={"a": 0.3}, equations=equations, initial=CENTRE)
    carried = variational(system.definition, vectors)
    count = vectors or 3
    random = np.random.Generator(np.random.Philox(2))
    state, tangents = random.normal(size=3), random.normal(size=(count, 3))
    found = evaluate(carried.graph, carried.roots, [[*state, *tangents.ravel()]], carried.values, 0.5)[0]
    assert found[:3].tolist() == system.rhs(state, 0.5).tolist()
    assert found[3:].reshape(count, 3) == pytest.approx(tangents @ system.jacobian(state, 0.5).T, rel=1e-13)


def test_tangent_vectors_begin_as_unit_vectors_beside_the_system() -> None:
    """Names and initial values of what variational() adds."""
    carried = variational(flow({"x": "y", "y": "-x"}))
    assert carried.variables == ("x", "y", "v0.x", "v0.y", "v1.x", "v1.y")
    assert carried.initial == (0.5, 0.5, 1.0, 0.0, 0.0, 1.0)


def test_mean_field_is_carried_without_its_full_jacobian() -> None:
    """Where every variable acts on every other, vectors cost what the equations do and not their square."""
    equations = {"x[i]": "c*cos(x[i]) - s*sin(x[i])"}
    definitions = {"s": "sum(cos(x[j]), j)/100", "c": "sum(sin(x[j]), j)/100"}
    system = System(
        name="Mine", kind="flow", indices={"i": 100, "j": 100}, definitions=definitions, equations=equations, initial={"x[i]": "sin(i)"}
    )
    carried = variational(system.definition, 1)
    assert len(carried.graph.nodes) < 3_000
    vector = np.cos(np.arange(100.0))
    found = evaluate(carried.graph, carried.roots, [[*system.initial, *vector]], carried.values)[0, 100:]
    assert found == pytest.approx(system.jacobian(system.initial) @ vector, rel=1e-11)  # sums of 100 terms that cancel in part


def test_map_is_carried_as_a_flow_is() -> None:
    """The tangent of Henon's map, in closed form."""
    henon = System(
        name="Mine", kind="map", parameters={"a": 1.4, "b": 0.3}, equations={"x": "1 - a*x**2 + y", "y": "b*x"}, initial={"x": 0, "y": 0}
    )
    carried = variational(henon.definition, 1)
    found = evaluate(carried.graph, carried.roots, [[0.5, 0.25, 3.0, 7.0]], carried.values)[0]
    assert found[2:].tolist() == [pytest.approx(-2 * 1.4 * 0.5 * 3 + 7, rel=1e-15), 0.3 * 3.0]
