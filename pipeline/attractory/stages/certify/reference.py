"""What the references of flows and maps have in common: the problem, the solution by stretches, and how many digits they carry.

A reference follows the true solution and a *twin* that starts a hair beside it and is computed a little differently (a flow: other
steps, by another tolerance). How far the two have parted says two things: how much an error made at the start has grown by then,
and whether the reference is still right itself, since its own errors are far smaller than the twin's offset.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

# Bits that a reference carries, tried in turn until it outlives the stored numbers. The twin's offset is 2^-(bits - OFFSET_BITS): with
# 160 bits, 8e-34, which chaos needs 60 Lyapunov times to bring to 1e-7; stored doubles lose 1e-6 after some 23.
BITS = (160, 320, 640, 1280)
OFFSET_BITS = 50
STRETCH = 128  # samples computed before they are compared, so that nothing is followed far beyond its end
# The reference speaks for itself while it and its twin are closer than this, a tenth of what is asked of the stored numbers.
SURE = 1e-7


class NoReferenceError(Exception):
    """The reference cannot follow a trajectory; the message is a sentence's end."""


@dataclass(frozen=True)
class Problem:
    """One stored trajectory as its equations see it.

    Attributes:
        initial, parameters, start_time: exactly as stored.
        times: (time,) at which it is wanted, ascending, counted from sample 0, the first one 0.
        scale: (variable,) what errors are relative to.
        widths: (variable,) of the circle that a coordinate lies on; infinite where it lies on none.
    """

    initial: FloatArray
    parameters: FloatArray
    start_time: float
    times: FloatArray
    scale: FloatArray
    widths: FloatArray

    def distance(self, difference: FloatArray) -> FloatArray:
        """(…,) largest of the scaled differences (…, variable), around the circle where there is one; infinite where one is no number."""
        with np.errstate(invalid="ignore"):
            turns = np.where(np.isfinite(self.widths), np.round(difference / self.widths), 0.0)
            around = difference - turns * np.where(np.isfinite(self.widths), self.widths, 0.0)
            scaled = np.abs(around) / self.scale
        return np.asarray(np.where(np.isfinite(scaled), scaled, np.inf).max(axis=-1))


@dataclass(frozen=True)
class Stretch:
    """The true solution at some consecutive times.

    Attributes:
        states: (time, variable), rounded to doubles.
        twin: (time,) scaled distance to the twin, which began at `offset(bits)`.
        steps: how many steps (maps: iterates) were made so far.
    """

    states: FloatArray
    twin: FloatArray
    steps: int


class Reference(Protocol):
    """The true solutions of one system, with so many bits."""

    def follow(self, problem: Problem) -> Iterator[Stretch]:
        """Stretch by stretch, to the last time or until nobody asks for more.

        Raises:
            NoReferenceError: the solution cannot be followed from here.
        """


def offset(bits: int) -> float:
    """The scaled distance at which the twin starts."""
    return math.ldexp(1.0, OFFSET_BITS - bits)


def twin_signs(count: int) -> Sequence[int]:
    """The direction of the twin's offset in each variable: fixed, and no symmetry's own."""
    return [1 if place % 3 != 1 else -1 for place in range(count)]


def stretches(count: int) -> Iterator[slice]:
    """The samples of each stretch."""
    return (slice(first, min(first + STRETCH, count)) for first in range(0, count, STRETCH))
