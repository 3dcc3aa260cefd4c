"""`croissant.json`: the dataset in MLCommons Croissant, with the Parquet tables as its record sets.

Source: https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from attractory import layout
from attractory.stages.publish.citation import author_names
from attractory.stages.publish.parquet import schema, split_rows, table_path
from attractory.stages.validate.sections import spacing_text
from attractory.stages.validate.stored import StoredDataset, StoredGranularity, StoredSystem

_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "key": "cr:key",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
    "source": "cr:source",
}
_MEANING = {
    "trajectory": "index of the trajectory in the store",
    "status": "0 where the trajectory reached its last sample",
    "start_time": "the system's own time at sample 0",
    "parameters": "values of the parameters",
    "initial": "state at sample 0, in full precision",
    "state": "samples, each a state",
    "time": "the time of each sample after the initial state, in the system's units",
    layout.ACCURATE_UNTIL: "time after sample 0 until which every sample is the true solution, in the system's units; null: not known",
    layout.CERTIFICATE: ", ".join(f"{code:d}: {code.name.lower().replace('_', ' ')}" for code in layout.Certificate),
}


def croissant(dataset: StoredDataset, *, version: str, description: str, digests: Mapping[str, str]) -> str:
    """The JSON-LD document.

    Args:
        digests: SHA-256 of every file of the version, by path.
    """
    document: dict[str, Any] = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "name": dataset.name,
        "description": description,
        "version": version,
        "license": _licence_url(str(dataset.attributes[layout.LICENCE])),
        "citeAs": f"{dataset.name}, version {version}",
        "creator": [{"@type": "sc:Person", "name": name} for name in author_names(dataset.attributes)],
        "distribution": [],
        "recordSet": [],
    }
    for stored in dataset.systems:
        for granularity in stored.granularities:
            for split, _ in split_rows(stored):
                path = table_path(stored.name, granularity.name, split)
                document["distribution"].append(_file_object(path, digests[path]))
                document["recordSet"].append(_record_set(stored, granularity, split))
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _licence_url(licence: str) -> str:
    return f"https://spdx.org/licenses/{licence}.html"


def _file_object(path: str, digest: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": path,
        "name": path,
        "contentUrl": path,
        "encodingFormat": "application/x-parquet",
        "sha256": digest,
    }


def _record_set(stored: StoredSystem, granularity: StoredGranularity, split: str) -> dict[str, Any]:
    path = table_path(stored.name, granularity.name, split)
    identity = f"{stored.name}/{granularity.name}/{split}"
    spacing = f"samples {spacing_text(granularity)}"
    return {
        "@type": "cr:RecordSet",
        "@id": identity,
        "name": identity,
        "description": f"{stored.name}, {granularity.name}, {split}: a record is a trajectory, {spacing}.",
        "key": {"@id": f"{identity}/trajectory"},
        "field": [_field(identity, path, column) for column in schema(stored, granularity)],
    }


def _field(record_set: str, path: str, column: pa.Field) -> dict[str, Any]:
    shape, kind = [], column.type
    while pa.types.is_fixed_size_list(kind):
        shape.append(str(kind.list_size))
        kind = kind.value_type
    described: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": f"{record_set}/{column.name}",
        "name": column.name,
        "description": _MEANING[column.name],
        "dataType": "sc:Integer" if pa.types.is_integer(kind) else "sc:Float",
        "source": {"fileObject": {"@id": path}, "extract": {"column": column.name}},
    }
    return described | ({"isArray": True, "arrayShape": ",".join(shape)} if shape else {})
