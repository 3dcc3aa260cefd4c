"""What the tests of exports share: systems that use every part of the language, and our own values to compare a text's with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import assume
from hypothesis import strategies as st

import attractory
from attractory.catalog import read_catalog
from attractory.errors import AttractoryError
from attractory.expressions.definition import lag_values
from attractory.expressions.evaluate import evaluate
from attractory.expressions.system import System

STATES, TIME = 4, 0.7
CATALOGUED = tuple(read_catalog())

FLOW: dict[str, Any] = {
    "name": "AllFunctions",
    "parameters": {"N": 3, "M": "N - 1", "np": 0.5, "sp": 1.5, "e": 2.0, "begin": "7/3", "w": [[0.1, -0.2], [0.3, 0.4], [0.5, 0.6]]},
    "indices": {"i": "N", "j": "M"},
    "definitions": {
        "r": "sqrt(1 + y**2) + log(2 + y**2)/log10(3 + abs(y))",
        "state": "where(y > 0 and not (r < 1 or y == 2), atan2(y, r), asin(y/4) - acos(y/4) + atan(r))",
    },
    "equations": {
        "x[i]": "sum(w[i][j]*x[i-j+1], j) - x[(i + 2)//2] + x[2*i % 3]/(1 + (i + 1)**2) + where(i > 0, 1/i, np)*mod(x[i], e)",
        "y": "-(-y)**3 + (x[0] - (x[1] - x[2])) - 2*(-np)/(y/sp) + max(x[0], x[1], x[2]) - min(y, r)/begin + heaviside(y - x[0])",
        "z": "tan(z)*sinh(y/3) + cosh(z)*tanh(z) + exp(-z**2) + floor(3*z) + "
        "sign(z)*heaviside(z, 0.25) + (2 + y**2)**(1/sp) + 3**-2*e**state",
        "t_": "sin(2*pi*t) + cos(t_)*1.5e-3 + (y*z)/(e*sp)*z/np - where(z != y, z, where(z <= y, 1, 2)) + w[2][1]*w[M - 1][0]",
    },
    "initial": {"x": [0.4, -1.2, 2.3], "y": 0.6, "z": -0.3, "t_": 0.2},
    "wrap": {"t_": [0, "2*pi"]},
}  # fmt: skip
MAP: dict[str, Any] = {
    "name": "Turned",
    "kind": "map",
    "parameters": {"step": 0.7, "u": 2.5},
    "equations": {"x": "x + 3*y - step*sin(u*x)", "y": "0.9*y + x*t", "q": "q**2 - x"},
    "initial": {"x": 0.3, "y": 1.1, "q": 0.4},
    "wrap": {"x": ["-pi", "pi"], "y": [0, "u"]},
}
DELAY: dict[str, Any] = {
    "name": "Remembering",
    "kind": "delay",
    "parameters": {"tau": 1.5, "past": 0.5, "h": [0.25, 0.5], "x_1": 0.75},
    "indices": {"i": 2},
    "equations": {
        "y": "-y + x[0](t - tau) + past*y(t - (tau + 1))",
        "x[i]": "tanh(x[i+1](t - 0.5 - tau)) - h[i]*x[i] + y(t - 2*tau)**2 + x_1",
    },
    "history": {"y": "0.1 + past*t", "x[i]": "0.5 + h[i]*cos(t)"},
}
OWN: dict[str, dict[str, Any]] = {entry["name"]: entry for entry in (FLOW, MAP, DELAY)}


class Probe(NamedTuple):
    """A system at some states, and what its equations give there.

    states: (n, variable). past: what stands for the state a delay ago. expected: (n, variable).
    """

    system: System
    states: np.ndarray
    past: Callable[[float], np.ndarray]
    expected: np.ndarray

    def check(self, found: Any) -> None:
        """Nothing, where the values (n, variable) are ours up to some roundings of the largest component; NaN agrees with NaN."""
        values = np.asarray(found, dtype=np.float64)
        assert np.isfinite(self.expected).any()
        same = (values == self.expected) | (np.isnan(values) & np.isnan(self.expected))
        scale = np.maximum(1.0, np.abs(np.where(np.isfinite(self.expected), self.expected, 0.0)).max(axis=1, keepdims=True))
        with np.errstate(invalid="ignore"):
            difference = np.where(same, 0.0, np.abs(values - self.expected) / scale)
        assert difference.max() < 1e-12, self.system.name  # powers are products here and calls of pow there: a few roundings


def probe(name: str) -> Probe:
    """The system of that name, catalogued or of this page, a tenth around its initial state."""
    return probe_of(System(**OWN[name]) if name in OWN else attractory.system(name))


def probe_of(system: System) -> Probe:
    near = system.initial
    states = near + 0.1 * (0.1 + np.abs(near)) * np.random.default_rng(0).uniform(-1, 1, (STATES, len(near)))
    if system.kind != "delay":
        return Probe(system, states, lambda delay: near, system.rhs(states, t=TIME))

    def past(delay: float) -> np.ndarray:
        return near + 0.1 * np.sin(delay + np.arange(len(near)))

    made = system.definition
    assert made.delays is not None
    lags = lag_values(made, np.array([made.values]))[0]
    read = np.array([past(lags[lag])[place] for place, lag in made.delays.reads])
    rows = np.hstack([states, np.tile(read, (STATES, 1))])
    return Probe(system, states, past, evaluate(made.graph, made.roots, rows, made.values, TIME))


def texts() -> st.SearchStrategy[str]:
    """Expressions of x, y, a and b with brackets where they are needed and where they are not; all operations are exact but for their one
    rounding, so that only a wrong order of operations makes another value."""
    leaves = st.sampled_from(["x", "y", "a", "b", "2", "0.5", "3.0"])
    forms = st.sampled_from(
        [
            "{0} + {1}", "{0} - {1}", "({0}) - ({1})", "{0} - ({1})", "{0}*{1}", "({0})*({1})", "{0}/({1})", "({0})/({1})", "{0}/{1}*({2})",
            "-({0})", "-{0}", "({0})*-({1})", "({0})**2", "x**2/({0})**2", "-x**2 - -({0})", "abs({0})", "sqrt(abs({0}))", "floor({0})",
            "min({0}, {1}, {2})", "max({0}, {1})", "where({0} < {1}, {1}, {2})",
            "(where({0} < {1} or not ({1} >= {2} and x > y), {0}, {2}))*2",
            "2*({0})", "({0})*2 + {1}", "sign({0})*heaviside({1})",
        ]
    )  # fmt: skip
    return st.recursive(
        leaves, lambda inner: st.builds(lambda form, *parts: form.format(*parts), forms, inner, inner, inner), max_leaves=12
    )


@pytest.fixture(scope="session")
def drawn() -> Callable[[Any], Probe]:
    """A flow with a drawn equation, at one state, where that is in the language and has a value of usual size."""

    def draw(data: Any) -> Probe:
        text = data.draw(texts())
        try:
            system = System(
                name="Drawn", equations={"x": text, "y": "-y"}, parameters={"a": 1.25, "b": -0.75}, initial={"x": 0.5, "y": -1.5}
            )
        except AttractoryError:
            assume(False)
        states = np.array([[0.4375, -1.5]])
        expected = system.rhs(states, t=TIME)
        assume(bool(np.abs(expected).max() < 1e6))
        return Probe(system, states, lambda delay: states[0], expected)

    return draw


@pytest.fixture(scope="session")
def probed() -> Callable[[str], Probe]:
    """A system's values, to compare a text's with."""
    return probe
