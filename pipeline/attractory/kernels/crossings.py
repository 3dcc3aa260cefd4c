"""Where a step ends because a switch turns, for all lanes at once, as vector code.

The Taylor polynomial of a switch's function over the step is written in Bernstein's basis, whose coefficients enclose it: all of them above
zero, and the mode holds; one change of sign, and there is exactly one root (Descartes' rule; Farin, Curves and Surfaces for CAGD, 2002,
section 6.9), which Newton's method finds between bounds that it keeps. What is neither, as a graze is or a way there and back within one
step, is doubtful: the driver looks at it lane by lane (`integrate/crossings.py`)."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb
from typing import NamedTuple

from attractory.kernels.lanes import Lanes, Value, row_pointer
from attractory.kernels.loops import Tables, emit_each, emit_members, times
from attractory.kernels.step_size import step_from_norms

# Coefficients this close to zero, relative to the sum of all terms, say nothing: the rounding of some hundred additions.
_UNCERTAIN = 2.0**-46
# The degree in Bernstein's basis; what higher terms of the series may add, some 1e-8 of the first ones, counts as uncertain too.
_DEGREE = 10
# Newton's method from the control polygon needs four or five steps, more where the root is very near to the beginning. Where roundings keep
# it from standing still, it ends after so many.
_NEWTON, _STILL = 48, 2.0**-51
# Rows of what is found: the switch that ends the step or -1, where it goes, and whether the lane is in doubt.
FOUND, TOWARD, DOUBT = range(3)
# Rows of what is known: the switch whose surface the lane starts on or -1, where it went, and how many roots lie there.
ON, WENT, ROOTS = range(3)


class Watched(NamedTuple):
    """A mode to be watched: the row of its function's coefficients, and its place among the modes."""

    row: int
    place: int


class Watch(NamedTuple):
    """All that is watched: signs, integers, and the functions of modes that slide."""

    signs: tuple[Watched, ...]
    levels: tuple[Watched, ...]
    exits: tuple[Watched, ...]


def emit_crossings(width: int, order: int, variables: int, watch: Watch) -> str:
    """crossings(c, m, h, known, found, work) -> bits of the lanes that the driver has to look at.

    h is first shortened to where the functions' own series hold, since a function of the time may turn much faster than any variable; then
    to the first root of a switch, and rows of found say which. A mode that slides does so as long as the function of its exit lies between
    0 and 1. A function that is no number makes h none. work: order + 1 rows of scratch.
    """
    lanes, tables = Lanes(width), Tables()
    minus, zero = lanes.constant(-1.0), lanes.constant(0.0)
    for row, value in ((FOUND, minus), (TOWARD, zero), (DOUBT, zero)):
        lanes.store(value, "%found", row)
    if any(watch):
        _limit_step(lanes, tables, order, variables, watch)
    emit_members(lanes, tables, watch.signs, lambda rows: _sign(lanes, order, rows))
    emit_members(lanes, tables, watch.levels, lambda rows: _level(lanes, order, rows, sliding=False))
    emit_members(lanes, tables, watch.exits, lambda rows: _level(lanes, order, rows, sliding=True))
    turns = lanes.compare("oge", lanes.load("%found", FOUND), zero)
    doubtful = lanes.compare("ogt", lanes.load("%found", DOUBT), zero)
    h = lanes.load("%h", 0)
    odd = lanes.logic("or", lanes.logic("or", turns, doubtful), lanes.compare("uno", h, h))
    body = lanes.returning("crossings", ["c", "m", "h", "known", "found", "work"], lanes.packed(odd))
    return "".join(line.replace("@table", "@modes") for line in tables.text) + body.replace("@table", "@modes")


def _limit_step(lanes: Lanes, tables: Tables, order: int, variables: int, watch: Watch) -> None:
    """h is at most what the last two coefficients of the functions allow, by the rule for the state and on its scale."""
    zero, h = lanes.constant(0.0), lanes.load("%h", 0)
    for row in range(3):
        lanes.store(zero, "%work", row)
    emit_each(lanes, variables, lambda number: _widen(lanes, order, times(lanes, number, order + 1), (0,), None))
    for watched in (watch.signs, watch.levels):
        emit_members(lanes, tables, watched, lambda rows: _widen(lanes, order, rows[0], (0, order - 1, order), None))
    emit_members(lanes, tables, watch.exits, lambda rows: _widen(lanes, order, rows[0], (0, order - 1, order), rows[1]))
    allowed = step_from_norms(lanes, [lanes.load("%work", row) for row in range(3)], order)
    less = lanes.logic("and", lanes.compare("olt", allowed, h), lanes.compare("ogt", allowed, zero))
    lanes.store(lanes.select(less, allowed, h), "%h", 0)


def _widen(lanes: Lanes, order: int, row: Value, orders: tuple[int, ...], mode: Value | None) -> None:
    """The norms in work, with the coefficients of one more row; of a mode that slides only while it does."""
    series = row_pointer(lanes, "%c", row)
    for place, k in enumerate(orders):
        size = lanes.intrinsic("fabs", lanes.load(series, k))
        if mode is not None:
            slides = lanes.compare("oeq", lanes.load(row_pointer(lanes, "%m", mode), 0), lanes.constant(0.0))
            size = lanes.select(slides, size, lanes.constant(0.0))
        lanes.store(lanes.intrinsic("maxnum", lanes.load("%work", place), size), "%work", place)


