"""Samples within a step, evaluated and written where they belong, as vector code.

Sample n of a granularity belongs to the step that begins at t + t_low if x = (n dt - t) - t_low is at most h; it is the polynomial's value
at x by Horner's rule. There are two ways to make it, with the same bits: one sample of all lanes at once, the better where few lanes have
a second one in the same step, and several samples of one lane at once, which lie side by side in memory. The kernel takes whichever is
quicker for the samples that are due.

Memory is (trajectory, variable, time) in double or single precision: `base` holds for each lane where its trajectory's first variable
begins, counted in numbers from `out`; grid = (dt, number of samples, numbers from one variable's row to the next).
"""

from __future__ import annotations

from dataclasses import dataclass

from attractory.kernels.circles import Circles
from attractory.kernels.lanes import Lanes, Value, row_pointer
from attractory.kernels.loops import emit_each, times

# Samples of one lane that are made at once.
TIMES = 8
# One lane at a time pays when half of them have this many samples in their step: measured with three and four variables.
MANY = 4
# Adding 2**52 to a whole number leaves it in the low bits.
_WHOLE = 2.0**52
_WHOLE_BITS = 0x4330000000000000
_LINE = 64  # bytes of a cache line
NUMBERS = {"float64": "double", "float32": "float"}


def emit_sampling(width: int, order: int, dtype: str, circles: Circles) -> str:
    """The function `samples`, and `scatter`, which `write_due` calls."""
    number = NUMBERS[dtype]
    kind, single = f"<{TIMES} x double>", f"<{TIMES} x {number}>"
    text = "declare i64 @llvm.ctpop.i64(i64)\ndeclare i64 @llvm.cttz.i64(i64, i1)\ndeclare void @llvm.prefetch.p0(ptr, i32, i32, i32)\n"
    if width != TIMES:
        text += f"declare {kind} @llvm.fma.v{TIMES}f64({kind}, {kind}, {kind})\n"
    text += f"declare void @llvm.masked.store.v{TIMES}f{64 if number == 'double' else 32}.p0({single}, ptr, i32, <{TIMES} x i1>)\n"
    return text + _emit_scatter(width, circles.variables, number) + _emit_samples(width, order, number, circles)


def next_sample(lanes: Lanes) -> tuple[Value, Value, Value]:
    """(n, the time of sample n within the step, whether it is due), as `samples` reads them."""
    n = lanes.load("%n", 0)
    x = time_within_step(lanes, n)
    return n, x, is_due(lanes, n, x)


def time_within_step(lanes: Lanes, n: Value) -> Value:
    dt = lanes.splat(lanes.load_number("%grid", 0))
    return lanes.sub(lanes.sub(lanes.mul(n, dt), lanes.load("%t", 0)), lanes.load("%low", 0))


def is_due(lanes: Lanes, n: Value, x: Value) -> Value:
    count = lanes.splat(lanes.load_number("%grid", 1))
    return lanes.logic("and", lanes.compare("ole", x, lanes.load("%h", 0)), lanes.compare("olt", n, count))


def few_have_many(lanes: Lanes, n: Value) -> Value:
    """Whether so few lanes have many samples in this step that one sample of all lanes is the better way."""
    later = lanes.add(n, lanes.constant(MANY - 1.0))
    bits = lanes.packed(is_due(lanes, later, time_within_step(lanes, later)))
    having = lanes.emit(f"call i64 @llvm.ctpop.i64(i64 {bits})")
    return lanes.emit(f"icmp ult i64 {having}, {lanes.width // 2}")


def write_due(lanes: Lanes, variables: int, n: Value, due: Value) -> None:
    """Writes row v of z of the lanes in which a sample is due, and counts it there."""
    shifted = lanes.bits(lanes.add(n, lanes.constant(_WHOLE)))
    index = lanes.integral("sub", shifted, lanes.integer(_WHOLE_BITS))
    place = lanes.integral("add", index, lanes.load_integers("%base", 0))
    lanes.store_integers(place, "%z", variables)
    lanes.store(lanes.select(due, lanes.add(n, lanes.constant(1.0)), n), "%n", 0)
    lanes.lines.append(f"  call void @scatter(ptr %z, i64 {lanes.packed(due)}, ptr %grid, ptr %out)")


