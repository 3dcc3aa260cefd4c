"""Where stores are, and several of them as one: their systems side by side."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from attractory import layout
from attractory.errors import StoreError
from attractory.loader.disk_cache import CachedFiles, DiskCache
from attractory.loader.files import Files, files_at
from attractory.loader.guard import ROOT, Guard
from attractory.loader.metadata import StoredSystem, StoreMetadata, read_metadata

LATEST = "latest"  # in a published folder, the file that names the version to read


@dataclass(frozen=True)
class Store:
    """One store that is open."""

    files: Files
    metadata: StoreMetadata

    @property
    def path(self) -> str:
        return self.files.name("")

    @property
    def name(self) -> str:
        """The dataset's name, as its recipe says it."""
        recipe = self.metadata.attributes.get(layout.RECIPE) or {}
        return str(recipe.get("name") or PurePosixPath(self.path).stem)

    @property
    def guard(self) -> Guard:
        return Guard(self.files, str(self.metadata.attributes[layout.MANIFEST_DIGEST]))


@dataclass(frozen=True)
class Reach:
    """How stores are read: options of fsspec, a cache on this machine's disk for those elsewhere, whether shards are checked (None: where
    that costs no transfer)."""

    storage_options: Mapping[str, Any] | None = None
    disk_cache: DiskCache | None = None
    verify: bool | None = None


def opened_store(path: str | os.PathLike[str], reach: Reach) -> Store:
    """The store at a path or fsspec URL, or the latest version of the published folder there.

    Raises:
        StoreError: no such place, not a store, unfinished, or of another format version.
        DamageError: a metadata file is missing or unreadable.
    """
    files = published(files_at(path, reach.storage_options), reach.storage_options)
    if files.is_local or reach.disk_cache is None:
        return Store(files, read_metadata(files, verify=files.is_local if reach.verify is None else reach.verify))
    cached = CachedFiles(files, reach.disk_cache)
    return Store(cached, read_metadata(cached, verify=True))


def published(files: Files, storage_options: Mapping[str, Any] | None) -> Files:
    """The files of a published folder's store: of the version that `latest` names, or that the folder is; of others the same."""
    root, latest = files.read([ROOT, LATEST])
    if root is not None:
        return files
    version = "" if latest is None else latest.decode("utf-8", "replace").strip()
    folder = files_at(files.name(version), storage_options) if version else files
    inside = [name for name in folder.folders("") if name.endswith(".zarr")]
    is_version = version or (inside and files.read(["croissant.json"])[0] is not None)
    if not is_version:
        return files
    if len(inside) != 1:
        message = (
            f"{folder.name('')} is a published version with {len(inside)} stores in it: expected one folder NAME.zarr. Publish it again."
        )
        raise StoreError(message)
    return files_at(folder.name(inside[0]), storage_options)


def joined(stores: Sequence[Store]) -> dict[str, tuple[int, StoredSystem]]:
    """Name -> (place of the store, the system), codes counted through; a name that several stores have gets the store's before it."""
    count = Counter(name for store in stores for name in store.metadata.systems)
    prefixes = _different([store.name for store in stores])
    found: dict[str, tuple[int, StoredSystem]] = {}
    for number, store in enumerate(stores):
        for name, system in store.metadata.systems.items():
            key = name if count[name] == 1 else f"{prefixes[number]}/{name}"
            found[key] = (number, system if len(stores) == 1 else replace(system, code=len(found)))
    return found


def _different(names: Sequence[str]) -> list[str]:
    """The names, with a number behind those that come more than once."""
    return [name if names.count(name) == 1 else f"{name}#{names[:place].count(name) + 1}" for place, name in enumerate(names)]
