"""Poincaré sections within a step, as compiled code: does a lane cross, and where is its state when it does.

A section's functions (`expressions.section.Cut`) get Taylor coefficients of their own from those of the state, in a module of their own:
the step's code is the same whether it is cut or not, and so are its bits. `prepare` tells most lanes apart by three values and a bound on
the second derivative, and settles those that cross once; the others are marched through by `integrate/sections.py`. `settle` finds the
state by Newton's method on the section's function at the step's polynomial, and writes it: scalar code, since few lanes cross at a time."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce

from attractory.expressions.definition import Definition
from attractory.expressions.graph import Graph, Node
from attractory.expressions.section import Cut
from attractory.kernels.branches import Branched
from attractory.kernels.circles import Circles
from attractory.kernels.lanes import Lanes, Value, declarations
from attractory.kernels.machine import MachineCode, Module, Pointer, Target, kept_functions
from attractory.kernels.pointwise import emit_values
from attractory.kernels.sampling import NUMBERS
from attractory.kernels.settling import (
    COUNTED,
    LAST,
    ROWS,
    SCALE,
    SETTLE,
    SIDE,
    STEPS,
    TOLD,
    WANTED,
    WITHIN,
    Part,
    emit_settle,
    horner,
    leaf_reader,
)
from attractory.kernels.step_size import DECAY
from attractory.kernels.taylor import TaylorSeries

# Four roundings of the largest term are what rounding hides.
NOISE = 2.0**-50
PREPARE = (*SETTLE, "live", "before", "g", "found")
EXPAND = ("p", "c", "now", "g", "own", "which")
_SIGNATURES = {
    "prepare": ctypes.CFUNCTYPE(ctypes.c_int64, *[Pointer] * len(PREPARE)),
    "settle": ctypes.CFUNCTYPE(ctypes.c_int64, *[Pointer] * len(SETTLE)),
    "expand": ctypes.CFUNCTYPE(ctypes.c_int64, *[Pointer] * len(EXPAND)),
}


def trusted(order: int) -> float:
    """A series' last two terms are at most this part of the others where its signs are believed: a state's are about e^(-DECAY order)."""
    return min(2.0**-6, max(2.0**-24, round(256.0 * math.exp(-DECAY * (order - 1)), 12)))


@dataclass(frozen=True)
class SectionKernel:
    """The compiled functions for all sections of a run."""

    code: MachineCode
    sections: int
    order: int
    variables: int


@lru_cache(maxsize=64)
def section_kernel(cuts: tuple[Cut, ...], order: int, width: int, target: Target, dtype: str = "float64") -> SectionKernel:
    """Compiles the sections of a run, or finds them compiled, in this process or on the disk; their samples are of this dtype."""
    definition = _joined(cuts)
    settings = (order, width, dtype, tuple((cut.extremum, cut.sign) for cut in cuts))
    return SectionKernel(
        kept_functions(_module, definition, settings, signatures=_SIGNATURES, target=target), len(cuts), order, len(definition.variables)
    )


def _joined(cuts: Sequence[Cut]) -> Definition:
    """One graph for all, section after section, so that none shares a node with another: a section's bits are its own."""
    nodes: list[Node] = []
    roots: list[int] = []
    for cut in cuts:
        first = len(nodes)
        nodes += [node._replace(args=tuple(arg + first for arg in node.args)) for node in cut.definition.graph.nodes]
        roots += [root + first for root in cut.definition.roots]
    own = cuts[0].definition
    return Definition(
        own.name, own.kind, own.variables, own.parameters, own.values, own.initial, Graph(tuple(nodes)), tuple(roots), own.wrap
    )


