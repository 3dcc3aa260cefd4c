"""A part of a finished store as a store of its own, which says what it is a part of.

Shards are taken as they are where a shard of the part has the trajectories of one of the whole, so that their digests are those of the
whole's manifest; elsewhere, as where two splits share a shard, their values are packed anew. Trajectories are numbered from 0; the root's
attribute `parent` has the numbers that they had.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import zarr

from attractory import layout
from attractory.stages.cut.selection import Rows, Selection, Sharded, members_of, runs, sharded_arrays
from attractory.store import ShardRow
from attractory.store.check import certificate_files
from attractory.store.digests import decoded_sha256
from attractory.store.files import Place, canonical_json, document, sha256
from attractory.store.finish import sealed_root
from attractory.store.manifest import manifest_bytes
from attractory.store.plan import ShardShape
from attractory.store.shards import encode_shard
from attractory.store.template import ROOT, small_path
from attractory.store.zarr_objects import ZarrObjects


@dataclass(frozen=True)
class Whole:
    """A finished store, of which at least the files that a part needs lie in its place."""

    folder: Place
    root: Mapping[str, Any]
    shards: Mapping[str, ShardRow]  # by path
    version: str

    def small(self, path: str) -> bytes:
        return (self.folder / path).read_bytes()

    def values(self, array: Sharded, rows: Rows) -> npt.NDArray[Any]:
        """(trajectory, time, variable) of some trajectories; times of their own as one variable."""
        at = f"{array.path}/{ROOT}"
        held = self.folder if isinstance(self.folder, Path) else ZarrObjects(self.folder, {at: self.small(at)})
        opened = zarr.open_array(held, path=array.path, mode="r", zarr_format=3)
        found = np.concatenate([np.asarray(opened[first:last]) for first, last in runs(rows)])
        return found[..., None] if found.ndim == 2 else found


def small_arrays(root: Mapping[str, Any], system: str, granularities: tuple[str, ...]) -> list[str]:
    """Paths of the arrays in one uncompressed chunk that a part takes over: those of the system, and regular times."""
    found = []
    for path, member in members_of(root).items():
        owner, _, rest = path.partition("/")
        if owner != system or member["node_type"] != "array" or not np.prod(member["shape"]):
            continue  # an array without an element has no file
        granularity, _, name = rest.rpartition("/")
        regular = name == layout.TIME and member["codecs"][0]["name"] != "sharding_indexed"
        if not granularity or (granularity in granularities and regular):
            found.append(path)
    return found


def chunk_of(root: Mapping[str, Any], path: str) -> str:
    """The one chunk file of a small array."""
    return f"{path}/c" + "/0" * len(members_of(root)[path]["shape"])


def write_part(whole: Whole, selection: Selection, target: Path) -> None:
    """Writes the part that was selected to a folder, its root's document last."""
    part = _Part(whole, selection, target)
    for system in selection.rows:
        part.add_system(system)
    part.finish()


