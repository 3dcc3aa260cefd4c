"""What every method of this package returns: a value with its error, and how it was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Setting = float | int | str | bool | tuple[float, ...]


@dataclass(frozen=True)
class Estimate:
    """An invariant as measured.

    Attributes:
        value, standard_error: arrays of one shape, () for a single number.
        method: the name of the method, with its source.
        settings: what the numbers depend on, and whether the requested error was reached.
        seconds: wall time, which is no part of equality.
        convergence: what a plot shows of how the value came about, as arrays by name (a correlation sum by radius, a mean by time); each
            method says which. No part of equality.
    """

    value: FloatArray
    standard_error: FloatArray
    method: str
    settings: Mapping[str, Setting]
    seconds: float = field(compare=False)
    convergence: Mapping[str, FloatArray] = field(default_factory=dict, compare=False, repr=False)

    def __eq__(self, other: object) -> bool:
        """Equal in every digit, in method and in settings: the same seed gives the same estimate."""
        if not isinstance(other, Estimate):
            return NotImplemented
        same_numbers = np.array_equal(self.value, other.value) and np.array_equal(self.standard_error, other.standard_error)
        return same_numbers and self.method == other.method and dict(self.settings) == dict(other.settings)

    __hash__ = None  # type: ignore[assignment]  # arrays have no hash

    def __str__(self) -> str:
        pairs = zip(np.ravel(self.value), np.ravel(self.standard_error), strict=True)
        return ", ".join(f"{value:.5g} ± {error:.2g}" for value, error in pairs)


def combined_standard_error(means: FloatArray) -> FloatArray:
    """Standard error of the mean over `means` (trajectory, block, …): the larger of two estimates.

    Between trajectories it is blind to what they have in common (a transient that is still fading), between blocks of time to what
    stays different for ever (trajectories on different tori); each sees what the other misses.

    Returns: (…); infinite where neither can be formed (one trajectory and one block).
    """
    return np.maximum(*standard_errors(means))


def standard_errors(means: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(between trajectories, between blocks) of `means` (trajectory, block, …), each (…); 0 for the one that cannot be formed, and
    infinite where neither can be."""
    trajectories, blocks = means.shape[:2]
    missing = np.full(means.shape[2:], np.inf if trajectories < 2 and blocks < 2 else 0.0)
    between_trajectories = _standard_error(means.mean(axis=1)) if trajectories > 1 else missing
    between_blocks = _standard_error(means.mean(axis=0)) if blocks > 1 else missing
    return between_trajectories, between_blocks


def _standard_error(samples: FloatArray) -> FloatArray:
    deviation: FloatArray = samples.std(axis=0, ddof=1) / np.sqrt(len(samples))
    return deviation
