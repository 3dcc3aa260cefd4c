"""Leading exponents of delay systems against roots of characteristic equations and published values."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import lambertw

import attractory
from attractory.errors import RequestError
from attractory.invariants.lyapunov_spectrum import Effort


def test_a_linear_equation_has_the_real_parts_of_its_characteristic_roots() -> None:
    """x' = -x(t - 1): exp(s t) solves it for s exp(s) = -1, the branches of Lambert's function; they come in pairs."""
    system = attractory.System(name="Linear", kind="delay", equations={"x": "-x(t - 1)"}, history={"x": "1"})
    effort = Effort(trajectories=4, transient=100.0, budget=400.0)
    found = attractory.lyapunov_spectrum(system, exponents=4, effort=effort).value
    wanted = [lambertw(-1.0, branch).real for branch in (0, -1, 1, -2)]
    np.testing.assert_allclose(found, np.sort(wanted)[::-1], atol=5e-3)  # pairs turn about each other: an average over 300 units


@pytest.mark.parametrize(
    ("tau", "value", "error"),
    [(17, [0.0050820, 0.0], [1.6e-5, 2.3e-6]), (30, [0.0071676, 0.0021049], [6.0e-5, 7.6e-5])],
)
def test_mackey_and_glass_have_their_exponents(tau: float, value: list[float], error: list[float]) -> None:
    """Within three standard errors of a run of 3 (1.5) million time units by the method of steps with tangent segments."""
    effort = Effort(trajectories=16, transient=1000.0, budget=12_000.0)
    system = attractory.system("MackeyGlass").with_parameters(tau=tau)
    found = attractory.lyapunov_spectrum(system, exponents=2, standard_error=1e-6, effort=effort)
    assert (np.abs(found.value - value) < 3 * np.hypot(found.standard_error, error)).all()
    assert (found.standard_error < 5e-4).all()


def test_more_exponents_than_are_measured_are_refused() -> None:
    """A delay system has infinitely many."""
    with pytest.raises(RequestError, match="of a delay system, from 1 to 32 of the largest exponents are measured"):
        attractory.lyapunov_spectrum("MackeyGlass", exponents=33)
