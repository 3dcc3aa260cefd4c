"""The layout of dysts' time series: `dysts/<split>_multivariate__<granularity>.json.gz`, of each system `time` and `values`.

That layout has one trajectory a system: the first one of the split that reached its last sample.
Source: https://github.com/williamgilpin/dysts, `TimeSeriesDataset` and `BaseDyn.load_trajectory`.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from attractory import layout
from attractory.stages.validate.stored import StoredDataset, StoredGranularity, StoredSystem

_LEVEL = 6


def dysts_files(dataset: StoredDataset) -> Iterator[tuple[str, str, str]]:
    """Path, granularity and split of each file."""
    names = sorted({grid.name for stored in dataset.systems for grid in stored.granularities})
    for name in names:
        for code, split in enumerate(layout.SPLITS):
            if any(_first(stored, code) is not None for stored in dataset.systems):
                yield f"dysts/{split}_multivariate__{name}.json.gz", name, split


def write_dysts(file: Any, dataset: StoredDataset, *, granularity: str, split: str) -> None:
    """Writes one file, system by system, so that never more than one trajectory is held."""
    code = layout.SPLITS.index(split)
    with gzip.GzipFile(filename="", mode="wb", compresslevel=_LEVEL, fileobj=file, mtime=0) as packed:
        packed.write(b"{")
        first = True
        for stored in dataset.systems:
            row, grid = _first(stored, code), next((grid for grid in stored.granularities if grid.name == granularity), None)
            if row is not None and grid is not None:
                packed.write(b"" if first else b",\n")
                packed.write(_entry(stored, grid, row).encode())
                first = False
        packed.write(b"}\n")


def _first(stored: StoredSystem, code: int) -> int | None:
    rows = np.flatnonzero((stored.split == code) & stored.good)
    return int(rows[0]) if len(rows) else None


def _entry(stored: StoredSystem, grid: StoredGranularity, row: int) -> str:
    states = [f"[{', '.join(_numbers(state))}]" for state in grid.read(row)]
    return f'{json.dumps(stored.name)}: {{"time": [{", ".join(_numbers(grid.times_of(row)))}], "values": [{", ".join(states)}]}}'


def _numbers(values: npt.NDArray[Any]) -> list[str]:
    """The shortest digits that give each number back, in its own precision."""
    return [repr(value.item()) if value.dtype == np.float64 else str(value) for value in values]
