"""From when to when neighbours part exponentially, and how fast: a rule.

The time is looked for in which two things hold. Pairs that began farther apart stay so by the same factor: the distance between the
curves of nearer and of farther pairs is at least nine tenths of what it was. In chaos it stays so until the attractor's size is felt;
noise forgets it with the first sample. And the slope does not change: of all ranges of two turns or more, the one with the smallest
error is taken. The error is made of

- the fit's: the scatter of slopes of pieces of a turn over the root of their number, and what they drift beyond it;
- that of resampling: blocks of points left out;
- that of saturation: the mean part of the points whose neighbours are far apart already, times the slope;
- a twentieth over the range's length: so much of a logarithm may change for any reason.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from attractory.invariants.estimate import FloatArray
from attractory.invariants.neighbour_curves import NeighbourCurves

KEPT = (0.9, 1.2)
_FEWEST_TURNS, _FEWEST_SAMPLES = 1, 3
_ENDS = 64  # of ranges, evenly
_CHANGE = 0.05
# What the scatter of the pieces' slopes is taken to be before it is seen, relative to the slope, and how many pieces that counts for:
# without it, the shortest ranges would win whose few slopes agree by chance.
_SCATTER, _WEIGHT = 0.03, 2.0
CLEAR_ERRORS, CLEAR_RISE = 5.0, 1.0


@dataclass(frozen=True)
class ExponentialRange:
    """A rate in 1 / sample with its errors, from sample `first` to `last`; `rise` is how much the logarithm grows while the curves of
    nearer and farther pairs are parallel, in or out of the range."""

    rate: float
    fit_error: float
    resampling_error: float
    saturation_error: float
    rise: float
    first: int
    last: int

    @property
    def standard_error(self) -> float:
        """Infinite where there is no range."""
        if self.last == self.first:
            return float(np.inf)
        least = _CHANGE / (self.last - self.first)
        return float(np.sqrt(max(self.fit_error, self.resampling_error) ** 2 + self.saturation_error**2 + least**2))

    @property
    def is_clear(self) -> bool:
        """Whether the distance grows: by a factor of e or more while the curves are parallel, and at a rate above five of its errors."""
        return self.rise >= CLEAR_RISE and self.rate > CLEAR_ERRORS * self.standard_error


def exponential_range(curves: NeighbourCurves) -> ExponentialRange:
    """The range with the smallest error; where there is none, the slope between the first two samples with an infinite error."""
    forgotten = np.flatnonzero(~((curves.kept >= KEPT[0]) & (curves.kept <= KEPT[1])))
    end = int(forgotten[0]) - 1 if len(forgotten) else len(curves.kept) - 1
    shortest = max(_FEWEST_TURNS * curves.turn, _FEWEST_SAMPLES)
    step = max(1, curves.turn // 4, end // _ENDS)
    places = np.arange(0, end + 1, step)
    rise = float(curves.log_distance[max(end, 0)] - curves.log_distance[0])
    ranges = [_range(curves, int(a), int(b), rise) for a in places for b in places[::-1] if b - a >= shortest]
    if not ranges:
        first_step = float(curves.log_distance[1] - curves.log_distance[0])
        return ExponentialRange(first_step, np.inf, np.inf, 0.0, rise, 0, 0)
    return min(ranges, key=lambda found: found.standard_error)


def _range(curves: NeighbourCurves, first: int, last: int, rise: float) -> ExponentialRange:
    part = slice(first, last + 1)
    times, logs = np.arange(float(first), last + 1.0), curves.log_distance[part]
    rate = float(straight_slopes(times, logs))
    without = straight_slopes(times, curves.log_distance_without[:, part])
    blocks = len(without)
    resampling = float(np.sqrt((blocks - 1) / blocks * np.sum((without - without.mean()) ** 2)))
    pieces = max(round((last - first) / curves.turn), _FEWEST_SAMPLES)
    fit = fit_error(times, logs, rate, pieces=pieces)
    saturation = abs(rate) * float(curves.far_apart[part].mean())
    return ExponentialRange(rate, fit, resampling, saturation, rise, first, last)


def local_rates(curves: NeighbourCurves) -> FloatArray:
    """(sample,): the slope over a turn behind each sample."""
    logs = curves.log_distance
    rates: FloatArray = (logs[curves.turn :] - logs[: -curves.turn]) / curves.turn
    return rates


def fit_error(places: FloatArray, values: FloatArray, slope: float, *, pieces: int) -> float:
    """The error of a slope from the slopes of so many pieces of its curve: their scatter over the root of their number, and what they
    drift from one end to the other where that is more than the scatter explains. Pieces are long, so that neighbouring points, which
    share most of their data, do not count twice."""
    pieces = min(pieces, len(places) - 1)
    edges = np.round(np.linspace(0, len(places) - 1, pieces + 1)).astype(int)
    slopes = np.diff(values[edges]) / np.diff(places[edges])
    variance = (np.sum((slopes - slope) ** 2) + _WEIGHT * (_SCATTER * slope) ** 2) / (pieces - 1 + _WEIGHT)
    place = np.arange(pieces) - 0.5 * (pieces - 1)
    drift = float(place @ slopes / (place @ place)) * pieces
    explained = variance / float(place @ place) * pieces**2
    return float(np.sqrt(variance / pieces + max(drift**2 - explained, 0.0)))


def straight_slopes(places: FloatArray, values: FloatArray) -> FloatArray:
    """Of straight lines through values (…, place), by least squares: what weighs the middle of the range most and its ends least."""
    centred = places - places.mean()
    slope: FloatArray = np.sum(centred * values, axis=-1) / np.sum(centred * centred)
    return slope
