"""Where the elementary functions are looked at: the ranges that trajectories visit, and those where functions go wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], list[Column]]


@dataclass(frozen=True)
class Function:
    """A function under its name in the kernels; `library` is its name in C, `ranges` draws arguments, `timed` are moderate ones."""

    name: str
    library: str
    ranges: Mapping[str, Draw]
    timed: Sequence[tuple[float, float]]

    def points(self, random: np.random.Generator, count: int) -> list[Column]:
        """About `count` arguments, as many from each range."""
        each = max(1, count // len(self.ranges))
        drawn = [draw(random, each) for draw in self.ranges.values()]
        return [np.concatenate(columns) for columns in zip(*drawn, strict=True)]


def uniform(*bounds: tuple[float, float]) -> Draw:
    """Evenly distributed, one pair of bounds an argument."""
    return lambda random, count: [random.uniform(low, high, count) for low, high in bounds]


def logarithmic(*exponents: tuple[float, float], signed: bool = True) -> Draw:
    """Powers of two with evenly distributed exponents, of both signs."""

    def draw(random: np.random.Generator, count: int) -> list[Column]:
        signs = [random.choice([-1.0, 1.0], count) if signed else 1.0 for _ in exponents]
        return [sign * np.exp2(random.uniform(low, high, count)) for sign, (low, high) in zip(signs, exponents, strict=True)]

    return draw


def near_multiples(step: tuple[float, float], largest: int) -> Draw:
    """Doubles next to whole multiples of a step given in two parts."""

    def draw(random: np.random.Generator, count: int) -> list[Column]:
        k = random.integers(-largest, largest, count)
        x = k * step[0] + k * step[1]
        return [x + random.integers(-2, 3, count) * np.spacing(x)]

    return draw


def near_one(low: float, high: float) -> Draw:
    """1, less or more by powers of two with evenly distributed exponents."""

    def draw(random: np.random.Generator, count: int) -> list[Column]:
        return [1 + random.choice([-1.0, 1.0], count) * np.exp2(random.uniform(low, high, count))]

    return draw


def inside_one(random: np.random.Generator, count: int) -> list[Column]:
    """Just inside -1 and 1."""
    return [random.choice([-1.0, 1.0], count) * (1 - np.exp2(random.uniform(-53, -2, count)))]


def _both(*draws: Draw) -> Draw:
    """One draw an argument."""
    return lambda random, count: [draw(random, count)[0] for draw in draws]


_HALF_PI = (1.5707963267948966, 6.123233995736766e-17)
_QUARTER_PI = (0.7853981633974483, 3.061616997868383e-17)
_TINY = logarithmic((-1074, -5))
_ANGLES = {
    "within pi/4": uniform((-0.8, 0.8)),
    "moderate": uniform((-20, 20)),
    "a long time": uniform((-1e5, 1e5)),
    "a very long time": uniform((-3e7, 3e7)),
    "tiny": _TINY,
    "huge": logarithmic((24, 1023.9)),
    "near multiples of pi/2": near_multiples(_HALF_PI, 1000),
    "near large multiples of pi/2": near_multiples(_HALF_PI, 2**24),
    "near multiples of pi/4": near_multiples(_QUARTER_PI, 1000),
}
_LOGARITHM = {
    "moderate": uniform((0.5, 2)),
    "close to 1": near_one(-52, -3),
    "near sqrt(2)": uniform((1.40, 1.43)),
    "near sqrt(1/2)": uniform((0.69, 0.72)),
    "all normal numbers": logarithmic((-1022, 1023.9), signed=False),
    "subnormal": logarithmic((-1074, -1022), signed=False),
}
_ARC = {"all": uniform((-1, 1)), "near -1 and 1": inside_one, "near 1/2": uniform((0.48, 0.52)), "tiny": _TINY}
_HYPERBOLIC = {
    "moderate": uniform((-1, 1)),
    "near ln(2)/2": uniform((0.34, 0.36)),
    "large": uniform((-30, 30)),
    "huge": uniform((-700, 700)),
    "near overflow": uniform((700, 710.4)),
    "tiny": _TINY,
}
_FUNCTIONS = [
    Function("sin", "sin", _ANGLES, [(-20, 20)]),
    Function("cos", "cos", _ANGLES, [(-20, 20)]),
    Function("tan", "tan", _ANGLES, [(-20, 20)]),
    Function(
        "exp",
        "exp",
        {
            "moderate": uniform((-1, 1)),
            "all": uniform((-700, 700)),
            "near overflow": uniform((700, 709.7)),
            "to subnormal": uniform((-745, -700)),
            "tiny": _TINY,
        },
        [(-20, 20)],
    ),
    Function("log", "log", _LOGARITHM, [(0.01, 100)]),
    Function("log10", "log10", _LOGARITHM, [(0.01, 100)]),
    Function("asin", "asin", _ARC, [(-1, 1)]),
    Function("acos", "acos", _ARC, [(-1, 1)]),
    Function(
        "atan",
        "atan",
        {
            "moderate": uniform((-5, 5)),
            "near tan(pi/8)": uniform((0.35, 0.5)),
            "near tan(3pi/8)": uniform((2.3, 2.5)),
            "tiny": _TINY,
            "huge": logarithmic((2, 1023.9)),
        },
        [(-5, 5)],
    ),
    Function(
        "atan2",
        "atan2",
        {
            "moderate": uniform((-3, 3), (-3, 3)),
            "near pi/8": uniform((0.4, 0.43), (-1.01, -0.99)),
            "any quotient": logarithmic((-30, 30), (-30, 30)),
            "all numbers": logarithmic((-1074, 1023.9), (-1074, 1023.9)),
            "subnormal quotients": logarithmic((-1074, -1000), (-20, 20)),
        },
        [(-3, 3), (-3, 3)],
    ),
    Function("sinh", "sinh", _HYPERBOLIC, [(-5, 5)]),
    Function("cosh", "cosh", _HYPERBOLIC, [(-5, 5)]),
    Function(
        "tanh",
        "tanh",
        {"moderate": uniform((-1, 1)), "near ln(2)/4": uniform((0.16, 0.19)), "large": uniform((-20, 20)), "tiny": _TINY},
        [(-5, 5)],
    ),
    Function(
        "power",
        "pow",
        {
            "moderate": uniform((0.01, 10), (-5, 5)),
            "large exponents": _both(logarithmic((-2, 2), signed=False), uniform((-350, 350))),
            "near 1, huge exponents": _both(near_one(-12, -10), uniform((-4e5, 4e5))),
            "subnormal": _both(logarithmic((-1074, -1000), signed=False), uniform((-0.9, 0.9))),
            "to subnormal": _both(logarithmic((-1, -0.9), signed=False), uniform((1020, 1150))),
        },
        [(0.01, 10), (-5, 5)],
    ),
]
FUNCTIONS = {function.name: function for function in _FUNCTIONS}
