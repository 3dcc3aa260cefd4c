"""A stranger's text, made safe to show; numbers as a reader has them."""

from __future__ import annotations

import pytest

from attractory.stages.report.plain import counted, ends, number, plain


def test_what_is_not_seen_is_not_passed_on():
    """Escape sequences, ends of strings, marks that turn the writing, half a character: none gets to a terminal or a page."""
    assert plain("a\x1b[31mb\x00c\u202ed\ud800e\u200bf") == "a�[31mb�c�d�e�f"
    assert plain("two\nlines\tand\u2028more") == "two lines and more"


def test_a_long_text_is_cut_and_says_so():
    """A megabyte of message is six hundred characters."""
    assert plain("x" * 1_000_000) == "x" * 599 + "…"
    assert plain("x" * 600) == "x" * 600


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (0.0, "0"), (-0.25, "−0.25"), (1234.5, "1\u202f234"), (1.2e-9, "1.2e−9"), (3e17, "3e17")]
)
def test_numbers_are_short(value, text):
    """Three digits, and exponents without zeros in front."""
    assert number(value) == text


def test_ends_of_a_narrow_range_are_told_apart():
    """As many digits as that takes, five at most."""
    assert ends(0.0, 3.0) == ("0", "3")
    assert ends(5.851, 5.862) == ("5.851", "5.862")
    assert ends(2.0, 2.0) == ("2", "2")


def test_what_is_counted_has_its_plural():
    """And thin spaces between thousands."""
    assert [counted(1, "check"), counted(2, "check"), counted(12_000, "trajectory", "trajectories")] == [
        "1 check",
        "2 checks",
        "12\u202f000 trajectories",
    ]
