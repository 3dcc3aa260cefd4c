"""What the driver does with all lanes at once, as vector code: bound the steps, move the time, find and evaluate the samples that are due.

A sample n of a granularity belongs to the step that begins at t + t_low if x = (n dt - t) - t_low is at most h; it is evaluated at that x.
"""

from __future__ import annotations

from attractory.kernels.lanes import Lanes, Value
from attractory.kernels.step_size import significant_order

# The last step may reach a little beyond the last sample, so that rounding never asks for one more of a length near zero.
_OVERREACH = 1.0625
# A step this small against the time changes it by less than two units in its last place.
RESOLUTION = 4.0e-16
# Every so many steps a lane gets a second look, whether it is on its way to infinity.
LOOK = 65536.0


def emit_bound(width: int) -> str:
    """bound(h, t, live, count, cap, limits) -> bits of the lanes that need a second look; limits = (quiet, last, budget).

    h becomes the step: quiet where there is no estimate, never far beyond the time of the last sample, at most cap, zero in lanes that are
    not live (live = 0). The cap, finite for a while after a step was taken back, doubles. A lane needs a look when its step is no number,
    is below the resolution of time, or when its count of steps passes the budget or a multiple of LOOK.
    """
    lanes = Lanes(width)
    zero = lanes.constant(0.0)
    quiet, last, budget = (_splat(lanes, "double", _load_scalar(lanes, "%limits", place)) for place in range(3))
    h, t = lanes.load("%h", 0), lanes.load("%t", 0)
    step = lanes.select(lanes.compare("olt", h, zero), quiet, h)
    end = lanes.mul(lanes.sub(last, t), lanes.constant(_OVERREACH))
    step = lanes.select(lanes.compare("olt", end, step), end, step)
    cap = lanes.load("%cap", 0)
    step = lanes.select(lanes.compare("olt", cap, step), cap, step)
    lanes.store(lanes.add(cap, cap), "%cap", 0)
    live = lanes.compare("ogt", lanes.load("%live", 0), zero)
    step = lanes.select(live, step, zero)
    count = lanes.add(lanes.load("%count", 0), lanes.constant(1.0))
    lanes.store(step, "%h", 0)
    lanes.store(count, "%count", 0)
    good = lanes.compare("ogt", step, lanes.mul(t, lanes.constant(RESOLUTION)))
    good = lanes.logic("and", good, lanes.compare("ole", count, budget))
    rounds = lanes.mul(count, lanes.constant(1.0 / LOOK))
    good = lanes.logic("and", good, lanes.compare("une", rounds, lanes.intrinsic("floor", rounds)))
    return returning_bits(lanes, "bound", ["h", "t", "live", "count", "cap", "limits"], lanes.logic("and", live, lanes.invert(good)))


def emit_move(width: int) -> str:
    """move(h, t, t_low, origin, now, before): adds the step to the time without losing a digit (Knuth's two-sum); now = origin + t.

    Rows of before: the time, its low part and the step, for a lane that has to go back.
    """
    lanes = Lanes(width)
    h, t = lanes.load("%h", 0), lanes.load("%t", 0)
    for row, value in enumerate((t, lanes.load("%low", 0), h)):
        lanes.store(value, "%before", row)
    end = lanes.add(t, h)
    back = lanes.sub(end, t)
    lost = lanes.add(lanes.sub(t, lanes.sub(end, back)), lanes.sub(h, back))
    lanes.store(lanes.add(lanes.load("%low", 0), lost), "%low", 0)
    lanes.store(end, "%t", 0)
    lanes.store(lanes.add(lanes.load("%origin", 0), end), "%now", 0)
    return lanes.function("move", ["h", "t", "low", "origin", "now", "before"])


