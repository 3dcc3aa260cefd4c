"""`CITATION.cff`: how to cite a dataset, and the publications that its systems come from."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from urllib.parse import quote

from attractory import layout
from attractory.catalog.record import Reference
from attractory.stages.validate.stored import StoredDataset

# What version 1.2.0 of the format takes for a DOI: https://github.com/citation-file-format/citation-file-format/blob/1.2.0/schema.json
_DOI = re.compile(r"10\.\d{4,9}(\.\d+)?/[A-Za-z0-9:/_;\-.()\[\]\\]+\Z")
NOT_STATED = "authors not stated"


def author_names(attributes: Mapping[str, Any]) -> list[str]:
    """Names as the recipe has them; none are invented."""
    return [str(author["name"]) for author in attributes.get(layout.AUTHORS) or ()]


def citation(dataset: StoredDataset, *, version: str, day: date) -> str:
    """The file in Citation File Format 1.2.0; every scalar is quoted as JSON, which is YAML too."""
    lines = [
        "cff-version: 1.2.0",
        "message: If you use this dataset, please cite it and the systems in it.",
        "type: dataset",
        f"title: {_quoted(dataset.name)}",
        f"version: {_quoted(version)}",
        f"date-released: {_quoted(day.isoformat())}",
        f"license: {_quoted(dataset.attributes[layout.LICENCE])}",
        "authors:",
        *_authors(dataset.attributes.get(layout.AUTHORS) or ()),
    ]
    references = [(stored.name, stored.record.reference) for stored in dataset.systems if stored.record.reference]
    if references:
        lines.append("references:")
        for name, reference in references:
            lines += _reference(name, reference)
    return "\n".join(lines) + "\n"


def _authors(authors: Sequence[Mapping[str, Any]]) -> list[str]:
    if not authors:  # the format asks for one
        return [f"  - name: {_quoted(NOT_STATED)}"]
    lines = []
    for author in authors:
        lines.append(f"  - name: {_quoted(author['name'])}")
        if author.get("orcid"):
            orcid = str(author["orcid"])
            lines.append(f"    orcid: {_quoted(orcid if orcid.startswith('http') else f'https://orcid.org/{orcid}')}")
    return lines


def _reference(system: str, reference: Reference) -> list[str]:
    """A system's publication; its authors stay one text, as the catalog has them."""
    lines = [
        "  - type: article",
        f"    title: {_quoted(reference.title)}",
        f"    year: {reference.year}",
        "    authors:",
        f"      - name: {_quoted(reference.authors)}",
        f"    notes: {_quoted(f'origin of the system {system}')}",
    ]
    for key, value in _identifiers(reference).items():
        if value:
            lines.append(f"    {key}: {_quoted(value)}")
    return lines


def _identifiers(reference: Reference) -> dict[str, str | None]:
    """The format knows no DOI with signs such as `<`, which older ones have: those become links."""
    found = {key: getattr(reference, key) for key in ("journal", "doi", "isbn", "url")}
    if found["doi"] and not _DOI.match(found["doi"]):
        found["url"] = f"https://doi.org/{quote(found.pop('doi'))}"
    return found


def _quoted(value: object) -> str:
    return json.dumps(str(value), ensure_ascii=False)
