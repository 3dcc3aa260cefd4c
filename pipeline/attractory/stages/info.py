"""`attractory info`: what a store is, on one screen; also of one that is not finished."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attractory import layout
from attractory.errors import StoreError
from attractory.stages.place import disk_errors
from attractory.store import finished_document, is_finished, root_document
from attractory.store.files import folder_of, rows_folder
from attractory.store.template import ROOT


def info(store: str | Path) -> dict[str, Any]:
    """What a store says of itself, as plain JSON.

    Raises:
        StoreError: there is no store of this format version.
    """
    store = folder_of(store, what="to describe a store")
    with disk_errors(store):
        root = root_document(store) or finished_document(store)
        attributes = root["attributes"]
        recipe = attributes[layout.RECIPE]
        finished = is_finished(root)
        return {
            "store": str(store),
            "name": recipe["name"],
            "description": recipe.get("description", ""),
            "finished": finished,
            **({} if finished else {"blocks_done": _rows(store)}),
            "bytes": _bytes(store),
            "dtype": recipe["dtype"],
            "seed": recipe["seed"],
            "tolerance": recipe["tolerance"],
            "trajectories": recipe["trajectories"],
            "systems": {name: _system(store, name) for name in recipe["systems"]},
            **{key: attributes[key] for key in _SHOWN if key in attributes},
        }


_SHOWN = (
    layout.FORMAT,
    layout.LICENCE,
    layout.VERSIONS,
    layout.RECIPE_DIGEST,
    layout.CATALOG_DIGEST,
    layout.MANIFEST_DIGEST,
)


def _system(store: Path, name: str) -> dict[str, Any]:
    attributes = _document(store / name)["attributes"]
    granularities = sorted(path.parent.parent.name for path in (store / name).glob(f"*/{layout.STATE}/{ROOT}"))
    return {
        "kind": attributes[layout.KIND],
        "behaviour": attributes[layout.BEHAVIOUR],
        "variables": attributes[layout.VARIABLES],
        "granularities": {granularity: _granularity(store / name / granularity) for granularity in granularities},
        **_certificate(store / name),
    }


def _certificate(system: Path) -> dict[str, Any]:
    """Until when trajectories are the true solution, where that was asked."""
    if not (system / layout.ACCURATE_UNTIL / ROOT).is_file():
        return {}
    attributes = _document(system / layout.ACCURATE_UNTIL)["attributes"]
    shown = ("certified", "spoilt", "shortest", "median", "shortest_lyapunov_times", "median_lyapunov_times")
    return {layout.ACCURATE_UNTIL: {key: attributes[key] for key in shown if key in attributes}}


def _granularity(group: Path) -> dict[str, Any]:
    state, attributes = _document(group / layout.STATE), _document(group)["attributes"]
    trajectories, samples, _ = state["shape"]
    shown = (layout.SECTION, layout.TIMES, layout.DT, layout.SAMPLES_PER_PERIOD, layout.SAMPLES_PER_LYAPUNOV_TIME, layout.NOTE)
    return {"trajectories": trajectories, "samples": samples, **{key: attributes[key] for key in shown if key in attributes}}


def _document(group: Path) -> Mapping[str, Any]:
    try:
        content: Mapping[str, Any] = json.loads((group / ROOT).read_bytes())
    except (OSError, ValueError) as error:
        message = f"{group / ROOT}: is missing or damaged. Look at the whole store with: attractory verify"
        raise StoreError(message) from error
    return content


def _rows(store: Path) -> int:
    folder = rows_folder(store)
    return sum(1 for _ in folder.iterdir()) if folder.is_dir() else 0


def _bytes(store: Path) -> int:
    return sum(path.stat().st_size for path in store.rglob("*") if path.is_file())
