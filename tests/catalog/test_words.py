"""The words of the catalog are its own: no sentence of another project's descriptions stands in it.

`data/words_of_others.json` holds hashes of their sentences and of every six words in a row, and no sentence. It is written again by

    python tests/catalog/test_words.py FILE…

where a file is JSON with `description` keys, as dysts has them, or Julia's source, of which the documentation strings count.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from attractory.catalog import SystemRecord, catalog_folder, entry_files, read_system

ROW = 6  # words: fewer are turns of the language, such as "a model of the"
SHORTEST = 4  # words of a sentence that can be somebody's
FILE = Path(__file__).parent / "data" / "words_of_others.json"


def words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.casefold())


def rows(text: str) -> Iterator[tuple[str, ...]]:
    """Each sentence as its words, and every six words in a row, sentences' ends or not."""
    for sentence in re.split(r"[.;:!?]+(?:\s|$)", text):
        if len(found := words(sentence)) >= SHORTEST:
            yield tuple(found)
    found = words(text)
    yield from (tuple(found[start : start + ROW]) for start in range(len(found) - ROW + 1))


def hashed(row: tuple[str, ...]) -> str:
    return hashlib.sha256(" ".join(row).encode()).hexdigest()[:12]


def texts(record: SystemRecord) -> Iterator[str]:
    """What is prose in an entry and its variants."""
    yield from (record.description, record.notes, *(variant.notes for variant in record.variants.values()))
    yield from (variable.meaning for variable in record.variables.values())
    if record.timescale:
        yield record.timescale.definition


@pytest.fixture(scope="module")
def others() -> frozenset[str]:
    return frozenset(json.loads(FILE.read_text())["rows"])


@pytest.mark.parametrize("path", entry_files(catalog_folder()), ids=lambda path: path.stem)
def test_no_sentence_of_another_project_stands_in_an_entry(path: Path, others: frozenset[str]) -> None:
    """Neither a sentence nor six words in a row; citations and titles are facts and do not count."""
    assert [" ".join(row) for text in texts(read_system(path)) for row in rows(text) if hashed(row) in others] == []


def test_a_borrowed_sentence_would_be_found(others: frozenset[str]) -> None:
    """The hashes are of words as this test reads them: six of these are in a description of dysts, and the other four are ours."""
    borrowed = "This is an exact solution of Euler's equation for inviscid flow in space."
    assert [" ".join(row) for row in rows(borrowed) if hashed(row) in others]
    assert not [row for row in rows("These words are ours.") if hashed(row) in others]


def _texts_of(file: Path) -> list[str]:
    text = file.read_text()
    if file.suffix == ".jl":
        return re.findall(r'"""(.*?)"""', text, re.DOTALL)
    return [str(entry.get("description", "")) for entry in json.loads(text).values()]


if __name__ == "__main__":
    found = sorted({hashed(row) for name in sys.argv[1:] for text in _texts_of(Path(name)) for row in rows(text)})
    about = (
        "First 48 bits of SHA-256 of sentences and of six words in a row, in small letters, of descriptions in dysts 0.96 (flows; "
        "Apache-2.0) and of documentation strings in PredefinedDynamicalSystems.jl (MIT): what no entry of ours may hold. See "
        "tests/catalog/test_words.py."
    )
    FILE.write_text(json.dumps({"about": about, "rows": found}, indent=0) + "\n")
