"""The compiled step of a flow, and the iterate of a map, on expansions of a given number of words.

Flows: coefficients(p, y, t, origin, c, h)    the table of Taylor coefficients and the step; t is the time since the start in words
       sample(c, t, n, dt, z)                 the state at n dt, in its two leading words, from the polynomials of the step that began at t
       move(c, h, y, t)                       the state and the time at the step's end
Maps:  iterate(p, y, t, z)                    the next state, and the two leading words of this one
Rows of y, z, t are words: word w of variable v is row v words + w. p, origin, n, dt hold doubles: a parameter is exactly what it is."""

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
from attractory.kernels.precise.body import PREFIX, Body
from attractory.kernels.precise.pointwise import operation
from attractory.kernels.precise.routines import routines
from attractory.kernels.precise.series import PreciseSeries
from attractory.kernels.step_size import NO_ESTIMATE, VANISHING, emit_exp2, emit_log2

BITS = 53  # of a word
# A step is the radius of convergence / e^2: Jorba and Zou's optimum where a step costs order^2 operations, as it does here.
DECAY = 2.0
# Samples are evaluated in so many words: 159 bits, of which the two leading words are kept.
SAMPLE_WORDS = 3
KEPT_WORDS = 2
# A step keeps so many bits of its length: the time, a sum of steps, then fits into two words without rounding.
_STEP_BITS = 20

_FLOW = {
    "coefficients": ctypes.CFUNCTYPE(None, *[Pointer] * 6),
    "sample": ctypes.CFUNCTYPE(None, *[Pointer] * 5),
    "move": ctypes.CFUNCTYPE(None, *[Pointer] * 4),
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


def precise_width(count: int) -> int:
    """The lane width that was fastest: docs/adr/015 has the measurements."""
    return 8


@lru_cache(maxsize=256)
def precise_flow_kernel(definition: Definition, count: int, width: int, target: Target) -> PreciseKernel:
    """Compiles a flow for expansions of `count` words, or finds it compiled, in this process or on the disk.

    Raises:
        RequestError: the flow has switches, which are followed in double precision only.
    """
    if branched(definition.graph, definition.roots).switches:
        message = (
            f"{definition.name} has switches (abs, sign, floor, min, max, mod, where …), and `precision: reference` follows smooth flows and "
            "maps only. Use `precision: double`, or equations without them."
        )
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
    coefficients, rows = _coefficients(definition, count, order, width)
    text = coefficients + _sample(variables, count, order, width) + _move(variables, count, order, width)
    return Module(_with_routines(text, width), {"order": order, "rows": rows})


def _with_routines(text: str, width: int) -> str:
    return declarations(width) + text + routines(text, width)


def _coefficients(definition: Definition, count: int, order: int, width: int) -> tuple[str, int]:
    body, variables = Body(Lanes(width), count), len(definition.variables)
    now = body.slot()

    def leaf(node: Node) -> Value:
        return body.kept([body.lanes.load("%p", node.place)]) if node.op == "parameter" else now

    series = PreciseSeries(body, branched(definition.graph, definition.roots), variables, order, leaf)
    _store_time(body, now)
    for variable in range(variables):
        body.store(body.load(body.row("%y", variable)), body.row("%c", variable * (order + 1)))
    series.emit()
    leading = [[body.lanes.load(body.row("%c", variable * (order + 1) + k), 0) for variable in range(variables)] for k in (0, order - 1, order)]
    body.lanes.store(_step(body.lanes, leading, order), "%h", 0)
    pointers = ", ".join(f"ptr noalias %{name}" for name in ("p", "y", "t", "origin", "c", "h"))
    return body.function("coefficients", pointers), series.rows


def _store_time(body: Body, now: Value) -> None:
    """The system's own time: where the trajectory started and what has passed since."""
    levels = Levels(body.lanes, body.count, body.load("%t"))
    levels.put(0, body.lanes.load("%origin", 0))
    body.store(levels.result(), now)


def _step(lanes: Lanes, leading: Sequence[Sequence[Value]], order: int) -> Value:
    """The step, as `step_size.emit_step_size` estimates it, from the leading words of the orders 0, order - 1 and order of all variables."""
    norms = [reduce(lambda a, b: lanes.intrinsic("maxnum", a, b), [lanes.intrinsic("fabs", v) for v in values]) for values in leading]
    tiny = lanes.constant(VANISHING)
    scale = lanes.intrinsic("maxnum", emit_log2(lanes, norms[0]), lanes.constant(0.0))
    lasts = [lanes.intrinsic("maxnum", norm, tiny) for norm in norms[1:]]
    radii = [
        lanes.mul(lanes.sub(scale, emit_log2(lanes, norm)), lanes.constant(1.0 / power))
        for norm, power in zip(lasts, (order - 1, order), strict=True)
    ]
    step = lanes.mul(emit_exp2(lanes, lanes.intrinsic("minnum", *radii)), lanes.constant(round(math.exp(-DECAY), 12)))
    kept = lanes.integer(-(1 << (BITS - 1 - _STEP_BITS)))
    step = lanes.number(lanes.integral("and", lanes.bits(step), kept))
    step = lanes.select(lanes.compare("ole", lanes.intrinsic("maxnum", *lasts), tiny), lanes.constant(NO_ESTIMATE), step)
    total = reduce(lanes.add, [value for values in leading for value in values])  # maxnum passes over NaN
    return lanes.fma(total, lanes.constant(0.0), step)


def _sample(variables: int, count: int, order: int, width: int) -> str:
    fewer = min(count, SAMPLE_WORDS)
    body = Body(Lanes(width), fewer)
    lanes = body.lanes
    number, dt = lanes.load("%n", 0), lanes.splat(lanes.load_number("%dt", 0))
    levels = Levels(lanes, count + 1)
    levels.multiply([number], [dt])
    levels.add([lanes.neg(lanes.load("%t", word)) for word in range(count)])
    x = body.kept(levels.result()[:fewer])
    last = min(order, precise_order(SAMPLE_WORDS))
    for variable in range(variables):
        row = lanes.emit(f"getelementptr {lanes.vector}, ptr %c, i64 {variable * (order + 1) * count}")
        value = body.call("horner", row, x, ("i64", str(last)), ("i64", str(count)))
        _keep_two_words(body, value, variable)
    return body.function("sample", ", ".join(f"ptr noalias %{name}" for name in ("c", "t", "n", "dt", "z")))


def _keep_two_words(body: Body, value: Value, variable: int) -> None:
    for word in range(KEPT_WORDS):
        body.lanes.store(body.lanes.load(value, word), "%z", variable * KEPT_WORDS + word)


def _move(variables: int, count: int, order: int, width: int) -> str:
    body = Body(Lanes(width), count)
    lanes = body.lanes
    step = lanes.load("%h", 0)
    for variable in range(variables):
        first = body.row("%c", variable * (order + 1))
        body.call("horner_short", first, (lanes.vector, step), ("i64", str(order)), into=body.row("%y", variable))
    levels = Levels(lanes, count, body.load("%t"))
    levels.put(0, step)
    body.store(levels.result(), "%t")
    return body.function("move", ", ".join(f"ptr noalias %{name}" for name in ("c", "h", "y", "t")))


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


__all__ = ["KEPT_WORDS", "PREFIX", "PreciseKernel", "precise_flow_kernel", "precise_map_kernel", "precise_order", "precise_width"]
