"""Stiff flows: published solutions, bits, and which method a trajectory is given to.

Problems and reference values: Mazzia and Magherini, Test Set for Initial Value Problem Solvers, release 2.4 (2008): Robertson, van der Pol
in the scaling of chapter VDPOLM, HIRES, Oregonator; Prothero and Robinson, Math. Comp. 28, 145 (1974)."""

from __future__ import annotations

import platform
from dataclasses import dataclass

import numpy as np
import pytest

import attractory
from attractory.expressions.system import System
from attractory.integrate import Engine, integrate
from attractory.kernels import Target
from attractory.layout import Status


@dataclass(frozen=True)
class Problem:
    """A system from its initial state, and its state at the time `end`."""

    equations: dict[str, str]
    initial: list[float]
    end: float
    final: list[float]

    @property
    def system(self) -> System:
        return System(name="Stiff", equations=self.equations, initial=dict(zip(self.equations, self.initial, strict=True)))


ROBERTSON = Problem(
    {"x": "-0.04*x + 1e4*y*z", "y": "0.04*x - 1e4*y*z - 3e7*y*y", "z": "3e7*y*y"},
    [1.0, 0.0, 0.0],
    1e11,
    [0.2083340149701255e-07, 0.8333360770334713e-13, 0.9999999791665050],
)
VAN_DER_POL = Problem({"x": "y", "y": "1000*(1 - x*x)*y - x"}, [2.0, 0.0], 2000.0, [0.1706167732170483e1, -0.8928097010247975e-3])
HIRES = Problem(
    {
        "a": "-1.71*a + 0.43*b + 8.32*c + 0.0007",
        "b": "1.71*a - 8.75*b",
        "c": "-10.03*c + 0.43*d + 0.035*e",
        "d": "8.32*b + 1.71*c - 1.12*d",
        "e": "-1.745*e + 0.43*f + 0.43*g",
        "f": "-280*f*h + 0.69*d + 1.71*e - 0.43*f + 0.69*g",
        "g": "280*f*h - 1.81*g",
        "h": "-280*f*h + 1.81*g",
    },
    [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0057],
    321.8122,
    [0.7371312573325668e-3, 0.1442485726316185e-3, 0.5888729740967575e-4, 0.1175651343283149e-2, 0.2386356198831331e-2,
     0.6238968252742796e-2, 0.2849998395185769e-2, 0.2850001604814231e-2],
)  # fmt: skip
OREGONATOR = Problem(
    {"x": "77.27*(y + x*(1 - 8.375e-6*x - y))", "y": "(z - (1 + x)*y)/77.27", "z": "0.161*(x - z)"},
    [1.0, 2.0, 3.0],
    360.0,
    [0.1000814870318523e1, 0.1228178521549917e4, 0.1320554942846706e3],
)
PROTHERO_ROBINSON = Problem({"x": "-1e6*(x - sin(t)) + cos(t)"}, [0.0], 10.0, [float(np.sin(10.0))])
PROBLEMS = {
    "Robertson": ROBERTSON,
    "van der Pol": VAN_DER_POL,
    "HIRES": HIRES,
    "Oregonator": OREGONATOR,
    "Prothero-Robinson": PROTHERO_ROBINSON,
}


def solved(problem: Problem, tolerance: float, *, samples: int = 2, trajectories: int = 1, engine: Engine | None = None) -> object:
    """The Dataset of a problem to its end."""
    initial = np.tile(problem.initial, (trajectories, 1))
    return integrate(problem.system, initial=initial, samples=samples, dt=problem.end / (samples - 1), tolerance=tolerance, engine=engine)


