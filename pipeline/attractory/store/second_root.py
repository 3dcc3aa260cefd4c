"""The root's document of a finished store once more, from what else the store holds: the manifest has its attributes, the groups their own
documents, each with a digest in the manifest."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from attractory import layout
from attractory.store.check import certificate_files, member_bytes
from attractory.store.files import Place, read_present, sha256
from attractory.store.finish import members_of, sealed_root
from attractory.store.manifest import read_manifest, root_attributes
from attractory.store.template import ROOT

# What the documents of a store would be, by path, from its root's attributes and the documents that are sound.
Planned = Callable[[Mapping[str, Any], Mapping[str, bytes]], Mapping[str, bytes]]


@dataclass(frozen=True)
class SecondRoot:
    """The bytes of the document; `unproven`: files of certificates that are there, and that nothing but the lost root could answer for."""

    content: bytes
    unproven: tuple[str, ...] = ()


def second_root(store: Place, *, planned: Planned) -> SecondRoot | None:
    """The root's document made again; None where the manifest is damaged or of an older form, or a group's document is lost for good.

    Certificates, which were added later, are in it where the damaged document still says their digests, and these hold.
    """
    manifest = read_present(store, [layout.MANIFEST]).get(layout.MANIFEST, b"")
    try:
        (_, files), attributes = read_manifest(manifest), root_attributes(manifest)
    except (ValueError, KeyError, TypeError, OSError):  # what pyarrow raises on what is no Parquet, and we on what is no manifest
        return None
    if attributes is None:
        return None
    before = _before(store)
    digests = {path: digest for path, digest in files.items() if path.endswith(f"/{ROOT}")}
    documents = _documents(store, digests, before, partial(planned, attributes))
    if documents is None:
        return None
    certified = _certified(store, certificate_files(before) if before else {})
    later = {layout.CERTIFICATE_FILES: {path: sha256(content) for path, content in sorted(certified.items())}} if certified else {}
    content = sealed_root(attributes, manifest, members_of({**documents, **certified}), later=later)
    return SecondRoot(content, () if certified else tuple(_certificates_there(store, documents)))


def _before(store: Place) -> dict[str, Any]:
    """The root's document as it lies there; empty where it cannot be read as one at all."""
    try:
        root = json.loads(read_present(store, [ROOT])[ROOT])
        member_bytes(root), certificate_files(root)
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}
    return dict(root)


def _documents(
    store: Place,
    digests: Mapping[str, str],
    before: dict[str, Any],
    planned: Callable[[Mapping[str, bytes]], Mapping[str, bytes]],
) -> dict[str, bytes] | None:
    """Path -> bytes of each document below the root, each with its digest: as it lies there, as the root has it, or made anew."""
    sources: list[Callable[[], Mapping[str, bytes]]] = [
        lambda: read_present(store, digests),
        lambda: member_bytes(before) if before else {},
        lambda: planned(found),
    ]
    found: dict[str, bytes] = {}
    for source in sources:
        if len(found) < len(digests):
            given = source()
            found |= {path: given[path] for path, digest in digests.items() if path in given and sha256(given[path]) == digest}
    return found if len(found) == len(digests) else None


def _certified(store: Place, digests: Mapping[str, str]) -> dict[str, bytes]:
    """The files of certificates, where all of them are what the root says."""
    found = read_present(store, digests)
    return found if all(sha256(found.get(path, b"")) == digest for path, digest in digests.items()) else {}


def _certificates_there(store: Place, documents: Iterable[str]) -> list[str]:
    systems = sorted({path.partition("/")[0] for path in documents})
    return sorted(read_present(store, [f"{system}/{array}/{ROOT}" for system in systems for array in layout.CERTIFICATE_ARRAYS]))
