"""docs/differences.md: where the catalog differs from the dysts database, and under which names other collections have its maps.

After a change of an entry or of `data/`: python tests/catalog/differences.py > docs/differences.md

`data/` holds the equations of others as text, evaluated here as plain Python, so that nothing of the package is on both sides.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from attractory.catalog import SystemRecord, read_catalog
from attractory.expressions import System
from attractory.expressions.evaluate import evaluate

CATALOG = read_catalog()
STATES = 20
TIME = 0.7
ALIKE = 1e-12  # of the largest component, plus one: a few roundings
DATA = Path(__file__).parent / "data"


def read(file: str) -> dict[str, Any]:
    systems: dict[str, Any] = json.loads((DATA / file).read_text(encoding="utf-8"))["systems"]
    return systems


DYSTS = {name: system for file in ("flows", "maps", "delays") for name, system in read(f"dysts_{file}.json").items()}
REMARKS = read("dysts_remarks.json")
OTHER_MAPS = read("other_maps.json")
# One vector field under two names of dysts, and what the first calls the second's parameters where that is not the same.
ONE_FIELD: dict[tuple[str, str], dict[str, str]] = {
    ("Arneodo", "Coullet"): {},
    ("BlinkingRotlet", "BlinkingVortex"): {},
    ("Bouali", "Bouali2"): {},
    ("CaTwoPlus", "CaTwoPlusQuasiperiodic"): {},
    ("DequanLi", "PanXuZhou"): {},
    ("DequanLi", "Tsucs2"): {},
    ("Hadley", "Lorenz84"): {},
    ("HyperJha", "HyperLorenz"): {"b": "c", "c": "b"},
    ("IkedaDelay", "SprottDelay"): {},
    ("RayleighBenard", "LuChen"): {"r": "c"},
    ("Sakarya", "LiuChen"): {},
    ("Thomas", "ThomasLabyrinth"): {},
}
FUNCTIONS: dict[str, Any] = {
    **{name: getattr(math, name) for name in ("sin", "cos", "acos", "floor", "exp", "log", "sqrt", "tanh", "sinh", "cosh", "pi")},
    "heaviside": lambda x, h: float(x > 0) if x != 0 else h,
    "sign": lambda x: float(x > 0) - float(x < 0),
    **{function.__name__: function for function in (abs, max, min, range, sum)},
    "__builtins__": {},
}


def vector_field(system: Mapping[str, Any], state: list[float], past: float) -> list[float]:
    """The time derivative, or the next state, that the data give. They are ours, so their text may be evaluated here."""
    names: dict[str, Any] = {**FUNCTIONS, **system["parameters"], "t": TIME, "past": past}
    if "indexed" in system:
        return [eval(system["indexed"], {**names, "x": state, "N": len(state), "i": place}) for place in range(len(state))]
    names.update(zip(system["states"], state, strict=True))
    for name, text in system.get("definitions", ()):
        names[name] = eval(text, names)
    return [eval(text, names) for text in system["rhs"]]


def states_near(system: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """States (n, variable) a tenth around that of the data, where logarithms and roots have a value, and as many past states (n,)."""
    near, draw = np.array(system["near"]), np.random.default_rng(0)
    return near + 0.1 * (1 + np.abs(near)) * draw.uniform(-1, 1, (STATES, len(near))), draw.uniform(-1, 1, STATES)


def rates(system: System, states: np.ndarray, past: np.ndarray) -> np.ndarray:
    """Our right-hand side; of a delay system in one variable and with one delay, for a past state drawn by itself."""
    if system.kind != "delay":
        return system.rhs(states, t=TIME)
    definition = system.definition
    return evaluate(definition.graph, definition.roots, np.column_stack([states, past]), np.array(definition.values), TIME)


def disagreement(ours: System, data: Mapping[str, Any]) -> float:
    """The largest difference by what a few roundings allow; whole ranges of a map's wrapped variables do not count."""
    states, past = states_near(data)
    expected = np.array([vector_field(data, *row) for row in zip(states.tolist(), past.tolist(), strict=True)])
    order = places(ours, data)
    difference = np.abs(rates(ours, states[:, order], past) - expected[:, order])
    for place, width in turns(ours, data).items():
        difference[:, place] = np.abs(difference[:, place] - width * np.round(difference[:, place] / width))
    allowed = ALIKE * (np.abs(expected).max(axis=1, keepdims=True) + 1)
    return float((difference / allowed).max())


def turns(ours: System, data: Mapping[str, Any]) -> dict[int, float]:
    """How wide the range is that a map takes a variable modulo, here or there, by our place of the variable."""
    if ours.kind != "map":
        return {}
    here = {ours.variables.index(name): high - low for name, (low, high) in ours.ranges.items()}
    wrap = data.get("wrap", [None] * ours.dimension)
    there = {place: wrap[called][1] - wrap[called][0] for place, called in enumerate(places(ours, data)) if wrap[called]}
    return there | here


def places(ours: System, data: Mapping[str, Any]) -> list[int]:
    """Where each of our variables stands in the states of the data."""
    if "indexed" in data:
        return list(range(ours.dimension))
    called = data.get("called", {})
    return [data["states"].index(called.get(name, name)) for name in ours.variables]


