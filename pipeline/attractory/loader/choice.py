"""Which systems of a store are meant: by name, kind, tag, behaviour, dimension, or a condition on what is known of them.

The keys are those of a recipe's query and of `attractory.systems`; a condition is parsed by the parser of all expressions and evaluated
here, over a few operations: nothing in a text can do more than be refused.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from functools import reduce
from typing import Any

from attractory.errors import ExpressionError, RequestError, StoreError, nearest
from attractory.expressions.parser import Apply, Chain, Expression, Name, Names, Number, Tree, names_in, parse_condition
from attractory.loader.metadata import StoredSystem, unknown

Systems = Mapping[str, StoredSystem]

NUMBERS: dict[str, Callable[[StoredSystem], float | None]] = {
    "dimension": lambda system: system.dimension,
    "parameters": lambda system: len(system.parameters),
    "period": lambda system: system.period,
    "lyapunov_exponent": lambda system: leading(system.invariants.get("lyapunov_spectrum")),
    "lyapunov_time": lambda system: system.lyapunov_time,
}
QUERIES: dict[str, Callable[[StoredSystem], tuple[object, ...]]] = {
    "kind": lambda system: (system.kind,),
    "tag": lambda system: system.tags,
    "behaviour": lambda system: (system.behaviour,),
    "dimension": lambda system: (system.dimension,),
    "name": lambda system: (system.name,),
}
SPAN = re.compile(r"\s*([0-9]{1,6})\s*(?:(\+)|-\s*([0-9]{1,6}))?\s*\Z")
OPERATIONS: dict[str, Callable[..., Any]] = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv, "pow": operator.pow, "neg": operator.neg,
    "lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge, "eq": operator.eq, "ne": operator.ne,
    "not": operator.not_, "abs": abs, "sqrt": math.sqrt, "log": math.log, "log10": math.log10, "exp": math.exp, "min": min, "max": max,
}  # fmt: skip
UNSIGNED = {"pos": lambda value: value}


def chosen(
    systems: Systems, wanted: Iterable[str] | Mapping[str, object] | None, where: str | None, *, place: str
) -> dict[str, StoredSystem]:
    """The systems, by name, that are wanted and fulfil a condition, in the order of the store.

    Args:
        wanted: names, or a query such as {"kind": "flow", "tag": "laser", "dimension": "4+"}; None for all.
        where: such as "lyapunov_exponent > 0.5 and dimension == 3"; a system of which a number is not known does not fit.
        place: begins the message of an error.
    Raises:
        StoreError: no such system, or none that fits.
        RequestError: an unknown key, or a text where a list is expected.
        ExpressionError: the condition cannot be read, or has no value.
    """
    if isinstance(wanted, Mapping):
        found = _queried(systems, wanted, place)
    else:
        found = _named(systems, wanted, place)
    if where is not None:
        condition = read_condition(where, systems.values())
        found = {name: system for name, system in found.items() if fulfils(system, condition)}
    if not found and (where is not None or isinstance(wanted, Mapping)):
        asked = " and ".join(
            [*(f"{key} {value}" for key, value in (wanted if isinstance(wanted, Mapping) else {}).items()), *filter(None, [where])]
        )
        message = f"{place} holds no system with {asked}."
        raise StoreError(message)
    return found


def read_condition(text: str, systems: Iterable[StoredSystem]) -> Expression:
    """A condition on the numbers of a system: those of NUMBERS and every invariant that a system of the store is annotated with.

    Raises:
        ExpressionError: it is not in the language, or uses what is no number of a system.
    """
    known = {*NUMBERS, *(name for system in systems for name in system.invariants)}
    return parse_condition(text, Names(scalars=known, words="number of a system"), where="where")


def fulfils(system: StoredSystem, condition: Expression) -> bool:
    """Whether the condition holds for a system; where the system has no value for one of its numbers, it does not.

    Raises:
        ExpressionError: a part of the condition has no value for this system.
    """
    values: dict[str, float] = {}
    for name in names_in(condition.tree):
        value = number_of(system, name)
        if value is None:
            return False
        values[name] = value
    try:
        return bool(_value(condition.tree, values))
    except (ArithmeticError, ValueError, KeyError, TypeError) as error:
        message = f"where: {condition.text!r} has no value for {system.name}: {error!r}"
        raise ExpressionError(message) from error


def number_of(system: StoredSystem, name: str) -> float | None:
    """A number that is known of a system: one of NUMBERS, or the first value of an annotated invariant."""
    return NUMBERS[name](system) if name in NUMBERS else leading(system.invariants.get(name))


def leading(annotation: Any) -> float | None:
    """The first value of an annotated invariant: of a spectrum the leading exponent; None where there is no number."""
    value = annotation.get("value") if isinstance(annotation, Mapping) else None
    while isinstance(value, list | tuple):
        value = value[0] if value else None
    return float(value) if isinstance(value, int | float) else None


def _value(tree: Tree, values: Mapping[str, float]) -> Any:
    match tree:
        case Number(value=value):
            return value
        case Name(name=name):
            return values[name]
        case Chain(first=first, rest=rest):
            return reduce(lambda left, step: _joined(step[0], left, step[1], values), rest, _value(first, values))
        case Apply(operation=operation, arguments=arguments):
            return {**OPERATIONS, **UNSIGNED}[operation](*(_value(argument, values) for argument in arguments))
    message = "a sum or a delay"
    raise ValueError(message)


def _joined(operation: str, left: Any, right: Tree, values: Mapping[str, float]) -> Any:
    if operation in ("and", "or"):
        return left and _value(right, values) if operation == "and" else left or _value(right, values)
    return OPERATIONS[operation](left, _value(right, values))


def _named(systems: Systems, wanted: Iterable[str] | None, place: str) -> dict[str, StoredSystem]:
    if wanted is None:
        return dict(systems)
    if isinstance(wanted, str):
        message = f"systems={wanted!r} is a single text: expected names in a list, such as [{wanted!r}]."
        raise RequestError(message)
    names = set(wanted)
    for name in sorted(map(str, names)):
        if name not in systems:
            message = f"{place} holds no system {name!r}"
            raise unknown(message, name, systems)
    return {name: system for name, system in systems.items() if name in names}


def _queried(systems: Systems, query: Mapping[str, object], place: str) -> dict[str, StoredSystem]:
    found = dict(systems)
    for key, wanted in query.items():
        if key not in QUERIES:
            message = f"unknown query key {str(key)[:40]!r}: expected one of {', '.join(QUERIES)}.{nearest(str(key), QUERIES)}"
            raise RequestError(message)
        there = list(dict.fromkeys(str(value) for system in systems.values() for value in QUERIES[key](system)))
        for choice in _choices(wanted):
            if not any(_fits(value, key, choice) for system in systems.values() for value in QUERIES[key](system)):
                message = f"{place} holds no system with {key} {choice!r}"
                raise unknown(message, str(choice)[:60], there)
        found = {name: one for name, one in found.items() if any(_fits(v, key, c) for v in QUERIES[key](one) for c in _choices(wanted))}
    return found


def _fits(value: object, key: str, choice: object) -> bool:
    if key == "name":
        return isinstance(choice, str) and fnmatchcase(str(value), choice)
    if key == "dimension":
        parts = SPAN.match(str(choice))
        if parts is None or not isinstance(value, int):
            return False
        fewest = int(parts[1])
        return fewest <= value <= (math.inf if parts[2] else int(parts[3] or fewest))
    return value == choice


def _choices(wanted: object) -> list[object]:
    return list(wanted) if isinstance(wanted, list | tuple) else [wanted]
