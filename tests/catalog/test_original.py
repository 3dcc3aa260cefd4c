"""The text of an entry: the file where it was read from one, else written from the record."""

from __future__ import annotations

from attractory.catalog import SystemRecord, catalog_folder, read_catalog, read_system
from attractory.catalog.original import original_text


def test_an_entry_is_its_file():
    """With its comments, to the byte."""
    assert original_text(read_catalog().get("Lorenz")) == (catalog_folder() / "flows/lorenz.yaml").read_text()


def test_a_variant_and_a_record_made_in_python_are_written_as_entries(write):
    """Reading the text gives the record."""
    variant = read_catalog().get("Lorenz").variant("dysts")
    assert read_system(write(original_text(variant))) == variant
    made = SystemRecord.from_mapping({"name": "Mine", "kind": "map", "equations": {"x": "1 - x"}, "initial": {"x": 0.25}})
    assert read_system(write(original_text(made))) == made


def test_an_entry_whose_file_has_changed_is_written_from_the_record(write):
    """What was read is what is shown, not what somebody has written since, be it an entry or not."""
    path = write("name: Mine\nkind: flow\nequations: {x: -x}\ninitial: {x: 1.0}\n")
    record = read_system(path)
    for later in ("name: Mine\nkind: flow\nequations: {x: -2*x}\ninitial: {x: 1.0}\n", "nothing"):
        write(later)
        assert read_system(write(original_text(record), "again.yaml")) == record
