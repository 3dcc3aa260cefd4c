"""Kaplan-Yorke dimension and Kolmogorov-Sinai entropy, and their errors by bootstrap."""

from __future__ import annotations

import numpy as np
import pytest

from attractory import System
from attractory.errors import RequestError
from attractory.invariants import Estimate, kaplan_yorke_dimension, ks_entropy, lyapunov_spectrum
from attractory.invariants.bootstrap import bootstrap_error
from attractory.invariants.lyapunov_spectrum import Effort

CAT = System(
    name="Cat", kind="map", equations={"x": "x + y", "y": "x + 2*y"}, wrap={"x": [0, 1], "y": [0, 1]}, initial={"x": 0.1, "y": 0.2}
)


def drawn(values: list[float], deviations: list[float], **settings: int) -> Estimate:
    """A spectrum of 64 trajectories and 16 independent blocks with these means and standard errors."""
    noise = np.random.default_rng(0).standard_normal((64, 16, len(values))) * np.sqrt(64 * 16)
    noise -= noise.mean(axis=(0, 1))
    growth = np.array(values) + noise * np.array(deviations)
    return Estimate(np.array(values), np.array(deviations), "given", settings, 0.0, {"growth": growth})


def test_bootstrap_of_a_mean_is_its_standard_error() -> None:
    """1/32 of 1,024 independent numbers; 16 blocks in runs of four tell it to a third, 500 draws to 3 %."""
    growth = np.random.default_rng(1).standard_normal((64, 16, 1))
    assert bootstrap_error(growth, lambda means: means[:, 0], seed=0) == pytest.approx(1 / 32, rel=0.4)
    assert bootstrap_error(np.ones((1, 1, 1)), lambda means: means[:, 0], seed=0) == np.inf


def test_error_of_the_dimension_is_that_of_independent_exponents() -> None:
    """For small errors the bootstrap is the first-order formula; 64 trajectories tell the scatter to a tenth."""
    values, errors = [0.9, 0.0, -14.57], [2e-2, 1e-3, 3e-2]
    bootstrapped = kaplan_yorke_dimension(drawn(values, errors))
    plain = kaplan_yorke_dimension(Estimate(np.array(values), np.array(errors), "given", {}, 0.0))
    assert bootstrapped.value == plain.value
    assert bootstrapped.standard_error == pytest.approx(plain.standard_error, rel=0.4)


@pytest.mark.parametrize(
    ("exponents", "dimension"),
    [([-1.0, -2.0], 0.0), ([-1e-5, -2.0], 1.0), ([1e-5, -1e-5, -1.0], 2.0)],
    ids=["fixed point", "limit cycle", "torus"],
)
def test_zero_exponents_drawn_as_negative_leave_the_dimension_what_it_is(exponents: list[float], dimension: float) -> None:
    """A cycle of which half the draws are fixed points has no error of a half."""
    found = kaplan_yorke_dimension(drawn(exponents, [1e-4] * len(exponents)))
    assert found.value == pytest.approx(dimension, abs=1e-4)
    assert found.standard_error < 1e-3


def test_henon_has_its_dimension() -> None:
    """1 + 0.41922 / 1.62319, from the exponents of Sprott, Chaos and Time-Series Analysis (2003), p. 421."""
    spectrum = lyapunov_spectrum("Henon", standard_error=1e-3, effort=Effort(trajectories=128))
    found = kaplan_yorke_dimension(spectrum)
    assert found.value == pytest.approx(1.25827, abs=4 * found.standard_error)
    assert 0.0 < found.standard_error < 1e-3


def test_the_cat_map_has_the_logarithm_of_the_golden_mean_squared() -> None:
    """Hyperbolic and linear: its entropy is its one positive exponent, and no draw has another."""
    found = ks_entropy(lyapunov_spectrum(CAT, standard_error=1e-3, effort=Effort(trajectories=8)))
    assert found.value == pytest.approx(2 * np.log((1 + np.sqrt(5)) / 2), abs=1e-6)  # 1e-9 of the tangent vectors, in each of some iterates
    assert found.standard_error < 1e-6
    assert found.settings["positive_exponents"] == 1


def test_entropy_is_the_sum_of_what_lies_above_zero() -> None:
    """Two positive exponents; one within its error of zero is none."""
    found = ks_entropy(drawn([0.5, 0.2, 1e-3, -2.0], [3e-2, 4e-2, 1e-3, 1e-2]))
    assert found.value == pytest.approx(0.7)
    assert found.standard_error == pytest.approx(5e-2, rel=0.4)


def test_motion_without_chaos_has_no_entropy() -> None:
    """A cycle's leading exponent could be what its error is; a fixed point's could not."""
    cycle, rest = ks_entropy(drawn([0.0, -1.0], [1e-3, 1e-3])), ks_entropy(drawn([-0.5, -1.0], [1e-3, 1e-3]))
    assert (cycle.value, cycle.standard_error) == (0.0, 1e-3)
    assert (rest.value, rest.standard_error) == (0.0, 0.0)


def test_entropy_needs_the_first_exponent_that_is_not_positive() -> None:
    """More may be positive."""
    with pytest.raises(RequestError, match="ask for more exponents than 2"):
        ks_entropy(drawn([1.0, 0.5], [1e-3, 1e-3], exponents=2, dimension=4))


def test_one_positive_exponent_of_a_delay_system_is_not_all_of_them() -> None:
    """Its dimension is infinite, whatever the number of its variables."""
    one = Estimate(np.array([0.1]), np.array([1e-3]), "given", {"exponents": 1, "dimension": "infinite"}, 0.0)
    for invariant in (kaplan_yorke_dimension, ks_entropy):
        with pytest.raises(RequestError, match="ask for more exponents than 1"):
            invariant(one)
    four = Estimate(np.array([0.1, 0.0, -0.1, -0.4]), np.full(4, 1e-3), "given", {"exponents": 4, "dimension": "infinite"}, 0.0)
    assert kaplan_yorke_dimension(four).value == pytest.approx(3.0, abs=1e-9)
