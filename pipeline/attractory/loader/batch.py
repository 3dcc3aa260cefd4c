"""A batch: several windows, of one system or many, as arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

ARRAYS = ("state", "mask", "index", "system", "trajectory", "start", "time", "time_mask")


@dataclass(frozen=True, eq=False)
class Batch:
    """Windows of one draw; every field is an array (of NumPy, torch or JAX) whose first axis is the batch.

    A system with fewer variables than the largest is padded with zeros, and `mask` says which variables are real. Where windows are counted
    in periods or Lyapunov times, a shorter context is padded with zeros before it and a shorter horizon after it, and `time_mask` says
    which samples are real. A row that only completes the last round (`uneven="pad"`) has no real variable and index -1.
    """

    state: Any  # (batch, context + horizon, variable), the dtype of the store, or the one that was asked for
    mask: Any  # (batch, variable), bool
    index: Any  # (batch,) int64: the window's number, the same in every epoch
    system: Any  # (batch,) int64: the system's place in Dataset.system_names
    trajectory: Any  # (batch,) int64: the trajectory's number within its system
    start: Any  # (batch,) int64: the sample that the window begins with
    context_samples: int
    position: int = 0  # windows of the epoch that are drawn once every rank has drawn this batch
    time: Any = None  # (batch, context + horizon) float64, where samples have times of their own: drawn ones, or crossings; else None
    time_mask: Any = None  # (batch, context + horizon) bool, where windows have different numbers of samples; else None
    left_out: int = 0  # windows of this batch whose shard is damaged: on_error="skip"
    metadata: Mapping[str, Any] = field(default_factory=dict)  # what `metadata=` asked for, by name: (batch, …)
    others: Mapping[str, Batch] = field(default_factory=dict)  # the same stretches of time at the other granularities, by name

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
        found = {name: function(value) for name in ARRAYS if (value := getattr(self, name)) is not None}
        metadata = {name: function(values) for name, values in self.metadata.items()}
        return replace(self, **found, metadata=metadata, others={name: other.mapped(function) for name, other in self.others.items()})

    def fields(self) -> dict[str, Any]:
        """The batch as a flat dict of arrays: context, horizon, mask, index, system, trajectory, start, time and time_mask where they are
        there, metadata by name, and what other granularities have as `name/field`."""
        codes = ("mask", "index", "system", "trajectory", "start", "time", "time_mask")
        found = {"context": self.context, "horizon": self.horizon}
        found |= {name: value for name in codes if (value := getattr(self, name)) is not None}
        found |= self.metadata
        for name, other in self.others.items():
            found |= {f"{name}/{field}": value for field, value in other.fields().items() if field not in ("index", "system", "trajectory")}
        return found

    def rows(self, which: Any) -> Batch:
        """Some of the batch's rows: for arrays of NumPy."""
        return self.mapped(lambda values: values[which])

    def emptied(self, rows: np.ndarray) -> Batch:
        """The batch with some rows empty: zeros, no real variable, index -1; for arrays of NumPy, in place."""

        def clear(values: Any) -> Any:
            values[rows] = 0
            return values

        cleared = self.mapped(clear)
        for batch in (cleared, *cleared.others.values()):
            batch.index[rows] = -1
        return cleared

    def pin_memory(self) -> Batch:
        """For torch's DataLoader: the batch in page-locked memory."""
        return self.mapped(lambda tensor: tensor.pin_memory())

    def to(self, *arguments: Any, **settings: Any) -> Batch:
        """For torch: every tensor's `.to(device, non_blocking=…)`."""
        return self.mapped(lambda tensor: tensor.to(*arguments, **settings))
