"""Writing invariants into an entry: that block and nothing else changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from attractory.catalog import catalog_folder, entry_files, read_system, write_invariants
from attractory.errors import CatalogError

Write = Callable[..., Path]

ENTRY = """\
# an entry with odd   spacing
name: Mine
kind: flow
equations: {x: '-x',   "y": -y}   # a comment
initial:
    x: 1.0e-9
    y:   2
"""
FOUND = {
    "lyapunov_spectrum": {
        "value": [0.9056, -1e-9],
        "standard_error": [1e-4, 2.5e-5],
        "method": "QR of the variational equations",
        "settings": {"seed": 0, "on": True, "duration": 1000.0},
        "computed_with": {"attractory": "0.1.0"},
    }
}
BLOCK = """\
invariants:
  lyapunov_spectrum:
    value: [0.9056, -1.0e-09]
    standard_error: [0.0001, 2.5e-05]
    method: "QR of the variational equations"
    settings: {seed: 0, on: true, duration: 1000.0}
    computed_with: {attractory: "0.1.0"}
"""


def test_a_first_annotation_is_added_at_the_end(write: Write) -> None:
    """The rest of the file, comments and spacing included, is kept to the byte; floats are floats to a YAML 1.1 reader too."""
    path = write(ENTRY)
    record = write_invariants(path, FOUND)
    assert path.read_text() == ENTRY + BLOCK.replace("2.5e-05", "2.5e-05")
    assert record == read_system(path)
    assert record.invariants["lyapunov_spectrum"].value == (0.9056, -1e-9)


def test_annotating_again_changes_nothing(write: Write) -> None:
    """The same values give the same bytes."""
    path = write(ENTRY)
    write_invariants(path, FOUND)
    before = path.read_bytes()
    write_invariants(path, FOUND)
    assert path.read_bytes() == before


@pytest.mark.parametrize("after", ["", "\n# a last word\n", "notes: last\n", "# about the notes\nnotes: >-\n  two\n  lines\n"])
@pytest.mark.parametrize("header", ["invariants:", "invariants:   # written by a program", "invariants: {}"])
def test_a_block_is_exchanged_where_it_stands(write: Write, header: str, after: str) -> None:
    """Keys and comments before and after it stay, and so does a comment behind its key."""
    old = "" if header.endswith("}") else "  q:\n    value: [1,\n      2]\n    method: m\n    computed_with: {c: [1, {}]}\n"
    path = write(f"{ENTRY}{header}\n{old}{after}")
    write_invariants(path, FOUND)
    kept = "invariants:" if header.endswith("}") else header
    assert path.read_text() == ENTRY + BLOCK.replace("invariants:", kept) + after


def test_an_empty_mapping_takes_the_block_away(write: Write) -> None:
    """An entry can be given back as it was."""
    path = write(ENTRY + BLOCK + "notes: last\n")
    assert write_invariants(path, {}).invariants == {}
    assert path.read_text() == ENTRY + "notes: last\n"


def test_the_digest_stays(write: Write) -> None:
    """Annotating an entry changes no data that were made from it."""
    path = write(ENTRY)
    before = read_system(path).digest
    assert write_invariants(path, FOUND).digest == before


def test_line_ends_and_a_missing_last_one_are_respected(write: Write) -> None:
    """A file of Windows stays one."""
    path = write(ENTRY.rstrip("\n").replace("\n", "\r\n"))
    write_invariants(path, FOUND)
    assert path.read_bytes().decode() == (ENTRY + BLOCK).replace("\n", "\r\n")
    write_invariants(path, FOUND)
    assert path.read_bytes().decode() == (ENTRY + BLOCK).replace("\n", "\r\n")


def test_numbers_of_numpy_are_numbers(write: Write) -> None:
    """Arrays and scalars need no conversion by the caller, and nothing found is left out."""
    path = write(ENTRY)
    write_invariants(path, {"q": {"value": np.array([1.0, 2.0]), "standard_error": None, "method": "m", "computed_with": "c"}})
    assert read_system(path).invariants["q"].value == (1.0, 2.0)


@pytest.mark.parametrize(
    ("text", "invariants", "message"),
    [
        (
            "{name: Mine, kind: flow, equations: {x: -x}, initial: {x: 1}, invariants: {}}\n",
            FOUND,
            "expected it at the beginning of a line",
        ),
        ("{name: Mine, kind: flow, equations: {x: -x}, initial: {x: 1}}\n", FOUND, "is not YAML"),
        (ENTRY, {"q": {"value": float("nan"), "method": "m", "computed_with": "c"}}, "found nan, expected a finite number"),
        (ENTRY, {"q": {"value": 1.0}}, "the key 'method' is missing"),
        (ENTRY, {"q": {"value": 1.0, "method": {1}, "computed_with": "c"}}, "found set, expected numbers, text"),
    ],
)
def test_what_would_break_an_entry_is_refused(write: Write, text: str, invariants: dict[str, dict[str, object]], message: str) -> None:
    """The new text is read before the old file is replaced, so a refusal leaves everything as it was."""
    path = write(text)
    with pytest.raises(CatalogError, match=message):
        write_invariants(path, invariants)
    assert path.read_text() == text
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("source", entry_files(catalog_folder()), ids=lambda path: path.stem)
def test_each_catalogued_entry_can_be_annotated(source: Path, write: Write) -> None:
    """Taking the block of an entry away and putting one in changes no other byte."""
    path = write(source.read_text())
    write_invariants(path, {})
    bare = path.read_text()
    write_invariants(path, FOUND)
    assert path.read_text().replace(BLOCK, "") == bare
