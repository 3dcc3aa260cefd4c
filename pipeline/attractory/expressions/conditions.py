"""Conditions on what is known of a system: `lyapunov_exponent > 0.5 and dimension == 3`, by the parser of all expressions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attractory.expressions.evaluate import constant_value
from attractory.expressions.expansion import Expander, Scope
from attractory.expressions.graph import GraphBuilder
from attractory.expressions.parser import Expression, Names, names_in, parse_condition
from attractory.expressions.system import System

NUMBERS: dict[str, Callable[[System], float | None]] = {
    "dimension": lambda system: system.dimension,
    "parameters": lambda system: len(system.record.parameters),
    "period": lambda system: system.period,
    "lyapunov_exponent": lambda system: _invariant(system, "lyapunov_spectrum"),
    "lyapunov_time": lambda system: system.lyapunov_time,
    "kaplan_yorke_dimension": lambda system: _invariant(system, "kaplan_yorke_dimension"),
    "mean_divergence": lambda system: _invariant(system, "mean_divergence"),
}


def read_condition(text: str) -> Expression:
    """A condition on the numbers of a system.

    Raises:
        ExpressionError: it is not in the language, or uses what is no number of a system.
    """
    return parse_condition(text, Names(scalars=set(NUMBERS), words="number of a system"), where="where")


def fulfils(system: System, condition: Expression) -> bool:
    """Whether the condition holds for a system; where the system has no value for one of its numbers, it does not.

    Raises:
        ExpressionError: a part of the condition is no finite number for this system.
    """
    builder = GraphBuilder()
    symbols = {}
    for name in names_in(condition.tree):
        value = NUMBERS[name](system)
        if value is None:
            return False
        symbols[name] = builder.const(float(value))
    return constant_value(builder, Expander(builder, Scope(symbols)).node(condition)) != 0


def _invariant(system: System, name: str) -> float | None:
    """The first value of an annotated invariant: of a spectrum the leading exponent."""
    found = system.record.invariants.get(name)
    value: Any = found.value if found else None
    while isinstance(value, tuple):
        value = value[0] if value else None
    return None if value is None else float(value)
