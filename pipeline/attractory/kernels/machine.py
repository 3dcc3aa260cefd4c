"""IR to machine code: targets, compilation, and the lifetime of what was compiled."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import llvmlite.binding as llvm

from attractory.errors import RequestError, nearest

Pointer = ctypes.c_void_p


@dataclass(frozen=True)
class Target:
    """The instructions that a kernel may use: `name` is native, avx2 or sse2 (x86-64 only). The results have the same bits with each."""

    name: str = "native"

    def machine(self) -> llvm.TargetMachine:
        """LLVM's description of it.

        Raises:
            RequestError: an unknown name.
        """
        native = (llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten())
        choices = {"native": native, "avx2": ("haswell", ""), "sse2": ("x86-64", "")}
        if self.name not in choices:
            message = f"target is {self.name!r}; expected one of {', '.join(choices)}.{nearest(self.name, choices)}"
            raise RequestError(message)
        cpu, features = choices[self.name]
        return _triple().create_target_machine(cpu=cpu, features=features, opt=2)


@cache
def _triple() -> llvm.Target:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_default_triple()


@dataclass(frozen=True)
class MachineCode:
    """Compiled functions by name; the code lives as long as this record."""

    functions: Mapping[str, Any]
    engine: Any


def compile_functions(text: str, signatures: Mapping[str, Any], target: Target) -> MachineCode:
    """Machine code of the functions named in `signatures` (name -> ctypes function type) from the text of a module."""
    _triple()
    module = llvm.parse_assembly(text)
    module.verify()
    machine = target.machine()  # no optimisation passes: the text is what should run, and they take a third of the time
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    return MachineCode({name: kind(engine.get_function_address(name)) for name, kind in signatures.items()}, engine)
