"""The promise of bits: instruction sets, lane widths and neighbours change nothing."""

from __future__ import annotations

import platform

import numpy as np
import pytest

import attractory
from attractory.expressions.system import System
from attractory.integrate import BlockSettings, Engine, SampleGrid, integrate, integrate_block
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
    "driven": System(
        name="Driven",
        equations={"x": "y", "y": "-x + x*cos(1.7*t + 0.3) + exp(-t/7) + tan(0.2*sin(q)) - 0.1*y", "q": "1.3"},
        initial={"x": 0.1, "y": 0.1, "q": 1.2},
    ),
    "angles": System(
        name="Angles",
        equations={"a": "p", "p": "-sin(a) + 0.3*cos(q)", "q": "1.3", "b": "1 + sin(b - a)"},
        initial={"a": 0.1, "p": 2.1, "q": 0.0, "b": 1.0},
        wrap={"a": ["-pi", "pi"], "q": [0, "2*pi"], "b": [0, "2*pi"]},
    ),
    "piecewise map": System(
        name="Piecewise",
        kind="map",
        equations={"x": "mod(x + y, 1) + 0.01*floor(3*y)", "y": "where(x < 0.5, 1.9*y, 1.9 - 1.9*y)", "q": "q + x + 0.1*sin(1.3*t)"},
        initial={"x": 0.1, "y": 0.3, "q": 0.5},
        wrap={"q": [0, "2*pi"]},
    ),
    "relay": System(
        name="Relay",
        equations={
            "x": "y",
            "y": "where(mod(t, 2) < 0.5, 1, -1) - x - sign(y + 0.1*x)*max(x, 0.2)",
            "z": "min(x, y) - z + heaviside(y - z)",
        },
        initial={"x": 0.1, "y": 0.1, "z": 0.2},
    ),
    "sliding": System(
        name="Sliding",
        equations={"x": "v", "v": "-x - (0.5 + 0.5*exp(-abs(v - 0.3)))*sign(v - 0.3)", "w": "-2*sign(w - sin(t)*x)"},
        initial={"x": 0.1, "v": 0.3, "w": 1.0},
    ),
    "delay": System(
        name="Delay",
        kind="delay",
        parameters={"tau": 1.7},
        equations={"x": "0.2*x(t - tau)/(1 + y(t - 1)**2) - 0.1*x", "y": "sin(x(t - 1)) - y + 0.1*cos(t)"},
        history={"x": "0.5 + 0.1*sin(t)", "y": "exp(t)"},
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


@pytest.mark.parametrize("name", ["angles", "driven", "piecewise map", "map"])
def test_bits_in_single_precision_and_on_several_grids_do_not_depend_on_lanes_or_instructions(name: str) -> None:
    """What a store holds of angles, drives and maps: blocks of lanes and samples, and what is left over of them, are put alike."""
    forced = platform.machine().lower() in ("x86_64", "amd64")
    variants = [("native", lanes) for lanes in (2, 4, 8, 16)] + [(target, 8) for target in ("avx2", "sse2") if forced]
    assert len({stored(SYSTEMS[name], target, lanes) for target, lanes in variants}) == 1


def stored(system: System, target: str, lanes: int) -> bytes:
    """The bytes of two grids of twenty-one trajectories in single precision."""
    steps = (1.0, 3.0) if system.kind == "map" else (0.05, 0.4)
    grids = [SampleGrid(step, samples) for step, samples in zip(steps, (75, 25), strict=True)]
    settings = BlockSettings(seed=2, transient=3.0, tolerance=1e-12, dtype="float32")
    engine = Engine(target=Target(target), lanes=lanes)
    made = integrate_block(system, indices=range(21), grids=grids, settings=settings, engine=engine)
    return b"".join(np.ascontiguousarray(states).tobytes() for states in made.states)


@pytest.mark.parametrize("name", list(SYSTEMS))
def test_a_trajectory_does_not_depend_on_its_neighbours(name: str) -> None:
    """The first three trajectories of nineteen are those of three."""
    few, many = states(SYSTEMS[name], "native", 8, 3), states(SYSTEMS[name], "native", 8, 19)
    assert many[: len(few)] == few


def of_the_catalog(name: str, target: str, lanes: int, order: list[int]) -> bytes:
    """The bytes of three trajectories near the catalogued state, one and a third of a period long, given in this order."""
    system = attractory.system(name)
    starts = np.asarray(system.initial) * (1 + 0.001 * np.arange(3)[:, None])
    length = {"samples": 20} if system.kind == "map" else {"samples": 20, "dt": (system.period or 1.0) / 15}
    if "stiff" in system.tags:  # a hundred thousand steps a sample are too many for a forced SSE2, which has no fused multiply-add
        length["dt"] /= 1000
    made = integrate(system, initial=starts[order], tolerance=1e-9, engine=Engine(target=Target(target), lanes=lanes), **length)
    return np.ascontiguousarray(made.state.values[np.argsort(order)]).tobytes()


# One at least for each kind of arithmetic: products, quotients, elementary functions, powers, switches, time, indices, stiffness, maps.
SAMPLED = [
    *("ArnoldBeltramiChildress", "Blasius", "CaTwoPlus", "Chua", "DoublePendulum", "Duffing", "Henon", "HenonHeiles"),
    *("Hopfield", "Logistic", "Lorenz", "Lorenz96", "Oregonator", "Rossler", "SprottMore", "Thomas", "Torus", "Windmi"),
]


@pytest.mark.parametrize("name", SAMPLED)
def test_catalogued_systems_have_the_same_bits_everywhere(name: str) -> None:
    """The three instruction sets, one with each lane width, and the batch in three orders; `benchmarks/bits.py` has all of them."""
    forced = platform.machine().lower() in ("x86_64", "amd64")
    targets = ("sse2", "avx2", "native") if forced else ("native",) * 3
    orders = ([2, 0, 1], [1, 0, 2], [0, 1, 2])
    assert len({of_the_catalog(name, *variant) for variant in zip(targets, (2, 4, 8), orders, strict=True)}) == 1
