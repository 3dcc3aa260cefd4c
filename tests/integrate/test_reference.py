"""`precision: reference`: every sample is the true solution, rounded to a double. Closed forms and mpmath say what is true."""

from __future__ import annotations

from collections.abc import Callable

import mpmath
import numpy as np
import pytest
from mpmath import mp

import attractory
from attractory.errors import RequestError
from attractory.expressions.system import System
from attractory.integrate import Engine
from attractory.integrate.reference import MOST_WORDS
from attractory.kernels import Target
from attractory.layout import Status

DT, SAMPLES = 0.3, 41
DIGITS = 60  # of what is compared with: more than twice a double's, since no test here loses more than twenty


@pytest.fixture(autouse=True)
def many_digits():
    """All of mpmath's arithmetic in this file."""
    with mp.workdps(DIGITS):
        yield


def exact(time: int, dt: float = DT) -> mpmath.mpf:
    """The time of a sample: the whole number times the double."""
    return time * mp.mpf(dt)


# equations; initial states; the solution of each variable as a function of the time since the start. Each function of the language.
CLOSED_FORMS: dict[str, tuple[dict[str, str], dict[str, float], dict[str, Callable[[mpmath.mpf], mpmath.mpf]]]] = {
    "decay, constant and time": (
        {"x": "-x", "y": "3", "z": "t"},
        {"x": 0.1, "y": 0.7, "z": 0.2},
        {"x": lambda t: mp.mpf(0.1) * mp.exp(-t), "y": lambda t: mp.mpf(0.7) + 3 * t, "z": lambda t: mp.mpf(0.2) + t * t / 2},
    ),
    "driven": ({"x": "x*cos(t)"}, {"x": 1.3}, {"x": lambda t: mp.mpf(1.3) * mp.exp(mp.sin(t))}),
    "exp and log": (
        {"x": "exp(-x)", "y": "-y*log(y)"},
        {"x": 0.5, "y": 0.9},
        {"x": lambda t: mp.log(t + mp.exp(mp.mpf(0.5))), "y": lambda t: mp.exp(mp.log(mp.mpf(0.9)) * mp.exp(-t))},
    ),
    "roots and powers": (
        {"x": "sqrt(x)", "y": "-(y**2.5)", "z": "1/z"},
        {"x": 0.3, "y": 0.8, "z": 0.4},
        {
            "x": lambda t: (t / 2 + mp.sqrt(mp.mpf(0.3))) ** 2,
            "y": lambda t: (mp.mpf(0.8) ** mp.mpf(-1.5) + 1.5 * t) ** (-1 / mp.mpf(1.5)),
            "z": lambda t: mp.sqrt(2 * t + mp.mpf(0.4) ** 2),
        },
    ),
    "tangents": (
        {"x": "1/tan(x)", "y": "1/tanh(y)", "z": "cos(z)"},
        {"x": 1.2, "y": 0.3, "z": 0.1},
        {
            "x": lambda t: mp.acos(mp.cos(mp.mpf(1.2)) * mp.exp(-t)),
            "y": lambda t: mp.acosh(mp.cosh(mp.mpf(0.3)) * mp.exp(t)),
            "z": lambda t: 2 * mp.atan(mp.tanh((t + mp.asinh(mp.tan(mp.mpf(0.1)))) / 2)),
        },
    ),
    "hyperbolic": (
        {"x": "1/cosh(x)", "y": "-tanh(y)", "z": "1/sinh(z)"},
        {"x": 0.2, "y": 1.5, "z": 0.6},
        {
            "x": lambda t: mp.asinh(t + mp.sinh(mp.mpf(0.2))),
            "y": lambda t: mp.asinh(mp.sinh(mp.mpf(1.5)) * mp.exp(-t)),
            "z": lambda t: mp.acosh(t + mp.cosh(mp.mpf(0.6))),
        },
    ),
    "arcs": (  # quadratures of what moves in a known way
        {"x": "atan(t)", "y": "asin(t/20)", "z": "acos(t/20)", "w": "log10(1 + t)", "v": "atan2(t, 2)"},
        {"x": 0.0, "y": 0.0, "z": 0.0, "w": 0.0, "v": 0.0},
        {
            "x": lambda t: t * mp.atan(t) - mp.log(1 + t * t) / 2,
            "y": lambda t: 20 * (t / 20 * mp.asin(t / 20) + mp.sqrt(1 - (t / 20) ** 2) - 1),
            "z": lambda t: 20 * (t / 20 * mp.acos(t / 20) - mp.sqrt(1 - (t / 20) ** 2) + 1),
            "w": lambda t: ((1 + t) * mp.log(1 + t) - t) / mp.log(10),
            "v": lambda t: 2 * (t / 2 * mp.atan(t / 2) - mp.log(1 + (t / 2) ** 2) / 2),
        },
    ),
    "moving exponent": ({"x": "x*log(2 + t)/(2 + t) + 0*x**t"}, {"x": 1.0}, {"x": lambda t: mp.exp((mp.log(2 + t) ** 2 - mp.log(2) ** 2) / 2)}),
}