def _module(definition: Definition, order: int, width: int, dtype: str, kinds: tuple[tuple[bool, int], ...]) -> Module:
    parts = [Part(place, definition.roots[4 * place : 4 * place + 4], *kind) for place, kind in enumerate(kinds)]
    text = declarations(width) + (declarations(1) if width > 1 else "") + "declare i64 @llvm.cttz.i64(i64, i1)\n"
    text += _emit_prepare(definition, order, width, parts)
    circles = Circles(definition.wrap, len(definition.variables), dtype)
    for part in parts:
        text += emit_settle(definition, order, (width, NUMBERS[dtype], circles), part) + _emit_expand(definition, order, width, part)
    text += circles.text
    return Module(text + _emit_choice("settle", SETTLE, len(parts)) + _emit_choice("expand", EXPAND, len(parts)))


def _emit_prepare(definition: Definition, order: int, width: int, parts: Sequence[Part]) -> str:
    """prepare(…) -> bits of the lanes that are left to be marched through: they may cross, or have waited too long.

    found: these bits for each section, then the bits of the lanes that have all crossings of every section. x (section): where those cross
    that certainly cross once, which are settled here. own: rows as named above, of a lane that holds another trajectory than before begun
    anew; before: as they were. end: the time of the step up to which crossings are looked for. held: the trajectory that is held, and that
    was (integers). taken, base: as the driver's, a row a section. g (section (order + 1)): the coefficients of each section's function.
    told: as named above.
    """
    lanes = Lanes(width)
    held, was = (lanes.load_integers("%held", row) for row in range(2))
    lanes.store_integers(held, "%held", 1)
    lanes.store(lanes.load("%h", 0), "%end", 0)
    fresh, live = lanes.compare_integers("ne", held, was), lanes.compare("ogt", lanes.load("%live", 0), lanes.constant(0.0))
    left, full = [], []
    for part in parts:
        candidate, once = _emit_look(lanes, definition, order, part, (fresh, live))
        _settle_each(lanes, part.place, lanes.packed(once))
        slow = lanes.packed(lanes.logic("and", candidate, lanes.invert(once)))
        lanes.lines.append(f"  store i64 {slow}, ptr {lanes.emit(f'getelementptr i64, ptr %found, i64 {part.place}')}")
        left.append(slow)
    for part in parts:
        wanted = lanes.splat(lanes.load_number("%told", TOLD * part.place + WANTED))
        full.append(lanes.compare("oge", lanes.load("%taken", part.place), wanted))
    complete = lanes.packed(reduce(lambda a, b: lanes.logic("and", a, b), full))
    lanes.lines.append(f"  store i64 {complete}, ptr {lanes.emit(f'getelementptr i64, ptr %found, i64 {len(parts)}')}")
    return lanes.returning("prepare", PREPARE, reduce(lambda a, b: lanes.emit(f"or i64 {a}, {b}"), left))


def _emit_look(lanes: Lanes, definition: Definition, order: int, part: Part, state: tuple[Value, Value]) -> tuple[Value, Value]:
    """(whether a lane may cross the section or has waited too long; whether it certainly crosses once)."""
    fresh, live = state
    own = _own_rows(lanes, part.place, fresh)
    wanted = lanes.splat(lanes.load_number("%told", TOLD * part.place + WANTED))
    wanting = lanes.logic("and", live, lanes.compare("olt", lanes.load("%taken", part.place), wanted))
    rows, scale = _emit_function(lanes, definition, order, part)
    candidate, once = _may_cross(lanes, rows, scale, own[SIDE], part.place)
    waited = _has_waited(lanes, own, part.place)
    once = lanes.logic("and", once, lanes.invert(waited))
    return lanes.logic("and", lanes.logic("or", candidate, waited), wanting), lanes.logic("and", once, wanting)


def _emit_function(lanes: Lanes, definition: Definition, order: int, part: Part) -> tuple[list[Value], Value]:
    """(the coefficients of a section's function, kept in g; what a rounding changes it by, kept in own)."""
    rows = _emit_series(lanes, definition, part.roots[0], order, part.extremum)
    for k, value in enumerate(rows):
        lanes.store(value, "%g", part.place * (order + 1) + k)
    leaf = leaf_reader(lanes, lambda v: lanes.load("%c", v * (order + 1)), None)
    scale = emit_values(lanes, definition.graph.nodes, [part.roots[3]], leaf)[part.roots[3]]
    lanes.store(scale, "%own", ROWS * part.place + SCALE)
    return rows, scale


