"""The last step of a run: the arrays of each system, the manifest, and the root's document that makes the store a finished one."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from attractory import layout
from attractory.errors import RequestError
from attractory.store import documents
from attractory.store.certificate import CERTIFIED, waiting
from attractory.store.files import (
    RUN_FOLDER,
    Place,
    document,
    partial_folder,
    read_all,
    read_present,
    remove_run_objects,
    sha256,
    write_all,
    write_whole,
)
from attractory.store.manifest import manifest_bytes
from attractory.store.objects import ObjectPath
from attractory.store.plan import StorePlan, SystemPlan
from attractory.store.rows import CODES, BlockRow, ShardRow, done_rows, kept_arrays, system_arrays
from attractory.store.state import is_finished, quietly, root_document
from attractory.store.template import ROOT, known_arrays, member_documents, small_path, template_files


def finish(store: Place, plan: StorePlan) -> None:
    """As `seal`, and nothing is left of the run."""
    seal(store, plan)
    remove_run_folder(store)


def seal(store: Place, plan: StorePlan) -> None:
    """Turn a store whose blocks are all done into a finished one; the root's document is replaced last, in one step.

    The run's folder, which holds its lock, is left for the caller to remove. The root's fsync also carries the earlier renames to the
    disk, on every journalling file system.

    Raises:
        ValueError: a block is not done.
    """
    rows = list(done_rows(store, plan))
    if len(rows) != plan.tasks:
        message = f"{store}: {len(rows)} of {plan.tasks} blocks are done"
        raise ValueError(message)
    partial = partial_folder(store)
    small = _agreed_files(store, plan, rows)
    attributes = {**plan.attributes, **redraws(plan, rows)}
    digests = {path: sha256(content) for path, content in small.items()}
    content = manifest_bytes((shard for row in rows for shard in row.shards), files=digests, root=attributes)
    write_whole(store / layout.MANIFEST, content, partial=partial)
    write_whole(store / ROOT, sealed_root(attributes, content, members_of(small)), partial=partial)


def _agreed_files(store: Place, plan: StorePlan, rows: list[BlockRow]) -> dict[str, bytes]:
    """Path of each small file -> its bytes. What the template and the rows say is what lies there afterwards: whatever came over it while
    the run went on, a flipped bit or another annotation of an entry, is not sealed in."""
    wanted = {**template_files(plan), **late_arrays(plan, rows)}
    found = read_present(store, wanted)
    write_all(store, {path: content for path, content in wanted.items() if found.get(path) != content})
    return wanted


def sealed_root(
    attributes: Mapping[str, Any], manifest: bytes, members: Mapping[str, Mapping[str, Any]], *, later: Mapping[str, Any] | None = None
) -> bytes:
    """The root's document of a finished store.

    Args:
        attributes: without the manifest's digest, and without what was added to the finished store `later`.
        members: path of each group and array -> its document.
    """
    root = documents.group_document({**attributes, layout.MANIFEST_DIGEST: sha256(manifest), **(later or {})})
    return document(documents.consolidated(root, members))


def members_of(files: Mapping[str, bytes]) -> dict[str, Mapping[str, Any]]:
    """Path of each group and array -> its document, of those files that are documents."""
    return {path.removesuffix(f"/{ROOT}"): json.loads(content) for path, content in files.items() if path.endswith(f"/{ROOT}")}


def redraws(plan: StorePlan, rows: Iterable[BlockRow]) -> dict[str, Any]:
    """The root's attribute about parameter sets: of each system that has some, how many were drawn again, and how many were not found."""
    by_system: dict[str, list[BlockRow]] = defaultdict(list)
    for row in rows:
        by_system[row.block.system].append(row)
    found = {system.name: _redraws(system.sets, by_system[system.name]) for system in plan.systems if system.sets is not None}
    return {layout.PARAMETER_REDRAWS: found} if found else {}


