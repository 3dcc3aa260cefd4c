"""Small stores whose every number says where it lies, written with zarr-python: the reader's tests do not trust our own writer."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from zarr.codecs import BloscCodec, TransposeCodec

from attractory import layout
from attractory.layout import SPLITS, Status
from attractory.loader.arrays import StoredArray, array_layout
from attractory.loader.files import LocalFiles

DIMENSIONS = ("trajectory", "time", "variable")
KEPT = {"write_empty_chunks": True}  # our writer leaves no file out


@dataclass(frozen=True)
class Written:
    """A store to be: systems by dimension, granularities by samples, trajectories of (train, validation, test)."""

    systems: dict[str, int] = field(default_factory=lambda: {"Henon": 2, "Lorenz": 3})
    granularities: dict[str, int] = field(default_factory=lambda: {"coarse": 20, "fine": 50})
    splits: tuple[int, int, int] = (5, 2, 1)
    failed: tuple[int, ...] = ()
    chunk: tuple[int, int] = (1, 1000)  # trajectories and samples of an inner chunk, cut to what there is
    shard_trajectories: int = 4
    dtype: str = "float32"
    dt: dict[str, float] = field(default_factory=dict)  # of a granularity, where it is not 0.05
    annotations: dict[str, dict[str, Any]] = field(default_factory=dict)  # attributes of a system, beside those that all have
    codecs: dict[str, Any] = field(
        default_factory=lambda: {"filters": TransposeCodec(order=(0, 2, 1)), "compressors": BloscCodec(cname="lz4", shuffle="shuffle")}
    )
    attributes: dict[str, Any] = field(
        default_factory=lambda: {
            layout.FORMAT: layout.FORMAT_VERSION,
            layout.RECIPE: {"name": "tiny"},
            layout.MANIFEST_DIGEST: "00",
        }
    )


def numbers(system: int, trajectories: int, samples: int, variables: int) -> np.ndarray:
    """States (trajectory, time, variable) that are exact in float32 and differ everywhere in a store of fewer than 100 systems."""
    trajectory, time, variable = np.ogrid[:trajectories, :samples, :variables]
    return np.asarray(1 + variable + 10 * time + 1000 * trajectory + 100_000 * system, np.float64)


def write(path: Path, written: Written | None = None) -> Path:
    """A finished store, as layout.py says it."""
    written = written or Written()
    root = zarr.open_group(str(path), mode="w", attributes=written.attributes)
    for code, (name, dimension) in enumerate(sorted(written.systems.items())):
        _write_system(root, name, code=code, dimension=dimension, written=written)
    return path


def _write_system(root: zarr.Group, name: str, *, code: int, dimension: int, written: Written) -> None:
    count = sum(written.splits)
    group = root.create_group(
        name,
        attributes={
            layout.NAME: name,
            layout.KIND: "flow",
            layout.VARIABLES: list("xyzuvw"[:dimension]),
            layout.PARAMETERS: ["a"],
            layout.PARAMETER_VALUES: {"a": 1.5},
            layout.INVARIANTS: {"lyapunov_spectrum": {"value": [0.9, 0.0, -14.5]}},
            layout.PERIOD: 0.75,
            **written.annotations.get(name, {}),
        },
    )
    states = {part: numbers(code, count, samples, dimension).astype(written.dtype) for part, samples in written.granularities.items()}
    status = np.zeros(count, np.int8)
    status[list(written.failed)] = Status.DIVERGED
    small = {
        layout.INITIAL: next(iter(states.values()))[:, 0].astype(np.float64),
        layout.PARAMETER_ARRAY: np.full((count, 1), 1.5),
        layout.START_TIME: np.zeros(count),
        layout.SPLIT: np.repeat(np.arange(len(SPLITS), dtype=np.int8), written.splits),
        layout.STATUS: status,
    }
    for array, values in small.items():
        group.create_array(array, data=values, chunks=values.shape, config=KEPT)
    for part, values in states.items():
        _write_granularity(group.create_group(part, attributes={layout.DT: written.dt.get(part, 0.05)}), values, written=written)


def _write_granularity(group: zarr.Group, states: np.ndarray, *, written: Written) -> None:
    count, samples, variables = states.shape
    rows, length = written.chunk[0], min(samples, written.chunk[1])
    shard = (written.shard_trajectories, -(-samples // length) * length, variables)
    state = group.create_array(
        layout.STATE,
        shape=states.shape,
        dtype=states.dtype,
        shards=shard,
        chunks=(rows, length, variables),
        dimension_names=DIMENSIONS,
        fill_value=np.nan,
        config=KEPT,
        **written.codecs,
    )
    state[:] = states
    group.create_array(layout.TIME, data=np.arange(samples) * group.attrs[layout.DT], dimension_names=("time",), config=KEPT)
    files = [Path(str(group.store_path)[len("file://") :]) / layout.STATE / f"c/{n}/0/0" for n in range(-(-count // shard[0]))]
    digests = [np.frombuffer(hashlib.sha256(file.read_bytes()).digest(), np.uint8) for file in files]
    group.create_array(layout.DIGEST, data=np.stack(digests), dimension_names=("shard", "byte"))


def array(store: Path, path: str = "Lorenz/fine/state", *, verify: bool = False) -> StoredArray:
    """One array of a store, with the digests beside it where asked for."""
    files = LocalFiles(store)
    stored = StoredArray(files, array_layout(path, json.loads((store / path / "zarr.json").read_bytes())))
    stored.digests = array(store, str(Path(path).parent / layout.DIGEST)) if verify else None
    return stored


class Stores:
    """The functions of this page, for tests that need their own store."""

    Written = Written
    write = staticmethod(write)
    numbers = staticmethod(numbers)
    array = staticmethod(array)


@pytest.fixture(scope="session")
def stores() -> type[Stores]:
    return Stores


@pytest.fixture
def copied(tiny: Path, tmp_path: Path) -> Path:
    """A copy of the tiny store, to be damaged."""
    return Path(shutil.copytree(tiny, tmp_path / "copy.zarr"))


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two systems of 2 and 3 variables, 8 trajectories each (5, 2 and 1), at 20 and 50 samples."""
    return write(tmp_path_factory.mktemp("stores") / "tiny.zarr")
