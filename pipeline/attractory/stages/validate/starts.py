"""The check of where trajectories start, which is sample 0 where there is no transient."""

from __future__ import annotations

import numpy as np

from attractory.expressions.circles import within
from attractory.integrate import ATTEMPTS
from attractory.integrate.starts import start_state
from attractory.stages.validate.report import Check, Subject
from attractory.stages.validate.stored import StoredSystem


def check_starts(subject: Subject, stored: StoredSystem, *, seed: int, transient: float) -> Check:
    """Each trajectory that is good starts at a state that its number draws in the box; seed: of the recipe."""
    if transient:
        return subject.passed("states are drawn in a box, and what is stored begins after a transient")
    wrong = [int(row) for row in np.flatnonzero(stored.good) if not _is_drawn(stored, int(row), seed)]
    message = "every trajectory starts where its number draws a state in the box"
    if wrong:
        message = f"trajectory {wrong[0]} starts at {stored.initial[wrong[0]].tolist()}, which is none of its draws in the box"
    return subject.measured(float(len(wrong)), 0.0, message)


def _is_drawn(stored: StoredSystem, row: int, seed: int) -> bool:
    """One of the first draws, as a trajectory that failed was drawn again."""
    box, wrap = stored.start_box, stored.system.definition.wrap
    draws = (start_state(stored.system, box, seed=seed, trajectory=row, attempt=attempt) for attempt in range(ATTEMPTS))
    return any((within(draw[None], wrap)[0] == stored.initial[row]).all() for draw in draws)