class _Part:
    """The part as far as it is written: documents, digests of the small files, rows of the manifest."""

    def __init__(self, whole: Whole, selection: Selection, target: Path) -> None:
        self._whole, self._selection, self._target = whole, selection, target
        self._members: dict[str, Any] = {}
        self._files: dict[str, str] = {}
        self._rows: list[ShardRow] = []

    def add_system(self, system: str) -> None:
        rows, root = self._selection.rows[system], self._whole.root
        self._members.update({path: _plain(members_of(root)[path]) for path in self._documents_of(system)})
        for path in [path for path in self._members if path.startswith(f"{system}/") and _is_of_trajectories(path, self._members[path])]:
            self._shape(path, len(rows), chunk=len(rows))
        for path in small_arrays(root, system, self._selection.granularities):
            chunk = chunk_of(root, path)
            self._put(chunk, _rows_of(self._whole, path, rows) if path.count("/") == 1 else self._whole.small(chunk))
        for array in sharded_arrays(root, system, self._selection.granularities):
            self._add_shards(array, rows)

    def _documents_of(self, system: str) -> Iterator[str]:
        """The groups and arrays of a system that the part has."""
        for path, member in members_of(self._whole.root).items():
            owner, _, rest = path.partition("/")
            below = rest.partition("/")[0]
            if owner == system and (not rest or below in self._selection.granularities or _is_of_trajectories(path, member)):
                yield path

    def finish(self) -> None:
        for path, member in self._members.items():
            self._put(f"{path}/{ROOT}", document(member))
        certificates = {path: digest for path, digest in self._files.items() if path in certificate_files(dict(self._whole.root))}
        own = {path: digest for path, digest in self._files.items() if path not in certificates}
        attributes = part_attributes(self._whole, self._selection)
        manifest = manifest_bytes(self._rows, files=own, root=attributes)
        _write(self._target / layout.MANIFEST, manifest)
        later = {layout.CERTIFICATE_FILES: dict(sorted(certificates.items()))} if certificates else {}
        _write(self._target / ROOT, sealed_root(attributes, manifest, self._members, later=later))

    def _add_shards(self, array: Sharded, rows: Rows) -> None:
        axes = len(members_of(self._whole.root)[array.path]["shape"])
        digests = []
        for number, first in enumerate(range(0, len(rows), array.per_shard)):
            wanted = rows[first : first + array.per_shard]
            row = self._shard(array, wanted, array.shard_path(number, axes=axes), first)
            digests.append(bytes.fromhex(row.sha256))
            self._rows.append(row)
        self._shape(array.path, len(rows))
        group, _, name = array.path.rpartition("/")
        path = f"{group}/{layout.DIGESTS[name]}"
        self._shape(path, len(digests), chunk=len(digests))
        self._put(f"{path}/c/0/0", b"".join(digests))

    def _shard(self, array: Sharded, wanted: Rows, path: str, first: int) -> ShardRow:
        """Writes one shard of the part, and returns its row of the manifest."""
        whole, axes = array.whole(wanted), path.count("/") - 3
        system, granularity, _ = array.path.split("/")
        if whole is not None:
            source = array.shard_path(whole, axes=axes)
            _link(self._whole.folder / source, self._target / path)
            known = self._whole.shards[source]
            return ShardRow(path, known.bytes, known.sha256, known.decoded_sha256, system, granularity, first, len(wanted))
        values = self._whole.values(array, wanted)
        content = encode_shard(values, _cut(members_of(self._whole.root)[array.path]))
        _write(self._target / path, content)
        return ShardRow(path, len(content), sha256(content), decoded_sha256(values), system, granularity, first, len(wanted))

    def _shape(self, path: str, count: int, *, chunk: int | None = None) -> None:
        """Changes the length of an array's first axis, and of its one chunk where it has one."""
        member = self._members[path]
        changed = {**member, "shape": [count, *member["shape"][1:]]}
        if chunk is not None:
            cut = member["chunk_grid"]["configuration"]["chunk_shape"]
            changed["chunk_grid"] = {"name": "regular", "configuration": {"chunk_shape": [max(1, chunk), *cut[1:]]}}
        self._members[path] = changed

    def _put(self, path: str, content: bytes) -> None:
        _write(self._target / path, content)
        self._files[path] = sha256(content)