class _Question(NamedTuple):
    """When does factor * polynomial + shift fall below zero, in the lanes that ask? `toward`: where the mode goes then. `known`: how many
    roots at the beginning of the step are no answer, as a number."""

    row: Value
    place: Value
    factor: Value
    shift: Value
    toward: Value
    asks: Value
    known: Value


def _sign(lanes: Lanes, order: int, rows: list[Value]) -> None:
    row, place = rows
    mode = lanes.load(row_pointer(lanes, "%m", place), 0)
    asks = lanes.logic("and", _moves(lanes), lanes.compare("une", mode, lanes.constant(0.0)))
    known = _known(lanes, place, asks)
    _answer(lanes, order, _Question(row, place, mode, lanes.constant(0.0), lanes.neg(mode), asks, known))


def _level(lanes: Lanes, order: int, rows: list[Value], *, sliding: bool) -> None:
    """The mode holds while 0 <= polynomial - mode < 1; of a mode that slides, the number is 0."""
    row, place = rows
    mode = lanes.load(row_pointer(lanes, "%m", place), 0)
    one, zero, minus = lanes.constant(1.0), lanes.constant(0.0), lanes.constant(-1.0)
    asks = _moves(lanes)
    if sliding:
        asks = lanes.logic("and", asks, lanes.compare("oeq", mode, zero))
    known = zero if sliding else _known(lanes, place, asks)
    went = lanes.load("%known", WENT)
    for factor, shift, below in ((one, lanes.neg(mode), "ogt"), (minus, lanes.add(mode, one), "olt")):
        own = lanes.select(lanes.compare(below, went, zero), known, zero)
        _answer(lanes, order, _Question(row, place, factor, shift, lanes.neg(factor), asks, own))


def _moves(lanes: Lanes) -> Value:
    return lanes.compare("ogt", lanes.load("%h", 0), lanes.constant(0.0))


def _known(lanes: Lanes, place: Value, asks: Value) -> Value:
    """How many roots the function has at the beginning of the step."""
    own = lanes.compare("oeq", lanes.load("%known", ON), _number(lanes, place))
    return lanes.select(lanes.logic("and", own, asks), lanes.load("%known", ROOTS), lanes.constant(0.0))


def _number(lanes: Lanes, place: Value) -> Value:
    return lanes.splat(lanes.emit(f"uitofp i64 {place} to double"))


def _answer(lanes: Lanes, order: int, question: _Question) -> None:
    """Shortens h and writes to found where there is a root, or where there is doubt."""
    terms, first, rest = _scaled_terms(lanes, order, question)
    certain = lanes.logic("or", lanes.compare("ogt", first, rest), lanes.invert(question.asks))
    open_, look, done = lanes.labels("open", "look", "done")
    lanes.begin(look)
    lanes.lines.append(f"  br i1 {lanes.any(lanes.invert(certain))}, label %{open_}, label %{done}")
    lanes.begin(open_, falls_through=False)
    one, doubtful, guess = _count_roots(lanes, order, terms, lanes.add(lanes.intrinsic("fabs", first), rest))
    unsure = lanes.logic("or", doubtful, lanes.compare("ogt", question.known, lanes.constant(1.0)))
    unsure = lanes.logic("and", unsure, lanes.invert(certain))
    one = lanes.logic("and", lanes.logic("and", one, lanes.invert(certain)), lanes.invert(unsure))
    lanes.store(lanes.select(unsure, lanes.constant(1.0), lanes.load("%found", DOUBT)), "%found", DOUBT)
    _shorten(lanes, order, question, one, guess)
    lanes.begin(done)


def _scaled_terms(lanes: Lanes, order: int, question: _Question) -> tuple[list[Value], Value, Value]:
    """(the terms of the polynomial on [0, 1], less a known root; the first; the sum of the sizes of all others); the terms go to work too.

    Where the function is no number, h becomes none.
    """
    h, zero = lanes.load("%h", 0), lanes.constant(0.0)
    series = row_pointer(lanes, "%c", question.row)
    reduced = lanes.compare("oeq", question.known, lanes.constant(1.0))
    power, plain = question.factor, []
    for k in range(order + 1):
        plain.append(lanes.mul(power, lanes.load(series, k)))
        power = lanes.mul(power, h)
    plain[0] = lanes.add(plain[0], question.shift)
    lost = lanes.logic("and", lanes.compare("uno", plain[0], plain[0]), question.asks)
    lanes.store(lanes.select(lost, lanes.constant(float("nan")), h), "%h", 0)
    terms = [lanes.select(reduced, later, own) for own, later in zip(plain, [*plain[1:], zero], strict=True)]
    rest = zero
    for k, term in enumerate(terms):
        lanes.store(term, "%work", k)
        rest = lanes.add(rest, lanes.intrinsic("fabs", term)) if k else rest
    return terms, terms[0], rest


