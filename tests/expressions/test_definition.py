"""From a record to scalars and a graph: parameters, definitions, indices, wrapped maps, and the words of each refusal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

from attractory.catalog.record import Source, SystemRecord
from attractory.errors import ExpressionError, RequestError
from attractory.expressions.definition import Definition, definition
from attractory.expressions.evaluate import evaluate

LORENZ96 = {
    "parameters": {"F": 8, "N": 5},
    "indices": {"i": "N"},
    "equations": {"x[i]": "(x[i+1] - x[i-2])*x[i-1] - x[i] + F"},
    "initial": {"x[i]": "F + where(i == 0, 0.01, 0)"},
}


def define(**keys: Any) -> Definition:
    entry = {"name": "Mine", "kind": "flow", "parameters": {"a": 2}, "equations": {"x": "-a*x"}, "initial": {"x": 1}}
    return definition(SystemRecord.from_mapping(entry | keys))


def rhs(defined: Definition, state: ArrayLike, t: float = 0.0) -> NDArray[np.float64]:
    return evaluate(defined.graph, defined.roots, np.atleast_2d(state), defined.values, t).reshape(-1)


def test_scalars_come_in_the_order_written() -> None:
    """The order of equations and parameters in the file is the order of every array."""
    lorenz = define(
        parameters={"sigma": 10, "rho": 28, "beta": "8/3"},
        equations={"x": "sigma*(y - x)", "y": "x*(rho - z) - y", "z": "x*y - beta*z"},
        initial={"z": 25.0, "x": 1.0, "y": 2.0},
    )
    assert (lorenz.variables, lorenz.parameters) == (("x", "y", "z"), ("sigma", "rho", "beta"))
    assert lorenz.values == (10.0, 28.0, 8 / 3)
    assert lorenz.initial == (1.0, 2.0, 25.0)
    assert rhs(lorenz, lorenz.initial).tolist() == [10.0, 1.0, 2.0 - 8 / 3 * 25]


def test_parameter_may_use_those_above_it() -> None:
    """A derived parameter is one more number, exactly as Python computes it."""
    assert define(parameters={"a": "1/3", "b": "2*a - pi", "c": "mod(7, 2*a)"}).values[:2] == (1 / 3, 2 * (1 / 3) - np.pi)


def test_list_parameters_become_scalars() -> None:
    """b[0] and w[1][0] are parameters of their own, found by constant and by index."""
    network = define(
        parameters={"w": [[0, "1/4"], [2, 0]], "b": [0.5, -1]},
        indices={"i": 2, "j": 2},
        equations={"x[i]": "sum(w[i][j]*x[j], j) + b[i] - b[0]"},
        initial={"x": [1, 2]},
    )
    assert network.parameters == ("w[0][0]", "w[0][1]", "w[1][0]", "w[1][1]", "b[0]", "b[1]")
    assert rhs(network, [3, 8]).tolist() == [0.25 * 8, 2 * 3 - 1.5]


def test_indexed_equations_are_cyclic() -> None:
    """Lorenz 96 of five variables, against the formula with indices modulo five."""
    defined = define(**LORENZ96)
    state = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
    expected = [(state[(i + 1) % 5] - state[i - 2]) * state[i - 1] - state[i] + 8 for i in range(5)]
    assert defined.variables == ("x0", "x1", "x2", "x3", "x4")
    assert defined.initial == (8.01, 8.0, 8.0, 8.0, 8.0)
    assert rhs(defined, state).tolist() == expected


def test_size_is_no_parameter_of_a_trajectory() -> None:
    """N decides how many variables there are, so it is a constant in the equations and not in their parameters."""
    mean_field = define(
        parameters={"K": 2, "N": "2*2"}, indices={"i": "N", "j": "N"}, equations={"x[i]": "K/N*sum(sin(x[j] - x[i]), j)"}, initial={"x": 0}
    )
    assert mean_field.parameters == ("K",)
    assert rhs(mean_field, [0, 1, 0, 0])[0] == pytest.approx(0.5 * np.sin(1), rel=1e-15)


def test_indexed_and_plain_variables_mix() -> None:
    """The variables of x[i] stand where the equation does, and the index is a number too."""
    mixed = define(indices={"i": 3}, equations={"y": "x[0] + x[-1]", "x[i]": "i*y"}, initial={"y": 1, "x[i]": "a*i"})
    assert mixed.variables == ("y", "x0", "x1", "x2")
    assert mixed.initial == (1.0, 0.0, 2.0, 4.0)
    assert rhs(mixed, [5, 1, 2, 3]).tolist() == [4.0, 0.0, 5.0, 10.0]


def test_branch_that_an_index_never_takes_is_not_computed() -> None:
    """where(i > 0, 1/i, 0) divides by no zero."""
    inverse = define(indices={"i": 3}, equations={"x[i]": "where(i > 0, 1/i, a)"}, initial={"x": 0})
    assert rhs(inverse, [0, 0, 0]).tolist() == [2.0, 1.0, 0.5]


def test_definitions_are_shared_and_in_order() -> None:
    """A named part is one node wherever it is used, and may use those above it."""
    defined = define(definitions={"u": "x*x", "v": "u + 1"}, equations={"x": "u*v", "y": "v/u"}, initial={"x": 1, "y": 1})
    assert rhs(defined, [2, 0]).tolist() == [20.0, 1.25]
    assert [node.op for node in defined.graph.nodes if node.args] == ["mul", "add", "mul", "div"]


def test_wrapped_map_ends_in_its_range() -> None:
    """The next state of a wrapped variable is taken modulo its range, from its lower end."""
    shifted = define(kind="map", equations={"x": "x + a", "y": "y + a"}, initial={"x": 0, "y": 0}, wrap={"x": [-1, 1], "y": [0, "pi"]})
    assert rhs(shifted, [0.5, 3]).tolist() == [0.5, 5 - np.pi]


def test_driven_flow_uses_time() -> None:
    """t is the time that the right-hand side is asked for."""
    assert rhs(define(equations={"x": "a*t - x"}), [1], t=3.0).tolist() == [5.0]


REFUSALS: dict[str, tuple[dict[str, Any], str]] = {
    "typo": ({"equations": {"x": "-A*x"}}, r"equations\.x uses 'A', which is not a state variable or parameter"),
    "circle": ({"parameters": {"a": "b", "b": "2*c", "c": "a"}}, r"parameters\.a uses 'b', which makes a circle: a -> b -> c -> a"),
    "self": ({"parameters": {"a": "a + 1"}}, r"parameters\.a uses 'a', which makes a circle: a -> a"),
    "forward": ({"parameters": {"a": "b", "b": 1}}, r"parameters\.a uses 'b', which is declared below it"),
    "unknown parameter": ({"parameters": {"a": "q"}}, r"parameters\.a uses 'q', which is not a parameter"),
    "state in parameter": ({"parameters": {"a": "x"}}, r"parameters\.a uses 'x', which is not a parameter"),
    "definitions' circle": ({"definitions": {"u": "v", "v": "u"}}, r"definitions\.u uses 'v', which makes a circle: u -> v -> u"),
    "infinite parameter": ({"parameters": {"a": "1/0"}}, r"parameters\.a divides by a constant zero"),
    "state in initial": ({"initial": {"x": "x + 1"}}, r"initial\.x uses 'x', which is a state variable"),
    "infinite initial": ({"initial": {"x": "exp(1000)"}}, r"initial\.x has a constant part, exp of 1000"),
    "long initial": ({"initial": {"x": [1, 2]}}, r"initial\.x has 2 values, expected 1"),
    "indexed initial": ({"indices": {"i": 2}, "initial": {"x[i]": 0}}, r"initial\.x\[i\] does not fit the equations"),
    "size": ({"indices": {"i": "a/4"}}, r"indices\.i is 0\.5, expected an integer from 1 to 10,000"),
    "many": ({"indices": {"i": 20000}}, r"indices\.i is 20000\.0, expected an integer from 1 to 10,000"),
    "range": ({"parameters": {"b": [1, 2]}, "equations": {"x": "b[2]*x"}}, r"uses b\[2\], but 'b' has 2 elements, 0 to 1"),
    "few indices": ({"parameters": {"b": [[1], [2]]}, "equations": {"x": "b[1]*x"}}, r"uses 'b' with too few indices"),
    "many indices": ({"parameters": {"b": [1]}, "equations": {"x": "b[0][0]*x"}}, r"uses 'b' with too many indices"),
    "index zero": ({"parameters": {"b": [1]}, "equations": {"x": "b[1//0]*x"}}, r"divides by zero in an index"),
    "delay": ({"equations": {"x": "-x(t - a)"}}, r"which only kind delay has"),
    "no delay": ({"kind": "delay", "history": {"x": "1"}}, r"equations read no past state"),
    "kind": ({"kind": "network"}, r"kind is 'network'; this version integrates flows, maps and delay systems"),
    "empty range": ({"kind": "map", "wrap": {"x": [1, 1]}}, r"wrap\.x is a range of width 0"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_entry_that_means_nothing_is_refused_in_words(case: str) -> None:
    """Each message says which key, what was found and what was expected."""
    keys, message = REFUSALS[case]
    with pytest.raises(RequestError, match=r"^System 'Mine': .*" + message):
        define(**keys)


def test_message_begins_with_file_and_line() -> None:
    """A record read from a file says where in the file."""
    entry = {"name": "Mine", "kind": "flow", "parameters": {"rho": 1}, "equations": {"x": "rh0*x"}, "initial": {"x": 1}}
    record = SystemRecord.from_mapping(entry, source=Source("catalog/flows/mine.yaml", {"equations.x": 14}))
    with pytest.raises(ExpressionError, match=r"^catalog/flows/mine\.yaml:14: equations\.x uses 'rh0', which .* Did you mean 'rho'\?"):
        definition(record)


def test_sums_in_sums_are_bounded() -> None:
    """A short text that stands for 10^12 terms is refused, not expanded."""
    indices = {"i": 10000, "j": 10000, "k": 10000}
    with pytest.raises(ExpressionError, match="stands for too many terms"):
        define(indices=indices, equations={"x[i]": "sum(sum(i*j*k, j), k)"}, initial={"x": 0})
