"""Whether a number measured from data is the one that is stated: a chance, a verdict, and how much would be needed for one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from attractory.stages.validate.permutations import FloatArray


@dataclass(frozen=True)
class Stated:
    """A number with its standard error, as an entry states it."""

    value: float
    error: float


@dataclass(frozen=True)
class Measured:
    """A number from data. errors: each estimate of its standard error with the degrees of freedom that it has; allowed: what the method
    is off by whatever the amount of data."""

    value: float
    errors: tuple[tuple[float, float], ...]
    allowed: float

    @property
    def standard_error(self) -> float:
        return max(error for error, _ in self.errors)


def chance_of_difference(measured: Measured, stated: Stated) -> float:
    """The chance that a right number differs by so much: Student's, since the errors are themselves estimates; of two estimates of an error
    the one that makes the difference likelier."""
    excess = max(0.0, abs(measured.value - stated.value) - measured.allowed)
    chances = []
    for error, freedom in measured.errors:
        both = float(np.hypot(error, stated.error))
        chances.append(1.0 if not np.isfinite(both) else float(2.0 * stats.t.sf(excess / max(both, 1e-300), freedom)))
    return max(chances)


def interval(measured: Measured, confidence: float = 0.95) -> tuple[float, float]:
    """Between which numbers the true one lies with this confidence, beside what the method is off by."""
    half = max(error * float(stats.t.isf((1.0 - confidence) / 2.0, freedom)) for error, freedom in measured.errors)
    return measured.value - half, measured.value + half


def factor_needed(measured: Measured, stated: Stated, *, part: float, alarm: float) -> float:
    """How many times the data are needed before an error of `part` of the stated number is found at this chance; at most 1 where they are
    enough.

    The error falls as the root of the amount.
    """
    wanted = part * max(abs(stated.value), stated.error)
    critical = max(error * float(stats.t.isf(alarm / 2.0, freedom)) for error, freedom in measured.errors)
    return (critical / max(wanted, 1e-300)) ** 2


def worst_of(chances: FloatArray) -> tuple[int, float]:
    """The place of the smallest chance, and the chance of one so small among all of them."""
    place = int(np.argmin(chances))
    return place, float(min(1.0, chances[place] * len(chances)))
