from __future__ import annotations

import numpy as np
import pytest

from attractory.errors import RequestError
from attractory.invariants import Estimate, kaplan_yorke_dimension
from attractory.invariants.estimate import combined_standard_error


def spectrum(values: list[float], errors: list[float], **settings: int) -> Estimate:
    return Estimate(np.array(values), np.array(errors), "given", settings, 0.0)


def test_standard_error_of_independent_numbers_is_their_deviation_over_the_root_of_their_number() -> None:
    """64 trajectories of 16 blocks with unit variance: 1 / sqrt(1024)."""
    draws = np.random.default_rng(0).standard_normal((64, 16, 1))
    assert combined_standard_error(draws)[0] == pytest.approx(1 / 32, rel=0.3)  # the deviation of 16 block means is known to a fifth


def test_standard_error_sees_what_differs_between_trajectories_and_what_drifts_in_time() -> None:
    """Each of the two estimates alone is blind to one of them."""
    by_trajectory = np.repeat(np.arange(8.0)[:, None, None], 8, axis=1)
    by_time = np.swapaxes(by_trajectory, 0, 1)
    expected = np.arange(8.0).std(ddof=1) / np.sqrt(8.0)
    assert combined_standard_error(by_trajectory)[0] == pytest.approx(expected)
    assert combined_standard_error(by_time)[0] == pytest.approx(expected)


def test_one_number_alone_has_no_error() -> None:
    """Infinite is the only honest answer."""
    assert combined_standard_error(np.ones((1, 1, 2))).tolist() == [np.inf, np.inf]


def test_kaplan_yorke_dimension_of_lorenz() -> None:
    """2 + 0.9056 / 14.5723, with the error of the numerator over the denominator."""
    estimate = kaplan_yorke_dimension(spectrum([0.9056, 0.0, -14.5723], [3e-4, 0.0, 0.0]))
    assert estimate.value == pytest.approx(2.06215, abs=1e-5)
    assert estimate.standard_error == pytest.approx(3e-4 / 14.5723)


@pytest.mark.parametrize(
    ("exponents", "dimension"),
    [([-1.0, -2.0], 0.0), ([-1e-5, -2.0], 1.0), ([1e-5, -1e-5], 2.0), ([0.3, 0.0, 0.0, -0.3], 4.0)],
    ids=["fixed point", "limit cycle", "torus", "conservative chaos"],
)
def test_kaplan_yorke_dimension_of_other_kinds_of_motion(exponents: list[float], dimension: float) -> None:
    """A zero exponent, measured within its error, counts as zero."""
    errors = [1e-4] * len(exponents)
    assert kaplan_yorke_dimension(spectrum(exponents, errors)).value == pytest.approx(dimension, abs=1e-3)


def test_kaplan_yorke_dimension_needs_enough_exponents() -> None:
    """The sum of the leading ones is positive: the dimension lies beyond them."""
    with pytest.raises(RequestError, match="ask for more exponents than 2"):
        kaplan_yorke_dimension(spectrum([1.0, 0.5], [1e-3, 1e-3], exponents=2, dimension=4))


def test_estimate_prints_values_with_their_errors() -> None:
    """What a person sees at the prompt."""
    assert str(spectrum([0.9056, 0.0], [3e-4, 1e-5])) == "0.9056 ± 0.0003, 0 ± 1e-05"


def test_an_estimate_of_any_shape_reads_as_a_line() -> None:
    """Number by number, in the order of memory."""
    table = Estimate(np.array([[1.0, 2.0], [3.0, 4.0]]), np.full((2, 2), 0.5), "given", {}, 0.0)
    assert str(table) == "1 ± 0.5, 2 ± 0.5, 3 ± 0.5, 4 ± 0.5"