def system(name: str, variant: str | None = None) -> System:
    """What attractory.system gives, of a catalog that is read once."""
    record = CATALOG.get(name)
    return System.from_record(record.variant(variant) if variant else record)


def as_dysts_has_it(name: str) -> System:
    """The entry's variant `dysts`, or the entry where there is none."""
    return system(name, "dysts" if "dysts" in CATALOG.get(name).variants else None)


def as_others_have_it(name: str) -> System:
    """The entry, or the variant of one, that a map of another collection is."""
    return system(OTHER_MAPS[name]["entry"], OTHER_MAPS[name].get("variant"))


def equation_differences(record: SystemRecord) -> Iterator[str]:
    """What of parameters and equations is different between an entry and the system of that name in dysts.

    That the entry, or its variant `dysts`, is what dysts has is a test of its own; here the variant says what changes.
    """
    if (variant := record.variants.get("dysts")) is not None:
        for key, value in variant.parameters.items():
            yield f"{key} = {shown(record.parameters[key])}, there {shown(value)}"
        if variant.equations or variant.definitions:
            yield "equations"
    theirs = {key.casefold() for key in DYSTS[record.name]["parameters"]}
    ours = {key.casefold() for key in record.parameters if key not in record.indices.values()}
    for place, names in (("here", ours - theirs), ("there", theirs - ours)):
        if names:
            yield f"{', '.join(sorted(names))} {'is a parameter' if len(names) == 1 else 'are parameters'} {place} alone"


def shown(value: object) -> str:
    return "[" + ", ".join(map(shown, value)) + "]" if isinstance(value, list | tuple) else str(value)


def differences(name: str) -> list[str]:
    """Everything in which an entry differs from dysts, or that has to be known of the system there."""
    record, remark = CATALOG.get(name), REMARKS.get(name, {})
    found = [*(["called Duffing there"] if name == "DuffingMap" else []), *equation_differences(record)]
    if record.kind == "map" and record.wrap:
        found.append(f"{', '.join(record.wrap)} taken modulo a range here")
    if "behaviour" in remark:
        found.append(behaviours(record.behaviour.replace("_", " "), remark["behaviour"].replace("_", " ")))
    return found + ([remark["remark"]] if "remark" in remark else [])


def behaviours(ours: str, theirs: str) -> str:
    """What the system does in a long run from the state that dysts starts from, and what ours does where that is something else."""
    if ours != theirs:
        return f"{theirs} there, {ours} here"
    return "chaotic for a while only" if ours == "transient chaotic" else f"not chaotic but {ours}"


def reason(record: SystemRecord) -> str:
    """The sentences that speak of dysts or of the publication, in the notes of the entry and of its variant."""
    notes = " ".join([record.notes, record.variants["dysts"].notes if "dysts" in record.variants else ""])
    sentences = re.split(r"(?<=\.) (?=[A-Z]|dysts)", " ".join(notes.split()))
    return " ".join(sentence for sentence in sentences if "dysts" in sentence or "publication" in sentence)


PAGE = """\
# Differences from other collections

Written by `python tests/catalog/differences.py`, from the catalog and from the equations of others in `tests/catalog/data/`.

dysts 0.96 (William Gilpin, Apache-2.0) has {count} systems. Each is in the catalog under the same name, but for its map Duffing, which is
DuffingMap here. At twenty random states our right-hand side agrees with theirs to 1e-12; where the entry follows the publication instead,
its variant `dysts` agrees. The systems below differ in something, or there is something to know of them; all others have the same
equations and the same values. Periods, tags and initial states, which have fewer digits here, are ours everywhere.

| system | what differs | why | with the values of dysts |
|---|---|---|---|
{rows}

## One vector field, two names

The equations are the same, up to names and values of parameters. NoseHoover with a = 1 is SprottA, too.

| here and in dysts | and | parameters |
|---|---|---|
{pairs}

## Maps under other names

`attractory.system(name)` finds an entry by its aliases too, and ignores case. What is a system of its own elsewhere may be a variant here.

| there | here |
|---|---|
{maps}
"""


def page() -> str:
    """The text of docs/differences.md."""
    pairs = [f"| {first} | {second} | {renamed(called)} |" for (first, second), called in ONE_FIELD.items()]
    maps = [f"| {name} | {call(entry['entry'], entry.get('variant'))} |" for name, entry in sorted(OTHER_MAPS.items())]
    rows = [row(CATALOG.get(name)) for name in sorted(DYSTS) if differences(name)]
    return PAGE.format(count=len(DYSTS), rows="\n".join(rows), pairs="\n".join(pairs), maps="\n".join(maps))


def renamed(called: Mapping[str, str]) -> str:
    return ", ".join(f"{first} is {second}" for first, second in called.items()) or "of the same names"


def row(record: SystemRecord) -> str:
    same = call(record.name, "dysts") if "dysts" in record.variants else "the entry"
    return f"| {record.name} | {'; '.join(differences(record.name))} | {reason(record)} | {same} |"


def call(name: str, variant: str | None) -> str:
    return f'`attractory.system("{name}", variant="{variant}")`' if variant else f'`attractory.system("{name}")`'


if __name__ == "__main__":
    sys.stdout.write(page())
