"""The compiled iterates of a map: many iterates of several vectors of lanes in one call, the state in registers.

An iterate is a short chain of operations, each of which waits for the one before: a vector alone leaves a processor idle most of the
time. So a call iterates `groups` vectors side by side, whose chains have nothing to do with each other."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import lru_cache, partial

from attractory.expressions.definition import Definition
from attractory.expressions.graph import Node
from attractory.expressions.phases import two_parts
from attractory.kernels.lanes import Lanes, Value, declarations, row_pointer
from attractory.kernels.loops import emit_loop, times
from attractory.kernels.machine import MachineCode, Module, Pointer, Target, kept_functions
from attractory.kernels.pointwise import emit_values
from attractory.kernels.transpose import emit_put

# Vectors side by side: four hide the latency of a chain. So many vectors of states stay in registers; a larger map has its state in memory.
_GROUPS, _IN_REGISTERS = 4, 16
_STATES = 2  # what is carried before them
_NO_SINGLE = 2.0**897  # times what single precision cannot hold, this is infinite


@dataclass(frozen=True)
class MapKernel:
    """iterates(p, y, start, n, z, finite, counts): counts[1] samples, counts[0] iterates apart, of `groups * width` trajectories.

    Rows of y, p and z hold a number of each trajectory. y: the state, moved on; n: how many iterates it has behind it; sample s goes to the
    rows of z from s * variables on. finite: zeros of one vector; one becomes NaN where a sample may not be finite in some group.
    put(z, out, sizes): see `emit_put`.
    """

    code: MachineCode
    width: int
    groups: int
    variables: int
    parameters: int


_SIGNATURES = {"iterates": ctypes.CFUNCTYPE(None, *[Pointer] * 7), "put": ctypes.CFUNCTYPE(None, *[Pointer] * 3)}


def groups_for(definition: Definition, width: int, trajectories: int) -> int:
    """Vectors side by side: no more than the trajectories fill, and one for a map whose states are many."""
    filled = min(_GROUPS, -(-trajectories // width))
    return max(1, min(filled, _IN_REGISTERS // len(definition.variables)))


@lru_cache(maxsize=256)
def map_kernel(definition: Definition, width: int, target: Target, dtype: str = "float64", groups: int = _GROUPS) -> MapKernel:
    """Compiles a map, or finds it compiled, in this process or on the disk; its samples are of this dtype."""
    code = kept_functions(_module, definition, (width, dtype, groups), signatures=_SIGNATURES, target=target)
    return MapKernel(code, width, groups, len(definition.variables), len(definition.parameters))


def _module(definition: Definition, width: int, dtype: str, groups: int) -> Module:
    return Module(declarations(width) + _Iterates(definition, width, groups, dtype).text() + emit_put(dtype))


class _Iterates:
    """The function `iterates` under construction. What is carried from iterate to iterate: how many they are, what stays zero as long as
    all samples are finite, and the states where they fit into registers, row variable * groups + group."""

    def __init__(self, definition: Definition, width: int, groups: int, dtype: str) -> None:
        self.lanes = Lanes(width)
        self.single = dtype == "float32"
        self.groups, self.variables = groups, len(definition.variables)
        self.nodes, self.roots = two_parts(definition.graph.nodes, definition.roots)
        self.in_registers = groups * self.variables <= _IN_REGISTERS

    def text(self) -> str:
        lanes = self.lanes
        for place, name in enumerate(("every", "many")):
            lanes.lines.append(f"  %{name}.place = getelementptr i64, ptr %counts, i64 {place}\n  %{name} = load i64, ptr %{name}.place")
        first = [lanes.load("%n", 0), lanes.load("%finite", 0)]
        if self.in_registers:
            first += [lanes.load("%y", row) for row in range(self.variables * self.groups)]
        last = emit_loop(lanes, "%many", first, self._sample)
        lanes.store(last[0], "%n", 0)
        lanes.store(last[1], "%finite", 0)
        for row, value in enumerate(last[_STATES:]):
            lanes.store(value, "%y", row)
        return lanes.function("iterates", ["p", "y", "start", "n", "z", "finite", "counts"])

    def _sample(self, number: Value, carried: list[Value]) -> list[Value]:
        """So many iterates, and the states that they lead to."""
        lanes = self.lanes
        carried = emit_loop(lanes, "%every", carried, self._iterate)
        rows = self.variables * self.groups
        sample = row_pointer(lanes, "%z", times(lanes, number, rows))
        values = carried[_STATES:] if self.in_registers else [lanes.load("%y", row) for row in range(rows)]
        for row, value in enumerate(values):
            lanes.store(value, sample, row)
        if self.single:
            values = [lanes.mul(value, lanes.constant(_NO_SINGLE)) for value in values]
        while len(values) > 1:
            values = [
                lanes.add(*values[place : place + 2]) if place + 1 < len(values) else values[place] for place in range(0, len(values), 2)
            ]
        # Not the last sample alone: an infinity may come back to a number (1/x), and is no sample.
        finite = lanes.fma(values[0], lanes.constant(0.0), carried[1])
        return [carried[0], finite, *carried[_STATES:]]

    def _iterate(self, _: Value, carried: list[Value]) -> list[Value]:
        following: list[Value] = [""] * (len(carried) - _STATES)
        for group in range(self.groups):
            values = emit_values(self.lanes, self.nodes, self.roots, partial(self._leaf, group, carried))
            for variable, root in enumerate(self.roots):
                row = variable * self.groups + group
                if self.in_registers:
                    following[row] = values[root]
                else:
                    self.lanes.store(values[root], "%y", row)
        return [self.lanes.add(carried[0], self.lanes.constant(1.0)), carried[1], *following]

    def _leaf(self, group: int, carried: list[Value], node: Node) -> Value:
        if node.op == "time":
            return self.lanes.add(self.lanes.load("%start", group), carried[0])
        row = node.place * self.groups + group
        if node.op == "parameter":
            return self.lanes.load("%p", row)
        return carried[_STATES + row] if self.in_registers else self.lanes.load("%y", row)
