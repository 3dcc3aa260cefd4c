"""A system as text for other programs: SymPy, LaTeX, SciPy, Julia; each target is a module of its own.

    equations     a record's equations as trees, with what a text needs beside them
    writer        trees to text with as few brackets as needed; python: what SymPy and SciPy share
    sympy_text, scipy_text, julia_text, latex_text      one function each, Equations to text
    terminal      equations in Unicode, for `attractory show`

None of the other programs is needed to write for it.
"""

from __future__ import annotations

from attractory.catalog.original import original_text
from attractory.catalog.record import SystemRecord
from attractory.errors import RequestError, nearest
from attractory.expressions.export.equations import equations
from attractory.expressions.export.julia_text import julia_text
from attractory.expressions.export.latex_text import latex_text
from attractory.expressions.export.scipy_text import scipy_text
from attractory.expressions.export.sympy_text import sympy_text

TARGETS = ("sympy", "latex", "scipy", "julia", "yaml")
_WRITERS = {"sympy": sympy_text, "latex": latex_text, "scipy": scipy_text, "julia": julia_text}


def as_text(record: SystemRecord, target: str) -> str:
    """The system as text for a target: sympy, latex, scipy, julia, or yaml as the catalog has it.

    Raises:
        RequestError: there is no such target, or systems of this kind cannot be written.
    """
    if target not in TARGETS:
        message = f"there is no text for {target[:40]!r}; expected one of {', '.join(TARGETS)}.{nearest(target[:40], TARGETS)}"
        raise RequestError(message)
    return original_text(record) if target == "yaml" else _WRITERS[target](equations(record))
