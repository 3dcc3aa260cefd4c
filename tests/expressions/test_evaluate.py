"""Values of graphs: each function at known places, and each state on its own."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from attractory.errors import RequestError
from attractory.expressions import evaluate as evaluation
from attractory.expressions.evaluate import evaluate
from attractory.expressions.expansion import Expander, Scope
from attractory.expressions.graph import Graph, GraphBuilder
from attractory.expressions.parser import Names, parse


def build(text: str) -> tuple[Graph, tuple[int, ...]]:
    builder = GraphBuilder()
    scope = Scope({"x": builder.variable(0), "y": builder.variable(1), "p": builder.parameter(0), "t": builder.time()})
    root = Expander(builder, scope).node(parse(text, Names({"x", "y", "p", "t"}), where="equations.x"))
    return builder.graph(), (root,)


def values(text: str, states: object, parameters: object = (2.0,), t: object = 0.0) -> NDArray[np.float64]:
    return evaluate(*build(text), states, parameters, t)[:, 0]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sin(x) + cos(y)", math.sin(0.5) + math.cos(-1.25)),
        ("tan(x)*asin(x)", math.tan(0.5) * math.asin(0.5)),
        ("acos(x) - atan(y)", math.acos(0.5) - math.atan(-1.25)),
        ("atan2(y, x)", math.atan2(-1.25, 0.5)),
        ("sinh(x) + cosh(y)*tanh(x)", math.sinh(0.5) + math.cosh(-1.25) * math.tanh(0.5)),
        ("exp(y) + log(x)/log10(x)", math.exp(-1.25) + math.log(10)),
        ("x**2.5 + 2**x", 0.5**2.5 + 2**0.5),
        ("sqrt(x)*abs(y)", math.sqrt(0.5) * 1.25),
        ("sign(y) + 10*sign(x - 0.5)", -1.0),
        ("floor(y)", -2.0),
        ("mod(y, x)", 0.25),
        ("mod(-y, -x)", -0.25),
        ("min(x, y, 3) + max(x, y, 3)", 1.75),
        ("heaviside(x) + 10*heaviside(y) + 100*heaviside(x - 0.5)", 51.0),
        ("heaviside(x - x, 0.25)", 0.25),
        ("where(x > y and not x == 1 or x < 0, p, t)", 2.0),
        ("where(x <= y, p, t)", 7.0),
        ("where(x >= 0.5, 1, 0) + where(x != 0.5, 10, 0)", 1.0),
        ("2*pi + e", 2 * math.pi + math.e),
    ],
)
def test_function_has_its_value(text: str, expected: float) -> None:
    """Each function of the language, against Python's own."""
    assert values(text, [[0.5, -1.25]], t=7.0)[0] == pytest.approx(expected, rel=4e-16, abs=1e-16)  # two roundings


def test_parameters_and_time_may_differ_from_state_to_state() -> None:
    """An ensemble over parameters is one call."""
    found = values("p*x + t", [[1.0, 0.0], [2.0, 0.0]], [[10.0], [20.0]], [0.5, 0.25])
    assert found.tolist() == [10.5, 40.25]


def test_value_of_a_state_does_not_depend_on_its_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of any size give the same bits."""
    states = np.random.Generator(np.random.Philox(1)).normal(size=(37, 2))
    whole = values("x*y/(1 + x**3) - p", states)
    monkeypatch.setattr(evaluation, "BLOCK_VALUES", 1)
    assert np.array_equal(values("x*y/(1 + x**3) - p", states), whole)


def test_what_has_no_value_is_not_a_number_and_not_a_warning() -> None:
    """Overflow and domain errors stay in their own row."""
    found = values("log(x) + 1/y", [[-1.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    assert np.isnan(found[0])
    assert np.isinf(found[1])
    assert found[2] == 1.0


def test_constant_root_has_a_value_for_every_state() -> None:
    """An equation such as z' = 1 depends on no state, and still has one value a row."""
    assert values("1", [[0.0, 0.0]] * 3).tolist() == [1.0] * 3


def test_parameters_of_another_length_are_refused() -> None:
    """Rows of parameters go with rows of states."""
    with pytest.raises(RequestError, match="found parameters for 3 states, expected 2"):
        values("p*x", [[1.0, 0.0]] * 2, np.ones((3, 1)))
