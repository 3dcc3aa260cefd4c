"""The compiled step of a delay system: the past re-expanded at each lag, Taylor coefficients, and the history's own series."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from attractory.expressions.definition import Definition, Delays
from attractory.expressions.graph import Node
from attractory.kernels.branches import Branched, branched
from attractory.kernels.circles import Circles
from attractory.kernels.lanes import Lanes, Value, declarations
from attractory.kernels.machine import MachineCode, Module, Pointer, Target, kept_functions
from attractory.kernels.sampling import emit_sampling
from attractory.kernels.step_size import NO_ESTIMATE, emit_disagreement, emit_step_size
from attractory.kernels.stepping import emit_bound, emit_finish, emit_move
from attractory.kernels.taylor import TaylorSeries

_SIGNATURES = {
    "coefficients": ctypes.CFUNCTYPE(ctypes.c_int64, *[Pointer] * 9),
    "history": ctypes.CFUNCTYPE(None, *[Pointer] * 6),
    "finish": ctypes.CFUNCTYPE(None, *[Pointer] * 13),
    "bound": ctypes.CFUNCTYPE(ctypes.c_int64, *[Pointer] * 7),
    "move": ctypes.CFUNCTYPE(None, *[Pointer] * 6),
    "samples": ctypes.CFUNCTYPE(ctypes.c_int64, *[Pointer] * 10),
}
# Steps are this part of what a flow's would be: the past is read from polynomials around the nearest beginning of a step, up to half a step
# aside, and there a polynomial of order n is off by (3/2)^(n + 1) times what it is off at the end of its own step. docs/adr/012.
CAUTION = 0.8

_AHEAD = 3  # sums are begun so many orders ahead, as those of flows


@dataclass(frozen=True)
class DelayKernel:
    """A delay system's compiled functions for `width` trajectories at once; reads are (place among `stored`, lag)."""

    code: MachineCode
    width: int
    order: int
    variables: int
    parameters: int
    lags: int
    reads: tuple[tuple[int, int], ...]
    stored: tuple[int, ...]


@lru_cache(maxsize=256)
def delay_kernel(definition: Definition, order: int, width: int, target: Target, dtype: str = "float64") -> DelayKernel:
    """Compiles a delay system, or finds it compiled, in this process or on the disk; its samples are of this dtype."""
    code = kept_functions(_module, definition, (order, width, dtype), signatures=_SIGNATURES, target=target)
    delays = delays_of(definition)
    stored = tuple(sorted({variable for variable, _ in delays.reads}))
    reads = tuple((stored.index(variable), lag) for variable, lag in delays.reads)
    return DelayKernel(code, width, order, len(definition.variables), len(definition.parameters), len(delays.lags), reads, stored)


def delays_of(definition: Definition) -> Delays:
    """What a delay system reads of its past."""
    if definition.delays is None:
        message = f"{definition.name} is no delay system"
        raise RuntimeError(message)
    return definition.delays


def _module(definition: Definition, order: int, width: int, dtype: str) -> Module:
    variables = len(definition.variables)
    text = declarations(width) + emit_bound(width) + emit_move(width)
    circles = Circles((), variables, dtype)
    text += emit_sampling(width, order, dtype, circles) + emit_finish(width, order, circles)
    return Module(text + _emit_coefficients(definition, order, width) + _emit_history(definition, order, width))


