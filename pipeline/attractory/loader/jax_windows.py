"""The batches of some windows as JAX arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import jax.numpy as jnp

from attractory.loader.batch import Batch
from attractory.loader.place import State
from attractory.loader.windows import Windows


class JaxWindows:
    """An iterable of batches whose `state`, `mask` and `time_mask` are JAX arrays; the numbers beside them stay NumPy's.

    JAX's own rule holds for float64: it becomes float32 unless jax_enable_x64 is set.
    """

    def __init__(self, windows: Windows) -> None:
        self.windows = windows

    def __len__(self) -> int:
        return len(self.windows)

    def __iter__(self) -> Iterator[Batch]:
        return map(_arrays, self.windows)

    def batch(self, number: int) -> Batch:
        """Batch `number` of this rank, without those before it."""
        return _arrays(self.windows.batch(number))

    def skip(self, numbers: range) -> JaxWindows:
        """The same windows without some rounds of batches."""
        return JaxWindows(self.windows.skip(numbers))

    def with_epoch(self, epoch: int) -> JaxWindows:
        """The same windows in the order of another epoch."""
        return JaxWindows(self.windows.with_epoch(epoch))

    def state_dict(self) -> State:
        """Where the live iterator is."""
        return self.windows.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Let the next iteration begin at the window after the last one that was drawn, with any number of ranks."""
        self.windows.load_state_dict(state)


def _arrays(batch: Batch) -> Batch:
    time_mask = None if batch.time_mask is None else jnp.asarray(batch.time_mask)
    others = {name: _arrays(other) for name, other in batch.others.items()}
    return replace(batch, state=jnp.asarray(batch.state), mask=jnp.asarray(batch.mask), time_mask=time_mask, others=others)
