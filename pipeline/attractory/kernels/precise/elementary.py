"""Elementary functions of expansions: reduced arguments and Taylor series, or Newton's method from the function of doubles.

They are needed once a step, at order zero, or once an iterate: what counts is that the last word is right within some hundred units, and
that no branch and no library decides a bit. Arguments that no solution visits (angles beyond 2^50, results beyond a double's range) give
NaN or infinity, and the trajectory a status."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

from attractory.kernels import functions
from attractory.kernels.lanes import Lanes, Value
from attractory.kernels.precise.body import PREFIX, Body
from attractory.kernels.precise.words import inverse_factorial, log_of_2, log_of_10, pi, words

# Angles beyond this lose more to the two spare words of pi/2 than the last word of the result may.
_LARGEST_ANGLE = 2.0**50
_LARGEST_EXPONENT = 709.0
_SMALLEST_EXPONENT = -690.0  # below, the smaller words of e^x would be no normal numbers
_FLAT = 300.0  # tanh differs from one by less than 2^-800 from here on
_SMALL = 0.5  # below this, (e^x - e^-x) / 2 would lose digits
# How often arguments are halved before the series, and what they then are at most.
_HALVINGS = 6


def _terms(count: int, bits_each: float, first: int, step: int) -> list[int]:
    """The powers of a Taylor series in x^k / k!, |x| <= 2^-bits_each, that `count` words show."""
    powers: list[int] = []
    k = first
    while not powers or bits_each * (k - first) + _log2_factorial(k) - _log2_factorial(first) < 53 * count + 4:
        powers.append(k)
        k += step
    return powers


def _log2_factorial(k: int) -> int:
    return inverse_factorial(k).denominator.bit_length() - 1


def _series(body: Body, x: Value, coefficients: Sequence[Fraction]) -> Value:
    """Horner's rule, the coefficient of the highest power first."""
    result, term = body.kept([body.lanes.constant(word) for word in words(coefficients[0], body.count)]), body.slot()
    for coefficient in coefficients[1:]:
        body.store([body.lanes.constant(word) for word in words(coefficient, body.count)], term)
        body.call("mul", result, x, into=result)
        body.call("add", result, term, into=result)
    return result


def _nearest(lanes: Lanes, x: Value) -> Value:
    return lanes.intrinsic("floor", lanes.add(x, lanes.constant(0.5)))


def _reduced(body: Body, x: Value, turns: Value, unit: Fraction) -> Value:
    """x - turns * unit, the unit to two words more than x has."""
    for word in words(unit, body.count + 2):
        product = body.lanes.mul(turns, body.lanes.constant(word))
        rest = body.lanes.fma(turns, body.lanes.constant(word), body.lanes.neg(product))
        x = body.call("sub", x, body.kept([product, rest]))
    return x


def _exp(body: Body) -> Value:
    """2^k (1 + s)^64, s the series of e^r - 1 for r = (x - k ln 2) / 64: squaring 1 + s by s (2 + s) keeps its digits."""
    lanes = body.lanes
    large = body.first_word("%a")
    inside = lanes.logic("and", lanes.compare("ole", large, lanes.constant(710.0)), lanes.compare("oge", large, lanes.constant(-710.0)))
    x = body.chosen(inside, "%a", body.constant([0.0]))
    turns = _nearest(lanes, lanes.mul(body.first_word(x), lanes.constant(1.4426950408889634)))
    reduced = body.doubled(_reduced(body, x, turns, log_of_2()), -_HALVINGS)
    powers = _terms(body.count, _HALVINGS + 1, 1, 1)
    s = body.call("mul", reduced, _series(body, reduced, [inverse_factorial(k) for k in reversed(powers)]))
    for _ in range(_HALVINGS):
        s = body.call("add", body.doubled(s), body.call("mul", s, s))
    result = _times_power_of_two(body, body.call("add", s, body.constant([1.0])), turns)
    zero = lanes.compare("olt", large, lanes.constant(_SMALLEST_EXPONENT))
    result = body.chosen(zero, body.constant([0.0]), result)
    nowhere = lanes.compare("ule", large, lanes.constant(_LARGEST_EXPONENT))
    result = body.chosen(nowhere, result, body.constant([float("inf")]))
    return body.chosen(lanes.compare("uno", large, large), "%a", result)


def _times_power_of_two(body: Body, x: Value, power: Value) -> Value:
    lanes = body.lanes
    whole = lanes.emit(f"fptosi {lanes.vector} {power} to {lanes.integers}")
    half = lanes.integral("ashr", whole, lanes.integer(1))
    factors = [half, lanes.integral("sub", whole, half)]
    for exponent in factors:
        factor = lanes.number(lanes.integral("shl", lanes.integral("add", exponent, lanes.integer(1023)), lanes.integer(52)))
        x = body.kept([lanes.mul(word, factor) for word in body.load(x)])
    return x