@pytest.mark.parametrize("name", list(CLOSED_FORMS))
def test_samples_are_the_rounded_closed_form(name: str) -> None:
    """Bit for bit, with every function of the language on the right-hand side."""
    equations, initial, solutions = CLOSED_FORMS[name]
    system = System(name="Closed", equations=equations, initial=initial)
    made = attractory.integrate(system, initial=list(initial.values()), samples=SAMPLES, dt=DT, precision="reference")
    assert made.status.item() == Status.OK
    wanted = [[float(solution(exact(k))) for solution in solutions.values()] for k in range(SAMPLES)]
    assert np.array_equal(made.state.values[0], wanted)


def lorenz_coefficients(state: list[mpmath.mpf], time: mpmath.mpf, order: int) -> list[list[mpmath.mpf]]:
    """Taylor coefficients of Lorenz's equations with 10, 28 and the double nearest to 8/3."""
    x, y, z = ([value] for value in state)
    beta = mp.mpf(8 / 3)
    for k in range(order):
        xz, xy = (mp.fsum(x[j] * other[k - j] for j in range(k + 1)) for other in (z, y))
        x, y, z = [*x, 10 * (y[k] - x[k]) / (k + 1)], [*y, (28 * x[k] - xz - y[k]) / (k + 1)], [*z, (xy - beta * z[k]) / (k + 1)]
    return [x, y, z]


def duffing_coefficients(state: list[mpmath.mpf], time: mpmath.mpf, order: int) -> list[list[mpmath.mpf]]:
    """Of x'' = x - x^3 - 0.25 x' + 0.4 cos(t), its decimals being doubles."""
    x, v = ([value] for value in state)
    derivatives = [mp.cos(time), -mp.sin(time), -mp.cos(time), mp.sin(time)]
    squares: list[mpmath.mpf] = []
    for k in range(order):
        squares.append(mp.fsum(x[j] * x[k - j] for j in range(k + 1)))
        cube = mp.fsum(squares[j] * x[k - j] for j in range(k + 1))
        drive = mp.mpf(0.4) * derivatives[k % 4] / mp.factorial(k)
        x, v = [*x, v[k] / (k + 1)], [*v, (x[k] - cube - v[k] / 4 + drive) / (k + 1)]
    return [x, v]


def followed(coefficients: Callable[..., list[list[mpmath.mpf]]], state: list[float], *, dt: float, samples: int) -> np.ndarray:
    """The solution by mpmath's arithmetic, a series of order 60 from each half of a sampling interval to the next, rounded to doubles."""
    now, rows = [mp.mpf(value) for value in state], [list(map(float, state))]
    half = mp.mpf(dt) / 2
    for k in range(2 * (samples - 1)):
        now = [mp.polyval(series, half, asc=True) for series in coefficients(now, k * half, 60)]
        if k % 2:
            rows.append([float(value) for value in now])
    return np.array(rows)


LORENZ = {"x": "10*(y - x)", "y": "x*(28 - z) - y", "z": "x*y - 8/3*z"}
DUFFING = {"x": "v", "v": "x - x**3 - 0.25*v + 0.4*cos(t)"}


@pytest.mark.parametrize(
    ("equations", "coefficients", "start", "dt"),
    [(LORENZ, lorenz_coefficients, [1.0, 1.0, 25.0], 0.08), (DUFFING, duffing_coefficients, [0.3, -0.2], 0.3)],
    ids=["Lorenz", "Duffing"],
)
def test_chaotic_samples_are_those_of_another_integrator(equations, coefficients, start, dt) -> None:
    """Bit for bit against 60 digits; Lorenz goes on for longer than a double remembers, 12 of 40 time units after losing 5 digits."""
    system = System(name="Chaotic", equations=equations, initial=dict(zip(equations, start, strict=True)))
    made = attractory.integrate(system, initial=start, samples=151, dt=dt, precision="reference")
    assert made.status.item() == Status.OK
    assert np.array_equal(made.state.values[0], followed(coefficients, start, dt=dt, samples=151))
