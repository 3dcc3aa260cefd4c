"""Hugging Face's `datasets`, and what reads metadata: the tables and their descriptions, in the hands of their own programs."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest


@pytest.fixture(scope="session")
def croissant(version: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of rdflib and pandas, about each other
        import mlcroissant

        return mlcroissant.Dataset(jsonld=str(version / "croissant.json"))


def test_load_dataset_gives_each_split_with_its_shapes(version, states):
    """By the card's front matter alone; a split of two files is one split, and (time, variable) survives."""
    import datasets

    loaded = datasets.load_dataset(str(version), "Lorenz-coarse")
    assert {split: len(rows) for split, rows in loaded.items()} == {"train": 7, "validation": 2, "test": 3}
    for split, rows in loaded.items():
        np.testing.assert_array_equal(np.array(rows["state"], dtype=np.float32), states[split])
    assert len(list((version / "parquet/Lorenz/coarse").glob("train-*.parquet"))) == 2


def test_load_dataset_streams(version, states):
    """As the hub's viewer reads it: row by row."""
    import datasets

    first = next(iter(datasets.load_dataset(str(version), "Lorenz-coarse", split="test", streaming=True)))
    np.testing.assert_array_equal(np.array(first["state"], dtype=np.float32), states["test"][0])


def test_systems_are_rows(version):
    """The configuration `systems` is a table with a row for each."""
    import datasets

    rows = datasets.load_dataset(str(version), "systems", split="train")
    assert [(row["system"], row["kind"], row["dimension"]) for row in rows] == [("Henon", "map", 2), ("Lorenz", "flow", 3)]
    assert json.loads(rows[1]["parameters"])["rho"] == 28


def test_tables_have_statistics(version):
    """So that a reader can skip row groups: every column of plain numbers says its least and its largest value."""
    file = pq.ParquetFile(version / "parquet/Lorenz/coarse/test.parquet")
    column = file.metadata.row_group(0).column(0)
    assert (column.path_in_schema, column.statistics.min, column.statistics.max) == ("trajectory", 9, 11)


@pytest.mark.filterwarnings("ignore")  # of rdflib and pandas, about each other
def test_croissant_is_valid_and_its_records_are_the_trajectories(croissant, states):
    """No error and no warning of the validator; records come from the Parquet files, a split of two files included."""
    issues = croissant.metadata.ctx.issues
    assert (list(issues.errors), list(issues.warnings)) == ([], [])
    for split in ("train", "test"):
        records = list(croissant.records(f"Lorenz/coarse/{split}"))
        read = np.array([record[f"Lorenz/coarse/{split}/state"] for record in records], dtype=np.float32)
        np.testing.assert_array_equal(read, states[split])
    assert [record["systems/system"] for record in croissant.records("systems")] == [b"Henon", b"Lorenz"]


def test_croissant_has_the_fields_of_responsible_ai(croissant):
    """mlcroissant reads them as such."""
    metadata = croissant.metadata
    assert "nothing is about people" in str(metadata.personal_sensitive_information)
    assert "seed 1" in str(metadata.data_collection)
    assert all((metadata.data_biases, metadata.data_limitations, metadata.data_use_cases, metadata.data_release_maintenance_plan))


def test_cffconvert_accepts_the_citation(version):
    """The command itself."""
    command = [str(Path(sys.executable).with_name("cffconvert")), "--validate", "--infile", str(version / "CITATION.cff")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "valid according to schema version 1.2.0" in ran.stdout


def test_datacite_schema_accepts_the_record(version):
    """DataCite's own schema; authors have their ORCID."""
    from datacite import schema45

    record = json.loads((version / "datacite.json").read_text())
    schema45.validator.validate(record)
    assert record["creators"][0]["nameIdentifiers"][0]["nameIdentifier"] == "https://orcid.org/0000-0002-1825-0097"


def test_ro_crate_opens_and_every_part_is_there(version):
    """ro-crate-py reads the crate, and finds each file and folder that it names."""
    from rocrate.rocrate import ROCrate

    crate = ROCrate(str(version))
    assert (crate.name, crate.root_dataset["license"]["name"]) == ("small", "CC-BY-4.0")
    parts = {entity.id for entity in crate.data_entities}
    assert {"small.zarr/", "parquet/", "the_well/", "starter/", "README.md"} <= parts
    assert [part for part in parts if not (version / part).exists()] == []
