"""The crossings of Poincaré sections within a step: all of them in order, each counted once, none missed and no touch taken for one.

A trajectory is on one side of a section until the section's polynomial has come out on the other side of what rounding hides. Where it
enters that zone and leaves it on the side where it came from, it has touched; where a step ends within it, the next step decides. A start
on the section has no side until it has left it: it is no crossing. Steps are neither shortened nor changed by sections."""

from __future__ import annotations

import math
from collections import namedtuple
from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from attractory.integrate.bits import lowest_bit
from attractory.integrate.borrowed import borrowed
from attractory.kernels.section import NOISE, SectionKernel, trusted
from attractory.kernels.settling import COUNTED, LAST, LATE, ROWS, SCALE, SIDE, STEPS, TOLD, TURNED, WITHIN

Float = NDArray[np.float64]

# Looks at a polynomial in one step, after which its sign at the end decides; a transversal crossing takes three to ten.
_MARCH = 1000
_BISECTIONS = 64
# A step is cut in so many stretches at most, each so many times halved: a function with more than some thousand zeros in one step of the
# state is followed no further in it.
_STRETCHES, _HALVINGS = 4096, 40
# Of a step: a march goes on by this at least.
_LEAST = 1.0e-15

SectionFunctions = namedtuple("SectionFunctions", "prepare settle expand")
Sections = namedtuple("Sections", "kernel trust own before held told g x end now c shifted found which times")


