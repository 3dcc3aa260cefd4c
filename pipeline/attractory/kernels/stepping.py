"""What the driver does with all lanes at once, as vector code: bound the steps, move the time, find and evaluate the samples that are due.

A sample n of a granularity belongs to the step that begins at t + t_low if x = (n dt - t) - t_low is at most h; it is evaluated at that x.
"""

from __future__ import annotations

from attractory.kernels.circles import Circles
from attractory.kernels.lanes import Lanes, Value, row_pointer
from attractory.kernels.loops import emit_each, times
from attractory.kernels.sampling import few_have_many, next_sample, write_due
from attractory.kernels.step_size import significant_order

# The last step may reach a little beyond the last sample, so that rounding never asks for one more of a length near zero: in proportion
# to what is left, and to all of the time, for a step that by chance ended at the last sample but for its rounding; and by some units in the
# last place of now, to which steps are rounded.
_OVERREACH, _OVERREACH_OF_ALL, _OVERREACH_OF_NOW = 1.0625, 2.0**-30, 2.0**-49
# A step this small against the time changes it by less than two units in its last place.
RESOLUTION = 4.0e-16
# Every so many steps a lane gets a second look: is it stiff, is it on its way to infinity?
LOOK = 256.0


def emit_bound(width: int) -> str:
    """bound(h, t, now, live, count, cap, limits) -> bits of the lanes that need a second look; limits = (quiet, last, budget).

    h becomes the step: quiet where there is no estimate, never far beyond the time of the last sample, at most cap, zero in lanes that are
    not live (live = 0), and such that now + h has no rounding: what depends on the time explicitly sees the time that the state is at,
    however late. The cap, finite for a while after a step was taken back, doubles. A lane needs a look when its step is no number,
    is below the resolution of time, or when its count of steps passes the budget or a multiple of LOOK.
    """
    lanes = Lanes(width)
    zero = lanes.constant(0.0)
    quiet, last, budget = (lanes.splat(lanes.load_number("%limits", place)) for place in range(3))
    h, t, now = (lanes.load(pointer, 0) for pointer in ("%h", "%t", "%now"))
    step = lanes.select(lanes.compare("olt", h, zero), quiet, h)
    beyond = lanes.mul(last, lanes.constant(_OVERREACH_OF_ALL))
    beyond = lanes.fma(lanes.intrinsic("fabs", now), lanes.constant(_OVERREACH_OF_NOW), beyond)
    end = lanes.fma(lanes.sub(last, t), lanes.constant(_OVERREACH), beyond)
    step = lanes.select(lanes.compare("olt", end, step), end, step)
    cap = lanes.load("%cap", 0)
    step = lanes.select(lanes.compare("olt", cap, step), cap, step)
    lanes.store(lanes.add(cap, cap), "%cap", 0)
    live = lanes.compare("ogt", lanes.load("%live", 0), zero)
    step = lanes.select(live, step, zero)
    step = lanes.sub(lanes.add(now, step), now)
    count = lanes.add(lanes.load("%count", 0), lanes.constant(1.0))
    lanes.store(step, "%h", 0)
    lanes.store(count, "%count", 0)
    good = lanes.compare("ogt", step, lanes.mul(t, lanes.constant(RESOLUTION)))
    good = lanes.logic("and", good, lanes.compare("ole", count, budget))
    rounds = lanes.mul(count, lanes.constant(1.0 / LOOK))
    good = lanes.logic("and", good, lanes.compare("une", rounds, lanes.intrinsic("floor", rounds)))
    odd = lanes.packed(lanes.logic("and", live, lanes.invert(good)))
    return lanes.returning("bound", ["h", "t", "now", "live", "count", "cap", "limits"], odd)


