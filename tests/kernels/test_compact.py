"""Kernels made of loops: the numbers of straight-line kernels, to rounding, from code that does not grow with the system.

Each recurrence in loops is tested in test_taylor.py."""

from __future__ import annotations

import functools
import importlib
import platform

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import attractory
from attractory.expressions.derivative import variational
from attractory.expressions.system import System
from attractory.integrate import Engine, integrate
from attractory.kernels import Target, flow_kernel, lanes_for, order_for
from attractory.kernels.branches import branched
from attractory.kernels.flow import flow_text, is_large

# One at least for each kind of arithmetic: products, quotients, elementary functions, powers, switches, time, indices, stiffness.
FLOWS = [
    *("ArnoldBeltramiChildress", "Blasius", "CaTwoPlus", "Chua", "DoublePendulum", "Duffing", "HenonHeiles", "Hopfield"),
    *("Lorenz", "Lorenz96", "Oregonator", "RabinovichFabrikant", "SprottMore", "Thomas", "Torus", "Windmi"),
]
SYSTEMS = {
    "rational": System(
        name="Ring",
        parameters={"N": 7, "a": 0.3},
        indices={"i": "N"},
        equations={"x[i]": "(x[i+1] - x[i-2])*x[i-1] - x[i]/(1 + a*x[i+2]**2) + 8"},
        initial={"x[i]": "2 + sin(i)"},
    ),
    "elementary": System(
        name="Elementary",
        parameters={"N": 4},
        indices={"i": "N"},
        equations={"x[i]": "sin(x[i+1]) + tanh(x[i]*x[i-1]) - exp(-x[i+1]**2) + log(2 + x[i]**2)**1.5 - 0.3*x[i]*cos(t)"},
        initial={"x[i]": "0.1*i"},
    ),
    "switched": System(
        name="Switched",
        parameters={"N": 3},
        indices={"i": "N", "j": "N"},
        equations={
            "x[i]": "v[i]",
            "v[i]": "-x[i] + 0.1*floor(2*sin(t) + abs(x[i+1])) + where(x[i] > x[i-1], 0.2, min(v[i], 0.1)) + 0.01*sum(abs(x[j]), j)",
        },
        initial={"x[i]": "sin(i + 1)", "v[i]": "cos(i)"},
    ),
}
MEAN_FIELD = System(
    name="MeanField",
    parameters={"N": 6, "K": 2.0},
    indices={"i": "N", "j": "N"},
    equations={"x[i]": "0.1*i - K/N*x[i] + K/N*sum((x[j] - x[i])*(1 + x[j]*x[i])*0.1 + sin(x[j]) - x[j]**2, j)"},
    initial={"x[i]": "0.3*sin(i)"},
)


# Rates that are a variable, a number, a parameter, the time, one node for two variables, or what does not change within a step.
ODD = System(
    name="Odd",
    parameters={"a": 0.5, "b": 2.3},
    equations={
        "x": "y",
        "y": "-x",
        "z": "2",
        "w": "a",
        "u": "t*t - a",
        "s": "x*y",
        "r": "x*y + 0",
        "q": "sign(x)*a + floor(b) - cos(sign(y))",
        "p": "where(a > 0 and (x > y or not y < z), x/a - a/b, x**2.5)/(3 + y) + (2 + x)**y - sqrt(a) + sin(a)*x - x/b",
        "o": "(a + b)*(a - b)*x - (x - (y - (z - (w - (u - (s - (r - (q - p - a*b)))))))) + acos(0.4*x) - tan(a*y)/log10(3 + x*x)",
        "n": "atan2(x, 2 + y*y)",
    },
    initial={"x": 1.0, "y": 0.2, "z": 0.0, "w": 0.1, "u": 0.0, "s": 0.0, "r": 1.0, "q": 0.0, "p": 0.0, "o": 0.0, "n": 0.0},
)


@pytest.fixture
def in_loops(monkeypatch: pytest.MonkeyPatch):
    """States from kernels of loops, however small the system: what users are never asked about."""
    module = importlib.import_module("attractory.integrate.ensemble")

    def states(system: System, loops: bool = True, **arguments: object) -> np.ndarray:
        with monkeypatch.context() as patch:
            patch.setattr(module, "flow_kernel", functools.partial(flow_kernel, loops=loops))
            return integrate(system, **arguments).state.values

    return states


@pytest.mark.parametrize("name", FLOWS)
def test_loops_follow_the_straight_line_kernel(in_loops, name: str) -> None:
    """Half a period of four trajectories: roundings differ where a sum has another order, and grow less than a thousandfold by then."""
    system = attractory.system(name)
    wanted = {"trajectories": 4, "samples": 10, "dt": system.period / 20, "tolerance": 1e-9, "transient": 0.0, "engine": Engine(lanes=4)}
    found, expected = (in_loops(system, loops, **wanted) for loops in (True, False))
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-13 * np.abs(expected).max())


