"""`datacite.json`: the dataset for those who register DOIs, in DataCite's schema 4.5; what is not known has DataCite's word for that.

Source: https://datacite-metadata-schema.readthedocs.io/en/4.5/
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

from attractory import layout
from attractory.stages.validate.stored import StoredDataset

_UNAVAILABLE = ":unav"  # DataCite's code for a value that is not available
_SCHEMA = "http://datacite.org/schema/kernel-4"


def datacite(dataset: StoredDataset, *, version: str, description: str, day: date) -> str:
    """The record, as JSON. It has no DOI: whoever registers it adds one."""
    licence = str(dataset.attributes[layout.LICENCE])
    rights = {"rights": licence, "rightsIdentifier": licence, "rightsIdentifierScheme": "SPDX", "schemeUri": "https://spdx.org/licenses/"}
    record = {
        "schemaVersion": _SCHEMA,
        "types": {"resourceTypeGeneral": "Dataset", "resourceType": "Trajectories of dynamical systems"},
        "creators": list(_creators(dataset)) or [{"name": _UNAVAILABLE}],
        "titles": [{"title": dataset.name}],
        "publisher": {"name": _UNAVAILABLE},
        "publicationYear": str(day.year),
        "dates": [{"date": day.isoformat(), "dateType": "Issued"}],
        "version": version,
        "language": "en",
        "subjects": [{"subject": word} for word in ("dynamical systems", "chaos", "time series")],
        "rightsList": [rights | ({"rightsUri": f"https://spdx.org/licenses/{licence}.html"})],
        "descriptions": [{"description": description, "descriptionType": "Abstract"}],
        "formats": ["application/vnd+zarr", "application/vnd.apache.parquet"],
        "relatedIdentifiers": list(_sources(dataset)),
    }
    return json.dumps(record, indent=1, ensure_ascii=False) + "\n"


def _creators(dataset: StoredDataset) -> Iterator[dict[str, Any]]:
    for author in dataset.attributes.get(layout.AUTHORS) or ():
        creator: dict[str, Any] = {"name": str(author["name"])}
        if author.get("orcid"):
            orcid = str(author["orcid"]).rpartition("/")[2]
            scheme = {"nameIdentifierScheme": "ORCID", "schemeUri": "https://orcid.org"}
            creator["nameIdentifiers"] = [{"nameIdentifier": f"https://orcid.org/{orcid}", **scheme}]
        yield creator


def _sources(dataset: StoredDataset) -> Iterator[dict[str, str]]:
    """The publications that the systems come from, by DOI, each once."""
    references = (stored.record.reference for stored in dataset.systems)
    for doi in sorted({reference.doi for reference in references if reference is not None and reference.doi}):
        yield {"relatedIdentifier": doi, "relatedIdentifierType": "DOI", "relationType": "IsDerivedFrom"}
