"""Sine, cosine and tangent: the angle less a multiple of pi/2, in two doubles, then polynomials on [-pi/4, pi/4]."""

from __future__ import annotations

import math
from dataclasses import dataclass

from attractory.kernels.functions.pieces import beyond, polynomial, quotient, rarely, rounded, with_sign
from attractory.kernels.functions.polynomials import COS, SIN
from attractory.kernels.lanes import Lanes, Value

# pi/2 in three parts of 53, 29 and 53 bits (Cody and Waite, Software Manual for the Elementary Functions, 1980): n times the second is exact.
_HALF_PI = (1.5707963267948966, 6.12323399409214e-17, 1.6446256936324258e-26)
_LARGEST = 2.6e7  # below 2**24 pi/2


@dataclass(frozen=True)
class _Angle:
    """x = n pi/2 + r - excess, |r| <= pi/4; n stands in the low bits of `quadrant`."""

    r: Value
    excess: Value
    quadrant: Value


@dataclass(frozen=True)
class _Parts:
    """Sine and cosine of the rest of an angle before the last sum: r - less and top + more."""

    less: Value
    sine: Value
    top: Value
    more: Value
    cosine: Value


def _reduced(lanes: Lanes, x: Value) -> _Angle:
    n, shifted = rounded(lanes, x, 2 / math.pi)
    first = lanes.fma(n, lanes.constant(-_HALF_PI[0]), x)  # exact: a multiple of 2**-53 below one
    r = lanes.fma(n, lanes.constant(-_HALF_PI[1]), first)
    excess = lanes.fma(n, lanes.constant(_HALF_PI[1]), lanes.sub(r, first))  # exact: what the rounding of r has added
    excess = lanes.fma(n, lanes.constant(_HALF_PI[2]), excess)

    def remedy() -> list[Value]:
        return lanes.call("angle", [x], 3)

    return _Angle(*rarely(lanes, beyond(lanes, x, _LARGEST), [r, excess, shifted], remedy))


def _parts(lanes: Lanes, angle: _Angle) -> _Parts:
    r, one = angle.r, lanes.constant(1.0)
    z = lanes.mul(r, r)
    w = lanes.mul(z, z)
    # cos r = 1 - r^2/2 + z^2 C: minus r^2/2 is added as a product, unrounded, so that z's rounding does not count
    half = lanes.mul(r, lanes.constant(-0.5))
    top = lanes.fma(half, r, one)
    lost = lanes.fma(half, r, lanes.sub(one, top))
    more = lanes.fma(w, polynomial(lanes, z, COS, w), lanes.fma(r, angle.excess, lost))
    less = lanes.fma(lanes.mul(z, r), polynomial(lanes, z, SIN, w), lanes.mul(angle.excess, top))
    return _Parts(less, lanes.sub(r, less), top, more, lanes.add(top, more))


def sin_cos(lanes: Lanes, x: Value) -> tuple[Value, Value]:
    """(sine, cosine); NaN for infinities."""
    angle = _reduced(lanes, x)
    parts = _parts(lanes, angle)
    odd, turn = _odd(lanes, angle), lanes.integral("shl", lanes.bits(angle.quadrant), lanes.integer(62))
    sine = lanes.select(odd, parts.cosine, parts.sine)
    cosine = lanes.select(odd, parts.sine, parts.cosine)
    return with_sign(lanes, sine, turn), with_sign(lanes, cosine, lanes.integral("add", turn, lanes.integer(2**62)))


def _odd(lanes: Lanes, angle: _Angle) -> Value:
    bit = lanes.integral("and", lanes.bits(angle.quadrant), lanes.integer(1))
    return lanes.compare_integers("ne", bit, lanes.integer(0))


def sin(lanes: Lanes, x: Value) -> Value:
    """The sine."""
    return sin_cos(lanes, x)[0]


def cos(lanes: Lanes, x: Value) -> Value:
    """The cosine."""
    return sin_cos(lanes, x)[1]


def tan(lanes: Lanes, x: Value) -> Value:
    """The tangent: sine over cosine, both in two doubles."""
    angle = _reduced(lanes, x)
    parts = _parts(lanes, angle)
    sine = parts.sine, lanes.sub(lanes.sub(angle.r, parts.sine), parts.less)
    cosine = parts.cosine, lanes.add(lanes.sub(parts.top, parts.cosine), parts.more)
    odd = _odd(lanes, angle)
    above = [lanes.select(odd, c, s) for s, c in zip(sine, cosine, strict=True)]
    below = [lanes.select(odd, s, c) for s, c in zip(sine, cosine, strict=True)]
    value, excess = quotient(lanes, (above[0], above[1]), (below[0], below[1]))
    return with_sign(lanes, lanes.sub(value, excess), lanes.integral("shl", lanes.bits(angle.quadrant), lanes.integer(63)))
