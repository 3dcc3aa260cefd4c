"""The LaTeX, read back by a small reader of the mathematics that it uses: at random states it gives our values."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from attractory.catalog import read_catalog
from attractory.catalog.names import base_name
from attractory.expressions.export.equations import equations
from attractory.expressions.export.latex_text import LatexWriter

NAMES = (*read_catalog(), "AllFunctions", "Turned", "Remembering")
TIME = 0.7
FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{rf"\{name}": getattr(np, name) for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "arcsin", "arccos", "arctan")},
    **{r"\ln": np.log, r"\log_{10}": np.log10, r"\min": min, r"\max": max, r"\operatorname{sgn}": np.sign},
    r"\operatorname{H}": lambda x, h=0.5: np.heaviside(x, h),
    r"\operatorname{mod}": lambda a, b: a - b * np.floor(a / b),
    r"\operatorname{atan2}": np.arctan2,
}
GREEK = "alpha|beta|gamma|delta|epsilon|zeta|eta|theta|iota|kappa|lambda|mu|nu|xi|pi|rho|sigma|tau|upsilon|phi|chi|psi|omega"
FUNCTION = re.compile(r"\\operatorname\{\w+\}|\\log_\{10\}|\\[a-z]+(?=\\left\()")
SYMBOL = re.compile(rf"\\(?:{GREEK}|{GREEK.title()})(?![a-z])|\\mathrm\{{[^{{}}]*\}}|[A-Za-z]")
SPACE = re.compile(r"(?:\s|\\,)*")
NUMBER = re.compile(r"\d+\.?\d*")
COMPARISONS = {"<": "lt", r"\le": "le", ">": "gt", r"\ge": "ge", "=": "eq", r"\ne": "ne"}
Value = Callable[[dict[str, Any]], Any]


class Reader:
    """A text's mathematics as functions of the symbols' values; symbols are looked up as they are set."""

    def __init__(self, text: str) -> None:
        self.text, self.place = text, 0

    def skip(self) -> None:
        self.place = SPACE.match(self.text, self.place).end()

    def sees(self, *starts: str) -> str:
        self.skip()
        return next((start for start in starts if self.text.startswith(start, self.place)), "")

    def takes(self, *starts: str) -> str:
        found = self.sees(*starts)
        self.place += len(found)
        return found

    def matches(self, pattern: re.Pattern[str]) -> str:
        self.skip()
        found = pattern.match(self.text, self.place)
        self.place = found.end() if found else self.place
        return found.group() if found else ""

    def must(self, start: str) -> None:
        assert self.takes(start), (start, self.text[self.place :])

    def whole(self) -> Value:
        value = self.sum()
        self.skip()
        assert self.place == len(self.text), self.text[self.place :]
        return value

    def sum(self) -> Value:
        value = self.negative(self.product()) if self.takes("-") else self.product()
        while sign := self.takes("+", "-"):
            value = self.added(value, self.product(), 1 if sign == "+" else -1)
        return value

    @staticmethod
    def negative(value: Value) -> Value:
        return lambda names: -value(names)

    @staticmethod
    def added(a: Value, b: Value, sign: int) -> Value:
        return lambda names: a(names) + sign * b(names)

    def product(self) -> Value:
        value = self.factor()
        assert value is not None, self.text[self.place :]
        while True:
            operation = self.takes(r"\cdot", r"\times", r"\bmod")
            factor = self.factor()
            if factor is None:
                return value
            value = self.multiplied(value, factor, operation)

    @staticmethod
    def multiplied(a: Value, b: Value, operation: str) -> Value:
        return (lambda names: a(names) % b(names)) if operation == r"\bmod" else (lambda names: a(names) * b(names))

    def factor(self) -> Value | None:
        base = self.base()
        if base is None or not self.takes("^{"):
            return base
        exponent = self.sum()
        self.must("}")
        return lambda names: np.float64(base(names)) ** exponent(names)

    def base(self) -> Value | None:
        if number := self.matches(NUMBER):
            value = float(number) if "." in number else int(number)
            return lambda names: value
        if self.takes(r"\frac{"):
            return self.quotient()
        for start, end, function in ((r"\left(", r"\right)", lambda x: x), (r"\sqrt{", "}", np.sqrt), (r"\left|", r"\right|", np.abs)):
            if self.takes(start):
                return self.applied(function, [self.sum()], end)
        if self.takes(r"\left\lfloor"):
            return self.applied(np.floor, [self.sum()], r"\right\rfloor")
        if self.takes(r"\begin{cases}"):
            return self.cases()
        if self.takes(r"\sum_{"):
            return self.total()
        if function := self.matches(FUNCTION):
            self.must(r"\left(")
            arguments = [self.sum()]
            while self.takes(","):
                arguments.append(self.sum())
            return self.applied(FUNCTIONS[function], arguments, r"\right)")
        symbol = self.matches(SYMBOL)
        return self.symbol(symbol) if symbol else None

    def applied(self, function: Callable[..., Any], arguments: list[Value], end: str) -> Value:
        self.must(end)
        return lambda names: function(*(argument(names) for argument in arguments))

    def quotient(self) -> Value:
        above = self.sum()
        self.must("}{")
        below = self.sum()
        self.must("}")
        return lambda names: np.float64(above(names)) / below(names)

    def cases(self) -> Value:
        first = self.sum()
        self.must(r"& \text{if }")
        condition = self.condition()
        self.must(r"\\")
        second = self.sum()
        self.must(r"& \text{otherwise}")
        self.must(r"\end{cases}")
        return lambda names: first(names) if condition(names) else second(names)

    def condition(self) -> Value:
        value = self.both()
        while self.takes(r"\lor"):
            value = (lambda a, b: lambda names: a(names) or b(names))(value, self.both())
        return value

    def both(self) -> Value:
        value = self.comparison()
        while self.takes(r"\land"):
            value = (lambda a, b: lambda names: a(names) and b(names))(value, self.comparison())
        return value

    def comparison(self) -> Value:
        if self.takes(r"\lnot \left("):
            inside = self.condition()
            self.must(r"\right)")
            return lambda names: not inside(names)
        left = self.sum()
        operation = self.takes(r"\left", r"\le", r"\ge", r"\ne", "<", ">", "=")
        right = self.sum()
        return lambda names: getattr(np.float64(left(names)), f"__{COMPARISONS[operation]}__")(right(names))

    def total(self) -> Value:
        index = self.matches(SYMBOL)
        self.must("=0}^{")
        last = int(self.matches(NUMBER))
        self.must("}")
        body = self.product()
        return lambda names: sum(body({**names, index: value}) for value in range(last + 1))

    def symbol(self, stem: str) -> Value:
        subscript = ""
        if self.text.startswith("_{", self.place):
            start = self.place + 2
            depth, self.place = 1, start
            while depth:
                depth += {"{": 1, "}": -1}.get(self.text[self.place], 0)
                self.place += 1
            subscript = self.text[start : self.place - 1]
        value = self.value(stem, subscript)
        if not self.text.startswith(r"\left(t", self.place):  # x(t - tau) is set without a space, a product with one
            return value
        self.must(r"\left(")
        time = self.sum()
        self.must(r"\right)")
        return lambda names: value({**names, **names["past"](names["t"] - time(names))})

    @staticmethod
    def value(stem: str, subscript: str) -> Value:
        whole = f"{stem}_{{{subscript}}}" if subscript else stem
        indices = [Reader(part).whole() for part in subscript.split(", ")] if subscript and "mathrm" not in subscript else []

        def found(names: dict[str, Any]) -> Any:
            if not isinstance(names.get(stem), list):
                return np.pi if whole == r"\pi" and whole not in names else names[whole]
            item = names[stem]
            for index in indices:
                item = item[int(index(names)) % len(item)]
            return item

        return found


def set_values(system: Any, state: np.ndarray, writer: LatexWriter) -> dict[str, Any]:
    """The value of each symbol of a system: an indexed variable is a list."""
    names: dict[str, Any] = {"t": TIME, **{writer.symbol(name): value for name, value in system.parameters.items()}}
    return {**names, **of_state(state, writer)}


def of_state(state: np.ndarray, writer: LatexWriter) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for equation in writer.equations.equations:
        part = list(state[equation.place : equation.place + equation.size])
        found[writer.symbol(equation.name)] = part if equation.index else part[0]
    return found


def right_hand_sides(text: str) -> list[tuple[str, str]]:
    """(left, right) of each line, without what is said of ranges and indices."""
    lines = text.removeprefix("\\begin{aligned}\n").removesuffix("\n\\end{aligned}\n").split(" \\\\\n")
    parts = [line.partition(" &= ") for line in lines]
    return [(left, re.split(r" \\quad|, \\qquad", right)[0]) for left, _, right in parts]


def values(probe: Any, state: np.ndarray) -> list[float]:
    writer = LatexWriter(equations(probe.system.record))
    lines = right_hand_sides(probe.system.as_text("latex"))
    count = len(writer.equations.equations)
    names = set_values(probe.system, state, writer)
    names["past"] = lambda delay: of_state(probe.past(delay), writer)
    for left, right in lines[count:]:
        names[left] = Reader(right).whole()(names)
    found: list[float] = []
    for equation, (_, right) in zip(writer.equations.equations, lines, strict=False):
        value = Reader(right).whole()
        indices = [{writer.symbol(equation.index): place} for place in range(equation.size)] if equation.index else [{}]
        found += [turned(writer, equation, value({**names, **index}), names) for index in indices]
    return found


def turned(writer: LatexWriter, equation: Any, value: float, names: dict[str, Any]) -> float:
    if writer.equations.kind != "map" or equation.wrap is None:
        return value
    low, high = (Reader(writer.text(end)).whole()(names) for end in equation.wrap)
    return float(low + (value - low) % (high - low))


@pytest.mark.parametrize("name", NAMES)
def test_the_latex_means_the_right_hand_side(probed, name):
    """Read back at a random state; braces are balanced, and each equation stands on a line of its own, in order."""
    probe = probed(name)
    with np.errstate(all="ignore"):
        probe._replace(expected=probe.expected[:1]).check([values(probe, probe.states[0])])
    text = probe.system.as_text("latex")
    assert all(text.count(start) == text.count(end) for start, end in (("{", "}"), (r"\left", r"\right"), (r"\begin", r"\end")))
    lefts = [left for left, _ in right_hand_sides(text)]
    assert len(lefts) == len(probe.system.equations) + len(probe.system.record.definitions)
    assert len({base_name(key) for key in probe.system.equations}) == len(set(lefts[: len(probe.system.equations)]))


def test_lorenz_in_latex_is_what_a_person_writes(probed):
    """Greek letters, dots, no brackets that are not needed."""
    assert probed("Lorenz").system.as_text("latex").splitlines()[1:-1] == [
        r"\dot{x} &= \sigma \left(y - x\right) \\",
        r"\dot{y} &= x \left(\rho - z\right) - y \\",
        r"\dot{z} &= x y - \beta z",
    ]


def test_words_do_not_run_into_one_another(probed):
    """Names of several letters that are multiplied have a space between them; letters have none."""
    lines = probed("CellCycle").system.as_text("latex").splitlines()
    assert r"\frac{\mathrm{vi} \, \mathrm{Kim}}{\mathrm{Kim} + m_{2}} - \frac{\mathrm{vd} \, x_{1} c_{1}}" in lines[1]


@given(st.data())
def test_brackets_keep_the_order_of_operations(drawn, data):
    """Whatever is nested in what: the value is ours."""
    probe = drawn(data)
    try:
        with np.errstate(all="ignore"):
            found = [values(probe, probe.states[0])]
    except ZeroDivisionError:  # of Python's own numbers, where the engine's are infinite
        assume(False)
    probe.check(found)
