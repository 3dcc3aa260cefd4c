"""Inverse trigonometric functions: the argument brought near zero by an addition theorem, then a polynomial; sums in two doubles."""

from __future__ import annotations

from attractory.kernels.functions.pieces import SIGN, chosen, ordered_sum, polynomial, quotient, rarely
from attractory.kernels.functions.polynomials import ASIN, ATAN
from attractory.kernels.lanes import Lanes, Value

# Multiples of pi in two doubles.
_QUARTER = (0.7853981633974483, 3.061616997868383e-17)
_HALF = (1.5707963267948966, 6.123233995736766e-17)
_THREE_QUARTERS = (2.356194490192345, 9.184850993605148e-17)
_WHOLE = (3.141592653589793, 1.2246467991473532e-16)

_TAN_PI_8 = 0.41421356237309503
_TAN_3PI_8 = 2.414213562373095


def _turned(lanes: Lanes, base: tuple[Value, Value], tangent: tuple[Value, Value]) -> Value:
    """base + atan(t - excess), the base in two doubles, |t| <= tan(pi/8) and at most the base where that is not zero."""
    t, excess = tangent
    z = lanes.mul(t, t)
    less = lanes.fma(lanes.mul(z, t), polynomial(lanes, z, ATAN, lanes.mul(z, z)), excess)
    high, low = ordered_sum(lanes, base[0], t)
    return lanes.add(high, lanes.sub(lanes.add(low, base[1]), less))


def atan(lanes: Lanes, x: Value) -> Value:
    """The arc tangent: of x, of (x - 1)/(x + 1) and a quarter, or of -1/x and a half of pi."""
    one, zero, huge = lanes.constant(1.0), lanes.constant(0.0), lanes.constant(2.0**60)
    size = lanes.intrinsic("fabs", x)
    size = lanes.select(lanes.compare("ogt", size, huge), huge, size)  # a half of pi from long before
    large = lanes.compare("ogt", size, lanes.constant(_TAN_3PI_8))
    middle = lanes.compare("ogt", size, lanes.constant(_TAN_PI_8))
    less, more = lanes.sub(size, one), lanes.add(size, one)
    middle_only = (
        [(large, zero), (middle, lanes.sub(size, lanes.add(less, one)))],
        [(large, zero), (middle, lanes.sub(size, lanes.sub(more, one)))],
    )
    above = chosen(lanes, [(large, lanes.constant(-1.0)), (middle, less)], size)
    below = chosen(lanes, [(large, size), (middle, more)], one)
    above_low, below_low = (chosen(lanes, cases, zero) for cases in middle_only)
    base, base_low = (
        chosen(lanes, [(large, lanes.constant(_HALF[part])), (middle, lanes.constant(_QUARTER[part]))], zero) for part in (0, 1)
    )
    tangent = quotient(lanes, (above, above_low), (below, below_low))
    return lanes.intrinsic("copysign", _turned(lanes, (base, base_low), tangent), x)


def atan2(lanes: Lanes, y: Value, x: Value) -> Value:
    """The angle of the point (x, y), in [-pi, pi], with the signs of zeros that IEEE 754 asks for."""
    y_size, x_size = lanes.intrinsic("fabs", y), lanes.intrinsic("fabs", x)
    steep = lanes.compare("ogt", y_size, x_size)
    small, large = lanes.select(steep, x_size, y_size), lanes.select(steep, y_size, x_size)
    left = lanes.compare_integers("slt", lanes.bits(x), lanes.integer(0))
    common = lanes.logic(
        "and", lanes.compare("oge", small, lanes.constant(2.0**-900)), lanes.compare("ole", large, lanes.constant(2.0**900))
    )

    def remedy() -> list[Value]:
        angle = _octant(lanes, *_near_one(lanes, small, large), steep, left)
        unknown = lanes.compare("uno", x, y)
        return [lanes.select(unknown, lanes.add(x, y), angle)]

    value = rarely(lanes, lanes.invert(common), [_octant(lanes, small, large, steep, left)], remedy)[0]
    return lanes.intrinsic("copysign", value, y)


def _near_one(lanes: Lanes, small: Value, large: Value) -> tuple[Value, Value]:
    """Two numbers with the same quotient, neither too large nor, if that can be helped, too small; 0/1 for 0/0, 1/1 for two infinities."""
    zero, one = lanes.constant(0.0), lanes.constant(1.0)
    both = lanes.compare("oeq", small, lanes.constant(float("inf")))
    large_infinite = lanes.compare("oeq", large, lanes.constant(float("inf")))
    small = chosen(lanes, [(both, one), (large_infinite, zero)], small)
    large = chosen(lanes, [(large_infinite, one), (lanes.compare("oeq", large, zero), one)], large)
    factor = chosen(
        lanes,
        [
            (lanes.compare("ogt", large, lanes.constant(2.0**900)), lanes.constant(2.0**-600)),
            (lanes.compare("olt", large, lanes.constant(2.0**300)), lanes.constant(2.0**600)),
        ],
        one,
    )
    return lanes.mul(small, factor), lanes.mul(large, factor)


