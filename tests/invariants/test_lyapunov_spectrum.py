from __future__ import annotations

import numpy as np
import pytest

from attractory import System
from attractory.errors import IntegrationError, RequestError
from attractory.invariants import lyapunov_spectrum, mean_divergence
from attractory.invariants.lyapunov_spectrum import Effort

QUICK = Effort(trajectories=64)


def test_linear_flow_has_the_real_parts_of_its_eigenvalues_as_exponents() -> None:
    """A spiral with rate -0.1 in a plane and a decay with rate -2, coupled so that no axis is an invariant direction."""
    spiral = System(
        name="Spiral",
        equations={"x": "-0.1*x - 3*y + z", "y": "3*x - 0.1*y", "z": "-2*z"},
        initial={"x": 1.0, "y": 1.0, "z": 1.0},
        timescale={"period": 2.0, "definition": "2 pi / 3, rounded"},
    )
    estimate = lyapunov_spectrum(spiral, standard_error=1e-4, effort=Effort(trajectories=8, transient=1.0, budget=400.0))
    np.testing.assert_allclose(estimate.value, [-0.1, -0.1, -2.0], atol=1e-3)  # the spiral's ellipse wobbles by 1 / duration


def test_logistic_map_at_four_has_the_logarithm_of_two(logistic: System) -> None:
    """Conjugate to the tent map, whose slope is 2 everywhere."""
    estimate = lyapunov_spectrum(logistic, standard_error=1e-3, effort=QUICK)
    assert estimate.settings["reached"]
    assert abs(estimate.value[0] - np.log(2.0)) < 5.0 * estimate.standard_error[0]


def test_lorenz_has_the_published_exponents_within_the_stated_error(lorenz: System) -> None:
    """0.9056, 0 and -14.5723: Sprott, Chaos and Time-Series Analysis (2003), p. 431."""
    estimate = lyapunov_spectrum(lorenz, standard_error=5e-3, effort=QUICK)
    assert estimate.settings["reached"]
    assert (np.abs(estimate.value - [0.9056, 0.0, -14.5723]) < 5.0 * estimate.standard_error).all()


def test_henon_has_the_published_exponents_within_the_stated_error(henon: System) -> None:
    """0.41922 and ln(0.3) - 0.41922: Sprott, Chaos and Time-Series Analysis (2003), p. 421."""
    estimate = lyapunov_spectrum(henon, standard_error=3e-3, effort=QUICK)
    assert (np.abs(estimate.value - [0.41922, np.log(0.3) - 0.41922]) < 5.0 * estimate.standard_error).all()


def test_exponents_add_up_to_the_mean_divergence(lorenz: System, henon: System) -> None:
    """Both systems contract volumes at a constant rate, which QR must reproduce to the integration's error."""
    for system, rate in ((lorenz, -(10 + 1 + 8 / 3)), (henon, np.log(0.3))):
        spectrum = lyapunov_spectrum(system, standard_error=1e-2, effort=QUICK)
        assert spectrum.value.sum() == pytest.approx(rate, rel=1e-7)
        assert mean_divergence(system, trajectories=8, samples=64).value == pytest.approx(rate, rel=1e-9)


def test_leading_exponents_alone_are_those_of_the_whole_spectrum(lorenz: System) -> None:
    """`exponents=k` carries k tangent vectors; the k first numbers mean the same."""
    whole = lyapunov_spectrum(lorenz, standard_error=1e-2, effort=QUICK)
    leading = lyapunov_spectrum(lorenz, standard_error=1e-2, exponents=1, effort=QUICK)
    assert leading.value.shape == (1,)
    assert abs(leading.value[0] - whole.value[0]) < 5.0 * np.hypot(leading.standard_error[0], whole.standard_error[0])


def test_conservative_oscillator_has_exponents_of_zero(lorenz: System) -> None:
    """A torus has no exponent; what is measured is of the order of its error."""
    pendulum = System(name="Pendulum", equations={"q": "p", "p": "-sin(q)"}, initial={"q": 1.0, "p": 0.0})
    estimate = lyapunov_spectrum(pendulum, standard_error=5e-3, effort=Effort(trajectories=16, budget=2000.0))
    assert (np.abs(estimate.value) < 0.01).all()


def test_same_seed_gives_the_same_estimate_and_another_seed_another(henon: System) -> None:
    """Equality leaves out the wall time."""
    first, again, other = (lyapunov_spectrum(henon, seed=seed, standard_error=2e-2, effort=QUICK) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_budget_that_is_too_small_is_said_in_the_settings(lorenz: System) -> None:
    """No error below 1e-9 is reached in a short run, and the estimate says so."""
    estimate = lyapunov_spectrum(lorenz, standard_error=1e-9, effort=Effort(trajectories=8, budget=10.0))
    assert estimate.settings["reached"] is False
    assert (estimate.standard_error > 1e-9).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"exponents": 4}, "exponents=4: Lorenz has 3 variables, so from 1 to 3"),
        ({"standard_error": 0.0}, "standard_error=0.0: expected a number above 0"),
        ({"effort": Effort(trajectories=1)}, "trajectories=1: at least 2"),
    ],
)
def test_argument_out_of_range_is_refused(lorenz: System, arguments: dict[str, object], message: str) -> None:
    """Before anything is integrated."""
    with pytest.raises(RequestError, match=message):
        lyapunov_spectrum(lorenz, **arguments)  # type: ignore[arg-type]


def test_system_that_leaves_every_bound_has_no_exponents() -> None:
    """The transient of x' = x^2 ends in infinity for every trajectory."""
    explosion = System(name="Explosion", equations={"x": "x**2"}, initial={"x": 1.0})
    with pytest.raises(IntegrationError, match="Explosion: none of 8 trajectories survived"):
        lyapunov_spectrum(explosion, effort=Effort(trajectories=8))


def test_tangent_vectors_in_lanes_of_their_own_give_the_same_exponents() -> None:
    """A ring of 14 variables is too large to be followed together; its leading exponents agree with those of a spectrum cut to two."""
    ring = System(
        name="Ring", parameters={"N": 14, "F": 8.0}, indices={"i": "N"},
        equations={"x[i]": "(x[i+1] - x[i-2])*x[i-1] - x[i] + F"}, initial={"x[i]": "8 + 0.01*sin(i)"},
        timescale={"period": 1.4, "definition": "rounded"},
    )  # fmt: skip
    apart = lyapunov_spectrum(ring, standard_error=0.05, exponents=14, effort=Effort(trajectories=12, budget=60.0))
    together = lyapunov_spectrum(ring, standard_error=0.05, exponents=2, effort=Effort(trajectories=12, budget=60.0))
    errors = 4 * np.hypot(apart.standard_error[:2], together.standard_error)
    np.testing.assert_array_less(np.abs(apart.value[:2] - together.value), errors)
    assert abs(apart.value.sum() + 14) < 1e-6 + 4 * apart.standard_error.max()  # the divergence is -1 a variable
