"""The exponential and the hyperbolic functions: the argument less a multiple of ln 2, in two doubles, then polynomials."""

from __future__ import annotations

import math
from dataclasses import dataclass

from attractory.kernels.functions.pieces import beyond, chosen, ordered_sum, polynomial, quotient, rarely, rounded, scaled, scaled_far
from attractory.kernels.functions.polynomials import COSH, EXP, SINH
from attractory.kernels.lanes import Lanes, Value

_LN2 = (0.6931471805599453, 2.3190468138462996e-17)  # in two parts
_USUAL = 700.0  # up to here 2**n, 2**(n+1) and their reciprocals are normal numbers


@dataclass(frozen=True)
class Reduced:
    """x = n ln 2 + s + tail, |s| <= ln(2)/2; n stands in the low bits of `shifted`."""

    n: Value
    shifted: Value
    s: Value
    tail: Value


@dataclass(frozen=True)
class _Power:
    """e**x = 2**n (high + low), high the rounded 1 + s."""

    reduced: Reduced
    high: Value
    low: Value


def _reduced(lanes: Lanes, x: Value, low: Value | None) -> Reduced:
    n, shifted = rounded(lanes, x, 1 / math.log(2))
    r = lanes.fma(n, lanes.constant(-_LN2[0]), x)  # exact: a multiple of 2**-54 below one half
    if low is None:
        less = lanes.mul(n, lanes.constant(-_LN2[1]))
    else:
        less = lanes.fma(n, lanes.constant(-_LN2[1]), low)
    return Reduced(n, shifted, *ordered_sum(lanes, r, less))


def _power(lanes: Lanes, x: Value, low: Value | None = None) -> _Power:
    reduced = _reduced(lanes, x, low)
    s = reduced.s
    square = lanes.mul(s, s)
    high, lost = ordered_sum(lanes, lanes.constant(1.0), s)
    return _Power(reduced, high, lanes.add(lost, lanes.fma(square, polynomial(lanes, s, EXP, square), reduced.tail)))


def exp_parts(lanes: Lanes, x: Value, low: Value | None) -> tuple[Value, Value]:
    """e**(x + low) 2**-n with |low| far below |x|, and a double in whose low bits n stands."""
    power = _power(lanes, x, low)
    return lanes.add(power.high, power.low), power.reduced.shifted


def exp(lanes: Lanes, x: Value, low: Value | None = None) -> Value:
    """e**x, or e**(x + low); overflows to infinity, underflows through the subnormal numbers to zero."""
    value, shifted = exp_parts(lanes, x, low)
    return rarely(lanes, beyond(lanes, x, _USUAL), [scaled(lanes, value, shifted)], lambda: [far_exp(lanes, x, value, shifted)])[0]


def far_exp(lanes: Lanes, x: Value, value: Value, shifted: Value) -> Value:
    """e**x from its parts for any x: infinite, subnormal, zero."""
    above = lanes.compare("ogt", x, lanes.constant(709.782712893384))  # the largest whose exponential is finite
    below = lanes.compare("olt", x, lanes.constant(-745.1332191019412))  # the smallest whose exponential is not zero
    cases = [(above, lanes.constant(math.inf)), (below, lanes.constant(0.0)), (lanes.compare("uno", x, x), x)]
    return chosen(lanes, cases, scaled_far(lanes, value, shifted))


def _half_exp(lanes: Lanes, size: Value) -> Value:
    """e**size / 2 for a large size, what the hyperbolic functions are there; infinite only where that is."""
    power = _power(lanes, size)
    value = scaled_far(lanes, lanes.add(power.high, power.low), power.reduced.shifted, -1)
    above = lanes.compare("ogt", size, lanes.constant(710.4758600739439))  # the largest whose hyperbolic cosine is finite
    return chosen(lanes, [(above, lanes.constant(math.inf)), (lanes.compare("uno", size, size), size)], value)


@dataclass(frozen=True)
class _Hyperbolic:
    """cosh r = 1 + even and sinh r = s + odd for size = n ln 2 + r; p = 2**(n-1) and q = 2**(-n-1)."""

    p: Value
    q: Value
    s: Value
    even: Value
    odd: Value


