"""The flows of flows.yaml: as many as the engine's speed is claimed for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ruamel.yaml import YAML

import attractory

FILE = Path(__file__).resolve().parent / "flows.yaml"
# Neighbouring states on or near the attractor, this far apart relative to the largest of the state's components: chaos makes them
# different trajectories within a few periods.
SPREAD, SEED = 1e-3, 5


@dataclass(frozen=True)
class Flow:
    """A system to measure, and the name of dysts' class for it."""

    system: attractory.System
    dysts: str

    @property
    def name(self) -> str:
        return self.system.name

    @property
    def period(self) -> float:
        if self.system.period is None:
            message = f"{self.name} has no period to count samples in"
            raise ValueError(message)
        return self.system.period

    def initial(self, trajectories: int) -> NDArray[np.float64]:
        """States (trajectory, variable) near the one that the list has; the first n are the same for every number of trajectories."""
        state = np.asarray(self.system.initial)
        moves = np.random.default_rng(SEED).normal(size=(trajectories, len(state)))
        return state + SPREAD * np.abs(state).max() * moves


def flows(only: Sequence[str] = ()) -> list[Flow]:
    """Those of that name, or all, in the order of the file.

    Raises:
        KeyError: a name that the file does not have.
    """
    entries = YAML(typ="safe", pure=True).load(FILE.read_text())
    found = {entry["name"]: entry for entry in (*entries["catalogued"], *entries["further"])}
    return [_flow(found[name]) for name in only or found]


def _flow(entry: dict[str, Any]) -> Flow:
    dysts = entry.get("dysts", entry["name"])
    return Flow(_made(entry) if "equations" in entry else unwrapped(attractory.system(entry["name"])), dysts)


def unwrapped(system: attractory.System) -> attractory.System:
    """The system with its angles as the integration has them: the others know of no circles."""
    return attractory.System.from_record(system.record.model_copy(update={"wrap": {}}))


def _made(entry: dict[str, Any]) -> attractory.System:
    return attractory.System(
        name=entry["name"],
        kind="flow",
        equations=entry["equations"],
        parameters=entry["parameters"],
        initial=dict(zip(entry["equations"], entry["initial"], strict=True)),
        timescale={"period": entry["period"], "definition": "dominant timescale, as dysts has it"},
    )
