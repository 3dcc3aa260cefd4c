"""What a delay system remembers: for each lane a ring of the polynomials of its past steps, and its breaking points.

A piece of the ring is a step's Taylor polynomial around the step's beginning. A lag's time is looked up in the piece whose centre is
nearest, on the same side of every breaking point that matters, so that the ends of ordinary steps, at which the solution is smooth, never
limit a step. All of it is scalar, one lane after the other, in one order: the same bits everywhere."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np
from numba import njit

# A polynomial of the past is used up to this many of the steps that it was found good for (kernels/delay.py makes steps of 4/5 of them).
_REACH = 1.25
# Two times are one if they differ by so little of their size: some units in the last place.
_SAME = 1.0e-15
# Breaking points that a lane may have before it: what several delays with no common measure make within the longest of them.
BREAKS = 1024

# pieces (lane, slot, row), centres, centres_low, good, sharp (lane, slot); count (lane,) of pieces ever made; cursor (lane, lag).
Ring = namedtuple("Ring", "pieces centres centres_low good sharp count cursor")
# times, levels (lane, place), in ascending order of time; held, following (lane,): how many there are, the first that lies ahead;
# here (lane,): the place of the one at which the lane is, or -1; sharp (lane,): whether the step that begins there begins a new branch.
Breaks = namedtuple("Breaks", "times levels held following here sharp")


def new_ring(width: int, slots: int, rows: int, lags: int) -> Ring:
    """An empty ring; the number of slots is a power of two, so that a slot's place is a few bits of its number."""
    tables = [np.zeros((width, slots)) for _ in range(4)]
    return Ring._make([np.zeros((width, slots, rows)), *tables, np.zeros(width, np.int64), np.zeros((width, lags), np.int64)])


def larger(ring: Ring) -> Ring:
    """The same ring with twice the slots."""
    width, slots, rows = ring.pieces.shape
    grown = new_ring(width, 2 * slots, rows, ring.cursor.shape[1])
    for lane in range(width):
        kept = np.arange(max(0, ring.count[lane] - slots), ring.count[lane])
        for source, target in zip(ring[:5], grown[:5], strict=True):
            target[lane, kept % (2 * slots)] = source[lane, kept % slots]
    return grown._replace(count=ring.count, cursor=ring.cursor)


def new_breaks(width: int) -> Breaks:
    """No breaking points."""
    integers = [np.zeros(width, np.int64) for _ in range(3)]
    return Breaks._make([np.zeros((width, BREAKS)), np.zeros((width, BREAKS), np.int64), *integers, np.zeros(width)])


@njit(cache=True, error_model="numpy", nogil=True, forceinline=True)
def same_time(t: float, now: float, lag: float) -> float:  # pragma: no cover - compiled
    """Times that are no further apart are one: some units in the last place of the numbers that they were made from."""
    return _SAME * (max(abs(t), abs(now)) + lag)


@njit(cache=True, error_model="numpy", nogil=True, forceinline=True)
def since(t: float, low: float, centre: float, centre_low: float, lag: float) -> float:  # pragma: no cover - compiled
    """(t + low) - (centre + centre_low) - lag, rounded once or twice at its own size."""
    gone = t - centre
    back = gone - t
    lost = (t - (gone - back)) - (centre + back)
    return (gone - lag) + (lost + (low - centre_low))


@njit(cache=True, error_model="numpy", nogil=True, forceinline=True)
def find_piece(ring: Any, lane: int, j: int, at: Any, lag: float) -> int:  # pragma: no cover - compiled
    """The number of the last piece whose centre is not beyond the lag's time; at = (t, low, now). -1 where that is before all of them."""
    t, low, now = at
    mask, near = ring.centres.shape[1] - 1, same_time(t, now, lag)
    i: int = ring.cursor[lane, j]
    count: int = ring.count[lane]
    i = min(i, count - 1)
    while i + 1 < count and since(t, low, ring.centres[lane, (i + 1) & mask], ring.centres_low[lane, (i + 1) & mask], lag) >= -near:
        i += 1
    while i >= 0 and since(t, low, ring.centres[lane, i & mask], ring.centres_low[lane, i & mask], lag) < -near:
        i -= 1
    ring.cursor[lane, j] = max(i, 0)
    return i


@njit(cache=True, error_model="numpy", nogil=True, forceinline=True)
def nearest_piece(ring: Any, lane: int, i: int, at: Any, lag: float) -> tuple[int, float, float]:  # pragma: no cover - compiled
    """(slot, time since its centre, how far a step may go) of piece i or the one after it, whichever centre is nearer and on this side of
    a breaking point."""
    t, low, _ = at
    mask = ring.centres.shape[1] - 1
    slot = i & mask
    shift = since(t, low, ring.centres[lane, slot], ring.centres_low[lane, slot], lag)
    if i + 1 < ring.count[lane] and ring.sharp[lane, (i + 1) & mask] == 0.0:
        after = (i + 1) & mask
        ahead = since(t, low, ring.centres[lane, after], ring.centres_low[lane, after], lag)
        if -ahead < shift:
            slot, shift = after, ahead
    return slot, shift, _REACH * ring.good[lane, slot] - shift


