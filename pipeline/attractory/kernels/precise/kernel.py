"""The compiled step of a flow, and the iterate of a map, on expansions of a given number of words.

Flows: coefficients(p, y, t, origin, unit, c, h, next, slope, before)
                                    the table of Taylor coefficients in time units of `unit`, a power of two, the step, and the next
                                    step's unit; t is the time since the start in words; the bits of the lanes that must take back their
                                    last step, which was `before` long
       sample(c, t, unit, n, dt, z) the state at n dt, in its two leading words, from the polynomials of the step that began at t
       move(c, h, unit, y, t, slope) the state and the time at the step's end, and the slopes of the polynomials there
Maps:  iterate(p, y, t, z)          the next state, and the two leading words of this one
Rows of y, z, t are words: word w of variable v is row v words + w. p, origin, unit, next, n, dt, h hold doubles: a parameter is exactly
what it is. Times and slopes are in the system's own unit, all but the coefficients."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce

from attractory.errors import RequestError
from attractory.expressions.definition import Definition
from attractory.expressions.graph import Node
from attractory.kernels.branches import branched
from attractory.kernels.lanes import Lanes, Value, declarations
from attractory.kernels.machine import MachineCode, Module, Pointer, Target, kept_functions
from attractory.kernels.pointwise import LEAVES, reachable
from attractory.kernels.precise.arithmetic import Levels
from attractory.kernels.precise.body import Body
from attractory.kernels.precise.pointwise import operation
from attractory.kernels.precise.routines import routines
from attractory.kernels.precise.series import PreciseSeries
from attractory.kernels.precise.words import BITS, DECAY
from attractory.kernels.step_size import estimated, largest, shortened_radius

# Samples are evaluated in so many words: 159 bits, of which the two leading words are kept.
SAMPLE_WORDS = 3
KEPT_WORDS = 2
# A step keeps so many bits of its length: the time, a sum of steps, then fits into two words without rounding.
_STEP_BITS = 20
_NARROW, _WIDE_WORDS = 8, 8
# The step is the radius / e^2.
_STEPS_IN_UNIT = 8.0
_EXPONENT, _TWICE_THE_BIAS = 0x7FF << 52, 2 * 1023 << 52  # bits of a double
# A step's slopes at its end and the rates that the equations have there may differ by so many bits more than the last word shows.
_DISAGREEMENT_BITS = 20
# The end of a sentence about a system.
NOT_SMOOTH = (
    "has switches (abs, sign, floor, min, max, mod, heaviside or where), and precision 'reference' is for smooth flows and for maps. "
    "Expected equations without them, or precision 'double'."
)

_FLOW = {
    "coefficients": ctypes.CFUNCTYPE(ctypes.c_int64, *[Pointer] * 10),
    "sample": ctypes.CFUNCTYPE(None, *[Pointer] * 6),
    "move": ctypes.CFUNCTYPE(None, *[Pointer] * 6),
}
_MAP = {"iterate": ctypes.CFUNCTYPE(None, *[Pointer] * 4)}


@dataclass(frozen=True)
class PreciseKernel:
    """Compiled functions for `width` trajectories at once; rows: expansions in the table of coefficients (none of a map)."""

    code: MachineCode
    words: int
    width: int
    order: int
    rows: int


def precise_order(count: int) -> int:
    """The order of the Taylor series that expansions of so many words ask for, an even one."""
    order = math.ceil(1 + BITS * count * math.log(2) / DECAY)
    return order + order % 2


def precise_width(count: int, trajectories: int) -> int:
    """The lane width that was fastest: sixteen hide latency, as long as the words of both factors stay in registers. A narrower one than
    eight saves nothing. docs/adr/015 has the measurements."""
    return 16 if count <= _WIDE_WORDS and trajectories > _NARROW else _NARROW


def is_smooth(definition: Definition) -> bool:
    """Whether this is a map, or a flow without switches."""
    return definition.kind == "map" or not branched(definition.graph, definition.roots, phases=False).switches


@lru_cache(maxsize=256)
def precise_flow_kernel(definition: Definition, count: int, width: int, target: Target) -> PreciseKernel:
    """Compiles a flow for expansions of `count` words, or finds it compiled, in this process or on the disk.

    Raises:
        RequestError: the flow has switches, which are followed in double precision only.
    """
    if not is_smooth(definition):
        message = f"{definition.name} {NOT_SMOOTH}"
        raise RequestError(message)
    code = kept_functions(_flow, definition, (count, width), signatures=_FLOW, target=target)
    return PreciseKernel(code, count, width, code.facts["order"], code.facts["rows"])


@lru_cache(maxsize=256)
def precise_map_kernel(definition: Definition, count: int, width: int, target: Target) -> PreciseKernel:
    """As `precise_flow_kernel`, of a map, which may have switches."""
    code = kept_functions(_map, definition, (count, width), signatures=_MAP, target=target)
    return PreciseKernel(code, count, width, 0, 0)


def _flow(definition: Definition, count: int, width: int) -> Module:
    order, variables = precise_order(count), len(definition.variables)
    body, now = Body(Lanes(width), count), "%now"
    body.slots.append(f"  {now} = alloca [{count} x {body.lanes.vector}], align 64")

    def leaf(node: Node) -> Value:
        return body.kept([body.lanes.load("%p", node.place)]) if node.op == "parameter" else now

    series = PreciseSeries(body, branched(definition.graph, definition.roots, phases=False), variables, order, leaf)
    text = _coefficients(body, series, now) + _sample(variables, count, order, width) + _move(series, count, width)
    return Module(_with_routines(text, width), {"order": order, "rows": series.rows})


def _with_routines(text: str, width: int) -> str:
    return declarations(width) + text + routines(text, width)


def _coefficients(body: Body, series: PreciseSeries, now: Value) -> str:
    lanes, order, variables = body.lanes, series.order, series.variables
    _store_time(body, now)
    for variable in range(variables):
        body.store(body.load(body.row("%y", variable)), body.row("%c", variable * (order + 1)))
    series.emit()

    def leading(k: int) -> list[Value]:
        return [lanes.load(body.row("%c", variable * (order + 1) + k), 0) for variable in range(variables)]

    first = leading(0)
    step = _step(lanes, [first, leading(order - 1), leading(order)], series.unit, order)
    lanes.store(step, "%h", 0)
    lanes.store(_unit(lanes, step), "%next", 0)
    doubtful = _doubtful(body, series, largest(lanes, first))
    pointers = ", ".join(f"ptr noalias %{name}" for name in ("p", "y", "t", "origin", "unit", "c", "h", "next", "slope", "before"))
    return body.function("coefficients", pointers, result=lanes.packed(doubtful))


def _doubtful(body: Body, series: PreciseSeries, size: Value) -> Value:
    """The lanes whose last step ended with slopes that the equations do not have there: as `step_size.emit_disagreement`, in all words."""
    lanes, zero = body.lanes, body.lanes.constant(0.0)
    limit = lanes.mul(lanes.intrinsic("maxnum", size, lanes.constant(1.0)), lanes.constant(2.0 ** (_DISAGREEMENT_BITS - BITS * body.count)))
    before = lanes.load("%before", 0)
    doubt = lanes.compare("olt", zero, zero)
    for variable in range(series.variables):
        mark = len(body.used)
        apart = body.first_word(body.call("sub", series.rate(variable), body.row("%slope", variable)))
        body.release(mark)
        far = lanes.compare("ugt", lanes.mul(lanes.intrinsic("fabs", apart), before), limit)
        doubt = lanes.logic("or", doubt, far)
    return lanes.logic("and", doubt, lanes.compare("ogt", before, zero))


def _store_time(body: Body, now: Value) -> None:
    """The system's own time: where the trajectory started and what has passed since."""
    levels = Levels(body.lanes, body.count, body.load("%t"))
    levels.put(0, body.lanes.load("%origin", 0))
    body.store(levels.result(), now)


