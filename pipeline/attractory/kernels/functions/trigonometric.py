"""Sine, cosine and tangent: the angle less a multiple of pi/2, in two doubles, then polynomials on [-pi/4, pi/4]."""

from __future__ import annotations

import math
from dataclasses import dataclass

from attractory.kernels.functions.pieces import beyond, polynomial, polynomial_of_values, quotient, rarely, rounded, with_sign
from attractory.kernels.functions.polynomials import COS, SIN, TAN
from attractory.kernels.lanes import Lanes, Value

# pi/2 in parts of 53, 29 and 53 bits; n times the second is exact (Cody and Waite, Software Manual for the Elementary Functions, 1980).
_HALF_PI = (1.5707963267948966, 6.12323399409214e-17, 1.6446256936324258e-26)
_LARGEST = 2.6e7  # below 2**24 pi/2


@dataclass(frozen=True)
class _Angle:
    """x = n pi/2 + r - excess, |r| <= pi/4; n stands in the low bits of `quadrant`."""

    r: Value
    excess: Value
    quadrant: Value


def _reduced(lanes: Lanes, x: Value, low: Value | None = None) -> _Angle:
    """The angle x, or x + low where |low| is far below one."""
    n, shifted = rounded(lanes, x, 2 / math.pi)
    first = lanes.fma(n, lanes.constant(-_HALF_PI[0]), x)  # exact: a multiple of 2**-53 below one
    r = lanes.fma(n, lanes.constant(-_HALF_PI[1]), first)
    excess = lanes.fma(n, lanes.constant(_HALF_PI[1]), lanes.sub(r, first))  # exact: what the rounding of r has added
    excess = lanes.fma(n, lanes.constant(_HALF_PI[2]), excess)

    def remedy() -> list[Value]:
        return lanes.call("angle", [x], 3)

    r, excess, shifted = rarely(lanes, beyond(lanes, x, _LARGEST), [r, excess, shifted], remedy)
    if low is None:
        return _Angle(r, excess, shifted)
    r, lost = lanes.two_sum(r, low)
    return _Angle(r, lanes.sub(excess, lost), shifted)


def sin_cos(lanes: Lanes, x: Value, low: Value | None = None) -> tuple[Value, Value]:
    """(sine, cosine) of x, or of x + low; NaN for infinities."""
    angle = _reduced(lanes, x, low)
    r, z, w = _powers(lanes, angle)
    less = lanes.fma(lanes.mul(z, r), polynomial(lanes, z, SIN, w), angle.excess)
    more = lanes.fma(w, polynomial(lanes, z, COS, w), lanes.mul(r, angle.excess))
    # minus r^2/2 is added as a product, unrounded, so that the rounding of z does not count
    more = lanes.fma(lanes.mul(r, lanes.constant(-0.5)), r, more)
    own, other = lanes.sub(r, less), lanes.add(lanes.constant(1.0), more)
    even, turn = _even(lanes, angle), _turn(lanes, angle)
    sine, cosine = lanes.select(even, own, other), lanes.select(even, other, own)
    return with_sign(lanes, sine, turn), with_sign(lanes, cosine, lanes.integral("add", turn, lanes.integer(2**62)))


def sin(lanes: Lanes, x: Value, low: Value | None = None) -> Value:
    """The sine."""
    angle = _reduced(lanes, x, low)
    return with_sign(lanes, _sine_or_cosine(lanes, angle, _even(lanes, angle)), _turn(lanes, angle))


def cos(lanes: Lanes, x: Value, low: Value | None = None) -> Value:
    """The cosine."""
    angle = _reduced(lanes, x, low)
    value = _sine_or_cosine(lanes, angle, lanes.invert(_even(lanes, angle)))
    return with_sign(lanes, value, lanes.integral("add", _turn(lanes, angle), lanes.integer(2**62)))


def _sine_or_cosine(lanes: Lanes, angle: _Angle, is_sine: Value) -> Value:
    """Sine or cosine of an angle's rest, with the bits that `sin_cos` gives; choosing coefficients costs less than making both results."""
    r, z, w = _powers(lanes, angle)
    zero = lanes.constant(0.0)
    coefficients = [lanes.select(is_sine, lanes.constant(s), lanes.constant(-c)) for s, c in zip(SIN, COS, strict=True)]
    start = lanes.select(is_sine, angle.excess, lanes.fma(lanes.neg(r), angle.excess, zero))
    less = lanes.fma(lanes.select(is_sine, lanes.mul(z, r), w), polynomial_of_values(lanes, z, coefficients, w), start)
    less = lanes.fma(lanes.select(is_sine, zero, lanes.mul(r, lanes.constant(0.5))), r, less)
    return lanes.sub(lanes.select(is_sine, r, lanes.constant(1.0)), less)


def tan(lanes: Lanes, x: Value, low: Value | None = None) -> Value:
    """The tangent, 2 t / (1 - t^2) with t that of half the angle, or minus its reciprocal; both sides of the quotient in two doubles."""
    angle = _reduced(lanes, x, low)
    r, z, w = _powers(lanes, angle)
    less = lanes.fma(lanes.neg(lanes.mul(z, r)), polynomial(lanes, z, TAN, w), angle.excess)
    twice = lanes.sub(r, less)
    twice_low = lanes.sub(lanes.sub(r, twice), less)
    one, quarter = lanes.constant(1.0), lanes.mul(twice, lanes.constant(-0.25))
    rest = lanes.fma(quarter, twice, one)
    rest_low = lanes.fma(lanes.add(quarter, quarter), twice_low, lanes.fma(quarter, twice, lanes.sub(one, rest)))
    even = _even(lanes, angle)
    above, above_low = lanes.select(even, twice, rest), lanes.select(even, twice_low, rest_low)
    below, below_low = lanes.select(even, rest, twice), lanes.select(even, rest_low, twice_low)
    value, excess = quotient(lanes, (above, above_low), (below, below_low))
    return with_sign(lanes, lanes.sub(value, excess), lanes.integral("shl", lanes.bits(angle.quadrant), lanes.integer(63)))


def _powers(lanes: Lanes, angle: _Angle) -> tuple[Value, Value, Value]:
    z = lanes.mul(angle.r, angle.r)
    return angle.r, z, lanes.mul(z, z)


def _even(lanes: Lanes, angle: _Angle) -> Value:
    bit = lanes.integral("and", lanes.bits(angle.quadrant), lanes.integer(1))
    return lanes.compare_integers("eq", bit, lanes.integer(0))


def _turn(lanes: Lanes, angle: _Angle) -> Value:
    """The highest bit is set in the quadrants where the sine's sign turns, and that of its sum with 2**62 where the cosine's does."""
    return lanes.integral("shl", lanes.bits(angle.quadrant), lanes.integer(62))
