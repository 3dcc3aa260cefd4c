"""The text of an entry as its author wrote it."""

from __future__ import annotations

from pathlib import Path

from attractory.catalog.folder import read_system
from attractory.catalog.record import SystemRecord
from attractory.catalog.writing import entry_text
from attractory.errors import CatalogError


def original_text(record: SystemRecord) -> str:
    """The file that a record was read from, with its comments; written from the record where it is a variant, or was made in Python,
    or where its file says something else by now."""
    path = Path(record.source.path) if record.source.path else None
    if path is not None and path.is_file() and _says(path, record):
        return path.read_bytes().decode("utf-8")
    return entry_text(record)


def _says(path: Path, record: SystemRecord) -> bool:
    try:
        return read_system(path) == record
    except CatalogError:
        return False  # what stands there now is no entry
