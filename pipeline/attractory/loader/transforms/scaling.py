"""Batches with numbers of order one."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from attractory.errors import RequestError
from attractory.loader.batch import Batch
from attractory.loader.chance import Chance
from attractory.loader.transforms.known import Known, part_of, real

SMALLEST = 1e-12  # of a standard deviation, relative to the mean: below, a variable is constant, and is only moved


@dataclass(frozen=True)
class Standardise:
    """Mean 0 and standard deviation 1 of each variable, over its system, its trajectory, or the window's context.

    by: "system": statistics of the training trajectories, of `trajectories` of them where there are more, read from the store before a
        system's first batch. "trajectory": of the whole trajectory, read when its first window comes. "window": of the window's own
        context, so that nothing of the horizon is used.
    `batch.metadata["mean"]` and `["scale"]` (window, variable) are what leads back: state * scale + mean.
    """

    by: str = "system"
    trajectories: int = 64

    def __post_init__(self) -> None:
        if self.by not in ("system", "trajectory", "window"):
            message = f"Standardise({self.by!r}): expected 'system', 'trajectory' or 'window'."
            raise RequestError(message)

    def __call__(self, batch: Batch, _chance: Chance) -> Batch:
        return scaled(batch, *context_statistics(batch))

    def prepared(self, known: Known) -> Standardise | StoredScale:
        """With the way to the store's statistics."""
        return self if self.by == "window" else StoredScale(known, self.by, self.trajectories)


@dataclass(frozen=True)
class StoredScale:
    """Standardise by system or trajectory, for the systems of some windows."""

    known: Known
    by: str
    most: int

    def __call__(self, batch: Batch, _chance: Chance) -> Batch:
        return scaled(batch, *stored_statistics(self.known, batch, by=self.by, most=self.most))


def stored_statistics(known: Known, batch: Batch, *, by: str, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (window, variable) of each window's system or trajectory; 0 and 1 where a variable is not real."""
    mean, spread = np.zeros(batch.mask.shape), np.ones(batch.mask.shape)
    pairs = np.stack([batch.system, batch.trajectory if by == "trajectory" else np.zeros_like(batch.system)], axis=1)
    different, place = np.unique(pairs, axis=0, return_inverse=True)
    for number, (code, trajectory) in enumerate(different.tolist()):
        rows = np.flatnonzero(place.ravel() == number)
        found = known.statistics_of(code, trajectory) if by == "trajectory" else known.statistics(code, most=most)
        mean[rows, : len(found[0])], spread[rows, : len(found[1])] = found
    return mean, spread


def context_statistics(batch: Batch) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (window, variable) float64 of the real samples of each context."""
    context = part_of(batch, "context")
    states = batch.state[:, context].astype(np.float64)
    if batch.time_mask is None:
        return states.mean(axis=1), states.std(axis=1)
    there = batch.time_mask[:, context, None]
    count = np.maximum(there.sum(axis=1), 1)
    mean = (states * there).sum(axis=1) / count
    return mean, np.sqrt((((states - mean[:, None]) ** 2) * there).sum(axis=1) / count)


def scaled(batch: Batch, mean: np.ndarray, spread: np.ndarray) -> Batch:
    """The batch less a mean, over a spread (window, variable), which metadata keep."""
    scale = np.where(spread > SMALLEST * np.abs(mean), spread, 1.0)
    scale[scale == 0] = 1.0
    inverse = (1.0 / scale).astype(batch.state.dtype)
    # The mean is taken away in the batch's own type: what is left of float32 numbers near it is exact (Sterbenz).
    state = (batch.state - mean.astype(batch.state.dtype)[:, None]) * inverse[:, None]
    return replace(
        batch,
        state=np.where(real(batch), state, 0).astype(batch.state.dtype, copy=False),
        metadata={**batch.metadata, "mean": mean, "scale": scale},
    )