def _emit_expand(definition: Definition, order: int, width: int, part: Part) -> str:
    """expand(…): the coefficients of a section's function from those of the state at another time of the step."""
    lanes = Lanes(width)
    _emit_function(lanes, definition, order, part)
    return lanes.returning(f"expand{part.place}", EXPAND, "0")


def _settle_each(lanes: Lanes, place: int, bits: Value) -> None:
    """Settles the section's crossing in the lanes in these bits."""
    again, do, done = lanes.labels("again", "do", "done")
    entry = lanes.labels("entry")[0]
    lanes.begin(entry)
    lanes.begin(again)
    todo = f"%{again}.todo"
    lanes.lines.append(f"  {todo} = phi i64 [ {bits}, %{entry} ], [ %{do}.rest, %{do} ]")
    none = lanes.emit(f"icmp eq i64 {todo}, 0")
    lanes.lines.append(f"  br i1 {none}, label %{done}, label %{do}")
    lanes.begin(do, falls_through=False)
    lane = lanes.emit(f"call i64 @llvm.cttz.i64(i64 {todo}, i1 true)")
    lanes.lines.append(f"  %{do}.rest = and i64 {todo}, {lanes.emit(f'add i64 {todo}, -1')}")
    lanes.lines.append(f"  store i64 {lane}, ptr {lanes.emit('getelementptr i64, ptr %which, i64 1')}")
    lanes.emit(f"call i64 @settle{place}({', '.join(f'ptr %{name}' for name in SETTLE)})")
    lanes.lines.append(f"  br label %{again}")
    lanes.begin(done, falls_through=False)


def _own_rows(lanes: Lanes, place: int, fresh: Value) -> list[Value]:
    """The side, the last time and the last count of a section, kept as they are before the step."""
    rows = []
    for row in range(ROWS * place, ROWS * place + SCALE):
        value = lanes.select(fresh, lanes.constant(0.0), lanes.load("%own", row))
        lanes.store(value, "%own", row)
        lanes.store(value, "%before", row)
        rows.append(value)
    return rows


def _emit_series(lanes: Lanes, definition: Definition, root: int, order: int, extremum: bool) -> list[Value]:
    """The coefficients 0 to order of a section's function, from those of the state."""
    graph = _analytic(definition.graph, root)
    series = TaylorSeries(lanes, graph, leaf_reader(lanes, lambda v: lanes.load("%c", v * (order + 1)), None))
    variables = {node.place: index for index, node in enumerate(graph.nodes) if node.op == "variable" and index in series.needed}
    for k in range(order + 1):
        for variable, index in variables.items():
            series.table[index].append(lanes.load("%c", variable * (order + 1) + k))
        series.extend(k)
    (top,) = graph.roots
    rows = [lanes.constant(0.0) if value is None else value for value in series.table[top]]
    if not extremum:
        return rows
    return [*(lanes.mul(rows[k], lanes.constant(float(k))) for k in range(1, order + 1)), lanes.constant(0.0)]


def _analytic(graph: Graph, root: int) -> Branched:
    """The graph as a series reads it: `cut` has refused switches."""
    moving: list[bool] = []
    for op, args, _ in graph.nodes:
        moving.append(op in ("variable", "time") or any(moving[argument] for argument in args))
    return Branched(graph.nodes, (root,), (), tuple(moving))


