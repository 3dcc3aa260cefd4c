"""The text for SymPy, run as a user would: SymPy's own numbers of its Matrix are our values."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import sympy

import attractory
from attractory.catalog import read_catalog

NAMES = (*read_catalog(), "AllFunctions", "Turned", "Remembering")
TIME = 0.7


@pytest.fixture(scope="module")
def page() -> ModuleType:
    """The page of the tests of exports that has our own values and the systems that use every part of the language."""
    path = Path(__file__).parent.parent / "tests/expressions/conftest.py"
    spec = importlib.util.spec_from_file_location("exported_systems", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["exported_systems"] = module
    spec.loader.exec_module(module)
    return module


def run(text: str) -> dict[str, Any]:
    scope: dict[str, Any] = {}
    exec(compile(text, "exported", "exec"), scope)
    return scope


def without_delays(scope: dict[str, Any], probe: Any) -> sympy.Matrix:
    """The Matrix with a number for each state of the past: x(t - tau) is a function of SymPy's."""
    matrix, time, values = scope["rhs"], scope["t"], scope["parameters"]
    places = {name: place for place, name in enumerate(map(str, scope["state"]))}
    for read in matrix.atoms(sympy.core.function.AppliedUndef):
        delay = float((time - read.args[0]).subs(values))
        matrix = matrix.subs(read, probe.past(delay)[places[str(read.func)]])
    return matrix


@pytest.mark.parametrize("name", NAMES)
def test_the_matrix_of_sympy_is_the_right_hand_side(page, name):
    """At random states, evaluated by SymPy's own lambdify, with the values of its parameters."""
    probe = page.probe(name)
    scope = run(probe.system.as_text("sympy"))
    symbols, numbers = list(scope["parameters"]), [float(value) for value in scope["parameters"].values()]
    function = sympy.lambdify([scope["t"], list(scope["state"]), symbols], list(without_delays(scope, probe)), "numpy")
    with np.errstate(all="ignore"):
        found = np.array([[float(value) for value in function(TIME, list(state), numbers)] for state in probe.states])
    probe.check(found)


def test_sympy_derives_the_jacobian_that_we_do():
    """What the text is for: the Matrix has derivatives."""
    scope = run(attractory.system("Lorenz").as_text("sympy"))
    state = [1.0, 2.0, 3.0]
    matrix = scope["rhs"].jacobian(scope["state"]).subs(scope["parameters"]).subs(dict(zip(scope["state"], state, strict=True)))
    assert np.allclose(np.array(matrix, dtype=np.float64), attractory.system("Lorenz").jacobian(state), rtol=1e-14)
