"""Does every file of a finished store still have the bytes that it was finished with?"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from attractory import layout
from attractory.errors import DamageError, StoreError
from attractory.store import documents
from attractory.store.files import Place, canonical_json, document, rows_folder, sha256
from attractory.store.manifest import read_manifest, root_attributes
from attractory.store.objects import ObjectPath
from attractory.store.rows import ShardRow
from attractory.store.state import finished_document
from attractory.store.template import ROOT

_REMOTE_READERS = 16  # of an object store, whose shards wait in memory: 16 of them
_READERS = 4  # hashing leaves the interpreter's lock; more readers only make a disk seek

_NOT_OF_ITS_FORM = (KeyError, TypeError, AttributeError)  # what reading such a document raises

_SHARD_PATHS = {
    layout.DIGEST: layout.shard_path,
    layout.TIME_DIGEST: layout.time_shard_path,
    layout.OBSERVED_DIGEST: layout.observed_shard_path,
}


@dataclass(frozen=True)
class Expected:
    """What one file must be; what is not known of it is None."""

    path: str
    sha256: str | None
    bytes: int | None = None

    def __str__(self) -> str:
        return f"a file with SHA-256 {self.sha256}" if self.sha256 else f"a file of {self.bytes} bytes"


@dataclass(frozen=True, order=True)
class Damage:
    """One file that is not what it must be; `found` is a sentence's end, such as `is missing`."""

    path: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.path}: {self.found}, expected {self.expected}"


class LostRootError(DamageError):
    """A finished store but for its root's document, which all else hangs on, and which is missing or cannot be read."""

    def __init__(self, store: Place, found: str) -> None:
        super().__init__(
            f"{store}: 1 damaged file\n  {ROOT}: {found}, expected the root's document of a finished store\n"
            f"Make it again, from the manifest and the groups: attractory verify {store} --repair"
        )


@dataclass(frozen=True)
class Contents:
    """A finished store's own list of itself; `rows` is empty where the manifest is damaged, and `files` then holds what else is known."""

    root: dict[str, Any]
    rows: tuple[ShardRow, ...]
    files: tuple[Expected, ...]


def contents(store: Place) -> Contents:
    """What a finished store must consist of, by its manifest, or without a sound one by its `digest` arrays.

    Raises:
        StoreError: the path is not a finished store of this format version.
        DamageError: it is one that has lost its root's document.
    """
    root = _root(store)
    manifest = Expected(layout.MANIFEST, root["attributes"][layout.MANIFEST_DIGEST])
    certificates = certificate_files(root)
    if _compare(store, manifest):
        own = (file for file in _documents(root) if file.path not in certificates)
        added = (Expected(path, digest) for path, digest in certificates.items())
        return Contents(root, (), (manifest, *own, *added, *_from_digest_arrays(store, root)))
    rows, others = read_manifest((store / layout.MANIFEST).read_bytes())
    others = {**others, **certificates}
    shards = (Expected(row.path, row.sha256, row.bytes) for row in rows)
    return Contents(root, rows, (manifest, *(Expected(path, digest) for path, digest in others.items()), *shards))


def check(store: Place, *, progress: Callable[[int, int], None] | None = None) -> tuple[Damage, ...]:
    """Every file that is missing, truncated or changed, sorted by path; empty for a sound store.

    Args:
        progress: called with (files checked, files in all).
    Raises:
        StoreError: the path is not a finished store of this format version.
    """
    held = contents(store)
    found = list(inconsistent(store, held))
    with ThreadPoolExecutor(max_workers=_REMOTE_READERS if isinstance(store, ObjectPath) else _READERS) as readers:
        for number, damage in enumerate(readers.map(lambda file: _compare(store, file), held.files), start=1):
            found += [damage] if damage else []
            if progress:
                progress(number, len(held.files))
    return tuple(sorted(found))


def _root(store: Place) -> dict[str, Any]:
    try:
        root = finished_document(store)
        _text(root)
    except (StoreError, *_NOT_OF_ITS_FORM) as error:
        if isinstance(error, StoreError) and not _has_lost_its_root(store):
            raise
        found = "cannot be read as one" if (store / ROOT).is_file() else "is missing"
        raise LostRootError(store, found) from error
    return root


def _text(root: dict[str, Any]) -> bytes:
    """A root's document as it is written from what it says, its systems' digests included."""
    _catalog_digest(root)
    members = root["consolidated_metadata"]["metadata"]
    return document(documents.consolidated(documents.group_document(root["attributes"]), members))


def _has_lost_its_root(store: Place) -> bool:
    """Whether there is a finished store but for its root's document. An unfinished store has rows; another format version says so."""
    if not (store / layout.MANIFEST).is_file() or rows_folder(store).exists():
        return False
    try:
        attributes = json.loads((store / ROOT).read_bytes())["attributes"]
        return layout.FORMAT not in attributes or layout.MANIFEST_DIGEST not in attributes
    except (OSError, ValueError, KeyError, TypeError):
        return True


