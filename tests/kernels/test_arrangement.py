"""How the straight-line coefficients of a step are arranged, for speed alone, and that nothing else depends on it."""

from __future__ import annotations

import ctypes
import re
from collections import Counter

import numpy as np
import pytest

import attractory
from attractory.expressions.definition import Definition
from attractory.integrate.flow_driver import Lanes as LaneArrays
from attractory.integrate.flow_driver import lane_arrays
from attractory.kernels import FlowKernel, Target, flow_kernel, order_for
from attractory.kernels import flow as straight
from attractory.kernels.branches import branched
from attractory.kernels.lanes import Lanes
from attractory.kernels.machine import IN_ORDER, compile_object

TOLERANCE = 1e-14


def definition_of(name: str) -> Definition:
    return attractory.system(name).definition


def step(name: str, width: int) -> tuple[LaneArrays, int]:
    """The lanes after the coefficients of neighbouring states, lane 2 and the last with a slope reached that the equations do not have."""
    system = attractory.system(name)
    kernel: FlowKernel = flow_kernel(system.definition, order_for(TOLERANCE), width, Target())
    parameters = [value for values in system.parameters.values() for value in np.ravel(values)]
    lanes = lane_arrays(width, (kernel.variables, kernel.parameters, 0, 1), kernel.rows)
    lanes.y[: kernel.variables] = np.array(system.initial)[:, None] + 0.01 * np.arange(width)
    lanes.p[: kernel.parameters] = np.array(parameters)[:, None]
    lanes.before[2, [2, width - 1]], lanes.rate[:, [2, width - 1]] = 1.0, 1e6
    arrays = (lanes.p, lanes.y, lanes.now, lanes.mode, lanes.c, lanes.h, lanes.before, lanes.rate, lanes.y_low)
    return lanes, kernel.code.functions["coefficients"](*[array.ctypes.data_as(ctypes.c_void_p) for array in arrays])


@pytest.mark.parametrize("name", ["Lorenz", "Thomas"])
def test_parts_of_all_lanes_have_the_bits_of_few_lanes(name: str) -> None:
    """Sixteen lanes at once, or eight and then eight, make what four lanes make; lanes that have to go back are counted from the first."""
    few, first = step(name, 4)
    many, bits = step(name, 16)
    assert few.c[:, [0, 1, 3]].tobytes() == many.c[:, [0, 1, 3]].tobytes()
    assert few.h.tobytes() == many.h[:4].tobytes()
    assert (first, bits) == (1 << 2 | 1 << 3, 1 << 2 | 1 << 15)


def test_long_code_is_for_a_part_of_the_lanes() -> None:
    """Lorenz is short, Thomas is not: where sixteen lanes of its coefficients no longer fit the registers, eight run twice."""
    texts = [straight.flow_text(definition, branched(definition.graph, definition.roots), order_for(TOLERANCE), 16)[0]
             for definition in map(definition_of, ("Lorenz", "Thomas"))]  # fmt: skip
    assert [len(re.findall(r"call i64 @coefficients\.part", text)) for text in texts] == [0, 2]


@pytest.mark.parametrize("name", ["Lorenz", "Thomas", "HindmarshRose", "DoublePendulum"])
def test_sums_begun_ahead_do_the_same_operations(name: str) -> None:
    """Products of earlier orders are added sooner: as many instructions of each kind, none twice and none left out."""
    definition = definition_of(name)
    graph = branched(definition.graph, definition.roots)
    counts = []
    for ahead in (0, 1, 4):
        lanes, _ = straight._coefficients_of(graph, 12, Lanes(8), ahead=ahead)
        counts.append(Counter(re.sub(r"%v\d+|0x[0-9A-F]+", "", line) for line in lanes.lines))
    assert counts[0] == counts[1] == counts[2]


def test_the_order_of_short_code_is_kept() -> None:
    """LLVM's scheduler, which is off for such a module, is on again for the next: a switch of the whole process."""
    definition = definition_of("Lorenz")
    text, _ = straight.flow_text(definition, branched(definition.graph, definition.roots), order_for(1e-9), 16)
    free = text.replace(IN_ORDER, "")
    before, kept, after = compile_object(free, Target()), compile_object(text, Target()), compile_object(free, Target())
    assert IN_ORDER in text
    assert before == after
    assert kept != before
