"""The order of an epoch: one permutation of all windows, computed from (seed, epoch) and never stored.

A Feistel network is a bijection of the numbers of k bits, whatever its round function; numbers that fall outside [0, windows) are sent
through it again until they fall inside ("cycle walking"; Black and Rogaway, CT-RSA 2002), which leaves a bijection of [0, windows).
With k the fewest bits that hold them, fewer than two walks are needed on average. Fewer than 1,024 windows would walk long through a
network large enough to mix well: there the network's 1,024 values are enumerated, and those inside are taken in their order.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np

ROUNDS = 8
FEWEST_BITS = 10  # below, the halves are too small to mix
# The multipliers of MurmurHash3's 64-bit finaliser: odd, with about half of their bits set.
MULTIPLIERS = (np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53))
HALF = np.uint64(32)


@dataclass(frozen=True)
class Order:
    """The permutation of [0, windows) that belongs to (seed, epoch); it is the same on every machine and for every number of ranks."""

    windows: int
    seed: int
    epoch: int
    part: str = ""  # of an order that is made of several permutations, such as "blocks"

    def __call__(self, positions: np.ndarray) -> np.ndarray:
        """The windows at some positions of the epoch: int64 of any shape, each in [0, windows)."""
        if self.windows < 1 << FEWEST_BITS:
            few: np.ndarray = self._enumerated[positions]
            return few
        values = self._encrypt(positions.astype(np.uint64))
        outside = np.nonzero(values >= self.windows)
        while outside[0].size:
            again = self._encrypt(values[outside])
            values[outside] = again
            still = again >= self.windows
            outside = tuple(axis[still] for axis in outside)
        return values.astype(np.int64)

    @cached_property
    def _bits(self) -> tuple[int, int]:
        """The bits of the left and of the right half."""
        bits = max(FEWEST_BITS, (self.windows - 1).bit_length())
        return bits // 2, bits - bits // 2

    @cached_property
    def _enumerated(self) -> np.ndarray:
        """The whole permutation of a few windows, int64."""
        values = self._encrypt(np.arange(1 << FEWEST_BITS, dtype=np.uint64)).astype(np.int64)
        return values[values < self.windows]

    @cached_property
    def _keys(self) -> np.ndarray:
        """A key for each round, uint64: SHA-256 of what the permutation depends on."""
        text = f"attractory order 1, seed {self.seed}, epoch {self.epoch}, windows {self.windows}"
        text += f", {self.part}" if self.part else ""
        digests = b"".join(hashlib.sha256(f"{text}, block {block}".encode()).digest() for block in range(ROUNDS // 4))
        return np.frombuffer(digests, "<u8").astype(np.uint64)

    def _encrypt(self, values: np.ndarray) -> np.ndarray:
        left_bits, right_bits = self._bits
        left = values >> np.uint64(right_bits)
        right = values & np.uint64((1 << right_bits) - 1)
        for number, key in enumerate(self._keys):
            if number % 2 == 0:
                left = left ^ _hash(right, key, left_bits)
            else:
                right = right ^ _hash(left, key, right_bits)
        return (left << np.uint64(right_bits)) | right


def _hash(values: np.ndarray, key: np.uint64, bits: int) -> np.ndarray:
    """`bits` well-mixed bits of each value: two multiplications, whose highest bits depend on every bit below."""
    mixed = (values ^ key) * MULTIPLIERS[0]
    mixed ^= mixed >> HALF
    mixed *= MULTIPLIERS[1]
    return mixed >> np.uint64(64 - bits)
