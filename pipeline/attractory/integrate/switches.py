"""What happens at the switches of a flow, lane by lane: a step that ends at one, the turn, sliding, the jump of tangent vectors.

A step ends where a switch's function leaves its mode, and the mode turns there. With the mode turned, the equations say at once whether the
solution goes on to the other side: if they point back to the surface that was just reached, both sides point to it, and the solution slides
along it (Filippov, Differential Equations with Discontinuous Righthand Sides, 1988, section 4). Its mode is then 0, in which "signum" is
the value that keeps the function at zero, until this value reaches -1 or 1. A mode is also 0 as long as a function rests at zero.

On the other side tangent vectors v continue as v + (f+ - f-) (grad h . v) / (dh/dt) with dh/dt before the turn: the jump condition, also
called saltation matrix (Mueller, Chaos, Solitons & Fractals 5, 1671 (1995)). Everything is taken at one state, so that what does not jump
cancels: a lane takes steps of length zero for it, while the others go on."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit

from attractory.integrate.bits import lowest_bit
from attractory.integrate.crossings import first_crossing, first_return
from attractory.kernels.crossings import DOUBT as DOUBT_ROW
from attractory.kernels.crossings import FOUND as FOUND_ROW
from attractory.kernels.crossings import ON as ON_ROW
from attractory.kernels.crossings import ROOTS as ROOTS_ROW
from attractory.kernels.crossings import TOWARD as TOWARD_ROW
from attractory.kernels.crossings import WENT as WENT_ROW
from attractory.kernels.flow import SwitchFacts
from attractory.kernels.stepping import RESOLUTION

# The rows of a lane's memory that these functions use: all arrays of a driver as arguments would cost more than what they do. Those of the
# lanes are first, then: what is under way at a switch, whether a function rests at zero, turns without any time between them, turns ever
# faster, the last level passed, when the last turn was, the time between the last two, the longest such time, the speed through a surface.
ROWS = (
    "t", "t_low", "origin", "now", "h", "live", "count", "cap", "size", "stage", "resting", "stuck", "rapid", "last", "turned_at",
    "passed", "longest", "speed",
)  # fmt: skip
T, _, _, _, H, LIVE, _, _, _, STAGE, RESTING, STUCK, RAPID, LAST, TURNED_AT, PASSED, LONGEST, SPEED = range(len(ROWS))
KNOWN, FIRST_FOUND, BEFORE = len(ROWS), len(ROWS) + 3, len(ROWS) + 6
ON, WENT, ROOTS = KNOWN + ON_ROW, KNOWN + WENT_ROW, KNOWN + ROOTS_ROW
FOUND, TOWARD, DOUBT = FIRST_FOUND + FOUND_ROW, FIRST_FOUND + TOWARD_ROW, FIRST_FOUND + DOUBT_ROW
LAST_STEP = BEFORE + 2

# Where a lane stands after a step that ended at a switch: the rates before the turn are to be noted; it has turned; it has begun to slide.
_NONE, _BEFORE_TURN, _TURNED, _SLID, _DONE = 0.0, 1.0, 2.0, 3.0, 4.0
# Turns in a row without any time between them that mean: there is no end of them.
_STUCK = 64.0
# So many turns in a row that each come within a millionth of the longest time between two, when the times have shrunk by no more than a
# factor of a thousand from one to the next, are without end (Zeno). A square wave that sets in late has not shrunk: it leaps.
_SHRUNK, _LEAP, _RAPIDLY = 2.0**-20, 2.0**-10, 1_000.0

# facts: (switch, 5), the columns below. Where things lie: the order, the variables and tangent vectors, first rows in a lane's memory.
Switches = namedtuple("Switches", "facts nested order variables vectors y c mode fresh side")
LEVEL, HOLDS, EXIT, GAP, NESTED = range(5)


def switch_facts(switches: Sequence[SwitchFacts]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """(switch, 5) as the functions below read them."""
    return np.array(switches, np.int64).reshape(-1, 5)


@njit(cache=True, error_model="numpy", nogil=True)
def forget_turns(table: Any, lane: int) -> None:  # pragma: no cover - compiled
    """The lane has just begun, away from every surface as far as is known."""
    for row in range(STAGE, SPEED + 1):
        table[row, lane] = 0.0
    table[ON, lane] = -1.0


@njit(cache=True, error_model="numpy", nogil=True)
def set_modes(table: Any, switches: Any, filled: int) -> int:  # pragma: no cover - compiled
    """Puts the modes of the lanes in these bits into force; the bits of those that rest on a surface, or seem to."""
    facts, resting = switches.facts, 0
    while filled != 0:
        lane = lowest_bit(filled)
        filled &= filled - 1
        for s in range(facts.shape[0]):
            mode = table[switches.fresh + s, lane]
            if facts[s, LEVEL] == 0 and mode == 0.0:
                if facts[s, HOLDS] != 0:
                    mode = 1.0  # if that is the wrong side, it turns at once
                else:
                    table[RESTING, lane] = 1.0
                    resting |= 1 << lane
            table[switches.mode + s, lane] = mode
    return resting


@njit(cache=True, error_model="numpy", nogil=True)
def settle(table: Any, switches: Any, attention: int) -> tuple[int, int]:  # pragma: no cover - compiled
    """(bits of lanes that pause for this step, bits of lanes that slide where they cannot be followed), among those in `attention`."""
    facts, paused, failed = switches.facts, 0, 0
    while attention != 0:
        lane = lowest_bit(attention)
        attention &= attention - 1
        if table[LIVE, lane] == 0.0:
            continue
        s, stage, pauses = int(table[ON, lane]), table[STAGE, lane], False
        if stage == _BEFORE_TURN:
            _note_rates(table, switches, lane)
            _turn(table, switches, lane)
            pauses = True
        elif switches.nested and stage != _NONE and _turn_nested(table, switches, lane):
            pauses = True
        elif stage == _TURNED and facts[s, HOLDS] != 0 and _points_back(table, switches, lane):
            if facts[s, EXIT] < 0:
                failed |= 1 << lane
                continue
            table[switches.mode + s, lane], table[STAGE, lane] = 0.0, _SLID
            pauses = True
        elif stage == _TURNED or stage == _SLID:
            table[STAGE, lane] = _DONE
            if facts[s, GAP] >= 0:
                _jump(table, switches, lane)
                pauses = True
        if not pauses and table[RESTING, lane] != 0.0:
            pauses = _leaves_rest(table, switches, lane)
        if pauses:
            table[H, lane] = 0.0
            paused |= 1 << lane
    return paused, failed


@njit(cache=True, error_model="numpy", nogil=True)
def _turn_nested(table: Any, switches: Any, lane: int) -> bool:  # pragma: no cover - compiled
    """Whether modes turn whose functions have jumped with that of the switch: no root of theirs says so."""
    facts, turns = switches.facts, False
    for s in range(facts.shape[0]):
        mode = table[switches.mode + s, lane]
        if facts[s, NESTED] == 0 or s == int(table[ON, lane]) or (facts[s, LEVEL] == 0 and mode == 0.0):
            continue
        value = table[switches.c + (switches.variables + s) * (switches.order + 1), lane]
        asked = np.floor(value) if facts[s, LEVEL] != 0 else (-1.0 if value < 0.0 else 1.0)
        if asked != mode and value == value:
            table[switches.mode + s, lane] = asked
            turns = True
    return turns


@njit(cache=True, error_model="numpy", nogil=True)
def _points_back(table: Any, switches: Any, lane: int) -> bool:  # pragma: no cover - compiled
    """Whether the equations behind the surface point to it."""
    slope = table[switches.c + (switches.variables + int(table[ON, lane])) * (switches.order + 1) + 1, lane]
    return bool(slope * table[WENT, lane] < 0.0)


@njit(cache=True, error_model="numpy", nogil=True)
def _leaves_rest(table: Any, switches: Any, lane: int) -> bool:  # pragma: no cover - compiled
    """Whether a function that was zero moves away: its first coefficient that is not zero says where."""
    facts, leaves, rests = switches.facts, False, False
    for s in range(facts.shape[0]):
        if facts[s, LEVEL] != 0 or facts[s, HOLDS] != 0 or table[switches.mode + s, lane] != 0.0:
            continue
        rests = True
        row = switches.c + (switches.variables + s) * (switches.order + 1)
        for k in range(1, switches.order + 1):
            if table[row + k, lane] != 0.0:
                toward = 1.0 if table[row + k, lane] > 0.0 else -1.0
                table[switches.mode + s, lane], leaves = toward, True
                table[ON, lane], table[WENT, lane], table[ROOTS, lane] = float(s), toward, float(min(k, 2))
                break
    if not rests:
        table[RESTING, lane] = 0.0
    return leaves


@njit(cache=True, error_model="numpy", nogil=True)
def _note_rates(table: Any, switches: Any, lane: int) -> None:  # pragma: no cover - compiled
    """The rates on this side of the surface, and that of the switch's function."""
    rows = switches.order + 1
    for v in range(switches.variables):
        table[switches.side + v, lane] = table[switches.c + v * rows + 1, lane]
    table[SPEED, lane] = table[switches.c + (switches.variables + int(table[ON, lane])) * rows + 1, lane]


