"""Where a trajectory crosses a section within a step: scalar code for one lane, by Newton's method on the section's function.

The function is taken at the state that the step's polynomial has there, so that the crossing found is the section's own, not that of a
series of its function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from attractory.expressions.definition import Definition
from attractory.expressions.graph import Node
from attractory.kernels.circles import Circles
from attractory.kernels.lanes import Lanes, Value, row_pointer
from attractory.kernels.loops import times
from attractory.kernels.pointwise import emit_values

# Rows of a section's own numbers: the side of the section (-1, 1; 0 before it has left it), the time of the last crossing, the count of
# steps then; and of this step, what a rounding of the state changes its function by, in roundings.
SIDE, LAST, COUNTED, SCALE, ROWS = range(5)
# What a section is told: the longest time and the most steps from one crossing to the next, how many crossings are wanted; how far rows of
# samples are apart, and where its times (trajectory, time) begin.
WITHIN, STEPS, WANTED, ROW, SPOT, TOLD = range(6)
# How a crossing was settled.
LATER, TURNED, LATE = range(3)
# Newton's steps from a guess that is off by a quarter of a step at most, where the slope changes by less than itself: 2^-2, 2^-4, …, 2^-64.
_NEWTON = 5
# A crossing may lie this part of a step outside: the series' root and the function's differ by the tolerance.
_BEYOND = 0.0625
SETTLE = ("p", "c", "now", "h", "t", "low", "count", "end", "x", "held", "taken", "base", "own", "told", "out", "times", "which", "start")


@dataclass(frozen=True)
class Part:
    """One section of a module: its number, its roots as `Cut` has them, whether it is an extremum, and its sign."""

    place: int
    roots: tuple[int, ...]
    extremum: bool
    sign: int


class _OneLane(Lanes):
    """One lane of arrays of `stride` lanes; pointers are those to its own numbers."""

    stride: int = 1

    def load(self, pointer: str, index: int) -> Value:
        place = self.emit(f"getelementptr double, ptr {pointer}, i64 {index * self.stride}")
        return self.emit(f"load {self.vector}, ptr {place}, align 8")

    def store(self, value: Value, pointer: str, index: int) -> None:
        place = self.emit(f"getelementptr double, ptr {pointer}, i64 {index * self.stride}")
        self.lines.append(f"  store {self.vector} {value}, ptr {place}, align 8")

    def scalar(self, value: Value) -> Value:
        return self.emit(f"extractelement {self.vector} {value}, i64 0")

    def whole(self, value: Value) -> Value:
        """An i64."""
        return self.emit(f"fptosi double {self.scalar(value)} to i64")


def emit_settle(definition: Definition, order: int, form: tuple[int, str, Circles], part: Part) -> str:
    """settle(…) -> how the crossing near x of the lane which[1] was settled.

    LATER where the function's own zero lies beyond the end; else the lane is on the other side, and where the crossing goes the
    section's way, its state and time are written, unless it comes LATE.
    """
    width, number, circles = form
    lanes = _OneLane(1)
    lanes.stride = width
    lane = lanes.emit(f"load i64, ptr {lanes.emit('getelementptr i64, ptr %which, i64 1')}")
    lanes.lines += [f"  %own.{name} = getelementptr double, ptr %{name}, i64 {lane}" for name in (*SETTLE[:13], "start")]
    x, own = _emit_zero(lanes, definition, order, part), ROWS * part.place
    lanes.store(x, "%own.x", part.place)
    _branch(lanes, lanes.compare("ogt", x, lanes.load("%own.end", 0)), f"ret i64 {LATER}")
    side = lanes.neg(lanes.load("%own.own", own + SIDE))
    lanes.store(side, "%own.own", own + SIDE)
    against = lanes.compare("olt", lanes.mul(side, lanes.constant(float(part.sign))), lanes.constant(0.0))
    _branch(lanes, against, f"ret i64 {TURNED}")
    time = lanes.add(lanes.load("%own.t", 0), lanes.add(lanes.load("%own.low", 0), x))
    within, row, spot, wanted = (lanes.load_number("%told", TOLD * part.place + number) for number in (WITHIN, ROW, SPOT, WANTED))
    since = lanes.sub(time, lanes.load("%own.own", own + LAST))
    _branch(lanes, lanes.compare("ogt", since, lanes.splat(within)), f"ret i64 {LATE}")
    taken = lanes.load("%own.taken", part.place)
    n = lanes.whole(taken)
    _write_state(lanes, (order, number, circles), x, (row, n, part.place))
    trajectory = lanes.emit("load i64, ptr %own.held")
    spot, wanted = (lanes.emit(f"fptosi double {number} to i64") for number in (spot, wanted))
    before = lanes.emit(f"mul i64 {trajectory}, {wanted}")
    index = lanes.emit(f"add i64 {spot}, {lanes.emit(f'add i64 {n}, {before}')}")
    lanes.lines.append(f"  store double {lanes.scalar(time)}, ptr {lanes.emit(f'getelementptr double, ptr %times, i64 {index}')}")
    lanes.store(time, "%own.own", own + LAST)
    lanes.store(lanes.load("%own.count", 0), "%own.own", own + COUNTED)
    lanes.store(lanes.add(taken, lanes.constant(1.0)), "%own.taken", part.place)
    return lanes.returning(f"settle{part.place}", SETTLE, str(TURNED))


def _branch(lanes: _OneLane, condition: Value, ending: str) -> None:
    """Ends the function where a condition holds."""
    leave, stay = lanes.labels("leave", "stay")
    bit = lanes.emit(f"extractelement {lanes.booleans} {condition}, i64 0")
    lanes.lines += [f"  br i1 {bit}, label %{leave}, label %{stay}", f"{leave}:", f"  {ending}"]
    lanes.begin(stay, falls_through=False)


def _write_state(lanes: _OneLane, kind: tuple[int, str, Circles], x: Value, at: tuple[Value, Value, int]) -> None:
    """Sample n, the state at the time x of the step."""
    (order, number, circles), (row, n, place) = kind, at
    base = lanes.emit(f"load i64, ptr {lanes.emit(f'getelementptr double, ptr %own.base, i64 {place * lanes.stride}')}")
    first = lanes.emit(f"add i64 {base}, {n}")
    step = lanes.emit(f"fptosi double {row} to i64")

    def other(variable: Value) -> None:
        series = row_pointer(lanes, "%own.c", times(lanes, variable, (order + 1) * lanes.stride))
        write(variable, horner(lanes, [lanes.load(series, k) for k in range(order + 1)], x))

    def on_circle(variable: Value, circle: Value) -> None:
        series = row_pointer(lanes, "%own.c", times(lanes, variable, (order + 1) * lanes.stride))
        rise = horner(lanes, [lanes.load(series, k) for k in range(1, order + 1)], x)
        start = row_pointer(lanes, "%own.start", times(lanes, variable, 2 * lanes.stride))
        write(variable, circles.sample(lanes, circle, (lanes.load(start, 0), lanes.load(start, 1)), (rise, x)))

    def write(variable: Value, state: Value) -> None:
        value = lanes.scalar(state)
        if number == "float":
            value = lanes.emit(f"fptrunc double {value} to float")
        index = lanes.emit(f"add i64 {first}, {lanes.emit(f'mul i64 {step}, {variable}')}")
        lanes.lines.append(f"  store {number} {value}, ptr {lanes.emit(f'getelementptr {number}, ptr %out, i64 {index}')}")

    circles.each(lanes, other, on_circle)


def _emit_zero(lanes: _OneLane, definition: Definition, order: int, part: Part) -> Value:
    """The zero of the section's function near x. A step of Newton's is taken where the function gets smaller by it and x stays within the
    step, or nearly."""
    h, x = lanes.load("%own.h", 0), lanes.load("%own.x", part.place)
    lowest, highest = lanes.mul(h, lanes.constant(-_BEYOND)), lanes.mul(h, lanes.constant(1.0 + _BEYOND))
    value, rate = _at(lanes, definition, order, part.roots, x)
    for _ in range(_NEWTON):
        moved = lanes.sub(x, lanes.div(value, rate))
        moved = lanes.select(lanes.compare("oge", moved, lowest), moved, x)
        moved = lanes.select(lanes.compare("ole", moved, highest), moved, x)
        other, slope = _at(lanes, definition, order, part.roots, moved)
        better = lanes.compare("olt", lanes.intrinsic("fabs", other), lanes.intrinsic("fabs", value))
        x, value, rate = (lanes.select(better, new, old) for new, old in ((moved, x), (other, value), (slope, rate)))
    return x


def _at(lanes: Lanes, definition: Definition, order: int, roots: Sequence[int], x: Value) -> tuple[Value, Value]:
    """The section's function and its rate at the time x of the step, from the state there."""
    known: dict[int, Value] = {}

    def state(variable: int) -> Value:
        if variable not in known:
            known[variable] = horner(lanes, [lanes.load("%own.c", variable * (order + 1) + k) for k in range(order + 1)], x)
        return known[variable]

    now = lanes.add(lanes.load("%own.now", 0), x)
    values = emit_values(lanes, definition.graph.nodes, roots[1:3], leaf_reader(lanes, state, now, "%own.p"))
    return values[roots[1]], values[roots[2]]


def leaf_reader(lanes: Lanes, state: Callable[[int], Value], now: Value | None, parameters: str = "%p") -> Callable[[Node], Value]:
    """How nodes are read within a step, or at the time `now`."""

    def leaf(node: Node) -> Value:
        if node.op == "variable":
            return state(node.place)
        if node.op == "parameter":
            return lanes.load(parameters, node.place)
        return lanes.load("%now", 0) if now is None else now

    return leaf


def horner(lanes: Lanes, rows: Sequence[Value], x: Value) -> Value:
    value = rows[-1]
    for row in reversed(rows[:-1]):
        value = lanes.fma(value, x, row)
    return value
