"""What an unfinished store was begun with, file by file: how damage to its metadata is told from another recipe, and mended.

The template is a function of the recipe and the catalog, so damage to it is mended from there; but whether a document that differs is
damaged, or was written from another catalog, only a second witness can say. That is one small file beside the rows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from attractory import layout
from attractory.store.documents import group_document
from attractory.store.files import RUN_FOLDER, Place, canonical_json, document, partial_folder, sha256, write_whole
from attractory.store.plan import StorePlan

ROOT = "zarr.json"
_RECORD = "template.json"
_SHA256 = "sha256"  # of the rest of the record


def record_path(store: Place) -> Place:
    return store / RUN_FOLDER / _RECORD


def write_record(store: Place, files: Mapping[str, bytes]) -> None:
    """Leave the digest of each file of the template, the root's document among them."""
    content = {"files": {path: sha256(files[path]) for path in sorted(files)}}
    write_whole(record_path(store), canonical_json({**content, _SHA256: sha256(canonical_json(content))}), partial=partial_folder(store))


def recorded(store: Place) -> dict[str, str]:
    """Path of each file of the template -> its SHA-256; empty where there is no record, or not as it was written."""
    try:
        raw = json.loads(record_path(store).read_bytes())
        intact = raw.pop(_SHA256) == sha256(canonical_json(raw))
        return dict(raw["files"]) if intact else {}
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, AttributeError, TypeError):
        return {}


def begun_attributes(store: Place, path: str, planned: Mapping[str, Any], record: Mapping[str, str]) -> dict[str, Any]:
    """The attributes of a group as the store was begun with them; empty where that cannot be known.

    A document that is not as it was written stands for the planned one, where the store was begun with this very one.
    """
    try:
        content = (store / path / ROOT).read_bytes()
    except OSError:
        content = b""
    known, own = record.get(f"{path}/{ROOT}"), document(group_document(planned))
    if known is not None and sha256(content) != known:
        content = own if sha256(own) == known else b""
    try:
        return dict(json.loads(content)["attributes"])
    except (ValueError, KeyError, TypeError):
        return {}


def root_text(plan: StorePlan) -> bytes:
    """The root's document of an unfinished store."""
    return document(group_document(plan.attributes))


def was_begun_with(store: Place, plan: StorePlan) -> bool:
    """Whether the record says that the store was begun with the very root's document of this plan."""
    return recorded(store).get(ROOT) == sha256(root_text(plan))


def is_damaged_root(store: Place, plan: StorePlan) -> bool:
    """Whether the root's document of an unfinished store that was begun with this plan is lost, or not as it was written."""
    try:
        content = (store / ROOT).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        content = b""
    return content != root_text(plan) and not _is_finished(content) and was_begun_with(store, plan)


def mend_root(store: Place, plan: StorePlan) -> None:
    """Write the root's document of an unfinished store again, where it is damaged; the store must be held."""
    if is_damaged_root(store, plan):
        partial_folder(store).mkdir(parents=True, exist_ok=True)
        write_whole(store / ROOT, root_text(plan), partial=partial_folder(store))


def _is_finished(content: bytes) -> bool:
    try:
        return layout.MANIFEST_DIGEST in json.loads(content)["attributes"]
    except (ValueError, KeyError, TypeError):
        return False
