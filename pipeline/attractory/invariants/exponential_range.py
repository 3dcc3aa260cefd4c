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
from attractory.invariants.scaling_region import slope_errors, straight_slopes

KEPT = (0.9, 1.2)
_FEWEST_TURNS, _FEWEST_SAMPLES = 1, 3
_ENDS = 64  # of ranges, evenly
_CHANGE = 0.05
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
    fit = slope_errors(times, logs, rate, pieces=pieces)[1]
    saturation = abs(rate) * float(curves.far_apart[part].mean())
    return ExponentialRange(rate, fit, resampling, saturation, rise, first, last)


def local_rates(curves: NeighbourCurves) -> FloatArray:
    """(sample,): the slope over a turn behind each sample."""
    logs = curves.log_distance
    rates: FloatArray = (logs[curves.turn :] - logs[: -curves.turn]) / curves.turn
    return rates