def emit_move(width: int) -> str:
    """move(h, t, t_low, origin, now, before): adds the step to the time without losing a digit (Knuth's two-sum); now = origin + t + t_low.

    Rows of before: the time, its low part, the step and now, for a lane that has to go back.
    """
    lanes = Lanes(width)
    h, t, low = lanes.load("%h", 0), lanes.load("%t", 0), lanes.load("%low", 0)
    for row, value in enumerate((t, low, h, lanes.load("%now", 0))):
        lanes.store(value, "%before", row)
    end, lost = lanes.two_sum(t, h)
    low = lanes.add(low, lost)
    lanes.store(low, "%low", 0)
    lanes.store(end, "%t", 0)
    now, lost = lanes.two_sum(lanes.load("%origin", 0), end)
    lanes.store(lanes.add(now, lanes.add(lost, low)), "%now", 0)
    return lanes.function("move", ["h", "t", "low", "origin", "now", "before"])


def emit_finish(width: int, order: int, circles: Circles) -> str:
    """finish(c, n, h, t, low, grid, base, z, out, y, y_low, before, rate): the state at the end of the step, the first samples.

    The state is carried in two parts, y + y_low, as the time is. Rows of before keep both as they were; rows of rate are the polynomials'
    slopes at the end, less what is too small for `emit_disagreement`. The samples are left to `samples` where that is quicker.
    """
    lanes = Lanes(width)
    n, x, due = next_sample(lanes)
    h = lanes.load("%h", 0)
    lanes.lines.append(f"  br i1 {few_have_many(lanes, n)}, label %with, label %without\nwithout:")

    def alone(number: Value) -> None:
        _end_of_step(lanes, number, order, h)

    emit_each(lanes, circles.variables, alone)
    lanes.lines.append("  br label %done\nwith:")

    def plain(number: Value) -> None:
        y, _, rise = _end_of_step(lanes, number, order, h, x)
        lanes.store(lanes.fma(rise, x, y), row_pointer(lanes, "%z", number), 0)

    def on_circle(number: Value, circle: Value) -> None:
        y, low, rise = _end_of_step(lanes, number, order, h, x)
        lanes.store(circles.sample(lanes, circle, (y, low), (rise, x)), row_pointer(lanes, "%z", number), 0)

    circles.each(lanes, plain, on_circle)
    write_due(lanes, circles.variables, n, due)
    lanes.lines.append("  br label %done\ndone:")
    return lanes.function("finish", ["c", "n", "h", "t", "low", "grid", "base", "z", "out", "y", "y_low", "before", "rate"])


def _added(lanes: Lanes, number: tuple[Value, Value], a: Value, b: Value) -> tuple[Value, Value]:
    """number + a b in two parts, the first the sum rounded: the product's error and the sum's (Knuth's two-sum) go into the second."""
    high, low = number
    product = lanes.mul(a, b)
    lost = lanes.fma(a, b, lanes.neg(product))
    total = lanes.add(high, product)
    back = lanes.sub(total, high)
    lost = lanes.add(lanes.add(lanes.sub(high, lanes.sub(total, back)), lanes.sub(product, back)), lanes.add(lost, low))
    rounded = lanes.add(total, lost)
    return rounded, lanes.sub(lost, lanes.sub(rounded, total))


def _end_of_step(lanes: Lanes, variable: Value, order: int, h: Value, x: Value | None = None) -> tuple[Value, Value, Value]:
    """Stores a variable's state and slope at the end of the step.

    (its two parts at the beginning, the mean slope from there to x, made with the same loads of c)."""
    significant, series = significant_order(order), row_pointer(lanes, "%c", times(lanes, variable, order + 1))
    end = slope = sample = lanes.load(series, order)
    for k in range(order - 1, 0, -1):
        coefficient = lanes.load(series, k)
        sample = lanes.fma(sample, x, coefficient) if x else sample
        end = lanes.fma(end, h, coefficient)
        slope = lanes.fma(slope, h, end) if k < significant else end
    states = [row_pointer(lanes, name, variable) for name in ("%y", "%y_low")]
    y, low = (lanes.load(state, 0) for state in states)
    before = row_pointer(lanes, "%before", times(lanes, variable, 2))
    for place, value in enumerate((y, low)):
        lanes.store(value, before, place)
    for state, value in zip(states, _added(lanes, (y, low), end, h), strict=True):
        lanes.store(value, state, 0)
    lanes.store(slope, row_pointer(lanes, "%rate", variable), 0)
    return y, low, sample
