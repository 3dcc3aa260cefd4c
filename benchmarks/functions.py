"""The elementary functions of the kernels: errors in units in the last place, and nanoseconds a value beside libmvec and libm.

    python benchmarks/functions.py [--quick] [--json FILE] [--target avx2] [--only sin,exp]

Errors: a million random points a function, spread over the ranges in function_points.py. All are compared with the C library's 80-bit
functions, whose own error is a thousandth of our unit; the thousand that look worst are computed again by mpmath, the table's largest
error is that one, and the script fails where the two disagree by over a hundredth. Where there are no 80-bit numbers, mpmath does all, on
fewer points. Times: the same loop over 1,024 moderate values, compiled in the same way, for each candidate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import mpmath
import numpy as np
from function_loops import REPEATS, Loop, libm, libmvec, ours
from function_points import FUNCTIONS, Column, Function
from measure import ROUNDS, Case, geometric_mean, measure
from numpy.typing import NDArray
from one_core import pin_to_one_core
from table import Requirement, number, options, requirement_table, table, write

from attractory.kernels import Target

POINTS, QUICK_POINTS = 1_000_000, 20_000
CHECKED, QUICK_CHECKED = 1_000, 50
TIMED = 1024  # arguments and results stay in the first cache
EDGES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
REQUIRED_ULP = 1.0
REQUIRED_RATIO = 1.0
DISAGREEMENT = 0.01  # what the 80-bit functions may be off by, in our units
Extended = NDArray[np.longdouble]
_NUMPY = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "atan2": "arctan2"}


@dataclass(frozen=True)
class Errors:
    """Shares of the points below 0.5, 0.5 to 0.6, ... units, over 1 at last; the largest error, and the arguments where it is."""

    name: str
    points: int
    shares: list[float]
    largest: float
    where: list[float]

    def cells(self) -> list[str]:
        shares = [f"{100 * share:.2f} %" if share else "" for share in self.shares]
        return [self.name, f"{self.points:,}", *shares, f"{self.largest:.3f}", ", ".join(f"{x:.6g}" for x in self.where)]


@dataclass(frozen=True)
class Speed:
    """Nanoseconds a value; None where there is no such function."""

    name: str
    ours: float
    libmvec: float | None
    libm: float | None

    def cells(self) -> list[str]:
        times = ["" if time is None else f"{time:.2f}" for time in (self.ours, self.libmvec, self.libm)]
        ratios = ["" if time is None else number(time / self.ours) for time in (self.libmvec, self.libm)]
        return [self.name, *times, *ratios]


def errors(function: Function, points: int, checked: int, target: Target) -> Errors:
    """Measured on random points, the worst of them certified by mpmath.

    Raises:
        ArithmeticError: mpmath and the 80-bit functions disagree.
    """
    columns = usable(function, function.points(np.random.default_rng(1), points))
    values = ours(function.name, target)(*columns)[0]
    if np.finfo(np.longdouble).nmant < 63:
        columns, values = [column[:: points // checked] for column in columns], values[:: points // checked]
        found = np.array([exact_ulps(function, x, value) for *x, value in zip(*columns, values, strict=True)])
    else:
        found = ulps(values, extended(function, columns))
        worst = np.argsort(found)[-checked:]
        certified = np.array([exact_ulps(function, [float(column[k]) for column in columns], float(values[k])) for k in worst])
        if (difference := float(np.max(np.abs(certified - found[worst])))) > DISAGREEMENT:
            message = f"{function.name}: mpmath and the C library's 80-bit function differ by {difference:.3f} units"
            raise ArithmeticError(message)
        found[worst] = certified
    counts, _ = np.histogram(found, [0.0, *EDGES, np.inf])
    place = int(np.argmax(found))
    shares = [float(count) / len(found) for count in counts]
    return Errors(function.name, len(found), shares, float(found[place]), [float(column[place]) for column in columns])


def usable(function: Function, columns: Sequence[Column]) -> list[Column]:
    """The points whose exact result is a finite double that is not zero."""
    with np.errstate(all="ignore"):
        plain = getattr(np, _NUMPY.get(function.library, function.library))(*columns)
    kept = np.isfinite(plain) & (plain != 0)
    return [column[kept] for column in columns]


def extended(function: Function, columns: Sequence[Column]) -> Extended:
    """The C library's results in 80 bits."""
    with np.errstate(all="ignore"):
        made: Extended = getattr(np, _NUMPY.get(function.library, function.library))(*(column.astype(np.longdouble) for column in columns))
    return made


