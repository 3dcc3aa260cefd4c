"""What `attractory show` and `systems` say of a system."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest

import attractory
from attractory.catalog import read_catalog
from attractory.expressions.system import System
from attractory.stages.picture import braille, picture, plane_of
from attractory.stages.show import columns, line, page, with_error


@pytest.mark.parametrize(
    ("value", "error", "shown"),
    [
        (0.9047, 0.0011, "0.9047(11)"),
        (-2.0e-05, 0.00054, "-0.00002(54)"),
        (27.059, 0.018, "27.059(18)"),
        (12.34, 2.51, "12.3(25)"),
        (1234.5, 15.0, "1234(15)"),
        (0.99, 0.0996, "0.99(10)"),
        (1.5e-7, 2.0e-9, "1.500(20)e-7"),
        (-13.6666666667, 4.5e-16, "-13.6666666667 ± 4.5e-16"),
        (4.0, 0.0, "4"),
        (0.25, None, "0.25"),
    ],
)
def test_a_number_has_its_error_in_brackets(value, error, shown):
    """Two digits of the error, below the last two of the value."""
    assert with_error(value, error) == shown


@pytest.mark.parametrize("name", [*read_catalog()])
def test_the_page_of_a_system_fits_a_hundred_columns(name):
    """Every entry, but for words that are longer: a DOI, an equation without a space."""
    for text in page(attractory.system(name)):
        assert sum(not unicodedata.combining(character) for character in text) <= 100 or len(text.split()) <= 4, text


def test_the_page_says_what_the_entry_says():
    """Equations, parameters with their ranges, invariants with their errors, sources, variants."""
    text = "\n".join(page(attractory.system("Lorenz")))
    for part in (
        "ẋ = σ (y − x)",
        "ρ  rho = 28   (chaotic from 24.74 to 30)",
        "0.9063(20)",
        "Sprott, J. C. (2003)",
        "periodic_window: rho = 99.65",
    ):
        assert part in text


def test_the_page_of_an_alias_is_that_of_the_entry():
    """Its own name stands first, then the names that found it."""
    text = "\n".join(page(attractory.system("SINE_circle")))
    assert text.startswith("Circle  (map")
    assert "Also called sine_circle." in text


def test_the_page_of_a_variant_says_which_it_is():
    """Its values, and nothing that was computed for the entry."""
    text = "\n".join(page(attractory.system("Lorenz", variant="dysts"), variant="dysts"))
    assert text.startswith("Lorenz, variant dysts")
    assert "beta = 2.667" in text
    assert "0.9063" not in text


def test_the_meaning_of_variables_has_its_unit():
    """What an entry says of its variables is on the page."""
    known = {"x": {"meaning": "prey", "unit": "1/m2"}, "y": {"meaning": "predators"}}
    system = System(name="Mine", equations={"x": "y", "y": "-x"}, initial={"x": 1.0, "y": 0.0}, variables=known)
    text = "\n".join(page(system))
    assert "x  prey [1/m2]" in text
    assert "y  predators" in text


def test_a_kind_that_is_not_integrated_yet_is_shown_as_written():
    """Its equations have no meaning here yet."""
    system = System(name="Noise", kind="stochastic", equations={"x": "-x"}, initial={"x": 1.0}, parameters={"sigma": 0.1})
    assert "  x: -x" in page(system)


def test_a_line_has_the_leading_exponent_with_its_error():
    """For programs; a system without one has null."""
    found = line(attractory.system("Lorenz"))
    assert found["lyapunov_exponent"] == {"value": 0.9063, "standard_error": 0.002}
    mine = System(name="Mine", equations={"x": "-x"}, initial={"x": 1.0})
    assert line(mine)["lyapunov_exponent"] is None
    assert columns(attractory.system("Lorenz"))[5] == "0.9063(20)"


def test_braille_puts_each_point_where_it_is():
    """Two dots across and four down in each character; the corners of a square are the corner dots."""
    corners = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    assert braille(corners, columns=2, rows=2) == ["⠁⠈", "⡀⢀"]
    assert braille(np.array([[0.0, 5.0], [1.0, 5.0]]), columns=1, rows=1) == ["⣀"]


def test_a_picture_shows_the_two_variables_least_alike():
    """Of Lorenz x and z, not x and y, which go together; of one variable, before and after."""
    states = attractory.integrate("Lorenz", periods=40, samples_per_period=25)["state"].values[0]
    plane = plane_of(attractory.system("Lorenz"), states)
    assert (plane.across, plane.up) == ("x", "z")
    single = plane_of(attractory.system("Logistic"), np.array([[1.0], [2.0], [4.0]]))
    assert single.points.tolist() == [[1.0, 2.0], [2.0, 4.0]]


@pytest.mark.parametrize("name", ["Henon", "Logistic", "Lorenz", "MackeyGlass"])
def test_a_picture_has_dots_and_says_what_its_axes_are(name):
    """Maps, flows and delay systems."""
    *rows, caption = picture(attractory.system(name))
    assert len(rows) == 20
    assert {len(row) for row in rows} == {60}
    assert any(character != "\u2800" for row in rows for character in row)
    assert "across" in caption


def test_without_a_trajectory_the_picture_says_why():
    """A system that cannot be integrated, and one that leaves for infinity at once."""
    noise = System(name="Noise", kind="stochastic", equations={"x": "-x"}, initial={"x": 1.0})
    assert picture(noise)[0].startswith("no picture: ")
    growing = System(name="Growing", kind="map", equations={"x": "x**2 + 10", "y": "x"}, initial={"x": 10.0, "y": 0.0})
    assert picture(growing)[0].startswith("no picture: ")


def test_without_the_integrators_the_picture_says_what_to_install(monkeypatch):
    """The rest of the page is there all the same."""
    import sys

    monkeypatch.delitem(sys.modules, "attractory.integrate", raising=False)
    monkeypatch.delattr(attractory, "integrate", raising=False)
    monkeypatch.setitem(sys.modules, "numba", None)
    for name in [name for name in sys.modules if name.startswith("attractory.integrate")]:
        monkeypatch.delitem(sys.modules, name)
    assert "needs the package 'numba'" in picture(attractory.system("Henon"))[0]
