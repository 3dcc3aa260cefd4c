"""`attractory info`: what a store is, on one screen; also of one that is not finished, and of one at a URL."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from attractory import layout
from attractory.errors import StoreError
from attractory.stages.place import disk_errors
from attractory.store import finished_document, is_finished, read_manifest, root_document
from attractory.store.check import member_bytes
from attractory.store.files import RUN_FOLDER, Place, place_of, read_all, sizes
from attractory.store.objects import ObjectPath
from attractory.store.template import ROOT

Members = Mapping[str, Mapping[str, Any]]  # path of each group and array -> its document


def info(store: str | Path | ObjectPath) -> dict[str, Any]:
    """What a store says of itself, as plain JSON. Of a finished one at a URL, two requests say all.

    Raises:
        StoreError: there is no store of this format version.
    """
    store = place_of(store)
    with disk_errors(store):
        root = root_document(store) or finished_document(store)
        attributes = root["attributes"]
        recipe = attributes[layout.RECIPE]
        finished = is_finished(root)
        held = {} if finished and isinstance(store, ObjectPath) else sizes(store)
        members = root["consolidated_metadata"]["metadata"] if finished else _members(store, held)
        return {
            "store": str(store),
            "name": recipe["name"],
            "description": recipe.get("description", ""),
            "finished": finished,
            **({} if finished else {"blocks_done": sum(path.startswith(f"{RUN_FOLDER}/rows/") for path in held)}),
            "bytes": sum(held.values()) or _bytes(store, root),
            "dtype": recipe["dtype"],
            "seed": recipe["seed"],
            "tolerance": recipe["tolerance"],
            "trajectories": recipe["trajectories"],
            "systems": {name: _system(store, members, name) for name in recipe["systems"]},
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


def _system(store: Place, members: Members, name: str) -> dict[str, Any]:
    attributes = _document(store, members, name)["attributes"]
    below = (path.split("/") for path in members if path.startswith(f"{name}/"))
    granularities = sorted(parts[1] for parts in below if len(parts) == 3 and parts[2] == layout.STATE)
    return {
        "kind": attributes[layout.KIND],
        "behaviour": attributes[layout.BEHAVIOUR],
        "variables": attributes[layout.VARIABLES],
        "granularities": {granularity: _granularity(store, members, f"{name}/{granularity}") for granularity in granularities},
        **_certificate(members, name),
    }


def _certificate(members: Members, name: str) -> dict[str, Any]:
    """Until when trajectories are the true solution, where that was asked."""
    attributes = members.get(f"{name}/{layout.ACCURATE_UNTIL}", {}).get("attributes")
    if attributes is None:
        return {}
    shown = ("certified", "spoilt", "shortest", "median", "shortest_lyapunov_times", "median_lyapunov_times")
    return {layout.ACCURATE_UNTIL: {key: attributes[key] for key in shown if key in attributes}}


def _granularity(store: Place, members: Members, path: str) -> dict[str, Any]:
    state, attributes = _document(store, members, f"{path}/{layout.STATE}"), _document(store, members, path)["attributes"]
    trajectories, samples, _ = state["shape"]
    shown = (layout.SECTION, layout.TIMES, layout.DT, layout.SAMPLES_PER_PERIOD, layout.SAMPLES_PER_LYAPUNOV_TIME, layout.NOTE)
    return {"trajectories": trajectories, "samples": samples, **{key: attributes[key] for key in shown if key in attributes}}


def _document(store: Place, members: Members, path: str) -> Mapping[str, Any]:
    if path not in members:
        message = f"{store / path / ROOT}: is missing or damaged. Look at the whole store with: attractory verify"
        raise StoreError(message)
    return members[path]


def _members(store: Place, held: Mapping[str, int]) -> Members:
    """The documents of an unfinished store, as far as they can be read."""
    paths = [path for path in held if path.endswith(f"/{ROOT}") and not path.startswith(RUN_FOLDER)]
    found = {}
    for path, content in read_all(store, paths).items():
        try:
            found[path.removesuffix(f"/{ROOT}")] = dict(json.loads(content))
        except ValueError:
            continue  # left out, which whoever asks for it says
    return found


def _bytes(store: Place, root: dict[str, Any]) -> int:
    """Bytes of all files of a finished store by its manifest, where listing them would take long, or cannot be asked for."""
    manifest = (store / layout.MANIFEST).read_bytes()
    rows, _ = read_manifest(manifest)
    members = root["consolidated_metadata"]["metadata"]
    small = (member for member in members.values() if member["node_type"] == "array" and member["codecs"][0]["name"] == "bytes")
    return int(
        len(manifest)
        + len((store / ROOT).read_bytes())
        + sum(row.bytes for row in rows)
        + sum(map(len, member_bytes(root).values()))
        + sum(int(np.prod(member["shape"])) * np.dtype(member["data_type"]).itemsize for member in small)
    )
