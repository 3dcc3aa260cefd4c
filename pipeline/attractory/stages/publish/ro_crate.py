"""`ro-crate-metadata.json`: what lies in the version's folder, as an RO-Crate 1.1. Source: https://w3id.org/ro/crate/1.1"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from attractory import layout
from attractory.stages.validate.stored import StoredDataset

_DESCRIPTOR = "ro-crate-metadata.json"
_FOLDERS = {
    "parquet": ("the trajectories as tables, a row each", "application/vnd.apache.parquet"),
    "the_well": ("the trajectories in the HDF5 layout of The Well", "application/x-hdf5"),
    "dysts": ("a trajectory of each system in the JSON layout of dysts", "application/gzip"),
    "pictures": ("a picture of each system", "image/png"),
    "starter": ("a cut of less than 100 MB, for a first look", "application/vnd+zarr"),
}
_FORMATS = {".json": "application/json", ".md": "text/markdown", ".cff": "text/yaml"}


def ro_crate(dataset: StoredDataset, *, version: str, description: str, day: date, sizes: Mapping[str, int]) -> str:
    """The crate's document; folders stand for the files in them, and files at the top have entries of their own.

    Args:
        sizes: bytes of each file of the version, by path.
    """
    parts = [*_folders(dataset, sizes), *_files(sizes)]
    people = list(_people(dataset))
    licence = str(dataset.attributes[layout.LICENCE])
    licence_id = f"https://spdx.org/licenses/{licence}"
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": dataset.name,
        "description": description,
        "version": version,
        "datePublished": day.isoformat(),
        "license": {"@id": licence_id},
        "hasPart": [{"@id": part["@id"]} for part in parts],
        **({"author": [{"@id": person["@id"]} for person in people]} if people else {}),
    }
    about = {"@id": _DESCRIPTOR, "@type": "CreativeWork", "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"}, "about": {"@id": "./"}}
    known = {"@id": licence_id, "@type": "CreativeWork", "name": licence}
    document = {"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": [about, root, *parts, *people, known]}
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _folders(dataset: StoredDataset, sizes: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    known = {dataset.path.name: ("the zarr store", "application/vnd+zarr"), **_FOLDERS}
    for name, (description, kind) in known.items():
        inside = [size for path, size in sizes.items() if path.startswith(f"{name}/")]
        if inside:
            size = {"contentSize": str(sum(inside)), "encodingFormat": kind}
            yield {"@id": f"{name}/", "@type": "Dataset", "name": name, "description": description, **size}


def _files(sizes: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    for path, size in sorted(sizes.items()):
        if "/" not in path:
            kind = _FORMATS.get(path[path.rfind(".") :], "text/plain")
            yield {"@id": path, "@type": "File", "name": path, "contentSize": str(size), "encodingFormat": kind}


def _people(dataset: StoredDataset) -> Iterator[dict[str, Any]]:
    for number, author in enumerate(dataset.attributes.get(layout.AUTHORS) or (), start=1):
        orcid = str(author.get("orcid") or "").rpartition("/")[2]
        yield {"@id": f"https://orcid.org/{orcid}" if orcid else f"#author-{number}", "@type": "Person", "name": str(author["name"])}
