"""Expansions: every function against mpmath, in two, three and eight words, and how many digits are left."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise

import mpmath
import numpy as np
import pytest
from mpmath import mp

from attractory.expressions.system import System
from attractory.integrate.reference_driver import WideLanes, wide_lanes
from attractory.kernels import Target
from attractory.kernels.lanes import Lanes, declarations
from attractory.kernels.machine import Pointer, compile_functions
from attractory.kernels.precise import PreciseKernel, precise_flow_kernel
from attractory.kernels.precise.body import Body
from attractory.kernels.precise.routines import routines
from attractory.kernels.precise.series import bands
from attractory.kernels.precise.words import log_of_2, log_of_10, pi, words

WIDTH, NUMBERS = 8, 64
Words = Sequence[float]

# The function, and the range of each argument.
FUNCTIONS: dict[str, tuple[Callable[..., mpmath.mpf], tuple[tuple[float, float], ...]]] = {
    "add": (lambda a, b: a + b, ((-5, 5), (-5, 5))),
    "sub": (lambda a, b: a - b, ((-5, 5), (-5, 5))),
    "mul": (lambda a, b: a * b, ((-5, 5), (-5, 5))),
    "div": (lambda a, b: a / b, ((-5, 5), (-5, 5))),
    "sqrt": (mp.sqrt, ((0, 9),)),
    "floor": (mp.floor, ((-50, 50),)),
    "exp": (mp.exp, ((-600, 600),)),
    "log": (mp.log, ((0, 1e6),)),
    "log10": (mp.log10, ((0, 50),)),
    "sin": (mp.sin, ((-1e4, 1e4),)),
    "cos": (mp.cos, ((-50, 50),)),
    "tan": (mp.tan, ((-5, 5),)),
    "asin": (mp.asin, ((-1, 1),)),
    "acos": (mp.acos, ((-1, 1),)),
    "atan": (mp.atan, ((-30, 30),)),
    "atan2": (mp.atan2, ((-5, 5), (-5, 5))),
    "sinh": (mp.sinh, ((-3, 3),)),
    "cosh": (mp.cosh, ((-3, 3),)),
    "tanh": (mp.tanh, ((-3, 3),)),
    "pow": (mp.power, ((0, 5), (-3, 3))),
}


def aligned(rows: int) -> np.ndarray:
    memory = np.zeros(rows * WIDTH + 8)
    first = (-memory.ctypes.data // 8) % 8
    return memory[first : first + rows * WIDTH].reshape(rows, WIDTH)


def computed(name: str, count: int, arguments: Sequence[Sequence[Words]], target: str = "native") -> list[list[float]]:
    """The results of a function of expansions, in words, for arguments [argument][number]."""
    body = Body(Lanes(WIDTH), count)
    names = [f"%{letter}" for letter in "ab"[: len(arguments)]]
    body.store(body.load(body.call(name, *names)), "%out")
    text = body.function("f", ", ".join(f"ptr noalias {pointer}" for pointer in ("%out", *names)))
    signature = ctypes.CFUNCTYPE(None, *[Pointer] * (1 + len(names)))
    code = compile_functions(declarations(WIDTH) + text + routines(text, WIDTH), {"f": signature}, Target(target))
    memory, found = [aligned(count) for _ in (body, *names)], []
    for first in range(0, len(arguments[0]), WIDTH):
        for rows, numbers in zip(memory[1:], arguments, strict=True):
            rows[:] = np.array(numbers[first : first + WIDTH]).T
        code.functions["f"](*(rows.ctypes.data for rows in memory))
        found += memory[0].T.tolist()
    return found


def drawn(count: int, low: float, high: float, generator: np.random.Generator) -> list[Words]:
    """Numbers in a range, all words of which are in use."""
    grains = [generator.integers(0, 2**53, count).tolist() for _ in range(NUMBERS)]
    parts = [sum(Fraction(digit, 2 ** (53 * (place + 1))) for place, digit in enumerate(digits)) for digits in grains]
    return [words(Fraction(low) + Fraction(high - low) * part, count) for part in parts]


def value(number: Words) -> mpmath.mpf:
    return mp.fsum(mp.mpf(word) for word in number)


@pytest.mark.parametrize("count", [2, 3, 8])
@pytest.mark.parametrize("name", list(FUNCTIONS))
def test_every_function_is_right_to_its_last_word(name: str, count: int) -> None:
    """Within 2^6 units of the last of 53 bits a word, times the size of the argument, whose last word is no better; what cancels (log near
    1, tan near 0) may lose as many bits as cancel."""
    function, ranges = FUNCTIONS[name]
    generator = np.random.default_rng(7)
    arguments = [drawn(count, *limits, generator) for limits in ranges]
    with mp.workdps(160):
        for place, result in enumerate(computed(name, count, arguments)):
            given = [value(numbers[place]) for numbers in arguments]
            true = function(*given)
            allowed = mp.mpf(2) ** (6 - 53 * count) * max(1, *map(abs, given))
            assert abs(value(result) - true) <= allowed * max(abs(true), mp.mpf(2) ** -4)


def test_a_result_is_an_expansion() -> None:
    """Each word is at most half a unit in the last place of the one before it, also where nearly all of it cancels."""
    generator = np.random.default_rng(8)
    a = drawn(4, 1, 2, generator)
    b = [(number[0], *(-word * generator.uniform(0.5, 1.5) for word in number[1:])) for number in a]
    for result in computed("sub", 4, [a, b]):
        for word, following in pairwise(result):
            assert abs(following) <= np.spacing(abs(word)) / 2


@pytest.mark.parametrize("name", ["exp", "log", "sin", "atan2", "pow"])
def test_bits_do_not_depend_on_the_instruction_set(name: str) -> None:
    """SSE2, AVX2 and the machine's own give the same words."""
    generator = np.random.default_rng(9)
    arguments = [drawn(3, *limits, generator)[:8] for limits in FUNCTIONS[name][1]]
    assert len({repr(computed(name, 3, arguments, target)) for target in ("native", "avx2", "sse2")}) == 1


