"""What cannot be integrated: a status for the trajectory alone where others go on, else one sentence before any work."""

from __future__ import annotations

import re
import time

import numpy as np
import pytest

from attractory.errors import RequestError
from attractory.expressions.system import System
from attractory.integrate import Engine, Ensemble, SampleGrid, integrate, integrate_ensemble
from attractory.integrate.checks import samples_memory
from attractory.integrate.ensemble import MOST_STEPS, step_limits
from attractory.layout import Status

DIVERGED, UNDERFLOW = Status.DIVERGED, Status.STEP_UNDERFLOW
# name: (equations, an initial state that fails, how, one that does not)
FAILURES: dict[str, tuple[dict[str, str], list[float], set[Status], list[float]]] = {
    "division by zero at the start": ({"x": "1/x"}, [0.0], {DIVERGED}, [1.0]),
    "division by zero on the way": ({"x": "-1", "y": "1/x"}, [0.55, 0.0], {UNDERFLOW, DIVERGED}, [5.0, 0.0]),
    "logarithm of a negative number": ({"x": "log(x) - 3"}, [-1.0], {DIVERGED}, [100.0]),
    "logarithm on the way below zero": ({"x": "log(x) - 3"}, [0.5], {UNDERFLOW, DIVERGED}, [100.0]),
    "square root on the way below zero": ({"x": "-1", "y": "sqrt(x)"}, [0.55, 0.0], {UNDERFLOW, DIVERGED}, [100.0, 0.0]),
    "fractional power of a negative number": ({"x": "-x**1.5"}, [-1.0], {DIVERGED}, [1.0]),
    "arc sine beyond one": ({"x": "1", "y": "asin(x)"}, [0.5, 0.0], {UNDERFLOW, DIVERGED}, [-0.9, 0.0]),
    "condition that is no number": ({"x": "sign(log(x))"}, [-1.0], {DIVERGED}, [2.0]),
    "pole in finite time": ({"x": "x*x"}, [3.0], {DIVERGED}, [-3.0]),
    "pole of an exponential": ({"x": "exp(x)"}, [1.0], {UNDERFLOW, DIVERGED}, [-30.0]),
    "overflow": ({"x": "1000*x"}, [1.0], {DIVERGED}, [0.0]),
    "levels without end": ({"x": "floor(1e18*x)"}, [1.0], {Status.ZENO}, [0.0]),
}


@pytest.mark.parametrize("name", list(FAILURES))
def test_a_failure_has_its_status_and_changes_no_bit_of_its_neighbours(name: str) -> None:
    """The one that fails has NaN from some sample on; the others, in the same lanes, have the bytes that they have alone."""
    equations, failing, statuses, good = FAILURES[name]
    system = System(name="Failing", equations=equations, initial=dict.fromkeys(equations, 1.0))
    made = integrate(system, initial=[good, failing, good], samples=11, dt=0.1)
    alone = integrate(system, initial=[good], samples=11, dt=0.1)
    assert made.status.values[1] in statuses
    missing = np.isnan(made.state.values[1]).all(1)
    assert missing[-1]
    assert (np.diff(missing.astype(int)) >= 0).all()
    assert made.status.values[[0, 2]].tolist() == [Status.OK, Status.OK]
    for other in (0, 2):
        assert made.state.values[other].tobytes() == alone.state.values[0].tobytes()


def test_a_map_that_divides_by_zero_fails_though_it_comes_back() -> None:
    """1/x from 0 is infinite, and 0 again at the iterate after it."""
    system = System(name="Inverse", kind="map", equations={"x": "1/x"}, initial={"x": 1.0})
    made = integrate(system, initial=[[0.0], [2.0]], samples=5)
    assert made.status.values.tolist() == [DIVERGED, Status.OK]
    assert made.state.values[0, 0, 0] == 0
    assert np.isnan(made.state.values[0, 1:]).all()