@pytest.mark.parametrize("tolerance", [1e-5, 1e-8, 1e-14])
@pytest.mark.parametrize("name", list(PROBLEMS))
def test_published_values_are_reached(name: str, tolerance: float) -> None:
    """Each variable to 200 tolerances of itself, or 1e-9 where the smallest is 1e-13 of the largest; under 50,000 steps."""
    made = solved(PROBLEMS[name], tolerance)
    assert made.status.values.tolist() == [Status.OK]
    digits = 1e-9 if name == "Robertson" else 1e-12
    np.testing.assert_allclose(made.state.values[0, -1], PROBLEMS[name].final, rtol=max(200 * tolerance, digits))
    steps, stiff = made.steps.values[0], made.stiff_steps.values[0]
    assert steps < 50_000
    # A start on Prothero and Robinson's sine to the last bit may wake no fast mode, and then a dozen Taylor steps reach the end.
    assert 0 < stiff < steps or steps < 100


def test_samples_between_steps_follow_the_solution() -> None:
    """A thousand samples of Prothero and Robinson's problem lie on the sine."""
    made = solved(PROTHERO_ROBINSON, 1e-9, samples=1001)
    np.testing.assert_allclose(made.state.values[0, :, 0], np.sin(np.arange(1001) * 0.01), atol=2e-9)
    assert made.stiff_steps.values[0] > 0


def test_mass_stays_what_it_is() -> None:
    """Robertson's species sum to one at every sample, to four roundings."""
    np.testing.assert_allclose(solved(ROBERTSON, 1e-10, samples=50).state.values.sum(2), 1.0, rtol=0, atol=1e-15)


def spread(problem: Problem, count: int) -> np.ndarray:
    """Initial states around a problem's own."""
    return np.array(problem.initial) * (1 + 0.01 * np.arange(count)[:, None])


def bits(problem: Problem, order: np.ndarray, *, target: str = "native", lanes: int | None = None) -> list[bytes]:
    """The bytes of each of nine trajectories, and its counts of steps, integrated in this order."""
    made = integrate(
        problem.system, initial=spread(problem, 9)[order], samples=40, dt=problem.end / 39, tolerance=1e-9,
        engine=Engine(target=Target(target), lanes=lanes),
    )  # fmt: skip
    assert made.stiff_steps.values.all()
    found = [
        np.ascontiguousarray(state).tobytes() + steps.tobytes() + stiff.tobytes()
        for state, steps, stiff in zip(made.state.values, made.steps.values, made.stiff_steps.values, strict=True)
    ]
    return [found[place] for place in np.argsort(order)]


@pytest.mark.parametrize("name", ["HIRES", "Oregonator", "Prothero-Robinson"])
def test_bits_and_steps_depend_on_the_trajectory_alone(name: str) -> None:
    """Two, four and eight lanes, a shuffled batch, SSE2 and AVX2: the same samples, handed over at the same steps."""
    problem, plain = PROBLEMS[name], np.arange(9)
    expected = bits(problem, plain)
    for lanes in (2, 4, 8):
        assert bits(problem, plain, lanes=lanes) == expected
    assert bits(problem, np.random.default_rng(1).permutation(9), lanes=8) == expected
    if platform.machine().lower() in ("x86_64", "amd64"):
        for target in ("sse2", "avx2"):
            assert bits(problem, plain, target=target, lanes=8) == expected


@pytest.mark.parametrize("name", ["Lorenz", "HenonHeiles", "Thomas", "Rossler"])
def test_a_flow_that_is_not_stiff_stays_with_taylor(name: str) -> None:
    """Over thirty periods, at loose and tight tolerances."""
    for tolerance in (1e-5, 1e-9, 1e-14):
        made = integrate(name, 8, periods=30, samples_per_period=10, tolerance=tolerance, transient=0.0)
        assert not made.stiff_steps.values.any()
        assert made.steps.values.min() > 300  # it was looked at


def test_the_catalogued_oregonator_goes_over_and_comes_back() -> None:
    """One turn, in which the bursts are Taylor's: both methods take hundreds of steps, and the attribute has all of them."""
    system = attractory.system("Oregonator")
    made = integrate(system, initial=system.initial, periods=1, samples_per_period=100, tolerance=1e-9)
    stiff, steps = int(made.stiff_steps.values[0]), int(made.steps.values[0])
    assert stiff > 200
    assert steps - stiff > 512
    assert made.attrs["steps"] == steps


