"""YAML from strangers: what is read, and what is refused before it can cost anything."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attractory.catalog import read_system, read_yaml
from attractory.catalog.reading import MAX_BYTES, parse_yaml
from attractory.errors import CatalogError, RecipeError

Write = Callable[..., Path]


@pytest.mark.parametrize("key", ["y", "n", "no", "on", "off", "yes", "null", "1", "true", "~"])
def test_a_key_is_text_as_written(key: str) -> None:
    """The state variable y, and whatever YAML 1.1 would take for a boolean, a number or nothing, is a plain key."""
    value, _ = parse_yaml(f"equations: {{{key}: x}}", "f")
    assert value == {"equations": {key: "x"}}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.0e-9", 1e-9),
        ("1e-9", 1e-9),
        ("-.5", -0.5),
        ("3.", 3.0),
        ("+7", 7),
        ("010", 10),
        ("true", True),
        ("~", None),
        ("8/3", "8/3"),
        ("no", "no"),
        ("y", "y"),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        ("'1.5'", "1.5"),
        ("-x", "-x"),
        ("x[i+1]", "x[i+1]"),
        ("12345678901234567890", 12345678901234567890.0),
    ],
)
def test_a_value_is_what_yaml_1_2_says(text: str, value: object) -> None:
    """Numbers with an exponent are numbers, expressions and words are text, and quoted text is text."""
    read, _ = parse_yaml(f"key: {text}", "f")
    assert read == {"key": value}
    assert type(read["key"]) is type(value)  # type: ignore[index]


def test_infinity_and_nan_are_read_so_that_a_record_can_refuse_them() -> None:
    """They are numbers to YAML; what a number means is for the record."""
    read, _ = parse_yaml("[.inf, -.inf, .nan]", "f")
    assert str(read) == str([math.inf, -math.inf, math.nan])


def test_every_key_has_its_line() -> None:
    """Messages can name the line of any dotted key, list items included."""
    _, lines = parse_yaml("# c\nname: A\nequations:\n  x: y\n  y: >-\n    a\n    b\npublished:\n  - {value: 1,\n     source: s}\n", "f")
    expected = {"name": 2, "equations": 3, "equations.x": 4, "equations.y": 5, "published.0": 9, "published.0.source": 10}
    assert expected.items() <= lines.items()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: &x [1]\n", r"^f:2: found an anchor"),
        ("a: 1\nb: *x\n", r"^f:2: found an alias"),
        ("a: !!python/object:os.system x\n", r"^f:1: found a tag"),
        ("a: !x 1\n", r"^f:1: found a tag"),
        ("&k a: 1\n", r"^f:1: found an anchor or a tag"),
        ("%YAML 1.1\n---\na: 1\n", r"^f:2: found a directive"),
        ("a: 1\n---\nb: 1\n", r"^f:2: a second document"),
        ("? [1]\n: 2\n", r"^f:1: found a key that is not plain text"),
        ("a: 1\nb: [1\n", r"^f:\d: is not YAML: .+\.$"),
        ("a: 1\n\tb: 2\n", r"^f:2: is not YAML"),
        ('a: "\\UFFFFFFFF"\n', r"^f:1: is not YAML"),
        ("a: \x00\n", r"^f:1: is not YAML"),
    ],
)
def test_what_an_entry_never_needs_is_refused(text: str, message: str) -> None:
    """Anchors, aliases, tags, directives and broken files each have their own message, with the line."""
    with pytest.raises(CatalogError, match=message):
        parse_yaml(text, "f")


def test_every_repeated_key_is_named_with_both_lines() -> None:
    """Of a key that stands twice neither value is taken, and all such keys are reported at once."""
    with pytest.raises(CatalogError) as error:
        parse_yaml("a: {x: 1, x: 2}\nb: 1\nb: 2\n", "f")
    assert str(error.value).splitlines() == [
        "f:1: a.x: stands twice, first on line 1: remove one",
        "f:3: b: stands twice, first on line 2: remove one",
    ]


LAUGHS = "a: &a [x,x]\n" + "".join(f"{b}: &{b} [*{a},*{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
BOMBS = {
    "open brackets": "a: " + "[" * 100_000,
    "open braces": "a: " + "{x: " * 50_000,
    "brackets on lines": "a: " + "[\n" * 50_000,
    "indentation": "\n".join(" " * depth + "a:" for depth in range(600)),
    "sequences in sequences": "- " * 100_000,
    "keys of keys": "? " * 100_000,
    "many values": "a: [" + "1," * 100_000 + "1]",
    "many keys": "".join(f"k{n}: 1\n" for n in range(20_000)),
    "billion laughs": LAUGHS,
}


@pytest.mark.parametrize("text", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_refused_at_once(write: Write, text: str) -> None:
    """Depth, size and sharing are bounded while reading, not after."""
    path = write(text)
    start = time.process_time()
    with pytest.raises(CatalogError):
        read_yaml(path)
    assert time.process_time() - start < 0.7  # a third of this on the machine that it was written on


def test_parentheses_without_end_are_only_text(write: Write) -> None:
    """An expression is not looked into here, so no depth of parentheses overflows anything."""
    value, _ = read_yaml(write("x: " + "(" * 100_000))
    assert value == {"x": "(" * 100_000}


def test_a_file_that_is_too_large_is_not_read(write: Write) -> None:
    """The size is checked before the content."""
    with pytest.raises(CatalogError, match=r"is larger than 128 KiB"):
        read_yaml(write("#" * (MAX_BYTES + 1)))


def test_a_file_that_is_not_text_is_refused_with_its_line(write: Write, tmp_path: Path) -> None:
    """The message says that it is not UTF-8, and where."""
    path = tmp_path / "latin.yaml"
    path.write_bytes(b"name: A\ndescription: R\xf6ssler\n")
    with pytest.raises(CatalogError, match=r"latin\.yaml:2: found a byte that is not UTF-8"):
        read_yaml(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """The message names the path and the reason."""
    with pytest.raises(CatalogError, match=re.escape(f"{tmp_path / 'x.yaml'}: cannot be read: No such file")):
        read_system(tmp_path / "x.yaml")


def test_the_caller_chooses_the_error(write: Write) -> None:
    """A recipe is read with the same bounds and raises its own kind of error."""
    with pytest.raises(RecipeError, match="found an anchor"):
        read_yaml(write("a: &x 1"), RecipeError)


def test_a_byte_order_mark_and_windows_line_ends_are_read(write: Write) -> None:
    """What some editors add changes neither values nor lines."""
    assert read_yaml(write("\ufeffa: 1\r\nb: x y\r\n")) == ({"a": 1, "b": "x y"}, {"a": 1, "b": 2})


@given(st.text(alphabet=st.sampled_from(list("ab: -[]{}\n\t'\"#&*!|>%@`?,~.0")), max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text brings out another exception than the one that users are told about."""
    try:
        parse_yaml(text, "f")
    except CatalogError as error:
        assert str(error).startswith("f:")  # noqa: PT017  # either outcome is right
