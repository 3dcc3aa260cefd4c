"""Two sets of trajectories as mixtures of Gaussians, and the divergence of one from the other by draws."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit

from attractory.errors import RequestError
from attractory.invariants.estimate import FloatArray, Setting
from attractory.invariants.pair_counts import processors
from attractory.invariants.signals import require
from attractory.invariants.two_sets import BoolArray, Comparison, IntArray, Shape, TwoSets, part_numbers

_FEWEST = 512  # centres and draws: with fewer a block of time may have none
_TOGETHER = 64  # draws that a thread works on at a time


@dataclass(frozen=True)
class OccupancyMixture:
    """A Gaussian at each of some samples.

    Attributes:
        deviation: of each Gaussian, in units of the reference's deviation of each coordinate; None is half the square root of the number of
            coordinates, which is half the distance of a typical sample from the mean.
        centres: of each set, at most, drawn without replacement.
        draws: points drawn from the reference's mixture.
    """

    deviation: float | None = None
    centres: int = 4096
    draws: int = 4096


@dataclass(frozen=True)
class _Mixture:
    """Centres (centre, coordinate) and the part (centre,) of each, of so many groups and blocks."""

    centres: FloatArray
    part: IntArray
    shape: Shape


def mixture_divergence(sets: TwoSets, chosen: OccupancyMixture, seed: int) -> Comparison:
    """The Kullback-Leibler divergence of the other mixture from the reference's, in nats: the mean over draws from the reference's
    of the logarithm of the densities' ratio.

    Raises:
        RequestError: a setting out of range.
    """
    deviation = _deviation(chosen, sets.reference.shape[2])
    # in these units the Gaussians have unit deviations
    unit = deviation * sets.reference.std(axis=(0, 1))
    first, second = (_mixture(values / unit, chosen.centres, seed) for values in (sets.reference, sets.other))
    from_centre = np.arange(chosen.draws) * len(first.centres) // chosen.draws
    normal = np.random.Generator(np.random.Philox(key=seed)).standard_normal((chosen.draws, first.centres.shape[1]))
    drawn = first.centres[from_centre] + normal
    part_of_draw = first.part[from_centre]
    logs = [log_sums(drawn, mixture.centres, mixture.part, int(np.prod(mixture.shape))) for mixture in (first, second)]

    def value(reference: BoolArray, other: BoolArray) -> float:
        used = reference.ravel()[part_of_draw]
        ratio = _log_density(logs[0][used], first, reference) - _log_density(logs[1][used], second, other)
        return float(ratio.mean())

    settings: dict[str, Setting] = {
        "form": "mixture",
        "deviation": deviation,
        "centres": len(first.centres),
        "other_centres": len(second.centres),
        "draws": chosen.draws,
    }
    return Comparison(value, first.shape, second.shape, settings)


def _deviation(chosen: OccupancyMixture, coordinates: int) -> float:
    """Of the Gaussians, once the settings have been checked."""
    require("centres", chosen.centres, low=_FEWEST)
    require("draws", chosen.draws, low=_FEWEST)
    deviation = 0.5 * float(np.sqrt(coordinates)) if chosen.deviation is None else chosen.deviation
    if not (np.isfinite(deviation) and deviation > 0):
        message = f"deviation={deviation!r}; expected a width above 0, in units of the reference's deviations."
        raise RequestError(message)
    return deviation


def _mixture(values: FloatArray, most: int, seed: int) -> _Mixture:
    """Centres at random, in the order of the samples: evenly spaced ones could all lie in one block of short trajectories."""
    part, shape = part_numbers(*values.shape[:2])
    draw = np.random.Generator(np.random.Philox(key=seed))
    places = np.sort(draw.choice(part.size, min(part.size, most), replace=False))
    return _Mixture(values.reshape(part.size, -1)[places], part.ravel()[places], shape)


def _log_density(logs: FloatArray, mixture: _Mixture, kept: BoolArray) -> FloatArray:
    """At each draw (draw,), but for the Gaussians' common factor, of the parts that are kept; logs (draw, part)."""
    parts = kept.ravel()
    of_parts = logs[:, parts]
    largest = of_parts.max(axis=1)
    total = np.exp(of_parts - largest[:, None]).sum(axis=1) / parts[mixture.part].sum()
    density: FloatArray = largest + np.log(total)
    return density


def log_sums(drawn: FloatArray, centres: FloatArray, part: IntArray, parts: int) -> FloatArray:
    """Logarithms (draw, part) of the sums of exp(-squared distance / 2) over the centres of each part; minus infinity where it has none."""
    sums = np.empty((len(drawn), parts))
    columns = np.ascontiguousarray(centres.T)

    def work(first: int) -> None:
        _log_sums(drawn[first : first + _TOGETHER], columns, part, sums[first : first + _TOGETHER])

    with ThreadPoolExecutor(max_workers=processors()) as pool:
        list(pool.map(work, range(0, len(drawn), _TOGETHER)))
    return sums


@njit(cache=True, error_model="numpy", nogil=True)
def _log_sums(drawn: Any, centres: Any, part: Any, sums: Any) -> None:  # pragma: no cover - compiled
    """Each part's sum is taken relative to its nearest centre, so that none underflows."""
    squares = np.empty(centres.shape[1])
    nearest = np.empty(sums.shape[1])
    for row in range(drawn.shape[0]):
        squares[:] = 0.0
        for k in range(centres.shape[0]):
            here, column = drawn[row, k], centres[k]
            for i in range(squares.size):
                gap = column[i] - here
                squares[i] += gap * gap
        nearest[:] = np.inf
        for i in range(squares.size):
            nearest[part[i]] = min(nearest[part[i]], squares[i])
        sums[row] = 0.0
        for i in range(squares.size):
            sums[row, part[i]] += np.exp(0.5 * (nearest[part[i]] - squares[i]))
        for k in range(nearest.size):
            sums[row, k] = np.log(sums[row, k]) - 0.5 * nearest[k] if sums[row, k] > 0.0 else -np.inf
