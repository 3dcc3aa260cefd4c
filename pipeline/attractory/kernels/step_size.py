"""The step size from the last two Taylor coefficients, in vector code: Jorba and Zou, Experimental Mathematics 14, 99 (2005).

The radius of convergence is estimated from the norms of the last two coefficients relative to the state (absolutely where the state is
below one). The step is the radius / e^DECAY times a safety factor, so that the last term is about e^(-DECAY order): order = ceil(1 -
ln(tolerance) / DECAY). Jorba and Zou find DECAY = 2 where a step costs order^2 operations; ours costs less, since a part of it goes with
the order alone or is fixed, and longer steps of a higher order pay: see docs/adr/008. Logarithm and exponential are exact bit operations
and polynomials of our own, good to 2e-3: that is enough for a step size, and the same on every machine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce

from attractory.kernels.lanes import Lanes, Value

# Each term of a step's series is about e^-DECAY of the one before: measured, see docs/adr/008.
DECAY = 1.8
# What counts as a coefficient that vanishes: then there is no radius, and the driver bounds the step.
VANISHING = 1e-290
NO_ESTIMATE = -1.0
# A step's slope may be off by this many times order * tolerance, relative to the state over the step: a good one is by a few.
DISAGREEMENT = 1000.0
# Minimax polynomials of log2 on [1, 2) and exp2 on [0, 1), the highest power first.
_LOG2 = (0.15824870, -1.05187502, 3.04788415, -2.15417734)
_EXP2 = (0.07944154, 0.22449434, 0.69606564, 0.99991229)


def order_for(tolerance: float) -> int:
    """The order of the Taylor series that a tolerance asks for, always an even one.

    The error of an odd order pushes the energy of an oscillation to the same side at every step; of an even one, it is of the next order.
    """
    order = math.ceil(1 - math.log(tolerance) / DECAY)
    return max(2, order + order % 2)


def significant_order(order: int) -> int:
    """The order up to which terms matter to a slope that is compared within `DISAGREEMENT`: a term is about e^(-DECAY k) of the state."""
    smallest = 0.05 * DISAGREEMENT * order * math.exp(-DECAY * (order - 1))
    return next((k for k in range(1, order) if k * math.exp(-DECAY * k) < smallest), order)


def emit_step_size(lanes: Lanes, state: Sequence[Sequence[Value]], sized: Sequence[int], order: int) -> Value:
    """The step from the coefficients of orders 0, order - 1 and order of all variables; `sized` are those whose size counts.

    NO_ESTIMATE where the last two vanish in all variables; NaN where any of them is not finite.
    """
    first, before_last, last = ([row[k] for row in state] for k in (0, order - 1, order))
    step = step_from_norms(lanes, [largest(lanes, values) for values in ([first[place] for place in sized], before_last, last)], order)
    # maxnum passes over NaN: zero times the sum of all values brings it back.
    total = reduce(lanes.add, [*first, *before_last, *last])
    return lanes.fma(total, lanes.constant(0.0), step)


def step_from_norms(lanes: Lanes, norms: Sequence[Value], order: int) -> Value:
    """The step from the largest coefficients of orders 0, order - 1 and order; NO_ESTIMATE where the last two vanish."""
    return estimated(lanes, shortened_radius(lanes, norms, order, math.exp(-0.7 / (order - 1) - DECAY)), norms)


def shortened_radius(lanes: Lanes, norms: Sequence[Value], order: int, factor: float) -> Value:
    """The radius of convergence times a factor, from the largest coefficients of orders 0, order - 1 and order."""
    tiny = lanes.constant(VANISHING)
    scale = lanes.intrinsic("maxnum", emit_log2(lanes, norms[0]), lanes.constant(0.0))
    radii = [
        lanes.mul(lanes.sub(scale, emit_log2(lanes, lanes.intrinsic("maxnum", norm, tiny))), lanes.constant(1.0 / power))
        for norm, power in zip(norms[1:], (order - 1, order), strict=True)
    ]
    # rounded: a mathematics library may differ in the last digit
    return lanes.mul(emit_exp2(lanes, lanes.intrinsic("minnum", *radii)), lanes.constant(round(factor, 12)))


def estimated(lanes: Lanes, step: Value, norms: Sequence[Value]) -> Value:
    """The step, and NO_ESTIMATE where the last two norms vanish."""
    vanished = lanes.compare("ole", lanes.intrinsic("maxnum", *norms[1:]), lanes.constant(VANISHING))
    return lanes.select(vanished, lanes.constant(NO_ESTIMATE), step)


def emit_disagreement(lanes: Lanes, sizes: Sequence[Value], rates: Sequence[Value], order: int) -> Value:
    """The lanes in which the last step ended with other rates than the equations have there: booleans. sizes: of the variables that count.

    Rows of %rate are the slopes of the last step's polynomials at its end, row 2 of %time its length, zero where there is nothing to
    compare. The last two coefficients cannot foresee what no coefficient shows at double precision: a term like tanh(1000 (x - 1)) that is
    about to switch. A step over it ends with rates that the equations do not have, by far more than the step's own error, and has to be
    taken back."""
    step = lanes.load("%time", 2)
    limit = disagreement_limit(lanes, largest(lanes, sizes), order)
    far = [far_apart(lanes, rate, lanes.load("%rate", row), step, limit) for row, rate in enumerate(rates)]
    moved = lanes.compare("ogt", step, lanes.constant(0.0))
    return lanes.logic("and", reduce(lambda a, b: lanes.logic("or", a, b), far), moved) if far else moved


def disagreement_limit(lanes: Lanes, size: Value, order: int) -> Value:
    """How far slopes may differ over the step, from the largest state."""
    scale = lanes.intrinsic("maxnum", size, lanes.constant(1.0))
    return lanes.mul(scale, lanes.constant(round(DISAGREEMENT * order * math.exp(-DECAY * (order - 1)), 25)))


def far_apart(lanes: Lanes, rate: Value, reached: Value, step: Value, limit: Value) -> Value:
    """Whether a rate and the slope that was reached differ by more than that, or are no numbers: booleans."""
    return lanes.compare("ugt", lanes.mul(lanes.intrinsic("fabs", lanes.sub(rate, reached)), step), limit)


def largest(lanes: Lanes, values: Sequence[Value]) -> Value:
    """The largest size among the values, lane by lane; passes over NaN."""
    return reduce(lambda a, b: lanes.intrinsic("maxnum", a, b), [lanes.intrinsic("fabs", value) for value in values])


def emit_log2(lanes: Lanes, x: Value) -> Value:
    bits = lanes.bits(x)
    exponent = lanes.integral("sub", lanes.integral("lshr", bits, lanes.integer(52)), lanes.integer(1023))
    fraction = lanes.integral("and", bits, lanes.integer(0xFFFFFFFFFFFFF))
    mantissa = lanes.number(lanes.integral("or", fraction, lanes.integer(0x3FF0000000000000)))
    return lanes.add(lanes.emit(f"sitofp {lanes.integers} {exponent} to {lanes.vector}"), lanes.polynomial(mantissa, _LOG2))


def emit_exp2(lanes: Lanes, x: Value) -> Value:
    whole = lanes.intrinsic("floor", x)
    mantissa = lanes.polynomial(lanes.sub(x, whole), _EXP2)
    exponent = lanes.integral("add", lanes.emit(f"fptosi {lanes.vector} {whole} to {lanes.integers}"), lanes.integer(1023))
    return lanes.mul(mantissa, lanes.number(lanes.integral("shl", exponent, lanes.integer(52))))
