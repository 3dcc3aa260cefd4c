"""The method for stiff flows: its coefficients, its linear systems, its orders of convergence."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import numpy as np
import pytest

from attractory.expressions.system import System
from attractory.integrate.stiff_driver import stiff_lane_arrays
from attractory.kernels import Target, rodas5p
from attractory.kernels.lanes import Lanes, declarations
from attractory.kernels.linear_solve import LinearSystem
from attractory.kernels.machine import Pointer, compile_functions
from attractory.kernels.rosenbrock import ATTEMPT
from attractory.kernels.stiff import cost, stiff_kernel, taylor_cost

WIDTH = 8


def classical_coefficients() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(b, alpha, beta) of Hairer and Wanner's formulation with products by the Jacobian, from those of the transformed one."""
    lower = lambda rows: np.array([[*row, *[0.0] * (rodas5p.STAGES - len(row))] for row in rows])  # noqa: E731
    gammas = np.linalg.inv(np.eye(rodas5p.STAGES) / rodas5p.GAMMA - lower(rodas5p.C))
    alpha = lower(rodas5p.A) @ gammas
    return np.array([*rodas5p.A[-1], 1.0]) @ gammas, alpha, alpha + gammas


def test_coefficients_meet_the_order_conditions() -> None:
    """All seventeen up to order 5 (Hairer and Wanner II, table IV.7.1), and the times and drifts are the sums of their rows."""
    b, alpha, beta = classical_coefficients()
    a, s = alpha.sum(1), beta.sum(1)
    found = [
        b.sum(), b @ s, b @ a**2, b @ beta @ s, b @ a**3, b @ (a * (alpha @ s)), b @ beta @ a**2, b @ beta @ beta @ s, b @ a**4,
        b @ (a**2 * (alpha @ s)), b @ (alpha @ s) ** 2, b @ (a * (alpha @ a**2)), b @ (a * (alpha @ beta @ s)), b @ beta @ a**3,
        b @ beta @ (a * (alpha @ s)), b @ beta @ beta @ a**2, b @ beta @ beta @ beta @ s,
    ]  # fmt: skip
    expected = [
        1,
        1 / 2,
        1 / 3,
        1 / 6,
        1 / 4,
        1 / 8,
        1 / 12,
        1 / 24,
        1 / 5,
        1 / 10,
        1 / 20,
        1 / 15,
        1 / 30,
        1 / 20,
        1 / 40,
        1 / 60,
        1 / 120,
    ]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)
    np.testing.assert_allclose(a, rodas5p.TIMES, rtol=0, atol=1e-13)
    np.testing.assert_allclose((beta - alpha).sum(1), rodas5p.D, rtol=0, atol=1e-13)


