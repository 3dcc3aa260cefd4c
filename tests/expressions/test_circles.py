"""Coordinates on a circle as numbers: exact widths, states in their ranges, rounding, differences the short way around."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest

from attractory.errors import CatalogError, RequestError
from attractory.expressions.circles import Circle, as_stored, difference, keep_in_range, within
from attractory.expressions.system import System

FULL = Circle(0, 0.0, 2 * np.pi, (2 * np.pi, 2.4492935982947064e-16))
RANGES: dict[str, tuple[list[Any], Any]] = {
    "a turn": ([0, "2*pi"], lambda: 2 * mpmath.pi),
    "about zero": (["-pi", "pi"], lambda: 2 * mpmath.pi),
    "of parameters": (["a/3", "a/3 + pi/b"], lambda: mpmath.pi / 4),
    "a function": ([0, "sqrt(b)"], lambda: mpmath.mpf(2)),
    "numbers": ([-1, 1.5], lambda: mpmath.mpf(2.5)),
}


@pytest.mark.parametrize("name", list(RANGES))
def test_widths_are_known_to_twice_a_doubles_digits(name: str) -> None:
    """2*pi stands for 2 pi, not for the double nearest to it."""
    ends, exact = RANGES[name]
    system = System(name="Clock", equations={"q": "1"}, parameters={"a": 1.0, "b": 4.0}, initial={"q": 0.5}, wrap={"q": ends})
    (found,) = system.definition.wrap
    with mpmath.workdps(40):
        assert abs(mpmath.mpf(found.width[0]) + mpmath.mpf(found.width[1]) - exact()) < mpmath.mpf(2) ** -104
    assert system.ranges == {"q": (found.low, found.high)}


def test_an_indexed_key_is_a_circle_for_each_component() -> None:
    """Three phases."""
    entry = {"indices": {"i": 3}, "equations": {"q[i]": "1", "p": "0"}, "initial": {"q[i]": 0, "p": 1}, "wrap": {"q": [0, 1]}}
    assert [one.variable for one in System(name="Ring", **entry).definition.wrap] == [0, 1, 2]


def test_an_empty_range_is_refused() -> None:
    """With the numbers that were found."""
    with pytest.raises(CatalogError, match=r"wrap\.q is the range from 1\.0 to 1\.0, expected \[low, high\]"):
        System(name="Clock", equations={"q": "1"}, initial={"q": 0.5}, wrap={"q": [1, 1]})


def test_states_are_turned_into_their_ranges_to_the_last_digit() -> None:
    """Random angles of many sizes against rational arithmetic; those in the range and NaN stay, to the bit."""
    numbers = np.random.Generator(np.random.Philox(1)).uniform(-1, 1, 300) * 10.0 ** np.arange(300)[::-1].clip(0, 7)
    numbers = np.concatenate([numbers, [np.nan, np.inf, 0.0, np.nextafter(2 * np.pi, 0), 2 * np.pi, -1e-300, 1e7]])
    found = within(numbers[:, None], (FULL,))[:, 0]
    width = Fraction(FULL.width[0]) + Fraction(FULL.width[1])
    inside = (numbers >= 0) & (numbers < 2 * np.pi)
    np.testing.assert_array_equal(found[inside], numbers[inside])
    for number, turned in zip(numbers[np.isfinite(numbers)], found[np.isfinite(numbers)], strict=True):
        assert 0 <= turned < 2 * np.pi
        off = (Fraction(float(number)) - Fraction(float(turned))) / width
        assert abs(float(off - round(off))) * 2 * np.pi < 2e-15
    assert np.isnan(found[~np.isfinite(numbers)]).sum() == 1


@pytest.mark.parametrize(("low", "high"), [(0.0, 2 * np.pi), (-np.pi, np.pi), (0.1, 0.7)])
def test_rounding_to_single_precision_stays_in_the_range(low: float, high: float) -> None:
    """Doubles around both ends; as keep_in_range makes of numbers that NumPy has rounded."""
    one = Circle(0, low, high, (high - low, 0.0))
    width = high - low
    steps = np.linspace(0, 1e-6, 2001)[:, None] * width
    states = np.concatenate([low + steps, np.nextafter(high, 0) - steps])
    states = states[(states[:, 0] >= low) & (states[:, 0] < high)]
    found = as_stored(states, (one,), "float32")
    assert low <= float(found.min())
    assert float(found.max()) < high
    rounded = states.astype(np.float32)
    keep_in_range(rounded, (one,))
    np.testing.assert_array_equal(found, rounded)
    assert np.abs(difference(found.astype(float), states, (one,))).max() < 4e-7 * max(1, abs(high))


def test_a_range_without_a_single_precision_number_is_refused() -> None:
    """[1 + 1e-9, 1 + 2e-9)."""
    with pytest.raises(RequestError, match=r"holds no float32 number\. Choose dtype float64"):
        Circle(0, 1 + 1e-9, 1 + 2e-9, (1e-9, 0.0)).stored("float32")


def test_differences_go_the_short_way_around() -> None:
    """Across the end of the range, and after a million turns."""
    a, b = np.array([[0.1], [2e6 * np.pi + 0.5]]), np.array([[2 * np.pi - 0.1], [0.25]])
    found = difference(a, b, (FULL,))[:, 0]
    with mpmath.workdps(40):
        late = float(mpmath.mpf(a[1, 0]) - mpmath.mpf(0.25) - 2_000_000 * mpmath.pi)
    np.testing.assert_allclose(found, [0.2, late], rtol=0, atol=1e-15)
