"""What an epoch draws: every window once, or more of some systems and trajectories than of others.

Draws are numbered trajectory by trajectory, as windows are. With weights, each trajectory gets a number of draws that is its share of the
epoch, rounded so that the sum is exact, and its draws are spread evenly over its windows: none is drawn twice before another of the same
trajectory is drawn once. Nothing is drawn at random on the way, so the draw at a number is computed alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from attractory.errors import RequestError, nearest
from attractory.loader.table import WindowTable

EQUAL = "systems"
Weights = str | Mapping[str, Any] | Callable[[int], Any]


class Draws(Protocol):
    """The draws of an epoch, by number."""

    def __len__(self) -> int: ...

    def __call__(self, numbers: np.ndarray) -> np.ndarray:
        """The windows of some draws: int64 of the same shape."""

    @property
    def first(self) -> np.ndarray:
        """The first draw of each trajectory of the table, and the number of draws (trajectory + 1,), int64."""


@dataclass(frozen=True)
class EveryWindow:
    """Every window once: draw i is window i."""

    table: WindowTable

    def __len__(self) -> int:
        return len(self.table)

    def __call__(self, numbers: np.ndarray) -> np.ndarray:
        return numbers

    @property
    def first(self) -> np.ndarray:
        return self.table.first_of_trajectories


@dataclass(frozen=True)
class WeightedWindows:
    """As many draws of each trajectory as its share says; which of its windows come, where not all do, changes from epoch to epoch."""

    table: WindowTable
    first: np.ndarray
    key: tuple[int, int]  # seed and epoch

    def __len__(self) -> int:
        return int(self.first[-1])

    def __call__(self, numbers: np.ndarray) -> np.ndarray:
        row = np.searchsorted(self.first, numbers, side="right") - 1
        draws = self.first[row + 1] - self.first[row]
        begin = self.table.first_of_trajectories[row]
        windows = self.table.first_of_trajectories[row + 1] - begin
        # Equally spaced, draws to windows, from an offset below one step: each window comes as often as another, or once more.
        found: np.ndarray = begin + ((numbers - self.first[row]) * windows + self._offsets[row] % np.maximum(windows, 1)) // draws
        return found

    @cached_property
    def _offsets(self) -> np.ndarray:
        """A number for each trajectory (trajectory,), int64 from 0 to 2**31: SplitMix64 of its place and the key."""
        values = np.arange(len(self.first) - 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) + _word(*self.key, "offsets")
        for shift, multiplier in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            values = (values ^ (values >> np.uint64(shift))) * np.uint64(multiplier)
        found: np.ndarray = ((values ^ (values >> np.uint64(31))) >> np.uint64(33)).astype(np.int64)
        return found


@dataclass(frozen=True)
class Sampling:
    """How often what is drawn: `weights` as windows() takes them, `draws` an epoch (None: as many as there are windows).

    `stores` holds the place of each system's store, and `store_weights` the share of each store; None where nobody asked for shares.
    """

    names: tuple[str, ...]  # of the table's systems
    weights: Weights | None = None
    draws: int | None = None
    stores: tuple[int, ...] = ()
    store_weights: tuple[float, ...] | None = None
    trajectories: tuple[int, ...] = ()  # of each system, those that the store holds: what an array of weights must have

    def of_epoch(self, table: WindowTable, *, seed: int, epoch: int) -> Draws:
        """The draws of one epoch.

        Raises:
            RequestError: weights of unknown systems, of another shape, below zero or all zero.
        """
        weights = self.weights(epoch) if callable(self.weights) else self.weights
        if weights is None and self.store_weights is None and self.draws in (None, len(table)):
            return EveryWindow(table)
        shares = _shares(table, self._by_system(weights))
        if self.store_weights is not None:
            shares = self._by_store(table, shares)
        total = len(table) if self.draws is None else self.draws
        return WeightedWindows(table, _rounded(shares, total, _word(seed, epoch, "rounding")), (seed, epoch))

    def _by_system(self, weights: Any) -> list[Any]:
        """For each system None (each window alike), a number (its share of all) or an array (of each trajectory, beside 1)."""
        if weights is None:
            return [None] * len(self.names)
        if weights == EQUAL:
            return [1.0] * len(self.names)
        if not isinstance(weights, Mapping):
            message = f"weights={weights!r}: expected {EQUAL!r}, or a number or an array for each system, such as {{'Lorenz': 2}}."
            raise RequestError(message)
        for name in weights:
            if name not in self.names:
                message = f"weights: {name!r} is not one of the chosen systems.{nearest(str(name), self.names)}"
                raise RequestError(message)
        found = {name: np.asarray(value, np.float64) for name, value in weights.items()}
        if len({values.ndim for values in found.values()}) > 1:
            message = "weights: some are numbers (shares of systems) and some arrays (of trajectories): give one kind."
            raise RequestError(message)
        arrays = any(values.ndim for values in found.values())
        return [
            self._checked(name, found[name], count) if name in found else None if arrays else 1.0
            for name, count in zip(self.names, self.trajectories, strict=True)
        ]

    def _checked(self, name: str, values: np.ndarray, trajectories: int) -> Any:
        if values.ndim and values.shape != (trajectories,):
            message = (
                f"weights of {name}: an array of shape {values.shape}, expected one number for each of its {trajectories} trajectories."
            )
            raise RequestError(message)
        if not np.isfinite(values).all() or (values < 0).any():
            message = f"weights of {name}: expected finite numbers, none below zero."
            raise RequestError(message)
        return values if values.ndim else float(values)

    def _by_store(self, table: WindowTable, shares: np.ndarray) -> np.ndarray:
        store = np.repeat(np.array(self.stores), [len(numbers) for numbers in table.trajectories])
        for number, weight in enumerate(self.store_weights or ()):
            mine = store == number
            total = shares[mine].sum()
            if total > 0:
                shares[mine] *= weight / total
        return shares


def _shares(table: WindowTable, weights: Sequence[Any]) -> np.ndarray:
    """The share of each trajectory (trajectory,), not yet divided by their sum."""
    parts: list[np.ndarray] = []
    for numbers, windows, weight in zip(table.trajectories, table.per_trajectory, weights, strict=True):
        share = np.full(len(numbers), float(windows))
        if isinstance(weight, np.ndarray):
            share *= weight[numbers]
        elif weight is not None and share.sum() > 0:
            share *= weight / share.sum()
        parts.append(share)
    return np.concatenate(parts)


def _rounded(shares: np.ndarray, total: int, word: np.uint64) -> np.ndarray:
    """Edges (trajectory + 1,), int64: shares of `total` draws, each rounded up or down so that they add up; which way, the key decides."""
    cumulative = np.concatenate([[0.0], np.cumsum(shares)])
    if not cumulative[-1] > 0:
        message = "weights: all of what is chosen has weight zero."
        raise RequestError(message)
    edges: np.ndarray = np.floor(cumulative * (total / cumulative[-1]) + float(word >> np.uint64(11)) / 2**53).astype(np.int64)
    edges = np.minimum(edges, total)
    last = int(np.flatnonzero(shares)[-1])
    edges[last + 1 :] = total
    return edges


def _word(seed: int, epoch: int, part: str) -> np.uint64:
    digest = hashlib.sha256(f"attractory sampling 1, seed {seed}, epoch {epoch}, {part}".encode()).digest()
    return np.uint64(int.from_bytes(digest[:8], "little"))
