"""Poincaré sections: where an expression of the state takes a value, or where it is largest or smallest along a trajectory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from attractory.errors import ExpressionError, RequestError, nearest
from attractory.expressions.definition import Definition, Model
from attractory.expressions.derivative import sparse_jacobian, tangents
from attractory.expressions.graph import GraphBuilder, pruned, reachable
from attractory.expressions.system import System

DIRECTIONS = {"up": 1, "down": -1, "both": 0}
EXTREMA = {"maximum_of": -1, "minimum_of": 1}  # the way in which the derivative goes through zero
KEYS = ("of", "at", "direction", "maximum_of", "minimum_of", "within")
_CORNERS = frozenset({"abs", "sign", "floor", "min", "max", "mod", "heaviside", "where"})


@dataclass(frozen=True)
class Section:
    """Where `of`, an expression of the state, the parameters and t, goes through `at` (a number or an expression of parameters).

    extremum: "maximum_of" or "minimum_of": where the derivative of `of` along the flow goes through zero; `at` and `direction` then say
    nothing. within: the longest time from one crossing to the next, in the system's time units; None: 1,000 periods.
    """

    of: str
    at: str = "0"
    direction: str = "up"
    extremum: str = ""
    within: float | None = None

    @property
    def sign(self) -> int:
        """1 where the section's function must rise through zero, -1 where it must fall, 0 where both count."""
        return EXTREMA[self.extremum] if self.extremum else DIRECTIONS[self.direction]

    @property
    def text(self) -> str:
        """What a person reads: `z = 27, up`, or `every maximum of x`."""
        if self.extremum:
            return f"every {self.extremum.removesuffix('_of')} of {self.of}"
        return f"{self.of} = {self.at}, {self.direction}"


@dataclass(frozen=True)
class Cut:
    """A section of one system as a graph.

    The roots of `definition` are: the expression; the function whose zeros are meant (it, or its derivative along the flow); that
    function's derivative along the flow; and what a rounding of the state and the time changes the function by, in units of a rounding.
    """

    definition: Definition
    extremum: bool
    sign: int


def read_section(asked: Mapping[str, Any]) -> Section:
    """The section of a mapping with the keys of a recipe.

    Raises:
        RequestError: an unknown key, none or two expressions, a direction that is none.
    """
    if not isinstance(asked, Mapping):
        message = f"section is {asked!r}; expected a mapping such as {{'of': 'z', 'at': 27, 'direction': 'up'}}."
        raise RequestError(message)
    for key in asked:
        if key not in KEYS:
            message = f"section has no key {key!r}; expected {', '.join(KEYS)}.{nearest(str(key), KEYS)}"
            raise RequestError(message)
    chosen = [key for key in ("of", *EXTREMA) if asked.get(key) is not None]
    if len(chosen) != 1:
        message = f"section has {' and '.join(chosen) or 'none'} of of, maximum_of and minimum_of; expected exactly one of them."
        raise RequestError(message)
    extremum = chosen[0] if chosen[0] in EXTREMA else ""
    if extremum and (asked.get("at") is not None or asked.get("direction") is not None):
        message = f"section has {extremum} beside at or direction, which belong to `of`: an extremum is where the derivative is zero."
        raise RequestError(message)
    at, direction = asked.get("at"), asked.get("direction")
    section = Section(
        _text(chosen[0], asked[chosen[0]]),
        "0" if at is None else _text("at", at),
        "up" if direction is None else direction,
        extremum,
        asked.get("within"),
    )
    _check(section)
    return section


