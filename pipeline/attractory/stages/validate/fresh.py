"""Trajectories made anew from the stored equations, as the recipe asks for them but from other draws: what good data would look like.

Stored and fresh trajectories of a good dataset are draws of one distribution, whatever the system, the length of its memory and its
transient, so that dealing them at random to both sets is an exact test.
"""

from __future__ import annotations

import numpy as np

from attractory import layout
from attractory.errors import IntegrationError
from attractory.integrate import BlockSettings, SampleGrid, integrate_block
from attractory.layout import Status
from attractory.stages.validate.chosen import seed_of
from attractory.stages.validate.permutations import FloatArray
from attractory.stages.validate.stored import StoredDataset, StoredGranularity, StoredSystem

_FEWEST, _MOST = 32, 96


def how_many(stored: int, alarm: float) -> int | None:
    """Fresh trajectories beside so many stored ones for which a chance of `alarm` can be seen; None where even the most are too few."""
    ways, fresh = 1.0, 0
    while fresh < _MOST:
        fresh += 1
        ways *= (stored + fresh) / fresh
        if fresh >= _FEWEST and ways * alarm > 2.0:
            return max(fresh, min(_MOST, stored))
    return None


def transient_of(dataset: StoredDataset, stored: StoredSystem) -> float:
    """What the recipe asks for, in the system's time units (maps: iterates); where it says nothing, what the store says it was."""
    asked = dataset.recipe.get("transient", {})
    if stored.record.kind == "map":
        return float(asked.get("iterates", stored.start_time.max(initial=0.0)))
    if "periods" in asked and stored.system.period is not None:
        return float(asked["periods"]) * stored.system.period
    return float(stored.start_time.max(initial=0.0))


def fresh_states(dataset: StoredDataset, stored: StoredSystem, granularity: StoredGranularity, *, count: int, samples: int) -> FloatArray:
    """(trajectory, time, variable) of a regular granularity; those that do not last are left out.

    Raises: IntegrationError where none lasts.
    """
    recipe = dataset.recipe
    settings = BlockSettings(
        seed=seed_of(stored.name, "fresh trajectories", int(recipe.get("seed", 0))) % 2**31,
        transient=transient_of(dataset, stored),
        tolerance=float(recipe.get("tolerance", 1e-14)),
        dtype=str(granularity.state.dtype),
        box=stored.start_box,
    )
    grid = SampleGrid(float(granularity.attributes[layout.DT]), samples)
    made = integrate_block(stored.system, indices=range(count), grids=[grid], settings=settings)
    good = made.status == Status.OK
    if not good.any():
        message = f"{stored.name}: none of {count} fresh trajectories lasted {samples} samples: {Status(int(made.status[0])).sentence}"
        raise IntegrationError(message)
    return np.asarray(made.states[0][good], np.float64)