def _step(lanes: Lanes, leading: Sequence[Sequence[Value]], unit: Value, order: int) -> Value:
    """The step, as `step_size.emit_step_size` estimates it, from the leading words of orders 0, order - 1 and order of all variables."""
    norms = [largest(lanes, values) for values in leading]
    step = shortened_radius(lanes, norms, order, math.exp(-DECAY))
    kept = lanes.integer(-(1 << (BITS - 1 - _STEP_BITS)))
    step = lanes.mul(lanes.number(lanes.integral("and", lanes.bits(step), kept)), unit)
    step = estimated(lanes, step, norms)
    total = reduce(lanes.add, [value for values in leading for value in values])  # maxnum passes over NaN
    return lanes.fma(total, lanes.constant(0.0), step)


def _unit(lanes: Lanes, step: Value) -> Value:
    """The power of two nearest to the radius that a step was estimated from: eight times the one below the step."""
    return lanes.mul(lanes.number(lanes.integral("and", lanes.bits(step), lanes.integer(_EXPONENT))), lanes.constant(_STEPS_IN_UNIT))


def _inverse(lanes: Lanes, unit: Value) -> Value:
    """One over a power of two: the exponent that adds up to twice the bias."""
    return lanes.number(lanes.integral("sub", lanes.integer(_TWICE_THE_BIAS), lanes.bits(unit)))


