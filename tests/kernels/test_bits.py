"""The promise of bits: instruction sets, lane widths and neighbours change nothing."""

from __future__ import annotations

import platform

import numpy as np
import pytest

from attractory.expressions.system import System
from attractory.integrate import Engine, integrate
from attractory.kernels import Target

SYSTEMS = {
    "rational": System(
        name="Rational",
        equations={"x": "10*(y - x)", "y": "x*(28 - z) - y", "z": "x*y - 8/3*z/(1 + 0.001*x*x)"},
        initial={"x": 1.0, "y": 1.0, "z": 25.0},
    ),
    "elementary": System(
        name="Elementary",
        equations={"x": "sin(y) + tan(0.3*y)", "y": "cos(x) - 0.2*y + tanh(x*y)", "z": "-z + exp(-y*y) + atan(x) + log(2 + z*z)**1.5"},
        initial={"x": 0.1, "y": 0.1, "z": 0.2},
    ),
    "switched": System(
        name="Switched",
        equations={"x": "y", "y": "z", "z": "-0.6*z - y + abs(x) - 1 + 0.1*floor(2*sin(t))"},
        initial={"x": 0.1, "y": 0.1, "z": 0.2},
    ),
    "map": System(name="Quadratic", kind="map", equations={"x": "1 - 1.4*x**2 + y", "y": "0.3*sin(x)"}, initial={"x": 0.1, "y": 0.1}),
}


def states(system: System, target: str, lanes: int, trajectories: int = 5) -> bytes:
    """The bytes of a short ensemble."""
    length = {"samples": 60} if system.kind == "map" else {"samples": 60, "dt": 0.05, "transient": 2.0}
    made = integrate(system, trajectories, engine=Engine(target=Target(target), lanes=lanes), tolerance=1e-12, **length)
    return np.ascontiguousarray(made.state.values).tobytes()


@pytest.mark.parametrize("name", list(SYSTEMS))
def test_bits_do_not_depend_on_the_lane_width(name: str) -> None:
    """Two, four, eight and sixteen lanes give the same bytes."""
    assert len({states(SYSTEMS[name], "native", lanes) for lanes in (2, 4, 8, 16)}) == 1


@pytest.mark.parametrize("name", list(SYSTEMS))
def test_bits_do_not_depend_on_the_instruction_set(name: str) -> None:
    """SSE2, AVX2 and the machine's own features give the same bytes."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        pytest.skip("the forced targets are x86-64 ones")
    assert len({states(SYSTEMS[name], target, 8) for target in ("native", "avx2", "sse2")}) == 1


@pytest.mark.parametrize("name", list(SYSTEMS))
def test_a_trajectory_does_not_depend_on_its_neighbours(name: str) -> None:
    """The first three trajectories of nineteen are those of three."""
    few, many = states(SYSTEMS[name], "native", 8, 3), states(SYSTEMS[name], "native", 8, 19)
    assert many[: len(few)] == few