def _compare(store: Place, file: Expected) -> Damage | None:
    try:
        size, digest = _measured(store / file.path)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return Damage(file.path, str(file), "is missing")
    except OSError as error:
        return Damage(file.path, str(file), f"cannot be read ({error.strerror})")
    if file.bytes is not None and size != file.bytes:
        kind = "is truncated" if size < file.bytes else "is too long"
        return Damage(file.path, f"{file.bytes} bytes", f"{kind}: {size} bytes")
    return None if file.sha256 in (None, digest) else Damage(file.path, f"SHA-256 {file.sha256}", f"is changed: SHA-256 {digest}")


def _measured(path: Place) -> tuple[int, str]:
    """Size and SHA-256 of a file."""
    if isinstance(path, ObjectPath):
        content = path.read_bytes()
        return len(content), sha256(content)
    with path.open("rb") as opened:
        return os.fstat(opened.fileno()).st_size, hashlib.file_digest(opened, "sha256").hexdigest()


def inconsistent(store: Place, held: Contents) -> Iterator[Damage]:
    """The root's document cannot hold its own digest; what it says twice must agree, and its text has one form."""
    if (store / ROOT).read_bytes() != _text(held.root):
        yield Damage(ROOT, "the text that its values are written as", "is changed")
    attributes, known = held.root["attributes"], {file.path: file.sha256 for file in held.files}
    recipe, catalog = sha256(canonical_json(attributes[layout.RECIPE])), _catalog_digest(held.root)
    if recipe != attributes[layout.RECIPE_DIGEST]:
        yield Damage(ROOT, f"the recipe with SHA-256 {attributes[layout.RECIPE_DIGEST]}", f"holds a recipe with SHA-256 {recipe}")
    if catalog != attributes.get(layout.CATALOG_DIGEST, catalog):
        yield Damage(ROOT, f"the catalog digest {catalog} of its systems", f"holds {attributes[layout.CATALOG_DIGEST]}")
    yield from _other_attributes(store, held)
    for file in _documents(held.root):
        if held.rows and known.get(file.path) != file.sha256:
            yield Damage(ROOT, f"the metadata of {file.path} as the manifest has it", "holds other metadata of it")


def _other_attributes(store: Place, held: Contents) -> Iterator[Damage]:
    """Where the manifest is sound, it has the root's attributes too, but those that came after it."""
    witness = root_attributes((store / layout.MANIFEST).read_bytes()) if held.rows else None
    own = proper_attributes(held.root)
    changed = sorted(key for key in {*own, *(witness or {})} if own.get(key) != (witness or {}).get(key)) if witness is not None else []
    if changed:
        yield Damage(ROOT, f"the {', '.join(changed)} that the manifest has", "holds another one")


def proper_attributes(root: dict[str, Any]) -> dict[str, Any]:
    """The root's attributes without what came after the manifest: its digest, and what certifying has added."""
    later = (layout.MANIFEST_DIGEST, layout.CERTIFICATE_FILES)
    return {key: value for key, value in root["attributes"].items() if key not in later}


def _catalog_digest(root: dict[str, Any]) -> str:
    """As `attractory.stages.plan.catalog_digest`, from the systems' groups."""
    members = root["consolidated_metadata"]["metadata"]
    groups = {name: member["attributes"] for name, member in members.items() if "/" not in name}
    return sha256(canonical_json({name: attributes.get(layout.SYSTEM_DIGEST) for name, attributes in groups.items()}))


def certificate_files(root: dict[str, Any]) -> dict[str, str]:
    """Path of each file that certifying has added -> its SHA-256: the manifest, which was finished before, does not know them."""
    return dict(root["attributes"].get(layout.CERTIFICATE_FILES, {}))


def member_bytes(root: dict[str, Any]) -> dict[str, bytes]:
    """The bytes of every metadata document below the root, from the copy of them in the root."""
    members = root["consolidated_metadata"]["metadata"]
    plain = {path: {key: part for key, part in member.items() if key != "consolidated_metadata"} for path, member in members.items()}
    return {f"{path}/{ROOT}": document(member) for path, member in plain.items()}


def _documents(root: dict[str, Any]) -> list[Expected]:
    return [Expected(path, sha256(content)) for path, content in member_bytes(root).items()]


def _bytes_of(path: Place) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return b""


def _from_digest_arrays(store: Place, root: dict[str, Any]) -> Iterator[Expected]:
    """The shards as the `digest` arrays have them, and those arrays; one that is gone or short leaves its shards unknown."""
    for path, member in root["consolidated_metadata"]["metadata"].items():
        system, _, rest = path.partition("/")
        granularity, _, array = rest.partition("/")
        if array in _SHARD_PATHS:
            shard_path = _SHARD_PATHS[array]
            size = int(np.prod(member["shape"]))
            yield Expected(f"{path}/c/0/0", None, size)
            packed = _bytes_of(store / path / "c/0/0")
            if len(packed) == size:
                digests = np.frombuffer(packed, dtype=np.uint8).reshape(member["shape"])
                yield from (Expected(shard_path(system, granularity, shard), bytes(row).hex()) for shard, row in enumerate(digests))
