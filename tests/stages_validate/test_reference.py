from __future__ import annotations

import numpy as np
import pytest

from attractory import System
from attractory.stages.validate.reference import Problem, integrate_again, scalar_function, tangent_logarithms


def problem(system: System, *, initial: list[float], stiff: bool = False) -> Problem:
    values = np.asarray(system.definition.values, dtype=np.float64)
    return Problem(system.definition, np.array(initial), values, 0.0, np.ones(len(initial)), stiff)


EVERY_FUNCTION = System(
    name="Everything",
    equations={
        "x": "-a*x**3 + sin(y)*cos(x) - tan(x/9) + exp(-x) + log(2 + y**2) + sqrt(1 + x**2) + log10(3 + x**2)",
        "y": "asin(x/9) + acos(y/9) + atan(x) + atan2(y, x) + sinh(x/9) - cosh(y/9) + tanh(y) - y/3 + t",
        "z": "abs(x) + sign(y) + min(x, y) - max(x, z) + floor(z) + mod(x, 0.7) + heaviside(x)"
        " + where(x > y and not z < 0, x, -z) - z**0.5",
    },
    parameters={"a": 0.3},
    initial={"x": 0.3, "y": -0.2, "z": 1.5},
)


def test_scalar_function_gives_what_the_graph_gives_by_numpy() -> None:
    """Every function of the language, at random states, to a rounding."""
    states = np.random.default_rng(0).uniform(0.1, 2.0, (50, 3)) * [1.0, -1.0, 1.0]
    function = scalar_function(EVERY_FUNCTION.definition, EVERY_FUNCTION.definition.values)
    found = np.array([function(0.4, state.tolist()) for state in states])
    np.testing.assert_allclose(found, EVERY_FUNCTION.rhs(states, t=0.4), rtol=1e-13, atol=1e-13)


def test_scalar_function_gives_nan_where_there_is_no_value() -> None:
    """A trial step may leave the domain; the solver then takes a smaller one."""
    root = System(name="Root", equations={"x": "-sqrt(x)/x"}, initial={"x": 1.0})
    assert np.isnan(scalar_function(root.definition, ())(0.0, [0.0])).all()


@pytest.mark.parametrize("stiff", [False, True], ids=["DOP853", "LSODA"])
def test_oscillator_comes_out_as_its_cosine(stiff: bool) -> None:
    """The error stays within what the reference predicts of itself, and the twin neither parts nor joins."""
    oscillator = System(name="Oscillator", equations={"q": "p", "p": "-q"}, initial={"q": 1.0, "p": 0.0})
    times = np.linspace(0.0, 20.0, 101)
    reference = integrate_again(problem(oscillator, initial=[1.0, 0.0], stiff=stiff), times)
    error = np.abs(reference.states[:, 0] - np.cos(times))
    assert (error <= 10.0 * reference.predicted_error(0.0)).all()
    assert 0.5 < reference.parted.min() <= reference.parted.max() < 2.0


def test_twin_parts_at_the_leading_exponent() -> None:
    """The tangent of x' = x grows as exp(t)."""
    growth = System(name="Growth", equations={"x": "x"}, initial={"x": 1.0})
    times = np.linspace(0.0, 5.0, 11)
    reference = integrate_again(problem(growth, initial=[1.0]), times)
    np.testing.assert_allclose(reference.parted, np.exp(times), rtol=1e-4)  # the twin's offset is 1e-9, its rounding 1e-16


def test_predicted_error_of_a_system_that_does_not_forget_grows_linearly() -> None:
    """Ten steps, ten local errors."""
    still = System(name="Still", kind="map", equations={"x": "x"}, initial={"x": 1.0})
    reference = integrate_again(problem(still, initial=[1.0]), np.arange(11.0))
    np.testing.assert_allclose(reference.predicted_error(1e-10), 1e-10 * np.arange(1.0, 12.0), rtol=1e-6)


def test_map_is_iterated_from_its_own_time() -> None:
    """x' = x + t adds up the iterates."""
    adding = System(name="Adding", kind="map", equations={"x": "x + t"}, initial={"x": 0.0})
    reference = integrate_again(problem(adding, initial=[0.0]), np.array([0.0, 2.0, 5.0]))
    assert reference.states[:, 0].tolist() == [0.0, 1.0, 10.0]


def test_comparison_ends_where_the_twin_has_forgotten() -> None:
    """From 1e-9 to 1e-2 takes ln(1e7) = 16.1 time units of x' = x."""
    growth = System(name="Growth", equations={"x": "x"}, initial={"x": 1.0})
    reference = integrate_again(problem(growth, initial=[1.0]), np.arange(30.0))
    assert len(reference.states) == 17


def test_solver_that_steps_over_corners_doubts_itself() -> None:
    """The doubt covers the error at a sharp corner, x' = 1 + 10 |x - 0.3|, whose solution is known; a smooth system has none."""
    corner = System(name="Corner", equations={"x": "1 + 10*abs(x - 0.3)"}, initial={"x": 0.0})
    times = np.linspace(0.0, 0.3, 31)
    reference = integrate_again(problem(corner, initial=[0.0]), times)
    before = np.log(4.0) / 10.0  # the distance to the corner, 0.3 - x, falls by (1 + 10 * distance); it is reached at ln(4) / 10
    exact = np.where(times < before, 0.4 - 0.4 * np.exp(-10 * times), 0.2 + 0.1 * np.exp(10 * (times - before)))
    assert (np.abs(reference.states[:, 0] - exact) <= 1e-12 + 100.0 * reference.predicted_error(1e-14)).all()
    smooth = System(name="Smooth", equations={"x": "1 - x"}, initial={"x": 0.0})
    assert not integrate_again(problem(smooth, initial=[0.0]), times).doubt.any()


def test_tangent_of_a_linear_flow_grows_with_its_largest_eigenvalue() -> None:
    """0.5 and -1000: a stiff system."""
    linear = System(name="Linear", equations={"x": "0.5*x", "y": "-1000*(y - x)"}, initial={"x": 1.0, "y": 1.0})
    logarithms = tangent_logarithms(problem(linear, initial=[1.0, 1.0]), np.linspace(0.0, 4.0, 9))
    np.testing.assert_allclose(np.diff(logarithms)[1:], 0.25, rtol=1e-5)