def _octant(lanes: Lanes, small: Value, large: Value, steep: Value, left: Value) -> Value:
    """The angle's size from the octant: a multiple of pi/4, and the arc of small/large or (small - large)/(small + large) to one side."""
    zero = lanes.constant(0.0)
    middle = lanes.compare("ogt", small, lanes.mul(large, lanes.constant(_TAN_PI_8)))
    less, more = lanes.sub(small, large), lanes.add(large, small)
    less_low, more_low = lanes.sub(small, lanes.add(less, large)), lanes.sub(small, lanes.sub(more, large))
    above, below = lanes.select(middle, less, small), lanes.select(middle, more, large)
    lows = lanes.select(middle, less_low, zero), lanes.select(middle, more_low, zero)
    value, excess = quotient(lanes, (above, lows[0]), (below, lows[1]))
    backwards = lanes.logic("xor", steep, left)
    tangent = value, excess
    turned = tuple(lanes.select(backwards, lanes.neg(part), part) for part in tangent)
    base = tuple(
        lanes.select(
            middle,
            lanes.select(left, lanes.constant(_THREE_QUARTERS[part]), lanes.constant(_QUARTER[part])),
            lanes.select(steep, lanes.constant(_HALF[part]), lanes.select(left, lanes.constant(_WHOLE[part]), zero)),
        )
        for part in (0, 1)
    )
    return _turned(lanes, (base[0], base[1]), (turned[0], turned[1]))


def _arc(lanes: Lanes, x: Value) -> tuple[Value, Value, Value, Value]:
    """(|x| > 1/2, y, low, rest) with asin(y + low) = y + low + rest: y is |x|, or sqrt((1 - |x|)/2) beyond 1/2."""
    size = lanes.intrinsic("fabs", x)
    far = lanes.compare("ogt", size, lanes.constant(0.5))
    half = lanes.fma(size, lanes.constant(-0.5), lanes.constant(0.5))  # exact beyond 1/2
    root = lanes.intrinsic("sqrt", half)
    z = lanes.select(far, half, lanes.mul(x, x))
    y = lanes.select(far, root, size)
    # The root's rounding error is (half - root^2) / (2 root); three percent are enough of 1/root, from its bits
    # (the constant: Lomont, Fast inverse square root, 2003).
    guess = lanes.number(
        lanes.integral("sub", lanes.integer(0x5FE6EB50C7B537A9), lanes.integral("lshr", lanes.bits(half), lanes.integer(1)))
    )
    low = lanes.mul(lanes.fma(lanes.neg(root), root, half), lanes.mul(guess, lanes.constant(0.5)))
    low = lanes.select(far, low, lanes.constant(0.0))
    rest = lanes.mul(lanes.mul(z, y), polynomial(lanes, z, ASIN, lanes.mul(z, z)))
    return far, y, low, rest


def asin(lanes: Lanes, x: Value) -> Value:
    """The arc sine; NaN outside [-1, 1]."""
    far, y, low, rest = _arc(lanes, x)
    near = lanes.add(y, rest)
    # pi/2 - 2 asin(root)
    twice, rest = lanes.add(y, y), lanes.add(low, rest)
    high, lost = ordered_sum(lanes, lanes.constant(_HALF[0]), lanes.neg(twice))
    lost = lanes.sub(lanes.add(lost, lanes.constant(_HALF[1])), lanes.add(rest, rest))
    return lanes.intrinsic("copysign", lanes.select(far, lanes.add(high, lost), near), x)


def acos(lanes: Lanes, x: Value) -> Value:
    """The arc cosine, pi/2 - asin(x), 2 asin(root), or pi - 2 asin(root); NaN outside [-1, 1]."""
    far, y, low, rest = _arc(lanes, x)
    positive = lanes.compare("ogt", x, lanes.constant(0.0))
    factor = lanes.select(far, lanes.constant(2.0), lanes.constant(1.0))
    right = lanes.logic("and", far, positive)
    base = tuple(
        chosen(lanes, [(right, lanes.constant(0.0)), (far, lanes.constant(_WHOLE[part]))], lanes.constant(_HALF[part])) for part in (0, 1)
    )
    sign = lanes.integral("and", lanes.bits(x), lanes.integer(SIGN))
    # subtracted from the base where x is small and positive or large and negative
    turned = lanes.select(far, lanes.number(sign), lanes.number(lanes.integral("xor", sign, lanes.integer(SIGN))))
    factor = lanes.intrinsic("copysign", factor, turned)
    high, lost = ordered_sum(lanes, base[0], lanes.mul(y, factor))
    return lanes.add(high, lanes.fma(lanes.add(low, rest), factor, lanes.add(lost, base[1])))
