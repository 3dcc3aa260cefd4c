"""Which trajectories and samples the tests look at, so that a store of any size is looked at in bounded memory: by the system's name and a
seed, never by workers or order."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from attractory import layout
from attractory.invariants.samples import Samples
from attractory.stages.validate.permutations import FloatArray
from attractory.stages.validate.rule import ShardStates
from attractory.stages.validate.stored import StoredGranularity, StoredSystem

IntArray = npt.NDArray[np.int64]
Part = tuple[IntArray, npt.NDArray[np.floating[Any]]]

# Of each system: more see a smaller difference, and what they cost grows with their square.
MOST_TRAJECTORIES = 96
_MOST_NUMBERS = 6_000_000  # of one granularity, together: 48 MB in doubles
_MOST_SAMPLES = 16_384
_STILL = 1e-9  # of its size: a coordinate that varies by less is at rest but for rounding


@dataclass(frozen=True)
class Chosen:
    """Trajectories of one granularity: rows (trajectory,), their splits (trajectory,), states (trajectory, time, variable) in doubles."""

    rows: IntArray
    splits: IntArray
    states: FloatArray


def seed_of(name: str, purpose: str, seed: int = 0) -> int:
    """A key for Philox of a system, a purpose and a seed."""
    return int.from_bytes(hashlib.sha256(f"{name}\0{purpose}\0{seed}".encode()).digest()[:8], "little")


def chosen_rows(stored: StoredSystem, *, most: int = MOST_TRAJECTORIES) -> IntArray:
    """At most so many good trajectories, in ascending order: the same part of each split, but eight of each where there are so many; one
    at random of each stretch of its split."""
    generator = np.random.Generator(np.random.Philox(key=seed_of(stored.name, "chosen")))
    members = [np.flatnonzero(stored.good & (stored.split == code)) for code in range(len(layout.SPLITS))]
    total = sum(len(rows) for rows in members)
    chosen = []
    for rows in members:
        share = len(rows) if total <= most else min(len(rows), max(8, most * len(rows) // total))
        edges = np.linspace(0, len(rows), share + 1)
        places = edges[:-1] + generator.random(share) * np.diff(edges)
        chosen.append(rows[np.minimum(places.astype(np.int64), len(rows) - 1)])
    return np.sort(np.concatenate(chosen)).astype(np.int64)


def samples_looked_at(trajectories: int, granularity: StoredGranularity) -> int:
    """How many samples of each trajectory, from its first on."""
    variables = granularity.state.shape[2]
    return max(2, min(granularity.samples, _MOST_SAMPLES, _MOST_NUMBERS // max(1, trajectories * variables)))


def chosen_states(shard: ShardStates) -> Part:
    """What a rule gathers of a shard that looks at whole trajectories: (rows, states (trajectory, time, variable) as stored)."""
    wanted = chosen_rows(shard.stored)
    places = np.flatnonzero(np.isin(shard.rows, wanted))
    samples = samples_looked_at(min(MOST_TRAJECTORIES, shard.stored.trajectories), shard.granularity)
    return shard.rows[places].astype(np.int64), np.array(shard.states[places, :samples])


def together(stored: StoredSystem, parts: Sequence[Part]) -> Chosen:
    """All shards' parts; trajectories that are not finite are left out, since another check names them."""
    if not parts:
        return Chosen(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 0, stored.system.dimension)))
    rows = np.concatenate([part[0] for part in parts])
    states = np.concatenate([part[1] for part in parts]).astype(np.float64)
    kept = np.isfinite(states).all(axis=(1, 2))
    return Chosen(rows[kept], stored.split[rows[kept]].astype(np.int64), states[kept])


def coordinates_of(stored: StoredSystem, states: FloatArray) -> FloatArray:
    """(trajectory, time, coordinate): angles as points of a circle, each coordinate in units of its spread over all."""
    circles = {stored.system.variables.index(name): ends for name, ends in stored.system.ranges.items()}
    points = Samples(states, circles=circles).embedded()
    size = np.maximum(np.abs(points).max(axis=(0, 1)), np.finfo(np.float64).tiny)
    middle, spread = points.mean(axis=(0, 1)), points.std(axis=(0, 1))
    return np.asarray((points - middle) / np.where(spread > _STILL * size, spread, size))


def coordinate_names(stored: StoredSystem) -> tuple[str, ...]:
    """Of the coordinates that `coordinates_of` gives."""
    names: list[str] = []
    for name in stored.system.variables:
        names += [f"cos {name}", f"sin {name}"] if name in stored.system.ranges else [name]
    return tuple(names)


def turn_of(stored: StoredSystem, granularity: StoredGranularity) -> float:
    """Samples of a period; 1 of a map, and of a flow that has none."""
    if stored.record.kind == "map" or stored.system.period is None:
        return 1.0
    return stored.system.period / granularity.dt


def may_hold_cycles(stored: StoredSystem) -> bool:
    """Whether trajectories may become the same: on a cycle or a fixed point, or with drawn parameters whose class was not asked for."""
    if stored.family is not None:
        return stored.family.get("behaviour") != "chaotic"
    return stored.record.behaviour in ("fixed_point", "periodic")
