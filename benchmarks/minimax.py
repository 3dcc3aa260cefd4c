"""The coefficients of kernels/polynomials.py: best polynomials (Remez), rounded to doubles one after the other.

    python benchmarks/minimax.py [NAME ...]

Each polynomial is the one whose largest weighted error on its interval is smallest; the weight turns an error of the polynomial into a
relative error of the function that is made of it. The lowest coefficient is rounded to a double first and the others are fitted again to
what is left, and so on upwards: the rounding of one is made good by the next (the method of Brisebarre, Muller and Tisserand, ACM
Transactions on Mathematical Software 32, 236 (2006), in its simplest form). Exchange of points: Remez, Comptes rendus 198, 2063 (1934).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import mpmath
from mpmath import mpf

DIGITS = 40
GRID = 160  # points where errors are looked at; the largest error between them is a few thousandths larger
Real = Callable[[mpf], mpf]


@dataclass(frozen=True)
class Problem:
    """A function of z to approximate by `count` coefficients on [low, high], with the weight of its error."""

    function: Real
    weight: Real
    low: float
    high: float
    count: int


def _odd_tail(function: Real, sign: int = 1) -> Real:
    """z = t^2 -> sign (f(t) - t) / t^3 for an odd f with slope one."""

    def tail(z: mpf) -> mpf:
        t = mpmath.sqrt(z)
        return sign * (function(t) - t) / t**3

    return tail


def _odd_weight(function: Real) -> Real:
    return lambda z: z * mpmath.sqrt(z) / function(mpmath.sqrt(z))


def _twice_tan_of_half(t: mpf) -> mpf:
    return 2 * mpmath.tan(t / 2)


def _log_tail(z: mpf, terms: int) -> mpf:
    """log((1 + s) / (1 - s)) = 2 s (1 + z/3 + ... ): what follows `terms` terms, over s z^terms, with z = s^2."""
    s = mpmath.sqrt(z)
    series = sum(2 * z**k / (2 * k + 1) for k in range(terms))
    return (2 * mpmath.atanh(s) / s - series) / z**terms


HALF_LN2 = 0.34657359027997264
QUARTER_PI = 0.7853981633974483
# s = f / (2 + f) for 1 + f in [sqrt(1/2), sqrt(2)] is at most 3 - sqrt(8), and z its square; tan(pi/8)^2 bounds t^2 for the arc tangent.
LOG_TOP = 0.029437251522859414
ATAN_TOP = 0.17157287525380996
PROBLEMS: dict[str, Problem] = {
    "SIN": Problem(_odd_tail(mpmath.sin, -1), _odd_weight(mpmath.sin), 0.0, QUARTER_PI**2, 6),
    "COS": Problem(
        lambda z: (mpmath.cos(mpmath.sqrt(z)) - 1 + z / 2) / z**2, lambda z: z**2 / mpmath.cos(mpmath.sqrt(z)), 0.0, QUARTER_PI**2, 6
    ),
    "TAN": Problem(_odd_tail(_twice_tan_of_half), _odd_weight(_twice_tan_of_half), 0.0, QUARTER_PI**2, 9),
    "EXP": Problem(lambda s: (mpmath.expm1(s) - s) / s**2, lambda s: s**2 / mpmath.exp(s), -HALF_LN2, HALF_LN2, 11),
    "LOG": Problem(lambda z: _log_tail(z, 1), lambda z: z / 2, 0.0, LOG_TOP, 7),
    "LOG_LATE": Problem(lambda z: _log_tail(z, 2), lambda z: z**2 / 2, 0.0, LOG_TOP, 8),
    "ATAN": Problem(_odd_tail(mpmath.atan, -1), _odd_weight(mpmath.atan), 0.0, ATAN_TOP, 11),
    "ASIN": Problem(_odd_tail(mpmath.asin), _odd_weight(mpmath.asin), 0.0, 0.25, 13),
    "SINH": Problem(_odd_tail(mpmath.sinh), _odd_weight(mpmath.sinh), 0.0, HALF_LN2**2, 5),
    "COSH": Problem(
        lambda z: (mpmath.cosh(mpmath.sqrt(z)) - 1 - z / 2) / z**2, lambda z: z**2 / mpmath.cosh(mpmath.sqrt(z)), 0.0, HALF_LN2**2, 4
    ),
}


@dataclass(frozen=True)
class Fit:
    """Coefficients, the lowest first, and the largest weighted error as a power of two."""

    coefficients: tuple[float, ...]
    error: float


def fitted(problem: Problem) -> Fit:
    """The rounded coefficients of a problem."""
    with mpmath.workdps(DIGITS):
        points = _points(problem)
        values = [problem.function(z) for z in points]
        weights = [abs(problem.weight(z)) for z in points]
        rounded = [float(c) for c in _remez(points, values, weights, problem.count)]
        if problem.low >= 0:  # around zero, polynomials without their lowest term have no unique best one
            rounded = _rounded_in_turn(points, values, weights, problem.count)
        worst = max(abs(value - _value(rounded, z)) * w for z, value, w in zip(points, values, weights, strict=True))
        return Fit(tuple(rounded), float(mpmath.log(worst, 2)))


def _rounded_in_turn(points: Sequence[mpf], values: Sequence[mpf], weights: Sequence[mpf], count: int) -> list[float]:
    rounded: list[float] = []
    for left in range(count, 0, -1):
        rounded.append(float(_remez(points, values, weights, left)[0]))
        # what is left, over z, is for the coefficients above, and its error weighs z times as much
        values = [(value - rounded[-1]) / z for value, z in zip(values, points, strict=True)]
        weights = [weight * z for weight, z in zip(weights, points, strict=True)]
    return rounded


def _value(coefficients: Sequence[mpf | float], z: mpf) -> mpf:
    total = mpf(0)
    for coefficient in coefficients[::-1]:
        total = total * z + coefficient
    return total


def _points(problem: Problem) -> list[mpf]:
    """Chebyshev's points, dense at the ends, none of them at zero."""
    middle, half = (mpf(problem.high) + problem.low) / 2, (mpf(problem.high) - problem.low) / 2
    return [middle + half * mpmath.cos(mpmath.pi * (2 * k + 1) / (2 * GRID)) for k in range(GRID)][::-1]


