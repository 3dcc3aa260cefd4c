"""The starter: a cut of the dataset of less than 100 MB, a store of its own, for a first look and for tutorials.

It has every system at the granularity with the fewest samples, and of each split as many trajectories, the first of it, as fit.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from attractory import layout
from attractory.stages.cut import Selection, Whole, write_part
from attractory.stages.validate.stored import StoredDataset, StoredGranularity, StoredSystem
from attractory.store import finished_document, read_manifest

FOLDER = "starter"
MOST_BYTES = 70_000_000  # of states before compression: metadata, and what does not shrink, have the rest of 100 MB


def starter_selection(dataset: StoredDataset) -> Selection | None:
    """What the starter holds; None where one trajectory of each split of each system is too much already."""
    name = min(_granularities(dataset))[1]
    kept = [(stored, grid) for stored in dataset.systems for grid in stored.granularities if grid.name == name]
    most = max(int(np.sum(stored.split == code)) for stored, _ in kept for code in range(len(layout.SPLITS)))
    fitting = _largest(most, kept)
    if not fitting:
        return None
    return Selection((name,), {stored.name: _rows(stored, fitting) for stored, _ in kept})


def write_starter(dataset: StoredDataset, selection: Selection, target: Path, *, version: str) -> None:
    """Writes the starter as a finished store that names the version that it is cut from."""
    root = finished_document(dataset.path)
    rows, _ = read_manifest((dataset.path / layout.MANIFEST).read_bytes())
    write_part(Whole(dataset.path, root, {row.path: row for row in rows}, version), selection, target)


def _granularities(dataset: StoredDataset) -> Iterator[tuple[int, str]]:
    """Samples of all systems together, and the name, of each granularity that every system has."""
    names = set.intersection(*({grid.name for grid in stored.granularities} for stored in dataset.systems))
    for name in names:
        grids = [grid for stored in dataset.systems for grid in stored.granularities if grid.name == name]
        yield sum(int(np.prod(grid.state.shape[1:])) for grid in grids), name


def _largest(most: int, kept: list[tuple[StoredSystem, StoredGranularity]]) -> int:
    """The largest number of trajectories a split that fits; 0 where none does."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        size = sum(len(_rows(stored, middle)) * _row_bytes(stored, grid) for stored, grid in kept)
        low, high = (middle, high) if size <= MOST_BYTES else (low, middle - 1)
    return low


def _rows(stored: StoredSystem, count: int) -> np.ndarray:
    """The first `count` trajectories of each split, ascending."""
    return np.sort(np.concatenate([np.flatnonzero(stored.split == code)[:count] for code in range(len(layout.SPLITS))]))


def _row_bytes(stored: StoredSystem, grid: StoredGranularity) -> int:
    """One trajectory: states, what is observed of them, times of its own, and the float64 arrays beside."""
    observed = 0 if grid.observed is None else int(np.prod(grid.observed.shape[1:]))
    times = 8 * grid.samples if grid.is_irregular else 0
    states = (int(np.prod(grid.state.shape[1:])) + observed) * int(grid.state.dtype.itemsize)
    return states + times + 8 * (int(stored.initial.shape[1]) + int(stored.parameters.shape[1]) + 4)
