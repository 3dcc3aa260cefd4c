"""Entries as YAML text: the file, or the record written so that reading it gives the record again."""

from __future__ import annotations

import pytest

from attractory.catalog import SystemRecord, catalog_folder, read_catalog, read_system
from attractory.catalog.writing import entry_text

VARIANTS = [(name, variant) for name, record in read_catalog().items() for variant in record.variants]


def test_an_entry_is_its_file():
    """With its comments, to the byte."""
    record = read_catalog().get("Lorenz")
    assert entry_text(record) == (catalog_folder() / "flows/lorenz.yaml").read_text()


@pytest.mark.parametrize(("name", "variant"), VARIANTS, ids="-".join)
def test_a_variant_is_written_as_an_entry(write, name, variant):
    """Reading the text gives the variant."""
    record = read_catalog().get(name).variant(variant)
    assert read_system(write(entry_text(record))) == record


def test_a_record_made_in_python_is_written_with_all_its_keys(write):
    """Indices, lists, text with quotes and signs of YAML, numbers without a dot."""
    record = SystemRecord.from_mapping(
        {
            "name": "Mine",
            "kind": "flow",
            "description": 'A "quoted": text, {with} signs\nand lines.',
            "variables": {"x": {"meaning": "no: a word", "unit": "1/s"}},
            "parameters": {"N": 3, "w": ((1.0e-9, 2.0), (3.0, 4.5)), "y": "2*pi"},
            "indices": {"i": "N"},
            "equations": {"x[i]": "-x[i]*y + w[0][1]"},
            "initial": {"x": (1.0, 2.0, 3.0)},
            "tags": ("no", "on"),
        }
    )
    assert read_system(write(entry_text(record))) == record


def test_an_entry_whose_file_has_changed_is_written_from_the_record(write):
    """What was read is what is shown, not what somebody has written since."""
    path = write("name: Mine\nkind: flow\nequations: {x: -x}\ninitial: {x: 1.0}\n")
    record = read_system(path)
    write("name: Mine\nkind: flow\nequations: {x: -2*x}\ninitial: {x: 1.0}\n")
    text = entry_text(record)
    assert '"-x"' in text
    assert read_system(write(text)) == record
