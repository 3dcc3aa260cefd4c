"""The distance of the power spectra of two sets of trajectories."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from scipy.ndimage import gaussian_filter1d

from attractory.errors import RequestError
from attractory.expressions.system import System
from attractory.invariants.estimate import Estimate, FloatArray
from attractory.invariants.power_spectrum import FEWEST, block_spectra, frequencies, segment_length
from attractory.invariants.samples import Sampling
from attractory.invariants.signals import sampling_or, trajectory_groups
from attractory.invariants.two_sets import BoolArray, Comparison, TwoSets, resampled, two_sets

if TYPE_CHECKING:
    import xarray

METHOD = (
    "Hellinger distance of power spectra smoothed by a Gaussian, mean over coordinates (Mikhaeil et al., Adv. Neural Inf. Process. Syst. "
    "35 (2022)), of Welch's spectra; errors by leaving out trajectories and blocks of time"
)
SAMPLING = Sampling(trajectories=16, samples=8192)
_SEGMENTS = 4


@dataclass(frozen=True)
class SpectralSettings:
    """How spectra are estimated and smoothed.

    Attributes:
        segment: samples of one periodogram; None is the largest power of two of which both sets' trajectories are four times as long.
        smoothing: deviation of the Gaussian over frequencies, in steps of frequency, which are 1 / (segment dt); 0 is none.
    """

    segment: int | None = None
    smoothing: float = 2.0


def spectral_hellinger_distance(
    reference: System | str | ArrayLike | xarray.Dataset,
    other: System | str | ArrayLike | xarray.Dataset,
    *,
    settings: SpectralSettings | None = None,
    sampling: Sampling | None = None,
    dt: float | None = None,
    seed: int = 0,
) -> Estimate:
    """The Hellinger distance of normalised power spectra, the mean over coordinates: 0 where they are equal, 1 where they do not overlap.

    Args:
        reference, other: as `samples_of` takes them, with the same variables; of two Systems the second is sampled with the next seed.
        settings: None is segments of a quarter of a trajectory, or nearly so, and a smoothing of 2 steps of frequency.
        sampling: of a System; None is 16 trajectories of 8,192 samples.
        dt: of an array, in time units.
    Returns:
        Estimate of one number, symmetric in the sets. convergence has frequency (frequency,), in cycles per time unit, reference and other
        (frequency, coordinate), which add up to one, by_coordinate (coordinate,), and distance (share,) of the first share (share,) of each
        trajectory's segments.
    Raises:
        RequestError: sets that cannot be compared, fewer than 64 samples, or a setting out of range.
    """
    started = time.perf_counter()
    chosen = settings or SpectralSettings()
    sets = two_sets(reference, other, sampling=sampling_or(sampling, SAMPLING, seed), dt=dt, fewest=FEWEST)
    _require_one_dt(sets)
    segment = _segment(sets, chosen.segment)
    _require_smoothing(chosen.smoothing, segment)
    spectra = _spectra(sets.reference, segment, sets.dt), _spectra(sets.other, segment, sets.dt)
    found = resampled(_comparison(spectra, chosen.smoothing))
    means = [normalised(smoothed(one.sum(axis=(0, 1)), chosen.smoothing)) for one in spectra]
    convergence = {
        "frequency": frequencies(segment, sets.dt),
        "reference": means[0],
        "other": means[1],
        "by_coordinate": hellinger(*means),
        "share": found.shares,
        "distance": found.growth,
    }
    made = {**sets.settings, "segment": segment, "smoothing": chosen.smoothing, "seed": seed}
    seconds = time.perf_counter() - started
    return Estimate(np.array(found.value), np.array(found.standard_error), METHOD, made, seconds, convergence)


def _require_one_dt(sets: TwoSets) -> None:
    # samples at times that were added up differ in their last digits
    if not np.isclose(sets.dt, sets.other_dt, rtol=1e-6):
        message = f"the reference has dt={sets.dt:g} and the other set dt={sets.other_dt:g}; expected the same. Sample both alike."
        raise RequestError(message)


def _segment(sets: TwoSets, asked: int | None) -> int:
    """One that both sets have: long for its resolution, and with seven segments or more in a trajectory for its error."""
    shortest = sets.reference if sets.reference.shape[1] <= sets.other.shape[1] else sets.other
    default = 1 << (shortest.shape[1] // _SEGMENTS).bit_length() - 1
    return segment_length(shortest, default if asked is None else asked)


def _require_smoothing(smoothing: float, segment: int) -> None:
    if not 0.0 <= smoothing <= segment / 8:
        message = f"smoothing={smoothing!r}; expected from 0 to {segment / 8:g} steps of frequency, a quarter of the spectrum."
        raise RequestError(message)


def _spectra(values: FloatArray, segment: int, dt: float) -> FloatArray:
    """Sums (group of trajectories, block, frequency, coordinate); where a trajectory is at rest it has no power, not that of rounding."""
    found = block_spectra(values, segment, dt)
    moving = np.ptp(values, axis=1) > 0.0
    group = trajectory_groups(len(values))
    return np.stack([np.sum((found * moving[:, None, None])[group == one], axis=0) for one in range(int(group[-1]) + 1)])


def _comparison(spectra: tuple[FloatArray, FloatArray], smoothing: float) -> Comparison:
    first, second = spectra

    def value(reference: BoolArray, other: BoolArray) -> float:
        sums = [one[kept].sum(axis=0) for one, kept in ((first, reference), (second, other))]
        return float(np.mean(hellinger(*(normalised(smoothed(one, smoothing)) for one in sums))))

    return Comparison(value, (first.shape[0], first.shape[1]), (second.shape[0], second.shape[1]), {})


def smoothed(spectrum: FloatArray, deviation: float) -> FloatArray:
    """A spectrum (frequency, coordinate) with a Gaussian over it, mirrored at its ends, cut off at four deviations."""
    if deviation == 0.0:
        return spectrum
    found: FloatArray = gaussian_filter1d(spectrum, deviation, axis=0)
    return found


def normalised(spectrum: FloatArray) -> FloatArray:
    """Shares of the power (frequency, coordinate); zeros where there is none."""
    total = spectrum.sum(axis=0)
    shares: FloatArray = spectrum / np.where(total > 0.0, total, 1.0)
    return shares


def hellinger(first: FloatArray, second: FloatArray) -> FloatArray:
    """(coordinate,) of shares (frequency, coordinate); one without power has distance 1 from one with power, and 0 from another."""
    squares = 0.5 * np.sum((np.sqrt(first) - np.sqrt(second)) ** 2, axis=0)
    alone = (first.sum(axis=0) > 0.0) != (second.sum(axis=0) > 0.0)
    distance: FloatArray = np.sqrt(np.where(alone, 1.0, np.minimum(squares, 1.0)))
    return distance
