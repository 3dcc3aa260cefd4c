"""Logarithms: the exponent apart, then a series in s = f / (2 + f) for a mantissa 1 + f between sqrt(1/2) and sqrt(2)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from attractory.kernels.functions.pieces import chosen, ordered_sum, polynomial, rarely
from attractory.kernels.functions.polynomials import LOG
from attractory.kernels.lanes import Lanes, Value

# Logarithms of 2 in two parts; the first has 32 bits, so that its product with every exponent is exact.
LN2 = (0.6931471803691238, 1.9082149292705877e-10)
_LOG10_2 = (0.3010299955494702, 1.1451100898021838e-10)
_INVERSE_LN10 = (0.4342944819032518, 1.098319650216765e-17)  # 1 / ln 10 in two parts

_SMALLEST = 0x0010000000000000  # bits of the smallest normal number
_INFINITE = 0x7FF0000000000000
_ROOT_HALF = 0x3FE6A09E667F3BCD


@dataclass(frozen=True)
class Mantissa:
    """x = 2**e (1 + f), sqrt(1/2) <= 1 + f < sqrt(2)."""

    e: Value
    f: Value


def mantissa(lanes: Lanes, x: Value, offset: float = 0.0) -> Mantissa:
    """Of a normal positive x; the offset is added to the exponent."""
    # The exponent's field changes at sqrt(1/2) instead of at 1; it becomes a double as the low bits of 2**52.
    moved = lanes.integral("add", lanes.bits(x), lanes.integer(0x3FF0000000000000 - _ROOT_HALF))
    field = lanes.integral("or", lanes.integral("lshr", moved, lanes.integer(52)), lanes.integer(0x4330000000000000))
    e = lanes.sub(lanes.number(field), lanes.constant(2.0**52 + 1023 - offset))
    fraction = lanes.integral("and", moved, lanes.integer(2**52 - 1))
    m = lanes.number(lanes.integral("add", fraction, lanes.integer(_ROOT_HALF)))
    return Mantissa(e, lanes.sub(m, lanes.constant(1.0)))


def _rest(lanes: Lanes, f: Value, scale: tuple[float, float], more: Value) -> Value:
    """f - log(1 + f) - more, times a scale in two parts, all but f's own product with the first."""
    s = lanes.div(f, lanes.add(f, lanes.constant(2.0)))
    z = lanes.mul(s, s)
    # log(1 + f) = f - (f^2/2 - s (f^2/2 + z L)); the scale's second part times f, a part in 2**54 of it, goes where f^2 goes
    half = lanes.fma(f, lanes.constant(scale[0] / 2), lanes.constant(-scale[1])) if scale[1] else lanes.mul(f, lanes.constant(scale[0] / 2))
    series = polynomial(lanes, z, [scale[0] * coefficient for coefficient in LOG], lanes.mul(z, z))
    inner = lanes.fma(z, series, lanes.mul(half, f))
    return lanes.fma(half, f, lanes.neg(lanes.fma(s, inner, more)))


def unusual(lanes: Lanes, x: Value) -> Value:
    """Where x is not a positive normal number."""
    return lanes.compare_integers(
        "uge", lanes.integral("sub", lanes.bits(x), lanes.integer(_SMALLEST)), lanes.integer(_INFINITE - _SMALLEST)
    )


def grown(lanes: Lanes, x: Value) -> Value:
    """2**54 x, normal where x is subnormal."""
    return lanes.mul(x, lanes.constant(2.0**54))


def _at_the_ends(lanes: Lanes, x: Value, subnormal: Value) -> Value:
    infinite, zero = lanes.constant(math.inf), lanes.constant(0.0)
    cases = [
        (lanes.compare("oeq", x, infinite), x),
        (lanes.compare("oeq", x, zero), lanes.constant(-math.inf)),
        (lanes.compare("olt", x, zero), lanes.constant(math.nan)),
        (lanes.compare("uno", x, x), x),
    ]
    return chosen(lanes, cases, subnormal)


def log(lanes: Lanes, x: Value) -> Value:
    """The natural logarithm; -infinity at zero, NaN below it."""

    def remedy() -> list[Value]:
        return [_at_the_ends(lanes, x, _log(lanes, mantissa(lanes, grown(lanes, x), -54.0)))]

    return rarely(lanes, unusual(lanes, x), [_log(lanes, mantissa(lanes, x))], remedy)[0]


def _log(lanes: Lanes, parts: Mantissa) -> Value:
    rest = _rest(lanes, parts.f, (1.0, 0.0), lanes.mul(parts.e, lanes.constant(LN2[1])))
    high, low = ordered_sum(lanes, lanes.mul(parts.e, lanes.constant(LN2[0])), parts.f)
    return lanes.add(high, lanes.sub(low, rest))


def log10(lanes: Lanes, x: Value) -> Value:
    """The logarithm to base ten."""

    def remedy() -> list[Value]:
        return [_at_the_ends(lanes, x, _log10(lanes, mantissa(lanes, grown(lanes, x), -54.0)))]

    return rarely(lanes, unusual(lanes, x), [_log10(lanes, mantissa(lanes, x))], remedy)[0]


def _log10(lanes: Lanes, parts: Mantissa) -> Value:
    factor = lanes.constant(_INVERSE_LN10[0])
    rest = _rest(lanes, parts.f, _INVERSE_LN10, lanes.mul(parts.e, lanes.constant(_LOG10_2[1])))
    product = lanes.mul(parts.f, factor)
    lost = lanes.fma(parts.f, factor, lanes.neg(product))
    high, low = ordered_sum(lanes, lanes.mul(parts.e, lanes.constant(_LOG10_2[0])), product)
    return lanes.add(high, lanes.sub(lanes.add(low, lost), rest))
