"""What the parameters of a record are as numbers, how many values an index takes, and which parameters only give sizes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from attractory.catalog.record import SystemRecord
from attractory.errors import ExpressionError, RequestError
from attractory.expressions.evaluate import constant_value
from attractory.expressions.expansion import Budget, Expander, Scope, Symbol
from attractory.expressions.graph import GraphBuilder
from attractory.expressions.parser import Names, names_in, parse

MAX_VARIABLES = 10_000  # a larger system belongs to kind field
Value = float | tuple["Value", ...]
Written = float | int | str | tuple["Written", ...]

_NAME = re.compile(r"[A-Za-z]\w*", re.ASCII)
_BRACKETS = re.compile(r"\[([^\[\]]*)\]")


class Indices(NamedTuple):
    """What the indices of a number may be: the sizes of those of its sums, each set of values of its own, and what all have cost."""

    sizes: Mapping[str, int]
    bindings: Sequence[Mapping[str, int]]
    budget: Budget


def parameter_values(record: SystemRecord, given: Mapping[str, float] | None = None) -> dict[str, Value]:
    """Each parameter as a double or a nested tuple of doubles; `given` replaces what is written, and what is derived from it follows.

    Raises:
        ExpressionError: an expression that cannot be read, that names a parameter below it, or that is no finite number.
    """
    values: dict[str, Value] = {}
    above = Names(scalars=set(), lists=set(), integers=set(), words="parameter")  # grows with what is known
    texts = {key: str(written) for key, written in record.parameters.items()}
    for name, written in record.parameters.items():
        if given and name in given:
            values[name] = float(given[name])
        else:
            names = replace(above, unusable=partial(out_of_order, name, texts=texts))
            values[name] = constant(record, f"parameters.{name}", written, values=values, names=names)
        _declare(above, name, values[name])
    return values


def _declare(names: Names, name: str, value: Value) -> None:
    known = number_names({name: value}, "")
    for grown, added in ((names.scalars, known.scalars), (names.lists, known.lists), (names.integers, known.integers)):
        grown.update(added)  # type: ignore[attr-defined]  # sets, made above


def constant(record: SystemRecord, key: str, written: Written, *, values: Mapping[str, Value], names: Names) -> Value:
    """The number, or nested tuple of numbers, that is written under a dotted key, from values that are known already."""
    if isinstance(written, tuple | list):
        return tuple(constant(record, f"{key}.{place}", item, values=values, names=names) for place, item in enumerate(written))
    if not isinstance(written, str):
        return float(written)
    return constants(record, key, written, values=values, names=names)[0]


def constants(
    record: SystemRecord, key: str, text: str, *, values: Mapping[str, Value], names: Names, indices: Indices | None = None
) -> list[float]:
    """The numbers that one text is for each binding of its indices."""
    where = record.where(key)
    expression = parse(text, names, where=where)
    builder = GraphBuilder()
    used = {name: values[name] for name in sorted(names_in(expression.tree)) if name in values}
    sizes, bindings, budget = indices or Indices({}, ({},), Budget())
    symbols = {name: constant_symbol(builder, value) for name, value in used.items()}
    expander = Expander(builder, Scope(symbols, sizes=sizes, integers=integer_values(used)), budget)
    try:
        return [constant_value(builder, node) for node in expander.nodes(expression, bindings)]
    except ExpressionError as error:
        raise error if str(error).startswith(where) else ExpressionError(f"{where} {error}") from None


def constant_symbol(builder: GraphBuilder, value: Value) -> Symbol:
    """A known number (or nested tuple) as constant nodes."""
    return tuple(constant_symbol(builder, item) for item in value) if isinstance(value, tuple) else builder.const(value)


def integer_values(values: Mapping[str, Value]) -> dict[str, int]:
    """The scalar parameters that are integers: what may stand in square brackets."""
    return {name: int(value) for name, value in values.items() if isinstance(value, float) and value == value // 1 and abs(value) < 2**31}


def number_names(values: Mapping[str, Value], words: str, **more: object) -> Names:
    """The names of known numbers, for the parser."""
    return Names(
        scalars={name for name, value in values.items() if not isinstance(value, tuple)},
        lists={name for name, value in values.items() if isinstance(value, tuple)},
        integers=set(integer_values(values)),
        words=words,
        **more,  # type: ignore[arg-type]
    )


def out_of_order(name: str, found: str, texts: Mapping[str, str]) -> str | None:
    """Why an expression under `name` may not use `found` of the same section: a circle, or a declaration further down."""
    if found not in texts:
        return None
    circle = _path(found, name, texts)
    if circle:
        return f"which makes a circle: {' -> '.join([name, *circle])}."
    return "which is declared below it. Move it up: a declaration uses those above it."


def _path(start: str, goal: str, texts: Mapping[str, str]) -> list[str]:
    """The names through which `start` is defined by `goal`, both included; empty where it is not."""
    came_from: dict[str, str] = {start: ""}
    queue = [start]
    for name in queue:
        if name == goal:
            path = [name]
            while came_from[path[-1]]:
                path.append(came_from[path[-1]])
            return path[::-1]
        for used in _NAME.findall(texts[name]):
            if used in texts and used not in came_from:
                came_from[used] = name
                queue.append(used)
    return []


def index_sizes(record: SystemRecord, values: Mapping[str, Value]) -> dict[str, int]:
    """How many values each index takes."""
    sizes: dict[str, int] = {}
    names = number_names(values, "parameter")
    for index, written in record.indices.items():
        key = f"indices.{index}"
        size = constant(record, key, written, values=values, names=names)
        if isinstance(size, tuple) or size != size // 1 or not 1 <= size <= MAX_VARIABLES:
            message = f"{record.where(key)} is {size}, expected an integer from 1 to {MAX_VARIABLES:,}."
            raise RequestError(message)
        sizes[index] = int(size)
    return sizes


def structural_parameters(record: SystemRecord) -> frozenset[str]:
    """Parameters that decide sizes or stand in square brackets, and those they are derived from: no trajectory can have its own."""
    texts = [*record.equations.values(), *record.definitions.values(), *record.conserved.values()]
    found = {name for text in texts for inside in _BRACKETS.findall(text) for name in _NAME.findall(inside)}
    found |= {name for written in record.indices.values() for name in _NAME.findall(str(written))}
    found &= set(record.parameters)
    queue = list(found)
    for name in queue:
        used = set(_NAME.findall(str(record.parameters[name]))) & set(record.parameters)
        queue.extend(used - found)
        found |= used
    return frozenset(found)