def part_attributes(whole: Whole, selection: Selection) -> dict[str, Any]:
    """The root's attributes of a part, without the digest of its manifest: the recipe narrowed, and what it is a part of."""
    attributes, members = dict(whole.root["attributes"]), members_of(whole.root)
    recipe = {**attributes[layout.RECIPE], "systems": sorted(selection.rows), "trajectories": _counts(whole, selection)}
    recipe["granularities"] = {name: recipe["granularities"][name] for name in selection.granularities if name in recipe["granularities"]}
    digests = {name: members[name]["attributes"].get(layout.SYSTEM_DIGEST) for name in selection.rows}
    if layout.PARAMETER_REDRAWS in attributes:
        kept = {name: counts for name, counts in attributes[layout.PARAMETER_REDRAWS].items() if name in selection.rows}
        attributes[layout.PARAMETER_REDRAWS] = kept
    attributes.pop(layout.CERTIFICATE_FILES, None)
    manifest = attributes.pop(layout.MANIFEST_DIGEST)
    parent = {
        "dataset": attributes[layout.RECIPE]["name"],
        "version": whole.version,
        "manifest_digest": manifest,
        "trajectories": {name: [list(run) for run in runs(rows)] for name, rows in sorted(selection.rows.items())},
    }
    return attributes | {
        layout.RECIPE: recipe,
        layout.RECIPE_DIGEST: sha256(canonical_json(recipe)),
        layout.CATALOG_DIGEST: sha256(canonical_json(digests)),
        layout.PARENT: parent,
    }


def _counts(whole: Whole, selection: Selection) -> dict[str, int]:
    """Trajectories a system in each split, as a recipe has them: the most that a system has there."""
    counts = dict.fromkeys(layout.SPLITS, 0)
    for system, rows in selection.rows.items():
        codes = np.frombuffer(whole.small(small_path(system, layout.SPLIT)), np.int8)[rows]
        counts = {split: max(counts[split], int(np.sum(codes == code))) for code, split in enumerate(layout.SPLITS)}
    return {split: count for split, count in counts.items() if count}


def _plain(member: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in member.items() if key != "consolidated_metadata"}


def _is_of_trajectories(path: str, member: Mapping[str, Any]) -> bool:
    """Whether it is an array beside the granularities: those are small, and their first axis is that of trajectories."""
    return path.count("/") == 1 and member["node_type"] == "array"


def _rows_of(whole: Whole, path: str, rows: Rows) -> bytes:
    """The bytes of some trajectories of a small array, whose chunk is its C-order bytes."""
    count = members_of(whole.root)[path]["shape"][0]
    content = np.frombuffer(whole.small(chunk_of(whole.root, path)), np.uint8).reshape(count, -1)
    return content[rows].tobytes()


def _cut(member: Mapping[str, Any]) -> ShardShape:
    sharding = member["codecs"][0]["configuration"]
    shard, inner = tuple(member["chunk_grid"]["configuration"]["chunk_shape"]), tuple(sharding["chunk_shape"])
    both = [(*shape, 1) if len(shape) == 2 else shape for shape in (shard, inner)]
    return ShardShape(both[0], both[1], is_compressed=len(sharding["codecs"]) > 1)  # the only one makes bytes of numbers


def _link(source: Place, target: Path) -> None:
    """The same file under another name, or a copy where the file system has no such links or it is an object."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if not isinstance(source, Path):
        target.write_bytes(source.read_bytes())
        return
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def needed_small(root: Mapping[str, Any], systems: Iterable[str], granularities: tuple[str, ...]) -> Iterator[str]:
    """Paths of the small files that a part with these systems needs, whatever its trajectories are."""
    for system in systems:
        yield from (chunk_of(root, path) for path in small_arrays(root, system, granularities))


def needed_documents(root: Mapping[str, Any], selection: Selection) -> Iterator[str]:
    """Paths of the arrays whose values are read, for which zarr wants their documents."""
    for system in selection.rows:
        yield from (array.path for array in sharded_arrays(root, system, selection.granularities))


def needed_shards(root: Mapping[str, Any], selection: Selection) -> Iterator[str]:
    """Paths of the shard files that hold any trajectory of a selection."""
    for system, rows in selection.rows.items():
        for array in sharded_arrays(root, system, selection.granularities):
            axes = len(members_of(root)[array.path]["shape"])
            yield from (array.shard_path(shard, axes=axes) for shard in array.shards(rows))
