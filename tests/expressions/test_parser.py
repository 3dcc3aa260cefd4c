"""The language: what is read, what is refused and in which words, and that no text does anything else."""

from __future__ import annotations

import contextlib
import math
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attractory.errors import ExpressionError
from attractory.expressions.parser import (
    FUNCTIONS,
    MAX_DEPTH,
    Apply,
    Chain,
    Delayed,
    Name,
    Names,
    Number,
    Sum,
    names_in,
    parse,
    parse_condition,
)

NAMES = Names(
    scalars={"x", "y", "z", "rho", "t"}, lists={"b", "w"}, integers={"N"}, indices={"i", "j"}, bound={"i"}, states={"x", "y", "z"}
)


def read(text: str) -> object:
    return parse(text, NAMES, where="equations.y").tree


def test_row_of_one_precedence_is_done_from_the_left() -> None:
    """a - b + c is (a - b) + c, and a product binds more tightly."""
    assert read("x - y + 2*z") == Chain(
        Name("x", (), 0), (("sub", Name("y", (), 4)), ("add", Chain(Number(2, 8), (("mul", Name("z", (), 10)),), 8))), 0
    )


def test_minus_binds_less_than_a_power() -> None:
    """-x**2 is -(x**2), as in mathematics and in Python."""
    assert read("-x**2") == Apply("neg", (Apply("pow", (Name("x", (), 1), Number(2, 4)), 1),), 0)


def test_constants_are_numbers_until_a_declared_name_shadows_them() -> None:
    """pi and e have their values, and a system with a parameter e means its own."""
    assert read("pi") == Number(math.pi, 0)
    assert parse("e", Names({"e"}), where="equations.x").tree == Name("e", (), 0)


def test_line_breaks_are_spaces() -> None:
    """A folded YAML text is read as one line."""
    assert names_in(parse(" x\n  + y\t- z ", NAMES, where="equations.y").tree) == {"x", "y", "z"}


def test_index_is_an_integer_expression() -> None:
    """b[i+1] keeps the index as a tree of its own."""
    assert read("b[i+1]") == Name("b", (Chain(Name("i", (), 2), (("add", Number(1, 4)),), 2),), 0)
    assert names_in(parse("w[i][N-1]", NAMES, where="equations.y").tree) == {"w", "i", "N"}


def test_sum_binds_its_index() -> None:
    """The index has a value inside sum(…, j) and none outside."""
    assert read("sum(b[j], j)") == Sum(Name("b", (Name("j", (), 6),), 4), "j", 0)
    with pytest.raises(ExpressionError, match=r"uses the index 'j', which has no value here"):
        read("sum(b[j], j) + j")


def test_delayed_state_is_read_where_a_kind_has_delays() -> None:
    """x(t - tau) belongs to delay systems, and is told apart from a forgotten product."""
    delayed = Names({"x", "tau", "t"}, states={"x"}, delays=True)
    assert isinstance(parse("x(t - tau)", delayed, where="equations.x").tree, Delayed)
    ring = Names({"tau", "t"}, {"x"}, {"tau"}, bound={"i"}, states={"x"}, delays=True)
    assert isinstance(parse("x[i + 1](t - tau)", ring, where="equations.x").tree, Delayed)
    with pytest.raises(ExpressionError, match=r"delayed state x\(t - …\), which only kind delay has\. Write kind: delay, and a history"):
        read("x(t - 1)")
    with pytest.raises(ExpressionError, match=r"calls 'x', which is not a function. Write x\*\(…\) for a product"):
        read("x(y + 1)")


def test_condition_is_read_alone_for_a_selection() -> None:
    """The loader's `where=` is the same language with other names."""
    tree = parse_condition("rho > 28 and not (x <= 0 or y == z)", NAMES, where="where").tree
    assert names_in(tree) == {"rho", "x", "y", "z"}
    with pytest.raises(ExpressionError, match="where has a number where a condition was expected"):
        parse_condition("rho", NAMES, where="where")


def test_sum_of_a_thousand_terms_is_read() -> None:
    """A row is a loop, not a thousand nested calls."""
    assert len(read("x" + " + y" * 999).rest) == 999  # type: ignore[attr-defined]


