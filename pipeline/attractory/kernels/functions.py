"""Elementary functions on vectors, in IR of our own: the same bits on every machine, where a mathematics library promises none.

Each takes a `Lanes` and the argument's name and returns the result's name. Methods: argument reduction with constants in two or three parts
(Cody and Waite, Software Manual for the Elementary Functions, 1980) and truncated Taylor series long enough that the rest is below a tenth
of a unit in the last place; all coefficients are exact rationals rounded once. tests/kernels/test_functions.py measures the errors against
mpmath."""

from __future__ import annotations

import math
from collections.abc import Callable

from attractory.kernels.lanes import Lanes, Value

# 1.5 * 2**52: adding it rounds to the nearest integer, which then stands in the low bits of the sum.
_ROUND = 6755399441055744.0
_ROUND_BITS = 0x4338000000000000

# ln 2 in two parts; the first has 32 bits, so that n * LN2_HIGH is exact for every exponent n.
_LN2_HIGH = 6.93147180369123816490e-01
_LN2_LOW = 1.90821492927058770002e-10
# pi/2 in three parts of 53 bits each.
_HALF_PI = (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591833e-33)

_EXP = tuple(1 / math.factorial(k) for k in range(13, 1, -1))
_SIN = tuple((-1) ** k / math.factorial(2 * k + 1) for k in range(9, 0, -1))
_COS = tuple((-1) ** k / math.factorial(2 * k) for k in range(9, 1, -1))
_SINH = tuple(1 / math.factorial(2 * k + 1) for k in range(10, 0, -1))
_ATANH = tuple(2 / (2 * k + 1) for k in range(12, 0, -1))
_ATAN = tuple((-1) ** k / (2 * k + 1) for k in range(22, 0, -1))


def _rounded(lanes: Lanes, x: Value, factor: float) -> tuple[Value, Value]:
    """(the integer nearest to x * factor as a double, the same as bits that hold it modulo 2**51)."""
    shifted = lanes.fma(x, lanes.constant(factor), lanes.constant(_ROUND))
    return lanes.sub(shifted, lanes.constant(_ROUND)), lanes.integral("sub", lanes.bits(shifted), lanes.integer(_ROUND_BITS))


def _power_of_two(lanes: Lanes, exponent: Value) -> Value:
    """2**exponent for integers within the normal range."""
    return lanes.number(lanes.integral("shl", lanes.integral("add", exponent, lanes.integer(1023)), lanes.integer(52)))


def _keep_nan(lanes: Lanes, x: Value, result: Value) -> Value:
    return lanes.select(lanes.compare("uno", x, x), x, result)


def exp(lanes: Lanes, x: Value) -> Value:
    """e**x; overflows to infinity, underflows through the subnormal numbers to zero."""
    return _exp_sum(lanes, x, lanes.constant(0.0))


def _exp_sum(lanes: Lanes, x: Value, low: Value) -> Value:
    """e**(x + low) with |low| far below |x|."""
    clamped = lanes.intrinsic("minnum", lanes.intrinsic("maxnum", x, lanes.constant(-746.0)), lanes.constant(710.0))
    n, bits = _rounded(lanes, clamped, 1.4426950408889634)  # 1 / ln 2
    r = lanes.fma(n, lanes.constant(-_LN2_HIGH), clamped)
    tail = lanes.sub(low, lanes.mul(n, lanes.constant(_LN2_LOW)))
    s = lanes.add(r, tail)
    tail = lanes.add(lanes.sub(r, s), tail)
    square = lanes.mul(s, s)
    rest = lanes.add(lanes.fma(square, lanes.polynomial(s, _EXP), tail), s)
    mantissa = lanes.add(rest, lanes.constant(1.0))
    half = lanes.integral("ashr", bits, lanes.integer(1))  # in two factors: 2**1024 and 2**-1074 are no normal numbers
    scaled = lanes.mul(lanes.mul(mantissa, _power_of_two(lanes, half)), _power_of_two(lanes, lanes.integral("sub", bits, half)))
    scaled = lanes.select(lanes.compare("oeq", x, lanes.constant(-math.inf)), lanes.constant(0.0), scaled)
    return _keep_nan(lanes, x, scaled)


def _log_parts(lanes: Lanes, x: Value) -> tuple[Value, Value]:
    """(exponent, mantissa in [sqrt(1/2), sqrt(2))) of a positive finite x."""
    small = lanes.compare("olt", x, lanes.constant(2.2250738585072014e-308))
    normal = lanes.select(small, lanes.mul(x, lanes.constant(2.0**54)), x)
    # The offset makes the exponent's field change at sqrt(1/2) instead of at 1.
    shifted = lanes.integral("sub", lanes.bits(normal), lanes.integer(0x3FE6A09E667F3BCD))
    e = lanes.integral("ashr", shifted, lanes.integer(52))
    m = lanes.number(lanes.integral("sub", lanes.bits(normal), lanes.integral("shl", e, lanes.integer(52))))
    exponent = lanes.emit(f"sitofp {lanes.integers} {e} to {lanes.vector}")
    return lanes.sub(exponent, lanes.select(small, lanes.constant(54.0), lanes.constant(0.0))), m


