"""Ink where the trajectory is, and nowhere else."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from attractory.stages.gallery.raster import INKS, picture, projected
from attractory.stages.gallery.trajectory import Drawing


@pytest.fixture
def square() -> Drawing:
    """The four sides of a square, a hundred samples each."""
    side, end = np.linspace(-1, 1, 100), np.ones(100)
    across, up = np.concatenate([side, end, -side, -end]), np.concatenate([-end, side, end, -side])
    return Drawing(np.column_stack([across, up]), ("x", "y"), (0.0, 0.0), (1.0, 1.0), (False, False), (0, 1), True, 80)


def pixels(drawn: Drawing, width: int = 80, height: int = 60) -> np.ndarray:
    """How opaque each pixel is."""
    return np.asarray(Image.open(io.BytesIO(picture(drawn, INKS["flow"], width=width, height=height))).convert("RGBA"))[..., 3]


def test_a_square_is_drawn_as_large_as_it_fits(square):
    """Three pixels from the edge of a picture sixty high, as wide as high, and empty inside and outside."""
    ink = pixels(square)
    rows, columns = np.flatnonzero(ink.max(axis=1)), np.flatnonzero(ink.max(axis=0))
    assert (rows[0], rows[-1]) == (2, 57)
    assert (columns[0], columns[-1]) == (12, 67)
    assert not ink[6:54, 16:64].any()
    assert ink[30, 12:15].max() > 60


def test_ink_grows_with_the_passages(square):
    """Ten rounds are darker than one, and no darker than full."""
    once, often = pixels(square), pixels(replace(square, values=np.tile(square.values, (10, 1))))
    assert once.max() < often.max() <= 255


def test_no_line_leads_around_a_circle(square):
    """From one end of a circle to the other there is nothing to draw."""
    saw = np.column_stack([np.linspace(-1, 1, 200), np.tile(np.linspace(-1, 1, 50, endpoint=False), 4)])
    drawn = replace(square, values=saw, circles=(False, True))
    plain = replace(drawn, circles=(False, False))
    assert np.count_nonzero(pixels(drawn)) < 0.8 * np.count_nonzero(pixels(plain))


def test_a_few_points_are_spots(square):
    """Of a map's cycle of two there are two spots with nothing between them."""
    ink = pixels(replace(square, values=np.array([[-1.0, -1.0], [1.0, 1.0]] * 100), joined=False))
    rows, columns = np.nonzero(ink)
    assert len(rows) <= 32
    assert set(columns) <= {*range(10, 16), *range(65, 71)}
    assert ink.max() > 100


def test_many_points_are_points(square):
    """Each in its own place, and each seen."""
    values = np.column_stack([np.tile(np.linspace(-1, 1, 25), 25), np.repeat(np.linspace(-1, 1, 25), 25)])
    ink = pixels(replace(square, values=values, joined=False), width=320, height=240)
    assert 625 <= np.count_nonzero(ink) <= 4 * 625


def test_what_stands_still_is_a_spot_in_the_middle(square):
    """A fixed point has no extent to be scaled."""
    ink = pixels(replace(square, values=np.zeros((50, 2)), joined=False))
    assert set(zip(*np.nonzero(ink), strict=True)) <= {(row, column) for row in range(28, 32) for column in range(38, 42)}
    assert ink.any()


def test_three_coordinates_are_seen_from_the_side_and_from_above(square):
    """What is up stays up, and the angles are 35 and 20 degrees."""
    yaw, pitch = np.deg2rad(35), np.deg2rad(20)
    axes = replace(square, values=np.eye(3), names=("x", "y", "z"), axes=(0, 1, 2), circles=(False,) * 3)
    expected = [[np.cos(yaw), -np.sin(yaw) * np.sin(pitch)], [np.sin(yaw), np.cos(yaw) * np.sin(pitch)], [0, np.cos(pitch)]]
    np.testing.assert_allclose(projected(axes), expected, atol=1e-15)