def emit_next_samples(width: int, variables: int, order: int) -> str:
    """next_samples(c, n, h, t, t_low, grid, z) -> bits of the lanes whose next sample n is due; grid = (dt, count).

    Row v of z is variable v at the time of sample n, in all lanes; n goes up by one where it was due.
    """
    lanes = Lanes(width)
    x, due, following = _next_sample(lanes)
    bits = _bits(lanes, due)
    lanes.lines.append(f"  %any = icmp ne i64 {bits}, 0\n  br i1 %any, label %evaluate, label %done\nevaluate:")
    lanes.store(following, "%n", 0)
    for variable in range(variables):
        value = lanes.load("%c", (variable + 1) * (order + 1) - 1)
        for k in range(order - 1, -1, -1):
            value = lanes.fma(value, x, lanes.load("%c", variable * (order + 1) + k))
        lanes.store(value, "%z", variable)
    lanes.lines.append("  br label %done\ndone:")
    return _function(lanes, "next_samples", ["c", "n", "h", "t", "low", "grid", "z"], bits)


def emit_finish(width: int, variables: int, order: int) -> str:
    """finish(c, n, h, t, t_low, grid, z, y, before, rate): next_samples, and y at the end of the step, with the same loads of c.

    Rows of before keep y as it was; rows of rate are the polynomials' slopes at the end, less what is too small for `emit_disagreement`.
    """
    lanes = Lanes(width)
    x, due, following = _next_sample(lanes)
    lanes.store(following, "%n", 0)
    h = lanes.load("%h", 0)
    significant = significant_order(order)
    for variable in range(variables):
        end = slope = sample = lanes.load("%c", (variable + 1) * (order + 1) - 1)
        for k in range(order - 1, -1, -1):
            coefficient = lanes.load("%c", variable * (order + 1) + k)
            sample = lanes.fma(sample, x, coefficient)
            end = lanes.fma(end, h, coefficient)
            if k:
                slope = lanes.fma(slope, h, end) if k < significant else end
        lanes.store(sample, "%z", variable)
        lanes.store(lanes.load("%y", variable), "%before", variable)
        lanes.store(end, "%y", variable)
        lanes.store(slope, "%rate", variable)
    return _function(lanes, "finish", ["c", "n", "h", "t", "low", "grid", "z", "y", "before", "rate"], _bits(lanes, due))


def _next_sample(lanes: Lanes) -> tuple[Value, Value, Value]:
    """(the time of sample n within the step, whether it is due, n or the one after it)."""
    dt, count = (_splat(lanes, "double", _load_scalar(lanes, "%grid", place)) for place in range(2))
    n = lanes.load("%n", 0)
    x = lanes.sub(lanes.sub(lanes.mul(n, dt), lanes.load("%t", 0)), lanes.load("%low", 0))
    due = lanes.logic("and", lanes.compare("ole", x, lanes.load("%h", 0)), lanes.compare("olt", n, count))
    return x, due, lanes.select(due, lanes.add(n, lanes.constant(1.0)), n)


def _load_scalar(lanes: Lanes, pointer: str, place: int) -> Value:
    return lanes.emit(f"load double, ptr {lanes.emit(f'getelementptr double, ptr {pointer}, i64 {place}')}")


def _splat(lanes: Lanes, number: str, scalar: str) -> Value:
    """A vector with the same number in every lane."""
    kind = f"<{lanes.width} x {number}>"
    first = lanes.emit(f"insertelement {kind} poison, {number} {scalar}, i64 0")
    return lanes.emit(f"shufflevector {kind} {first}, {kind} poison, <{lanes.width} x i32> zeroinitializer")


def _bits(lanes: Lanes, booleans: Value) -> Value:
    packed = lanes.emit(f"bitcast {lanes.booleans} {booleans} to i{lanes.width}")
    return lanes.emit(f"zext i{lanes.width} {packed} to i64")


def returning_bits(lanes: Lanes, name: str, pointers: list[str], booleans: Value) -> str:
    """A function that returns the booleans as bits, lane 0 the lowest."""
    return _function(lanes, name, pointers, _bits(lanes, booleans))


def _function(lanes: Lanes, name: str, pointers: list[str], result: Value) -> str:
    listed = ", ".join(f"ptr noalias %{pointer}" for pointer in pointers)
    return f"define i64 @{name}({listed}) {{\n" + "\n".join(lanes.lines) + f"\n  ret i64 {result}\n}}\n"