def _redraws(order: layout.SetOrder, rows: list[BlockRow]) -> dict[str, int]:
    arrays = system_arrays(rows)
    numbers = order.of(np.arange(len(arrays[layout.PARAMETER_DRAWS])))
    _, first = np.unique(numbers, return_index=True)
    draws = arrays[layout.PARAMETER_DRAWS][first].astype(np.int64)
    lost = np.isnan(arrays[layout.PARAMETER_ARRAY][first].reshape(len(first), -1)).any(axis=1)
    return {
        "sets": len(first),
        "drawn_again": int((draws > 1).sum()),
        "redraws": int((draws - 1).sum()),
        "not_found": int(lost.sum()),
    }


def late_arrays(plan: StorePlan, rows: Iterable[BlockRow], *, systems: Iterable[SystemPlan] | None = None) -> dict[str, bytes]:
    """Path of each chunk file that only the rows know -> its bytes; arrays without an element have no file. `systems`: all unless given."""
    by_system: dict[str, list[BlockRow]] = defaultdict(list)
    for row in rows:
        by_system[row.block.system].append(row)
    found = {}
    for system in plan.systems if systems is None else systems:
        own = by_system[system.name]
        found.update({small_path(system.name, name): values.astype(CODES[name]).tobytes() for name, values in system_arrays(own).items()})
        found.update(digest_arrays(shard for row in own for shard in row.shards))
    return {path: content for path, content in found.items() if content}


def digest_arrays(rows: Iterable[ShardRow]) -> dict[str, bytes]:
    """Path of the chunk file of each array of digests -> its bytes: the shards' SHA-256 in order."""
    by_array: dict[str, list[ShardRow]] = defaultdict(list)
    for row in rows:
        by_array[small_path(f"{row.system}/{row.granularity}", layout.DIGESTS[row.array])].append(row)
    return {path: _packed(found) for path, found in by_array.items()}


def remove_run_folder(store: Place) -> None:
    """Remove what only a run needs; the lease of an object store is for its holder to free, last."""
    if isinstance(store, ObjectPath):
        remove_run_objects(store)
        return
    shutil.rmtree(store / RUN_FOLDER, ignore_errors=True)


def sweep(store: Place) -> None:
    """Remove what a run that was killed at its very end has left in a finished store, unless somebody works there. In an object store,
    where a lease does not say whether its run lives, that is waited for.

    What an interrupted `certify` keeps there is left for it to go on from.
    """
    folder = store / RUN_FOLDER
    if folder.is_dir() and not (folder / CERTIFIED).exists() and not waiting(store).exists():
        # Whoever holds the lock, or keeps us from writing one, has the last word.
        with contextlib.suppress(RequestError, OSError), quietly(store):
            root = root_document(store)  # who was waited for may have begun another store here
            if root is not None and is_finished(root):
                remove_run_folder(store)


def small_files(plan: StorePlan) -> list[str]:
    """Every file of a finished store that is neither a shard, nor the manifest, nor the root's document."""
    arrays = list(known_arrays(plan))
    for system in plan.systems:
        kept = [name for name in kept_arrays(system) if name != layout.PARAMETER_ARRAY or system.parameters]
        arrays += [small_path(system.name, name) for name in kept]
        arrays += digest_paths(system)
    return sorted([*arrays, *(f"{path}/{ROOT}" for path in member_documents(plan))])


def digest_paths(system: SystemPlan) -> list[str]:
    """The chunk files of the arrays of digests of all its granularities."""
    names = [(grid.name, layout.DIGEST) for grid in system.grids]
    names += [(grid.name, layout.TIME_DIGEST) for grid in system.grids if grid.is_irregular]
    names += [(grid.name, layout.OBSERVED_DIGEST) for grid in system.grids if system.observed]
    return [small_path(f"{system.name}/{grid}", name) for grid, name in names]


def small_digests(store: Place, plan: StorePlan) -> dict[str, str]:
    """Path of each small file -> its SHA-256."""
    return {path: sha256(content) for path, content in read_all(store, small_files(plan)).items()}


def _packed(rows: list[ShardRow]) -> bytes:
    ordered = sorted(rows, key=lambda row: row.first_trajectory)
    return np.array([list(bytes.fromhex(row.sha256)) for row in ordered], dtype=np.uint8).tobytes()
