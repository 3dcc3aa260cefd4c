"""The batches of some windows as JAX arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import jax.numpy as jnp

from attractory.loader.batch import Batch
from attractory.loader.windows import Windows


class JaxWindows:
    """An iterable of batches whose `state` and `mask` are JAX arrays; the numbers beside them stay NumPy int64.

    JAX's own rule holds for float64: it becomes float32 unless jax_enable_x64 is set.
    """

    def __init__(self, windows: Windows) -> None:
        self.windows = windows

    def __len__(self) -> int:
        return len(self.windows)

    def __iter__(self) -> Iterator[Batch]:
        for batch in self.windows:
            yield replace(batch, state=jnp.asarray(batch.state), mask=jnp.asarray(batch.mask))

    def with_epoch(self, epoch: int) -> JaxWindows:
        """The same windows in the order of another epoch."""
        return JaxWindows(self.windows.with_epoch(epoch))

    def state_dict(self) -> dict[str, int]:
        """Where the live iterator is."""
        return self.windows.state_dict()

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Let the next iteration begin at the window after the last one that was drawn, with any number of ranks."""
        self.windows.load_state_dict(state)
