"""Orthonormal vectors of many trajectories side by side: Gram and Schmidt in vector registers, with the same bits for each trajectory
whatever its neighbours are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

# What is left of a vector behind the projections, below which it is round-off and has no direction.
_ROUND_OFF = 1.0e-15
_SIDE = 16  # trajectories side by side: two or four vector registers, so that one sum need not wait for itself


@njit(cache=True, error_model="numpy", nogil=True)
def orthonormalise(tangent: Any, diagonal: Any) -> None:  # pragma: no cover - compiled
    """Makes the vectors (trajectory, vector, variable) orthonormal in place, one after the other; `diagonal` (trajectory, vector) is what
    of each one's length the earlier ones left.

    Gram and Schmidt, twice: once leaves errors that grow with the parting of the vectors. LAPACK's digits depend on the processor and
    on how it was built; these are sums in one order, whatever trajectories are made orthonormal side by side. A vector of which nothing
    is left becomes the axis that is farthest from the others.
    Source: Giraud, Langou, Rozložník and van den Eshof, Numerische Mathematik 101, 87 (2005).
    """
    rows, vectors, size = tangent.shape
    block, sums = np.zeros((vectors, size, _SIDE)), np.zeros((4, _SIDE))
    for first in range(0, rows, _SIDE):
        count = min(_SIDE, rows - first)
        for lane in range(count):
            for vector in range(vectors):
                for place in range(size):
                    block[vector, place, lane] = tangent[first + lane, vector, place]
        for vector in range(vectors):
            _orthonormalise_one(block, vector, count, sums)
            for lane in range(count):
                diagonal[first + lane, vector] = sums[2, lane]
        for lane in range(count):
            for vector in range(vectors):
                for place in range(size):
                    tangent[first + lane, vector, place] = block[vector, place, lane]


@njit(cache=True, error_model="numpy", nogil=True)
def factors(orthonormal: Any, grown: Any, diagonal: Any) -> Any:  # pragma: no cover - compiled
    """R (trajectory, row, vector), upper triangular: each vector of `grown` (trajectory, vector, variable) is the orthonormal ones times
    its column; `diagonal` is what `orthonormalise` gives."""
    rows, vectors, _ = grown.shape
    upper = np.zeros((rows, vectors, vectors))
    for row in range(rows):
        for vector in range(vectors):
            for earlier in range(vector):
                upper[row, earlier, vector] = _product(orthonormal[row, earlier], grown[row, vector])
            upper[row, vector, vector] = diagonal[row, vector]
    return upper


@njit(cache=True, error_model="numpy", nogil=True, inline="always")
def _orthonormalise_one(block: Any, vector: int, count: int, sums: Any) -> None:  # pragma: no cover - compiled
    """One vector of each trajectory of a block (vector, variable, trajectory); row 2 of `sums` is what the earlier ones left of it."""
    own, length, left, again = block[vector], sums[1], sums[2], sums[3]
    _lengths(own, length)
    _project(block, vector, sums[0])
    _lengths(own, left)
    _divide(own, left)
    _project(block, vector, sums[0])
    _lengths(own, again)
    _divide(own, again)
    for lane in range(count):
        if not left[lane] > _ROUND_OFF * length[lane]:
            _renew(block[:, :, lane], vector)
        else:
            left[lane] *= again[lane]


@njit(cache=True, error_model="numpy", nogil=True, inline="always")
def _products(left: Any, right: Any, sums: Any) -> None:  # pragma: no cover - compiled
    """`sums` (trajectory,) of the products of vectors (variable, trajectory)."""
    for lane in range(_SIDE):
        sums[lane] = 0.0
    for place in range(left.shape[0]):
        for lane in range(_SIDE):
            sums[lane] += left[place, lane] * right[place, lane]


@njit(cache=True, error_model="numpy", nogil=True, inline="always")
def _lengths(own: Any, lengths: Any) -> None:  # pragma: no cover - compiled
    _products(own, own, lengths)
    for lane in range(_SIDE):
        lengths[lane] = np.sqrt(lengths[lane])


@njit(cache=True, error_model="numpy", nogil=True, inline="always")
def _divide(own: Any, lengths: Any) -> None:  # pragma: no cover - compiled
    for place in range(own.shape[0]):
        for lane in range(_SIDE):
            own[place, lane] /= lengths[lane]


@njit(cache=True, error_model="numpy", nogil=True, inline="always")
def _project(block: Any, vector: int, along: Any) -> None:  # pragma: no cover - compiled
    """Takes from a vector of each trajectory what lies along the earlier ones of that trajectory."""
    own = block[vector]
    for earlier in range(vector):
        other = block[earlier]
        _products(own, other, along)
        for place in range(own.shape[0]):
            for lane in range(_SIDE):
                own[place, lane] -= along[lane] * other[place, lane]


@njit(cache=True, error_model="numpy", nogil=True)
def _renew(vectors: Any, vector: int) -> None:  # pragma: no cover - compiled
    """The axis of which the earlier vectors (vector, variable) of a trajectory leave most, made orthonormal to them."""
    own, best, most = vectors[vector], 0, -1.0
    for axis in range(own.shape[0]):
        left = 1.0
        for earlier in range(vector):
            left -= vectors[earlier, axis] ** 2
        if left > most:
            best, most = axis, left
    own[:] = 0.0
    own[best] = 1.0
    for _ in range(2):
        for earlier in range(vector):
            along = _product(own, vectors[earlier])
            for place in range(own.shape[0]):
                own[place] -= along * vectors[earlier, place]
        length = np.sqrt(_product(own, own))
        for place in range(own.shape[0]):
            own[place] /= length


@njit(cache=True, error_model="numpy", nogil=True)
def _product(left: Any, right: Any) -> float:  # pragma: no cover - compiled
    total = 0.0
    for place in range(left.shape[0]):
        total += left[place] * right[place]
    return total
