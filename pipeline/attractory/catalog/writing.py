"""An entry as YAML text: the file itself where it was read from one, else written from the record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from attractory.catalog.annotation import flow
from attractory.catalog.folder import read_system
from attractory.catalog.record import SystemRecord
from attractory.errors import CatalogError

_ONE_A_LINE = frozenset(("variables", "definitions", "equations", "variants", "invariants"))


def entry_text(record: SystemRecord) -> str:
    """A catalog file that holds the record: with its comments, where it is what its file says; a variant is written as an entry."""
    path = Path(record.source.path) if record.source.path else None
    if path is not None and path.is_file() and _says(path, record):
        return path.read_bytes().decode("utf-8")
    return "".join(f"{line}\n" for line in _lines(record.model_dump(exclude_defaults=True, exclude_none=True)))


def _says(path: Path, record: SystemRecord) -> bool:
    try:
        return read_system(path) == record
    except CatalogError:
        return False  # the file has changed since


def _lines(entry: Mapping[str, object]) -> Iterator[str]:
    for key, value in entry.items():
        if key in _ONE_A_LINE and isinstance(value, Mapping):
            yield f"{key}:"
            yield from (f"  {name}: {flow(item)}" for name, item in value.items())
        else:
            yield f"{key}: {flow(value)}"
