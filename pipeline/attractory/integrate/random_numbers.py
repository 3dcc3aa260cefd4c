"""Random numbers that any machine draws alike: Philox's raw words under keys of our own, and our own map to numbers.

NumPy promises the words of a bit generator but not its distributions, and those call mathematics libraries: so uniform numbers are made
from the words by exact operations, and the bell-shaped ones are sums of twelve uniform numbers (Irwin and Hall), bounded by six standard
deviations."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

_TWELVE = 12


def words(count: int, *, seed: int, system: str, trajectory: int, attempt: int = 0, purpose: str = "") -> NDArray[np.uint64]:
    """`count` words of the stream that belongs to (seed, system name, trajectory, attempt) and to nothing else.

    purpose: what is drawn where it is not the state of a trajectory, such as `parameters.rho`; `trajectory` is then the number of that.
    """
    text = f"{seed}\n{system}\n" + (f"{purpose}\n" if purpose else "") + f"{trajectory}" + (f"\n{attempt}" if attempt else "")
    key = np.frombuffer(hashlib.sha256(text.encode()).digest()[:16], "<u8")
    return np.random.Philox(key=key, counter=0).random_raw(count)


def uniform(raw: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Multiples of 2**-53 in [0, 1), one a word."""
    return (raw >> np.uint64(11)).astype(np.float64) * 2.0**-53


def bell_shaped(raw: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Numbers of mean 0 and variance 1 from twelve words each, shape (len(raw) / 12,)."""
    parts = uniform(raw).reshape(-1, _TWELVE)
    total = parts[:, 0]
    for column in range(1, _TWELVE):  # one fixed order: NumPy's own sum may take another
        total = total + parts[:, column]
    return total - 6.0


def bell_shaped_draws(count: int, *, seed: int, system: str, trajectory: int, attempt: int = 0, purpose: str = "") -> NDArray[np.float64]:
    """`count` numbers of mean 0 and variance 1 for one trajectory."""
    raw = words(_TWELVE * count, seed=seed, system=system, trajectory=trajectory, attempt=attempt, purpose=purpose)
    return bell_shaped(raw)