def ulps(values: Column, exact: Extended) -> Column:
    """Errors in units in the last place of the exact value, that of subnormal numbers among them."""
    unit = np.maximum(np.ldexp(np.longdouble(1), np.frexp(np.abs(exact))[1] - 53), np.longdouble(5e-324))
    return np.abs((values - exact) / unit).astype(np.float64)


def exact_ulps(function: Function, x: Sequence[float], value: float) -> float:
    """The same for one point, by mpmath with enough digits for the huge angles."""
    with mpmath.workdps(40 + 310 * (max(map(abs, x)) > 1e7)):
        exact = getattr(mpmath, function.name)(*map(mpmath.mpf, x))
        exponent = int(mpmath.frexp(abs(exact))[1]) - 53
        return float(abs(mpmath.mpf(value) - exact) / mpmath.ldexp(1, max(exponent, -1074)))


def speed(function: Function, rounds: int, target: Target) -> Speed:
    """Medians, the candidates in turn."""
    random = np.random.default_rng(2)
    columns = [random.uniform(low, high, TIMED) for low, high in function.timed]
    loops = {"ours": [ours(function.name, target)], "libmvec": [libmvec(function, target)], "libm": [libm(function, target)]}
    times = timed(loops, columns, rounds)
    return Speed(function.name, times["ours"] or 0.0, times["libmvec"], times["libm"])


def pair_speed(rounds: int, target: Target) -> Speed:
    """Sine and cosine of the same angles: ours give both at once, the libraries one after the other."""
    columns = [np.random.default_rng(2).uniform(-20, 20, TIMED)]
    loops = {name: [make(FUNCTIONS[part], target) for part in ("sin", "cos")] for name, make in (("libmvec", libmvec), ("libm", libm))}
    loops["ours"] = [ours("sin_cos", target)]
    times = timed(loops, columns, rounds)
    return Speed("sin and cos", times["ours"] or 0.0, times["libmvec"], times["libm"])


def timed(loops: Mapping[str, Sequence[Loop | None]], columns: Sequence[Column], rounds: int) -> dict[str, float | None]:
    """Nanoseconds a value by name, of all loops of a name one after the other; None where one is missing."""

    def case(name: str, loops: Sequence[Loop | None]) -> Case:
        runs = [loop.prepared(*columns)[0] for loop in loops if loop is not None]
        return Case(name, lambda: lambda: [run() for run in runs], len(columns[0]) * REPEATS)

    rows, _ = measure([case(name, several) for name, several in loops.items() if None not in several], rounds)
    return dict.fromkeys(loops) | {row.name: 1e9 / row.rate for row in rows}


def requirements(found: Sequence[Errors], speeds: Sequence[Speed]) -> list[Requirement]:
    ratios = [one.libmvec / one.ours for one in speeds if one.libmvec is not None]
    largest = Requirement(
        "functions: largest error of any, in units in the last place", max(one.largest for one in found), REQUIRED_ULP, at_least=False
    )
    if not ratios:
        return [largest]
    return [
        largest,
        Requirement("functions: libmvec's time over ours, geometric mean", geometric_mean(ratios), REQUIRED_RATIO),
        Requirement("functions: libmvec's time over ours, least", min(ratios), REQUIRED_RATIO),
    ]


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--target", default="native", help="instructions to use: native, avx2 or sse2")
    parser.add_argument("--only", default=",".join(FUNCTIONS), help="functions, separated by commas")
    asked = parser.parse_args()
    pin_to_one_core()
    target = Target(asked.target)
    chosen = [FUNCTIONS[name] for name in asked.only.split(",")]
    points, checked, rounds = (QUICK_POINTS, QUICK_CHECKED, 1) if asked.quick else (POINTS, CHECKED, ROUNDS)
    found = [errors(function, points, checked, target) for function in chosen]
    bins = ["below 0.5", *(f"to {edge}" for edge in EDGES[1:]), "above 1"]
    print(
        f"Errors in units in the last place:\n\n{table(['function', 'points', *bins, 'largest', 'at'], [one.cells() for one in found])}\n"
    )
    speeds = [speed(function, rounds, target) for function in chosen] + [pair_speed(rounds, target)]
    heads = ["ns a value", "ours", "libmvec", "libm", "libmvec / ours", "libm / ours"]
    print(f"{table(heads, [one.cells() for one in speeds])}\n")
    wanted = requirements(found, speeds)
    print(f"{requirement_table(wanted)}\n")
    write(asked.json, [*found, *speeds], wanted)


if __name__ == "__main__":
    main()
