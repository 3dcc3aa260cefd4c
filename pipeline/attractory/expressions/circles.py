"""Coordinates on a circle: the ranges of `wrap` as numbers, and states, differences and rounding within them.

A range's width is known to twice a double's digits, since [0, 2*pi] means 2 pi itself: taken off a million times, the double nearest to it
would be off by 2e-10."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from attractory.errors import CatalogError, RequestError
from attractory.expressions.evaluate import constant_value
from attractory.expressions.expansion import Expander, Scope
from attractory.expressions.graph import GraphBuilder
from attractory.expressions.parameters import Value, constant_symbol, integer_values, number_names
from attractory.expressions.parser import CONSTANTS, Apply, Chain, Expression, Name, Number, Tree, names_in, parse

if TYPE_CHECKING:
    from attractory.catalog.record import SystemRecord

Doubles = NDArray[np.float64]
# Forty digits of what CONSTANTS rounds.
_EXACT = {
    CONSTANTS["pi"]: Fraction("3.141592653589793238462643383279502884197"),
    CONSTANTS["e"]: Fraction("2.718281828459045235360287471352662497757"),
}
MOST = 1e300  # far from where a difference would overflow
MOST_BITS = 2_000  # of an exact number: doubles have at most 1,074, the product of a few is no longer
_SPLIT = 134217729.0  # 2**27 + 1: halves a double's digits (Dekker, Numerische Mathematik 18, 224 (1971))


class Circle(NamedTuple):
    """A variable, by its place, that is stored in [low, high); width: high - low in two parts."""

    variable: int
    low: float
    high: float
    width: tuple[float, float]

    def stored(self, dtype: str) -> tuple[float, float]:
        """(bottom, limit): the smallest number of this type in the range; from the limit on, a double is not rounded into the range.

        Raises:
            RequestError: the range holds no number of this type.
        """
        if np.dtype(dtype) == np.float64:
            return self.low, self.high
        kind = np.dtype(dtype).type
        bottom, top = kind(self.low), kind(self.high)
        if float(bottom) < self.low:
            bottom = np.nextafter(bottom, kind(np.inf))
        if float(top) >= self.high:
            top = np.nextafter(top, kind(-np.inf))
        if not bottom <= top:
            message = f"the range [{self.low!r}, {self.high!r}) holds no {dtype} number. Choose dtype float64 or a wider range."
            raise RequestError(message)
        return float(bottom), (float(top) + float(np.nextafter(top, kind(np.inf)))) / 2  # a double holds their middle


def circle(record: SystemRecord, key: str, values: Mapping[str, Value], variable: int) -> Circle:
    """The range that stands under `wrap.<key>`, for parameters of these values.

    Raises:
        CatalogError: it is empty. ExpressionError: an end cannot be read.
    """
    where = record.where(f"wrap.{key}")
    names = number_names(values, "parameter")
    low, high = (_exact(parse(str(end), names, where=where), values) for end in record.wrap[key])
    if max(abs(low), abs(high), high - low) > MOST:
        message = f"{where} is a range beyond what doubles hold."
        raise CatalogError(message)
    if not low < high:
        message = f"{where} is the range from {float(low)!r} to {float(high)!r}, expected [low, high] with low below high."
        raise CatalogError(message)
    width = float(high - low)
    return Circle(variable, float(low), float(high), (width, float(high - low - Fraction(width))))


def _exact(expression: Expression, values: Mapping[str, Value]) -> Fraction:
    """The number of an expression; sums, products and quotients of numbers and of pi without any rounding."""

    def value(tree: Tree) -> Fraction:
        match tree:
            case Number(value=number):
                return _EXACT.get(float(number), Fraction(float(number)))
            case Name(name=name, indices=()) if isinstance(values.get(name), float):
                return Fraction(values[name])  # type: ignore[arg-type]
            case Apply(operation="neg", arguments=(operand,)):
                return -value(operand)
            case Chain(first=first, rest=rest):
                total = value(first)
                for operation, operand in rest:
                    total = _combined(operation, total, value(operand))
                    if total.numerator.bit_length() > MOST_BITS or total.denominator.bit_length() > MOST_BITS:
                        raise ArithmeticError  # no range of a coordinate: as any other number too
                return total
        raise ArithmeticError  # a function: rounded as any other number is

    try:
        return value(expression.tree)
    except ArithmeticError:
        return Fraction(_rounded(expression, values))


def _combined(operation: str, a: Fraction, b: Fraction) -> Fraction:
    match operation:
        case "add":
            return a + b
        case "sub":
            return a - b
        case "mul":
            return a * b
        case "div":
            return a / b
    raise ArithmeticError


def _rounded(expression: Expression, values: Mapping[str, Value]) -> float:
    builder = GraphBuilder()
    used = {name: values[name] for name in sorted(names_in(expression.tree)) if name in values}
    scope = Scope({name: constant_symbol(builder, value) for name, value in used.items()}, integers=integer_values(used))
    return constant_value(builder, Expander(builder, scope).node(expression))


# --- states ------------------------------------------------------------------------------------------------------------------------------


def within(states: Doubles, circles: Sequence[Circle]) -> Doubles:
    """States (..., variable) with coordinates on a circle in their ranges; what lies in them stays as it is, to the bit."""
    found = states if not circles else states.copy()
    for one in circles:
        column = found[..., one.variable]
        outside = ~((one.low <= column) & (column < one.high)) & np.isfinite(column)
        values = column[outside]
        turns = np.floor((values - one.low) / one.width[0])
        product, lost = _product(turns, one.width[0])
        values = ((values - product) - lost) - turns * one.width[1]
        values = values - one.width[0] * np.floor((values - one.low) / one.width[0])  # by one turn at most, where the quotient was rounded
        column[outside] = np.where((values < one.low) | (values >= one.high), one.low, values)
    return found


def turn_back(values: Doubles, one: Circle) -> None:
    """Takes whole turns off coordinates values (..., 2), doubles with what their rounding has lost; what lies in the range stays as it is.

    What would be rounded to the upper end becomes the lower one.
    """
    for _ in range(2):  # once more where the quotient was rounded to the next turn
        value, rest = values[..., 0], values[..., 1]
        turns = np.floor(((value - one.low) + rest) / one.width[0])
        turns[~np.isfinite(turns)] = 0.0
        product, lost = _product(turns, one.width[0])
        value, error = _sum(value, -product)
        rest, more = _sum(rest, -lost)
        values[..., 0], values[..., 1] = _sum(value, rest + (error + (more - turns * one.width[1])))
    values[values[..., 0] >= one.high] = one.low, 0.0


def _sum(a: Doubles, b: Doubles) -> tuple[Doubles, Doubles]:
    """(a + b rounded, what the rounding lost), exactly."""
    total = a + b
    back = total - a
    return total, (a - (total - back)) + (b - back)


def as_stored(states: Doubles, circles: Sequence[Circle], dtype: str) -> NDArray[Any]:
    """States (..., variable) in the type of the store: what would be rounded out of its range becomes the bottom of it."""
    with np.errstate(over="ignore"):  # a float64 beyond float32 becomes infinity
        found = states.astype(dtype)
    for one in circles:
        bottom, limit = one.stored(dtype)
        column = states[..., one.variable]
        found[..., one.variable][(one.low <= column) & (column < bottom) | (limit <= column) & (column < one.high)] = bottom
    return found


def keep_in_range(states: NDArray[Any], circles: Sequence[Circle]) -> None:
    """Changes single-precision samples (..., variable) that were rounded out of their ranges, as `as_stored` does; a map's range is its
    equations' doing, and in double precision needs nothing."""
    if states.dtype == np.float64:
        return
    for one in circles:
        bottom, _ = one.stored(str(states.dtype))
        kind, column = states.dtype.type, states[..., one.variable]
        above = kind(one.high) if float(kind(one.high)) >= one.high else np.nextafter(kind(one.high), kind(np.inf))
        column[(column == above) | (column == kind(one.low)) & (column < kind(bottom))] = bottom


def difference(a: Doubles, b: Doubles, circles: Sequence[Circle]) -> Doubles:
    """a - b (..., variable), on circles the short way around."""
    found = np.asarray(a - b, dtype=np.float64)
    for one in circles:
        column = found[..., one.variable]
        turns = np.round(column / one.width[0])
        product, lost = _product(turns, one.width[0])
        found[..., one.variable] = ((column - product) - lost) - turns * one.width[1]
    return found


def _product(a: Doubles, b: float) -> tuple[Doubles, Doubles]:
    """(a b rounded, what the rounding lost), exactly."""
    product = a * b
    halves = []
    for number in (a, np.float64(b)):
        large = _SPLIT * number
        upper = large - (large - number)
        halves.append((upper, number - upper))
    (a_upper, a_lower), (b_upper, b_lower) = halves
    return product, ((a_upper * b_upper - product) + a_upper * b_lower + a_lower * b_upper) + a_lower * b_lower
