"""What several functions are made of: polynomials, exact sums and quotients, powers of two, and paths that are rarely taken."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attractory.kernels.lanes import Lanes, Value

# 1.5 * 2**52: adding it rounds to the nearest integer, which then stands in the low bits of the sum.
ROUND = 6755399441055744.0
SIGN = -(2**63)


def polynomial(lanes: Lanes, x: Value, coefficients: Sequence[float], square: Value) -> Value:
    """The polynomial, lowest coefficient first: Horner's rule for even and odd powers apart, half as long a chain for no more work."""
    return polynomial_of_values(lanes, x, [lanes.constant(coefficient) for coefficient in coefficients], square)


def polynomial_of_values(lanes: Lanes, x: Value, coefficients: Sequence[Value], square: Value) -> Value:
    """The same with coefficients that differ between lanes."""
    even, odd = (_horner(lanes, square, coefficients[start::2]) for start in (0, 1))
    return lanes.fma(odd, x, even)


def _horner(lanes: Lanes, x: Value, coefficients: Sequence[Value]) -> Value:
    result = coefficients[-1]
    for coefficient in coefficients[-2::-1]:
        result = lanes.fma(result, x, coefficient)
    return result


def rounded(lanes: Lanes, x: Value, factor: float) -> tuple[Value, Value]:
    """(the integer nearest to x * factor, a double whose low bits are that integer)."""
    shifted = lanes.fma(x, lanes.constant(factor), lanes.constant(ROUND))
    return lanes.sub(shifted, lanes.constant(ROUND)), shifted


def ordered_sum(lanes: Lanes, large: Value, small: Value) -> tuple[Value, Value]:
    """(sum, its rounding error) where |large| >= |small| or the large one is zero (Dekker, Numerische Mathematik 18, 224 (1971))."""
    total = lanes.add(large, small)
    return total, lanes.add(lanes.sub(large, total), small)


def quotient(lanes: Lanes, above: tuple[Value, Value | None], below: tuple[Value, Value]) -> tuple[Value, Value]:
    """(quotient, minus its error) of sums of two doubles: the remainder is exact in one fused multiply-add. -0 over 1 is -0 minus +0."""
    inverse = lanes.div(lanes.constant(1.0), below[0])
    result = lanes.mul(above[0], inverse)
    excess = lanes.fma(result, below[0], lanes.neg(above[0]))
    if above[1] is not None:
        excess = lanes.sub(excess, above[1])
    return result, lanes.mul(lanes.fma(result, below[1], excess), inverse)


def scaled(lanes: Lanes, value: Value, shifted: Value, more: int = 0) -> Value:
    """value * 2**(n + more), n as `rounded` gives it; value and result must be normal numbers."""
    step = lanes.integral("shl", lanes.bits(shifted), lanes.integer(52))
    if more:
        step = lanes.integral("add", step, lanes.integer(more * 2**52))
    return lanes.number(lanes.integral("add", lanes.bits(value), step))


def scaled_far(lanes: Lanes, value: Value, shifted: Value, more: int = 0) -> Value:
    """The same where the result may be infinite or subnormal: two factors, since 2**1024 and 2**-1074 are no normal numbers."""
    n = lanes.integral("sub", lanes.bits(shifted), lanes.integer(0x4338000000000000 - more))
    half = lanes.integral("ashr", n, lanes.integer(1))
    return lanes.mul(lanes.mul(value, _power_of_two(lanes, half)), _power_of_two(lanes, lanes.integral("sub", n, half)))


def _power_of_two(lanes: Lanes, exponent: Value) -> Value:
    return lanes.number(lanes.integral("shl", lanes.integral("add", exponent, lanes.integer(1023)), lanes.integer(52)))


def with_sign(lanes: Lanes, value: Value, sign: Value) -> Value:
    """The value, its sign turned where the highest bit of the integer `sign` is set."""
    return lanes.number(lanes.integral("xor", lanes.bits(value), lanes.integral("and", sign, lanes.integer(SIGN))))


def chosen(lanes: Lanes, cases: Sequence[tuple[Value, Value]], otherwise: Value) -> Value:
    """The value of the first case whose condition holds."""
    for condition, value in reversed(cases):
        otherwise = lanes.select(condition, value, otherwise)
    return otherwise


def rarely(lanes: Lanes, condition: Value, usual: Sequence[Value], remedy: Callable[[], Sequence[Value]]) -> list[Value]:
    """The usual values, replaced where the condition holds; the code that `remedy` emits runs only if it holds in some lane.

    Which values a lane gets is decided by its own condition alone, so that neighbours change nothing.
    """
    here, rare, after = lanes.labels("usual", "rare", "after")
    lanes.begin(here)
    some = lanes.any(condition)
    lanes.lines.append(f'  br i1 {some}, label %{rare}, label %{after}, !prof !{{!"branch_weights", i32 1, i32 4000}}')
    lanes.begin(rare, falls_through=False)
    replaced = [lanes.select(condition, new, old) for new, old in zip(remedy(), usual, strict=True)]
    last = lanes.block
    lanes.begin(after)
    return [lanes.emit(f"phi {lanes.vector} [ {new}, %{last} ], [ {old}, %{here} ]") for new, old in zip(replaced, usual, strict=True)]


def beyond(lanes: Lanes, x: Value, limit: float) -> Value:
    """Where |x| > limit, or x is NaN."""
    return lanes.compare("ugt", lanes.intrinsic("fabs", x), lanes.constant(limit))
