"""The Julia text, read by a small evaluator of the part of Julia that it uses: at random states it gives our values.

No Julia runs here. The evaluator knows the language's order of operations, counts from one, refuses reserved words as names and an
integer to a negative integer power; what it cannot see is how Julia compiles.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from attractory.catalog import read_catalog

NAMES = (*read_catalog(), "AllFunctions", "Turned", "Remembering")
TIME = 0.7
TOKEN = re.compile(r"\s*(?:(\d+\.?\d*(?:e[+-]?\d+)?)|([A-Za-z_]\w*!?(?!=))|(&&|\|\||<=|>=|==|!=|\(;|[-+*/^<>?:()\[\],=!]))")
RESERVED = {"begin", "end", "function", "for", "if", "else", "while", "let", "const", "true", "false", "module", "struct", "return", "try"}
BINARY: dict[str, tuple[int, Callable[[Any, Any], Any]]] = {
    "||": (1, lambda a, b: a or b), "&&": (2, lambda a, b: a and b),
    "<": (3, lambda a, b: a < b), "<=": (3, lambda a, b: a <= b), ">": (3, lambda a, b: a > b), ">=": (3, lambda a, b: a >= b),
    "==": (3, lambda a, b: a == b), "!=": (3, lambda a, b: a != b),
    "+": (5, lambda a, b: a + b), "-": (5, lambda a, b: a - b), "*": (6, lambda a, b: a * b), "/": (6, lambda a, b: np.float64(a) / b),
}  # fmt: skip
SIGN, POWER = 7, 8
JULIA: dict[str, Any] = {
    **{name: getattr(np, name) for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "log", "log10", "sqrt", "abs", "sign")},
    **{"asin": np.arcsin, "acos": np.arccos, "atan": lambda *a: np.arctan2(*a) if len(a) == 2 else np.arctan(*a), "floor": np.floor},
    **{"fld": lambda a, b: a // b, "mod": lambda a, b: a % b, "min": min, "max": max, "sum": sum, "pi": np.pi, "float": np.float64},
    **{"zeros": np.zeros, "nothing": None, "NamedTuple": dict},
}  # fmt: skip
Value = Callable[[dict[str, Any]], Any]


def power(base: Any, exponent: Any) -> Any:
    if isinstance(base, int) and isinstance(exponent, int) and exponent < 0:
        raise ArithmeticError("Julia refuses an integer to a negative integer power")
    return base**exponent


class Expression:
    """One expression, as a function of the names' values."""

    def __init__(self, text: str) -> None:
        self.tokens = [str(match.lastindex) + match.group(match.lastindex or 0) for match in TOKEN.finditer(text)]
        assert not re.search(r"--|\+\+", text), text  # no operators of Julia's
        assert "".join(token[1:] for token in self.tokens) == text.replace(" ", ""), text
        self.place = 0

    @property
    def next(self) -> str:
        return self.tokens[self.place][1:] if self.place < len(self.tokens) else ""

    def take(self, *expected: str) -> str:
        token = self.next
        assert not expected or token in expected, (token, expected)
        self.place += 1
        return token

    def whole(self) -> Value:
        value = self.choice()
        assert not self.next, self.next
        return value

    def choice(self) -> Value:
        condition = self.binary(1)
        if self.next != "?":
            return condition
        self.take()
        first = self.choice()
        self.take(":")
        second = self.choice()
        return lambda names: first(names) if condition(names) else second(names)

    def binary(self, least: int) -> Value:
        left = self.sign()
        while self.next in BINARY and BINARY[self.next][0] >= least:
            level, operation = BINARY[self.take()]
            left = self.both(operation, left, self.binary(level + 1))
        return left

    def range(self) -> Value:
        """first:last, its end included, or a number; elsewhere a colon belongs to a choice."""
        first = self.binary(1)
        if self.next != ":":
            return first
        self.take()
        return self.both(lambda a, b: range(a, b + 1), first, self.binary(1))

    @staticmethod
    def both(operation: Callable[[Any, Any], Any], left: Value, right: Value) -> Value:
        return lambda names: operation(left(names), right(names))

    def sign(self) -> Value:
        if self.next in ("-", "!"):
            token, operand = self.take(), self.sign()
            return (lambda names: -operand(names)) if token == "-" else (lambda names: not operand(names))
        base = self.postfix()
        if self.next != "^":
            return base
        self.take()
        exponent = self.sign()
        return self.both(power, base, exponent)

    def postfix(self) -> Value:
        value = self.atom()
        while self.next in ("(", "["):
            if self.take() == "(":
                arguments = self.arguments(")")
                value = self.called(value, arguments)
            else:
                index = self.range()
                self.take("]")
                value = self.both(self.element, value, index)
        return value

    @staticmethod
    def called(function: Value, arguments: list[Value]) -> Value:
        return lambda names: function(names)(*(argument(names) for argument in arguments))

    @staticmethod
    def element(items: Any, index: Any) -> Any:
        if isinstance(index, range):
            return items[index.start - 1 : index.stop - 1]
        assert isinstance(index, int)
        assert 1 <= index <= len(items)
        return items[index - 1]

    def arguments(self, end: str) -> list[Value]:
        found = []
        while self.next != end:
            found.append(self.choice())
            if self.next == "for":  # sum(body for i in 0:5)
                self.take()
                index, _, values = self.take(), self.take("in"), self.range()
                found = [self.comprehended(found[0], index, values)]
            self.take() if self.next == "," else None
        self.take(end)
        return found

    @staticmethod
    def comprehended(body: Value, index: str, values: Value) -> Value:
        return lambda names: [body({**names, index: value}) for value in values(names)]

    def atom(self) -> Value:
        kind, token = self.tokens[self.place][0], self.take()
        if kind == "1":
            number: Any = float(token) if re.search("[.e]", token) else int(token)
            return lambda names: number
        if kind == "2":
            assert token not in RESERVED, token
            return lambda names: names[token]
        if token == "(;":
            pairs = dict(self.pairs())
            return lambda names: {name: value(names) for name, value in pairs.items()}
        if token == "[":
            items = self.arguments("]")
            return lambda names: [item(names) for item in items]
        assert token == "("
        inside = self.choice()
        self.take(")")
        return inside

    def pairs(self) -> Iterator[tuple[str, Value]]:
        while self.next != ")":
            name, _, value = self.take(), self.take("="), self.choice()
            yield name, value
            self.take() if self.next == "," else None
        self.take(")")