FLOW = System(name="Flow", equations={"x": "-a*x"}, parameters={"a": 1.0}, initial={"x": 1.0})
MAP = System(name="Halves", kind="map", equations={"x": "x/2"}, initial={"x": 1.0})
LENGTH = {"samples": 11, "dt": 0.1}
REFUSALS: list[tuple[System | object, dict, str]] = [
    *[(FLOW, {**LENGTH, "tolerance": tolerance}, f"tolerance is {re.escape(repr(tolerance))}; expected a number between 1e-15 and 0.01")
      for tolerance in (0, -1e-9, 1e-30, 1.0, float("nan"), float("inf"), "1e-9", None, True)],
    *[(FLOW, {**LENGTH, "dt": dt}, f"dt is {dt!r}; expected a finite number above zero")
      for dt in (0, -0.1, float("nan"), float("inf"), "x")],
    (FLOW, {"samples": 11, "dt": 1e308}, "the last of 11 samples at dt 1e\\+308 lies beyond the largest time"),
    *[(FLOW, {**LENGTH, "samples": samples}, f"samples is {samples!r}; expected a whole number") for samples in (0, -1, 2.5, 3.0, "3")],
    (FLOW, {"samples": 10**9, "dt": 0.1, "trajectories": 10**6}, "the samples asked for take .* GiB, and .* GiB are free"),
    (FLOW, {"samples": 1, "dt": 0.1, "trajectories": 10**12}, "the samples asked for take .* GiB, and .* GiB are free"),
    (FLOW, {**LENGTH, "trajectories": 0}, "trajectories is 0; expected a whole number"),
    (FLOW, {"periods": 3}, "Flow has no period"),
    (FLOW, {**LENGTH, "transient": float("nan")}, "transient is nan; expected a finite number"),
    (FLOW, {**LENGTH, "transient": 1e300}, "transient is 1e\\+300: at that time doubles lie further apart than dt, 0.1"),
    (MAP, {"samples": 3, "transient": 1e30}, "1e\\+30 iterates are asked for; expected at most 1e\\+10"),
    (FLOW, {**LENGTH, "initial": "abc"}, "initial is 'abc'; expected numbers"),
    (FLOW, {**LENGTH, "initial": [[1.0], [2.0, 3.0]]}, "initial is .*2.0, 3.0.*; expected numbers, in lists of equal lengths"),
    (FLOW, {**LENGTH, "initial": [1j]}, "initial is \\[1j\\]; expected numbers"),
    (FLOW, {**LENGTH, "initial": [1.0, 2.0]}, "initial has shape \\(2,\\); Flow needs \\(trajectory, 1\\)"),
    (FLOW, {**LENGTH, "parameters": [1.0]}, "parameters is \\[1.0\\]; expected a mapping of names"),
    (FLOW, {**LENGTH, "parameters": {"a": "x"}}, "parameter a is 'x'; expected numbers"),
    (FLOW, {**LENGTH, "parameters": {"a": None}}, "parameter a is None; expected numbers"),
    (FLOW, {**LENGTH, "parameters": {"a": []}}, "parameter a has no values; expected at least one"),
    (FLOW, {**LENGTH, "parameters": {"a": [[1.0]]}}, "found a of shape \\(1, 1\\), expected a number or \\(1,\\)"),
    (FLOW, {**LENGTH, "parameters": {"b": 1.0}}, "Flow has no parameter 'b'; it has a"),
    *[(FLOW, {**LENGTH, "seed": seed}, f"seed is {seed!r}; expected a whole number") for seed in (1.5, "a", None)],
    *[(FLOW, {**LENGTH, "engine": Engine(lanes=lanes)}, f"lanes is {lanes!r}; expected None or one of 1, 2, 4")
      for lanes in (0, -1, 3, 64, 2.5)],
    *[(FLOW, {**LENGTH, "engine": Engine(step_budget=budget)}, f"step_budget is {budget!r}; expected None or a number of at least 1")
      for budget in (0, -5, float("nan"), "a")],
    (FLOW, {**LENGTH, "engine": Engine(target="avx2")}, "target is 'avx2'; expected a Target"),
    (FLOW, {**LENGTH, "engine": {"lanes": 2}}, "engine is {'lanes': 2}; expected an Engine or None"),
    (3, LENGTH, "system is 3; expected a name in the catalog, the path of a YAML file or a System"),
]  # fmt: skip


@pytest.mark.parametrize(("system", "arguments", "message"), REFUSALS)
def test_what_cannot_be_is_refused_at_once(system: System, arguments: dict, message: str) -> None:
    """One sentence, before anything is compiled or allocated: well within a second."""
    started = time.perf_counter()
    with pytest.raises(RequestError, match=message):
        integrate(system, **arguments)
    assert time.perf_counter() - started < 1.0


def test_memory_that_the_system_does_not_give_is_refused_with_a_sentence() -> None:
    """Where free memory cannot be asked for, or is limited for this process alone."""
    with pytest.raises(RequestError, match=r"the samples asked for take 7.45e\+09 GiB, and this process may not have so much"):
        samples_memory(10**18, "float64")


@pytest.mark.parametrize("parameter", [float("nan"), float("inf")])
def test_a_parameter_that_is_no_number_ends_its_trajectory_alone(parameter: float) -> None:
    """NaN and infinity among good values."""
    made = integrate(FLOW, parameters={"a": [1.0, parameter, 2.0]}, initial=[1.0], **LENGTH)
    assert made.status.values.tolist() == [Status.OK, Status.NOT_STARTED, Status.OK]


def test_every_trajectory_has_a_budget_of_steps_however_long_it_is_asked_to_be() -> None:
    """Without a budget of its own a trajectory takes at most a billion steps; with one, a step more ends it."""
    assert step_limits(Engine(), 0.1, 1e300)[2] == MOST_STEPS
    ensemble = Ensemble(np.array([[1.0, 0.0]]), np.zeros((1, 0)), np.zeros(1))
    turn = System(name="Turn", equations={"x": "y", "y": "-x"}, initial={"x": 1.0, "y": 0.0}).definition
    made = integrate_ensemble(turn, ensemble, grids=[SampleGrid(1e12, 3)], engine=Engine(step_budget=1000))
    assert made.status.tolist() == [Status.STEP_BUDGET]
    assert made.steps == 1001