def test_constants_are_those_of_mpmath() -> None:
    """Pi and logarithms from integers alone, to 1,200 bits."""
    with mp.workprec(1250):
        for mine, true in ((pi(), mp.pi), (log_of_2(), mp.log(2)), (log_of_10(), mp.log(10))):
            assert abs(mp.mpf(mine.numerator) / mine.denominator - true) < mp.mpf(2) ** -1200


def test_coefficients_of_higher_orders_need_fewer_words() -> None:
    """Every order from one on stands in one band, and the words never become more; the last has no more than a double and a few bits."""
    found = bands(5, 90)
    orders, counts = [], []
    for count, first, last in found:
        orders += range(first, last + 1)
        counts.append(count)
    assert orders == list(range(1, 90))
    assert counts == [5, 4, 3, 2, 1]


UNITS = 2.0 ** np.array([0, -3, -7, -11, 2, 5, 1, -1])


def step_in_units(kernel: PreciseKernel, state: Sequence[Words]) -> tuple[WideLanes, np.ndarray]:
    """(the lanes after a sample at 1/128 and a step of 1/64, each lane in its own unit of time; the steps that were estimated)."""
    lanes = wide_lanes(WIDTH, kernel.words, (len(state), 0, kernel.rows))
    lanes.y[:], lanes.unit[:], lanes.origin[:], lanes.number[:] = np.concatenate(state)[:, None], UNITS, 0.7, 1.0
    memory = {**lanes._asdict(), "dt": np.array([1 / 128])}

    def call(name: str, arguments: str) -> None:
        kernel.code.functions[name](*(memory[argument].ctypes.data for argument in arguments.split()))

    call("coefficients", "p y t origin unit c h next_unit slope before")
    estimated, lanes.h[:] = lanes.h[0].copy(), 1 / 64
    call("sample", "c t unit number dt z")
    call("move", "c h unit y t slope")
    return lanes, estimated


def test_a_unit_of_time_scales_coefficients_by_powers_of_two_and_nothing_else() -> None:
    """Order k by unit^k to the last bit, with the time, functions and a rate that stands still; samples, states and slopes are the same."""
    equations = {"x": "10*(y - x) + sin(t)*exp(-x*x)", "y": "x/(1 + y*y) + sqrt(t)", "z": "3"}
    system = System(name="Scaled", equations=equations, initial={"x": 1.0, "y": 1.0, "z": 1.0})
    kernel = precise_flow_kernel(system.definition, 3, WIDTH, Target("native"))
    lanes, estimated = step_in_units(kernel, drawn(3, 0.5, 1.0, np.random.default_rng(10))[:3])
    orders = np.arange(kernel.rows)[:, None, None] % (kernel.order + 1)
    table = lanes.c.reshape(kernel.rows, kernel.words, WIDTH)
    moving = orders[:, 0, 0] < kernel.order  # the last row of all but the variables is not written
    assert np.array_equal(table[moving], (table[..., :1] * UNITS**orders)[moving])
    for rows in (lanes.z, lanes.y, lanes.t, lanes.slope):
        assert np.array_equal(rows, np.repeat(rows[:, :1], WIDTH, axis=1))
    assert np.allclose(estimated, estimated[0], rtol=2.0**-19, atol=0)  # lengths keep twenty bits
    assert np.array_equal(lanes.next_unit[0], 8 * 2.0 ** np.floor(np.log2(estimated)))
