"""How a trajectory goes from one method to the other and back: what is kept of it, and when it goes.

Every decision rests on the trajectory's own numbers, at counts of its own steps, so it falls at the same step whatever the lanes, batches
or machines. Costs are instructions of the compiled steps, counted when these are written, not measured."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from attractory.kernels.step_size import DECAY
from attractory.kernels.stepping import LOOK

DONE, TAYLOR, STIFF = 0, 1, 2
# A method must make this many times the progress for its cost before a trajectory goes over to it.
GAIN = 2.0
# A Taylor step is suspiciously short where the terms of orders 2 and 3 are below this part of every variable: where its length follows from
# the solution they are about e^-3.6 and e^-5.4. A variable below _NEAR_ZERO of the largest is not looked at.
SUSPICIOUS, _NEAR_ZERO = 1.0e-4, 1.0e-9
# Fast modes make such terms of the errors that Taylor's tolerance leaves, too: what is below _ERRORS e^(-DECAY (order - 1)) of the largest
# variable, or of 1, says nothing. Steps that are suspicious for that reason alone must be so at _PATIENCE looks in a row.
_ERRORS, _TERM, _PATIENCE = 10.0, round(math.exp(-DECAY), 12), 3.0
# Between looks at Taylor's step: so many steps of the method for stiff flows, twice as many after each return, at most so many.
FIRST_WAIT, LONGEST_WAIT = 64.0, 4096.0
# After a trial step that was no better, the next trial comes LOOK steps later, then twice as many, at most so many.
LONGEST_DELAY = 2.0**12

# What is kept of a trajectory, one row of an array: a record of arrays would cost the drivers more at each call than it shows. Where it is:
# now, t + t_low, and behind the columns named here y, y_low and the samples taken of each granularity. Its steps: count, `stiff` of them by
# the method for stiff flows. Of Taylor: its bound on the next step, and the larger of its last step and their mean since the last look. Of
# looks: none before the count LOOK_FROM; time and count at the last one; suspicious ones in a row; until the next look at the other method.
METHOD, NOW, T, T_LOW, COUNT, STIFF_COUNT, CAP, PACE, LOOK_FROM, LOOK_T, LOOK_COUNT, DOUBT, WAIT, DELAY, Y = range(15)


def parked_rows(trajectories: int, variables: int, kinds: int, *, first: int = 0) -> NDArray[np.float64]:
    """All trajectories at their beginning, in Taylor's hands; `first` is the first sample that is taken of them."""
    rows = np.zeros((trajectories, Y + 2 * variables + kinds))
    if first:
        rows[:, Y + 2 * variables :] = first
    rows[:, METHOD], rows[:, WAIT], rows[:, DELAY] = TAYLOR, FIRST_WAIT, LOOK
    return rows


@njit(cache=True, error_model="numpy", nogil=True, inline="always")
def leaves_taylor(parked: Any, lanes: Any, lane: int, order: int) -> bool:  # pragma: no cover - compiled
    """At a look, before a step with the coefficients `lanes.c`: whether the trajectory goes to try the other method; then it is kept."""
    i, count = lanes.trajectory[lane], lanes.count[lane]
    if count < parked[i, LOOK_FROM]:
        return False
    steps = count - 1.0 - parked[i, LOOK_COUNT]  # that of `count` is not taken yet
    pace = (lanes.t[lane] - parked[i, LOOK_T]) / steps
    parked[i, LOOK_T], parked[i, LOOK_COUNT] = lanes.t[lane], count - 1.0
    parked[i, DOUBT] = max(parked[i, DOUBT] + _suspicion(lanes, lane, order), 0.0) if steps >= 0.5 * LOOK else 0.0
    if parked[i, DOUBT] < _PATIENCE:
        return False
    parked[i, DOUBT] = 0.0
    keep_state(parked, lanes, lane)
    parked[i, METHOD] = STIFF
    parked[i, COUNT], parked[i, PACE] = count - 1.0, max(pace, lanes.h[lane])
    parked[i, CAP] = 0.5 * lanes.cap[lane]  # it is doubled before each step
    return True


@njit(cache=True, error_model="numpy", nogil=True, inline="always")
def _suspicion(lanes: Any, lane: int, order: int) -> float:  # pragma: no cover - compiled
    """How much speaks for a solution that hardly bends over the step that the last coefficients allow: _PATIENCE is enough, 1 a little."""
    h, largest = lanes.h[lane], 0.0
    for v in range(lanes.y.shape[0]):
        largest = max(largest, abs(lanes.y[v, lane]))
    noise, found = _ERRORS * max(1.0, largest), _PATIENCE
    for _ in range(order - 1):
        noise *= _TERM
    for v in range(lanes.y.shape[0]):
        row = v * (order + 1)
        term = max(abs(lanes.c[row + 2, lane]), abs(lanes.c[row + 3, lane]) * h) * h * h
        if not term <= SUSPICIOUS * max(abs(lanes.y[v, lane]), abs(lanes.c[row + 1, lane]) * h, _NEAR_ZERO * largest):
            found = 1.0
            if not term <= noise:
                return -np.inf
    return found


@njit(cache=True, error_model="numpy", nogil=True)
def keep_state(parked: Any, lanes: Any, lane: int) -> None:  # pragma: no cover - compiled
    """Where a trajectory is, and what it has sampled."""
    i = lanes.trajectory[lane]
    parked[i, T], parked[i, T_LOW], parked[i, NOW] = lanes.t[lane], lanes.t_low[lane], lanes.now[lane]
    for v in range(lanes.y.shape[0]):
        parked[i, Y + v], parked[i, Y + lanes.y.shape[0] + v] = lanes.y[v, lane], lanes.y_low[v, lane]
    for g in range(lanes.taken.shape[0]):
        parked[i, Y + 2 * lanes.y.shape[0] + g] = lanes.taken[g, lane]


@njit(cache=True, error_model="numpy", nogil=True)
def resume(parked: Any, lanes: Any, lane: int) -> None:  # pragma: no cover - compiled
    """Puts a kept trajectory into a lane whose `trajectory` is set."""
    i = lanes.trajectory[lane]
    lanes.t[lane], lanes.t_low[lane], lanes.now[lane] = parked[i, T], parked[i, T_LOW], parked[i, NOW]
    lanes.count[lane] = parked[i, COUNT]
    for v in range(lanes.y.shape[0]):
        lanes.y[v, lane], lanes.y_low[v, lane] = parked[i, Y + v], parked[i, Y + lanes.y.shape[0] + v]
    for g in range(lanes.taken.shape[0]):
        lanes.taken[g, lane] = parked[i, Y + 2 * lanes.y.shape[0] + g]
