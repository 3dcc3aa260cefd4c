"""Entries of the packaged catalog and of the tests, as files that a test may spoil."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from attractory.catalog import catalog_folder, read_catalog
from attractory.catalog.names import file_stem
from attractory.stages.check import Result, check

Checking = Callable[..., Result]


@pytest.fixture
def checked(tmp_path: Path) -> Checking:
    """The result of one entry, with parts of its text replaced: of a text, or of a name in the packaged catalog."""

    def run(entry: str, *changes: tuple[str, str]) -> Result:
        text = entry
        if "\n" not in entry:
            kind = read_catalog().get(entry).kind
            text = (catalog_folder() / f"{kind}s" / f"{file_stem(entry)}.yaml").read_text()
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        path = tmp_path / "entry.yaml"
        path.write_text(text)
        (result,) = check([path]).results
        return result

    return run


@pytest.fixture
def failure(checked: Checking) -> Callable[..., str]:
    """The one line with which an entry fails."""

    def run(entry: str, *changes: tuple[str, str]) -> str:
        lines = checked(entry, *changes).failures
        assert len(lines) == 1, lines
        return lines[0]

    return run
