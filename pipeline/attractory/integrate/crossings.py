"""Where a switch's function first leaves its mode within a step: the first root of its Taylor polynomial, never skipped.

A march from the left: at each point the polynomial's value, slope and a bound on its second derivative over the rest of the step say how
far it certainly keeps its sign (a quadratic lower bound), and the march goes just that far. Near a transversal root it converges like
Newton's method, always from the side of the mode. The arithmetic is scalar and has one order, so the root has the same bits everywhere."""

from __future__ import annotations

import math
from typing import Any

from numba import njit

_MARCH = 400


_NONE, _ROOT, _UNDECIDED = 0, 1, 2


@njit(cache=True, error_model="numpy", nogil=True)
def first_crossing(  # noqa: PLR0913 - called by the compiled driver, where a record would cost more than it shows
    c: Any, base: int, lane: int, order: int, step: float, mode: float, level: bool
) -> tuple[float, int]:  # pragma: no cover - compiled
    """(how far the mode holds, direction): the direction is -1 or 1 where it ends there, 0 where it may go on.

    For a sign the function is polynomial * mode; for a level the mode holds while 0 <= polynomial - mode < 1. A march that comes to no end
    (a root nearly of even order) gives the part of the step that is certain, with direction 0."""
    if not level:
        root, found = _first_root(c, base, lane, order, step, mode, 0.0)
        return root, (-1 if mode > 0 else 1) if found == _ROOT else 0
    down, below = _first_root(c, base, lane, order, step, 1.0, -mode)
    up, above = _first_root(c, base, lane, order, down, -1.0, mode + 1.0)
    if above != _NONE:
        return up, 1 if above == _ROOT else 0
    return down, -1 if below == _ROOT else 0


@njit(cache=True, error_model="numpy", nogil=True)
def first_return(  # noqa: PLR0913 - as above
    c: Any, base: int, lane: int, order: int, step: float, known: tuple[float, float, int], level: bool
) -> tuple[float, int]:  # pragma: no cover - compiled
    """As `first_crossing`, at a step that begins on the surface: `known` is the mode, the direction in which it went there, and how many
    roots of the polynomial that is, one or two. These are taken out; whatever value the state's rounding left there counts as zero."""
    mode, went, roots = known
    back, found = _first_root(c, base + roots, lane, order - roots, step, went, 0.0)
    if not level:
        return back, (-1 if went > 0 else 1) if found == _ROOT else 0
    shift = mode + 1.0 if went > 0.0 else -mode
    on, beyond = _first_root(c, base, lane, order, back, -went, shift)
    if beyond != _NONE:
        return on, (1 if went > 0.0 else -1) if beyond == _ROOT else 0
    return back, (-1 if went > 0 else 1) if found == _ROOT else 0


@njit(cache=True, error_model="numpy", nogil=True)
def _bounds(c: Any, base: int, lane: int, order: int, step: float) -> tuple[float, float]:  # pragma: no cover - compiled
    """Over the whole step: (how far the polynomial may move from its first value, the size of its second derivative)."""
    reach, curvature, power = abs(c[base + 1, lane]) * step, 0.0, 1.0
    for k in range(2, order + 1):
        size = abs(c[base + k, lane]) * power
        curvature += k * (k - 1) * size
        reach += size * step * step
        power *= step
    return reach, curvature


@njit(cache=True, error_model="numpy", nogil=True)
def _value_and_slope(c: Any, base: int, lane: int, order: int, tau: float) -> tuple[float, float]:  # pragma: no cover - compiled
    value, slope = c[base + order, lane], 0.0
    for k in range(order - 1, -1, -1):
        slope = slope * tau + value
        value = value * tau + c[base + k, lane]
    return value, slope


@njit(cache=True, error_model="numpy", nogil=True)
def _first_root(  # noqa: PLR0913 - as above
    c: Any, base: int, lane: int, order: int, step: float, factor: float, shift: float
) -> tuple[float, int]:  # pragma: no cover - compiled
    """The first time in [0, step] at which factor * polynomial + shift turns from positive to negative."""
    reach, curvature = _bounds(c, base, lane, order, step)
    first = factor * c[base, lane] + shift
    if first > reach:
        return step, _NONE
    noise = 4.0e-16 * (abs(c[base, lane]) + abs(shift) + reach)  # two roundings of the largest term
    tau = 0.0
    for _ in range(_MARCH):
        value, slope = _value_and_slope(c, base, lane, order, tau)
        value, slope = factor * value + shift, factor * slope
        if value < -noise:
            return tau, _ROOT
        if value > noise:
            if curvature > 0.0:
                root = math.sqrt(slope * slope + 2.0 * curvature * value)
                advance = (slope + root) / curvature if slope > 0.0 else 2.0 * value / (root - slope)  # whichever does not cancel
            else:
                advance = -value / slope if slope < 0.0 else step
        elif slope * slope > 2.0 * curvature * noise:  # no touch: it goes through, or leaves on the mode's side
            if slope < 0.0:
                return tau, _ROOT
            advance = slope / curvature if curvature > 0.0 else step
        else:
            advance = _advance_along(c, base, lane, order, (tau, step, factor, slope, noise))
        tau += max(advance, 1.0e-15 * step)
        if tau > step:
            return step, _NONE
    return tau, _UNDECIDED


@njit(cache=True, error_model="numpy", nogil=True)
def _advance_along(
    c: Any, base: int, lane: int, order: int, at: tuple[float, float, float, float, float]
) -> float:  # pragma: no cover - compiled
    """How far a polynomial that is zero but for its noise, with a slope near zero, certainly falls by no more than the noise."""
    tau, step, factor, slope, noise = at
    bend, twist, power = 0.0, 0.0, 1.0
    for k in range(order, 1, -1):
        bend = bend * tau + k * (k - 1) * c[base + k, lane]
    for k in range(3, order + 1):
        twist += k * (k - 1) * (k - 2) * abs(c[base + k, lane]) * power
        power *= step
    bend *= factor
    fall, bow, stride = -min(slope, 0.0), -min(bend, 0.0) / 2.0, step
    while stride > 1.0e-15 * step and stride * (fall + stride * (bow + stride * twist / 6.0)) > noise:
        stride *= 0.5
    # Where it bends upwards, that outweighs the slope (whose square is small) and, for so long, the third derivative.
    return max(stride, min(bend / twist, step)) if bend > 0.0 and twist > 0.0 else stride
