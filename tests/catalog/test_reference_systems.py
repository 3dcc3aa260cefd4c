"""The catalog's flows and maps against the same systems as the dysts database has them: one right-hand side, or a note why not.

`data/` holds that database's equations as text, evaluated here as plain Python, so that nothing of the package is on
both sides. Where an entry follows the publication instead, its variant `dysts` has the other equations or values.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import attractory
from attractory.catalog import read_catalog
from attractory.expressions import System

STATES = 20
DATA = Path(__file__).parent / "data"
FILES = [json.loads((DATA / file).read_text()) for file in ("dysts_flows.json", "dysts_maps.json")]
SYSTEMS: dict[str, Any] = {name: system for file in FILES for name, system in file["systems"].items()}
SHARED = [name for name in read_catalog() if name in SYSTEMS]
# What dysts has under a name and we have elsewhere or not at all.
OTHER = {"DoublePendulum"}  # its energy drifts: see the entry's notes
FUNCTIONS: dict[str, Any] = {
    **{name: getattr(math, name) for name in ("sin", "cos", "acos", "floor", "exp", "log", "sqrt", "tanh", "sinh", "cosh", "pi")},
    "heaviside": lambda x, h: float(x > 0) if x != 0 else h,
    "sign": lambda x: float(x > 0) - float(x < 0),
    **{function.__name__: function for function in (abs, max, min, range, sum)},
    "__builtins__": {},
}


def vector_field(system: dict[str, Any], state: list[float]) -> list[float]:
    """The time derivative at t = 0.7, or the next state. The data are ours, so their text may be evaluated here."""
    names: dict[str, Any] = {**FUNCTIONS, **system["parameters"], "t": 0.7}
    if "indexed" in system:
        size = len(state)
        return [eval(system["indexed"], {**names, "x": state, "N": size, "i": place}) for place in range(size)]
    names.update(zip(system["states"], state, strict=True))
    for name, text in system.get("definitions", ()):
        names[name] = eval(text, names)
    return [eval(text, names) for text in system["rhs"]]


def states_near(system: dict[str, Any]) -> np.ndarray:
    """States (n, variable) a tenth around the one that the database starts from: where logarithms and roots have a value."""
    near = np.array(system["near"])
    return near + 0.1 * (1 + np.abs(near)) * np.random.default_rng(0).uniform(-1, 1, (STATES, len(near)))


def widths(system: System) -> dict[int, float]:
    """How wide the range of each wrapped variable is, by its place."""
    ends = {key: [float(eval(str(end), dict(FUNCTIONS))) for end in ends] for key, ends in system.record.wrap.items()}
    return {system.variables.index(key): high - low for key, (low, high) in ends.items()}


def as_dysts_has_it(name: str) -> System:
    variant = "dysts" if "dysts" in read_catalog().get(name).variants else None
    return attractory.system(name, variant=variant)


@pytest.mark.parametrize("name", [name for name in SHARED if name not in OTHER])
def test_the_right_hand_side_is_that_of_dysts(name: str) -> None:
    """At twenty states, to a few roundings of the largest component; variables and parameters have the same names.

    Where a map is taken modulo a range here, whole ranges do not count.
    """
    reference, ours = SYSTEMS[name], as_dysts_has_it(name)
    states = states_near(reference)
    if "indexed" not in reference:
        assert list(ours.variables) == reference["states"]
    expected = np.array([vector_field(reference, list(map(float, state))) for state in states])
    difference = np.abs(ours.rhs(states, t=0.7) - expected)
    if ours.kind == "map":
        for place, width in widths(ours).items():
            difference[:, place] = np.abs(difference[:, place] - width * np.round(difference[:, place] / width))
    scale = np.abs(expected).max(axis=1, keepdims=True)
    assert np.all(difference <= 1e-12 * (scale + 1))


@pytest.mark.parametrize("name", [name for name in SHARED if "dysts" in read_catalog().get(name).variants])
def test_a_variant_of_dysts_differs_from_the_entry(name: str) -> None:
    """A variant that says nothing new would hide that the entry is not what the publication has."""
    assert as_dysts_has_it(name).digest != attractory.system(name).digest


def test_what_is_left_out_says_why() -> None:
    """The entries whose vector field is another one have notes."""
    assert all("dysts" in read_catalog().get(name).notes for name in OTHER)
