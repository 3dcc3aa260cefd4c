"""Checks of times that are drawn for each trajectory: they rise, they are those that the seed draws, and the one at zero is the start."""

from __future__ import annotations

import numpy as np

from attractory import layout
from attractory.expressions.circles import as_stored
from attractory.integrate import DrawnGrid, sample_times
from attractory.stages.validate.report import Check, Subject
from attractory.stages.validate.stored import StoredGranularity, StoredSystem

_MOST = {"poisson": 0.0, "jitter": 1.0, "dropped": 0.99}  # the largest part that each may have


def rising_times(subject: Subject, stored: StoredSystem, granularity: StoredGranularity) -> Check:
    """Times are finite, begin at zero or later and increase along each trajectory; a map's are whole numbers."""
    time, shape = granularity.time, granularity.state.shape[:2]
    if time.dtype != np.float64 or time.shape != shape:
        return subject.failed(f"time is {time.dtype} {time.shape}, expected float64 {shape}")
    good = np.isfinite(time) & (np.diff(time, axis=1, prepend=-np.inf) > 0.0) & (time >= 0.0)
    if stored.record.kind == "map":
        good &= time == np.floor(time)
    wrong = np.flatnonzero(~good.all(axis=1))
    message = "times increase along every trajectory"
    if len(wrong):
        row = int(wrong[0])
        sample = int(np.argmin(good[row]))
        message = f"{len(wrong)} trajectories have no time axis, trajectory {row} from sample {sample} on: it is at {time[row, sample]!r}"
    return subject.measured(float(len(wrong)), 0.0, message)


def times_as_drawn(subject: Subject, stored: StoredSystem, granularity: StoredGranularity, seed: int) -> Check:
    """Every time is the one that seed and number draw, to the last bit."""
    how = granularity.drawn
    if how is None or not how.spacing > 0.0 or not 0.0 <= how.part <= _MOST.get(how.drawn, -1.0):
        return subject.failed(f"the attribute {layout.TIMES!r} is {granularity.attributes.get(layout.TIMES)!r}: nothing that can be drawn")
    grid = DrawnGrid(granularity.name, how, granularity.samples)
    wrong = []
    for rows in granularity.shards():
        wanted = sample_times(grid, seed=seed, system=stored.name, indices=range(rows.start, rows.stop))
        wrong += (rows.start + np.flatnonzero((granularity.time[rows] != wanted).any(axis=1))).tolist()
    message = f"every trajectory has the times that its number draws: {how.text}"
    if wrong:
        message = f"{len(wrong)} trajectories have other times than their numbers draw, first trajectory {wrong[0]}"
    return subject.measured(float(len(wrong)), 0.0, message)


def first_sample_at_zero(subject: Subject, stored: StoredSystem, granularity: StoredGranularity) -> Check:
    """A sample at time 0 is the initial state."""
    rows = np.flatnonzero(stored.good & (granularity.time[:, 0] == 0.0))
    wanted = as_stored(stored.initial[rows], stored.system.definition.wrap, str(granularity.state.dtype))
    wrong = [int(row) for row, state in zip(rows, wanted, strict=True) if (granularity.read(int(row), slice(0, 1))[0] != state).any()]
    message = f"{len(rows)} trajectories have a sample at time 0, and it is the initial state"
    if wrong:
        message = f"the sample at time 0 differs from `initial` in {len(wrong)} trajectories, first trajectory {wrong[0]}"
    return subject.measured(float(len(wrong)), 0.0, message)
