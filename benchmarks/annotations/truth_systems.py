"""The systems that the rows of truth.json belong to: those of the catalog, and others made from the row."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import attractory
from attractory import System

DATA = Path(__file__).with_name("truth.json")
# Drawn initial states lie around the one that is named, by a twentieth of its size. A row's system counts its variables from a point so
# near to its initial state that they lie within some 1e-4 of it: where volumes are kept, another state has other exponents.
NEAR = 1e-3
TRANSIENT = 1000.0  # time units or iterates, of a system that is made from its row, which has no period


@dataclass(frozen=True)
class Truth:
    """The content of truth.json: the systems by their keys, and the rows in their order."""

    systems: Mapping[str, Mapping[str, Any]]
    rows: tuple[Mapping[str, Any], ...]


def read_truth(path: Path = DATA) -> Truth:
    """The systems and the rows of a file of values to compare with."""
    document = json.loads(path.read_text(encoding="utf-8"))
    return Truth(document["systems"], tuple(document["rows"]))


def system_of(key: str, data: Mapping[str, Any]) -> System:
    """What is measured: the catalog's entry or its variant, or the row's equations from the row's state."""
    if "entry" in data:
        return attractory.system(data["entry"], variant=data.get("variant"))
    return from_row(key, data)


def called(data: Mapping[str, Any]) -> str:
    """How the page calls what is measured."""
    if "entry" not in data:
        return "the row's equations"
    return f"{data['entry']}, variant {data['variant']}" if "variant" in data else str(data["entry"])


def from_row(key: str, data: Mapping[str, Any]) -> System:
    """The equations of a row in variables that are counted from near its initial state; a translation changes no exponent."""
    equations, parameters = data["equations"], data["parameters"]
    if data["kind"] == "delay" or data.get("wrap"):
        return _as_written(key, data)
    initial = dict(zip(equations, data["initial"], strict=True))
    moved = {name: f"{name}_moved" for name in equations}
    definitions = {name: f"{moved[name]} + ({start!r} - {NEAR!r})" for name, start in initial.items()}
    back = {name: f" - ({start!r} - {NEAR!r})" if data["kind"] == "map" else "" for name, start in initial.items()}
    return System(
        name=key,
        kind=data["kind"],
        parameters=parameters,
        definitions=definitions,
        equations={moved[name]: f"{text}{back[name]}" for name, text in equations.items()},
        initial=dict.fromkeys(moved.values(), NEAR),
    )


def _as_written(key: str, data: Mapping[str, Any]) -> System:
    """Where a translation would change what is meant: a past, a range."""
    start = dict(zip(data["equations"], data["initial"], strict=True))
    wrap = {name: ends for name, ends in zip(start, data.get("wrap") or (), strict=False) if ends}
    return System(
        name=key,
        kind=data["kind"],
        equations=data["equations"],
        parameters=data["parameters"],
        **({"history": start} if data["kind"] == "delay" else {"initial": start}),
        **({"wrap": wrap} if wrap else {}),
    )