def section_lanes(kernel: SectionKernel, width: int, told: Sequence[float], times: Float) -> Sections:
    """What the driver needs to cut a run's trajectories; told: of each section after another, as `kernels.section` names it; times: the
    memory of the crossings' times."""
    count = kernel.sections
    functions_rows, own_rows = (kernel.order + 1) * count, ROWS * count
    rows = (own_rows, own_rows, functions_rows, count, 2, 1, 1, kernel.variables * (kernel.order + 1), functions_rows + own_rows)
    memory = np.zeros(sum(rows) * width + 8)
    first = (-memory.ctypes.data // 8) % 8
    table = memory[first : first + sum(rows) * width].reshape(sum(rows), width)
    own, before, g, x, held, end, now, c, shifted = np.split(table, np.cumsum(rows)[:-1])
    functions = SectionFunctions(*(kernel.code.functions[name] for name in SectionFunctions._fields))
    trajectories = held.view(np.int64)
    trajectories[:] = -1
    found, which = np.zeros(count + 1, np.int64), np.zeros(2, np.int64)
    trust = trusted(kernel.order)
    return Sections(functions, trust, own, before, trajectories, np.array(told), g, x, end[0], now[0], c, shifted, found, which, times)


@njit(cache=True, error_model="numpy", nogil=True)
def take_crossings(sections: Any, sampling: Any, lanes: Any, order: int) -> tuple[int, int]:  # pragma: no cover - compiled
    """Takes the crossings within the lanes' steps, before the time moves on; (bits of the lanes that have all, of those that waited too
    long)."""
    sections = borrowed(sections)
    first = sampling.grids.shape[0]
    for lane in range(lanes.h.shape[0]):
        sections.held[0, lane] = lanes.trajectory[lane]
    left = sections.kernel.prepare(
        lanes.p.ctypes, lanes.c.ctypes, lanes.now.ctypes, lanes.h.ctypes, lanes.t.ctypes, lanes.t_low.ctypes, lanes.count.ctypes,
        sections.end.ctypes, sections.x.ctypes, sections.held.ctypes, lanes.taken[first].ctypes, lanes.base[first].ctypes,
        sections.own.ctypes, sections.told.ctypes, sampling.out.ctypes, sections.times.ctypes,
        sections.which.ctypes, lanes.y_before.ctypes, lanes.live.ctypes,
        sections.before.ctypes, sections.g.ctypes, sections.found.ctypes,
    )  # fmt: skip
    complete, late = sections.found[sections.found.shape[0] - 1], 0
    if left != 0:
        late = _march(sections, sampling, lanes, order)
        complete = _complete(sections, sampling, lanes)
    return complete, late


@njit(cache=True, error_model="numpy", nogil=True)
def take_back_crossings(sections: Any, doubtful: int) -> None:  # pragma: no cover - compiled
    """Undoes the last step of the lanes in these bits; the samples that it took are taken again."""
    while doubtful != 0:
        lane = lowest_bit(doubtful)
        doubtful &= doubtful - 1
        for row in range(sections.own.shape[0]):
            sections.own[row, lane] = sections.before[row, lane]


@njit(cache=True, error_model="numpy", nogil=True)
def _complete(sections: Any, sampling: Any, lanes: Any) -> int:  # pragma: no cover - compiled
    """The lanes that have every crossing of every section."""
    bits = -1
    for grid in range(sampling.grids.shape[0], sampling.counts.shape[0]):
        for lane in range(lanes.h.shape[0]):
            if lanes.taken[grid, lane] < sampling.counts[grid]:
                bits &= ~(1 << lane)
    return bits


@njit(cache=True, error_model="numpy", nogil=True)
def _march(sections: Any, sampling: Any, lanes: Any, order: int) -> int:  # pragma: no cover - compiled
    """Takes the crossings that `prepare` left, section after section and lane after lane; the lanes that waited too long."""
    late = 0
    for s in range(sections.found.shape[0] - 1):
        bits = sections.found[s]
        while bits != 0:
            lane = lowest_bit(bits)
            bits &= bits - 1
            sections.which[0], sections.which[1] = s, lane
            late |= _march_through(sections, sampling, lanes, order) << lane
    return late


@njit(cache=True, error_model="numpy", nogil=True)
def _march_through(sections: Any, sampling: Any, lanes: Any, order: int) -> int:  # pragma: no cover - compiled
    """Takes the crossings of the section which[0] in the lane which[1]; 1 where it waited too long, else 0.

    Where the function changes faster than the state, so that its series does not reach as far as the step, the step is cut in stretches,
    and the series made anew at the beginning of each."""
    s, lane, grid = sections.which[0], sections.which[1], sampling.grids.shape[0] + sections.which[0]
    own, begin, step = ROWS * s, 0.0, lanes.h[lane]
    for _ in range(_STRETCHES):
        length = _stretch(sections, s * (order + 1), lane, order, step - begin)
        code = _cross(sections, sampling, lanes, order, (begin, length))
        if code == LATE:
            return 1
        begin += length
        if not lanes.taken[grid, lane] < sampling.counts[grid]:
            return 0
        if not begin < step:
            break
        _expand_at(sections, lanes, order, begin)
    time = (lanes.t[lane] + step) - sections.own[own + LAST, lane]
    steps = lanes.count[lane] - sections.own[own + COUNTED, lane]
    return int(time > sections.told[TOLD * s + WITHIN] or steps > sections.told[TOLD * s + STEPS])


@njit(cache=True, error_model="numpy", nogil=True)
def _cross(sections: Any, sampling: Any, lanes: Any, order: int, span: tuple[float, float]) -> int:  # pragma: no cover - compiled
    """Takes the crossings in a stretch, given by its beginning and its length, at whose beginning the series g is; LATE, or how it went."""
    s, lane, first = sections.which[0], sections.which[1], sampling.grids.shape[0]
    (begin, length), row, own, tau = span, s * (order + 1), ROWS * s, 0.0
    bounds = _bounds(sections.g, row, lane, order, length, sections.own[own + SCALE, lane])
    sections.end[lane] = begin + length
    while tau < length and lanes.taken[first + s, lane] < sampling.counts[first + s]:
        found, root, tau, side = next_crossing(sections.g, row, lane, order, (tau, length), sections.own[own + SIDE, lane], bounds)
        sections.own[own + SIDE, lane] = side
        if found == 0:
            break
        sections.x[s, lane] = begin + root
        code = sections.kernel.settle(
            lanes.p.ctypes, lanes.c.ctypes, lanes.now.ctypes, lanes.h.ctypes, lanes.t.ctypes, lanes.t_low.ctypes, lanes.count.ctypes,
            sections.end.ctypes, sections.x.ctypes, sections.held.ctypes, lanes.taken[first].ctypes, lanes.base[first].ctypes,
            sections.own.ctypes, sections.told.ctypes, sampling.out.ctypes, sections.times.ctypes, sections.which.ctypes,
            lanes.y_before.ctypes,
        )  # fmt: skip
        if code != TURNED:
            return int(code)
    return TURNED


@njit(cache=True, error_model="numpy", nogil=True)
def _stretch(sections: Any, row: int, lane: int, order: int, length: float) -> float:  # pragma: no cover - compiled
    """The length, halved until the series' last two terms are small there."""
    g = sections.g
    for _ in range(_HALVINGS):
        total, power = 0.0, 1.0
        last = 0.0
        for k in range(order + 1):
            last = last + abs(g[row + k, lane]) * power if k >= order - 1 else 0.0
            total += abs(g[row + k, lane]) * power
            power *= length
        if not last > sections.trust * (total + sections.own[ROWS * sections.which[0] + SCALE, lane]):
            break
        length *= 0.5
    return length


@njit(cache=True, error_model="numpy", nogil=True)
def _expand_at(sections: Any, lanes: Any, order: int, begin: float) -> None:  # pragma: no cover - compiled
    """The series of the section's function at another time of the step, from the state's polynomials shifted there."""
    lane = sections.which[1]
    for v in range(lanes.y.shape[0]):
        row = v * (order + 1)
        for k in range(order + 1):
            sections.c[row + k, lane] = lanes.c[row + k, lane]
        for lowest in range(order):
            for k in range(order - 1, lowest - 1, -1):
                sections.c[row + k, lane] += begin * sections.c[row + k + 1, lane]
    sections.now[lane] = lanes.now[lane] + begin
    rows = sections.g.shape[0]
    sections.kernel.expand(
        lanes.p.ctypes,
        sections.c.ctypes,
        sections.now.ctypes,
        sections.shifted.ctypes,
        sections.shifted[rows].ctypes,
        sections.which.ctypes,
    )
    first, scale = sections.which[0] * (order + 1), sections.which[0] * ROWS + SCALE
    for k in range(order + 1):  # of this lane alone: what is there for the others is of no trajectory
        sections.g[first + k, lane] = sections.shifted[first + k, lane]
    sections.own[scale, lane] = sections.shifted[rows + scale, lane]


@njit(cache=True, error_model="numpy", nogil=True)
def _bounds(g: Any, row: int, lane: int, order: int, step: float, scale: float) -> tuple[float, float]:  # pragma: no cover - compiled
    """(what rounding hides, the largest second derivative) over the step."""
    reach, bend, power = abs(g[row, lane]) + abs(g[row + 1, lane]) * step, 0.0, 1.0
    for k in range(2, order + 1):
        size = abs(g[row + k, lane]) * power
        bend += k * (k - 1) * size
        reach += size * step * step
        power *= step
    return NOISE * (reach + scale), bend


@njit(cache=True, error_model="numpy", nogil=True)
def next_crossing(  # noqa: PLR0913 - called by the compiled driver, where a record would cost more than it shows
    g: Any, row: int, lane: int, order: int, span: tuple[float, float], side: float, bounds: tuple[float, float]
) -> tuple[int, float, float, float]:  # pragma: no cover - compiled
    """(1 or 0: whether the polynomial may go to the other side within span; near where; from where to look on; the side that it is on).

    bounds: what rounding hides, and the largest second derivative. A march as of `crossings`: as far as the polynomial certainly keeps its
    sign, until its slope says that it certainly changes it: then there is one root until there, and Newton's method finds it from here."""
    (tau, step), (noise, bend) = span, bounds
    before = tau
    for _ in range(_MARCH):
        value, slope = _value_and_slope(g, row, lane, order, tau)
        if side == 0.0 and abs(value) > noise:
            side = 1.0 if value > 0.0 else -1.0
        v, s = side * value, side * slope
        if v < -noise:
            return 1, min(max(tau - value / slope, before), tau), tau, side
        if side != 0.0 and s < 0.0 and s * s >= 4.0 * bend * (v + noise):
            end = tau - 2.0 * (v + noise) / s
            if end > step and side * _value_and_slope(g, row, lane, order, step)[0] > noise:
                return 0, step, step, side  # it would change it, but later
            return 1, min(tau - v / s, step), min(end, step), side
        if v > noise:
            before = tau
            root = math.sqrt(s * s + 2.0 * bend * v)
            advance = (s + root) / bend if s > 0.0 else 2.0 * v / (root - s)  # whichever does not cancel
        elif side != 0.0 and s > 0.0:
            advance = s / bend  # it leaves on its own side, for this long at least
        else:
            advance = min(noise / abs(slope), math.sqrt(noise / bend))  # then it has gone no further than what rounding hides
        tau = tau + max(advance, _LEAST * step) if advance == advance else step
        if not tau < step:
            return 0, step, step, side
    return _at_the_end(g, row, lane, order, (tau, step), side, noise)


@njit(cache=True, error_model="numpy", nogil=True)
def _at_the_end(  # noqa: PLR0913 - as above
    g: Any, row: int, lane: int, order: int, span: tuple[float, float], side: float, noise: float
) -> tuple[int, float, float, float]:  # pragma: no cover - compiled
    """After a march that came to no end: the sign at the end of the step decides, and halving finds the root."""
    low, high = span
    if not side * _value_and_slope(g, row, lane, order, high)[0] < -noise:
        return 0, high, high, side
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        if side * _value_and_slope(g, row, lane, order, middle)[0] > 0.0:
            low = middle
        else:
            high = middle
    return 1, high, high, side


@njit(cache=True, error_model="numpy", nogil=True)
def _value_and_slope(g: Any, row: int, lane: int, order: int, tau: float) -> tuple[float, float]:  # pragma: no cover - compiled
    value, slope = g[row + order, lane], 0.0
    for k in range(order - 1, -1, -1):
        slope = slope * tau + value
        value = value * tau + g[row + k, lane]
    return value, slope