def _emit_samples(width: int, order: int, number: str, circles: Circles) -> str:
    """samples(c, n, h, t, low, grid, base, z, out, before) -> bits of the lanes that have taken their last: takes all that lie within the
    step. Rows of before hold the state at its beginning in two parts."""
    lanes = Lanes(width)
    dt, count = lanes.load_number("%grid", 0), lanes.load_number("%grid", 1)
    row = lanes.emit(f"fptosi double {lanes.load_number('%grid', 2)} to i64")
    lanes.lines.append("  br label %next\nnext:")
    n, x, due = next_sample(lanes)
    bits = lanes.packed(due)
    lanes.lines.append(f"  %none = icmp eq i64 {bits}, 0\n  br i1 %none, label %taken, label %choose\nchoose:")
    lanes.lines.append(f"  br i1 {few_have_many(lanes, n)}, label %all, label %each\nall:")
    circles.each(
        lanes,
        lambda variable: _sample(lanes, variable, order, x),
        lambda variable, circle: _sample_on_circle(lanes, (variable, circle), order, x, circles),
    )
    write_due(lanes, circles.variables, n, due)
    lanes.lines.append("  br label %next\neach:")
    samples = _Samples(circles, order, number, row)
    _emit_lane_after_lane(lanes, (dt, count, bits), samples)
    lanes.lines.append("taken:")
    finished = lanes.packed(lanes.compare("oge", lanes.load("%n", 0), lanes.splat(count)))
    return lanes.returning("samples", ["c", "n", "h", "t", "low", "grid", "base", "z", "out", "before"], finished)


@dataclass(frozen=True)
class _Samples:
    """What is written: a polynomial of this order for each variable, as numbers of this type, `row` of them from one to the next."""

    circles: Circles
    order: int
    number: str
    row: Value


def _emit_lane_after_lane(lanes: Lanes, grid: tuple[Value, Value, Value], samples: _Samples) -> None:
    """A loop over the lanes in `bits` and within it over the samples of one lane, TIMES at once."""
    dt, count, bits = grid
    few = lanes.of_width(TIMES)
    every, last = few.splat(dt), few.splat(count)
    few.lines.append(_LANE_ENTRY.format(bits=bits, number=samples.number))
    t, low, h = (few.splat(name) for name in ("%t0", "%low0", "%h0"))
    few.lines.append("  br label %times\ntimes:\n  %n0 = phi double [ %nfirst, %lanes ], [ %n1, %written ]")
    n = few.add(f"<{', '.join(f'double {k}.0' for k in range(TIMES))}>", few.splat("%n0"))
    x = few.sub(few.sub(few.mul(n, every), t), low)
    due = few.logic("and", few.compare("ole", x, h), few.compare("olt", n, last))
    few.lines.append(f"  %index = fptosi double %n0 to i64\n  %spot = getelementptr {samples.number}, ptr %start, i64 %index")
    samples.circles.each(
        few,
        lambda variable: _samples_of_one_lane(few, lanes.width, samples, (variable, ""), (x, due)),
        lambda variable, circle: _samples_of_one_lane(few, lanes.width, samples, (variable, circle), (x, due)),
    )
    few.lines.append(f"  br label %written\nwritten:\n  %made = call i64 @llvm.ctpop.i64(i64 {few.packed(due)})")
    few.lines.append(_LANE_EXIT.format(times=TIMES))


def _samples_of_one_lane(few: Lanes, width: int, samples: _Samples, which: tuple[Value, Value], at: tuple[Value, Value]) -> None:
    """Those of one variable, which = (variable, its circle or none)."""
    (variable, circle), (x, due) = which, at
    series = few.emit(f"getelementptr <{width} x double>, ptr %column, i64 {times(few, variable, samples.order + 1)}")
    value = _splat_coefficient(few, width, series, samples.order)
    for k in range(samples.order - 1, 0 if circle else -1, -1):
        value = few.fma(value, x, _splat_coefficient(few, width, series, k))
    if circle:
        before = few.emit(f"getelementptr <{width} x double>, ptr %state, i64 {times(few, variable, 2)}")
        begin = _splat_coefficient(few, width, before, 0), _splat_coefficient(few, width, before, 1)
        value = samples.circles.sample(few, circle, begin, (value, x))
    _masked_store(few, value, few.emit(f"mul i64 {samples.row}, {variable}"), samples.number, due)


_LANE_ENTRY = """\
  br label %lanes
lanes:
  %todo = phi i64 [ {bits}, %each ], [ %rest, %done ]
  %lane = call i64 @llvm.cttz.i64(i64 %todo, i1 true)
  %less = add i64 %todo, -1
  %rest = and i64 %todo, %less
  %pn = getelementptr double, ptr %n, i64 %lane
  %ph = getelementptr double, ptr %h, i64 %lane
  %pt = getelementptr double, ptr %t, i64 %lane
  %plow = getelementptr double, ptr %low, i64 %lane
  %pbase = getelementptr i64, ptr %base, i64 %lane
  %column = getelementptr double, ptr %c, i64 %lane
  %state = getelementptr double, ptr %before, i64 %lane
  %nfirst = load double, ptr %pn
  %h0 = load double, ptr %ph
  %t0 = load double, ptr %pt
  %low0 = load double, ptr %plow
  %place = load i64, ptr %pbase
  %start = getelementptr {number}, ptr %out, i64 %place"""

