"""Signals: what a method that looks at one coordinate at a time works on, and the error of what it finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from attractory.errors import RequestError
from attractory.expressions.doors import as_system
from attractory.expressions.system import System
from attractory.invariants.estimate import FloatArray, Setting
from attractory.invariants.samples import Sampling, samples_of

if TYPE_CHECKING:
    import xarray

# Parts in time of every trajectory, for the error that is seen in time.
BLOCKS = 8
# A signal whose range is so many times its mean step is sampled finely, and neighbours say nearly the same.
_STEPS_OF_A_FINE_SIGNAL = 10.0
_MOST_GROUPS = 16


@dataclass(frozen=True)
class Signals:
    """Coordinates of trajectories: values (trajectory, time, coordinate), none of them constant; an angle is two coordinates."""

    values: FloatArray
    dt: float

    @property
    def settings(self) -> dict[str, Setting]:
        """What every method's numbers depend on."""
        trajectories, samples, coordinates = self.values.shape
        return {"trajectories": trajectories, "samples": samples, "coordinates": coordinates, "dt": self.dt}


def signals_of(source: System | str | ArrayLike | xarray.Dataset, sampling: Sampling, *, dt: float | None, fewest: int) -> Signals:
    """The coordinates of a source, as `samples_of` takes it.

    Raises:
        RequestError: a trajectory has fewer than `fewest` samples, or a coordinate never changes.
    """
    samples = samples_of(source, sampling, dt=dt)
    require_samples(samples.states.shape[1], fewest)
    values = samples.embedded()
    constant = np.flatnonzero(np.ptp(values, axis=(0, 1)) == 0.0)
    if constant.size:
        message = f"coordinate {int(constant[0])} of {values.shape[2]} has one value only; expected one that changes. Leave it out."
        raise RequestError(message)
    return Signals(values, samples.dt)


def require_samples(found: int, fewest: int) -> None:
    """Raises RequestError where trajectories are too short."""
    if found < fewest:
        message = f"the trajectories have {found} samples; expected at least {fewest}."
        raise RequestError(message)


def require(name: str, found: float, *, low: float, high: float = np.inf) -> None:
    """Raises RequestError where a setting is out of its range."""
    if not low <= found <= high:
        message = (
            f"{name}={found:g}; expected a number from {low:g} to {high:g}."
            if np.isfinite(high)
            else f"{name}={found:g}; expected {low:g} or more."
        )
        raise RequestError(message)


def sampling_or(sampling: Sampling | None, default: Sampling, seed: int) -> Sampling:
    """What was asked for, or the method's own with the seed."""
    return replace(default, seed=seed) if sampling is None else sampling


def finely_sampled(values: FloatArray) -> bool:
    """Whether some coordinate (trajectory, time, coordinate) changes by less than a tenth of its range from one sample to the next.

    Source: the check for too fine sampling in Matthews' program z1test.
    """
    steps = np.abs(np.diff(values, axis=1)).mean(axis=(0, 1))
    return bool((np.ptp(values, axis=(0, 1)) > _STEPS_OF_A_FINE_SIGNAL * steps).any())


def too_fine(source: object, values: FloatArray) -> bool:
    """Whether values are to be thinned before successive ones are compared: iterates of a map never are."""
    iterates = isinstance(source, System | str) and as_system(source).kind == "map"
    return not iterates and finely_sampled(values)


def lagged_products(values: FloatArray, longest: int) -> FloatArray:
    """Mean of conj(x(t)) x(t + lag) in each block of time: (trajectory, block, lag from 0 to longest, coordinate), real part.

    Every lag has the same times t, the first samples - longest, in equal blocks.
    """
    blocks = np.array_split(np.arange(values.shape[1] - longest), BLOCKS)
    return np.stack([_block_products(values, part, longest) for part in blocks], axis=1)


def _block_products(values: FloatArray, times: np.ndarray, longest: int) -> FloatArray:
    """One block's products by the convolution theorem, padded so that nothing goes around."""
    first, last = int(times[0]), int(times[-1]) + 1
    size = 1 << int(np.ceil(np.log2(last - first + longest + 1)))
    base = np.fft.rfft(values[:, first:last], size, axis=1)
    ahead = np.fft.rfft(values[:, first : last + longest], size, axis=1)
    products: FloatArray = np.fft.irfft(np.conj(base) * ahead, size, axis=1)[:, : longest + 1] / (last - first)
    return products


def trajectory_groups(trajectories: int) -> npt.NDArray[np.int64]:
    """The group (trajectory,) of each trajectory, 16 at most: counts of many cells are kept by group, and a jackknife leaves out one."""
    return np.arange(trajectories) * min(trajectories, _MOST_GROUPS) // trajectories


def jackknife(
    statistics: FloatArray | npt.NDArray[np.int32], function: Callable[[FloatArray], FloatArray]
) -> tuple[FloatArray, FloatArray]:
    """A function of the mean of statistics (trajectory, block, …), and its standard error: leaving out one trajectory at a time, and one
    block of time at a time, the larger of the two.

    Returns: infinite errors where there is one trajectory and one block.
    """
    value = np.asarray(function(statistics.mean(axis=(0, 1))))
    errors = [_left_out(part, function) for part in (statistics.mean(axis=1), statistics.mean(axis=0)) if len(part) > 1]
    if not errors:
        return value, np.full(value.shape, np.inf)
    return value, np.maximum.reduce(errors)


def _left_out(parts: FloatArray, function: Callable[[FloatArray], FloatArray]) -> FloatArray:
    """Standard error (Quenouille and Tukey) from the values without each part in turn; infinite where one of them is."""
    count = len(parts)
    total = parts.sum(axis=0)
    values = np.stack([function((total - part) / (count - 1)) for part in parts])
    lost = ~np.isfinite(values).all(axis=0)
    deviations = np.where(lost, 0.0, values)
    error = np.sqrt((count - 1) * np.mean((deviations - deviations.mean(axis=0)) ** 2, axis=0))
    return np.where(lost, np.inf, error)
