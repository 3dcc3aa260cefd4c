"""Certificates of a finished store: `accurate_until` and `certificate` beside `status`, added without touching what was finished.

The manifest stays as it is, and the new files have their SHA-256 in the root's attributes. All new files, the root's document last, are
written to a folder of their own and then moved to their places, the root's document last: a reader sees the store without the new numbers
or with them, and what a kill has left half-moved is moved by the next run.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

import numpy as np

from attractory import layout
from attractory.store import documents
from attractory.store.files import RUN_FOLDER, Place, document, partial_folder, sha256, write_whole
from attractory.store.objects import ObjectPath
from attractory.store.template import ROOT

# The folder, in that of a run, of what certifying has found so far.
CERTIFIED = "certified"
_TYPES = {layout.ACCURATE_UNTIL: "float64", layout.CERTIFICATE: "int8"}
_FLAGS = {
    "flag_values": [int(code) for code in layout.Certificate],
    "flag_meanings": " ".join(code.name.lower() for code in layout.Certificate),
    "long_name": "what accurate_until is, or why there is none",
}


@dataclass(frozen=True)
class SystemCertificate:
    """One system's arrays (trajectory,), and the attributes that say how accurate_until was found."""

    accurate_until: np.ndarray
    certificate: np.ndarray
    attributes: Mapping[str, Any]


def chunk_path(system: str, array: str) -> str:
    """The one chunk file of an array of certificates."""
    return f"{system}/{array}/c/0"


def read_certificate(store: Path, root: Mapping[str, Any], system: str) -> SystemCertificate | None:
    """A system's certificate; None where there is none, or its files are not the ones that the root names."""
    known: Mapping[str, str] = root["attributes"].get(layout.CERTIFICATE_FILES, {})
    found = {}
    for array in layout.CERTIFICATE_ARRAYS:
        path = store / chunk_path(system, array)
        content = path.read_bytes() if path.is_file() else b""
        if known.get(chunk_path(system, array)) != sha256(content):
            return None
        found[array] = np.frombuffer(content, dtype=np.dtype(_TYPES[array]).newbyteorder("<"))
    attributes = root["consolidated_metadata"]["metadata"][f"{system}/{layout.ACCURATE_UNTIL}"]["attributes"]
    return SystemCertificate(found[layout.ACCURATE_UNTIL], found[layout.CERTIFICATE], attributes)


def write_certificates(store: Path, root: Mapping[str, Any], certificates: Mapping[str, SystemCertificate]) -> None:
    """Add the certificates to a finished store that is locked; the same ones give the same bytes."""
    folder, partial = waiting(store), partial_folder(store)
    members = dict(root["consolidated_metadata"]["metadata"])
    digests = dict(root["attributes"].get(layout.CERTIFICATE_FILES, {}))
    for system, certificate in sorted(certificates.items()):
        for array, metadata, content in _files(certificate):
            members[f"{system}/{array}"] = metadata
            for path, data in ((chunk_path(system, array), content), (f"{system}/{array}/{ROOT}", document(metadata))):
                digests[path] = sha256(data)
                write_whole(folder / path, data, partial=partial)
    attributes = {**root["attributes"], layout.CERTIFICATE_FILES: dict(sorted(digests.items()))}
    write_whole(folder / ROOT, document(documents.consolidated({**root, "attributes": attributes}, members)), partial=partial)
    complete(store)


def complete(store: Path) -> None:
    """Move what is written as a whole to its places; what was not written to its end is thrown away. The store must be locked."""
    folder = waiting(store)
    if (folder / ROOT).is_file():
        files = [path for path in folder.rglob("*") if path.is_file() and path != folder / ROOT]
        for path in [*sorted(files), folder / ROOT]:
            target = store / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            path.replace(target)
    shutil.rmtree(folder, ignore_errors=True)


@overload
def waiting(store: Path) -> Path: ...
@overload
def waiting(store: ObjectPath) -> ObjectPath: ...
def waiting(store: Place) -> Place:
    """Where new files wait to be moved to their places."""
    return store / RUN_FOLDER / "certificates"


def _files(certificate: SystemCertificate) -> Iterator[tuple[str, dict[str, Any], bytes]]:
    """Name, metadata document and chunk of each array."""
    values = {layout.ACCURATE_UNTIL: certificate.accurate_until, layout.CERTIFICATE: certificate.certificate}
    attributes = {layout.ACCURATE_UNTIL: certificate.attributes, layout.CERTIFICATE: _FLAGS}
    for array, dtype in _TYPES.items():
        packed = np.asarray(values[array], dtype=np.dtype(dtype).newbyteorder("<"))
        fill = "NaN" if dtype == "float64" else 0
        metadata = documents.small_array_document(
            packed.shape, dtype=dtype, dimensions=["trajectory"], attributes=attributes[array], fill=fill
        )
        yield array, metadata, packed.tobytes()
