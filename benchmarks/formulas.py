"""A system's equations for other programs: one plain function of time and state, made from the graph that our own kernels are made from.

Names, indices and definitions of the catalog are resolved in the graph and parameters are numbers, so every program gets the same few
operations, equal parts named once. What the functions are (heyoka's sin, NumPy's …) is up to whoever compiles the text.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from attractory.expressions.definition import Definition
from attractory.expressions.operations import OPERATIONS

INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**"}


def rates(definition: Definition, functions: Mapping[str, Any], *, result: str = "[{}]") -> Callable[[Any, Any], Any]:
    """The time derivatives as a function of (t, u); u holds the variables in order, `result` is what is made of the list of derivatives."""
    scope = dict(functions)
    exec(rates_text(definition, result), scope)  # our own text, from a graph that was parsed against a white list
    made: Callable[[Any, Any], Any] = scope["rates"]
    return made


def rates_text(definition: Definition, result: str = "[{}]") -> str:
    """Source of `rates(t, u)`: a line for each operation, constants folded."""
    lines, names = ["def rates(t, u):"], []
    for place, node in enumerate(definition.graph.nodes):
        if node.op in ("const", "variable", "parameter", "time"):
            leaf = {"variable": f"u[{node.place}]", "time": "t", "const": node.constant}
            name = definition.values[node.place] if node.op == "parameter" else leaf[node.op]
        else:
            name = _operation(node.op, [names[arg] for arg in node.args])
        if isinstance(name, str) and name != "t":
            lines.append(f"    n{place} = {name}")
            name = f"n{place}"
        names.append(name)
    derivatives = ", ".join(_text(names[root]) for root in definition.roots)
    return "\n".join([*lines, f"    return {result.format(derivatives)}"])


def _operation(op: str, args: list[float | str]) -> float | str:
    """The number that an operation on numbers is, or its text."""
    numbers = [arg for arg in args if not isinstance(arg, str)]
    if len(numbers) == len(args):
        return float(OPERATIONS[op].scalar(*numbers))
    texts = [_text(arg) for arg in args]
    if op == "mul" and texts[0] == texts[1]:
        return f"{texts[0]}**2"  # heyoka has a recurrence for squares that takes half the work
    if op == "neg":
        return f"-{texts[0]}"
    return f"{texts[0]} {INFIX[op]} {texts[1]}" if op in INFIX else f"{op}({', '.join(texts)})"


def _text(value: float | str) -> str:
    if isinstance(value, str):
        return value
    if not math.isfinite(value):
        message = f"a constant part is {value}, not a finite number"
        raise ValueError(message)
    return f"({value!r})"
