"""Put the right bytes back in the place of damaged files; where the states come from is the caller's matter."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import zarr

from attractory import layout
from attractory.errors import DamageError
from attractory.store.blocks import EncodedBlock
from attractory.store.check import Contents, certificate_files, member_bytes, proper_attributes
from attractory.store.digests import decoded_sha256
from attractory.store.files import Place, partial_folder, read_present, sha256, write_whole
from attractory.store.finish import digest_arrays, digest_paths, late_arrays, small_digests, small_files
from attractory.store.manifest import manifest_bytes
from attractory.store.plan import Block, StorePlan, SystemPlan
from attractory.store.rows import BlockRow, ShardRow, kept_arrays
from attractory.store.template import ROOT, known_arrays, small_path


@dataclass(frozen=True)
class Repair:
    """A finished store, what it must hold, its plan, and a function that makes a block of it again."""

    store: Place
    held: Contents
    plan: StorePlan
    encode: Callable[[Block], EncodedBlock]


def restore(repair: Repair, paths: Collection[str]) -> None:
    """Make these files again, all else being sound. Needs the store's folder for half-written files.

    Raises:
        DamageError: the root's document is one of them, or the new bytes are not the ones that the store was finished with.
    """
    if ROOT in paths:
        raise hopeless(repair.store)
    certificates = {path for path in paths if path in certificate_files(repair.held.root) and not path.endswith(ROOT)}
    _put(repair, set(paths) - certificates - {layout.MANIFEST})
    if layout.MANIFEST in paths:
        _restore_manifest(repair)
    if certificates:
        message = (
            f"{repair.store}: {', '.join(sorted(certificates))}: a certificate is not made from the recipe; all else is sound now. "
            f"Make it again: attractory certify {repair.store}"
        )
        raise DamageError(message)


def hopeless(store: Place) -> DamageError:
    """What is left to say where the root's document cannot be made again either."""
    return DamageError(
        f"{store}: the root's {ROOT} is damaged, and cannot be made again: the manifest or a group's {ROOT} is damaged too, or the "
        "manifest is of an older form. Generate the store again, at another place."
    )


def is_own_manifest(store: Place, root: dict[str, Any], plan: StorePlan) -> bool:
    """Whether the manifest that lies there is that of the files that lie there; then a root that says otherwise is wrong."""
    found = read_present(store, [layout.MANIFEST]).get(layout.MANIFEST)
    return found is not None and found in _manifests_of_readable_files(store, root, plan)


def _restore_manifest(repair: Repair) -> None:
    """The manifest from the files as they are; where its digest says that one of those is wrong, from files that are all made again."""
    expected, root = repair.held.root["attributes"][layout.MANIFEST_DIGEST], repair.held.root
    made = _manifests_of_readable_files(repair.store, root, repair.plan)
    if expected not in map(sha256, made):
        _put(repair, {*small_files(repair.plan), *(path for path, _ in _shard_paths(repair.plan, repair.plan.systems))})
        made = _manifests_of_files(repair.store, root, repair.plan)
    content = next((content for content in made if sha256(content) == expected), made[0])
    _agree(repair, layout.MANIFEST, content, expected)
    write_whole(repair.store / layout.MANIFEST, content, partial=partial_folder(repair.store))


def _put(repair: Repair, paths: Collection[str]) -> None:
    # Without a sound manifest no single digest is sure; the manifest's own then answers for all files together.
    expected = {file.path: file.sha256 for file in repair.held.files if repair.held.rows}
    for path, content in _contents(repair, paths):
        if path in expected:
            _agree(repair, path, content, expected[path])
        write_whole(repair.store / path, content, partial=partial_folder(repair.store))


def _contents(repair: Repair, paths: Collection[str]) -> Iterator[tuple[str, bytes]]:
    """Each path and its bytes: what can be had without integrating first, then block by block."""
    cheap = {**member_bytes(repair.held.root), **known_arrays(repair.plan), **digest_arrays(repair.held.rows)}
    yield from ((path, cheap[path]) for path in paths if path in cheap)
    yield from _from_blocks(repair, {path for path in paths if path not in cheap})


def _from_blocks(repair: Repair, paths: Collection[str]) -> Iterator[tuple[str, bytes]]:
    for system in repair.plan.systems:
        late = {small_path(system.name, name) for name in kept_arrays(system)} | set(digest_paths(system))
        rows: list[BlockRow] = []
        for block in _blocks_of(repair.plan, system, paths, every=bool(late & set(paths))):
            encoded = repair.encode(block)
            rows.append(encoded.row)
            yield from ((path, content) for path, content in encoded.files.items() if path in paths)
        if late & set(paths):
            yield from _late(repair.plan, system, rows, paths)


def _blocks_of(plan: StorePlan, system: SystemPlan, paths: Collection[str], *, every: bool) -> list[Block]:
    """The blocks of a system that one of the shards is in, or all of them."""
    return sorted({block for path, block in _shard_paths(plan, (system,)) if every or path in paths}, key=lambda block: block.shard)


def _shard_paths(plan: StorePlan, systems: Collection[SystemPlan]) -> Iterator[tuple[str, Block]]:
    for system in systems:
        for shard in range(plan.shards(system)):
            for grid in system.grids:
                yield layout.shard_path(system.name, grid.name, shard), plan.block(system, shard)
                if grid.is_irregular:
                    yield layout.time_shard_path(system.name, grid.name, shard), plan.block(system, shard)
                if system.observed:
                    yield layout.observed_shard_path(system.name, grid.name, shard), plan.block(system, shard)


def _late(plan: StorePlan, system: SystemPlan, rows: list[BlockRow], paths: Collection[str]) -> Iterator[tuple[str, bytes]]:
    made: Mapping[str, bytes] = late_arrays(plan, rows, systems=(system,))
    return ((path, content) for path, content in made.items() if path in paths)


def _manifests_of_readable_files(store: Place, root: dict[str, Any], plan: StorePlan) -> tuple[bytes, ...]:
    """As `_manifests_of_files`; none where a file is missing or cannot be decoded."""
    try:
        return _manifests_of_files(store, root, plan)
    except (OSError, ValueError, RuntimeError):  # what zarr and its codecs raise on a damaged shard
        return ()


def _manifests_of_files(store: Place, root: dict[str, Any], plan: StorePlan) -> tuple[bytes, ...]:
    """What the manifest may be: with the root's attributes, or without them, as older ones are."""
    rows = [_row_of_file(store, path, block) for path, block in _shard_paths(plan, plan.systems)]
    files = small_digests(store, plan)
    return tuple(manifest_bytes(rows, files=files, root=attributes) for attributes in (proper_attributes(root), None))


def _row_of_file(store: Place, path: str, block: Block) -> ShardRow:
    content = (store / path).read_bytes()
    system, granularity, name, *_ = path.split("/")
    array = zarr.open_array(str(store / system / granularity / name), mode="r")
    values = np.asarray(array[block.first : block.first + block.count])
    values = values[..., None] if values.ndim == 2 else values
    return ShardRow(path, len(content), sha256(content), decoded_sha256(values), system, granularity, block.first, block.count)


def _agree(repair: Repair, path: str, content: bytes, expected: str | None) -> None:
    if sha256(content) != expected:
        versions = repair.held.root["attributes"].get(layout.VERSIONS)
        message = (
            f"{repair.store}: {path} was made again with SHA-256 {sha256(content)}, expected {expected}. "
            f"The store was made with {versions}: repair it with those versions. The damaged file was left as it is."
        )
        raise DamageError(message)
