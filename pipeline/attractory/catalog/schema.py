"""The JSON Schema of a catalog entry, with which editors complete and check it; `catalog/schema.json` is this, as text."""

from __future__ import annotations

import json
from typing import Any

from attractory.catalog.names import LONGEST_NAME
from attractory.catalog.record import SystemRecord

_NAME = f"^[A-Za-z][A-Za-z0-9_]{{0,{LONGEST_NAME - 1}}}$"
_VARIABLE = "^[A-Za-z][A-Za-z0-9_]*(\\[[A-Za-z][A-Za-z0-9_]*\\])?$"
_KEYS = {
    **dict.fromkeys(("parameters", "ranges", "definitions", "indices", "conserved", "variants", "invariants"), _NAME),
    **dict.fromkeys(("variables", "equations", "initial", "basin", "history", "wrap"), _VARIABLE),
}
_MEANINGS = {
    "name": "letters, digits and underscores; unique ignoring case; a system of dysts keeps the name that it has there",
    "kind": "flow: dx/dt = f(x, t); map: the next state",
    "aliases": "other names that find the entry; unique ignoring case among all names and aliases",
    "description": "one sentence for a physicist",
    "reference": "where it was first written down",
    "tags": "words that a recipe can ask for",
    "behaviour": "what it does at these parameters, from this initial state",
    "variables": "what each state variable stands for, and its unit where it has one",
    "parameters": "numbers, lists of numbers, or expressions of numbers and of the parameters above",
    "ranges": "{rho: [24.74, 30]}: where the behaviour stays the same kind, the other parameters being as they are",
    "definitions": "named parts of the equations, in order",
    "indices": "{i: N}: i runs from 0 to N - 1, and x[i+1] is cyclic",
    "equations": "one for each state variable, or x[i] for all i, in the order of the state",
    "initial": "a state on the attractor or near it",
    "basin": "{x: [-1, 1]}: a box of initial states that all reach the behaviour above",
    "avoid": "expressions that vanish on invariant sets without that behaviour: start at none of them",
    "history": "delay systems: expressions in t, for t <= 0",
    "wrap": "{theta: [0, 2*pi]}: a coordinate on a circle, or a map taken modulo a range",
    "unbounded": "variables that grow without bound and are no angles",
    "symmetries": "images of the state that obey the same equations",
    "conserved": "quantities that a trajectory keeps, such as energy",
    "timescale": "by hand, rounded: what granularities and transients are counted in",
    "variants": "{periodic_window: {rho: 99.65}}: other parameters under a name; in full, other equations too",
    "published": "what the literature says of these parameters; never written by a program",
    "notes": "how and why this differs from other places, and what to look out for",
    "invariants": "written by `attractory annotate`, never by hand",
}


def json_schema() -> dict[str, Any]:
    """The schema as a JSON object (draft 2020-12)."""
    schema = SystemRecord.model_json_schema()
    properties = schema["properties"]
    for key, meaning in _MEANINGS.items():
        properties[key]["description"] = meaning
    properties["name"]["pattern"] = _NAME
    for section, pattern in _KEYS.items():
        properties[section]["propertyNames"] = {"pattern": pattern}
    schema["title"] = "A system of Attractory's catalog"
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def schema_text() -> str:
    """What `catalog/schema.json` holds."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
