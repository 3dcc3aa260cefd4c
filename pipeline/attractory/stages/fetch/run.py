"""`attractory fetch`: a part of a published dataset as a valid store here; its size is known before its first shard is asked for."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from attractory import layout
from attractory.errors import DamageError, RequestError
from attractory.stages.cut import Selection, Whole, Wish, named, needed_documents, needed_shards, needed_small, select, write_part
from attractory.stages.cut.selection import members_of
from attractory.stages.cut.smaller import part_attributes
from attractory.stages.fetch.published import open_store, read_checked
from attractory.stages.place import disk_errors, free_bytes, readable
from attractory.stages.progress import Progress, silent
from attractory.stages.publish.version import dataset_version
from attractory.stages.signals import signals_as_errors
from attractory.store import check, is_finished, read_manifest, root_document
from attractory.store.check import certificate_files
from attractory.store.files import Place, document
from attractory.store.template import ROOT, small_path

_TRANSFERS = 8  # at a time, each of a whole file
Announce = Callable[[str], None]


@dataclass(frozen=True)
class Fetched:
    """A part that is here, whole. `files` and `bytes` are what this run transferred, `of_bytes` what all shards of the dataset take."""

    store: Path
    version: str
    trajectories: Mapping[str, int]
    files: int
    bytes: int
    part_bytes: int
    of_bytes: int

    def document(self) -> dict[str, Any]:
        return {**self.__dict__, "store": str(self.store), "trajectories": dict(self.trajectories)}

    def lines(self) -> list[str]:
        counts = ", ".join(f"{count} of {name}" for name, count in self.trajectories.items())
        head = f"{self.store}: {counts} (version {self.version})"
        return [head, f"  transferred {self.files} files, {readable(self.bytes)}; the shards take {readable(self.part_bytes)}"]


@dataclass(frozen=True)
class _Source:
    """The store that is fetched from: its documents, its shards, the digest of every file."""

    place: Place
    root: dict[str, Any]
    folder: Path  # where its files are brought to
    whole: Whole
    digests: Mapping[str, str]


def fetch(
    url: str,
    *,
    to: str | Path,
    wish: Wish | None = None,
    starter: bool = False,
    announce: Announce | None = None,
    progress: Progress | None = None,
) -> Fetched:
    """A part of a published dataset as `<to>/<dataset>.zarr`; a run that was interrupted goes on, a part that is there is checked.

    Args:
        url: a published folder (its latest version), a version, or a finished store; a path or an fsspec URL.
        wish: all of it if None.
        starter: the starter of the version in place of its whole store.
        announce: told the size before the first shard is asked for.
    Raises:
        RequestError: there is no such place, system, granularity or split; something else is at `to`; the disk has not enough room.
        DamageError: what was published is damaged.
        InterruptedRunError: a signal, a full disk, or a server that does not answer; what is here is kept.
    """
    folder, wish = Path(to), wish or Wish()
    with disk_errors(folder), signals_as_errors():
        store = open_store(str(url), starter=starter)
        place, root, target = store.place, store.root, folder / f"{store.name}.zarr"
        source = _source(place, root, folder / f".{target.name}.fetched")
        mirror = _Mirror(source, progress or silent)
        selection = _selection(source, wish, mirror)
        shards = list(needed_shards(root, selection))
        part_bytes, of_bytes = (sum(source.whole.shards[path].bytes for path in paths) for paths in (shards, source.whole.shards))
        (announce or (lambda _: None))(
            f"{place}: {len(shards)} of {len(source.whole.shards)} shards, {readable(part_bytes)} of {readable(of_bytes)}"
        )
        if not _is_there(target, source, selection):
            _check_room(target, part_bytes)
            mirror.bring(shards, counted=True)
            _build(source, selection, target)
        shutil.rmtree(source.folder, ignore_errors=True)
    counts = {name: len(rows) for name, rows in selection.rows.items()}
    return Fetched(target, source.whole.version, counts, mirror.files, mirror.bytes, part_bytes, of_bytes)


def _source(place: Place, root: dict[str, Any], folder: Path) -> _Source:
    digest = root["attributes"][layout.MANIFEST_DIGEST]
    rows, others = read_manifest(read_checked(place / layout.MANIFEST, digest))
    shards = {row.path: row for row in rows}
    digests = {**others, **certificate_files(root), **{row.path: row.sha256 for row in rows}}
    return _Source(place, root, folder, Whole(folder, root, shards, dataset_version(root["attributes"])), digests)


def _selection(source: _Source, wish: Wish, mirror: _Mirror) -> Selection:
    """What is wanted, for which the small arrays of the systems are fetched: their `split` says which trajectories."""
    systems, granularities = named(source.root, wish)
    if not systems or not granularities:
        message = f"{source.place}: the store holds no system or no granularity."
        raise RequestError(message)
    mirror.bring(needed_small(source.root, systems, granularities))
    splits = {system: np.frombuffer(source.whole.small(small_path(system, layout.SPLIT)), np.int8) for system in systems}
    return select(source.root, wish, splits)


class _Mirror:
    """Files of the source that are here, under their own paths in a folder beside the part; each is whole, or has another name."""

    def __init__(self, source: _Source, progress: Progress) -> None:
        self._source, self._progress = source, progress
        self.files, self.bytes = 0, 0

    def bring(self, paths: Iterable[str], *, counted: bool = False) -> None:
        """Transfers those of some files that are not here yet."""
        missing = [path for path in paths if not self._is_here(path)]
        with ThreadPoolExecutor(max_workers=_TRANSFERS) as pool:
            for number, (path, size) in enumerate(pool.map(self._transfer, missing), start=1):
                self.files, self.bytes = self.files + 1, self.bytes + size
                if counted:
                    self._progress(number, len(missing), path)

    def _is_here(self, path: str) -> bool:
        file = self._source.folder / path
        if not file.is_file():
            return False
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest() == self._source.digests[path]

    def _transfer(self, path: str) -> tuple[str, int]:
        if path not in self._source.digests:
            message = f"{self._source.place}: the manifest does not name {path}. What was published is damaged."
            raise DamageError(message)
        content = read_checked(self._source.place / path, self._source.digests[path])
        file = self._source.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_name(f"{file.name}.partial")
        partial.write_bytes(content)
        partial.replace(file)
        return path, len(content)


def _build(source: _Source, selection: Selection, target: Path) -> None:
    """The part from the files that are here, under another name until it is whole."""
    for path in needed_documents(source.root, selection):
        file = source.folder / path / ROOT
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(document(members_of(source.root)[path]))
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    write_part(source.whole, selection, partial)
    partial.rename(target)


def _is_there(target: Path, source: _Source, selection: Selection) -> bool:
    """Whether this part is at the target and sound; a damaged one is removed.

    Raises: RequestError where something else is there.
    """
    root = root_document(target) if target.exists() else None
    if root is None and not target.exists():
        return False
    wanted = json.loads(json.dumps(part_attributes(source.whole, selection)[layout.PARENT]))
    if root is None or not is_finished(root) or root["attributes"].get(layout.PARENT) != wanted:
        message = f"{target}: another store is there. Choose another folder with --to, or move it away."
        raise RequestError(message)
    if not check(target):
        return True
    shutil.rmtree(target)
    return False


def _check_room(target: Path, size: int) -> None:
    free = free_bytes(target)
    if free is not None and free < size:
        message = f"{target}: the part takes {readable(size)}, and the disk has {readable(free)} free. Ask for less."
        raise RequestError(message)