@njit(cache=True, error_model="numpy", nogil=True)
def _jump(table: Any, switches: Any, lane: int) -> None:  # pragma: no cover - compiled
    """The jump condition for every tangent vector. A surface that is only grazed is not crossed, and changes nothing."""
    s, speed, rows = int(table[ON, lane]), table[SPEED, lane], switches.order + 1
    if not speed * table[WENT, lane] > 0.0:
        return
    size = switches.variables // (1 + switches.vectors)
    for vector in range(switches.vectors):
        share = table[switches.c + switches.facts[s, GAP] + vector * rows, lane] / speed
        for v in range(size):
            change = (table[switches.c + v * rows + 1, lane] - table[switches.side + v, lane]) * share
            table[switches.y + size * (1 + vector) + v, lane] += change


@njit(cache=True, error_model="numpy", nogil=True)
def _decide(table: Any, switches: Any, lane: int) -> None:  # pragma: no cover - compiled
    """Where a lane that is in doubt ends its step, and at which switch."""
    facts, order, step = switches.facts, switches.order, table[H, lane]
    for s in range(facts.shape[0]):
        mode, level, known, went = table[switches.mode + s, lane], facts[s, LEVEL] != 0, 0, 0.0
        row = switches.c + (switches.variables + s) * (order + 1)
        if mode == 0.0 and not level:
            if facts[s, EXIT] < 0:
                continue
            row, level = switches.c + facts[s, EXIT], True
        elif table[ON, lane] == s:
            known, went = int(table[ROOTS, lane]), table[WENT, lane]
        if known == 0:
            root, side = first_crossing(table, row, lane, order, step, mode, level)
        else:
            root, side = first_return(table, row, lane, order, step, (mode, went, known), level)
        if root < step or side != 0:
            step = root
            table[FOUND, lane], table[TOWARD, lane] = float(s) if side != 0 else -1.0, float(side)
    table[H, lane] = step