@pytest.mark.parametrize("system", [*SYSTEMS.values(), MEAN_FIELD, ODD], ids=lambda system: system.name)
def test_loops_follow_it_on_rings_switches_long_sums_and_odd_rates(in_loops, system: System) -> None:
    """Groups of many members, modes that depend on other modes, sums of dozens of terms of several kinds."""
    wanted = {"trajectories": 3, "samples": 40, "dt": 0.05, "tolerance": 1e-9, "transient": 0.0, "engine": Engine(lanes=4)}
    found, expected = (in_loops(system, loops, **wanted) for loops in (True, False))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-11 * np.abs(expected).max())


@pytest.mark.parametrize("system", SYSTEMS.values(), ids=lambda system: system.name)
def test_bits_do_not_depend_on_lanes_or_instructions(in_loops, system: System) -> None:
    """Two, four and eight lanes; SSE2, AVX2 and the machine's own instructions."""
    engines = [Engine(lanes=lanes) for lanes in (2, 4, 8)]
    if platform.machine().lower() in ("x86_64", "amd64"):
        engines += [Engine(target=Target(target), lanes=4) for target in ("sse2", "avx2")]
    found = [in_loops(system, trajectories=5, samples=30, dt=0.1, tolerance=1e-9, transient=1.0, engine=engine) for engine in engines]
    assert len({np.ascontiguousarray(states).tobytes() for states in found}) == 1


def test_sign_switches_bounce_as_parabolas_do(in_loops) -> None:
    """x'' = -sign(x) from (0, 1): each arc lasts 2 and is a parabola."""
    system = System(name="Bounce", equations={"x": "y", "y": "-sign(x)"}, initial={"x": 0.0, "y": 1.0})
    states = in_loops(system, initial=[0.0, 1.0], samples=241, dt=0.1, tolerance=1e-14)
    phase = np.mod(np.arange(241) * 0.1, 4)
    expected = np.where(phase < 2, phase - phase**2 / 2, (phase - 2) ** 2 / 2 - (phase - 2))
    np.testing.assert_allclose(states[0, :, 0], expected, atol=1e-12)


def lorenz96(size: int) -> System:
    """Lorenz96 with this many variables, near its state of rest."""
    return System(
        name="Lorenz96",
        parameters={"N": size, "F": 8},
        indices={"i": "N"},
        equations={"x[i]": "(x[i+1] - x[i-2])*x[i-1] - x[i] + F"},
        initial={"x[i]": "F + sin(i**2)"},
    )


def test_a_thousand_variables_agree_with_dop853() -> None:
    """Lorenz96 for half a time unit; DOP853's own error at 1e-12 is what the two differ by."""
    system = lorenz96(1000)

    def rates(_: float, x: np.ndarray) -> np.ndarray:
        return (np.roll(x, -1) - np.roll(x, 2)) * np.roll(x, 1) - x + 8

    expected = solve_ivp(rates, (0, 0.5), system.initial, "DOP853", rtol=1e-12, atol=1e-12).y[:, -1]
    found = integrate(system, initial=system.initial, samples=2, dt=0.5, tolerance=1e-12).state.values[0, -1]
    np.testing.assert_allclose(found, expected, atol=1e-9)


def lines(definition) -> int:
    """How long the text of the kernel is."""
    graph = branched(definition.graph, definition.roots)
    text, _ = flow_text(definition, graph, order_for(1e-9), lanes_for(definition), loops=True)
    return text.count("\n")


def test_code_does_not_grow_with_the_system() -> None:
    """Two hundred and two thousand variables have equally long code; their tables of rows are one line each."""
    assert lines(lorenz96(200).definition) == lines(lorenz96(2000).definition)


def test_variational_systems_are_loops_too() -> None:
    """420 states in no more code than twice that of a Lorenz96: a few more kinds of sums."""
    definition = variational(lorenz96(20).definition)
    assert is_large(branched(definition.graph, definition.roots), order_for(1e-9))
    assert lines(definition) < 3 * lines(lorenz96(200).definition)


def test_few_trajectories_of_a_large_system_take_few_lanes() -> None:
    """A lane without a trajectory costs as much as one with; small systems keep one kernel for any number of trajectories."""
    large, small = lorenz96(1000).definition, lorenz96(6).definition
    assert [lanes_for(large, trajectories) for trajectories in (1, 3, 100)] == [2, 4, 8]
    assert lanes_for(small, 1) == lanes_for(small)