REFUSALS = {
    "x*(rh0 - y)": r"^equations\.y uses 'rh0', which is not a state variable or parameter\. Did you mean 'rho'\? \(column 4 of",
    "__import__('os')": r"uses '__import__', which is not a name",
    "sn(x)": r"calls 'sn', which is not a function\. Did you mean 'sin'\?",
    "atan2(x)": r"calls 'atan2' with 1 arguments; it takes 2\.",
    "heaviside(x, 0, 1)": r"it takes 1 to 2\.",
    "min(x)": r"it takes 2 or more\.",
    "sin": r"uses the function 'sin' without arguments",
    "9**9**9": r"power of a power without brackets",
    "2**-x**y": r"power of a power without brackets",
    "x.real": r"holds '\.', which is not in the language\. Names have no attributes",
    "x^2": r"Write \*\* for a power",
    "2x": r"has '2' run into a name",
    "0x10": r"has '0' run into a name",
    "3j": r"has '3' run into a name",
    "x % 2": r"Write mod\(a, b\) for %",
    "x < 1": r"condition where a number was expected",
    "where(x, 1, 2)": r"number where a condition was expected",
    "where(0 < x < 1, 1, 2)": r"Write a < b and b < c",
    "1e999": r"too large for a double",
    "1" * 100: r"a number of 100 characters",
    "lambda: x": r"'lambda', a reserved word",
    "x if x > 0 else y": r"'if', a reserved word",
    "[x for x in y]": r"'for', a reserved word",
    "True": r"'True', a reserved word",
    "'x'": r"There are no strings",
    "x, y": r"a list of values",
    "max(*b)": r"starred argument",
    "x = 1": r"Write == to compare",
    "b": r"uses 'b' without an index",
    "x[i]": r"indexes 'x', which is a single number",
    "b[x]": r"uses 'x' as an index",
    "b[1.5]": r"not made of integers",
    "(x + 1)(y)": r"calls something that is not a function",
    "(x)[i]": r"indexes 'x'",
    "sum(x, rho)": r"sums over something that is not an index; the indices are i, j",
    "sum(x, i)": r"'i', which already has a value",
    "x +": r"is not an expression: invalid syntax",
    "(x": r"is not an expression: '\(' was never closed",
    "ρ": r"holds 'ρ', which is not in the language",
    "x # y": r"holds '#'",
    "x\\": r"holds",
    "": r"is empty",
}


@pytest.mark.parametrize("text", REFUSALS)
def test_what_is_not_in_the_language_is_refused_in_words(text: str) -> None:
    """Each refusal says what was found, and what to write where that is known."""
    with pytest.raises(ExpressionError, match=REFUSALS[text]):
        read(text)


HOSTILE = [
    "(" * 100_000 + ")" * 100_000,
    "(" * 10_000 + ")" * 10_000,
    "[" * 9_000,
    "-" * 19_000 + "x",
    "not " * 4_900 + "x",
    "x" + "**x" * 6_000,
    "x" + "+x" * 9_900,
    "x" + "[0]" * 6_000,
    "x" + "()" * 9_000,
    "abs(" * 3_000 + "x" + ")" * 3_000,
    "9" * 19_999,
    "x<" * 9_999 + "x",
    "\0",
    "x" * 20_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: f"{text[:8]!r}×{len(text)}")
def test_hostile_text_is_refused_and_not_run_into(text: str) -> None:
    """Depth, length and size are bounded before Python's parser sees a text: never a RecursionError, a MemoryError or a long wait."""
    with pytest.raises(ExpressionError):
        read(text)


def test_brackets_up_to_the_bound_are_read() -> None:
    """The bound on nesting refuses nothing that fits it."""
    assert read("(" * MAX_DEPTH + "x" + ")" * MAX_DEPTH) == Name("x", (), MAX_DEPTH)


WORDS = [*FUNCTIONS, "x", "y", "b", "i", "j", "t", "pi", "1", "2.5", "1e3", "(", ")", "[", "]", ",", "+", "-", "*", "/", "**", "//", "%"]
WORDS += ["<", "<=", "==", "!=", "and", "or", "not", "lambda", ":", "=", ".", "'", "é", " ", "\n"]


@given(st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join) | st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Whatever the text, the parser gives a tree or an ExpressionError, nothing else."""
    for reader in (parse, parse_condition):
        with contextlib.suppress(ExpressionError):
            assert reader(text, NAMES, where="equations.y").text.split() == text.split()


def test_parser_needs_the_standard_library_alone() -> None:
    """The loader uses the parser on a machine without the pipeline's packages."""
    loaded = "import attractory.expressions.parser, sys; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True, env=_paths()).stdout.split()
    assert not [name for name in modules if re.match(r"(numpy|pydantic|numba|dask|scipy)", name)]


def _paths() -> dict[str, str]:
    return {"PYTHONPATH": ":".join(path for path in sys.path if path)}
