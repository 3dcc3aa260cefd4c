"""How two sets of trajectories fill cells of state space, and the divergence of one from the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from attractory.errors import RequestError
from attractory.invariants.estimate import FloatArray, Setting
from attractory.invariants.signals import require
from attractory.invariants.two_sets import BoolArray, Comparison, IntArray, Shape, TwoSets, part_numbers

# Cells reach beyond the reference's extremes by this part of its deviation, as those of Hess et al. do.
_MARGIN = 0.1
# Where more of a measure than this is what smoothing puts into cells, there are too many of them.
_MOST_SMOOTHING = 0.1


@dataclass(frozen=True)
class OccupancyBins:
    """Cells of equal size around the reference, and one more for everything outside.

    Attributes:
        bins: along each coordinate.
        smoothing: of a sample, added to each cell.
    """

    bins: int = 30
    smoothing: float = 1e-5


@dataclass(frozen=True)
class _Visits:
    """The cell and the part (sample,) of each sample of a set, among so many occupied cells."""

    cell: IntArray
    part: IntArray
    shape: Shape

    def shares(self, kept: BoolArray, occupied: int) -> FloatArray:
        counts = np.bincount(self.cell[kept.ravel()[self.part]], minlength=occupied)
        shares: FloatArray = counts / counts.sum()
        return shares


def binned_divergence(sets: TwoSets, chosen: OccupancyBins) -> Comparison:
    """The Kullback-Leibler divergence of the other set's shares of cells from the reference's, in nats.

    Raises:
        RequestError: a setting out of range, or so many cells that smoothing is over a tenth of a measure.
    """
    cells = _checked_cells(sets, chosen)
    low, high = _range(sets.reference)
    numbers = [_cell_numbers(one, low, high, chosen.bins) for one in (sets.reference, sets.other)]
    occupied, places = np.unique(np.concatenate(numbers), return_inverse=True)
    first = _visits(sets.reference, places[: len(numbers[0])])
    second = _visits(sets.other, places[len(numbers[0]) :])
    added = chosen.smoothing / len(first.cell), chosen.smoothing / len(second.cell)

    def value(reference: BoolArray, other: BoolArray) -> float:
        shares = first.shares(reference, len(occupied)), second.shares(other, len(occupied))
        return smoothed_divergence(shares, added, cells)

    outside = float(np.mean(numbers[1] == cells - 1))
    settings: dict[str, Setting] = {"form": "bins", "bins": chosen.bins, "smoothing": chosen.smoothing, "outside": outside}
    return Comparison(value, first.shape, second.shape, settings)


def smoothed_divergence(shares: tuple[FloatArray, FloatArray], added: tuple[float, float], cells: int) -> float:
    """Of the second from the first shares (occupied cell,), once so much has been added to each of all cells, the empty ones too."""
    smoothed = [(share + more) / (1.0 + more * cells) for share, more in zip(shares, added, strict=True)]
    empty = [more / (1.0 + more * cells) for more in added]
    of_empty = (cells - len(shares[0])) * empty[0] * np.log(empty[0] / empty[1])
    return float(np.sum(smoothed[0] * np.log(smoothed[0] / smoothed[1])) + of_empty)


def _checked_cells(sets: TwoSets, chosen: OccupancyBins) -> int:
    """How many cells there are, the one outside with them."""
    require("bins", chosen.bins, low=2)
    if not (np.isfinite(chosen.smoothing) and chosen.smoothing > 0):
        message = f"smoothing={chosen.smoothing!r}; expected a part of a sample above 0, without which one empty cell makes it infinite."
        raise RequestError(message)
    coordinates = sets.reference.shape[2]
    cells = int(chosen.bins**coordinates) + 1
    fewest = min(sets.reference.size, sets.other.size) // coordinates
    if chosen.smoothing * cells > _MOST_SMOOTHING * fewest or cells >= 1 << 62:
        message = (
            f"{cells:.3g} cells of {coordinates} coordinates, smoothed by {chosen.smoothing:g} of a sample each, against {fewest} samples; "
            "expected smoothing to add a tenth of the samples at most. Give fewer bins, more samples or an OccupancyMixture."
        )
        raise RequestError(message)
    return cells


def _range(reference: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The ends (coordinate,) of the cells."""
    margin = _MARGIN * reference.std(axis=(0, 1))
    return reference.min(axis=(0, 1)) - margin, reference.max(axis=(0, 1)) + margin


def _cell_numbers(values: FloatArray, low: FloatArray, high: FloatArray, bins: int) -> IntArray:
    """The cell (sample,) of each sample; the last number is that of what lies outside."""
    flat = values.reshape(-1, values.shape[2])
    places = np.floor((flat - low) / (high - low) * bins)
    inside = np.all((places >= 0) & (places < bins), axis=1)
    numbers = np.zeros(len(flat), dtype=np.int64)
    for place in np.where(inside[:, None], places, 0.0).astype(np.int64).T:
        numbers = numbers * bins + place
    return np.where(inside, numbers, bins ** values.shape[2])


def _visits(values: FloatArray, cell: IntArray) -> _Visits:
    part, shape = part_numbers(*values.shape[:2])
    return _Visits(cell, part.ravel(), shape)
