"""What a task leaves beside its shards: one small row file. A block is done when its row is there and names files of the right size."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

import numpy as np

from attractory import layout
from attractory.errors import InterruptedRunError
from attractory.store.files import Place, canonical_json, partial_folder, read_all, rows_folder, sha256, sizes, write_whole
from attractory.store.objects import ObjectPath
from attractory.store.plan import Block, StorePlan, SystemPlan

# The arrays of a system that only a run can know; they wait in the rows until the store is finished.
KEPT = {layout.INITIAL: "<f8", layout.PARAMETER_ARRAY: "<f8", layout.START_TIME: "<f8", layout.STATUS: "|i1"}
_KEPT_OF_FAMILIES = {layout.PARAMETER_DRAWS: "<i2"}
_KEPT_OF_OBSERVATIONS = {layout.OBSERVATION_NOISE: "<f8"}
_SHA256 = "sha256"  # of the rest of a row
_ROWS_AT_ONCE = 256  # of an object store, where many are read together
CODES = {**KEPT, **_KEPT_OF_FAMILIES, **_KEPT_OF_OBSERVATIONS}


@dataclass(frozen=True, order=True)
class ShardRow:
    """One line of the manifest: a shard file, its size, the SHA-256 of its bytes and of its decoded values, and what it holds."""

    path: str
    bytes: int
    sha256: str
    decoded_sha256: str
    system: str
    granularity: str
    first_trajectory: int
    trajectories: int

    @property
    def array(self) -> str:
        """The sharded array that it is of: states, the times of an irregular granularity, or what is observed."""
        return self.path.split("/")[2]


@dataclass(frozen=True)
class BlockRow:
    """A done block: its shards, and its part of the arrays of its system, each with trajectory as first axis."""

    block: Block
    shards: tuple[ShardRow, ...]
    arrays: Mapping[str, np.ndarray]

    @property
    def failed(self) -> int:
        return int(np.count_nonzero(self.arrays[layout.STATUS] != layout.Status.OK))


def kept_arrays(system: SystemPlan) -> tuple[str, ...]:
    """The names of the arrays of a system that only a run can know."""
    optional = (*(_KEPT_OF_FAMILIES if system.sets is not None else ()), *(_KEPT_OF_OBSERVATIONS if system.observed else ()))
    return (*KEPT, *optional)


def write_row(store: Place, row: BlockRow) -> None:
    """Declare a block done. Its shards must have reached the disk before."""
    arrays = {name: base64.b64encode(values.astype(CODES[name]).tobytes()).decode() for name, values in row.arrays.items()}
    content = {"block": asdict(row.block), "shards": [asdict(shard) for shard in row.shards], "arrays": arrays}
    whole = canonical_json({**content, _SHA256: sha256(canonical_json(content))})
    path = rows_folder(store) / f"{row.block.key}.json"
    if isinstance(path, ObjectPath) and path.keeps_rows:
        _write_once(path, whole)
        return
    write_whole(path, whole, partial=partial_folder(store))


def _write_once(path: ObjectPath, content: bytes) -> None:
    """Put the row where there is none. One that is damaged makes room; a sound one of other bytes is of another store, as the same block of
    one has one row.

    Raises:
        InterruptedRunError: another store is being written here.
    """
    if path.put_new(content):
        return
    if read_row(path.read_bytes()) is not None:
        message = f"{path}: another run has written another row here: two stores are being made at one place. Stop one of them."
        raise InterruptedRunError(message)
    path.put(content)


def read_row(content: bytes) -> BlockRow | None:
    """The row of a file; None where it is not as it was written, and so declares nothing."""
    try:
        raw = json.loads(content)
        intact = raw.pop(_SHA256) == sha256(canonical_json(raw))
    except (ValueError, KeyError, AttributeError, TypeError):
        return None
    return _row(raw) if intact else None


def _row(raw: Mapping[str, Any]) -> BlockRow:
    block = Block(**raw["block"])
    arrays = {name: _decoded(text, CODES[name], block.count) for name, text in raw["arrays"].items()}
    return BlockRow(block, tuple(ShardRow(**shard) for shard in raw["shards"]), arrays)


def done_rows(store: Place, plan: StorePlan, blocks: Iterable[Block] | None = None) -> Iterator[BlockRow]:
    """The rows of the blocks that are done, of the whole plan unless others are named: present, and every shard is there in full size.

    A row that is damaged or lost means that its block is made again.
    """
    names, is_remote = _row_names(store), isinstance(store, ObjectPath)
    named = (block for block in (plan.blocks() if blocks is None else blocks) if f"{block.key}.json" in names)
    listed: dict[str, int] | None = None
    while some := list(islice(named, _ROWS_AT_ONCE if is_remote else 1)):
        contents = read_all(rows_folder(store), [f"{block.key}.json" for block in some])
        if is_remote and listed is None:
            listed = sizes(store)
        for block in some:
            row = read_row(contents[f"{block.key}.json"])
            if row is not None and row.block == block and _has_files(store, row.shards, listed or {}):
                yield row


def declared(store: Place, plan: StorePlan) -> int:
    """How many blocks of the plan have a row; no row is read, so this is quick, and a little less than a promise."""
    return sum(1 for _ in declared_blocks(store, plan))


def declared_blocks(store: Place, plan: StorePlan) -> Iterator[Block]:
    """The blocks of the plan that have a row."""
    names = _row_names(store)
    return (block for block in plan.blocks() if f"{block.key}.json" in names)


def _row_names(store: Place) -> set[str]:
    folder = rows_folder(store)
    if isinstance(folder, ObjectPath):
        return set(folder.names())
    try:
        return set(os.listdir(folder))
    except FileNotFoundError:
        return set()


def system_arrays(rows: Iterable[BlockRow]) -> dict[str, np.ndarray]:
    """The arrays of one system, joined from the rows of all its blocks in order."""
    ordered = sorted(rows, key=lambda row: row.block.first)
    return {name: np.concatenate([row.arrays[name] for row in ordered]) for name in ordered[0].arrays} if ordered else {}


def _decoded(text: Any, code: str, count: int) -> np.ndarray:
    values = np.frombuffer(base64.b64decode(text), dtype=code)
    return values if values.size == count else values.reshape(count, -1)


def _has_files(store: Place, shards: Iterable[ShardRow], listed: Mapping[str, int]) -> bool:
    """`listed`: the sizes of all files of an object store, which are not asked for one by one."""
    if isinstance(store, ObjectPath):
        return all(listed.get(shard.path) == shard.bytes for shard in shards)
    try:
        return all((store / shard.path).stat().st_size == shard.bytes for shard in shards)
    except FileNotFoundError:
        return False
