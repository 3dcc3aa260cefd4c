"""The compiled step of the method for stiff flows, and what a step of either method costs."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import lru_cache

from attractory.expressions.circles import Circle
from attractory.expressions.definition import Definition
from attractory.expressions.derivative import sparse_jacobian
from attractory.expressions.graph import GraphBuilder
from attractory.kernels import functions
from attractory.kernels.branches import branched
from attractory.kernels.circles import Circles
from attractory.kernels.flow import flow_text
from attractory.kernels.lanes import declarations
from attractory.kernels.linear_solve import size_of_code
from attractory.kernels.machine import MachineCode, Module, Pointer, Target, kept_functions
from attractory.kernels.pointwise import reachable
from attractory.kernels.rodas5p import STAGES
from attractory.kernels.rosenbrock import ATTEMPT, emit_advance, emit_attempt, emit_dense, emit_due

_SIGNATURES = {
    "attempt": ctypes.CFUNCTYPE(ctypes.c_int64, *[Pointer] * len(ATTEMPT)),
    "dense": ctypes.CFUNCTYPE(None, *[Pointer] * 2),
    "due": ctypes.CFUNCTYPE(ctypes.c_int64, *[Pointer] * 5),
    "evaluate": ctypes.CFUNCTYPE(ctypes.c_int64, *[Pointer] * 7),
    "advance": ctypes.CFUNCTYPE(None, *[Pointer] * 5),
}
# The method is written without loops: a system whose linear equations take more instructions than this would compile for many seconds.
_LONGEST, _MOST_VARIABLES = 15_000, 512
# So are the equations, once a stage, in which an elementary function is some fifty instructions: with a hundred of them it takes half a
# minute.
_LONGEST_EQUATIONS, _FUNCTION, _ELEMENTARY = 25_000, 50, {*functions.UNARY, "atan2", "pow"}
# What an instruction takes of the time of a multiplication, roughly, on any vector unit; all that is not listed counts as one.
_FREE = ("load ", "store ", "getelementptr ", "bitcast ", "insertelement ", "shufflevector ", "br ", "ret ")
_SLOW = (("fdiv ", 8), ("@llvm.sqrt", 8))


@dataclass(frozen=True)
class StiffKernel:
    """A flow's compiled functions for `width` trajectories at once; `cost` is that of one step tried, in instructions."""

    code: MachineCode
    width: int
    variables: int
    cost: int


@lru_cache(maxsize=256)
def stiff_kernel(definition: Definition, width: int, target: Target, dtype: str = "float64") -> StiffKernel:
    """Compiles the method for stiff flows for one of them, or finds it compiled, in this process or on the disk."""
    code = kept_functions(_module, definition, (width, dtype, definition.wrap), signatures=_SIGNATURES, target=target)
    return StiffKernel(code, width, len(definition.variables), int(code.facts["cost"]))


def _module(definition: Definition, width: int, dtype: str, _: tuple[Circle, ...]) -> Module:
    variables, attempt = len(definition.variables), emit_attempt(definition, width)
    circles = Circles(definition.wrap, variables, dtype)
    parts = [attempt, emit_dense(width, variables), *emit_due(width, circles), emit_advance(width), circles.text]
    return Module(declarations(width) + "".join(parts), {"cost": cost(attempt)})


@lru_cache(maxsize=256)
def fits_straight_line(definition: Definition) -> bool:
    """Whether the method is there for a system of this size.

    Any of twelve variables without many elementary functions, and one of hundreds if its Jacobian is a narrow band.
    """
    size = len(definition.variables)
    if size > _MOST_VARIABLES:
        return False
    nodes = [definition.graph.nodes[index] for index in reachable(definition.graph.nodes, definition.roots)]
    if STAGES * sum(_FUNCTION if node.op in _ELEMENTARY else 1 for node in nodes) > _LONGEST_EQUATIONS:
        return False
    rows = sparse_jacobian(GraphBuilder(definition.graph), definition.roots)
    return size_of_code([{place, *row} for place, row in enumerate(rows)], STAGES) <= _LONGEST


@lru_cache(maxsize=256)
def taylor_cost(definition: Definition, order: int) -> int:
    """The cost of a Taylor step without its samples, in instructions: its coefficients in straight-line code, three for each to add up."""
    text, _ = flow_text(definition, branched(definition.graph, definition.roots), order, 2)
    coefficients = next(function for function in text.split("\ndefine ") if "@coefficients(" in function)
    return cost(coefficients) + 3 * order * len(definition.variables)


def cost(text: str) -> int:
    """Instructions that compute, a division as eight: the same for every lane width and machine."""
    instructions = [line.split(" = ", 1)[-1].strip() for line in text.splitlines() if line.startswith("  ")]
    computing = [instruction for instruction in instructions if not instruction.startswith(_FREE)]
    return sum(next((weight for name, weight in _SLOW if name in instruction), 1) for instruction in computing)