_LANE_EXIT = """\
  %step = sitofp i64 %made to double
  %n1 = fadd double %n0, %step
  %full = icmp eq i64 %made, {times}
  br i1 %full, label %times, label %done
done:
  store double %n1, ptr %pn
  %more = icmp ne i64 %rest, 0
  br i1 %more, label %lanes, label %taken"""


def _splat_coefficient(few: Lanes, width: int, series: Value, k: int) -> Value:
    return few.splat(few.emit(f"load double, ptr {few.emit(f'getelementptr <{width} x double>, ptr {series}, i64 {k}')}"))


def _masked_store(few: Lanes, value: Value, stride: Value, number: str, due: Value) -> None:
    kind, size = (few.vector, 8) if number == "double" else (f"<{few.width} x float>", 4)
    if number == "float":
        value = few.emit(f"fptrunc {few.vector} {value} to {kind}")
    place = few.emit(f"getelementptr {number}, ptr %spot, i64 {stride}")
    store = f"@llvm.masked.store.v{few.width}f{8 * size}.p0"
    few.lines.append(f"  call void {store}({kind} {value}, ptr {place}, i32 {size}, {few.booleans} {due})")
    _fetch_ahead(few, place, 2 * _LINE)  # the line beyond that in which these end


def _fetch_ahead(lanes: Lanes, place: Value, distance: int) -> None:
    """Asks for the cache line that the row reaches next, to be written: stores wait for each other, and a line comes from memory as slowly
    as a step is made. The processor's own guesses follow fewer rows than the lanes write to. Beyond all memory nothing happens."""
    ahead = lanes.emit(f"getelementptr i8, ptr {place}, i64 {distance}")
    lanes.lines.append(f"  call void @llvm.prefetch.p0(ptr {ahead}, i32 1, i32 3, i32 1)")


def _sample(lanes: Lanes, variable: Value, order: int, x: Value) -> None:
    """The polynomial's value at x, in all lanes, to the variable's row of z."""
    series = row_pointer(lanes, "%c", times(lanes, variable, order + 1))
    value = lanes.load(series, order)
    for k in range(order - 1, -1, -1):
        value = lanes.fma(value, x, lanes.load(series, k))
    lanes.store(value, row_pointer(lanes, "%z", variable), 0)


def _sample_on_circle(lanes: Lanes, which: tuple[Value, Value], order: int, x: Value, circles: Circles) -> None:
    """The same of a coordinate on a circle, which = (variable, circle)."""
    variable, circle = which
    series = row_pointer(lanes, "%c", times(lanes, variable, order + 1))
    value = lanes.load(series, order)
    for k in range(order - 1, 0, -1):
        value = lanes.fma(value, x, lanes.load(series, k))
    before = row_pointer(lanes, "%before", times(lanes, variable, 2))
    begin = lanes.load(before, 0), lanes.load(before, 1)
    lanes.store(circles.sample(lanes, circle, begin, (value, x)), row_pointer(lanes, "%z", variable), 0)


def _emit_scatter(width: int, variables: int, number: str) -> str:
    """scatter(z, due, grid, out): row v of z to variable v of the lanes in the bits of due, at the places in the row behind them."""
    lanes = Lanes(width)
    row = lanes.emit(f"fptosi double {lanes.load_number('%grid', 2)} to i64")
    lanes.lines.append(_SCATTER_ENTRY.format(width=width, variables=variables, number=number))

    def write(variable: Value) -> None:
        value = lanes.emit(f"load double, ptr {row_pointer(lanes, '%column', variable)}")
        place = lanes.emit(f"getelementptr {number}, ptr %to, i64 {lanes.emit(f'mul i64 {row}, {variable}')}")
        if number == "float":
            value = lanes.emit(f"fptrunc double {value} to float")
        lanes.lines.append(f"  store {number} {value}, ptr {place}")
        _fetch_ahead(lanes, place, _LINE)

    emit_each(lanes, variables, write)
    lanes.lines.append("  br label %written\nwritten:\n  %more = icmp ne i64 %rest, 0\n  br i1 %more, label %lanes, label %done\ndone:")
    body = lanes.joined()
    return f"define internal void @scatter(ptr %z, i64 %due, ptr %grid, ptr noalias %out) {{\n{body}\n  ret void\n}}\n"


_SCATTER_ENTRY = """\
  %any = icmp ne i64 %due, 0
  br label %entry
entry:
  br i1 %any, label %lanes, label %done
lanes:
  %todo = phi i64 [ %due, %entry ], [ %rest, %written ]
  %lane = call i64 @llvm.cttz.i64(i64 %todo, i1 true)
  %less = add i64 %todo, -1
  %rest = and i64 %todo, %less
  %row = getelementptr <{width} x double>, ptr %z, i64 {variables}
  %spot = getelementptr i64, ptr %row, i64 %lane
  %place = load i64, ptr %spot
  %column = getelementptr double, ptr %z, i64 %lane
  %to = getelementptr {number}, ptr %out, i64 %place"""
