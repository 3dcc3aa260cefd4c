"""Which coordinates are drawn, and how a page holds them."""

from __future__ import annotations

import base64

import numpy as np
import pytest

import attractory
from attractory.errors import CheckFailedError
from attractory.stages.gallery.trajectory import EARLIER, MOST_COORDINATES, MOST_VALUES, drawing, drawing_of

TURN = np.linspace(0, 40 * np.pi, 3201)  # 20 turns of 160 samples
CIRCLE = np.column_stack([np.cos(TURN), np.sin(TURN)])


def flow(**equations: str) -> attractory.System:
    return attractory.System(name="Mine", kind="flow", equations=equations, initial=dict.fromkeys(equations, 1.0))


def test_three_variables_are_drawn_as_they_are():
    """Each from -1 to 1 between its least and its greatest value."""
    states = np.column_stack([CIRCLE * 5 + 2, TURN])
    drawn = drawing_of(flow(x="-y", y="x", z="1"), states)
    assert (drawn.names, drawn.axes, drawn.joined) == (("x", "y", "z"), (0, 1, 2), True)
    assert (drawn.low[2], drawn.high[2]) == (0.0, TURN[-1])
    np.testing.assert_allclose(drawn.values[:, :2], CIRCLE, atol=1e-4)  # the samples miss an extremum by 1e-4 at most


def test_a_plane_stays_flat_unless_it_is_driven():
    """Two variables of an autonomous flow say all; of a driven one, the past is the third."""
    assert drawing_of(flow(x="y", y="-x"), CIRCLE).axes == (0, 1)
    driven = drawing_of(flow(x="y", y="-x + cos(t)"), CIRCLE)
    assert driven.axes == (0, 1, 2)
    assert driven.names[2] == "x(t − 0.4)"  # a quarter of 80 steps of 0.02, this one having no period
    np.testing.assert_array_equal(driven.values[EARLIER:, 2], driven.values[:-EARLIER, 0])


def test_a_delay_system_of_one_variable_is_drawn_with_its_past():
    """A quarter and half a period earlier."""
    system = attractory.system("MackeyGlass")
    drawn = drawing_of(system, CIRCLE[:, :1])
    assert drawn.names == ("x", "x(t − 7)", "x(t − 14)")
    np.testing.assert_array_equal(drawn.values[2 * EARLIER :, 2], drawn.values[: -2 * EARLIER, 0])


def test_a_map_of_one_variable_is_drawn_as_its_graph():
    """Each value, and the next one."""
    drawn = drawing(attractory.System(name="Mine", kind="map", equations={"x": "4*x*(1 - x)"}, initial={"x": 0.3}))
    assert (drawn.names, drawn.joined) == (("x", "next x"), False)
    x, following = ((column + 1) / 2 * (high - low) + low for column, low, high in zip(drawn.values.T, drawn.low, drawn.high, strict=True))
    np.testing.assert_allclose(following, 4 * x * (1 - x), atol=1e-14)  # some roundings of numbers up to 1


def test_a_coordinate_on_a_circle_keeps_its_whole_range():
    """So that the two ends are seen to be one, and no line is drawn across."""
    system = attractory.System(
        name="Mine", kind="flow", equations={"a": "1", "x": "-x"}, initial={"a": 0.0, "x": 1.0}, wrap={"a": ("0", "2*pi")}
    )
    drawn = drawing_of(system, np.column_stack([TURN % 1.0, np.cos(TURN)]))
    assert (drawn.circles, drawn.low[0]) == ((True, False), 0.0)
    assert drawn.high[0] == pytest.approx(2 * np.pi)


def test_what_stands_still_is_not_shown_first():
    """A constant is in the middle, and behind what moves."""
    drawn = drawing_of(flow(c="0", x="-y", y="x", z="y"), np.column_stack([np.ones(len(TURN)), CIRCLE, CIRCLE[:, 1] ** 3]))
    assert drawn.axes == (1, 2, 3)
    assert not drawn.values[:, 0].any()


def test_a_page_holds_six_coordinates_at_most():
    """Of forty, the first; and so many samples that the page stays small."""
    states = np.tile(CIRCLE, (2, 20))
    drawn = drawing_of(attractory.system("Lorenz96"), states)
    assert drawn.values.shape == (MOST_VALUES // MOST_COORDINATES, MOST_COORDINATES)


def test_a_page_holds_numbers_of_two_bytes():
    """Little end first, coordinate by coordinate: an error of one part in 65,534 of the range at most."""
    drawn = drawing_of(flow(x="y", y="-x"), CIRCLE)
    written = drawn.document()
    values = np.frombuffer(base64.b64decode(written["values"]), "<i2").reshape(2, written["samples"])
    np.testing.assert_allclose(values.T / 32767, drawn.values, atol=1 / 65534 + 1e-12)


def test_what_runs_away_has_no_drawing():
    """It says so."""
    with pytest.raises(CheckFailedError, match="Mine: its trajectory left for infinity"):
        drawing(attractory.System(name="Mine", kind="map", equations={"x": "x**2 + 2"}, initial={"x": 1.0}))
