"""Covariant Lyapunov vectors: at each state the directions that grow with one exponent each, forwards and backwards in time.

Forwards, orthonormal vectors are carried on as for the spectrum, and R of each QR step is kept. Backwards, a vector within the first j
of them turns into the direction of exponent j: coefficients are multiplied with the inverse of R and normalised.

What a run of n intervals would take to keep grows with n; here it is the square root: bundles are kept at the beginnings of segments of
sqrt(n) intervals, and each segment is made again, with the same bits, when the way back comes to it.

Source: Ginelli, Poggi, Turchi, Chaté, Livi and Politi, Phys. Rev. Lett. 99, 130601 (2007).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from attractory.expressions.system import System
from attractory.invariants.estimate import FloatArray
from attractory.invariants.growth_rates import Effort
from attractory.invariants.tangent_bundle import Bundle, advance_bundle, advance_with_factors, find_interval, first_bundle, only

# What a direction that is lost (a singular Jacobian) shrinks by at most, so that its inverse is a number.
_SMALLEST = 1e-150


class Covariant(NamedTuple):
    """At one time: states (trajectory, variable), unit vectors (trajectory, vector, variable), and the logarithm of how much each grows
    (trajectory, vector) from here to the next time that was given before."""

    states: FloatArray
    vectors: FloatArray
    growth: FloatArray


@dataclass(frozen=True)
class ForwardRun:
    """What the way forwards leaves.

    Attributes:
        starts, sizes: the bundle at the beginning of each segment, and the intervals of each.
        settling: intervals before the first segment, in which the vectors turned into their directions.
        growth: of the orthonormal vectors (trajectory, interval, vector), behind these.
    """

    starts: list[Bundle]
    sizes: list[int]
    settling: int
    interval: float
    growth: FloatArray


def forward_run(system: System, *, intervals: int, fewest: int, seed: int, effort: Effort) -> ForwardRun:
    """So many intervals, or those of the effort's budget, a quarter of them for settling, of the trajectories that last.

    Raises:
        IntegrationError: no trajectory stayed on the attractor.
    """
    interval, bundle = find_interval(system, first_bundle(system, system.dimension, seed=seed, effort=effort))
    # Half of what the spectrum takes: R has two digits more then, and its inverse is what counts here.
    interval = float(max(interval // 2, 1)) if system.kind == "map" else 0.5 * interval
    bundle = replace(bundle, row=np.arange(len(bundle.row)))
    if effort.budget is not None:
        intervals = max(int(effort.budget / interval), fewest)
    settling = intervals // 4
    for _ in range(settling):
        bundle, _ = advance_bundle(bundle, interval)
    sizes = [len(part) for part in np.array_split(np.arange(intervals - settling), max(round(np.sqrt(intervals - settling)), 1))]
    starts, growth = [], []
    trajectories = int(bundle.row[-1]) + 1
    for size in sizes:
        starts.append(bundle)
        for _ in range(size):
            bundle, grown = advance_bundle(bundle, interval)
            all_of_them = np.zeros((trajectories, grown.shape[1]))
            all_of_them[bundle.row] = grown
            growth.append(all_of_them)
    kept = bundle.row
    lasting = [only(start, np.flatnonzero(np.isin(start.row, kept))) for start in starts]
    return ForwardRun(lasting, sizes, settling, interval, np.stack(growth, axis=1)[kept])


def covariant_vectors(run: ForwardRun) -> Iterator[Covariant]:
    """The covariant vectors at the beginning of each interval, from the last to the first: the first ones are not settled yet."""
    trajectories, _, vectors = run.growth.shape
    coefficients = np.tile(np.eye(vectors), (trajectories, 1, 1))
    for start, size in zip(run.starts[::-1], run.sizes[::-1], strict=True):
        bundles, factors = [start], []
        for _ in range(size):
            bundle, _, factor = advance_with_factors(bundles[-1], run.interval)
            bundles.append(bundle)
            factors.append(factor)
        for place in range(size - 1, -1, -1):
            growth = np.empty((trajectories, vectors))
            _step_back(factors[place], coefficients, growth)
            yield Covariant(bundles[place].ensemble.initial, _combined(bundles[place].tangent, coefficients), growth)


@njit(cache=True, error_model="numpy", nogil=True)
def _step_back(factors: Any, coefficients: Any, growth: Any) -> None:  # pragma: no cover - compiled
    """Coefficients (trajectory, row, vector) one interval earlier, in place, as unit vectors; log of their growth (trajectory, vector)."""
    rows, vectors, _ = factors.shape
    for row in range(rows):
        for vector in range(vectors):
            square = 0.0
            for place in range(vector, -1, -1):
                rest = coefficients[row, place, vector]
                for later in range(place + 1, vector + 1):
                    rest -= factors[row, place, later] * coefficients[row, later, vector]
                rest /= max(factors[row, place, place], _SMALLEST)
                coefficients[row, place, vector] = rest
            largest = 0.0
            for place in range(vector + 1):
                largest = max(largest, abs(coefficients[row, place, vector]))
            for place in range(vector + 1):
                coefficients[row, place, vector] /= largest
                square += coefficients[row, place, vector] ** 2
            length = np.sqrt(square)
            for place in range(vector + 1):
                coefficients[row, place, vector] /= length
            growth[row, vector] = -(np.log(largest) + np.log(length))


@njit(cache=True, error_model="numpy", nogil=True)
def _combined(tangent: Any, coefficients: Any) -> Any:  # pragma: no cover - compiled
    """Vectors (trajectory, vector, variable) with these coefficients in the orthonormal ones."""
    combined = np.zeros_like(tangent)
    rows, vectors, variables = tangent.shape
    for row in range(rows):
        for vector in range(vectors):
            for place in range(vector + 1):
                for variable in range(variables):
                    combined[row, vector, variable] += coefficients[row, place, vector] * tangent[row, place, variable]
    return combined
