"""Rule: no stretch of a trajectory is nearer to one of another trajectory than chance brings two of so many."""

from __future__ import annotations

from typing import Any

import numpy as np

from attractory import layout
from attractory.stages.validate.chosen import Chosen, chosen_states, coordinates_of, may_hold_cycles, seed_of, together
from attractory.stages.validate.false_alarms import alarm_of, said
from attractory.stages.validate.report import Check
from attractory.stages.validate.rule import Evidence, Rule
from attractory.stages.validate.windows_apart import POINTS, Nearest, nearest_windows


def check_windows(evidence: Evidence) -> Check:
    """The verdict of one granularity."""
    stored, granularity = evidence.stored, evidence.granularity
    if may_hold_cycles(stored):
        return evidence.passed("not asked where trajectories may be on a cycle or at rest: they become the same")
    chosen, alarm = together(stored, evidence.shards), alarm_of(evidence.settings.places)
    found = None
    if len(chosen.rows) > 1:
        time = stored.system.lyapunov_time
        found = nearest_windows(
            coordinates_of(stored, chosen.states),
            forgets=np.inf if time is None else time / granularity.dt,
            rounding=_rounding(chosen, granularity.state.dtype),
            seed=seed_of(stored.name, "windows"),
        )
    if found is None:
        return evidence.not_enough(
            "there is no window of one trajectory to compare with one of another", f"2 trajectories of {2 * POINTS} samples"
        )
    return evidence.subject().tested(found.p_value, alarm, f"{_told(evidence, chosen, found)}; {said(alarm)}")


def _rounding(chosen: Chosen, dtype: np.dtype[Any]) -> float:
    """What storing a state changes in it, in units of the spread."""
    spread = chosen.states.std(axis=(0, 1))
    parts = np.abs(chosen.states).max(axis=(0, 1))[spread > 0] / spread[spread > 0]
    return float(np.finfo(dtype).eps * parts.max(initial=1.0))


def _told(evidence: Evidence, chosen: Chosen, found: Nearest) -> str:
    if found.p_value >= 1.0:
        return f"no two windows of different trajectories are nearer than is expected of {found.pairs:.2g} pairs"
    times = [place[1] * evidence.granularity.dt for place in (found.first, found.second)]
    rows = [int(chosen.rows[place[0]]) for place in (found.first, found.second)]
    splits = [layout.SPLITS[int(chosen.splits[place[0]])] for place in (found.first, found.second)]
    here, there = (f"trajectory {row} ({split}) from {time:.4g} on" for row, split, time in zip(rows, splits, times, strict=True))
    expected = f"the nearest of {found.pairs:.2g} pairs are expected at {found.expected:.2g}"
    return f"{here} and {there} stay within {found.distance:.2g} of the spread, {expected}; chance {found.p_value:.2g}"


RULES = (
    Rule(
        name="windows_apart",
        group="splits",
        scope="granularity",
        promise="No window of a trajectory is a near-duplicate of one of another trajectory, in the same split or in another.",
        advice="Leave one of the two trajectories out and generate again: a model would be tested on what it was trained on.",
        run=check_windows,
        needs="samples at regular times of a motion that does not come back to itself",
        applies=lambda evidence: not evidence.granularity.is_irregular,
        gather=chosen_states,
    ),
)