def log(lanes: Lanes, x: Value) -> Value:
    """The natural logarithm; -infinity at zero, NaN below it."""
    e, m = _log_parts(lanes, x)
    f = lanes.sub(m, lanes.constant(1.0))
    s = lanes.div(f, lanes.add(f, lanes.constant(2.0)))
    z = lanes.mul(s, s)
    half = lanes.mul(lanes.mul(f, f), lanes.constant(0.5))
    # log(1 + f) = f - (f^2/2 - s (f^2/2 + R)), with R = sum 2 z^k / (2k + 1): the large part f is exact.
    series = lanes.mul(z, lanes.polynomial(z, _ATANH))
    inner = lanes.fma(s, lanes.add(half, series), lanes.mul(e, lanes.constant(_LN2_LOW)))
    value = lanes.fma(e, lanes.constant(_LN2_HIGH), lanes.sub(f, lanes.sub(half, inner)))
    value = lanes.select(lanes.compare("oeq", x, lanes.constant(math.inf)), x, value)
    value = lanes.select(lanes.compare("oeq", x, lanes.constant(0.0)), lanes.constant(-math.inf), value)
    value = lanes.select(lanes.compare("olt", x, lanes.constant(0.0)), lanes.constant(math.nan), value)
    return _keep_nan(lanes, x, value)


def log10(lanes: Lanes, x: Value) -> Value:
    """The logarithm to base ten."""
    natural = log(lanes, x)
    # 1/ln 10 in two parts.
    return lanes.fma(natural, lanes.constant(0.4342944819032518), lanes.mul(natural, lanes.constant(1.098319650216765e-17)))


def _reduced(lanes: Lanes, x: Value) -> tuple[Value, Value, Value]:
    """(r, low, n): x = n pi/2 + r + low with |r| <= pi/4; good to the last bit for |x| < 2**51."""
    n, bits = _rounded(lanes, x, 2 / math.pi)
    first = lanes.fma(n, lanes.constant(-_HALF_PI[0]), x)  # exact: a multiple of 2**-52 below one
    product = lanes.mul(n, lanes.constant(_HALF_PI[1]))
    error = lanes.fma(n, lanes.constant(_HALF_PI[1]), lanes.neg(product))
    r = lanes.sub(first, product)
    back = lanes.sub(first, r)  # two-sum: what the subtraction lost
    low = lanes.sub(lanes.sub(back, product), lanes.add(error, lanes.mul(n, lanes.constant(_HALF_PI[2]))))
    low = lanes.add(low, lanes.sub(first, lanes.add(r, back)))
    return r, low, bits


def sin_cos(lanes: Lanes, x: Value) -> tuple[Value, Value]:
    """(sine, cosine); NaN for infinities."""
    r, low, n = _reduced(lanes, x)
    z = lanes.mul(r, r)
    cube = lanes.mul(z, r)
    correction = lanes.fma(lanes.mul(z, lanes.constant(-0.5)), low, low)
    sine = lanes.add(r, lanes.fma(cube, lanes.polynomial(z, _SIN), correction))
    half = lanes.mul(z, lanes.constant(0.5))
    top = lanes.sub(lanes.constant(1.0), half)
    lost = lanes.sub(lanes.sub(lanes.constant(1.0), top), half)
    rest = lanes.fma(lanes.mul(z, z), lanes.polynomial(z, _COS), lanes.sub(lost, lanes.mul(r, low)))
    cosine = lanes.add(top, rest)
    one = lanes.integer(1)
    swapped = lanes.compare_integers("eq", lanes.integral("and", n, one), one)
    sine, cosine = lanes.select(swapped, cosine, sine), lanes.select(swapped, sine, cosine)
    return _signed(lanes, sine, n), _signed(lanes, cosine, lanes.integral("add", n, one))


def _signed(lanes: Lanes, value: Value, quadrant: Value) -> Value:
    """The value with its sign turned in quadrants 2 and 3."""
    turned = lanes.integral("shl", lanes.integral("and", quadrant, lanes.integer(2)), lanes.integer(62))
    return lanes.number(lanes.integral("xor", lanes.bits(value), turned))


def sin(lanes: Lanes, x: Value) -> Value:
    """The sine."""
    return sin_cos(lanes, x)[0]


def cos(lanes: Lanes, x: Value) -> Value:
    """The cosine."""
    return sin_cos(lanes, x)[1]


def tan(lanes: Lanes, x: Value) -> Value:
    """The tangent."""
    sine, cosine = sin_cos(lanes, x)
    return lanes.div(sine, cosine)


