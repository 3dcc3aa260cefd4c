"""Powers with real exponents: the logarithm to 66 bits in two doubles, times the exponent, then the exponential of the sum."""

from __future__ import annotations

import math

from attractory.kernels.functions.exponential import exp_parts, far_exp
from attractory.kernels.functions.logarithm import LN2, Mantissa, grown, mantissa, unusual
from attractory.kernels.functions.pieces import beyond, chosen, ordered_sum, polynomial, quotient, rarely, scaled
from attractory.kernels.functions.polynomials import LOG_LATE
from attractory.kernels.lanes import Lanes, Value

_TWO_THIRDS = (0.6666666666666666, 3.700743415417188e-17)
_USUAL = 700.0


def _log(lanes: Lanes, parts: Mantissa) -> tuple[Value, Value]:
    """log x in two doubles: 2 s + (2/3 + z L) s^3 + e log 2 with s = f / (2 + f) and z = s^2; all but L in two doubles."""
    two = lanes.constant(2.0)
    below = lanes.add(parts.f, two)
    s, excess = quotient(lanes, (parts.f, None), (below, lanes.sub(parts.f, lanes.sub(below, two))))
    z = lanes.mul(s, s)
    twice = lanes.add(excess, excess)
    z_low = lanes.fma(lanes.neg(s), twice, lanes.fma(s, s, lanes.neg(z)))
    factor, factor_low = _factor(lanes, z)
    cube = lanes.mul(z, s)
    cube_low = lanes.fma(z_low, s, lanes.fma(z, s, lanes.neg(cube)))
    cube_low = lanes.fma(lanes.neg(z), excess, cube_low)
    term = lanes.mul(cube, factor)
    term_low = lanes.fma(cube, factor, lanes.neg(term))
    term_low = lanes.fma(cube_low, factor, lanes.fma(cube, factor_low, term_low))
    high, low = ordered_sum(lanes, lanes.mul(parts.e, lanes.constant(LN2[0])), lanes.add(s, s))
    high, lost = ordered_sum(lanes, high, term)
    low = lanes.add(lanes.add(low, lost), lanes.fma(parts.e, lanes.constant(LN2[1]), term_low))
    return ordered_sum(lanes, high, lanes.sub(low, twice))


def _factor(lanes: Lanes, z: Value) -> tuple[Value, Value]:
    """2/3 + z L in two doubles."""
    late = polynomial(lanes, z, LOG_LATE, lanes.mul(z, z))
    high = lanes.fma(z, late, lanes.constant(_TWO_THIRDS[0]))
    low = lanes.fma(z, late, lanes.sub(lanes.constant(_TWO_THIRDS[0]), high))
    return high, lanes.add(low, lanes.constant(_TWO_THIRDS[1]))


def _product(lanes: Lanes, parts: Mantissa, exponent: Value) -> tuple[Value, Value]:
    """exponent * log x in two doubles."""
    high, low = _log(lanes, parts)
    product = lanes.mul(exponent, high)
    return product, lanes.fma(exponent, low, lanes.fma(exponent, high, lanes.neg(product)))


def power(lanes: Lanes, x: Value, exponent: Value) -> Value:
    """x**exponent with all of IEEE 754's special cases: a negative x has powers with integer exponents only, others are NaN."""
    product, low = _product(lanes, mantissa(lanes, x), exponent)
    value, shifted = exp_parts(lanes, product, low)
    rare = lanes.logic("or", unusual(lanes, x), beyond(lanes, product, _USUAL))
    return rarely(lanes, rare, [scaled(lanes, value, shifted)], lambda: [_any_power(lanes, x, exponent)])[0]


def _any_power(lanes: Lanes, x: Value, exponent: Value) -> Value:
    zero, one, infinite = (lanes.constant(number) for number in (0.0, 1.0, math.inf))
    size, endless = lanes.intrinsic("fabs", x), _is_infinite(lanes, exponent)
    growing = lanes.logic("xor", lanes.compare("olt", size, one), lanes.compare("ogt", exponent, zero))
    extreme = _either(lanes, lanes.compare("oeq", size, zero), lanes.compare("oeq", size, infinite), endless)
    value = lanes.select(extreme, lanes.select(growing, infinite, zero), _size(lanes, size, exponent))
    whole, odd = _whole(lanes, exponent)
    value = lanes.select(odd, lanes.intrinsic("copysign", value, x), value)
    negative = lanes.logic("and", lanes.compare("olt", x, zero), lanes.compare("ogt", x, lanes.constant(-math.inf)))
    outside = lanes.logic("and", negative, lanes.invert(whole))
    level = lanes.logic("and", lanes.compare("oeq", size, one), endless)
    is_one = _either(lanes, lanes.compare("oeq", exponent, zero), lanes.compare("oeq", x, one), level)
    unknown = lanes.compare("uno", x, exponent)
    return chosen(lanes, [(is_one, one), (unknown, lanes.add(x, exponent)), (outside, lanes.constant(math.nan))], value)


def _is_infinite(lanes: Lanes, x: Value) -> Value:
    return lanes.compare("oeq", lanes.intrinsic("fabs", x), lanes.constant(math.inf))


def _either(lanes: Lanes, first: Value, second: Value, third: Value) -> Value:
    return lanes.logic("or", lanes.logic("or", first, second), third)


def _size(lanes: Lanes, size: Value, exponent: Value) -> Value:
    """size**exponent for positive finite numbers, subnormal ones and results included."""
    small = lanes.compare("olt", size, lanes.constant(2.0**-1022))
    parts = mantissa(lanes, lanes.select(small, grown(lanes, size), size))
    e = lanes.select(small, lanes.sub(parts.e, lanes.constant(54.0)), parts.e)
    product, low = _product(lanes, Mantissa(e, parts.f), exponent)
    value, shifted = exp_parts(lanes, product, low)
    return far_exp(lanes, product, value, shifted)


def _whole(lanes: Lanes, x: Value) -> tuple[Value, Value]:
    """(x is an integer or infinite, x is an odd integer)."""
    half = lanes.mul(x, lanes.constant(0.5))
    whole = lanes.compare("oeq", lanes.intrinsic("floor", x), x)
    return whole, lanes.logic("and", whole, lanes.compare("one", lanes.intrinsic("floor", half), half))
