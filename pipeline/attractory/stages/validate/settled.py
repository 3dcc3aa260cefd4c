"""Whether the beginning of trajectories is like their end, and like the beginning of trajectories that are known to be good."""

from __future__ import annotations

import numpy as np

from attractory.stages.validate.chosen import IntArray
from attractory.stages.validate.permutations import (
    Chance,
    FloatArray,
    chance_of,
    deals_of,
    dealt_at_random,
    energy_of,
    turned_at_random,
)
from attractory.stages.validate.trajectory_distances import distances_between, points_of

PARTS = 8  # of a trajectory: its first part against its last
FEWEST_TURNS = 4  # of such a part, for where in a turn it begins to make no difference


def beginning_and_end(coordinates: FloatArray, rows: IntArray, *, turn: float, draws: int, seed: int) -> Chance | None:
    """The chance of so large an energy distance between the first and the last eighth of the same trajectories, where the two may change
    places; None where an eighth is not four turns long.

    Args:
        turn: samples of a period, 1 of a map.
    """
    trajectories, length, _ = coordinates.shape
    part = length // PARTS
    if part < max(FEWEST_TURNS * turn, 8):
        return None
    first = points_of(coordinates, rows, first=0, last=part, seed=seed)
    last = points_of(coordinates, rows, first=length - part, last=length, seed=seed + 1)
    distances = distances_between(np.concatenate([first, last]))
    labels = np.repeat([0, 1], trajectories)
    return chance_of(
        energy_of(distances, 2), labels, turned_at_random(trajectories), ways=2.0 ** min(trajectories - 1, 1000), draws=draws, seed=seed
    )


def beginnings(stored: FloatArray, fresh: FloatArray, *, samples: int, draws: int, seed: int) -> Chance:
    """The chance of so large an energy distance between the first samples of stored and of fresh trajectories (trajectory, time,
    coordinate)."""
    both = np.concatenate([stored[:, :samples], fresh[:, :samples]])
    chosen = np.unique(np.linspace(0, both.shape[1] - 1, 8).astype(int))
    distances = distances_between(both[:, chosen])
    labels = np.repeat([0, 1], [len(stored), len(fresh)])
    return chance_of(energy_of(distances, 2), labels, dealt_at_random(labels), ways=deals_of(labels), draws=draws, seed=seed)
