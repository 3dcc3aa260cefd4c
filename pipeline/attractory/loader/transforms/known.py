"""What transforms have in common: their signature, what they may know beforehand, and the parts of a batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from attractory.errors import RequestError
from attractory.loader.arrays import StoredArray
from attractory.loader.asked import AskedArray
from attractory.loader.batch import Batch
from attractory.loader.chance import Chance
from attractory.loader.metadata import StoredSystem

Transform = Callable[[Batch, Chance], Batch]


class Prepared(Protocol):
    """A transform that is to know the systems first."""

    def prepared(self, known: Known) -> Transform:
        """The transform that is used."""


@dataclass(frozen=True)
class Member:
    """One system as its batches come: its record, its array with the asked variables, and the trajectories that statistics are of."""

    system: StoredSystem
    array: StoredArray | AskedArray
    variables: tuple[str, ...]
    dt: float | None
    training: np.ndarray


@dataclass
class Known:
    """The systems of some windows at one granularity, by the code that is in `Batch.system`."""

    granularity: str
    members: Mapping[int, Member]
    _statistics: dict[tuple[int, int, int], tuple[np.ndarray, np.ndarray]] = field(default_factory=dict, repr=False)

    def statistics(self, code: int, *, most: int) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation (variable,) float64 of a system over its training trajectories: all, or `most` at equal distances."""
        member = self.members[code]
        rows = member.array.layout.chunk[0]  # trajectories that are decoded together are used together
        blocks = np.unique(member.training // rows)
        some = blocks[:: max(1, -(-len(blocks) * rows // max(most, rows)))]
        return self._held((code, -1, most), member.training[np.isin(member.training // rows, some)])

    def statistics_of(self, code: int, trajectory: int) -> tuple[np.ndarray, np.ndarray]:
        """The same over one trajectory."""
        return self._held((code, trajectory, 1), np.array([trajectory]))

    def _held(self, key: tuple[int, int, int], trajectories: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if key not in self._statistics:
            self._statistics[key] = _statistics(self.members[key[0]].array, trajectories)
        return self._statistics[key]


def _statistics(array: StoredArray | AskedArray, trajectories: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation, block by block of the trajectories that are decoded together."""
    rows = array.layout.chunk[0]
    samples = array.shape[1]
    count, mean, squares = 0, np.zeros(array.shape[2]), np.zeros(array.shape[2])
    for block in np.unique(trajectories // rows).tolist():
        pieces = list(array.chunks([(block, time, 0) for time in range(array.layout.grid[1])]))
        own = trajectories[trajectories // rows == block] - block * rows
        states = np.concatenate([piece[own] for piece in pieces], axis=1)[:, :samples].astype(np.float64).reshape(-1, array.shape[2])
        centre = states.mean(axis=0)
        count += len(states)
        difference = centre - mean
        mean = mean + difference * (len(states) / count)
        # Chan, Golub and LeVeque (1979): sums of squares of two parts joined without the loss of digits that a sum over all would have.
        squares += ((states - centre) ** 2).sum(axis=0) + difference**2 * len(states) * (count - len(states)) / count
    return mean, np.sqrt(squares / max(count, 1))


def prepared(transforms: Sequence[Any], known: Known) -> tuple[Transform, ...]:
    """The transforms as they are used on the batches of some systems.

    Raises:
        RequestError: one is not a function.
    """
    for transform in transforms:
        if not callable(transform):
            message = f"transforms: {transform!r} is not a function (batch, chance) -> batch."
            raise RequestError(message)
    return tuple(transform.prepared(known) if hasattr(transform, "prepared") else transform for transform in transforms)


def real(batch: Batch) -> np.ndarray:
    """Which numbers of a batch are real (window, time, variable), bool, or that broadcast."""
    there: np.ndarray = batch.mask[:, None, :]
    return there if batch.time_mask is None else there & batch.time_mask[:, :, None]


def part_of(batch: Batch, part: str) -> slice:
    """The samples of a part: "context", "horizon" or "window"."""
    return {"context": slice(0, batch.context_samples), "horizon": slice(batch.context_samples, None), "window": slice(None)}[part]


def checked_part(name: str, part: str) -> None:
    """Nothing, if a part of a window has that name.

    Raises:
        RequestError: none has.
    """
    if part not in ("context", "horizon", "window"):
        message = f"{name}(part={part!r}): expected 'context', 'horizon' or 'window'."
        raise RequestError(message)
