"""A record as text: what `System.to_yaml` gives is an entry, equal to the one that it came from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import attractory
from attractory.catalog import SystemRecord, catalog_folder, entry_files, entry_text, read_system
from attractory.catalog.reading import parse_yaml
from attractory.errors import CatalogError

Write = Callable[..., Path]


def again(record: SystemRecord) -> SystemRecord:
    value, _ = parse_yaml(entry_text(record), "again.yaml")
    assert isinstance(value, dict)
    return SystemRecord.from_mapping(value)


@pytest.mark.parametrize("path", entry_files(catalog_folder()), ids=lambda path: path.stem)
def test_every_entry_survives_the_way_through_python(path: Path) -> None:
    """YAML -> System -> YAML -> an equal record, with the same digest; its variants too."""
    record = read_system(path)
    for each in (record, *(record.variant(name) for name in record.variants)):
        assert again(each) == each
        assert again(each).digest == each.digest


def test_a_definition_in_python_becomes_an_entry(write: Write) -> None:
    """The text lies in a folder, and the system is found there by its name."""
    made = attractory.System(
        name="Mine",
        equations={"x": "y", "y": "-k*x"},
        parameters={"k": np.float64(1e-9)},
        initial={"x": 1, "y": np.float32(0.5)},
        tags=["mechanics"],
    )
    path = write(made.to_yaml(), "own/mine.yaml")
    assert attractory.system("Mine", catalog=path.parent).record == made.record
    assert path.read_text() == (
        "name: Mine\nkind: flow\ntags: [mechanics]\nparameters: {k: 1.0e-09}\n"
        "equations:\n  x: \"y\"\n  y: -k*x\ninitial: {x: 1, y: 0.5}\n"
    )  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "x" * 5000, "\U000e0001", "---", "no", "Y", "null", "1e5", "0x1", "12:30:00", "- a", "a: b", "a #b", "ends:", "ends ",
        "*a", "&a", "!a", "'", '"',
        "{a", "[a", "%a",
        "a\nb", "tab\t", "\x00\x07\x7f\x85", "\u2028\ufeff\xa0", "é, ü", "\U0001f300", "-a", "(a)", "a, b}",
    ],
)  # fmt: skip
def test_any_text_reads_back_as_it_was(text: str) -> None:
    """In a line of its own, and in a list."""
    record = SystemRecord.from_mapping(
        {"name": "Mine", "kind": "map", "equations": {"x": "x"}, "initial": {"x": 1}, "description": text, "tags": [text], "notes": text}
    )
    assert again(record) == record


def test_long_values_are_broken_into_lines() -> None:
    """A list of many rows has one a line, and equations stand below each other."""
    couplings = tuple(tuple(float(row * column) for column in range(8)) for row in range(8))
    entry = {"name": "Mine", "kind": "map", "parameters": {"a": couplings}, "equations": {"x": "x"}, "initial": {"x": 1}}
    lines = entry_text(SystemRecord.from_mapping(entry)).splitlines()
    assert lines[2:5] == ["parameters:", "  a:", "    - [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]"]
    assert again(SystemRecord.from_mapping(entry)) == SystemRecord.from_mapping(entry)


def test_what_yaml_has_no_word_for_is_refused() -> None:
    """Settings of an invariant may hold anything in Python."""
    entry = {"name": "Mine", "kind": "map", "equations": {"x": "x"}, "initial": {"x": 1}}
    invariant = {"value": 1.0, "method": "m", "computed_with": "c", "settings": {"a": {1}}}
    with pytest.raises(CatalogError, match="found set, expected numbers, text, lists and mappings"):
        entry_text(SystemRecord.from_mapping({**entry, "invariants": {"q": invariant}}))
