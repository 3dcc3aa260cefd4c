"""Curves whose range and rate are known."""

from __future__ import annotations

import numpy as np
import pytest

from attractory.invariants.exponential_range import exponential_range
from attractory.invariants.neighbour_curves import NeighbourCurves


def curves(log_distance: np.ndarray, far: np.ndarray, *, turn: int = 4) -> NeighbourCurves:
    """Without scatter between blocks, and far apart where the distance is above a quarter."""
    return NeighbourCurves(log_distance, np.tile(log_distance, (32, 1)), far, (log_distance > np.log(0.25)).astype(float), 4096, turn)


def test_a_straight_rise_has_its_slope_up_to_where_the_curves_meet() -> None:
    """0.2 a sample from exp(-8) and from exp(-6) up to 1: the second ends after 30 samples, and the range with it, a tenth later."""
    times = np.arange(80.0)
    found = exponential_range(curves(np.minimum(0.2 * times - 8.0, 0.0), np.minimum(0.2 * times - 6.0, 0.0)))
    assert found.rate == pytest.approx(0.2, rel=1e-9)
    assert 28 <= found.last <= 31
    assert found.rise == pytest.approx(6.2, abs=0.21)
    assert found.is_clear
    assert 0.05 / 31 <= found.standard_error < 0.01  # what may change for any reason, and the scatter that is taken before it is seen


def test_a_quick_beginning_is_left_out() -> None:
    """Slope 0.6 for eight samples, then 0.2: the error of a range with both is larger."""
    times = np.arange(60.0)
    rise = np.minimum(0.6 * times, 3.2 + 0.2 * times)
    found = exponential_range(curves(rise - 15.0, rise - 14.0))
    assert found.rate == pytest.approx(0.2, rel=0.02)
    assert found.first >= 6


def test_a_rise_that_bends_has_the_error_of_its_drift() -> None:
    """The root of the time, as of diffusion, is no exponential: five errors are not reached."""
    logs = 0.5 * np.log(1.0 + np.arange(60.0)) - 8.0
    assert not exponential_range(curves(logs, logs + 1.0)).is_clear


def test_curves_that_meet_at_once_have_no_range() -> None:
    """The slope of the first sample is told with an infinite error."""
    logs = np.array([-3.0, -0.5, -0.5, -0.5, -0.5, -0.5])
    found = exponential_range(curves(logs, np.array([-2.0, -0.5, -0.5, -0.5, -0.5, -0.5]), turn=1))
    assert found.rate == 2.5
    assert np.isinf(found.standard_error)
    assert not found.is_clear


def test_a_level_curve_has_a_rate_of_zero_and_is_not_clear() -> None:
    """With an error that falls as its length grows."""
    level = np.full(101, -8.0)
    found = exponential_range(curves(level, level + 2.0))
    assert found.rate == 0.0
    assert found.standard_error == pytest.approx(0.05 / 100)
    assert not found.is_clear
