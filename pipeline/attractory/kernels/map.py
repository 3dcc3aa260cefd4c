"""The compiled iterate of a map."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import lru_cache

from attractory.expressions.definition import Definition
from attractory.expressions.graph import Node
from attractory.kernels.lanes import Lanes, Value, declarations
from attractory.kernels.machine import MachineCode, Module, Pointer, Target, kept_functions
from attractory.kernels.pointwise import emit_values


@dataclass(frozen=True)
class MapKernel:
    """iterate(p, y, t, z): the next state of `width` trajectories."""

    code: MachineCode
    width: int
    variables: int
    parameters: int


_SIGNATURES = {"iterate": ctypes.CFUNCTYPE(None, *[Pointer] * 4)}


@lru_cache(maxsize=256)
def map_kernel(definition: Definition, width: int, target: Target) -> MapKernel:
    """Compiles a map, or finds it compiled, in this process or on the disk."""
    code = kept_functions(_module, definition, (width,), signatures=_SIGNATURES, target=target)
    return MapKernel(code, width, len(definition.variables), len(definition.parameters))


def _module(definition: Definition, width: int) -> Module:
    lanes = Lanes(width)

    def leaf(node: Node) -> Value:
        pointer = {"variable": "%y", "parameter": "%p", "time": "%t"}[node.op]
        return lanes.load(pointer, node.place)

    values = emit_values(lanes, definition.graph.nodes, definition.roots, leaf)
    for variable, root in enumerate(definition.roots):
        lanes.store(values[root], "%z", variable)
    return Module(declarations(width) + lanes.function("iterate", ["p", "y", "t", "z"]))
