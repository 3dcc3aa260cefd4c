"""The rule for slopes at short radii, on curves whose slope is known at every radius."""

from __future__ import annotations

import numpy as np
import pytest

from attractory.errors import RequestError
from attractory.invariants.scaling_region import ScalingCurve, ScalingRegion, scaling_region

BLOCKS = 32
OCTAVES = np.arange(0.0, 16.0, 0.125)


def curve(log_mass: np.ndarray, octaves: np.ndarray = OCTAVES, noise: float = 0.0) -> ScalingCurve:
    """A mass that reaches a tenth at the longest radius; blocks differ by `noise`, more at short radii as the square root of pairs does."""
    log_radius = octaves * np.log(2.0)
    log_mass = log_mass - log_mass[-1] + np.log(0.1)
    drawn = np.random.Generator(np.random.Philox(key=5)).standard_normal((BLOCKS, len(octaves)))
    without = log_mass + noise * drawn * np.exp(-0.5 * (log_mass - log_mass[0])) / np.sqrt(BLOCKS)
    return ScalingCurve(log_radius, log_mass, np.broadcast_to(log_radius, without.shape), without)


def power(dimension: float, **arguments: float) -> ScalingRegion:
    return scaling_region(curve(dimension * OCTAVES * np.log(2.0), **arguments))


@pytest.mark.parametrize("dimension", [0.35, 1.0, 2.06, 3.0])
def test_a_power_has_its_exponent(dimension: float) -> None:
    """To rounding, with an error that is only what could not be seen: below 3 %, less the longer the range is in mass."""
    region = power(dimension)
    assert region.slope == pytest.approx(dimension, rel=1e-9)
    assert region.plain_slope == pytest.approx(dimension, rel=1e-9)
    assert region.resampling_error < 1e-9
    assert 0.0 < region.fit_error < 0.08 * dimension
    assert power(3.0).fit_error / 3.0 < power(1.0).fit_error


def test_a_logarithm_is_followed_to_its_limit() -> None:
    """The mass r (1 + log(1 / r)) of a density with square-root ends, which is a tenth at 2^-5.6: slopes of 0.9 and a limit of 1."""
    log_inverse = (5.6 + OCTAVES[-1] - OCTAVES) * np.log(2.0)
    region = scaling_region(curve(np.log(1.0 + log_inverse) - log_inverse))
    assert region.plain_slope < 0.93
    assert abs(region.slope - 1.0) < 0.5 * abs(region.plain_slope - 1.0)
    assert abs(region.slope - 1.0) < 2.0 * region.standard_error
    assert region.standard_error < 0.05


def test_an_edge_does_not_matter() -> None:
    """The chance that two points of a square are near is r^2 (pi - 8 r / 3 + r^2 / 2): the ends that feel the edge agree least, and weigh
    little."""
    radius = 0.2 * 2.0 ** (OCTAVES - OCTAVES[-1])
    region = scaling_region(curve(np.log(radius**2 * (np.pi - 8 * radius / 3 + radius**2 / 2))))
    assert region.slope == pytest.approx(2.0, abs=0.02)
    assert abs(region.slope - 2.0) < 2.0 * region.standard_error


def test_slopes_that_swing_have_a_larger_error() -> None:
    """A mass that repeats itself at factors of eight, with slopes between 0.7 and 1.3: the error grows, and the value stays within it."""
    swing = 0.3 / (2 * np.pi / 3) * np.log(2.0) * np.sin(2 * np.pi * OCTAVES / 3)
    region = scaling_region(curve(OCTAVES * np.log(2.0) + swing))
    assert region.fit_error > 1.5 * power(1.0).fit_error
    assert abs(region.slope - 1.0) < 2.0 * region.standard_error


def test_a_step_between_two_scalings_is_in_the_error() -> None:
    """Slopes of 1 at short radii and 2 at long ones: no short range alone says that 1 is the limit, but the nearer one is believed."""
    middle = OCTAVES[len(OCTAVES) // 2]
    region = scaling_region(curve((np.minimum(OCTAVES, middle) + 2.0 * np.maximum(OCTAVES - middle, 0.0)) * np.log(2.0)))
    assert region.standard_error > 1.5 * power(1.0).standard_error
    assert abs(region.slope - 1.0) < 2.0 * region.standard_error


def test_noise_of_blocks_is_in_the_error() -> None:
    """The resampling error grows with how much blocks differ, and short radii that are measured badly are left out."""
    quiet, loud = power(1.0, noise=0.01), power(1.0, noise=0.1)
    assert 0.0 < quiet.resampling_error < loud.resampling_error
    assert quiet.standard_error == pytest.approx(np.hypot(quiet.fit_error, quiet.resampling_error))
    assert loud.first > quiet.first


def test_a_curve_without_two_pieces_is_refused() -> None:
    """Two octaves that are too little mass, and much mass within too few octaves."""
    short = np.arange(0.0, 2.2, 0.125)
    for log_mass in (0.5 * short, 20.0 * short[:12]):
        with pytest.raises(RequestError, match="in mass; expected at least 2 octaves and 2 pieces for a slope: give more samples"):
            scaling_region(curve(log_mass * np.log(2.0), short[: len(log_mass)]))
