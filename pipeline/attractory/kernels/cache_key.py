"""The key of a compiled kernel: all that its machine code depends on, known without emitting it.

The graph, the method with its order and width, the processor and its features; and who compiles: this version, the sources of this package
as they were imported, llvmlite and LLVM. Names and parameter values of a system are no part of its kernel.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import llvmlite
import llvmlite.binding as llvm

from attractory.expressions.definition import Definition


def sources_digest() -> str:
    """SHA-256 of the sources of this package, as they are on the disk now."""
    digest = hashlib.sha256()
    folder = Path(__file__).parent
    for path in sorted(folder.rglob("*.py")):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder)} {len(content)}\n".encode() + content)
    return digest.hexdigest()


# Taken when the package is imported: what a developer edits afterwards is not what runs here.
SOURCES = sources_digest()


def kernel_key(definition: Definition, method: str, *, processor: tuple[str, str], functions: Iterable[str]) -> str:
    """SHA-256, in hexadecimal, of what decides the code of these functions; processor: (name, features); method: with order and width."""
    graph = [tuple(node) for node in definition.graph.nodes]
    sizes = (len(definition.variables), len(definition.parameters), definition.vectors)
    parts = (_compiler(), processor, method, sorted(functions), definition.kind, sizes, definition.roots, definition.delays, graph)
    return hashlib.sha256(repr(parts).encode()).hexdigest()


@cache
def _compiler() -> tuple[str, ...]:
    from attractory import __version__

    return (__version__, SOURCES, llvmlite.__version__, ".".join(map(str, llvm.llvm_version_info)), llvm.get_default_triple())
