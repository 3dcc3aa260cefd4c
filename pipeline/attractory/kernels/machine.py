"""IR to machine code: targets, compilation, what is kept on the disk, and the lifetime of what was loaded."""

from __future__ import annotations

import ctypes
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import llvmlite.binding as llvm

from attractory.errors import RequestError, nearest
from attractory.expressions.definition import Definition
from attractory.kernels.cache import kernel_cache
from attractory.kernels.cache_key import SOURCES, kernel_key, sources_digest
from attractory.kernels.library import library

Pointer = ctypes.c_void_p
# In a module's text: its instructions stay in the order that they are written in. LLVM arranges a block's instructions anew to save
# registers, and undoes what `TaylorSeries.look_ahead` has arranged.
IN_ORDER = "!attractory.in_order = !{}\n"


@dataclass(frozen=True)
class Target:
    """The instructions that a kernel may use: `name` is native, avx2 or sse2 (x86-64 only). The results have the same bits with each."""

    name: str = "native"

    @property
    def processor(self) -> tuple[str, str]:
        """LLVM's name of it, and the features beyond or without those that the name implies.

        Raises:
            RequestError: an unknown name.
        """
        choices = {"native": _host(), "avx2": ("haswell", ""), "sse2": ("x86-64", "")}
        if self.name not in choices:
            message = f"target is {self.name!r}; expected one of {', '.join(choices)}.{nearest(self.name, choices)}"
            raise RequestError(message)
        return choices[self.name]

    def machine(self) -> llvm.TargetMachine:
        """LLVM's description of it.

        Raises:
            RequestError: an unknown name.
        """
        cpu, features = self.processor
        return _triple().create_target_machine(cpu=cpu, features=features, opt=2)


@cache
def _host() -> tuple[str, str]:
    return llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()


@cache
def _triple() -> llvm.Target:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_default_triple()


@dataclass(frozen=True)
class Module:
    """What a method emits for a system: IR, and what a driver must know of it beyond that, as JSON."""

    text: str
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class MachineCode:
    """Compiled functions by name, and the facts of their module; the code lives as long as this record."""

    functions: Mapping[str, Any]
    engine: Any
    facts: dict[str, Any] = field(default_factory=dict)


def compile_functions(text: str, signatures: Mapping[str, Any], target: Target) -> MachineCode:
    """Machine code of the functions named in `signatures` (name -> ctypes function type) from the text of a module."""
    return load_functions(compile_object(text, target), signatures, {})


def kept_functions(
    emit: Callable[..., Module], definition: Definition, settings: tuple[Any, ...], *, signatures: Mapping[str, Any], target: Target
) -> MachineCode:
    """As `compile_functions` of `emit(definition, *settings)`, from the cache on the disk where it is there: then nothing is emitted.

    `emit` may look at the definition's graph and roots, and at how many variables and parameters there are, not at their names and
    values, except what is among the settings.
    """
    kept = kernel_cache()
    if kept is None:
        return _loaded(_compiled(emit(definition, *settings), target), signatures)
    method = f"{emit.__module__}.{emit.__qualname__}{settings!r}"
    key = kernel_key(definition, method, processor=target.processor, functions=signatures)
    content = kept.find(key)
    if content is None:
        content = _compiled(emit(definition, *settings), target)
        if sources_digest() == SOURCES:  # else someone edits them, and what runs here is neither the old nor the new state
            kept.keep(key, definition.name, content)
    return _loaded(content, signatures)


def _compiled(module: Module, target: Target) -> bytes:
    """What is kept of a module: a line of facts, and the object."""
    return json.dumps(module.facts).encode() + b"\n" + compile_object(module.text, target)


def _loaded(content: bytes, signatures: Mapping[str, Any]) -> MachineCode:
    facts, _, code = content.partition(b"\n")
    return load_functions(code, signatures, json.loads(facts))


def compile_object(text: str, target: Target) -> bytes:
    """An object file in memory, from the text of a module; its addresses have 64 bits, so that it runs wherever it is loaded."""
    _triple()
    module = llvm.parse_assembly(text + library(text))
    module.verify()
    # no optimisation passes: the text is what should run, and they take a third of the time
    with _order_kept() if IN_ORDER in text else nullcontext():
        code: bytes = target.machine().emit_object(module)
    return code


@contextmanager
def _order_kept() -> Iterator[None]:
    """Within it LLVM's scheduler is off: a choice for a whole process; what others compile at the same time is correct either way."""
    llvm.set_option("attractory", "-enable-misched=false")
    try:
        yield
    finally:
        llvm.set_option("attractory", "-enable-misched=true")


def load_functions(code: bytes, signatures: Mapping[str, Any], facts: dict[str, Any]) -> MachineCode:
    """The functions of an object, ready to be called; what it calls itself (fma under SSE2) is found in this process."""
    # An engine wants a module and a machine, though nothing is compiled: the least of both.
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _triple().create_target_machine())
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return MachineCode({name: kind(engine.get_function_address(name)) for name, kind in signatures.items()}, engine, facts)
