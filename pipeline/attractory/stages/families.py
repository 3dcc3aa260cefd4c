"""The recipe's key `parameters`: which parameters of which systems are drawn, from where, and what family that is for one system."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from attractory.errors import AttractoryError, RecipeError, nearest
from attractory.expressions.parameters import parameter_values, structural_parameters
from attractory.expressions.system import System
from attractory.integrate.delays import check_lags
from attractory.integrate.families import Family, Spread
from attractory.layout import SetOrder
from attractory.stages.part import Count, Number, Part, Positive, rising

# Of one set, where the recipe says no other number; the most that an int16 holds.
ATTEMPTS, MOST_ATTEMPTS = 50, 32_767
# A grid or a hypercube is dealt by one permutation, which each worker makes.
MOST_SETS = 10_000_000
SOURCES = ("from", "around", "systems")
_SHAPES = ("range", "around", "values")
Refuse = Callable[[str | tuple[str | int, ...], str], RecipeError]


class ParameterSpread(Part):
    """One parameter's values: `[low, high]`, or `{range: [low, high], scale: log, points: 5}`, `{around: 0.1}`, `{values: […]}`."""

    range: tuple[Number, Number] | None = None
    around: Positive | None = None
    values: Annotated[tuple[Number, ...], Field(min_length=1)] | None = None
    scale: Literal["linear", "log"] = "linear"
    points: Annotated[Count, Field(ge=2, le=MOST_SETS)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _may_be_a_pair(cls, value: Any) -> Any:
        return {"range": value} if isinstance(value, list | tuple) else value

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        given = [name for name in _SHAPES if getattr(self, name) is not None]
        if len(given) != 1:
            sentence = "found {given}, expected exactly one of range, around and values"
            raise PydanticCustomError("measure", sentence, {"given": " and ".join(given) or "none"})
        if self.range is not None:
            rising(*self.range)
        if self.scale == "log" and (self.range is None or self.range[0] <= 0):
            raise PydanticCustomError("measure", "scale log needs a range that begins above zero")
        if self.values is not None and (self.points is not None or len(set(self.values)) < len(self.values)):
            raise PydanticCustomError("measure", "values are what they are: expected each one once, and no points")
        return self


class Parameters(Part):
    """Families: one parameter set for each `trajectories_per_set` trajectories, of every system or of those named under `systems`."""

    trajectories_per_set: Count = 1
    draw: Literal["uniform", "latin_hypercube", "grid"] = "uniform"
    source: Annotated[Literal["ranges"] | None, Field(alias="from")] = None
    around: Positive | None = None
    systems: dict[str, dict[str, ParameterSpread]] | None = None
    behaviour: Literal["chaotic", "periodic", "quasiperiodic", "fixed_point", "bounded"] | None = None
    attempts: Annotated[Count, Field(le=MOST_ATTEMPTS)] | None = None

    @model_validator(mode="after")
    def _says_where_from(self) -> Self:
        if self.source is not None and self.around is not None:
            raise PydanticCustomError("measure", "found from and around, expected one of them for the systems that are not named")
        if self.source is None and self.around is None and not self.systems:
            raise PydanticCustomError("empty", "expected at least one of from, around and systems")
        if any(not spreads for spreads in (self.systems or {}).values()):
            raise PydanticCustomError("empty", "a system under systems names no parameter")
        if self.behaviour is not None and self.draw == "grid":
            raise PydanticCustomError(
                "measure", "a grid keeps all of its points, so behaviour cannot choose among them; leave one of the two out"
            )
        if self.attempts is not None and self.behaviour is None:
            raise PydanticCustomError("measure", "attempts counts the draws until one has the behaviour asked for; expected behaviour too")
        return self


def family_of(asked: Parameters, system: System, *, trajectories: int, together: bool, refuse: Refuse) -> Family | None:
    """The family of one system; None where its trajectories all have the catalogued parameters.

    Args:
        refuse: makes the error about a key of the recipe.
    Raises:
        RecipeError: a parameter is unknown or cannot be drawn, or the numbers do not fit together.
    """
    spreads = _spreads(asked, system, refuse)
    if not spreads:
        return None
    if trajectories % asked.trajectories_per_set:
        problem = f"found {asked.trajectories_per_set}, and {trajectories} trajectories of {system.name} are not a multiple of that."
        raise refuse("parameters.trajectories_per_set", problem)
    order = SetOrder(trajectories // asked.trajectories_per_set, asked.trajectories_per_set, together)
    _check_sets(asked, system, spreads, order, refuse)
    family = Family(spreads, order, asked.draw, asked.behaviour, _attempts(asked))
    _check_values(system, family, refuse)
    return family


def family_attributes(family: Family) -> dict[str, Any]:
    """The family as a store says it to a stranger."""
    order = family.order
    chosen = {} if family.behaviour is None else {"behaviour": family.behaviour, "attempts": family.attempts}
    return {
        "parameters": {spread.name: _spread_attributes(spread) for spread in family.spreads},
        "draw": family.draw,
        "sets": order.sets,
        "trajectories_per_set": order.trajectories_per_set,
        "set_of_trajectory": "trajectory // trajectories_per_set" if order.together else "trajectory % sets",
        **chosen,
    }


def _spread_attributes(spread: Spread) -> dict[str, Any]:
    if spread.values:
        return {"values": list(spread.values)}
    return {"range": [spread.low, spread.high], "scale": "log" if spread.logarithmic else "linear"}


def _attempts(asked: Parameters) -> int:
    return 1 if asked.behaviour is None else asked.attempts or ATTEMPTS


def _spreads(asked: Parameters, system: System, refuse: Refuse) -> tuple[Spread, ...]:
    """In the order in which the entry declares them, so that the order in a recipe says nothing."""
    named = (asked.systems or {}).get(system.name)
    if named is not None:
        known = system.record.parameters
        for name in named:
            if name not in known:
                problem = f"{system.name} has no parameter {name!r}; it has {', '.join(known) or 'none'}.{nearest(name, known)}"
                raise refuse(("parameters", "systems", system.name, name), problem)
        return tuple(_spread(asked, system, name, named[name], refuse) for name in known if name in named)
    if asked.source == "ranges":
        ranges = system.record.ranges
        if not ranges:
            problem = f"the entry of {system.name} has no ranges. Name its parameters under systems, or leave it out."
            raise refuse("parameters.from", problem)
        return tuple(_evenly(asked, Spread(name, *ranges[name]), None, refuse, "parameters.from") for name in _known(system, ranges))
    if asked.around is None:
        return ()
    numbers = _free_numbers(system)
    if not numbers:
        problem = f"{system.name} has no parameter that is a number other than zero. Leave it out, or name other systems."
        raise refuse("parameters.around", problem)
    return tuple(_evenly(asked, _around(name, value, asked.around), None, refuse, "parameters.around") for name, value in numbers.items())


def _known(system: System, names: Mapping[str, Any]) -> list[str]:
    return [name for name in system.record.parameters if name in names]


def _spread(asked: Parameters, system: System, name: str, given: ParameterSpread, refuse: Refuse) -> Spread:
    key = ("parameters", "systems", system.name, name)
    if given.values is not None:
        if asked.draw != "grid":
            raise refuse((*key, "values"), f"lists the points of a grid, and draw is {asked.draw}. Expected a range, or draw: grid.")
        return Spread(name, min(given.values), max(given.values), values=given.values)
    if given.points is not None and asked.draw != "grid":
        raise refuse((*key, "points"), f"counts the points of a grid, and draw is {asked.draw}.")
    if given.around is not None:
        value = parameter_values(system.record)[name]
        if not isinstance(value, float) or not value:
            raise refuse((*key, "around"), f"is relative, and {name} is {value}. Expected a range.")
        return _evenly(asked, _around(name, value, given.around), given.points, refuse, key)
    low, high = given.range or (0.0, 0.0)
    return _evenly(asked, Spread(name, low, high, given.scale == "log"), given.points, refuse, key)


def _evenly(asked: Parameters, spread: Spread, points: int | None, refuse: Refuse, key: str | tuple[str | int, ...]) -> Spread:
    """The spread itself, or of a grid, its points."""
    if asked.draw != "grid":
        return spread
    if points is None:
        raise refuse(key, f"draw is grid, and {spread.name} has no points. Expected {{range: [low, high], points: 5}} or {{values: […]}}.")
    return Spread(spread.name, spread.low, spread.high, spread.logarithmic, spread.evenly(points))


def _around(name: str, value: float, width: float) -> Spread:
    low, high = sorted((value - width * value, value + width * value))
    return Spread(name, low, high)


def _free_numbers(system: System) -> dict[str, float]:
    """The parameters that are numbers by themselves: no list, none that follows from others, none that decides a size, none that is 0."""
    record, values = system.record, parameter_values(system.record)
    given = {name: value * 1.5 + 1.0 for name, value in values.items() if isinstance(value, float)}
    fixed = structural_parameters(record)
    found = {}
    for name, value in values.items():
        if isinstance(value, float) and value and name not in fixed:
            others = {other: shifted for other, shifted in given.items() if other != name and other not in fixed}
            if isinstance(record.parameters[name], str) and parameter_values(record, others)[name] != value:
                continue
            found[name] = value
    return found


def _check_sets(asked: Parameters, system: System, spreads: tuple[Spread, ...], order: SetOrder, refuse: Refuse) -> None:
    if asked.draw != "uniform" and order.sets > MOST_SETS:
        raise refuse("parameters.draw", f"found {asked.draw} of {order.sets:,} sets, at most {MOST_SETS:,} are dealt. Use uniform.")
    points = math.prod(len(spread.values) for spread in spreads)
    if asked.draw == "grid" and points != order.sets:
        wanted = points * order.trajectories_per_set
        problem = (
            f"the grid of {system.name} has {points} points, and its trajectories make {order.sets} sets. Ask for {wanted} trajectories."
        )
        raise refuse("parameters.draw", problem)
    if asked.behaviour is not None and system.kind == "delay":
        raise refuse("parameters.behaviour", f"{system.name} is a delay system, and those are not told apart by behaviour.")
    if asked.behaviour is not None and system.kind == "flow" and system.period is None:
        raise refuse("parameters.behaviour", f"is measured over periods, and {system.name} has none: its entry has no timescale.")


def _check_values(system: System, family: Family, refuse: Refuse) -> None:
    """Nothing, where the ends of all ranges are parameters that the system can have."""
    ends = {spread.name: np.array([spread.low, spread.high]) for spread in family.spreads}
    try:
        rows = system.parameter_rows(ends, 2)
        if system.kind == "delay":
            check_lags(system.definition, rows)
    except RecipeError:
        raise
    except AttractoryError as error:
        raise refuse("parameters", f"the ends of the ranges cannot be had: {error}") from None