def test_the_budget_of_steps_covers_both_methods() -> None:
    """A trajectory that spends it in the stiff method ends with its status and a tail of NaN."""
    made = solved(VAN_DER_POL, 1e-9, samples=101, engine=Engine(step_budget=1000))
    assert made.status.values.tolist() == [Status.STEP_BUDGET]
    assert made.steps.values[0] == 1001
    assert made.stiff_steps.values[0] > 0
    assert np.isfinite(made.state.values[0, :10]).all()
    assert np.isnan(made.state.values[0, -1]).all()


def test_a_pole_behind_a_stiff_stretch_is_reported() -> None:
    """A fast variable follows x = 1/(10 - t), which has a pole: the trajectory goes over, comes back and ends as diverged."""
    system = System(name="Pole", equations={"x": "x*x", "y": "-1e5*(y - x)"}, initial={"x": 0.1, "y": 0.1})
    made = integrate(system, initial=[0.1, 0.1], samples=121, dt=0.1, tolerance=1e-9)
    assert made.status.values.tolist() == [Status.DIVERGED]
    assert made.stiff_steps.values[0] > 0
    np.testing.assert_allclose(made.state.values[0, :95, 0], 1 / (10 - np.arange(95) * 0.1), rtol=1e-6)


def test_a_stiff_flow_at_rest_is_passed_in_few_steps() -> None:
    """Decay onto a fixed point at rates 1 and 1e4: a thousand time units in under 1,500 steps."""
    system = System(name="Rest", equations={"x": "1 - x", "y": "1e4*(x*x - y)"}, initial={"x": 2.0, "y": 0.0})
    made = integrate(system, initial=[2.0, 0.0], samples=11, dt=100.0, tolerance=1e-9)
    assert made.steps.values[0] < 1500
    np.testing.assert_allclose(made.state.values[0, -1], 1.0, rtol=1e-9)


def test_a_stiff_band_of_forty_variables_goes_over() -> None:
    """Heat conduction on a rod with ends at 0 and 1: from zero to the straight line between them, in under 1,000 steps."""
    size = 40
    names = ["0", *(f"u{place}" for place in range(size)), "1"]
    rates = {names[i]: f"{(size + 1) ** 2}*({names[i - 1]} - 2*{names[i]} + {names[i + 1]})" for i in range(1, size + 1)}
    system = System(name="Rod", equations=rates, initial=dict.fromkeys(rates, 0.0))
    made = integrate(system, initial=[0.0] * size, samples=2, dt=20.0, tolerance=1e-8)
    np.testing.assert_allclose(made.state.values[0, -1], np.arange(1, size + 1) / (size + 1), rtol=1e-7)
    assert 0 < made.stiff_steps.values[0] < made.steps.values[0] < 1000


def test_what_does_not_fit_stays_with_taylor() -> None:
    """Twenty variables that all read each other, eight with the sine of each difference, and a switch: right, in many steps."""
    total = "(" + " + ".join(f"u{place}" for place in range(20)) + ")"
    dense = {f"u{place}": f"-500*(u{place} - 0.04*{total}) - u{place}" for place in range(20)}
    pulls = {f"u{i}": f"-500*u{i} + " + " + ".join(f"sin(u{j} - u{i} + {i + 1})" for j in range(8)) for i in range(8)}
    for equations in (dense, pulls, {"x": "-2000*(x - cos(t)) + 0*abs(x)"}):
        system = System(name="Large", equations=equations, initial=dict.fromkeys(equations, 1.0))
        made = integrate(system, initial=[1.0] * len(equations), samples=2, dt=2.0, tolerance=1e-8)
        assert made.status.values.tolist() == [Status.OK]
        assert made.stiff_steps.values[0] == 0