def statements(lines: Iterator[str]) -> list[tuple[str, str, list[Any]]]:
    """(kind, text, statements inside) of each line up to the `end` that closes them."""
    found: list[tuple[str, str, list[Any]]] = []
    for line in lines:
        word, _, rest = line.partition(" ")
        if line == "end":
            return found
        found.append((word, rest, statements(lines)) if word in ("for", "function") else ("", line, []))
    return found


def run(found: list[tuple[str, str, list[Any]]], names: dict[str, Any]) -> Any:
    for kind, text, inside in found:
        if kind == "function":
            names[text.partition("(")[0]] = defined(text, inside, names)
        elif kind == "for":
            index, _, values = text.partition(" in ")
            for value in Expression(values).range()(names):
                run(inside, {**names, index: value})
        elif text.startswith("return "):
            return Expression(text.removeprefix("return ")).whole()(names)
        else:
            assign(text, names)
    return None


def defined(head: str, body: list[tuple[str, str, list[Any]]], names: dict[str, Any]) -> Callable[..., Any]:
    arguments = re.findall(r"\w+!?", head.partition("(")[2])
    return lambda *values: run(body, {**names, **dict(zip(arguments, values, strict=True))})


def assign(text: str, names: dict[str, Any]) -> None:
    left, _, right = text.partition(" = ")
    if re.match(r"[A-Za-z]\w*\(", left):  # f(a, b) = …
        names[left.partition("(")[0]] = defined(left, [("", f"return {right}", [])], names)
        return
    value = Expression(right).whole()(names)
    if left.startswith("(;"):
        assert not RESERVED & set(re.findall(r"\w+", left))
        names.update({name: value[name] for name in re.findall(r"\w+", left)})
    elif "[" in left:
        target, _, index = left.rstrip("]").partition("[")
        names[target][Expression(index).whole()(names) - 1] = value
    else:
        targets = left.split(", ")
        names.update(zip(targets, value, strict=True) if len(targets) > 1 else {left: value})


def julia(text: str) -> dict[str, Any]:
    """What a text defines: functions, `parameters`, `initial`."""
    plain = re.sub(r"[ \t]*#.*", "", text)
    joined = re.sub(r"(?<=[\[;,])\n\s+|\n(?=[\])])", "", plain)  # lists over several lines
    names = dict(JULIA)
    run(statements(iter([line.strip() for line in joined.splitlines() if line.strip()])), names)
    return names


def values(names: dict[str, Any], probe: Any) -> list[np.ndarray]:
    found = []
    for state in probe.states:
        changed = np.zeros(len(state))
        past = [lambda p, time: probe.past(TIME - time)] if probe.system.kind == "delay" else []
        names["f!"](changed, list(state), *past, names["parameters"], TIME)
        found.append(changed)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_the_function_for_julia_is_the_right_hand_side(probed, name):
    """At random states, with the parameters that come with it; and the initial state is ours."""
    probe = probed(name)
    names = julia(probe.system.as_text("julia"))
    with np.errstate(all="ignore"):
        probe.check(values(names, probe))
    assert np.array_equal(names["initial"], probe.system.initial)
    if probe.system.kind == "delay":
        assert np.allclose(names["history"](names["parameters"], 0.0), probe.system.initial, rtol=1e-15)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-2^2", -4),
        ("2^-1.0", 0.5),
        ("7/2*3", 10.5),
        ("1 < 2 && 3 == 4 ? 5 : 6 > 5 ? 7 : 8", 7),
        ("[4, 5, 6][2:3][1]", 5),
        ("sum(i*i for i in 0:3)", 14),
    ],
)
def test_the_evaluator_reads_julia_as_julia_does(text, value):
    """Its own promises: powers before signs, ranges with their ends, counting from one."""
    assert Expression(text).whole()(dict(JULIA)) == value


def test_the_evaluator_refuses_what_julia_refuses():
    """A word of the language as a name, and 2^(-1) of integers."""
    with pytest.raises(AssertionError):
        Expression("begin + 1").whole()
    with pytest.raises(ArithmeticError):
        Expression("2^(-1)").whole()({})


@given(st.data())
def test_brackets_keep_the_order_of_operations(drawn, data):
    """Whatever is nested in what: the value is ours."""
    probe = drawn(data)
    try:
        with np.errstate(all="ignore"):
            found = values(julia(probe.system.as_text("julia")), probe)
    except ZeroDivisionError:  # of Python's own numbers, where the engine's are infinite
        assume(False)
    probe.check(found)