def _emit_coefficients(definition: Definition, order: int, width: int) -> str:
    """coefficients(p, y, t, past, shift, c, h, time, rate): all coefficients of one step and its size.

    Rows of past: for each read the order + 1 coefficients of a polynomial of the past; rows of shift: how far from its centre each read's
    time is. Returns the bits of the lanes whose last step has to be taken back (see `emit_disagreement`).
    """
    lanes, delays, variables = Lanes(width), delays_of(definition), len(definition.variables)

    def leaf(node: Node) -> Value:
        return past[node.place - variables][0] if node.place >= variables and node.op == "variable" else _leaf(lanes, node)

    graph = branched(definition.graph, definition.roots, phases=False)
    past = [_shifted(lanes, read, order) for read in range(len(delays.reads))]
    series = TaylorSeries(lanes, graph, leaf)
    state = [[lanes.load("%y", variable)] for variable in range(variables)]
    places = {node.place: index for index, node in enumerate(graph.nodes) if node.op == "variable"}
    for k in range(order):
        _enter(series, places, [*state, *past], k)
        series.extend(k)
        for variable, root in enumerate(graph.roots):
            rate = series.table[root][k]
            value = lanes.constant(0.0) if rate is None else rate
            state[variable].append(value if k == 0 else lanes.mul(value, lanes.constant(1.0 / (k + 1))))
            if variable in places:
                series.scaled_terms[places[variable], k + 1] = rate  # k + 1 times the coefficient, without a product's rounding
        series.look_ahead(k, range(k + 1, min(k + _AHEAD, order - 1) + 1))
    for variable, coefficients in enumerate(state):
        for k, value in enumerate(coefficients):
            lanes.store(value, "%c", variable * (order + 1) + k)
    lanes.store(_careful(lanes, emit_step_size(lanes, state, graph.sized, order)), "%h", 0)
    doubtful = emit_disagreement(lanes, [state[place][0] for place in graph.sized], [row[1] for row in state], order)
    return lanes.returning("coefficients", ["p", "y", "t", "past", "shift", "c", "h", "time", "rate"], lanes.packed(doubtful))


def _enter(series: TaylorSeries, places: dict[int, int], known: Sequence[Sequence[Value]], k: int) -> None:
    """Sets order k of the variables and of the past."""
    for variable, place in places.items():
        if len(series.table[place]) == k:
            series.table[place].append(known[variable][k])


def _leaf(lanes: Lanes, node: Node) -> Value:
    return lanes.load({"variable": "%y", "parameter": "%p", "time": "%t"}[node.op], node.place)


def _shifted(lanes: Lanes, read: int, order: int) -> list[Value]:
    """The polynomial around the read's time: Taylor's shift by Horner's rule, exact but for rounding."""
    shift = lanes.load("%shift", read)
    coefficients = [lanes.load("%past", read * (order + 1) + k) for k in range(order + 1)]
    for first in range(order):
        for k in range(order - 1, first - 1, -1):
            coefficients[k] = lanes.fma(coefficients[k + 1], shift, coefficients[k])
    return coefficients


def _careful(lanes: Lanes, step: Value) -> Value:
    """The step times `CAUTION`, where there is an estimate."""
    known = lanes.compare("ueq", step, lanes.constant(NO_ESTIMATE))
    return lanes.select(known, step, lanes.mul(step, lanes.constant(CAUTION)))


def _emit_history(definition: Definition, order: int, width: int) -> str:
    """history(p, t, factor, offset, out, h): the series of factor * history + offset of all variables around t, and how long it is good."""
    lanes, delays = Lanes(width), delays_of(definition)
    graph: Branched = branched(definition.graph, delays.history, phases=False)
    series = TaylorSeries(lanes, graph, lambda node: _leaf(lanes, node))
    for k in range(order + 1):
        series.extend(k)
    factor, zero = lanes.load("%factor", 0), lanes.constant(0.0)
    rows: list[list[Value]] = []
    for variable, root in enumerate(graph.roots):
        values = [lanes.mul(value, factor) if (value := series.table[root][k]) is not None else zero for k in range(order + 1)]
        values[0] = lanes.add(values[0], lanes.load("%offset", variable))
        for k, value in enumerate(values):
            lanes.store(value, "%out", variable * (order + 1) + k)
        rows.append(values)
    lanes.store(_careful(lanes, emit_step_size(lanes, rows, range(len(rows)), order)), "%h", 0)
    return lanes.function("history", ["p", "t", "factor", "offset", "out", "h"])
