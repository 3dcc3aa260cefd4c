"""Exact numbers as sums of doubles: the constants that code on expansions needs, from integers alone."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cache

BITS = 53  # of a word
# A step is the radius of convergence / e^2: Jorba and Zou's optimum where a step costs order^2 operations, as it does here.
DECAY = 2.0
# Bits to which constants are computed: the longest expansion, two words more for reduced angles, and a margin.
_CONSTANT_BITS = 1280


def words(number: Fraction, count: int) -> tuple[float, ...]:
    """The number as a sum of `count` doubles, each the nearest to what those before it leave."""
    found = []
    for _ in range(count):
        word = number.numerator / number.denominator  # Python rounds a quotient of integers correctly
        found.append(word)
        number -= Fraction(word)
    return tuple(found)


@cache
def pi() -> Fraction:
    """Pi by Machin's formula, 16 atan(1/5) - 4 atan(1/239)."""
    return Fraction(16 * _arc_of_inverse(5) - 4 * _arc_of_inverse(239), 1 << _CONSTANT_BITS)


@cache
def log_of_2() -> Fraction:
    """ln 2 = 18 artanh(1/26) - 2 artanh(1/4801) + 8 artanh(1/8749)."""
    return Fraction(18 * _area_of_inverse(26) - 2 * _area_of_inverse(4801) + 8 * _area_of_inverse(8749), 1 << _CONSTANT_BITS)


@cache
def log_of_10() -> Fraction:
    """ln 10 = 3 ln 2 + 2 artanh(1/9)."""
    return 3 * log_of_2() + Fraction(2 * _area_of_inverse(9), 1 << _CONSTANT_BITS)


def inverse_factorial(k: int) -> Fraction:
    return Fraction(1, math.factorial(k))


def _arc_of_inverse(x: int) -> int:
    """2^_CONSTANT_BITS atan(1/x)."""
    return _odd_powers(x, -1)


def _area_of_inverse(x: int) -> int:
    """2^_CONSTANT_BITS artanh(1/x)."""
    return _odd_powers(x, 1)


def _odd_powers(x: int, sign: int) -> int:
    """2^_CONSTANT_BITS (1/x + sign / (3 x^3) + 1 / (5 x^5) + ...), good to some hundred units."""
    term, total, k = (1 << _CONSTANT_BITS) // x, 0, 0
    while term:
        total += sign**k * (term // (2 * k + 1))
        term //= x * x
        k += 1
    return total
