"""Maths as data: text to a bounded tree, the tree to a graph, the graph to values and derivatives.

    parser        text -> tree; the only way in, and light: the loader uses it without the rest
    expansion     tree -> nodes
    graph         nodes, equal ones shared
    definition    a record's equations as one graph
    derivative    Jacobian, divergence, variational equations
    evaluate      values at states
    system        System, the public door to all of it
    check         what is wrong with an entry's mathematics
    conditions    conditions on what is known of a system, for queries
    export        systems as text for SymPy, LaTeX, SciPy, Julia and the terminal

Nothing is imported until asked for: importing `attractory.expressions.parser` loads the standard library alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from attractory.expressions.system import System as System

__all__ = ["System"]


def __getattr__(name: str) -> object:
    if name != "System":
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    from attractory.expressions.system import System

    return System
