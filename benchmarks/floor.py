"""How fast the engine could be at most on this core: its arithmetic at the core's measured peak, its output at the memory's.

The bound is simple and not sharp: it counts the floating-point operations that a Taylor step must do (a fused multiply-add is two, a
division one, though it takes as long as a dozen) and the bytes of the samples, as if each ran alone at its peak and nothing else took time.
"""

from __future__ import annotations

import ctypes
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attractory.expressions.definition import Definition
from attractory.kernels import Target, order_for
from attractory.kernels.branches import branched
from attractory.kernels.flow import flow_text
from attractory.kernels.machine import Pointer, compile_functions

FLOPS = {"fadd": 1, "fsub": 1, "fmul": 1, "fdiv": 1, "@llvm.fma": 2, "@llvm.sqrt": 1}
FUNCTION = re.compile(r"^define \S+ @(\w+)\(.*?\{(.*?)^\}", re.M | re.S)
# Two of these functions hold two ways to make samples, of which one is taken: the way that leaves them to the other, and one sample.
BLOCK = {"end of step": re.compile(r"^without:(.*?)^with:", re.M | re.S), "sample": re.compile(r"^all:(.*?)^each:", re.M | re.S)}
CHAINS = 12  # enough independent sums to hide the latency of each


@dataclass(frozen=True)
class Arithmetic:
    """Floating-point operations of one trajectory: in a step, and for each sample."""

    per_step: int
    per_sample: int


@dataclass(frozen=True)
class Peaks:
    """What this core does at best: operations a second, and bytes a second written to memory that was used before (`warm`) and that
    the system has just handed out (`fresh`), as the samples' memory is."""

    flops: float
    warm: float
    fresh: float


@dataclass(frozen=True)
class Floor:
    """Seconds that a sample takes at least, for its arithmetic and for its memory."""

    arithmetic: float
    memory: float

    @property
    def rate(self) -> float:
        """Samples a second that nothing can exceed which does this arithmetic and writes these bytes."""
        return 1 / max(self.arithmetic, self.memory)


def arithmetic(definition: Definition, tolerance: float) -> Arithmetic:
    """Counted from the compiled functions' text, without the bit operations of the step size."""
    text, _ = flow_text(definition, branched(definition.graph, definition.roots), order_for(tolerance), 8)
    bodies = dict(FUNCTION.findall(text))
    end_of_step = _count(BLOCK["end of step"].findall(bodies["finish"])[0])
    steps = sum(_count(bodies[name]) for name in ("coefficients", "bound", "move"))
    variables = len(definition.variables)  # which both blocks go through in a loop
    return Arithmetic(steps + variables * end_of_step, variables * _count(BLOCK["sample"].findall(bodies["samples"])[0]))


def floor(cost: Arithmetic, peaks: Peaks, *, steps_per_sample: float, variables: int) -> Floor:
    flops = cost.per_step * steps_per_sample + cost.per_sample
    return Floor(flops / peaks.flops, 8 * variables / peaks.fresh)


def peaks() -> Peaks:
    """Measured now, each the best of several tries: a peak is what was not disturbed."""
    size = 2**25
    used = np.zeros(size // 8)
    return Peaks(_peak_flops(), _bandwidth(lambda: used, size), _bandwidth(lambda: np.empty(size // 8), size))


def _count(body: str) -> int:
    return sum(weight * len(re.findall(rf"{re.escape(name)}\b", body)) for name, weight in FLOPS.items())


def _bandwidth(memory: Callable[[], NDArray[np.float64]], size: int) -> float:
    return size / _best_seconds(lambda: memory().fill(1.0))


def _peak_flops(times: int = 200_000, width: int = 16) -> float:
    spin = compile_functions(_spin_text(width), {"spin": ctypes.CFUNCTYPE(None, Pointer, ctypes.c_int64)}, Target())
    memory = np.zeros(CHAINS * width)
    seconds = _best_seconds(lambda: spin.functions["spin"](memory.ctypes.data, times))
    return 2 * CHAINS * width * times / seconds


def _best_seconds(run: Callable[[], object], tries: int = 7) -> float:
    found = []
    for _ in range(tries):
        start = time.process_time()
        run()
        found.append(time.process_time() - start)
    return min(found)


def _spin_text(width: int) -> str:
    """A loop of independent fused multiply-adds in registers."""
    vector, chains = f"<{width} x double>", range(CHAINS)
    half = f"{vector} splat (double 0.5)"
    sums = "\n".join(f"  %s{i} = phi {vector} [ zeroinitializer, %entry ], [ %n{i}, %loop ]" for i in chains)
    adds = "\n".join(f"  %n{i} = call {vector} @llvm.fma.v{width}f64({vector} %s{i}, {half}, {half})" for i in chains)
    stores = "\n".join(f"  %p{i} = getelementptr {vector}, ptr %out, i64 {i}\n  store {vector} %n{i}, ptr %p{i}, align 8" for i in chains)
    return f"""declare {vector} @llvm.fma.v{width}f64({vector}, {vector}, {vector})
define void @spin(ptr %out, i64 %times) {{
entry:
  br label %loop
loop:
  %k = phi i64 [ 0, %entry ], [ %next, %loop ]
{sums}
{adds}
  %next = add i64 %k, 1
  %again = icmp slt i64 %next, %times
  br i1 %again, label %loop, label %end
end:
{stores}
  ret void
}}
"""
