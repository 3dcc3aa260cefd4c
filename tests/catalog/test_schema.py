"""The JSON Schema that editors use says the same as the records."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from attractory.catalog import SystemRecord, catalog_folder, entry_files, json_schema, read_yaml, schema_text

VALIDATOR = Draft202012Validator(json_schema())


def test_the_file_in_the_catalog_is_current(repository: Path) -> None:
    """After a change to the records: python -c "import attractory.catalog as c; print(c.schema_text(), end='')" > catalog/schema.json"""
    assert (repository / "catalog" / "schema.json").read_text() == schema_text()


def test_the_schema_is_a_schema() -> None:
    """It obeys the draft that it names, and explains every key of an entry."""
    schema: Any = json.loads(schema_text())
    Draft202012Validator.check_schema(schema)
    assert set(schema["properties"]) == set(SystemRecord.model_fields)
    assert all("description" in key for key in schema["properties"].values())


@pytest.mark.parametrize("path", entry_files(catalog_folder()), ids=lambda path: path.stem)
def test_every_entry_obeys_the_schema(path: Path) -> None:
    """What the package accepts, an editor does not underline."""
    assert list(VALIDATOR.iter_errors(read_yaml(path)[0])) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"kindd": 1},
        {"kind": "flows"},
        {"name": "../x"},
        {"equations": {"x y": "1"}},
        {"parameters": {"a": {}}},
        {"initial": 3},
        {"tags": [1]},
    ],
)
def test_an_editor_sees_the_mistakes(changes: dict[str, object]) -> None:
    """Unknown keys, wrong types and impossible names are found while typing."""
    entry = {"name": "Mine", "kind": "flow", "equations": {"x": "-x", "y": 0}, "initial": {"x": 1, "y": 0}}
    assert VALIDATOR.is_valid(entry)
    assert not VALIDATOR.is_valid({**entry, **changes})
