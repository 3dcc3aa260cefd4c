"""Elementary functions as loops over arrays, all compiled in the same way: ours, libmvec's vector functions, libm's scalar ones."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import llvmlite.binding as llvm
import numpy as np
from function_points import Column, Function

from attractory.kernels import functions
from attractory.kernels.lanes import Lanes, Value, declarations
from attractory.kernels.machine import MachineCode, Pointer, Target, compile_functions

Emit = Callable[..., Sequence[Value]]
REPEATS = 32  # of a loop in one timed call
# libmvec's variants by the instructions that a target has: the letter in its names, and lanes (Linux vector ABI for x86-64)
_VARIANTS = {"avx512": ("e", 8), "avx2": ("d", 4), "sse2": ("b", 2)}


@dataclass(frozen=True)
class Loop:
    """A compiled loop over arrays."""

    code: MachineCode
    results: int
    width: int

    def __call__(self, *columns: Column) -> list[Column]:
        """The results, arrays as long as the columns."""
        run, outputs = self.prepared(*columns, repeats=1)
        run()
        return [output[: len(columns[0])] for output in outputs]

    def prepared(self, *columns: Column, repeats: int = REPEATS) -> tuple[Callable[[], None], list[Column]]:
        """(a function that does the work and nothing else, the arrays that it fills), these padded to whole vectors."""
        padded = len(columns[0]) + -len(columns[0]) % self.width
        inputs, outputs = [_aligned(padded) for _ in columns], [_aligned(padded) for _ in range(self.results)]
        for array, column in zip(inputs, columns, strict=True):
            array[: len(column)] = column
        places = [array.ctypes.data for array in (*inputs, *outputs)]
        loop = self.code.functions["loop"]

        def run(_held: object = (inputs, outputs)) -> None:
            """The default keeps the arrays alive as long as the function."""
            loop(*places, padded, repeats)

        return run, outputs


def _aligned(count: int) -> Column:
    """Ones from the start of a cache line."""
    memory = np.ones(count + 8)
    first = -(memory.ctypes.data // 8) % 8
    return memory[first : first + count]


def ours(name: str, target: Target) -> Loop:
    """A function of the kernels, two registers at once as in the kernels of small systems; "sin_cos" has two results."""
    width = 2 * _VARIANTS[_instructions(target)][1]
    function = functions.UNARY.get(name) or getattr(functions, name)
    arguments = 2 if name in ("atan2", "power") else 1

    def emit(lanes: Lanes, *x: Value) -> Sequence[Value]:
        made = function(lanes, *x)
        return made if isinstance(made, tuple) else [made]

    return _loop(emit, (arguments, 2 if name == "sin_cos" else 1), width, target)


def libmvec(function: Function, target: Target) -> Loop | None:
    """glibc's vector function for the target's instructions, or None where there is none."""
    if not _loaded("libmvec.so.1"):
        return None
    letter, width = _VARIANTS[_instructions(target)]
    arguments = len(function.timed)
    return _call(f"_ZGV{letter}N{width}{'v' * arguments}_{function.library}", arguments, width, target)


def libm(function: Function, target: Target) -> Loop | None:
    """The C library's scalar function, one call a number."""
    arguments = len(function.timed)

    def emit(lanes: Lanes, *x: Value) -> Sequence[Value]:
        scalars = [lanes.emit(f"extractelement {lanes.vector} {value}, i64 0") for value in x]
        made = lanes.emit(f"call double @{function.library}({', '.join(f'double {scalar}' for scalar in scalars)})")
        return [lanes.emit(f"insertelement {lanes.vector} poison, double {made}, i64 0")]

    declared = f"declare double @{function.library}({', '.join(['double'] * arguments)})\n"
    return _loop(emit, (arguments, 1), 1, target, declared) if _loaded("libm.so.6") else None


def _call(symbol: str, arguments: int, width: int, target: Target) -> Loop | None:
    if llvm.address_of_symbol(symbol) is None:
        return None
    vector = f"<{width} x double>"

    def emit(lanes: Lanes, *x: Value) -> Sequence[Value]:
        return [lanes.emit(f"call {vector} @{symbol}({', '.join(f'{vector} {value}' for value in x)})")]

    return _loop(emit, (arguments, 1), width, target, f"declare {vector} @{symbol}({', '.join([vector] * arguments)})\n")


def _loaded(library: str) -> bool:
    try:
        llvm.load_library_permanently(library)
    except RuntimeError:
        return False
    return True


def _instructions(target: Target) -> str:
    if target.name != "native":
        return target.name
    features = llvm.get_host_cpu_features()
    return next((name for name, feature in (("avx512", "avx512f"), ("avx2", "avx2")) if features.get(feature)), "sse2")


def _loop(emit: Emit, shape: tuple[int, int], width: int, target: Target, declared: str = "") -> Loop:
    """A function of arrays; `shape` is (arguments, results)."""
    arguments, results = shape
    names = [f"x{place}" for place in range(arguments)] + [f"y{place}" for place in range(results)]
    lanes = Lanes(width)
    for place, made in enumerate(emit(lanes, *(lanes.load(f"%x{place}", 0) for place in range(arguments)))):
        lanes.store(made, f"%y{place}", 0)
    signature = {"loop": ctypes.CFUNCTYPE(None, *[Pointer] * len(names), ctypes.c_int64, ctypes.c_int64)}
    code = compile_functions(declarations(width) + declared + _text(lanes, names), signature, target)
    return Loop(code, results, width)


def _text(lanes: Lanes, names: Sequence[str]) -> str:
    listed = ", ".join(f"ptr noalias %{name}.array" for name in names)
    places = "\n".join(f"  %{name} = getelementptr double, ptr %{name}.array, i64 %i" for name in names)
    body = "\n".join(lanes.lines)
    return f"""define void @loop({listed}, i64 %count, i64 %repeats) {{
entry:
  br label %again
again:
  %k = phi i64 [ 0, %entry ], [ %k.next, %turned ]
  br label %loop
loop:
  %i = phi i64 [ 0, %again ], [ %i.next, %end ]
{places}
{body}
  br label %end
end:
  %i.next = add i64 %i, {lanes.width}
  %more = icmp slt i64 %i.next, %count
  br i1 %more, label %loop, label %turned
turned:
  %k.next = add i64 %k, 1
  %once.more = icmp slt i64 %k.next, %repeats
  br i1 %once.more, label %again, label %exit
exit:
  ret void
}}
"""
