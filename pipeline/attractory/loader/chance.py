"""Random numbers of transforms: each is a function of (seed, epoch, draw, transform, place), so that no order of drawing can change it.

A draw has a key, and its numbers are SplitMix64 (Steele, Lea and Flood, OOPSLA 2014) of key and counter. For windows that come once an
epoch the draw is the window's number.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import numpy as np

GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2**64 over the golden ratio: SplitMix64's step
FINALISER = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))


@dataclass(frozen=True)
class Chance:
    """Random numbers for some windows: every function gives an array whose first axis is the windows.

    The same name and shape give the same numbers again; another name gives others.
    """

    keys: np.ndarray  # (window,) uint64

    def uniform(self, name: str, *shape: int, low: float = 0.0, high: float = 1.0) -> np.ndarray:
        """(window, *shape) float64 in [low, high)."""
        words = self._words(name, math.prod(shape))
        part = (words >> np.uint64(11)).astype(np.float64) * 2.0**-53
        return (low + (high - low) * part).reshape(len(self.keys), *shape)

    def normal(self, name: str, *shape: int) -> np.ndarray:
        """(window, *shape) float32, of mean 0 and variance 1: two from each word, by the Box-Muller transform."""
        count = math.prod(shape)
        words = self._words(name, (count + 1) // 2)
        first = ((words >> np.uint64(32)).astype(np.float32) + np.float32(1)) * np.float32(2.0**-32)
        angle = (words & np.uint64(2**32 - 1)).astype(np.float32) * np.float32(2.0**-31 * math.pi)
        radius = np.sqrt(np.float32(-2) * np.log(np.minimum(first, np.float32(1))))
        found = np.concatenate([radius * np.cos(angle), radius * np.sin(angle)], axis=1)[:, :count]
        return found.reshape(len(self.keys), *shape)

    def whole(self, name: str, count: int | np.ndarray) -> np.ndarray:
        """(window,) int64 from 0 to below `count`, which may be an array (window,)."""
        found: np.ndarray = np.floor(self.uniform(name) * count).astype(np.int64)
        return found

    def part(self, name: str) -> Chance:
        """Other numbers for the same windows."""
        return Chance(_mixed(self.keys ^ _word(name)))

    def _words(self, name: str, count: int) -> np.ndarray:
        """(window, count) uint64."""
        first = _mixed(self.keys ^ _word(name))
        return _mixed(first[:, None] + np.arange(1, count + 1, dtype=np.uint64) * GOLDEN)


def chance_of(draws: np.ndarray, *, seed: int, epoch: int) -> Chance:
    """The chance of some draws (window,) of an epoch."""
    return Chance(_mixed(draws.astype(np.uint64) * GOLDEN + _word(f"attractory chance 1, seed {seed}, epoch {epoch}")))


def _mixed(values: np.ndarray) -> np.ndarray:
    """SplitMix64's finaliser."""
    for shift, multiplier in FINALISER:
        values = (values ^ (values >> np.uint64(shift))) * np.uint64(multiplier)
    found: np.ndarray = values ^ (values >> np.uint64(31))
    return found


def _word(text: str) -> np.uint64:
    return np.uint64(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little"))