@njit(cache=True, error_model="numpy", nogil=True)
def judge_turns(table: Any, switches: Any, turning: int) -> int:  # pragma: no cover - compiled
    """Decides about the lanes in doubt among these bits; the bits of lanes whose step is none, is too short, or one turn too many."""
    odd = 0
    while turning != 0:
        lane = lowest_bit(turning)
        turning &= turning - 1
        if table[DOUBT, lane] > 0.0 and table[H, lane] == table[H, lane]:
            _decide(table, switches, lane)
        turns, passes = table[FOUND, lane] >= 0.0, table[H, lane] > table[T, lane] * RESOLUTION
        if turns and not passes:
            table[STUCK, lane] += 1.0
        if not (turns or passes) or table[H, lane] != table[H, lane] or is_endless(table, lane):
            odd |= 1 << lane
    return odd


@njit(cache=True, error_model="numpy", nogil=True)
def is_endless(table: Any, lane: int) -> bool:  # pragma: no cover - compiled
    """Whether the turns of this lane are without end."""
    return bool(table[STUCK, lane] > _STUCK or table[RAPID, lane] > _RAPIDLY)


@njit(cache=True, error_model="numpy", nogil=True)
def turn_modes(table: Any, switches: Any, turning: int, attention: int) -> int:  # pragma: no cover - compiled
    """Turns the modes at which steps have ended; returns the bits of the lanes that need attention at the next step."""
    kept, bits = 0, turning | attention
    while bits != 0:
        lane = lowest_bit(bits)
        bits &= bits - 1
        if table[LIVE, lane] == 0.0:
            continue
        if (turning >> lane) & 1 and table[FOUND, lane] >= 0.0:
            _begin_turn(table, switches, lane)
        elif table[H, lane] > 0.0:
            table[ON, lane], table[STAGE, lane] = -1.0, _NONE
            if table[H, lane] > table[T, lane] * RESOLUTION:
                table[STUCK, lane] = 0.0
        if table[STAGE, lane] != _NONE or table[RESTING, lane] != 0.0:
            kept |= 1 << lane
    return kept


