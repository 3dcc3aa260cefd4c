"""Families of parameters: the parameter sets of a system, each a pure function of (recipe seed, system, number of the set, attempt).

Only exact operations decide a value, and correctly rounded ones of `decimal` on a logarithmic scale, so any machine draws the same sets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from attractory.expressions.system import System
from attractory.integrate.random_numbers import uniform, words
from attractory.integrate.set_behaviour import behaviours
from attractory.layout import SetOrder

Float = NDArray[np.float64]
Draw = Literal["uniform", "latin_hypercube", "grid"]

# Twice the digits of a double, so that rounding to one is the only rounding that shows.
_LONG = Context(prec=40)


@dataclass(frozen=True)
class Spread:
    """Where one parameter's values lie: from low to high, evenly or evenly in its logarithm; of a grid, the values themselves."""

    name: str
    low: float
    high: float
    logarithmic: bool = False
    values: tuple[float, ...] = ()

    def at(self, part: float) -> float:
        """The value at a part of the way from low to high, 0 to 1."""
        if not self.logarithmic:
            return min(self.low + (self.high - self.low) * part, self.high)
        first, last = (Decimal(end).ln(_LONG) for end in (self.low, self.high))
        value = float(_LONG.fma(_LONG.subtract(last, first), Decimal(part), first).exp(_LONG))
        return min(max(value, self.low), self.high)

    def evenly(self, points: int) -> tuple[float, ...]:
        """So many values from low to high, both of them included."""
        return tuple(self.high if place == points - 1 else self.at(place / (points - 1)) for place in range(points))


@dataclass(frozen=True)
class Family:
    """The parameter sets of one system: how each is drawn, which trajectories are of which, and the class of behaviour each must have.

    behaviour: one of `set_behaviour.CLASSES`, or None: whatever is drawn is kept. attempts: draws of one set, the first one included.
    """

    spreads: tuple[Spread, ...]
    order: SetOrder
    draw: Draw
    behaviour: str | None = None
    attempts: int = 1


@dataclass(frozen=True)
class ParameterSets:
    """values (set, parameter): NaN where no draw had the class asked for; draws (set,): how many it took."""

    values: Float
    draws: NDArray[np.int16]


def parameter_sets(system: System, family: Family, numbers: Sequence[int], *, seed: int) -> ParameterSets:
    """The parameter sets with these numbers; one that is not of the family's class is drawn again, at most `attempts` times in all."""
    values = np.full((len(numbers), len(system.definition.parameters)), np.nan)
    draws = np.zeros(len(numbers), np.int16)
    open_places = np.arange(len(numbers))
    for attempt in range(family.attempts):
        drawn = drawn_sets(system, family, [(numbers[int(place)], attempt) for place in open_places], seed=seed)
        draws[open_places] = attempt + 1
        fits = _fits(system, family.behaviour, drawn)
        values[open_places[fits]] = drawn[fits]
        open_places = open_places[~fits]
        if not open_places.size:
            break
    return ParameterSets(values, draws)


def drawn_sets(system: System, family: Family, keys: Sequence[tuple[int, int]], *, seed: int) -> Float:
    """All parameters (set, parameter) of the draws with these keys (number of the set, attempt); what is derived from them follows."""
    columns = {
        spread.name: np.array([_value(system.name, family, place, number, attempt, seed=seed) for number, attempt in keys])
        for place, spread in enumerate(family.spreads)
    }
    return system.parameter_rows(columns, len(keys))


def _fits(system: System, wanted: str | None, values: Float) -> NDArray[np.bool_]:
    if wanted is None:
        return np.ones(len(values), bool)
    found = behaviours(system, values)
    return np.array([one is not None and wanted in ("bounded", one) for one in found], bool)


def _value(system: str, family: Family, place: int, number: int, attempt: int, *, seed: int) -> float:
    spread = family.spreads[place]
    if family.draw == "grid":
        # The points of the grid in an order of the seed's: else the last split would hold one corner of it.
        point = int(_permutation(seed, system, "grid", family.order.sets)[number])
        later = math.prod(len(other.values) for other in family.spreads[place + 1 :])
        return spread.values[point // later % len(spread.values)]
    part = float(uniform(words(1, seed=seed, system=system, trajectory=number, attempt=attempt, purpose=f"parameters.{spread.name}"))[0])
    # A cell of the hypercube may hold no system of the class asked for: a set that is drawn again is drawn from the whole of it.
    if family.draw == "latin_hypercube" and attempt == 0:
        cell = int(_permutation(seed, system, f"latin_hypercube.{spread.name}", family.order.sets)[number])
        part = (cell + part) / family.order.sets
    return spread.at(part)


@lru_cache(maxsize=64)
def _permutation(seed: int, system: str, purpose: str, count: int) -> NDArray[np.int64]:
    raw = words(count, seed=seed, system=system, trajectory=0, purpose=purpose)
    return np.argsort(raw, kind="stable")
