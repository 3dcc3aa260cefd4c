"""Recurrences of one trajectory and the lines that they form, without their matrix.

Distances are computed a diagonal or a column at a time and forgotten. What is kept are counts, so neither the order of the work nor the
number of threads changes a number.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit

from attractory.invariants.estimate import FloatArray
from attractory.invariants.point_cloud import IntArray

# A squared distance is found by its bits, sixteen at a time from the first: those of positive doubles are integers of the same order.
_DIGIT = 16
_SHIFTS = (48, 32, 16, 0)
_PIECE = 1 << 18  # distances of one piece of the work, or so
_MOST_PIECES = 64


@dataclass(frozen=True)
class Lines:
    """How many lines of each length there are: both arrays (length from 0 to the number of points,).

    Attributes:
        diagonals: in the upper half of the matrix.
        verticals: in the whole of it.
        pairs: of points more than the window apart, those that recur and the others.
    """

    diagonals: IntArray
    verticals: IntArray
    pairs: int

    @property
    def recurrences(self) -> int:
        """Pairs that recur."""
        return int(self.diagonals @ np.arange(len(self.diagonals)))


def pair_count(length: int, window: int) -> int:
    """Pairs of points that are more than `window` apart in time."""
    later = length - window - 1
    return later * (later + 1) // 2


def squared_radius(points: FloatArray, window: int, rate: float, pool: Executor) -> float:
    """The smallest square of a radius within which at least the share `rate` of all pairs lies, exactly.

    Args:
        points: (coordinate, time).
    """
    rank = max(int(np.ceil(rate * pair_count(points.shape[1], window))), 1)
    prefix = 0
    for shift in _SHIFTS:
        counts = _sum(pool, _digit_counts, points, window, (prefix, shift, np.zeros(1 << _DIGIT, dtype=np.int64)))
        below = np.cumsum(counts)
        digit = int(np.searchsorted(below, rank))
        rank -= int(below[digit - 1]) if digit else 0
        prefix = prefix << _DIGIT | digit
    return float(np.array([prefix], dtype=np.int64).view(np.float64)[0])


def recurrence_lines(points: FloatArray, window: int, square: float, pool: Executor) -> Lines:
    """The lines of points (coordinate, time) of which no two are farther apart than the square's root; one at the matrix' edge or at the
    window counts with the length that is seen."""
    length = points.shape[1]
    empty = np.zeros(length + 1, dtype=np.int64)
    diagonals = _sum(pool, _diagonals, points, window, (square, empty))
    verticals = _sum(pool, _verticals, points, window, (square, empty))
    return Lines(diagonals, verticals, pair_count(length, window))


def _sum(pool: Executor, count: Callable[..., None], points: FloatArray, window: int, rest: tuple[Any, ...]) -> IntArray:
    """What `count` adds to the last of the rest, over pieces of the work; every piece has columns or diagonals of all lengths."""
    pieces = int(np.clip(pair_count(points.shape[1], window) // _PIECE, 1, _MOST_PIECES))

    def part(piece: int) -> IntArray:
        counts: IntArray = rest[-1].copy()
        count(points, window, (piece, pieces), *rest[:-1], counts)
        return counts

    total: IntArray = np.sum(list(pool.map(part, range(pieces))), axis=0)
    return total


@njit(cache=True, error_model="numpy", nogil=True)
def _digit_counts(points: Any, window: int, piece: Any, prefix: int, shift: int, counts: Any) -> None:  # pragma: no cover - compiled
    """Adds how often each value of the digit occurs among the squared distances whose earlier digits are the prefix."""
    length = points.shape[1]
    work = np.empty(length)
    for lag in range(window + 1 + piece[0], length, piece[1]):
        squares = work[: length - lag]
        _squares_at_lag(points, lag, squares)
        numbers = squares.view(np.int64)
        for i in range(squares.size):
            number = numbers[i] >> shift
            if number >> 16 == prefix:
                counts[number & 65535] += 1


@njit(cache=True, error_model="numpy", nogil=True)
def _diagonals(points: Any, window: int, piece: Any, square: float, counts: Any) -> None:  # pragma: no cover - compiled
    """Adds the lengths of the diagonal lines above the window."""
    length = points.shape[1]
    work = np.empty(length)
    for lag in range(window + 1 + piece[0], length, piece[1]):
        squares = work[: length - lag]
        _squares_at_lag(points, lag, squares)
        _runs(squares, square, counts)


@njit(cache=True, error_model="numpy", nogil=True)
def _verticals(points: Any, window: int, piece: Any, square: float, counts: Any) -> None:  # pragma: no cover - compiled
    """Adds the lengths of the vertical lines outside the window."""
    length = points.shape[1]
    squares = np.empty(length)
    for column in range(piece[0], length, piece[1]):
        _squares_from(points, column, squares)
        _runs(squares[: max(column - window, 0)], square, counts)
        _runs(squares[min(column + window + 1, length) :], square, counts)


@njit(cache=True, error_model="numpy", nogil=True)
def _squares_at_lag(points: Any, lag: int, squares: Any) -> None:  # pragma: no cover - compiled
    """Squared distances of points that are a lag apart in time."""
    squares[:] = 0.0
    for k in range(points.shape[0]):
        early, late = points[k, : squares.size], points[k, lag:]
        for i in range(squares.size):
            gap = late[i] - early[i]
            squares[i] += gap * gap


@njit(cache=True, error_model="numpy", nogil=True)
def _squares_from(points: Any, centre: int, squares: Any) -> None:  # pragma: no cover - compiled
    """Squared distances of all points from one."""
    squares[:] = 0.0
    for k in range(points.shape[0]):
        here, others = points[k, centre], points[k]
        for i in range(squares.size):
            gap = others[i] - here
            squares[i] += gap * gap


@njit(cache=True, error_model="numpy", nogil=True)
def _runs(squares: Any, square: float, counts: Any) -> None:  # pragma: no cover - compiled
    """Adds the runs of what is not above the square, by length."""
    run = 0
    for i in range(squares.size):
        if squares[i] <= square:
            run += 1
        elif run:
            counts[run] += 1
            run = 0
    if run:
        counts[run] += 1