def _hyperbolic(lanes: Lanes, size: Value) -> _Hyperbolic:
    reduced = _reduced(lanes, size, None)
    s = reduced.s
    step = lanes.integral("shl", lanes.bits(reduced.shifted), lanes.integer(52))
    middle = lanes.integer(1022 * 2**52)  # the bits of one half
    p, q = (lanes.number(lanes.integral(sign, middle, step)) for sign in ("add", "sub"))
    z = lanes.mul(s, s)
    w = lanes.mul(z, z)
    odd = lanes.fma(lanes.mul(z, s), polynomial(lanes, z, SINH, w), reduced.tail)
    # s^2/2 is added as a product, unrounded
    even = lanes.fma(lanes.mul(s, lanes.constant(0.5)), s, lanes.mul(w, polynomial(lanes, z, COSH, w)))
    return _Hyperbolic(p, q, s, even, odd)


def _combined(lanes: Lanes, parts: _Hyperbolic, own: tuple[Value, Value], other: Value) -> Value:
    """own cosh r + other sinh r, own in two doubles and at least the other or zero."""
    high = lanes.fma(other, parts.s, own[0])
    low = lanes.add(lanes.fma(other, parts.s, lanes.sub(own[0], high)), own[1])
    return lanes.add(high, lanes.fma(own[0], parts.even, lanes.fma(other, parts.odd, low)))


def cosh(lanes: Lanes, x: Value) -> Value:
    """The hyperbolic cosine, (p + q) cosh r + (p - q) sinh r."""
    size = lanes.intrinsic("fabs", x)
    parts = _hyperbolic(lanes, size)
    value = _combined(lanes, parts, ordered_sum(lanes, parts.p, parts.q), lanes.sub(parts.p, parts.q))
    return rarely(lanes, beyond(lanes, size, _USUAL), [value], lambda: [_half_exp(lanes, size)])[0]


def sinh(lanes: Lanes, x: Value) -> Value:
    """The hyperbolic sine, (p - q) cosh r + (p + q) sinh r."""
    size = lanes.intrinsic("fabs", x)
    parts = _hyperbolic(lanes, size)
    value = _combined(lanes, parts, ordered_sum(lanes, parts.p, lanes.neg(parts.q)), lanes.add(parts.p, parts.q))
    value = rarely(lanes, beyond(lanes, size, _USUAL), [value], lambda: [_half_exp(lanes, size)])[0]
    return lanes.intrinsic("copysign", value, x)


def tanh(lanes: Lanes, x: Value) -> Value:
    """The hyperbolic tangent, (E - 1) / (E + 1) with E = e**(2 |x|), both in two doubles."""
    size = lanes.intrinsic("fabs", x)
    flat, one, two = lanes.constant(22.0), lanes.constant(1.0), lanes.constant(2.0)
    size = lanes.select(lanes.compare("ogt", size, flat), flat, size)  # the tangent is one from here on
    reduced = _reduced(lanes, lanes.add(size, size), None)
    s = reduced.s
    square = lanes.mul(s, s)
    # e^s - 1 - s, the leading s^2/2 added as a product, unrounded
    rest = lanes.fma(lanes.mul(square, s), polynomial(lanes, s, EXP[1:], square), reduced.tail)
    rest = lanes.fma(lanes.mul(s, lanes.constant(EXP[0])), s, rest)
    p = scaled(lanes, one, reduced.shifted)
    less = lanes.sub(p, one)
    high = lanes.fma(p, s, less)
    low = lanes.fma(p, rest, lanes.fma(p, s, lanes.sub(less, high)))
    above, above_low = ordered_sum(lanes, high, low)
    below = lanes.add(above, two)
    larger = lanes.compare("ogt", above, two)
    below_low = lanes.add(lanes.sub(lanes.select(larger, above, two), below), lanes.select(larger, two, above))
    value, excess = quotient(lanes, (above, above_low), (below, lanes.add(below_low, above_low)))
    return lanes.intrinsic("copysign", lanes.sub(value, excess), x)