@njit(cache=True, error_model="numpy", nogil=True, forceinline=True)
def keep_piece(ring: Any, lanes: Any, lane: int, stored: Any, sharp: float) -> None:  # pragma: no cover - compiled
    """The step that begins now becomes a piece."""
    slot = ring.count[lane] & (ring.centres.shape[1] - 1)
    ring.centres[lane, slot], ring.centres_low[lane, slot] = lanes.t[lane], lanes.t_low[lane]
    ring.good[lane, slot], ring.sharp[lane, slot] = lanes.natural[lane], sharp
    terms = ring.pieces.shape[2] // stored.shape[0]
    for v in range(stored.shape[0]):
        for k in range(terms):
            ring.pieces[lane, slot, v * terms + k] = lanes.c[stored[v] * terms + k, lane]
    ring.count[lane] += 1


@njit(cache=True, error_model="numpy", nogil=True, forceinline=True)
def find_break(breaks: Any, lane: int, t: float, near: float) -> float:  # pragma: no cover - compiled
    """The time of the next breaking point, infinity where there is none; `here` becomes the one at t, if there is one."""
    following = breaks.following[lane]
    while following < breaks.held[lane] and breaks.times[lane, following] <= t + near:
        following += 1
    while following > 0 and breaks.times[lane, following - 1] > t + near:
        following -= 1
    breaks.following[lane] = following
    breaks.here[lane] = following - 1 if following > 0 and breaks.times[lane, following - 1] >= t - near else -1
    return breaks.times[lane, following] if following < breaks.held[lane] else np.inf


@njit(cache=True, error_model="numpy", nogil=True)
def add_break(breaks: Any, lane: int, time: float, level: int, near: float) -> bool:  # pragma: no cover - compiled
    """Puts one in its place, or joins it with the one that is there already; False where there is no room."""
    place = breaks.held[lane]
    while place > breaks.following[lane] and breaks.times[lane, place - 1] > time + near:
        place -= 1
    if place > breaks.following[lane] and breaks.times[lane, place - 1] >= time - near:
        breaks.levels[lane, place - 1] = min(breaks.levels[lane, place - 1], level)
        return True
    if breaks.held[lane] == breaks.times.shape[1]:
        gone = breaks.following[lane] - 2  # the one here and the one before stay, for a step that is taken back
        if gone <= 0:
            return False
        for i in range(gone, breaks.held[lane]):
            breaks.times[lane, i - gone], breaks.levels[lane, i - gone] = breaks.times[lane, i], breaks.levels[lane, i]
        breaks.held[lane] -= gone
        breaks.following[lane] -= gone
        if breaks.here[lane] >= 0:
            breaks.here[lane] -= gone
        place -= gone
    for i in range(breaks.held[lane], place, -1):
        breaks.times[lane, i], breaks.levels[lane, i] = breaks.times[lane, i - 1], breaks.levels[lane, i - 1]
    breaks.times[lane, place], breaks.levels[lane, place] = time, level
    breaks.held[lane] += 1
    return True


@njit(cache=True, error_model="numpy", nogil=True)
def jump(ring: Any, lanes: Any, lane: int, stored: Any, level: int) -> float:  # pragma: no cover - compiled
    """How far the last step's polynomials and those that begin now part over a step, both taken back into the last step.

    Over a shorter stretch X than a step H they part by less: what jumps first is derivative level + 1, so by (X / H)^(level + 1).
    """
    slots, terms = ring.centres.shape[1], ring.pieces.shape[2] // stored.shape[0]
    slot = (ring.count[lane] - 1) % slots
    step = since(lanes.t[lane], lanes.t_low[lane], ring.centres[lane, slot], ring.centres_low[lane, slot], 0.0)
    whole = lanes.natural[lane]
    stretch = min(step, whole)
    largest = 0.0
    for v in range(stored.shape[0]):
        for part in (1.0, 0.5):
            back = part * stretch
            old, new = 0.0, 0.0
            for k in range(terms - 1, -1, -1):
                old = old * (step - back) + ring.pieces[lane, slot, v * terms + k]
                new = new * -back + lanes.c[stored[v] * terms + k, lane]
            largest = max(largest, abs(old - new))
    if whole < np.inf:
        for _ in range(level + 1):
            largest *= whole / stretch
    return largest
