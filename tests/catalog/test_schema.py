"""The JSON Schema that editors use says the same as the records."""

from __future__ import annotations

import json
import re
import subprocess
import sys
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


@pytest.mark.parametrize("path", entry_files(catalog_folder()), ids=lambda path: path.stem)
def test_the_first_line_of_an_entry_leads_to_the_schema(path: Path) -> None:
    """An editor resolves it from where the file lies."""
    found = re.match(r"# yaml-language-server: \$schema=(\S+)\n", path.read_text())
    assert found
    assert (path.parent / found[1]).resolve() == (catalog_folder() / "schema.json").resolve()


@pytest.mark.parametrize(("kind", "code"), [("flow", 0), ("flwo", 1)])
def test_a_reader_that_is_not_ours_accepts_the_entries(repository: Path, tmp_path: Path, kind: str, code: int) -> None:
    """check-jsonschema, which hooks and editors' servers are like, reads them all: `y` is text, 1.0e-9 a number. It refuses a wrong one."""
    pytest.importorskip("check_jsonschema")
    (tmp_path / "one.yaml").write_text(f"name: One\nkind: {kind}\nequations: {{y: -y}}\ninitial: {{y: 1.0e-9}}\n")
    files = [tmp_path / "one.yaml", *entry_files(repository / "catalog")]
    command = [sys.executable, "-m", "check_jsonschema", "--schemafile", repository / "catalog" / "schema.json", *files]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == code, ran.stdout + ran.stderr
    assert ("one.yaml" in ran.stdout) == bool(code)


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
