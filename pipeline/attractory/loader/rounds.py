"""Which positions of an epoch a rank draws. Pure arithmetic, the same for any source of windows.

Batch g of rank r of R is the slice [(g R + r) B, (g R + r + 1) B) of what is left of the epoch: the ranks of one round draw neighbouring
slices, so that the batches of all ranks, merged round by round, are those of one process.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from attractory.errors import RequestError, nearest

UNEVEN = {
    "keep": "a partial last batch, for one rank only",
    "drop": "leave out the windows of a last round that is not full",
    "pad": "complete the last round with empty rows",
    "wrap": "complete the last round with windows from the epoch's beginning",
}


@dataclass(frozen=True)
class Share:
    """What one rank of several draws."""

    batch_size: int
    rank: int
    ranks: int
    uneven: str  # a key of UNEVEN

    @property
    def round_size(self) -> int:
        """Windows that all ranks together draw in one round."""
        return self.batch_size * self.ranks

    def batches(self, remaining: int) -> int:
        """Batches that each rank draws of the windows that remain in an epoch."""
        whole, rest = divmod(remaining, self.round_size)
        return whole if self.uneven == "drop" or rest == 0 else whole + 1

    def positions(self, numbers: np.ndarray, *, begin: int, windows: int) -> np.ndarray:
        """Positions (batch number, batch_size) of some of this rank's batches; -1 where a row is to be left empty.

        Args:
            begin: the position that batch 0 of rank 0 begins at.
            windows: in the epoch.
        """
        first = begin + (numbers * self.ranks + self.rank) * self.batch_size
        positions = first[:, None] + np.arange(self.batch_size)
        beyond = positions >= windows
        if self.uneven == "wrap":
            return np.where(beyond, (positions - windows) % windows, positions)
        return np.where(beyond, -1, positions)


def share(batch_size: int, *, rank: int, ranks: int, uneven: str | None, drop_last: bool) -> Share:
    """The share of a rank, with the defaults: a kept partial batch for one rank, whole rounds for several.

    Raises:
        RequestError: the settings contradict each other.
    """
    if not 0 <= rank < ranks:
        message = f"rank={rank} is not one of {ranks} rank(s): expected 0 to {ranks - 1}."
        raise RequestError(message)
    if drop_last and uneven not in (None, "drop"):
        message = f"drop_last=True and uneven={uneven!r} contradict each other: give one of them."
        raise RequestError(message)
    chosen = uneven or ("drop" if drop_last or ranks > 1 else "keep")
    if chosen not in UNEVEN:
        message = f"uneven={chosen!r} is none of {', '.join(UNEVEN)}.{nearest(chosen, UNEVEN)}"
        raise RequestError(message)
    if chosen == "keep" and ranks > 1:
        message = f"uneven='keep' would give {ranks} ranks different numbers of batches: choose drop, pad or wrap."
        raise RequestError(message)
    return Share(batch_size, rank, ranks, chosen)