def _may_cross(lanes: Lanes, rows: Sequence[Value], scale: Value, side: Value, place: int) -> tuple[Value, Value]:
    """(unless three values lie on the trajectory's side by more than the function can bend between them, NaN included; whether it goes over
    once, its slope being larger than what it can change by). x gets a guess."""
    h, half = lanes.load("%h", 0), lanes.constant(0.5)
    middle = lanes.mul(h, half)
    noise, bend, good = _bounds(lanes, rows, scale, h)
    margin = lanes.fma(lanes.mul(bend, lanes.mul(h, h)), lanes.constant(1.0 / 32.0), noise)
    value, slope = _value_and_slope(lanes, rows, middle)
    first, inner, last = (lanes.mul(side, number) for number in (rows[0], value, horner(lanes, rows, h)))
    clear = [good, *(lanes.compare("ogt", number, margin) for number in (first, inner, last))]
    once = lanes.compare("ogt", lanes.intrinsic("fabs", slope), lanes.mul(bend, middle))
    once = lanes.logic("and", lanes.logic("and", once, good), lanes.compare("ogt", first, noise))
    once = lanes.logic("and", once, lanes.compare("olt", last, lanes.neg(noise)))
    late = lanes.compare("ogt", inner, lanes.constant(0.0))
    left, right = lanes.select(late, inner, first), lanes.select(late, last, inner)
    guess = lanes.mul(middle, lanes.div(left, lanes.sub(left, right)))
    lanes.store(lanes.add(guess, lanes.select(late, middle, lanes.constant(0.0))), "%x", place)
    return lanes.invert(reduce(lambda a, b: lanes.logic("and", a, b), clear)), once


def _bounds(lanes: Lanes, rows: Sequence[Value], scale: Value, h: Value) -> tuple[Value, Value, Value]:
    """(what rounding hides, the largest second derivative, whether the series is trusted) over the step."""
    order = len(rows) - 1
    sizes = [lanes.intrinsic("fabs", row) for row in rows]
    bend, reach = lanes.mul(sizes[order], lanes.constant(float(order * (order - 1)))), sizes[order]
    last, power = lanes.constant(0.0), h
    for k in range(order - 1, 0, -1):
        reach = lanes.fma(reach, h, sizes[k])
        last = reach if k == order - 1 else last
        power = lanes.mul(power, h) if k < order - 1 else power
        if k > 1:
            bend = lanes.fma(bend, h, lanes.mul(sizes[k], lanes.constant(float(k * (k - 1)))))
    all_terms = lanes.add(lanes.fma(reach, h, sizes[0]), scale)
    good = lanes.compare("ole", lanes.mul(last, power), lanes.mul(all_terms, lanes.constant(trusted(order))))
    return lanes.mul(all_terms, lanes.constant(NOISE)), bend, good


def _has_waited(lanes: Lanes, own: Sequence[Value], place: int) -> Value:
    within, most = (lanes.splat(lanes.load_number("%told", TOLD * place + number)) for number in (WITHIN, STEPS))
    time = lanes.sub(lanes.add(lanes.load("%t", 0), lanes.load("%h", 0)), own[LAST])
    steps = lanes.sub(lanes.load("%count", 0), own[COUNTED])
    return lanes.logic("or", lanes.compare("ogt", time, within), lanes.compare("ogt", steps, most))


def _value_and_slope(lanes: Lanes, rows: Sequence[Value], x: Value) -> tuple[Value, Value]:
    value, slope = rows[-1], lanes.constant(0.0)
    for row in reversed(rows[:-1]):
        slope = lanes.fma(slope, x, value)
        value = lanes.fma(value, x, row)
    return value, slope


def _emit_choice(name: str, arguments: Sequence[str], sections: int) -> str:
    """name(…): the function of the section that which[0] holds the number of."""
    pointers = ", ".join(f"ptr %{argument}" for argument in arguments)
    others = " ".join(f"i64 {place}, label %section{place}" for place in range(1, sections))
    lines = [
        f"define i64 @{name}({pointers}) {{",
        "  %number = load i64, ptr %which",
        f"  switch i64 %number, label %section0 [ {others} ]",
    ]
    for place in range(sections):
        lines += [f"section{place}:", f"  %code{place} = call i64 @{name}{place}({pointers})", f"  ret i64 %code{place}"]
    return "\n".join([*lines, "}", ""])
