"""The text for SciPy, run as a user would: at random states it gives our values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import attractory
from attractory.catalog import read_catalog
from attractory.errors import RequestError

NAMES = (*read_catalog(), "AllFunctions", "Turned", "Remembering")
TIME = 0.7


def run(text: str) -> dict[str, Any]:
    """What the text defines. It is made of our own words, names and numbers: a user runs it too."""
    scope: dict[str, Any] = {}
    exec(compile(text, "exported", "exec"), scope)
    return scope


def values(scope: dict[str, Any], probe: Any) -> list[np.ndarray]:
    if probe.system.kind == "delay":
        return [scope["rhs"](TIME, state, probe.past) for state in probe.states]
    if probe.system.kind == "flow":
        return [scope["rhs"](TIME, state) for state in probe.states]
    takes_time = "t" in scope["step"].__code__.co_varnames
    return [scope["step"](state, TIME) if takes_time else scope["step"](state) for state in probe.states]


@pytest.mark.parametrize("name", NAMES)
def test_the_function_for_scipy_is_the_right_hand_side(probed, name):
    """At random states, with the parameters that are its defaults; and the initial state is ours."""
    probe = probed(name)
    scope = run(probe.system.as_text("scipy"))
    with np.errstate(all="ignore"):
        probe.check(values(scope, probe))
    assert np.array_equal(scope["initial"], probe.system.initial)
    if probe.system.kind == "delay":
        assert np.allclose(scope["history"](0.0), probe.system.initial, rtol=1e-15)


def test_the_function_for_scipy_takes_other_parameters():
    """Each parameter is an argument with a name."""
    scope = run(attractory.system("Lorenz").as_text("scipy"))
    expected = attractory.system("Lorenz").with_parameters(rho=99.65, beta=2.5).rhs([1.0, 2.0, 3.0])
    assert np.allclose(scope["rhs"](0.0, [1.0, 2.0, 3.0], rho=99.65, beta=2.5), expected, rtol=1e-14)


def test_scipy_integrates_the_exported_function():
    """Over one time unit, SciPy's solver and our engine agree: chaos has made 1e-12 into at most 1e-11 by then."""
    from scipy.integrate import solve_ivp

    scope = run(attractory.system("Lorenz").as_text("scipy"))
    theirs = solve_ivp(scope["rhs"], (0.0, 1.0), scope["initial"], method="DOP853", rtol=1e-12, atol=1e-12).y[:, -1]
    ours = attractory.integrate("Lorenz", trajectories=1, initial=[scope["initial"]], samples=2, dt=1.0)["state"].values[0, -1]
    assert np.allclose(theirs, ours, rtol=1e-9)


def test_an_unknown_target_is_refused():
    """With the nearest that there is."""
    with pytest.raises(RequestError, match=r"no text for 'sumpy'; expected one of sympy, latex, .* Did you mean 'sympy'\?"):
        attractory.system("Lorenz").as_text("sumpy")


def test_a_name_of_python_or_numpy_is_spelled_otherwise(probed):
    """A parameter np does not hide NumPy, nor a definition state the state."""
    text = probed("AllFunctions").system.as_text("scipy")
    assert "np_=0.5" in text
    assert "state_ = " in text


@given(st.data())
def test_brackets_keep_the_order_of_operations(drawn, data):
    """Whatever is nested in what: the value is ours."""
    probe = drawn(data)
    try:
        with np.errstate(all="ignore"):
            found = values(run(probe.system.as_text("scipy")), probe)
    except ZeroDivisionError:  # of Python's own numbers, where the engine's are infinite
        assume(False)
    probe.check(found)
