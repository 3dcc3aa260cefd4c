"""A system as a Python function for SciPy: a text that needs NumPy alone."""

from __future__ import annotations

import builtins
from collections.abc import Mapping

from attractory.expressions.export.equations import Equations
from attractory.expressions.export.python import PythonWriter, is_whole
from attractory.expressions.export.writer import ATOM, Piece, enclosed, filled, spelled
from attractory.expressions.parser import Tree

TAKEN = {*dir(builtins), "np", "state", "past", "rhs", "step", "wrap", "mod", "history", "initial", "solve_ivp", "solution"}
MOD = ["def mod(a, b):", "    return a - b*np.floor(a/b)"]
WRAP = [
    "def wrap(value, low, high):",
    '    """The value taken modulo [low, high)."""',
    "    value = low + mod(value - low, high - low)",
    "    return low if value >= high or value < low else value",
]


class _Writer(PythonWriter):
    module = "np"
    functions: Mapping[str, str] = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "atan2": "arctan2"}

    def power(self, base: Tree, exponent: Tree) -> Piece:
        """Powers that are no integers by NumPy, where a negative number gives NaN: Python would go on with a complex one."""
        if is_whole(exponent, frozenset(self.equations.sizes)):
            return super().power(base, exponent)
        return Piece(f"np.power({self.text(base)}, {self.text(exponent)})", ATOM)


def scipy_text(equations: Equations) -> str:
    """Python: `rhs(t, state)` of a flow, `step(state)` of a map, `rhs(t, state, past)` of a delay system, each with its parameters."""
    writer = _Writer(equations, spelled(equations, TAKEN))
    blocks = [["import numpy as np"], *_functions(equations), _function(equations, writer)]
    if equations.kind == "delay":
        blocks.append(_history(equations, writer))
    text = "\n\n\n".join("\n".join(block) for block in blocks)
    end = [*filled(map(repr, equations.initial), start="initial = np.array([", end="])"), *_usage(equations)]
    return text + "\n\n\n" + "\n".join(end) + "\n"


def _functions(equations: Equations) -> list[list[str]]:
    found = equations.operations
    return [*([MOD] if found & {"mod", "wrap"} else []), *([WRAP] if "wrap" in found else [])]


def _function(equations: Equations, writer: _Writer) -> list[str]:
    arguments = {"flow": ["t", "state"], "delay": ["t", "state", "past"]}.get(equations.kind)
    if arguments is None:
        arguments = ["state", "t"] if "t" in equations.operations else ["state"]
    return [
        *enclosed([*arguments, *_defaults(equations, writer)], start=f"def {_called(equations)}(", end="):"),
        *_inside([*_docstring(equations, writer), *writer.fixed(), *writer.unpacked(), *writer.definitions()]),
        *enclosed(map(writer.elements, equations.equations), start="    return np.array([", end="])"),
    ]


def _called(equations: Equations) -> str:
    return "step" if equations.kind == "map" else "rhs"


def _defaults(equations: Equations, writer: _Writer) -> list[str]:
    return [f"{writer.names[parameter.name]}={writer.value(parameter)}" for parameter in equations.free]


def _docstring(equations: Equations, writer: _Writer) -> list[str]:
    first = "Next state" if equations.kind == "map" else "Time derivative"
    lines = [f"{first} of {equations.name}, from a state of {_components(equations)}."]
    if equations.kind == "delay":
        lines.append("past(delay) is the state at t - delay.")
    if equations.kind != "map":
        for name, (low, high) in ((equation.name, equation.wrap) for equation in equations.equations if equation.wrap):
            lines.append(
                f"{name} is a coordinate on a circle, [{writer.text(low)}, {writer.text(high)}): it grows on, take samples modulo."
            )
    if len(lines) == 1:
        return [f'"""{lines[0]}"""']
    return [f'"""{lines[0]}', "", *lines[1:], '"""']


def _components(equations: Equations) -> str:
    names = equations.variables
    return ", ".join(names) if len(names) < 9 else f"{len(names)} components: {names[0]}, {names[1]}, … {names[-1]}"


def _history(equations: Equations, writer: _Writer) -> list[str]:
    return [
        *enclosed(["t", *_defaults(equations, writer)], start="def history(", end="):"),
        *_inside(['"""State at t <= 0."""', *writer.fixed()]),
        *enclosed(map(writer.elements, equations.history), start="    return np.array([", end="])"),
    ]


def _inside(lines: list[str]) -> list[str]:
    return [f"    {line}" if line else "" for line in lines]


def _usage(equations: Equations) -> list[str]:
    """How the function is used, as comments: SciPy is not needed for the function itself."""
    timescale = equations.record.timescale
    end = 20 * timescale.period if timescale else 100.0
    if equations.kind == "map":
        return ["# states = [initial]", "# states.append(step(states[-1]))"]
    if equations.kind == "delay":
        return ["# SciPy has no solver of delay systems: give rhs to one that keeps the past, with history(t) for t <= 0."]
    return [
        "# from scipy.integrate import solve_ivp",
        f'# solution = solve_ivp(rhs, (0.0, {end:g}), initial, method="DOP853", rtol=1e-10, atol=1e-10)',
    ]