def _count_roots(lanes: Lanes, order: int, terms: Sequence[Value], size: Value) -> tuple[Value, Value, Value]:
    """(whether there is exactly one root, whether that is in doubt, where the control polygon crosses zero), by lane."""
    degree = min(order, _DEGREE)
    margin = lanes.mul(size, lanes.constant(_UNCERTAIN))
    for term in terms[degree + 1 :]:
        margin = lanes.add(margin, lanes.intrinsic("fabs", term))
    below = lanes.neg(margin)
    points = _bernstein(lanes, terms[: degree + 1])
    crossed = lanes.compare("ule", points[0], margin)
    doubtful, before, after, place = crossed, points[0], points[0], lanes.constant(0.0)
    for j in range(1, degree + 1):
        turns = lanes.logic("and", lanes.compare("ole", points[j], margin), lanes.invert(crossed))
        before, after = lanes.select(turns, points[j - 1], before), lanes.select(turns, points[j], after)
        place = lanes.select(turns, lanes.constant(j - 1.0), place)
        back = lanes.logic("and", crossed, lanes.compare("uge", points[j], below))
        doubtful = lanes.logic("or", doubtful, back)
        crossed = lanes.logic("or", crossed, turns)
    doubtful = lanes.logic("or", doubtful, lanes.logic("and", crossed, lanes.compare("uge", points[-1], below)))
    guess = lanes.add(place, lanes.div(before, lanes.sub(before, after)))
    return crossed, doubtful, lanes.mul(guess, lanes.constant(1.0 / degree))


def _bernstein(lanes: Lanes, terms: Sequence[Value]) -> list[Value]:
    """The coefficients in Bernstein's basis on [0, 1]: sums of terms over binomial coefficients, as in Pascal's triangle."""
    degree = len(terms) - 1
    points = [term if k in (0, degree) else lanes.mul(term, lanes.constant(1.0 / comb(degree, k))) for k, term in enumerate(terms)]
    for first in range(1, degree + 1):
        for j in range(degree, first - 1, -1):
            points[j] = lanes.add(points[j], points[j - 1])
    return points


def _shorten(lanes: Lanes, order: int, question: _Question, one: Value, guess: Value) -> None:
    """Newton's method in the lanes that have exactly one root, between bounds; h ends there."""
    begin, loop, after = lanes.labels("begin", "newton", "after")
    zero, half = lanes.constant(0.0), lanes.constant(0.5)
    lanes.begin(begin)
    lanes.lines.append(f"  br i1 {lanes.any(one)}, label %{loop}, label %{after}")
    lanes.begin(loop, falls_through=False)
    s, low, high, todo, count = (f"%{loop}.{name}" for name in ("s", "low", "high", "todo", "count"))
    head = len(lanes.lines)
    value, slope = lanes.load("%work", order), zero
    for k in range(order - 1, -1, -1):
        slope = lanes.fma(slope, s, value)
        value = lanes.fma(value, s, lanes.load("%work", k))
    above = lanes.compare("ogt", value, zero)
    new_low, new_high = lanes.select(above, s, low), lanes.select(above, high, s)
    next_s = lanes.sub(s, lanes.div(value, slope))
    inside = lanes.logic("and", lanes.compare("oge", next_s, new_low), lanes.compare("ole", next_s, new_high))
    next_s = lanes.select(inside, next_s, lanes.mul(half, lanes.add(new_low, new_high)))
    next_s = lanes.select(todo, next_s, s)
    moved = lanes.intrinsic("fabs", lanes.sub(next_s, s))
    still = lanes.compare("ole", moved, lanes.mul(lanes.constant(_STILL), next_s))
    next_todo = lanes.logic("and", todo, lanes.invert(still))
    next_count = lanes.emit(f"add i64 {count}, 1")
    few = lanes.emit(f"icmp ult i64 {next_count}, {_NEWTON}")
    more = lanes.emit(f"and i1 {few}, {lanes.any(next_todo)}")
    kinds = {s: (lanes.vector, guess, next_s), low: (lanes.vector, zero, new_low), high: (lanes.vector, lanes.constant(1.0), new_high),
             todo: (lanes.booleans, one, next_todo), count: ("i64", "0", next_count)}  # fmt: skip
    lanes.lines[head:head] = [
        f"  {name} = phi {kind} [ {first}, %{begin} ], [ {new}, %{loop} ]" for name, (kind, first, new) in kinds.items()
    ]
    out = lanes.labels("found")[0]
    lanes.lines.append(f"  br i1 {more}, label %{loop}, label %{out}")
    lanes.begin(out, falls_through=False)
    _keep(lanes, question, one, next_s)
    lanes.begin(after)


def _keep(lanes: Lanes, question: _Question, one: Value, s: Value) -> None:
    h = lanes.load("%h", 0)
    lanes.store(lanes.select(one, lanes.mul(s, h), h), "%h", 0)
    lanes.store(lanes.select(one, _number(lanes, question.place), lanes.load("%found", FOUND)), "%found", FOUND)
    lanes.store(lanes.select(one, question.toward, lanes.load("%found", TOWARD)), "%found", TOWARD)