def cut(system: System, section: Section) -> Cut:
    """The section as a graph of one system.

    Raises:
        RequestError: the system is no flow, or the expression cannot be read, has corners or cannot change along a trajectory.
    """
    if system.kind != "flow":
        what = "a map: each iterate is a point already" if system.kind == "map" else f"of kind {system.kind!r}"
        message = f"{system.name} is {what}; a section cuts the trajectories of a flow. Sample it by samples alone, or choose a flow."
        raise RequestError(message)
    model = Model(system.record)
    rates = [node for _, node in model.assignments("equations", system.record.equations)]
    key = section.extremum or "of"
    value = _node(model, key, section.of)
    level = _node(model, "at", section.at)
    builder = model.builder
    _refuse_what_moves(system, builder, level, section)
    _refuse_corners(system, builder, value, f"{key}: {section.of!r}")
    if not section.extremum:
        value = builder.add("sub", value, level)
    flow = {builder.variable(place): rate for place, rate in enumerate(rates)} | {builder.time(): builder.const(1.0)}
    function = tangents(builder, (value,), flow)[0] if section.extremum else value
    if function is None or not _moving(builder, function)[function]:
        message = f"{system.name}: section.{key} is {section.of!r}, which never changes along a trajectory. Cut a quantity that moves."
        raise RequestError(message)
    rate = tangents(builder, (function,), flow)[0]
    if rate is None:  # piecewise constant, as sign(x)
        rate = builder.const(0.0)
    sensitivity = _sensitivity(builder, function)  # before the graph is taken
    graph, roots = pruned(builder.graph(), (value, function, rate, sensitivity))
    own = system.definition
    found = Definition(own.name, own.kind, own.variables, own.parameters, own.values, own.initial, graph, roots, own.wrap)
    return Cut(found, bool(section.extremum), section.sign)


def _text(key: str, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float) or value == "":
        message = f"section.{key} is {value!r}; expected an expression" + (" or a number." if key == "at" else ".")
        raise RequestError(message)
    return value if isinstance(value, str) else repr(value)


def _check(section: Section) -> None:
    if section.direction not in DIRECTIONS:
        message = (
            f"section.direction is {section.direction!r}; expected {', '.join(DIRECTIONS)}.{nearest(str(section.direction), DIRECTIONS)}"
        )
        raise RequestError(message)
    within = section.within
    if within is not None and (isinstance(within, bool) or not isinstance(within, int | float) or not 0 < within < float("inf")):
        message = f"section.within is {within!r}; expected a finite number of time units above zero."
        raise RequestError(message)


def _node(model: Model, key: str, text: str) -> int:
    """The expression's node; a message about it names the section's key in place of an entry's line."""
    dotted = f"section.{key}"
    try:
        return model.number(dotted, text)
    except ExpressionError as error:
        problem = str(error).removeprefix(model.record.where(dotted)).lstrip(": ")
        message = f"{model.record.name}: {dotted} {problem}"
        raise RequestError(message) from None


def _moving(builder: GraphBuilder, node: int) -> dict[int, bool]:
    """Of each node that this one is computed from, whether it depends on the state or the time."""
    moving: dict[int, bool] = {}
    for index in reachable(builder, (node,)):
        op, args, _ = builder.nodes[index]
        moving[index] = op in ("variable", "time") or any(moving[arg] for arg in args)
    return moving


def _refuse_what_moves(system: System, builder: GraphBuilder, level: int, section: Section) -> None:
    if _moving(builder, level)[level]:
        message = f"{system.name}: section.at is {section.at!r}, which changes along a trajectory; expected a number or parameters."
        raise RequestError(message)


def _refuse_corners(system: System, builder: GraphBuilder, node: int, what: str) -> None:
    corners = {builder.nodes[index].op for index, moves in _moving(builder, node).items() if moves} & _CORNERS
    if corners:
        message = f"{system.name}: section.{what} uses {', '.join(sorted(corners))} of the state; expected a smooth expression (for an "
        raise RequestError(message + "angle, a sine or cosine of it).")


def _sensitivity(builder: GraphBuilder, function: int) -> int:
    """The sum of |derivative times value| over the state and the time."""
    (row,) = sparse_jacobian(builder, (function,))
    terms = [(builder.variable(variable), entry) for variable, entry in row.items()]
    by_time = tangents(builder, (function,), {builder.time(): builder.const(1.0)})[0]
    if by_time is not None:
        terms.append((builder.time(), by_time))
    total = builder.const(0.0)
    for leaf, entry in terms:
        total = builder.add("add", total, builder.add("abs", builder.add("mul", entry, leaf)))
    return total
