"""A batch: several windows, of one system or many, as arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, eq=False)
class Batch:
    """Windows of one draw; every field is an array (of NumPy, torch or JAX) whose first axis is the batch.

    A system with fewer variables than the largest is padded with zeros, and `mask` says which variables are real. A row that only completes
    the last round (`uneven="pad"`) has no real variable and index -1.
    """

    state: Any  # (batch, context + horizon, variable), the dtype of the store
    mask: Any  # (batch, variable), bool
    index: Any  # (batch,) int64: the window's number, the same in every epoch
    system: Any  # (batch,) int64: the system's place in Dataset.system_names
    trajectory: Any  # (batch,) int64: the trajectory's number within its system
    start: Any  # (batch,) int64: the sample that the window begins with
    context_samples: int
    position: int  # windows of the epoch that are drawn once every rank has drawn this batch
    time: Any = None  # (batch, context + horizon) float64, where samples have times of their own: crossings of a section; else None

    @property
    def context(self) -> Any:
        """What a model is given: (batch, context, variable), a view."""
        return self.state[:, : self.context_samples]

    @property
    def horizon(self) -> Any:
        """What it should answer: (batch, horizon, variable), a view."""
        return self.state[:, self.context_samples :]

    def __len__(self) -> int:
        return len(self.index)

    def mapped(self, function: Callable[[Any], Any]) -> Batch:
        """The batch with a function applied to each of its arrays, such as one that moves it to a device."""
        names = ("state", "mask", "index", "system", "trajectory", "start", *(("time",) if self.time is not None else ()))
        return replace(self, **{name: function(getattr(self, name)) for name in names})

    def pin_memory(self) -> Batch:
        """For torch's DataLoader: the batch in page-locked memory."""
        return self.mapped(lambda tensor: tensor.pin_memory())

    def to(self, *arguments: Any, **settings: Any) -> Batch:
        """For torch: every tensor's `.to(device, non_blocking=…)`."""
        return self.mapped(lambda tensor: tensor.to(*arguments, **settings))