def atan(lanes: Lanes, x: Value) -> Value:
    """The arc tangent, by reduction to |t| <= tan(pi/8)."""
    size = lanes.intrinsic("fabs", x)
    large = lanes.compare("ogt", size, lanes.constant(2.414213562373095))
    middle = lanes.compare("ogt", size, lanes.constant(0.41421356237309503))
    one = lanes.constant(1.0)
    above = lanes.select(large, lanes.constant(-1.0), lanes.select(middle, lanes.sub(size, one), size))
    below = lanes.select(large, size, lanes.select(middle, lanes.add(size, one), one))
    t = lanes.div(above, below)
    zero = lanes.constant(0.0)
    base = lanes.select(large, lanes.constant(math.pi / 2), lanes.select(middle, lanes.constant(math.pi / 4), zero))
    low = lanes.select(large, lanes.constant(_HALF_PI[1]), lanes.select(middle, lanes.constant(_HALF_PI[1] / 2), zero))
    z = lanes.mul(t, t)
    rest = lanes.add(lanes.fma(lanes.mul(z, t), lanes.polynomial(z, _ATAN), low), t)
    return _keep_nan(lanes, x, lanes.intrinsic("copysign", lanes.add(base, rest), x))


def _complement(lanes: Lanes, x: Value) -> tuple[Value, Value]:
    one = lanes.constant(1.0)
    return lanes.sub(one, x), lanes.add(one, x)


def asin(lanes: Lanes, x: Value) -> Value:
    """The arc sine; NaN outside [-1, 1]."""
    below, above = _complement(lanes, x)
    return atan(lanes, lanes.div(x, lanes.intrinsic("sqrt", lanes.mul(below, above))))


def acos(lanes: Lanes, x: Value) -> Value:
    """The arc cosine; NaN outside [-1, 1]."""
    below, above = _complement(lanes, x)
    half = atan(lanes, lanes.intrinsic("sqrt", lanes.div(below, above)))
    return lanes.add(half, half)


def atan2(lanes: Lanes, y: Value, x: Value) -> Value:
    """The angle of the point (x, y), in (-pi, pi]; 0 at the origin."""
    zero = lanes.constant(0.0)
    size = atan(lanes, lanes.div(lanes.intrinsic("fabs", y), lanes.intrinsic("fabs", x)))
    # pi - size, with the low part of pi
    left = lanes.add(lanes.sub(lanes.constant(math.pi), size), lanes.constant(2 * _HALF_PI[1]))
    angle = lanes.select(lanes.compare("olt", x, zero), left, size)
    origin = lanes.logic("and", lanes.compare("oeq", x, zero), lanes.compare("oeq", y, zero))
    return lanes.intrinsic("copysign", lanes.select(origin, zero, angle), y)


def sinh(lanes: Lanes, x: Value) -> Value:
    """The hyperbolic sine; by its series where |x| < 1, else from the exponential function."""
    size = lanes.intrinsic("fabs", x)
    large = exp(lanes, size)
    half = lanes.constant(0.5)
    far = lanes.sub(lanes.mul(large, half), lanes.div(half, large))
    far = lanes.intrinsic("copysign", far, x)
    return lanes.select(lanes.compare("olt", size, lanes.constant(1.0)), _sinh_series(lanes, x), far)


def _sinh_series(lanes: Lanes, x: Value) -> Value:
    z = lanes.mul(x, x)
    return lanes.fma(lanes.mul(z, x), lanes.polynomial(z, _SINH), x)


def cosh(lanes: Lanes, x: Value) -> Value:
    """The hyperbolic cosine."""
    large = exp(lanes, lanes.intrinsic("fabs", x))
    half = lanes.constant(0.5)
    return lanes.add(lanes.mul(large, half), lanes.div(half, large))


def tanh(lanes: Lanes, x: Value) -> Value:
    """The hyperbolic tangent; sinh over cosh where |x| < 1, else 1 - 2/(e**(2|x|) + 1)."""
    size = lanes.intrinsic("fabs", x)
    near = lanes.div(_sinh_series(lanes, x), cosh(lanes, x))
    doubled = exp(lanes, lanes.add(size, size))
    one = lanes.constant(1.0)
    far = lanes.sub(one, lanes.div(lanes.constant(2.0), lanes.add(doubled, one)))
    far = lanes.intrinsic("copysign", far, x)
    return lanes.select(lanes.compare("olt", size, one), near, far)


def power(lanes: Lanes, x: Value, exponent: Value) -> Value:
    """x**exponent for x >= 0 as e**(exponent log x), the logarithm corrected by one Newton step; NaN for x < 0."""
    high = log(lanes, x)
    low = lanes.sub(lanes.mul(x, exp(lanes, lanes.neg(high))), lanes.constant(1.0))
    product = lanes.mul(exponent, high)
    lost = lanes.fma(exponent, high, lanes.neg(product))
    value = _exp_sum(lanes, product, lanes.fma(exponent, low, lost))
    zero = lanes.constant(0.0)
    at_zero = lanes.select(lanes.compare("ogt", exponent, zero), zero, lanes.constant(math.inf))
    value = lanes.select(lanes.compare("oeq", x, zero), at_zero, value)
    return lanes.select(lanes.compare("oeq", exponent, zero), lanes.constant(1.0), value)


UNARY: dict[str, Callable[[Lanes, Value], Value]] = {
    "exp": exp, "log": log, "log10": log10, "sin": sin, "cos": cos, "tan": tan, "asin": asin, "acos": acos, "atan": atan,
    "sinh": sinh, "cosh": cosh, "tanh": tanh,
}  # fmt: skip