def _sample(variables: int, count: int, order: int, width: int) -> str:
    fewer = min(count, SAMPLE_WORDS)
    body = Body(Lanes(width), fewer)
    lanes = body.lanes
    number, dt = lanes.load("%n", 0), lanes.splat(lanes.load_number("%dt", 0))
    levels = Levels(lanes, count + 1)
    levels.multiply([number], [dt])
    levels.add([lanes.neg(lanes.load("%t", word)) for word in range(count)])
    inverse = _inverse(lanes, lanes.load("%unit", 0))
    x = body.kept([lanes.mul(word, inverse) for word in levels.result()[:fewer]])
    last = min(order, precise_order(SAMPLE_WORDS))
    for variable in range(variables):
        row = lanes.emit(f"getelementptr {lanes.vector}, ptr %c, i64 {variable * (order + 1) * count}")
        value = body.call("horner", row, x, ("i64", str(last)), ("i64", str(count)))
        _keep_two_words(body, value, variable)
    return body.function("sample", ", ".join(f"ptr noalias %{name}" for name in ("c", "t", "unit", "n", "dt", "z")))


def _keep_two_words(body: Body, value: Value, variable: int) -> None:
    for word in range(KEPT_WORDS):
        body.lanes.store(body.lanes.load(value, word), "%z", variable * KEPT_WORDS + word)


def _move(series: PreciseSeries, count: int, width: int) -> str:
    body = series.body = Body(Lanes(width), count)
    lanes = body.lanes
    step, inverse = lanes.load("%h", 0), _inverse(lanes, lanes.load("%unit", 0))
    units = lanes.mul(step, inverse)
    for variable in range(series.variables):
        first = body.row("%c", variable * (series.order + 1))
        body.call("horner_short", first, (lanes.vector, units), ("i64", str(series.order)), into=body.row("%y", variable))
        rates, last = series.slope(variable)
        slope = body.row("%slope", variable)
        if last:
            body.call("horner_short", rates, (lanes.vector, units), ("i64", str(last)), into=slope)
        else:
            body.shifted(rates, inverse, into=slope)
    levels = Levels(lanes, count, body.load("%t"))
    levels.put(0, step)
    body.store(levels.result(), "%t")
    return body.function("move", ", ".join(f"ptr noalias %{name}" for name in ("c", "h", "unit", "y", "t", "slope")))


def _map(definition: Definition, count: int, width: int) -> Module:
    body = Body(Lanes(width), count)
    nodes, values = definition.graph.nodes, dict[int, Value]()
    for index in reachable(nodes, definition.roots):
        node = nodes[index]
        if node.op == "const":
            values[index] = body.constant([node.constant])
        elif node.op in LEAVES:
            values[index] = _map_leaf(body, node)
        else:
            values[index] = operation(body, node, [values[argument] for argument in node.args])
    results = [body.load(values[root]) for root in definition.roots]
    for variable, words in enumerate(results):
        body.store(words, body.row("%z", variable))
    text = body.function("iterate", ", ".join(f"ptr noalias %{name}" for name in ("p", "y", "t", "z")))
    return Module(_with_routines(text, width))


def _map_leaf(body: Body, node: Node) -> Value:
    if node.op == "variable":
        return body.row("%y", node.place)
    return body.kept([body.lanes.load({"parameter": "%p", "time": "%t"}[node.op], node.place)])