@njit(cache=True, error_model="numpy", nogil=True)
def _begin_turn(table: Any, switches: Any, lane: int) -> None:  # pragma: no cover - compiled
    """At the surface: what is known of the next step, and the turn itself unless tangent vectors have to be prepared for it."""
    facts, s, toward = switches.facts, int(table[FOUND, lane]), table[TOWARD, lane]
    table[LAST_STEP, lane] = 0.0  # behind a switch the rates may be others
    table[ON, lane], table[WENT, lane], table[ROOTS, lane] = float(s), toward, 1.0
    _count_turn(table, lane, toward * (s + 1.0) if facts[s, LEVEL] != 0 else 0.0)
    if table[switches.mode + s, lane] == 0.0 and facts[s, LEVEL] == 0:
        # It slid. The side that it leaves to has the same rates: the function and its slope are zero.
        table[switches.mode + s, lane], table[ROOTS, lane], table[STAGE, lane] = toward, 2.0, _DONE
    elif facts[s, GAP] >= 0:
        table[STAGE, lane] = _BEFORE_TURN
    else:
        _turn(table, switches, lane)


@njit(cache=True, error_model="numpy", nogil=True)
def _turn(table: Any, switches: Any, lane: int) -> None:  # pragma: no cover - compiled
    s, toward = int(table[ON, lane]), table[WENT, lane]
    mode = switches.mode + s
    table[mode, lane] = table[mode, lane] + toward if switches.facts[s, LEVEL] != 0 else toward
    table[STAGE, lane] = _TURNED


@njit(cache=True, error_model="numpy", nogil=True)
def _count_turn(table: Any, lane: int, level: float) -> None:  # pragma: no cover - compiled
    """Counts turns that follow each other ever faster; levels passed one after the other in one direction are not counted."""
    passed = table[T, lane] - table[TURNED_AT, lane]
    goes_on = level != 0.0 and table[LAST, lane] == level
    table[LAST, lane] = level
    if passed <= 0.0:
        return
    table[TURNED_AT, lane] = table[T, lane]
    if goes_on or not _LEAP * table[PASSED, lane] < passed < table[PASSED, lane] / _LEAP:
        table[LONGEST, lane], table[RAPID, lane] = passed, 0.0
    table[PASSED, lane] = passed
    table[LONGEST, lane] = max(table[LONGEST, lane], passed)
    table[RAPID, lane] = table[RAPID, lane] + 1.0 if passed < _SHRUNK * table[LONGEST, lane] else 0.0
