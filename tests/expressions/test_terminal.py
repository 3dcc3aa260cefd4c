"""Equations for a terminal: what a person reads, line by line."""

from __future__ import annotations

import unicodedata

import pytest

import attractory
from attractory.catalog import read_catalog
from attractory.expressions.export.equations import equations
from attractory.expressions.export.terminal import terminal_lines
from attractory.expressions.system import System


def lines(name: str) -> list[str]:
    return terminal_lines(equations(attractory.system(name).record))


def typeset(**written: str) -> list[str]:
    """The lines of a flow whose parameters a, b, k_on and sigma2 are one."""
    parameters = dict.fromkeys(("a", "b", "k_on", "sigma2"), 1.0)
    system = System(name="Mine", parameters=parameters, equations=written, initial=dict.fromkeys(written, 1.0))
    return terminal_lines(equations(system.record))


def test_a_flow_has_dots_and_greek_letters():
    """Lorenz as in a book."""
    assert lines("Lorenz") == ["ẋ = σ (y − x)", "ẏ = x (ρ − z) − y", "ż = x y − β z"]


def test_a_map_has_primes_and_its_ranges():
    """The next state, taken modulo."""
    assert lines("Henon") == ["x′ = 1 − a x² + y", "y′ = b x"]
    assert lines("SinaiMap")[0].endswith("(mod [0, 1))")


def test_a_ring_has_subscripts_and_says_so():
    """Indices below the line, and where they begin and end."""
    assert lines("Lorenz96") == ["ẋᵢ = (xᵢ₊₁ − xᵢ₋₂) xᵢ₋₁ − xᵢ + F   for i = 0 … 39, cyclic"]


def test_a_past_is_written_as_a_function_of_time():
    """x(t − τ), and a power that is a parameter."""
    assert lines("MackeyGlass") == ["ẋ = β x(t − τ)/(1 + x(t − τ)^n) − γ x"]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("-(a*x)**-2/b*x", "(−(a x)⁻²/b) x"),
        ("x/(a*b) - x/a/b", "x/(a b) − (x/a)/b"),
        ("x*(-a) - (b - x)", "x (−a) − (b − x)"),
        ("2*3*x + x*2", "2 · 3 x + x · 2"),
        ("sqrt(x) + sqrt(1 + x) + abs(x - a)", "√x + √(1 + x) + |x − a|"),
        ("k_on*x**2*sigma2", "k_ₒₙ x² σ₂".replace("_ₒₙ", "ₒₙ")),
        ("where(x > 0 and x != a, x, floor(2*pi))*a", "(x if x > 0 and x ≠ a else ⌊2 π⌋) a"),
        ("exp(-x)**2 + 0*y", "exp(−x)² + 0 y"),
    ],
)
def test_brackets_stand_where_they_are_needed(written, shown):
    """And nowhere else; a quotient before a factor has them, because (a/b) c could be read as a/(b c)."""
    assert typeset(x=written, y="0")[0] == f"ẋ = {shown}"


@pytest.mark.parametrize("name", [*read_catalog()])
def test_equations_fit_a_hundred_columns(name):
    """Every entry's lines."""
    widths = [sum(not unicodedata.combining(character) for character in line) for line in lines(name)]
    assert max(widths) <= 100


def test_names_that_would_look_alike_stay_as_written():
    """x1 and x_1 would both be x₁, and t is time."""
    assert typeset(x1="x_1", x_1="t*x1") == [" ẋ₁ = x_1", "dx_1/dt = t x₁"] or typeset(x1="x_1", x_1="t*x1")[0].endswith("= x_1")
