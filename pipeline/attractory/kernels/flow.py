"""The compiled step of a flow: Taylor coefficients and step size, evaluation, sampling, and the modes of its switches."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

from attractory.expressions.circles import Circle
from attractory.expressions.definition import Definition
from attractory.expressions.graph import Node
from attractory.expressions.sliding import followed
from attractory.kernels.branches import Branched, branched
from attractory.kernels.circles import Circles
from attractory.kernels.compact import COEFFICIENTS, MODES, compact_text
from attractory.kernels.crossings import Watch, Watched, emit_crossings
from attractory.kernels.lanes import Lanes, Value, declarations
from attractory.kernels.machine import IN_ORDER, MachineCode, Module, Pointer, Target, kept_functions
from attractory.kernels.pointwise import emit_values, sign_mode
from attractory.kernels.sampling import emit_sampling
from attractory.kernels.step_size import emit_disagreement, emit_step_size
from attractory.kernels.stepping import emit_bound, emit_finish, emit_move
from attractory.kernels.taylor import TaylorSeries
from attractory.kernels.units import members_of_a_pattern

_SIGNATURES = {
    "coefficients": ctypes.CFUNCTYPE(ctypes.c_int64, *[Pointer] * 9),
    "finish": ctypes.CFUNCTYPE(None, *[Pointer] * 13),
    "modes": ctypes.CFUNCTYPE(None, *[Pointer] * 6),
    "bound": ctypes.CFUNCTYPE(ctypes.c_int64, *[Pointer] * 7),
    "move": ctypes.CFUNCTYPE(None, *[Pointer] * 6),
    "crossings": ctypes.CFUNCTYPE(ctypes.c_int64, *[Pointer] * 6),
    "samples": ctypes.CFUNCTYPE(ctypes.c_int64, *[Pointer] * 10),
}


# Lane widths that were fastest, by variables: sixteen lanes hide latency, until the coefficients of many variables no longer fit the first
# cache; from thousands on, those of fewer lanes still fit a core's share of the last one.
_WIDTHS = ((10, 16), (2000, 8), (4000, 4))
_NARROWEST = 2
# From so many variables on, a step in lanes that hold no trajectory costs more than a kernel of fewer lanes, compiled for the occasion.
_MANY = 24
# Nodes times the square of (order + 1) is about the length of straight-line code. Up to the second length it is the faster form; beyond it
# loops are better for the time that LLVM takes. Where so many units share a pattern, loops are faster, too, from so many operations on,
# and from the third length on they certainly are; the first length is certainly less. docs/adr/010 has the measurements.
_SHORT, _LONG, _LONG_ALIKE, _ALIKE, _MOST = 8_000, 60_000, 50_000, 6.0, 3_200

# Coefficients are made for all lanes at once up to so many operations: two streams of instructions, of which one works while the other
# waits. Longer code is for a part of the lanes, and runs once for each part: half the instructions, registers and first cache. Up to the
# next number sums are begun some orders ahead and LLVM leaves them there; beyond it, registers are what counts, and LLVM's own order is
# better. docs/adr/006 has the measurements.
_PART, _WHOLE, _IN_ORDER = 8, 700, 1_900


class SwitchFacts(NamedTuple):
    """What the driver must know of a mode.

    level: it is an integer, not a sign. holds: both sides may point to its surface. exit: the row of the function that lies between 0 and 1
    as long as the solution slides along it, or -1 where that is not followed. gap: the row of the rate of its function along the first
    tangent vector, or -1 where the right-hand side does not jump; the others follow. nested: its function jumps where other modes turn."""

    level: bool
    holds: bool
    exit: int
    gap: int
    nested: bool


@dataclass(frozen=True)
class FlowKernel:
    """A flow's compiled functions for `width` trajectories at once.

    vectors: how many tangent vectors are among the variables. rows: of the array c, which holds other nodes' coefficients too where the
    code is loops.
    """

    code: MachineCode
    width: int
    order: int
    variables: int
    parameters: int
    switches: tuple[SwitchFacts, ...]
    vectors: int
    rows: int


@lru_cache(maxsize=256)
def flow_kernel(
    definition: Definition, order: int, width: int, target: Target, dtype: str = "float64", loops: bool | None = None
) -> FlowKernel:
    """Compiles a flow, or finds it compiled, in this process or on the disk; its samples are of this dtype.

    loops: how it is compiled, in place of what `is_large` says.
    """
    settings = (order, width, dtype, loops, definition.wrap)
    code = kept_functions(_module, definition, settings, signatures=_SIGNATURES, target=target)
    switches = tuple(SwitchFacts(*facts) for facts in code.facts["switches"])
    sizes = (len(definition.variables), len(definition.parameters))
    return FlowKernel(code, width, order, *sizes, switches, definition.vectors, code.facts["rows"])


def _module(definition: Definition, order: int, width: int, dtype: str, loops: bool | None, _: tuple[Circle, ...]) -> Module:
    definition = followed(definition)
    graph = branched(definition.graph, definition.roots, definition.vectors)
    loops = is_large(graph, order) if loops is None else loops
    text, rows = flow_text(definition, graph, order, width, dtype, loops)
    return Module(text, {"switches": _switch_facts(graph, len(definition.variables), order), "rows": rows})


def _switch_facts(graph: Branched, variables: int, order: int) -> list[SwitchFacts]:
    row = {place: (variables + len(graph.switches) + number) * (order + 1) for number, (place, _) in enumerate(graph.exits)}
    following, gap = variables + len(graph.switches) + len(graph.exits), {}
    for place, nodes in graph.gaps:
        gap[place] = following * (order + 1)
        following += len(nodes)
    return [
        SwitchFacts(switch.kind == "level", place in graph.holding, row.get(place, -1), gap.get(place, -1), place in graph.nested)
        for place, switch in enumerate(graph.switches)
    ]


def flow_text(
    definition: Definition, graph: Branched, order: int, width: int, dtype: str = "float64", loops: bool = False
) -> tuple[str, int]:
    """(the module of a flow's functions in LLVM IR, the rows of the array c)."""
    variables = len(definition.variables)
    text = declarations(width) + emit_bound(width) + emit_move(width)
    circles = Circles(definition.wrap, variables, dtype)
    text += emit_sampling(width, order, dtype, circles) + emit_finish(width, order, circles) + circles.text
    text += _emit_crossings(graph, variables, order, width)
    if loops:
        found, rows = compact_text(graph, variables, order, width)
        return text + found, rows
    text += _emit_coefficients(graph, order, width) + _emit_modes(graph, width)
    parts = declarations(min(width, _PART)) + declarations(min(width, 2 * _PART))
    text = "".join(line for line in dict.fromkeys(parts.splitlines(keepends=True)) if line not in text) + text
    return text, (variables + len(graph.watched)) * (order + 1)


def _emit_crossings(graph: Branched, variables: int, order: int, width: int) -> str:
    facts = _switch_facts(graph, variables, order)
    own = [Watched((variables + place) * (order + 1), place) for place in range(len(facts))]
    signs = tuple(watched for watched, fact in zip(own, facts, strict=True) if not fact.level)
    levels = tuple(watched for watched, fact in zip(own, facts, strict=True) if fact.level)
    exits = tuple(Watched(fact.exit, place) for place, fact in enumerate(facts) if fact.exit >= 0)
    return emit_crossings(width, order, variables, Watch(signs, levels, exits))


def is_large(graph: Branched, order: int) -> bool:
    """Whether loops serve better than straight-line code."""
    length = len(graph.nodes) * (order + 1) ** 2
    if length <= _SHORT or members_of_a_pattern(graph) < _ALIKE:
        return length > _LONG
    return length > _LONG_ALIKE or _arithmetic(_coefficients_of(graph, order, Lanes(_PART), ahead=0)[0]) > _MOST


def lanes_for(definition: Definition, trajectories: int | None = None) -> int:
    """The lane width that is fastest for a system of this size; for a large one, no more lanes than trajectories need."""
    variables = len(definition.variables)
    width = next((width for most, width in _WIDTHS if variables <= most), _NARROWEST)
    if trajectories is None or variables < _MANY:
        return width
    return next((fewer for fewer in (2, 4, 8) if trajectories <= fewer < width), width)


def _leaves(lanes: Lanes) -> Callable[[Node], Value]:
    """How a node reads what stays fixed within a step: rows of y, y_low, p, t and m."""

    def leaf(node: Node) -> Value:
        index = node.place
        if node.op in ("positive", "slides"):
            comparison = "ogt" if node.op == "positive" else "oeq"
            return lanes.compare(comparison, lanes.load("%m", index), lanes.constant(0.0))
        pointer = {"variable": "%y", "low": "%y_low", "parameter": "%p", "time": "%t", "signum": "%m", "level": "%m"}[node.op]
        return lanes.load(pointer, index)

    return leaf


def _emit_coefficients(graph: Branched, order: int, width: int) -> str:
    """coefficients(p, y, t, m, c, h, time, rate, y_low): one step's coefficients and size from parameters, state, time and modes.

    Returns the bits of the lanes whose last step has to be taken back (see `emit_disagreement`).
    """
    part = Lanes(min(width, _PART), across=width)
    lanes, result = _coefficients_of(graph, order, part, ahead=3)
    length = _arithmetic(lanes)
    if width > _PART and length <= _WHOLE:
        lanes, result = _coefficients_of(graph, order, Lanes(min(width, 2 * _PART), across=width), ahead=4)
    elif length > _IN_ORDER:
        lanes, result = _coefficients_of(graph, order, replace(part, lines=[]), ahead=1)
    text = lanes.in_parts("coefficients", COEFFICIENTS, result)
    return text + (IN_ORDER if length <= _IN_ORDER else "")


def _arithmetic(lanes: Lanes) -> int:
    """How many additions and multiplications, fused or not, a function does."""
    return sum(any(name in line for name in ("llvm.fma", "= fmul", "= fadd", "= fsub")) for line in lanes.lines)


def _coefficients_of(graph: Branched, order: int, lanes: Lanes, *, ahead: int) -> tuple[Lanes, Value]:
    """The body of `coefficients` for some lanes, and what it returns.

    The rows of the switches' functions follow those of the variables. Sums are begun so many orders ahead.
    """
    series = TaylorSeries(lanes, graph, _leaves(lanes))
    state = [[lanes.load("%y", variable)] for variable in range(len(graph.roots))]
    places = {node.place: index for index, node in enumerate(graph.nodes) if node.op == "variable"}
    for k in range(order):
        for variable, coefficients in enumerate(state):
            # at once: a value that waits for its store is one that registers have to hold
            lanes.store(coefficients[k], "%c", variable * (order + 1) + k)
            if variable in places and len(series.table[places[variable]]) == k:
                series.table[places[variable]].append(coefficients[k])
        series.extend(k)
        for variable, root in enumerate(graph.roots):
            rate = series.table[root][k]
            value = lanes.constant(0.0) if rate is None else rate
            state[variable].append(value if k == 0 else lanes.mul(value, lanes.constant(1.0 / (k + 1))))
            if variable in places:
                series.scaled_terms[places[variable], k + 1] = rate  # k + 1 times the coefficient, without a product's rounding
        if k == 0:
            sized = [state[place][0] for place in graph.sized]
            doubtful = lanes.packed(emit_disagreement(lanes, sized, [row[1] for row in state], order))
        series.look_ahead(k, range(k + 1, min(k + ahead, order - 1) + 1))
    for variable, coefficients in enumerate(state):
        lanes.store(coefficients[order], "%c", variable * (order + 1) + order)
    _emit_switch_rows(lanes, series, graph, state, order)
    kept = [[lanes.load("%c", variable * (order + 1)), *row[1:]] for variable, row in enumerate(state)]
    lanes.store(emit_step_size(lanes, kept, graph.sized, order), "%h", 0)
    return lanes, doubtful


def _emit_switch_rows(lanes: Lanes, series: TaylorSeries, graph: Branched, state: list[list[Value]], order: int) -> None:
    """What the driver watches, to the full order, so that roots are as good as the step."""
    if not graph.watched:
        return
    for index, node in enumerate(graph.nodes):
        if node.op == "variable" and len(series.table[index]) == order:
            series.table[index].append(state[node.place][order])
    series.extend(order, only=graph.watched)
    for place, watched in enumerate(graph.watched):
        for k in range(order + 1):
            value = series.table[watched][k]
            lanes.store(lanes.constant(0.0) if value is None else value, "%c", (len(state) + place) * (order + 1) + k)


def _emit_modes(graph: Branched, width: int) -> str:
    """modes(p, y, t, m, c, y_low): the modes that state and time ask for, earlier switches' modes already in force for later ones."""
    lanes = Lanes(width)
    leaf = _leaves(lanes)
    for place, switch in enumerate(graph.switches):
        value = emit_values(lanes, graph.nodes, [switch.function], leaf)[switch.function]
        if switch.kind == "level":
            mode = lanes.intrinsic("floor", value)
        else:
            mode = sign_mode(lanes, value)
        lanes.store(mode, "%m", place)
    return lanes.function("modes", MODES)
