"""`croissant.json`: the dataset in MLCommons Croissant, with the Parquet tables as its record sets.

Source: https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa

from attractory import layout
from attractory.stages.publish.citation import author_names
from attractory.stages.publish.datasheet import Answers
from attractory.stages.publish.tables import SYSTEM_COLUMNS, SYSTEMS, TableFile, schema, table_files
from attractory.stages.validate.sections import spacing_text
from attractory.stages.validate.stored import StoredDataset, StoredGranularity, StoredSystem

# That of the specification as a whole, so that readers which compare it have nothing to say.
_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
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


@dataclass(frozen=True)
class About:
    """What is said of the version as a whole."""

    version: str
    description: str
    day: date
    answers: Answers


def croissant(dataset: StoredDataset, about: About, *, digests: Mapping[str, str]) -> str:
    """The JSON-LD document.

    Args:
        digests: SHA-256 of every file of the version, by path.
    """
    document: dict[str, Any] = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"],
        "name": dataset.name,
        "description": about.description,
        "version": about.version,
        "datePublished": about.day.isoformat(),
        "license": _licence_url(str(dataset.attributes[layout.LICENCE])),
        "citeAs": f"{dataset.name}, version {about.version}",
        "creator": [{"@type": "sc:Person", "name": name} for name in author_names(dataset.attributes)],
        **_responsible(about.answers),
        "distribution": [_file_object(SYSTEMS, digests[SYSTEMS])],
        "recordSet": [_systems_set()],
    }
    for stored in dataset.systems:
        for granularity in stored.granularities:
            for split, files in _by_split(stored, granularity).items():
                document["distribution"] += [_file_object(file.path, digests[file.path]) for file in files]
                source = files[0].path if len(files) == 1 else f"{stored.name}-{granularity.name}-{split}-files"
                if len(files) > 1:
                    document["distribution"].append(_file_set(source, files))
                document["recordSet"].append(_record_set(stored, granularity, split, source=(source, len(files) > 1)))
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _by_split(stored: StoredSystem, granularity: StoredGranularity) -> dict[str, list[TableFile]]:
    found: dict[str, list[TableFile]] = {}
    for file in table_files(stored, granularity):
        found.setdefault(file.split, []).append(file)
    return found


def _responsible(said: Answers) -> dict[str, Any]:
    """The fields of the Responsible-AI vocabulary. Source: https://docs.mlcommons.org/croissant/docs/croissant-rai-spec.html"""
    return {
        "rai:dataCollection": said.collection,
        "rai:dataCollectionType": "Software Collection",
        "rai:dataCollectionMissingData": said.missing,
        "rai:dataCollectionRawData": "The equations, parameters and seed of the recipe; there is no other raw form.",
        "rai:dataPreprocessingProtocol": said.preprocessing,
        "rai:dataAnnotationProtocol": "Nothing is annotated by people; labels are the system, its parameters and its catalogued behaviour.",
        "rai:dataUseCases": said.uses,
        "rai:dataLimitations": said.limits,
        "rai:dataBiases": said.biases,
        "rai:personalSensitiveInformation": said.personal,
        "rai:dataSocialImpact": said.social,
        "rai:dataReleaseMaintenancePlan": said.maintenance,
    }


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


def _file_set(name: str, files: Sequence[TableFile]) -> dict[str, Any]:
    folder, pattern = files[0].path.rpartition("/")[0], f"{files[0].split}-*.parquet"
    return {"@type": "cr:FileSet", "@id": name, "name": name, "encodingFormat": "application/x-parquet", "includes": f"{folder}/{pattern}"}


def _systems_set() -> dict[str, Any]:
    """The record set in which a system is a row."""
    kinds = {pa.string(): "sc:Text", pa.float64(): "sc:Float"}
    fields = [
        {
            "@type": "cr:Field",
            "@id": f"systems/{name}",
            "name": name,
            "description": meaning,
            "dataType": kinds.get(kind, "sc:Integer"),
            "source": {"fileObject": {"@id": SYSTEMS}, "extract": {"column": name}},
        }
        for name, kind, meaning in SYSTEM_COLUMNS
    ]
    about = "The systems of the dataset: a record is a system."
    return {
        "@type": "cr:RecordSet",
        "@id": "systems",
        "name": "systems",
        "description": about,
        "key": {"@id": "systems/system"},
        "field": fields,
    }


def _record_set(stored: StoredSystem, granularity: StoredGranularity, split: str, *, source: tuple[str, bool]) -> dict[str, Any]:
    identity = f"{stored.name}/{granularity.name}/{split}"
    spacing = f"samples {spacing_text(granularity)}"
    return {
        "@type": "cr:RecordSet",
        "@id": identity,
        "name": identity,
        "description": f"{stored.name}, {granularity.name}, {split}: a record is a trajectory, {spacing}.",
        "key": {"@id": f"{identity}/trajectory"},
        "field": [_field(identity, source, column) for column in schema(stored, granularity)],
    }


def _field(record_set: str, source: tuple[str, bool], column: pa.Field) -> dict[str, Any]:
    name, is_set = source
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
        "source": {"fileSet" if is_set else "fileObject": {"@id": name}, "extract": {"column": column.name}},
    }
    return described | ({"isArray": True, "arrayShape": ",".join(shape)} if shape else {})
