"""A published version or a finished store at a path or a URL: one file at a time, each compared with the digest that is known of it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from attractory import layout
from attractory.errors import DamageError, RequestError, StoreError
from attractory.store import finished_document
from attractory.store.files import Place, place_of, sha256
from attractory.store.template import ROOT

LATEST, SUMS, RECIPE = "latest", "SHA256SUMS", "recipe.json"
_TRIES = 3  # a file that came with other bytes than it must have was cut short on the way, or is damaged
# A system, a granularity or an array of it: what a stranger's store may have written here, and nothing that leads out of a folder.
_MEMBER = re.compile(r"[A-Za-z0-9][\w.-]{0,63}(/[A-Za-z][\w-]{0,63}){0,2}\Z", re.ASCII)
_VERSION = re.compile(r"[0-9A-Za-z.]+-[0-9a-f]{12}\Z")


@dataclass(frozen=True)
class PublishedVersion:
    """A version: its name, its place, and the digest of each of its files by path."""

    version: str
    place: Place
    sums: dict[str, str]
    sums_bytes: int

    def read(self, path: str) -> bytes:
        """A file of the version.

        Raises:
            RequestError: the version has no such file.
            DamageError: it is missing, or is not the one that SHA256SUMS names.
        """
        if path not in self.sums:
            message = f"{self.place}: the version has no {path}: it was published by another Attractory. Publish the dataset again."
            raise RequestError(message)
        return read_checked(self.place / path, self.sums[path])


def open_version(url: str) -> PublishedVersion:
    """The version at a URL, or the one that `latest` names there.

    Raises:
        RequestError: there is neither.
        DamageError: SHA256SUMS is not a list of digests.
    """
    place = place_of(url)
    latest = read_optional(place / LATEST)
    if latest is not None:
        place = place / _named(latest, place)
    content = read_optional(place / SUMS)
    if content is None:
        message = f"{url}: there is no published version: neither {LATEST} nor {SUMS} is there."
        raise RequestError(message)
    return PublishedVersion(str(place).rstrip("/").rpartition("/")[2], place, _sums(content, place), len(content))


@dataclass(frozen=True)
class PublishedStore:
    """A finished store at a place: its root's document, whose names are such that files of theirs can be written here."""

    place: Place
    root: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.root["attributes"][layout.RECIPE]["name"])


def open_store(url: str, *, starter: bool = False) -> PublishedStore:
    """The store of a published version, or the one that lies at the URL itself.

    Raises:
        StoreError, RequestError: there is none.
        DamageError: its root's document is not the one that SHA256SUMS names, or has names that lead out of a store.
    """
    place = place_of(url)
    if not starter and read_optional(place / ROOT) is not None:
        return _checked(place)
    version = open_version(url)
    name = str(json.loads(version.read(RECIPE)).get("store"))
    inside = f"starter/{name}" if starter else name
    if "/" in name or f"{inside}/{ROOT}" not in version.sums:
        what = "the version has no starter" if starter else f"the version has no store {name[:80]}"
        message = f"{version.place}: {what}."
        raise StoreError(message)
    version.read(f"{inside}/{ROOT}")
    return _checked(version.place / inside)


def _checked(place: Place) -> PublishedStore:
    root = finished_document(place)
    try:
        store = PublishedStore(place, root)
        names = [*root["consolidated_metadata"]["metadata"], f"{store.name}/state"]
    except (KeyError, TypeError) as error:
        message = f"{place}: the root's document is not that of a finished store (no {error})."
        raise DamageError(message) from error
    strange = [name for name in names if not _MEMBER.match(name)]
    if strange:
        message = f"{place}: the root's document names {strange[0][:80]!r}, which is no name in a store of ours. Nothing of it was taken."
        raise DamageError(message)
    return store


def read_optional(path: Place) -> bytes | None:
    """The bytes of a file; None where there is none."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None


def read_checked(path: Place, digest: str) -> bytes:
    """The bytes of a file that must have a digest, asked for again where they have not.

    Raises: DamageError where it is missing or has another digest each time.
    """
    found = "is missing"
    for _ in range(_TRIES):
        content = read_optional(path)
        if content is not None and sha256(content) == digest:
            return content
        found = "is missing" if content is None else f"has SHA-256 {sha256(content)}"
    message = f"{path}: {found}, expected SHA-256 {digest}. What was published is damaged: ask whoever published it, or publish it again."
    raise DamageError(message)


def _named(latest: bytes, place: Place) -> str:
    name = latest.decode("utf-8", "replace").strip()
    if not _VERSION.match(name):
        message = f"{place / LATEST}: found {name[:80]!r}, expected the name of a version."
        raise DamageError(message)
    return name


def _sums(content: bytes, place: Place) -> dict[str, str]:
    lines = [line.split("  ", 1) for line in content.decode("utf-8", "replace").splitlines()]
    if any(len(parts) != 2 or not re.fullmatch("[0-9a-f]{64}", parts[0]) for parts in lines):
        message = f"{place / SUMS}: a line is not a digest, two spaces and a path."
        raise DamageError(message)
    return {path: digest for digest, path in lines}
