"""The functions that code on expansions calls: arithmetic, sums of products over the orders of a series, polynomials.

A text names those that it needs, as `Body.call` writes them; `routines` gives their definitions and those that these call in turn."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction

from attractory.kernels.lanes import Lanes, Value, literal
from attractory.kernels.precise.arithmetic import Levels, negated, product, total
from attractory.kernels.precise.body import PREFIX, Body, Loop
from attractory.kernels.precise.elementary import ELEMENTARY
from attractory.kernels.precise.words import words

INVERSES = "wide.inverses"  # the table of 1/k
MOST_INVERSES = 1024


def routines(text: str, width: int) -> str:
    """The definitions of all functions that the text calls, directly or through others."""
    made: dict[tuple[str, int], str] = {}
    todo = _called(text)
    while todo:
        name, count = todo.pop()
        if (name, count) not in made:
            made[name, count] = _FUNCTIONS[name](name, width, count)
            todo |= _called(made[name, count]) - made.keys()
    found = "".join(made[key] for key in sorted(made))
    return "".join(_inverses(int(count)) for count in sorted(set(re.findall(rf"@{INVERSES}\.(\d+)", found)))) + found


def _called(text: str) -> set[tuple[str, int]]:
    return {(name, int(count)) for name, count in re.findall(rf"call void @{re.escape(PREFIX)}(\w+)\.(\d+)\(", text)}


def _inverses(count: int) -> str:
    numbers = [word for k in range(1, MOST_INVERSES + 1) for word in words(Fraction(1, k), count)]
    listed = ", ".join(f"double {literal(number)}" for number in numbers)
    return f"@{INVERSES}.{count} = private constant [{len(numbers)} x double] [{listed}]\n"


def _binary(combine: Callable[[Body, list[Value], list[Value]], list[Value]]) -> Callable[[str, int, int], str]:
    def emit(name: str, width: int, count: int) -> str:
        body = Body(Lanes(width), count)
        body.store(combine(body, body.load("%a"), body.load("%b")), "%out")
        return _function(body, name, "ptr %out, ptr %a, ptr %b")

    return emit


def _function(body: Body, name: str, parameters: str) -> str:
    return body.function(f"{PREFIX}{name}.{body.count}", parameters, internal=True)


def _neg(name: str, width: int, count: int) -> str:
    body = Body(Lanes(width), count)
    body.store(negated(body.lanes, body.load("%a")), "%out")
    return _function(body, name, "ptr %out, ptr %a")


def _scale(name: str, width: int, count: int) -> str:
    """out = a f, with a double f in each lane."""
    body = Body(Lanes(width), count)
    body.store(product(body.lanes, body.load("%a"), ["%f"], count), "%out")
    return _function(body, name, f"ptr %out, ptr %a, {body.lanes.vector} %f")


def _times(name: str, width: int, count: int) -> str:
    """out = k a."""
    body = Body(Lanes(width), count)
    factor = body.lanes.splat(body.lanes.emit("sitofp i64 %k to double"))
    body.store(product(body.lanes, body.load("%a"), [factor], count), "%out")
    return _function(body, name, "ptr %out, ptr %a, i64 %k")


def _over(name: str, width: int, count: int) -> str:
    """out = a / k."""
    body = Body(Lanes(width), count)
    body.store(product(body.lanes, body.load("%a"), _inverse(body), count), "%out")
    return _function(body, name, "ptr %out, ptr %a, i64 %k")


def _integrated(name: str, width: int, count: int) -> str:
    """out = a f / k, with a power of two f in each lane, which rounds nothing: a coefficient from its slope's, in time units of f."""
    body = Body(Lanes(width), count)
    factors = [body.lanes.mul(word, "%f") for word in _inverse(body)]
    body.store(product(body.lanes, body.load("%a"), factors, count), "%out")
    return _function(body, name, f"ptr %out, ptr %a, {body.lanes.vector} %f, i64 %k")


def _inverse(body: Body) -> list[Value]:
    """The words of 1 / k."""
    lanes, count = body.lanes, body.count
    first = body.whole("mul", body.whole("sub", "%k", 1), count)
    places = [body.whole("add", first, place) for place in range(count)]
    addresses = [lanes.emit(f"getelementptr double, ptr @{INVERSES}.{count}, i64 {place}") for place in places]
    return [lanes.splat(lanes.emit(f"load double, ptr {address}")) for address in addresses]


def _accumulated(body: Body, first: Value | int, last: Value) -> list[Value]:
    """The levels of the sum of a_j b_(k-j) for j from first to last."""
    lanes, count = body.lanes, body.count
    with Loop(body, first, last, [lanes.constant(0.0)] * count) as loop:
        levels = Levels(lanes, count, loop.values)
        levels.multiply(body.load(body.row("%a", loop.index)), body.load(body.row("%b", body.whole("sub", "%k", loop.index))))
        loop.next(levels.totals())
    return loop.results


def _convolve(name: str, width: int, count: int) -> str:
    """out = the sum of a_j b_(k-j) for j from first to last; a and b are the addresses of order zero, rows `stride` words apart."""
    body = Body(Lanes(width), count, "%stride")
    body.store(Levels(body.lanes, count, _accumulated(body, "%first", "%last")).result(), "%out")
    return _function(body, name, "ptr %out, ptr %a, ptr %b, i64 %stride, i64 %k, i64 %first, i64 %last")