@pytest.mark.parametrize("pattern", ["dense", "sparse", "zero diagonal"])
def test_linear_systems_are_solved_in_each_lane(pattern: str) -> None:
    """Six unknowns with entries of sizes from 1e-3 to 1e3, a matrix of its own in each lane, against NumPy."""
    rng = np.random.default_rng(4)
    size = 6
    present = np.ones((size, size), bool) if pattern != "sparse" else np.eye(size, dtype=bool) | (rng.random((size, size)) < 0.3)
    if pattern == "zero diagonal":
        np.fill_diagonal(present, val=False)
    matrices = np.where(present[:, :, None], rng.normal(size=(size, size, WIDTH)) * 10 ** rng.uniform(-3, 3, (size, size, WIDTH)), 0.0)
    right = rng.normal(size=(size, WIDTH))
    lanes = Lanes(WIDTH)
    entries = [[lanes.load("%a", row * size + column) if present[row, column] else None for column in range(size)] for row in range(size)]
    for place, value in enumerate(LinearSystem(lanes, entries).solve([lanes.load("%b", row) for row in range(size)])):
        lanes.store(value, "%x", place)
    text = declarations(WIDTH) + lanes.function("solve", ["a", "b", "x"])
    code = compile_functions(text, {"solve": ctypes.CFUNCTYPE(None, *[Pointer] * 3)}, Target())
    memory = np.zeros((size + 2) * size * WIDTH + 8)
    first = (-memory.ctypes.data // 8) % 8
    rows = memory[first : first + (size + 2) * size * WIDTH].reshape(-1, WIDTH)
    rows[: size * size], rows[size * size : size * (size + 1)] = matrices.reshape(-1, WIDTH), right
    code.functions["solve"](*(rows[place:].ctypes.data for place in (0, size * size, size * (size + 1))))
    for lane in range(WIDTH):
        found, matrix = rows[size * (size + 1) : size * (size + 2), lane], matrices[:, :, lane]
        assert (
            np.abs(matrix @ found - right[:, lane]).max() < 1e-13 * np.abs(matrix).max() * np.abs(found).max()
        )  # a backward stable solution


def fixed_steps(system: System, duration: float, steps: int, exact: Callable[[float], list[float]]) -> tuple[float, float]:
    """The largest errors (at the end, within the steps) of so many equal steps."""
    definition = system.definition
    variables = len(definition.variables)
    kernel = stiff_kernel(definition, WIDTH, Target()).code.functions
    lanes = stiff_lane_arrays(WIDTH, (variables, len(definition.parameters), 1), 2)
    for row, value in zip(lanes.y, definition.initial, strict=True):
        row[:] = value
    lanes.live[:], lanes.look[:] = 1.0, np.inf
    arrays = {**lanes._asdict(), "limits": np.array([1e300, 1e9, 1e30, 0.0])}  # any error is accepted
    within, length = 0.0, duration / steps
    for _ in range(steps):
        lanes.h[:] = length
        kernel["attempt"](*(arrays[name].ctypes.data for name in ATTEMPT))
        kernel["dense"](lanes.k.ctypes.data, lanes.c.ctypes.data)
        for part in (0.25, 0.5, 0.75):
            found = np.polynomial.polynomial.polyval(part, lanes.c[:, 3].reshape(variables, 5).T)
            within = max(within, np.abs(found - exact(lanes.t[3] + part * length)).max())
        kernel["advance"](*(arrays[name].ctypes.data for name in ("step", "t", "t_low", "origin", "now")))
    return float(np.abs(lanes.y[:, 3] - exact(duration)).max()), within


def orders(system: System, duration: float, steps: int, exact: Callable[[float], list[float]]) -> list[float]:
    """The powers of the step with which both errors fall."""
    coarse, fine = (np.array(fixed_steps(system, duration, count, exact)) for count in (steps, 2 * steps))
    return list(np.log2(coarse / fine))


def test_order_of_convergence_is_five_with_its_dense_output() -> None:
    """Two coupled, nonlinear equations in which the time stands, with solutions 1/(1 + t^2) and 1/(1 + t - sin t)."""
    equations = {"x": "-2*t*x*x", "y": "-y*y*x*(1 + t*t) + cos(t)*y*y"}
    system = System(name="Rational", equations=equations, initial={"x": 1.0, "y": 1.0})
    found = orders(system, 2.0, 60, lambda t: [1 / (1 + t * t), 1 / (1 + t - np.sin(t))])
    np.testing.assert_allclose(found, [5.0, 5.0], atol=0.3)


def test_order_holds_on_the_problem_of_prothero_and_robinson() -> None:
    """y' = -20 (y - sin t) + cos t, the step times the rate being 1 and 1/2."""
    system = System(name="Forced", equations={"y": "-20*(y - sin(t)) + cos(t)"}, initial={"y": 0.0})
    np.testing.assert_allclose(orders(system, 2.0, 40, lambda t: [np.sin(t)]), [5.0, 5.0], atol=0.3)


def test_stiffness_of_a_million_leaves_an_error_of_order_three_at_ends_and_four_within() -> None:
    """The same with 1e6: order reduction as the method's author describes it, on errors that are below 1e-11 after 20 steps of a tenth."""
    system = System(name="Stiff", equations={"y": "-1e6*(y - sin(t)) + cos(t)"}, initial={"y": 0.0})
    assert fixed_steps(system, 2.0, 20, lambda t: [np.sin(t)])[0] < 1e-11
    np.testing.assert_allclose(orders(system, 2.0, 20, lambda t: [np.sin(t)]), [3.0, 4.0], atol=0.3)


def test_a_fast_mode_is_gone_after_one_step() -> None:
    """L-stability: y' = -1e6 (y - cos t) from 5 in one step of a tenth; what is left falls as 13 / (rate step)."""
    system = System(name="Damped", equations={"y": "-1e6*(y - cos(t))"}, initial={"y": 5.0})
    assert fixed_steps(system, 0.1, 1, lambda t: [np.cos(t)])[0] < 4 * 13 / 1e5


def test_costs_do_not_depend_on_the_lane_width() -> None:
    """What decides between the methods is counted from the text, a division as eight."""
    definition = System(name="Pair", equations={"x": "y/x", "y": "-x*y"}, initial={"x": 1.0, "y": 1.0}).definition
    assert len({stiff_kernel(definition, width, Target()).cost for width in (2, 4, 8)}) == 1
    assert cost("define void @f() {\n  %a = fdiv double 1.0, 2.0\n  %b = fadd double %a, %a\n  %c = load double, ptr %p\n}") == 9
    assert taylor_cost(definition, 10) < taylor_cost(definition, 20)
