"""One step of a Rosenbrock method for W trajectories as straight-line vector code, its error and the length of the next step.

The Jacobian and the derivative by time come from the expression graph; the method is `rodas5p`, the linear systems are `linear_solve`'s.
Everything is multiplied by h, so that the matrix is 1/gamma - h J and a step of length zero is no special case."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce

from attractory.expressions.definition import Definition
from attractory.expressions.derivative import sparse_jacobian, tangents
from attractory.expressions.graph import GraphBuilder, Node
from attractory.expressions.phases import two_parts
from attractory.kernels import rodas5p
from attractory.kernels.circles import Circles
from attractory.kernels.lanes import Lanes, Value
from attractory.kernels.linear_solve import LinearSystem
from attractory.kernels.pointwise import emit_values
from attractory.kernels.step_size import emit_exp2, emit_log2
from attractory.kernels.stepping import RESOLUTION

# The next step is 0.85 of what the estimate allows, and at most eight times, at least a fifth of the last one.
_SAFETY, _GROWTH, _SHRINK = -0.23446525363702297, 3.0, -2.321928094887362  # logarithms to base 2
# Proportional and integral part of the control of steps (Gustafsson, ACM Trans. Math. Software 17, 533 (1991)), as powers of the error.
_PROPORTIONAL, _INTEGRAL = 0.4 / rodas5p.ERROR_ORDER, 0.7 / rodas5p.ERROR_ORDER
_SMALLEST_ERROR = 2.0**-60
# Where a slope jumps from one step's polynomial to the next one's, samples within are off by this part of it times the step: found were 1/4
# where h J is small, and 1/20 where it is large and the embedded method sees nothing since both its ends are on the slow solution.
_PART_OF_JUMP = 0.1
_JUMP_OF_ROUND_OFF = 1.0e-13  # of that part, relative to a variable: the stages' factors make some hundred roundings of one
ATTEMPT = ("p", "y", "y_low", "slope", "k", "c", "t", "t_low", "now", "h", "step", "error", "live", "count", "look", "limits")


def emit_attempt(definition: Definition, width: int) -> str:
    """attempt(…) -> bits of the live lanes that need a look afterwards: a step too small or no number, a spent budget, look reached.

    y + y_low (variable): the state in two parts, moved where the step is accepted; slope (variable): that of the last accepted step's
    polynomial at its end. k (stage * variables + variable) and c (5 variable):
    the stages and the state before, for `emit_dense`. h: the step that is proposed, then the next one; step: the step that was taken, zero
    where it was rejected. error: row 0 the logarithm of the last accepted error, row 1 whether the last step was rejected, row 2 the
    step that this error alone would allow. count: steps tried. limits = (last, budget, tolerance, floor): an error is relative to the
    larger of a variable's sizes before and after, and of `floor` times the largest variable (or 1).
    """
    lanes = Lanes(width)
    step = _step_to_try(lanes)
    state = [lanes.load("%y", place) for place in range(len(definition.variables))]
    increments, stages = _emit_stages(lanes, definition, state, step)
    slopes, errors = _emit_errors(lanes, state, stages, increments, step)
    moved = [
        lanes.two_sum(value, lanes.add(d, lanes.load("%y_low", place)))
        for place, (value, d) in enumerate(zip(state, increments, strict=True))
    ]
    error = _scaled_error(lanes, errors, state, [high for high, _ in moved])
    accepted = lanes.logic("and", lanes.compare("ole", error, lanes.constant(1.0)), lanes.compare("ogt", step, lanes.constant(0.0)))
    for place, (value, (high, low)) in enumerate(zip(state, moved, strict=True)):
        lanes.store(value, "%c", 5 * place)
        lanes.store(lanes.select(accepted, high, value), "%y", place)
        lanes.store(lanes.select(accepted, low, lanes.load("%y_low", place)), "%y_low", place)
        lanes.store(lanes.select(accepted, slopes[place], lanes.load("%slope", place)), "%slope", place)
    lanes.store(lanes.select(accepted, step, lanes.constant(0.0)), "%step", 0)
    following = _next_step(lanes, step, error, accepted)
    lanes.store(following, "%h", 0)
    return lanes.returning("attempt", ATTEMPT, lanes.packed(_needs_look(lanes, following)))


def emit_dense(width: int, variables: int) -> str:
    """dense(k, c): the polynomial of degree 4 in x / step of each variable, its coefficients in rows 5 variable to 5 variable + 4.

    Of local order 4: its error falls with the fifth power of the step, as the embedded method's does.
    """
    lanes = Lanes(width)
    for variable in range(variables):
        stages = [lanes.load("%k", stage * variables + variable) for stage in range(rodas5p.STAGES)]
        whole = _combination(lanes, (*rodas5p.A[-1], 1.0), stages)
        first, second, third = (_combination(lanes, row, stages) for row in rodas5p.H)
        rows = (lanes.add(whole, first), lanes.sub(second, first), lanes.sub(third, second), lanes.neg(third))
        for power, value in enumerate(rows, 1):
            lanes.store(value, "%c", 5 * variable + power)
    return lanes.function("dense", ["k", "c"])


def emit_due(width: int, circles: Circles) -> tuple[str, str]:
    """due(n, step, t, t_low, grid) -> bits of the lanes whose sample n lies in the step; evaluate(c, n, step, t, t_low, grid, z) -> the
    same, with row v of z variable v at the time of sample n, and n one further where it was due. grid = (dt, count)."""
    asking = Lanes(width)
    _, due = _sample(asking)
    first = asking.returning("due", ["n", "step", "t", "t_low", "grid"], asking.packed(due))
    lanes = Lanes(width)
    x, due = _sample(lanes)
    n = lanes.load("%n", 0)
    lanes.store(lanes.select(due, lanes.add(n, lanes.constant(1.0)), n), "%n", 0)
    part = lanes.div(x, lanes.load("%step", 0))
    on_circle = dict(circles.members)
    for variable in range(circles.variables):
        value = lanes.load("%c", 5 * variable + 4)
        for power in (3, 2, 1):
            value = lanes.fma(value, part, lanes.load("%c", 5 * variable + power))
        begin = lanes.load("%c", 5 * variable)
        if variable in on_circle:
            value = circles.sample(lanes, str(on_circle[variable]), (begin, lanes.constant(0.0)), (value, part))
        else:
            value = lanes.fma(value, part, begin)
        lanes.store(value, "%z", variable)
    return first, lanes.returning("evaluate", ["c", "n", "step", "t", "t_low", "grid", "z"], lanes.packed(due))


def emit_advance(width: int) -> str:
    """advance(step, t, t_low, origin, now): adds the step to the time in two parts; now = origin + t + t_low."""
    lanes = Lanes(width)
    end, lost = lanes.two_sum(lanes.load("%t", 0), lanes.load("%step", 0))
    low = lanes.add(lanes.load("%t_low", 0), lost)
    lanes.store(low, "%t_low", 0)
    lanes.store(end, "%t", 0)
    now, lost = lanes.two_sum(lanes.load("%origin", 0), end)
    lanes.store(lanes.add(now, lanes.add(lost, low)), "%now", 0)
    return lanes.function("advance", ["step", "t", "t_low", "origin", "now"])


def _sample(lanes: Lanes) -> tuple[Value, Value]:
    """(the time of sample n within the step, whether it lies there)."""
    dt, count = (lanes.splat(lanes.load_number("%grid", place)) for place in range(2))
    n, step = lanes.load("%n", 0), lanes.load("%step", 0)
    x = lanes.sub(lanes.sub(lanes.mul(n, dt), lanes.load("%t", 0)), lanes.load("%t_low", 0))
    due = lanes.logic("and", lanes.compare("ole", x, step), lanes.compare("olt", n, count))
    return x, lanes.logic("and", due, lanes.compare("ogt", step, lanes.constant(0.0)))


def _step_to_try(lanes: Lanes) -> Value:
    """The proposed step, or what is left if that is less, or half of it if that is nearly all; zero in lanes that are not live.

    But for the last one, now + step has no rounding, as in Taylor's `emit_bound`.
    """
    last = lanes.splat(lanes.load_number("%limits", 0))
    h, zero = lanes.load("%h", 0), lanes.constant(0.0)
    left = lanes.sub(lanes.sub(last, lanes.load("%t", 0)), lanes.load("%t_low", 0))
    half = lanes.mul(left, lanes.constant(0.5))
    step, now = lanes.select(lanes.compare("olt", half, h), half, h), lanes.load("%now", 0)
    step = lanes.sub(lanes.add(now, step), now)
    step = lanes.select(lanes.compare("ole", left, h), left, step)
    return lanes.select(lanes.compare("ogt", lanes.load("%live", 0), zero), step, zero)


def _emit_errors(
    lanes: Lanes, state: Sequence[Value], stages: Sequence[Sequence[Value]], increments: Sequence[Value], step: Value
) -> tuple[list[Value], list[Value]]:
    """(slopes at the end, errors): the larger of the embedded method's error and of what the jump of the slope at the beginning says.

    A step that is tried again is judged by the first alone: the jump may be the fault of the step before.
    """
    steady = lanes.compare("ole", lanes.load("%error", 1), lanes.constant(0.0))
    rate = lanes.div(lanes.constant(1.0), step)
    ends = tuple(whole - sum(rows) for whole, *rows in zip((*rodas5p.A[-1], 1.0), *rodas5p.H, strict=True))
    slopes, errors = [], []
    for variable, (own, whole) in enumerate(zip(stages, increments, strict=True)):
        slopes.append(lanes.mul(_combination(lanes, ends, own), rate))
        first = lanes.add(whole, _combination(lanes, rodas5p.H[0], own))
        jump = lanes.fma(lanes.neg(lanes.load("%slope", variable)), step, first)
        size = _largest(lanes, (state[variable], lanes.add(state[variable], whole)))
        within = lanes.mul(size, lanes.constant(-_JUMP_OF_ROUND_OFF))
        within = lanes.fma(lanes.intrinsic("fabs", jump), lanes.constant(_PART_OF_JUMP), within)
        within = lanes.select(steady, within, lanes.constant(0.0))
        errors.append(lanes.intrinsic("maxnum", lanes.intrinsic("fabs", own[-1]), within))
    return slopes, errors


def _emit_stages(lanes: Lanes, definition: Definition, state: Sequence[Value], step: Value) -> tuple[list[Value], list[list[Value]]]:
    """(what the step adds to the state, stages [variable][stage]); the stages are stored in %k too."""
    slopes, system, drift = _emit_linearised(lanes, definition, state, step)
    stages: list[list[Value]] = [[] for _ in state]
    increments = [lanes.constant(0.0) for _ in state]
    rates = two_parts(definition.graph.nodes, definition.roots, clocks=definition.roots, time_low=True)
    for stage in range(rodas5p.STAGES):
        if stage:
            rows = range(len(state))
            increments = [
                lanes.add(increments[v], stages[v][-1]) if stage > 5 else _combination(lanes, rodas5p.A[stage], stages[v]) for v in rows
            ]
            point = [lanes.add(value, increment) for value, increment in zip(state, increments, strict=True)]
            time = _time_of_stage(lanes, step, rodas5p.TIMES[stage])
            values = emit_values(lanes, *rates, _leaf(lanes, point, time, list(zip(state, increments, strict=True))))
            slopes = [values[root] for root in rates[1]]
        found = system.solve([_right_side(lanes, stage, step, slopes[v], drift[v], stages[v]) for v in range(len(state))])
        for variable, value in enumerate(found):
            stages[variable].append(value)
            lanes.store(value, "%k", stage * len(state) + variable)
    return [lanes.add(increment, own[-1]) for increment, own in zip(increments, stages, strict=True)], stages


def _emit_linearised(
    lanes: Lanes, definition: Definition, state: Sequence[Value], step: Value
) -> tuple[list[Value], LinearSystem, list[Value | None]]:
    """At the beginning of the step: the rates, the matrix 1/gamma - h J, and h^2 df/dt (None where the time does not enter)."""
    builder = GraphBuilder(definition.graph)
    rows = sparse_jacobian(builder, definition.roots)
    drift = tangents(builder, definition.roots, {builder.time(): builder.const(1.0)})
    entries = [node for row in rows for node in row.values()]
    wanted = [*definition.roots, *entries, *(node for node in drift if node is not None)]
    nodes, places = two_parts(builder.nodes, wanted, clocks=definition.roots)
    found = emit_values(lanes, nodes, places, _leaf(lanes, state, {"time": lanes.load("%now", 0)}.__getitem__))
    values = {node: found[place] for node, place in zip(wanted, places, strict=True)}
    back = lanes.neg(step)
    matrix: list[list[Value | None]] = [[None] * len(state) for _ in state]
    for place, row in enumerate(rows):
        for variable, node in row.items():
            matrix[place][variable] = lanes.mul(back, values[node])
        diagonal, own = lanes.constant(1.0 / rodas5p.GAMMA), matrix[place][place]
        matrix[place][place] = diagonal if own is None else lanes.add(own, diagonal)
    square = lanes.mul(step, step)
    drifts = [None if node is None else lanes.mul(square, values[node]) for node in drift]
    return [values[root] for root in definition.roots], LinearSystem(lanes, matrix), drifts


def _right_side(lanes: Lanes, stage: int, step: Value, slope: Value, drift: Value | None, before: Sequence[Value]) -> Value:
    if stage == 0 or drift is None or rodas5p.D[stage] == 0.0:
        total = lanes.mul(step, slope)
        if stage == 0 and drift is not None:
            total = lanes.fma(drift, lanes.constant(rodas5p.D[0]), total)
    else:
        total = lanes.fma(drift, lanes.constant(rodas5p.D[stage]), lanes.mul(step, slope))
    for factor, value in zip(rodas5p.C[stage], before, strict=True):
        total = lanes.fma(value, lanes.constant(factor), total)
    return total


def _time_of_stage(lanes: Lanes, step: Value, part: float) -> Callable[[str], Value]:
    """By the name of a leaf: now + part * step, and, only if it is asked for, what its rounding lost."""
    begin, factor = lanes.load("%now", 0), lanes.constant(part)
    now = lanes.fma(step, factor, begin)
    return lambda leaf: now if leaf == "time" else lanes.fma(step, factor, lanes.sub(begin, now))


def _leaf(
    lanes: Lanes, state: Sequence[Value], time: Callable[[str], Value], sums: Sequence[tuple[Value, Value]] = ()
) -> Callable[[Node], Value]:
    """How a node reads the state; sums: what each variable of it was added up from, of which a clock keeps what the rounding lost."""

    def leaf(node: Node) -> Value:
        if node.op == "parameter":
            return lanes.load("%p", node.place)
        if node.op == "low":
            low = lanes.load("%y_low", node.place)
            return lanes.add(lanes.two_sum(*sums[node.place])[1], low) if sums else low
        return state[node.place] if node.op == "variable" else time(node.op)

    return leaf


def _combination(lanes: Lanes, factors: Sequence[float], values: Sequence[Value]) -> Value:
    total = lanes.mul(values[0], lanes.constant(factors[0]))
    for factor, value in zip(factors[1:], values[1:], strict=True):
        total = lanes.add(value, total) if factor == 1.0 else lanes.fma(value, lanes.constant(factor), total)
    return total


def _scaled_error(lanes: Lanes, errors: Sequence[Value], before: Sequence[Value], after: Sequence[Value]) -> Value:
    """The largest error in units of what is allowed; no number where any state or error is none."""
    tolerance, floor = (lanes.splat(lanes.load_number("%limits", place)) for place in (2, 3))
    larger = [_largest(lanes, pair) for pair in zip(before, after, strict=True)]
    largest = reduce(lambda a, b: lanes.intrinsic("maxnum", a, b), [*larger, lanes.constant(1.0)])  # of 1 at least, as for Taylor's error
    least = lanes.mul(floor, largest)
    parts = []
    for error, size in zip(errors, larger, strict=True):
        allowed = lanes.mul(tolerance, lanes.intrinsic("maxnum", size, least))
        parts.append(lanes.div(error, allowed))
    total = reduce(lanes.add, after)  # maxnum passes over NaN: zero times the sum of all brings it back
    return lanes.fma(total, lanes.constant(0.0), reduce(lambda a, b: lanes.intrinsic("maxnum", a, b), parts))


def _largest(lanes: Lanes, pair: tuple[Value, Value]) -> Value:
    return lanes.intrinsic("maxnum", *(lanes.intrinsic("fabs", value) for value in pair))


def _next_step(lanes: Lanes, step: Value, error: Value, accepted: Value) -> Value:
    """The next step to try; rows 0 to 2 of %error are brought up to date."""
    size = emit_log2(lanes, lanes.intrinsic("maxnum", error, lanes.constant(_SMALLEST_ERROR)))
    before, rejected = lanes.load("%error", 0), lanes.load("%error", 1)
    alone = lanes.fma(size, lanes.constant(-1.0 / rodas5p.ERROR_ORDER), lanes.constant(_SAFETY))
    steady = lanes.fma(size, lanes.constant(-_INTEGRAL), lanes.fma(before, lanes.constant(_PROPORTIONAL), lanes.constant(_SAFETY)))
    steady = lanes.select(
        lanes.compare("ogt", rejected, lanes.constant(0.0)), lanes.intrinsic("minnum", alone, lanes.constant(0.0)), steady
    )
    change = lanes.select(accepted, steady, alone)
    change = lanes.intrinsic("maxnum", lanes.intrinsic("minnum", change, lanes.constant(_GROWTH)), lanes.constant(_SHRINK))
    known = lanes.compare("ord", error, error)
    factor = lanes.select(known, emit_exp2(lanes, change), lanes.constant(0.2))
    lanes.store(lanes.select(accepted, size, before), "%error", 0)
    lanes.store(lanes.select(accepted, lanes.constant(0.0), lanes.constant(1.0)), "%error", 1)
    lanes.store(lanes.mul(step, lanes.select(known, emit_exp2(lanes, alone), lanes.constant(0.0))), "%error", 2)
    return lanes.mul(step, factor)


def _needs_look(lanes: Lanes, following: Value) -> Value:
    budget = lanes.splat(lanes.load_number("%limits", 1))
    count = lanes.add(lanes.load("%count", 0), lanes.constant(1.0))
    lanes.store(count, "%count", 0)
    good = lanes.compare("ogt", following, lanes.mul(lanes.load("%t", 0), lanes.constant(RESOLUTION)))
    good = lanes.logic("and", good, lanes.compare("ole", count, budget))
    good = lanes.logic("and", good, lanes.compare("olt", count, lanes.load("%look", 0)))
    live = lanes.compare("ogt", lanes.load("%live", 0), lanes.constant(0.0))
    return lanes.logic("and", live, lanes.invert(good))
