"""The catalog: one YAML file per system, read safely into frozen records.

read_catalog(folder)    a folder, or the packaged catalog -> Catalog, a mapping from name to SystemRecord
read_system(path)       one file -> SystemRecord
extended_catalog(dir)   the packaged catalog and the entries of a folder
check_entries(paths)    the readable entries of files and folders, and a sentence for every problem of the others
new_entry(name, ...)    a new file with a small system, to be replaced key by key
write_invariants(...)   annotate one file; every other byte of it stays
entry_text(record)      the text of a file that holds a record
json_schema()           the format, for editors
read_yaml(path)         the safe reader itself: what a file holds and the line of every key
"""

from __future__ import annotations

from attractory.catalog.annotation import ANNOTATION_DIGITS as ANNOTATION_DIGITS
from attractory.catalog.annotation import write_invariants as write_invariants
from attractory.catalog.folder import Catalog as Catalog
from attractory.catalog.folder import catalog_folder as catalog_folder
from attractory.catalog.folder import check_entries as check_entries
from attractory.catalog.folder import entry_files as entry_files
from attractory.catalog.folder import extended_catalog as extended_catalog
from attractory.catalog.folder import read_catalog as read_catalog
from attractory.catalog.folder import read_system as read_system
from attractory.catalog.reading import read_yaml as read_yaml
from attractory.catalog.record import Invariant as Invariant
from attractory.catalog.record import Published as Published
from attractory.catalog.record import Reference as Reference
from attractory.catalog.record import Source as Source
from attractory.catalog.record import StateVariable as StateVariable
from attractory.catalog.record import SystemRecord as SystemRecord
from attractory.catalog.record import Timescale as Timescale
from attractory.catalog.record import Variant as Variant
from attractory.catalog.schema import json_schema as json_schema
from attractory.catalog.schema import schema_text as schema_text
from attractory.catalog.skeleton import new_entry as new_entry
from attractory.catalog.writing import entry_text as entry_text

__all__ = [
    "ANNOTATION_DIGITS",
    "Catalog",
    "Invariant",
    "Published",
    "Reference",
    "Source",
    "StateVariable",
    "SystemRecord",
    "Timescale",
    "Variant",
    "catalog_folder",
    "check_entries",
    "entry_files",
    "entry_text",
    "extended_catalog",
    "json_schema",
    "new_entry",
    "read_catalog",
    "read_system",
    "read_yaml",
    "schema_text",
    "write_invariants",
]