def _square(name: str, width: int, count: int) -> str:
    """out = the sum of a_j a_(k-j) for j from first to k - first, each pair once and doubled; b is a."""
    body = Body(Lanes(width), count, "%stride")
    lanes = body.lanes
    last = body.whole("ashr", body.whole("sub", "%k", 1), 1)
    pairs = _accumulated(body, "%first", last)
    levels = Levels(lanes, count, [lanes.add(value, value) for value in pairs])
    middle = body.load(body.row("%a", body.whole("ashr", "%k", 1)))
    even = lanes.emit(f"sitofp i64 {body.whole('sub', 1, body.whole('and', '%k', 1))} to double")
    weight = lanes.splat(even)
    levels.multiply(middle, [lanes.mul(word, weight) for word in middle])
    body.store(levels.result(), "%out")
    return _function(body, name, "ptr %out, ptr %a, ptr %b, i64 %stride, i64 %k, i64 %first")


def _reciprocal(name: str, width: int, count: int) -> str:
    """out = 1 / a by Newton's method: x + x (1 - a x), which doubles the digits."""
    body = Body(Lanes(width), count)
    one = body.constant([1.0])
    x = body.kept([body.lanes.div(body.lanes.constant(1.0), body.first_word("%a"))])
    for _ in range(doublings(count)):
        rest = body.call("sub", one, body.call("mul", "%a", x))
        x = body.call("add", x, body.call("mul", x, rest))
    body.store(body.load(x), "%out")
    return _function(body, name, "ptr %out, ptr %a")


def _div(name: str, width: int, count: int) -> str:
    """out = a / b, corrected by its remainder."""
    body = Body(Lanes(width), count)
    inverse = body.call("reciprocal", "%b")
    first = body.call("mul", "%a", inverse)
    rest = body.call("sub", "%a", body.call("mul", "%b", first))
    body.call("add", first, body.call("mul", rest, inverse), into="%out")
    return _function(body, name, "ptr %out, ptr %a, ptr %b")


def _sqrt(name: str, width: int, count: int) -> str:
    """out = the square root of a: Newton's method for 1 / sqrt(a), then one step for the root itself; 0 of 0."""
    body = Body(Lanes(width), count)
    lanes, one = body.lanes, body.constant([1.0])
    root = lanes.intrinsic("sqrt", body.first_word("%a"))
    x = body.kept([lanes.div(lanes.constant(1.0), root)])
    for _ in range(doublings(count)):
        rest = body.call("sub", one, body.call("mul", "%a", body.call("mul", x, x)))
        x = body.call("add", x, body.doubled(body.call("mul", x, rest), -1))
    first = body.call("mul", "%a", x)
    rest = body.call("sub", "%a", body.call("mul", first, first))
    last = body.call("add", first, body.doubled(body.call("mul", rest, x), -1))
    zero = lanes.compare("oeq", root, lanes.constant(0.0))
    body.store(body.load(body.chosen(zero, body.constant([0.0]), last)), "%out")
    return _function(body, name, "ptr %out, ptr %a")


def doublings(count: int) -> int:
    """Steps of Newton's method from a double to `count` words; the first has 52 bits at least."""
    return max(1, (count - 1).bit_length()) + 1


def _floor(name: str, width: int, count: int) -> str:
    """out = the largest integer not above a: a word's own where those before it are integers."""
    body = Body(Lanes(width), count)
    lanes = body.lanes
    whole = lanes.emit(f"fcmp true {lanes.vector} {lanes.constant(0.0)}, {lanes.constant(0.0)}")
    levels = Levels(lanes, count)
    for place, word in enumerate(body.load("%a")):
        below = lanes.intrinsic("floor", word)
        levels.put(place, lanes.select(whole, below, lanes.constant(0.0)))
        whole = lanes.logic("and", whole, lanes.compare("oeq", below, word))
    body.store(levels.result(), "%out")
    return _function(body, name, "ptr %out, ptr %a")


def _horner(name: str, width: int, count: int) -> str:
    """out = the polynomial of `last` + 1 coefficients from a on, `stride` vectors apart, at x; of each as many words as out has."""
    body = Body(Lanes(width), count)
    lanes, x = body.lanes, body.load("%x")

    def coefficient(index: Value) -> list[Value]:
        place = body.whole("mul", index, "%stride")
        return body.load(lanes.emit(f"getelementptr {lanes.vector}, ptr %a, i64 {place}"))

    start = coefficient("%last")
    with Loop(body, body.whole("sub", "%last", 1), 0, start, step=-1) as loop:
        levels = Levels(lanes, count)
        levels.multiply(loop.values, x)
        levels.add(coefficient(loop.index))
        loop.next(levels.result())
    body.store(loop.results, "%out")
    return _function(body, name, "ptr %out, ptr %a, ptr %x, i64 %last, i64 %stride")


def _horner_short(name: str, width: int, count: int) -> str:
    """As `_horner`, at a double x in each lane."""
    body = Body(Lanes(width), count)
    with Loop(body, body.whole("sub", "%last", 1), 0, body.load(body.row("%a", "%last")), step=-1) as loop:
        levels = Levels(body.lanes, count)
        levels.multiply(loop.values, ["%x"])
        levels.add(body.load(body.row("%a", loop.index)))
        loop.next(levels.result())
    body.store(loop.results, "%out")
    return _function(body, name, f"ptr %out, ptr %a, {body.lanes.vector} %x, i64 %last")


_FUNCTIONS: dict[str, Callable[[str, int, int], str]] = {
    "add": _binary(lambda body, a, b: total(body.lanes, a, b)),
    "sub": _binary(lambda body, a, b: total(body.lanes, a, negated(body.lanes, b))),
    "mul": _binary(lambda body, a, b: product(body.lanes, a, b, body.count)),
    "neg": _neg,
    "scale": _scale,
    "times": _times,
    "over": _over,
    "integrated": _integrated,
    "convolve": _convolve,
    "square": _square,
    "reciprocal": _reciprocal,
    "div": _div,
    "sqrt": _sqrt,
    "floor": _floor,
    "horner": _horner,
    "horner_short": _horner_short,
    **ELEMENTARY,
}
