"""Times from one passage to the next, as a histogram shows them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attractory.stages.report.sample import Sample, Signal

Float = NDArray[np.float64]

BINS = 36
FEWEST = 8  # passages
_TAIL = 0.99  # of the times that are shown: a few long ones would press the others together


@dataclass(frozen=True)
class Returns:
    """counts (bin,) between low and high; of all `number` times their mean. what: what a time is from and to."""

    what: str
    counts: NDArray[np.int64]
    low: float
    high: float
    mean: float
    number: int


def returns(found: Sample, signal: Signal | None) -> Returns | None:
    """Of a section the times between crossings, else between upward passages of a variable through its mean; None of fewer than 8."""
    if found.is_section:
        times, what = np.diff(found.times, axis=1).ravel(), "from crossing to crossing"
    elif signal is None:
        return None
    else:
        times = _between_passages(found, signal.values)
        what = f"between upward passages of {signal.name} through its mean"
    if len(times) < FEWEST:
        return None
    low, high = _range(times)
    counts = np.histogram(times, bins=BINS, range=(low, high))[0].astype(np.int64)
    return Returns(what, counts, low, high, float(times.mean()), len(times))


def _between_passages(found: Sample, values: Float) -> Float:
    """Times between passages, each found by a straight line between two samples."""
    level = values.mean()
    intervals = []
    for row, row_times in zip(values - level, found.times[:, : values.shape[1]], strict=True):
        places = np.flatnonzero((row[:-1] < 0.0) & (row[1:] >= 0.0))
        share = -row[places] / (row[places + 1] - row[places])
        intervals.append(np.diff(row_times[places] + share * (row_times[places + 1] - row_times[places])))
    return np.concatenate(intervals)


def _range(times: Float) -> tuple[float, float]:
    """From near the shortest to all but the longest hundredth; never empty."""
    low, high = float(times.min()), float(np.quantile(times, _TAIL))
    room = 0.05 * (high - low) or 0.5 * high or 1.0
    return max(0.0, low - room), high + room