def _log(body: Body) -> Value:
    """Halley's method on e^y = x: y + 2 (x - e^y) / (x + e^y), which trebles the digits of the logarithm of doubles."""
    y = body.kept([functions.UNARY["log"](body.lanes, body.first_word("%a"))])
    good = 42  # bits: what a double's logarithm has left behind the point where it is largest
    while good < 53 * body.count:
        power = body.call("exp", y)
        rest = body.call("div", body.call("sub", "%a", power), body.call("add", "%a", power))
        y = body.call("add", y, body.doubled(rest))
        good = 3 * good
    return y


def _log10(body: Body) -> Value:
    return body.call("mul", body.call("log", "%a"), body.constant(words(1 / log_of_10(), body.count)))


def _sine_and_cosine(body: Body) -> tuple[Value, Value]:
    """Both, by their series at (x - k pi/2) / 64 and doubled angles; the cosine as cos - 1, so that no digit is lost on the way."""
    lanes = body.lanes
    large = lanes.intrinsic("fabs", body.first_word("%a"))
    inside = lanes.compare("ole", large, lanes.constant(_LARGEST_ANGLE))
    x = body.chosen(inside, "%a", body.constant([0.0]))
    turns = _nearest(lanes, lanes.mul(body.first_word(x), lanes.constant(0.6366197723675814)))
    reduced = body.doubled(_reduced(body, x, turns, pi() / 2), -_HALVINGS)
    square = body.call("mul", reduced, reduced)
    odd, even = _terms(body.count, _HALVINGS, 1, 2), _terms(body.count, _HALVINGS, 2, 2)
    sine = body.call("mul", reduced, _series(body, square, [(-1) ** (k // 2) * inverse_factorial(k) for k in reversed(odd)]))
    lower = body.call("mul", square, _series(body, square, [(-1) ** (k // 2) * inverse_factorial(k) for k in reversed(even)]))
    for _ in range(_HALVINGS):
        double = body.doubled(sine)
        lower_next = body.call("neg", body.call("mul", sine, double))
        sine = body.call("add", double, body.call("mul", double, lower))
        lower = lower_next
    cosine = body.call("add", lower, body.constant([1.0]))
    return _turned(body, sine, cosine, turns, inside)


def _turned(body: Body, sine: Value, cosine: Value, turns: Value, inside: Value) -> tuple[Value, Value]:
    """Sine and cosine of the angle and so many quarter turns; NaN for the lanes outside."""
    lanes = body.lanes
    quarter = lanes.emit(f"fptosi {lanes.vector} {turns} to {lanes.integers}")
    one = lanes.integer(1)
    swapped = lanes.compare_integers("ne", lanes.integral("and", quarter, one), lanes.integer(0))
    minus_sine = lanes.compare_integers("ne", lanes.integral("and", quarter, lanes.integer(2)), lanes.integer(0))
    following = lanes.integral("and", lanes.integral("add", quarter, one), lanes.integer(2))
    minus_cosine = lanes.compare_integers("ne", following, lanes.integer(0))
    found = []
    for first, second, minus in ((sine, cosine, minus_sine), (cosine, sine, minus_cosine)):
        value = body.chosen(swapped, second, first)
        value = body.chosen(minus, body.call("neg", value), value)
        found.append(body.chosen(inside, value, body.constant([float("nan")])))
    return found[0], found[1]


def _tan(body: Body) -> Value:
    sine, cosine = _sine_and_cosine(body)
    return body.call("div", sine, cosine)


def _sinh(body: Body) -> Value:
    """(e^x - e^-x) / 2, by its own series where that would cancel."""
    lanes = body.lanes
    power = body.call("exp", "%a")
    large = body.doubled(body.call("sub", power, body.call("reciprocal", power)), -1)
    near = lanes.compare("olt", lanes.intrinsic("fabs", body.first_word("%a")), lanes.constant(_SMALL))
    x = body.chosen(near, "%a", body.constant([0.0]))
    powers = _terms(body.count, 1.0, 1, 2)
    small = body.call("mul", x, _series(body, body.call("mul", x, x), [inverse_factorial(k) for k in reversed(powers)]))
    return body.chosen(near, small, large)


def _cosh(body: Body) -> Value:
    power = body.call("exp", "%a")
    return body.doubled(body.call("add", power, body.call("reciprocal", power)), -1)


def _tanh(body: Body) -> Value:
    lanes, x = body.lanes, "%a"
    for bound, condition in ((_FLAT, "ogt"), (-_FLAT, "olt")):
        x = body.chosen(lanes.compare(condition, body.first_word("%a"), lanes.constant(bound)), body.constant([bound]), x)
    return body.call("div", body.call("sinh", x), body.call("cosh", x))


def _atan2(body: Body) -> Value:
    """The angle of doubles, and the small one that is left between it and (x, y), by the series of its tangent."""
    lanes = body.lanes
    first = body.kept([functions.atan2(lanes, body.first_word("%a"), body.first_word("%b"))])
    sine, cosine = body.slot(), body.slot()
    _call_both(body, first, sine, cosine)
    across = body.call("sub", body.call("mul", "%a", cosine), body.call("mul", "%b", sine))
    along = body.call("add", body.call("mul", "%b", cosine), body.call("mul", "%a", sine))
    tangent = body.call("div", across, along)
    powers = range(1, body.count + 4, 2)  # the tangent is below 2^-51
    series = _series(body, body.call("mul", tangent, tangent), [Fraction((-1) ** (k // 2), k) for k in reversed(powers)])
    return body.call("add", first, body.call("mul", tangent, series))


def _call_both(body: Body, angle: Value, sine: Value, cosine: Value) -> None:
    body.lanes.lines.append(f"  call void @{PREFIX}sin_cos.{body.count}(ptr {sine}, ptr {cosine}, ptr {angle})")


def _sin(body: Body) -> Value:
    sine, cosine = body.slot(), body.slot()
    _call_both(body, "%a", sine, cosine)
    return sine


def _cos(body: Body) -> Value:
    sine, cosine = body.slot(), body.slot()
    _call_both(body, "%a", sine, cosine)
    return cosine


def _atan(body: Body) -> Value:
    return body.call("atan2", "%a", body.constant([1.0]))


def _other_leg(body: Body) -> Value:
    """sqrt((1 - x)(1 + x))."""
    one = body.constant([1.0])
    return body.call("sqrt", body.call("mul", body.call("sub", one, "%a"), body.call("add", one, "%a")))


def _asin(body: Body) -> Value:
    return body.call("atan2", "%a", _other_leg(body))


def _acos(body: Body) -> Value:
    return body.call("atan2", _other_leg(body), "%a")


def _pow(body: Body) -> Value:
    """e^(r log |x|), with the sign of an odd integer's power where x is below zero; no number for other exponents there."""
    lanes = body.lanes
    zero, base, exponent = lanes.constant(0.0), body.first_word("%a"), body.first_word("%b")
    value = body.call("exp", body.call("mul", "%b", body.call("log", body.absolute("%a"))))
    half = lanes.mul(exponent, lanes.constant(0.5))
    whole = lanes.compare("oeq", lanes.intrinsic("floor", exponent), exponent)
    odd = lanes.logic("and", whole, lanes.compare("une", lanes.intrinsic("floor", half), half))
    below = lanes.compare("olt", base, zero)
    value = body.chosen(lanes.logic("and", below, odd), body.call("neg", value), value)
    value = body.chosen(lanes.logic("and", below, lanes.invert(whole)), body.constant([float("nan")]), value)
    vanishes = lanes.logic("and", lanes.compare("oeq", base, zero), lanes.compare("ogt", exponent, zero))
    return body.chosen(vanishes, body.constant([0.0]), value)


def _single(parameters: str, value: Callable[[Body], Value]) -> Callable[[str, int, int], str]:
    def emit(name: str, width: int, count: int) -> str:
        body = Body(Lanes(width), count)
        body.store(body.load(value(body)), "%out")
        return body.function(f"{PREFIX}{name}.{count}", parameters, internal=True)

    return emit


def _both(name: str, width: int, count: int) -> str:
    body = Body(Lanes(width), count)
    sine, cosine = _sine_and_cosine(body)
    body.store(body.load(sine), "%sine")
    body.store(body.load(cosine), "%cosine")
    return body.function(f"{PREFIX}{name}.{count}", "ptr %sine, ptr %cosine, ptr %a", internal=True)


_ONE, _TWO = "ptr %out, ptr %a", "ptr %out, ptr %a, ptr %b"
_UNARY = {
    "exp": _exp, "log": _log, "log10": _log10, "sin": _sin, "cos": _cos, "tan": _tan, "sinh": _sinh, "cosh": _cosh, "tanh": _tanh,
    "asin": _asin, "acos": _acos, "atan": _atan,
}  # fmt: skip
ELEMENTARY: dict[str, Callable[[str, int, int], str]] = {
    **{name: _single(_ONE, value) for name, value in _UNARY.items()},
    "atan2": _single(_TWO, _atan2),
    "pow": _single(_TWO, _pow),
    "sin_cos": _both,
}
