"""A graph's values at one point in many digits, by mpmath: a walk over its nodes in which every operation is mpmath's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from attractory.errors import MissingExtraError
from attractory.expressions.definition import Definition
from attractory.expressions.operations import OPERATIONS
from attractory.stages.certify.reference import NoReferenceError

_LEAVES = ("const", "variable", "parameter", "time")
# What Python's own doubles would be asked for; all other operations are written with operators that numbers of any precision have.
_OWN = ("sqrt", "exp", "log", "log10", "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh", "floor")


def context(bits: int) -> Any:
    """mpmath with so many bits, of its own: no other thread changes them."""
    try:
        import mpmath
    except ModuleNotFoundError as missing:
        raise MissingExtraError("`attractory certify`", "mpmath", extra="certify") from missing
    made = mpmath.MPContext()
    made.prec = bits
    return made


def operations(numbers: Any) -> dict[str, Callable[..., Any]]:
    """Each operation on numbers of a context."""
    table: dict[str, Callable[..., Any]] = {name: row.scalar for name, row in OPERATIONS.items()}
    table.update({name: getattr(numbers, name) for name in _OWN})
    return {**table, "pow": numbers.power, "mod": lambda a, b: a - b * numbers.floor(a / b)}


class Values:
    """Values of every node of a definition's graph at a point."""

    def __init__(self, definition: Definition, bits: int) -> None:
        self.numbers = context(bits)
        self._nodes = definition.graph.nodes
        self._operations = operations(self.numbers)

    def __call__(self, state: Sequence[Any], parameters: Sequence[Any], time: Any) -> list[Any]:
        """The value of each node, in order.

        Raises:
            NoReferenceError: one is not a real number.
        """
        leaves = {"variable": state, "parameter": parameters}
        values: list[Any] = []
        for node in self._nodes:
            if node.op in leaves:
                values.append(leaves[node.op][node.place])
            elif node.op in _LEAVES:
                values.append(time if node.op == "time" else self.numbers.mpf(node.constant))
            else:
                values.append(self._value(node.op, [values[arg] for arg in node.args]))
        return values

    def _value(self, op: str, args: list[Any]) -> Any:
        try:
            value = self._operations[op](*args)
        except (ArithmeticError, ValueError) as error:
            message = f"{op} has no value there ({error})"
            raise NoReferenceError(message) from error
        if isinstance(value, self.numbers.mpc):
            message = f"{op} has no real value there"
            raise NoReferenceError(message)
        return value
