"""The power spectrum of the stored samples, as a picture shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attractory.invariants.dominant_period import peak_heights, peak_periods
from attractory.invariants.power_spectrum import block_spectra, frequencies, segment_length
from attractory.stages.report.sample import Sample, Signal

Float = NDArray[np.float64]

POINTS = 96  # of the curve, at equal steps of the logarithm of the frequency
DECADES = 12.0  # below the largest power: what lies deeper is round-off, or nothing


@dataclass(frozen=True)
class Spectrum:
    """Of one variable.

    frequency, power: (point,) as logarithms to the base 10; power is 0 at its largest. period: of the largest peak, infinite where there
    is none. fast: the share of the power above half of the highest frequency.
    """

    variable: str
    frequency: Float
    power: Float
    period: float
    fast: float


def spectrum(found: Sample, signals: Sequence[Signal]) -> Spectrum | None:
    """Of the variable whose largest peak stands highest over red noise; None where samples are at times of their own, or nothing moves."""
    if not found.is_regular or not signals:
        return None
    length = min(len(signal.values[0]) for signal in signals)
    values = np.stack([signal.values[:, :length] for signal in signals], axis=2)
    segment = segment_length(values, None)
    power = block_spectra(values, segment, found.dt).mean(axis=(0, 1))
    chosen = int(np.argmax(peak_heights(values, segment, found.dt)))
    frequency = frequencies(segment, found.dt)
    column = power[:, chosen]
    return Spectrum(
        variable=signals[chosen].name,
        frequency=np.log10(frequency[1:])[_places(len(frequency) - 1)],
        power=_relative(column[1:]),
        period=float(peak_periods(column[:, None], frequency)[0]),
        fast=float(column[len(column) // 2 :].sum() / column[1:].sum()),
    )


def _edges(count: int) -> NDArray[np.int64]:
    """Where groups of frequencies begin, each as wide as the others on a logarithmic scale, none empty."""
    edges = np.unique(np.rint(np.geomspace(1, count + 1, POINTS + 1)).astype(np.int64)) - 1
    return np.asarray(edges, dtype=np.int64)


def _places(count: int) -> NDArray[np.int64]:
    """The frequency in the middle of each group."""
    edges = _edges(count)
    return np.asarray((edges[:-1] + edges[1:] - 1) // 2, dtype=np.int64)


def _relative(power: Float) -> Float:
    """Logarithm of the mean power of each group, less the largest."""
    edges = _edges(len(power))
    means = np.add.reduceat(power, edges[:-1]) / np.diff(edges)
    largest = max(float(means.max()), np.finfo(np.float64).tiny)
    return np.asarray(np.log10(np.maximum(means / largest, 10.0**-DECADES)), dtype=np.float64)
