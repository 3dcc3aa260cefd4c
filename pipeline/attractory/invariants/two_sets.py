"""Two sets of trajectories, a reference and another, and the error of what compares them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from attractory.errors import RequestError
from attractory.expressions.system import System
from attractory.invariants.estimate import FloatArray, Setting
from attractory.invariants.samples import Samples, Sampling, is_dataset, samples_of
from attractory.invariants.signals import BLOCKS, require_samples, trajectory_groups

if TYPE_CHECKING:
    import xarray

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]
Shape = tuple[int, int]


class Comparison(NamedTuple):
    """What compares two sets, from their parts.

    Attributes:
        value: of which parts (group of trajectories, block of time) of the reference, and which of the other set.
        reference, other: how many groups and blocks there are.
        settings: what its numbers depend on.
    """

    value: Callable[[BoolArray, BoolArray], float]
    reference: Shape
    other: Shape
    settings: dict[str, Setting]


class TwoSets(NamedTuple):
    """Coordinates (trajectory, time, coordinate) of two sets, as many in both; an angle is two coordinates."""

    reference: FloatArray
    other: FloatArray
    dt: float
    other_dt: float

    @property
    def settings(self) -> dict[str, Setting]:
        """What every comparison depends on."""
        trajectories, samples, coordinates = self.reference.shape
        others, other_samples = self.other.shape[:2]
        return {
            "trajectories": trajectories,
            "samples": samples,
            "other_trajectories": others,
            "other_samples": other_samples,
            "coordinates": coordinates,
            "dt": self.dt,
            "other_dt": self.other_dt,
        }


@dataclass(frozen=True)
class Resampled:
    """A comparison of all samples, its error, and its values of the first shares (share,) of each trajectory."""

    value: float
    standard_error: float
    shares: FloatArray
    growth: FloatArray


def two_sets(
    reference: System | str | ArrayLike | xarray.Dataset,
    other: System | str | ArrayLike | xarray.Dataset,
    *,
    sampling: Sampling,
    dt: float | None,
    fewest: int,
) -> TwoSets:
    """The samples of two sources.

    A System in the second place is sampled with the seed that follows, so that the same system twice gives two sets of one measure; unless
    `sampling` has a dt, it is sampled as finely as the reference. An array in the second place has the reference's dt where none is given.

    Raises:
        RequestError: another number of variables, fewer than `fewest` samples in a trajectory, or a coordinate of the
            reference that never changes.
    """
    first = samples_of(reference, sampling, dt=dt)
    later = replace(sampling, seed=sampling.seed + 1, dt=sampling.dt or first.dt)
    second = samples_of(other, later, dt=first.dt if dt is None else dt)
    _require_as_many(first, second)
    for samples in (first, second):
        require_samples(samples.states.shape[1], fewest)
    # an array does not know which of its variables are angles
    circles = first.circles if _knows(reference) or not _knows(other) else second.circles
    sets = TwoSets(replace(first, circles=circles).embedded(), replace(second, circles=circles).embedded(), first.dt, second.dt)
    _require_change(sets.reference)
    return sets


def _knows(source: object) -> bool:
    return isinstance(source, System | str) or is_dataset(source)


def _require_as_many(first: Samples, second: Samples) -> None:
    variables = first.states.shape[2], second.states.shape[2]
    if variables[0] != variables[1]:
        message = f"the reference has {variables[0]} variables and the other set {variables[1]}; expected as many in both."
        raise RequestError(message)


def _require_change(values: FloatArray) -> None:
    constant = np.flatnonzero(np.ptp(values, axis=(0, 1)) == 0.0)
    if constant.size:
        message = (
            f"coordinate {int(constant[0])} of the reference has one value only; expected one that changes. Leave it out of both sets."
        )
        raise RequestError(message)


def part_numbers(trajectories: int, samples: int) -> tuple[IntArray, Shape]:
    """The part (trajectory, time) of each sample, and how many groups of trajectories and blocks of time there are; a part's number is
    that of its group times the blocks, plus that of its block."""
    group = trajectory_groups(trajectories)
    block = np.arange(samples) * BLOCKS // samples
    return group[:, None] * BLOCKS + block, (int(group[-1]) + 1, BLOCKS)


def resampled(comparison: Comparison) -> Resampled:
    """A comparison with its error: of each set, one group of trajectories is left out at a time, and one block of time at a time; the
    larger error of the two counts, and those of the two sets are added in squares.

    Source: the jackknife, Efron and Stein, Annals of Statistics 9, 586 (1981): its variance is not too small on the average.
    """
    value, reference, other, _ = comparison
    everything = np.ones(reference, dtype=bool), np.ones(other, dtype=bool)
    of_reference = _largest_variance(lambda kept: value(kept, everything[1]), reference)
    of_other = _largest_variance(lambda kept: value(everything[0], kept), other)
    steps = min(reference[1], other[1])
    growth = [value(_first(reference, step / steps), _first(other, step / steps)) for step in range(1, steps + 1)]
    error = float(np.sqrt(of_reference + of_other))
    return Resampled(value(*everything), error, np.arange(1, steps + 1) / steps, np.array(growth))


def _largest_variance(value: Callable[[BoolArray], float], shape: Shape) -> float:
    """Over leaving out groups or blocks; infinite where there is one of each."""
    variances = [_variance(value, shape, axis) for axis in (0, 1) if shape[axis] > 1]
    return max(variances, default=np.inf)


def _variance(value: Callable[[BoolArray], float], shape: Shape, axis: int) -> float:
    count = shape[axis]
    values = []
    for left_out in range(count):
        kept = np.ones(shape, dtype=bool)
        kept[(left_out, slice(None)) if axis == 0 else (slice(None), left_out)] = False
        values.append(value(kept))
    return float((count - 1) * np.var(values))


def _first(shape: Shape, share: float) -> BoolArray:
    """The earliest blocks."""
    kept = np.zeros(shape, dtype=bool)
    kept[:, : round(shape[1] * share)] = True
    return kept