def _remez(points: Sequence[mpf], values: Sequence[mpf], weights: Sequence[mpf], count: int) -> list[mpf]:
    """Coefficients of the best polynomial on the points: its error alternates count + 1 times."""
    chosen = [round((1 - mpmath.cos(mpmath.pi * (k + mpf(1) / 2) / (count + 1))) / 2 * (len(points) - 1)) for k in range(count + 1)]
    for _ in range(30):
        coefficients, level = _levelled([points[k] for k in chosen], [values[k] for k in chosen], [weights[k] for k in chosen], count)
        errors = [(value - _value(coefficients, z)) * w for z, value, w in zip(points, values, weights, strict=True)]
        if max(abs(error) for error in errors) < abs(level) * mpf("1.001"):
            break
        chosen = _exchanged(errors, count + 1)
    return coefficients


def _levelled(points: Sequence[mpf], values: Sequence[mpf], weights: Sequence[mpf], count: int) -> tuple[list[mpf], mpf]:
    """(coefficients, level): the polynomial whose weighted errors at count + 1 points are level, -level, level ..."""
    matrix = mpmath.matrix(count + 1, count + 1)
    for row, (z, weight) in enumerate(zip(points, weights, strict=True)):
        for power in range(count):
            matrix[row, power] = z**power
        matrix[row, count] = (-1) ** row / weight
    solution = list(mpmath.lu_solve(matrix, mpmath.matrix(list(values))))
    return solution[:count], solution[count]


def _exchanged(errors: Sequence[mpf], wanted: int) -> list[int]:
    """Where the error is extreme, one point for each run of one sign, the outer ones dropped first where there are too many."""
    extremes: list[int] = []
    for place, error in enumerate(errors):
        if extremes and (error > 0) == (errors[extremes[-1]] > 0):
            if abs(error) > abs(errors[extremes[-1]]):
                extremes[-1] = place
        else:
            extremes.append(place)
    while len(extremes) > wanted:
        extremes.pop(0 if abs(errors[extremes[0]]) < abs(errors[extremes[-1]]) else -1)
    return extremes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=list(PROBLEMS), help=f"some of {', '.join(PROBLEMS)}; default: all")
    for name in parser.parse_args().names:
        fit = fitted(PROBLEMS[name])
        print(f"# error 2**{fit.error:.1f}\n{name} = ({', '.join(map(repr, fit.coefficients))})")


if __name__ == "__main__":
    main()
