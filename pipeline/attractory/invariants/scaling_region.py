"""Where a mass grows as a power of the radius, and with which exponent: the one rule for every dimension here.

A dimension is a limit of short radii, so the range begins at the shortest radius that is measured well: where the slope over the next
octave has an error of resampling (blocks left out) of at most 2 %, and the mass of at most 10 %. How far up it goes is chosen so that
the error of the whole slope is smallest: the larger of that of resampling and that of the fit. For the latter the range is cut into
pieces of about an octave, each with a slope of its own; it is their scatter over the root of their number, and what shows that the limit
is not reached:

- what the slopes drift from one end to the other, where that is more than their scatter explains;
- how far the slope over the two octaves below the range is off, where that is more than two of the errors that explain it.

So a range gets better with every octave that agrees with the others, and worse with one that does not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from attractory.errors import RequestError
from attractory.invariants.estimate import FloatArray

FEWEST_OCTAVES = 2.0
_OCTAVES_BELOW = 2.0
_SLACK = 1e-9  # of rounding
_FEWEST_PIECES = 3
# Of the slope over one octave: so well must the shortest radii be measured.
_WELL = 0.02
_MASS_WELL = 0.1  # and so well the mass within the shortest, or to twice the smallest error there is
# What the scatter is taken to be before it is seen, relative to the slope, and how many pieces that counts for: without it, the shortest
# ranges would win whose few slopes agree by chance.
_SCATTER, _WEIGHT = 0.03, 2.0


@dataclass(frozen=True)
class ScalingCurve:
    """Logarithms of radii and of the masses within them (radius,), rising, and the same without one block each (block, radius)."""

    log_radius: FloatArray
    log_mass: FloatArray
    log_radius_without: FloatArray
    log_mass_without: FloatArray

    def part(self, first: int, last: int) -> ScalingCurve:
        """From radius number `first` to `last`, both included."""
        cut = slice(first, last + 1)
        return ScalingCurve(self.log_radius[cut], self.log_mass[cut], self.log_radius_without[:, cut], self.log_mass_without[:, cut])


@dataclass(frozen=True)
class ScalingRegion:
    """A slope with its errors, from the radius number `first` to `last`."""

    slope: float
    fit_error: float
    resampling_error: float
    first: int
    last: int

    @property
    def standard_error(self) -> float:
        return max(self.fit_error, self.resampling_error)


def scaling_region(curve: ScalingCurve) -> ScalingRegion:
    """The range of radii with the smallest error of its slope.

    Raises:
        RequestError: the curve is shorter than two octaves.
    """
    first = _first(curve)
    octaves = (curve.log_radius - curve.log_radius[first]) / np.log(2.0)
    ends = [last for last in range(first + _FEWEST_PIECES, len(octaves)) if octaves[last] >= FEWEST_OCTAVES - _SLACK]
    return min((_region(curve, first, last) for last in ends), key=lambda region: region.standard_error)


def _first(curve: ScalingCurve) -> int:
    """The number of the shortest radius that is measured well, or of the best measured one with two octaves above it."""
    octaves = curve.log_radius / np.log(2.0)
    begins = [first for first in range(len(octaves) - _FEWEST_PIECES) if octaves[-1] - octaves[first] >= FEWEST_OCTAVES - _SLACK]
    if not begins:
        length = float(octaves[-1] - octaves[0])
        message = f"{length:.1f} octaves of radii hold pairs enough; expected at least {FEWEST_OCTAVES:g} for a slope: give more samples"
        raise RequestError(message)
    ends = np.maximum(np.searchsorted(octaves, octaves[begins] + 1.0 - _SLACK), np.array(begins) + 1)
    parts = [curve.part(first, int(last)) for first, last in zip(begins, ends, strict=True)]
    slopes = np.array([float(_slope(part.log_radius, part.log_mass)) for part in parts])
    errors = np.array([_resampling_error(part) for part in parts])
    # On a cycle, pairs of two trajectories come together in hundreds: between two such radii the slope is zero, and so is its error.
    blocks = len(curve.log_mass_without)
    masses = np.sqrt(blocks - 1) * np.std(curve.log_mass_without[:, begins], axis=0)
    errors[masses > max(_MASS_WELL, 2.0 * float(masses.min()))] = np.inf
    return begins[int(np.argmax(errors <= max(float(errors.min()), _WELL * float(np.median(slopes)))))]


def _region(curve: ScalingCurve, first: int, last: int) -> ScalingRegion:
    part = curve.part(first, last)
    slope = float(_slope(part.log_radius, part.log_mass))
    scatter, fit = _fit(part, slope)
    off = _off_below(curve, first, slope, scatter)
    return ScalingRegion(slope, float(np.hypot(fit, off)), _resampling_error(part), first, last)


def _off_below(curve: ScalingCurve, first: int, slope: float, scatter: float) -> float:
    """How far the slope over the two octaves below a range is off, beyond what its own error and the pieces' scatter explain."""
    begin = int(np.searchsorted(curve.log_radius, curve.log_radius[first] - _OCTAVES_BELOW * np.log(2.0) - _SLACK))
    octaves = float(curve.log_radius[first] - curve.log_radius[begin]) / np.log(2.0)
    if octaves < 1.0 - _SLACK:
        return 0.0
    below = curve.part(begin, first)
    difference = float(_slope(below.log_radius, below.log_mass)) - slope
    explained = 4.0 * (_resampling_error(below) ** 2 + scatter**2 / octaves)
    return float(np.sqrt(max(difference**2 - explained, 0.0)))


def _resampling_error(part: ScalingCurve) -> float:
    """The jackknife's, over blocks."""
    without = _slope(part.log_radius_without, part.log_mass_without)
    blocks = len(without)
    return float(np.sqrt((blocks - 1) / blocks * np.sum((without - without.mean()) ** 2)))


def _fit(part: ScalingCurve, slope: float) -> tuple[float, float]:
    """The deviation of one piece's slope, and the error of the fit: from pieces of about an octave, so that neighbouring radii, which
    share most of their pairs, do not count twice."""
    octaves = float(part.log_radius[-1] - part.log_radius[0]) / np.log(2.0)
    pieces = min(max(round(octaves), _FEWEST_PIECES), len(part.log_radius) - 1)
    edges = np.round(np.linspace(0, len(part.log_radius) - 1, pieces + 1)).astype(int)
    slopes = np.diff(part.log_mass[edges]) / np.diff(part.log_radius[edges])
    variance = (np.sum((slopes - slope) ** 2) + _WEIGHT * (_SCATTER * slope) ** 2) / (pieces - 1 + _WEIGHT)
    place = np.arange(pieces) - 0.5 * (pieces - 1)
    drift = float(place @ slopes / (place @ place)) * pieces
    explained = variance / float(place @ place) * pieces**2
    return float(np.sqrt(variance)), float(np.sqrt(variance / pieces + max(drift**2 - explained, 0.0)))


def _slope(log_radius: FloatArray, log_mass: FloatArray) -> FloatArray:
    """Of straight lines through (…, radius), by least squares: what weighs the middle of the range most and its ends least."""
    radius = log_radius - log_radius.mean(axis=-1, keepdims=True)
    slope: FloatArray = np.sum(radius * log_mass, axis=-1) / np.sum(radius * radius, axis=-1)
    return slope
