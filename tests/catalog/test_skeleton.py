"""`attractory new`: a small entry that works, and names and files that are left alone."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import attractory
from attractory.catalog import SystemRecord, catalog_folder, new_entry, read_system
from attractory.catalog.skeleton import schema_place
from attractory.errors import AttractoryError
from attractory.stages.check import check

KINDS = ("flow", "map", "delay")


@pytest.mark.parametrize("kind", KINDS)
def test_a_skeleton_is_a_whole_entry(tmp_path: Path, kind: str) -> None:
    """A person begins with something that works; every key that the catalog asks for is there, in the schema's order."""
    path = new_entry("MyOwn", kind=kind, folder=tmp_path)
    record = read_system(path)
    assert (path.name, record.name, record.kind) == ("my_own.yaml", "MyOwn", kind)
    assert record.reference
    assert record.tags
    assert record.behaviour == "periodic"
    assert (record.timescale is None) == (kind == "map")
    keys = re.findall(r"^(\w+):", path.read_text(), re.MULTILINE)
    assert keys == [key for key in SystemRecord.model_fields if key in keys]


@pytest.mark.parametrize("kind", ["flow", "delay"])
def test_a_skeleton_has_the_period_that_it_states(tmp_path: Path, kind: str) -> None:
    """Every value of the example is true, as those of the catalog are: the mean time between maxima of x, to half a percent."""
    system = attractory.system(new_entry("MyOwn", kind=kind, folder=tmp_path))
    assert system.period is not None
    made = attractory.integrate(system, trajectories=1, transient=20 * system.period, samples=10_000, dt=system.period / 500, seed=0)
    x = made.state.values[0, :, 0]
    maxima = np.flatnonzero((x[1:-1] > x[:-2]) & (x[1:-1] >= x[2:]))
    assert np.diff(maxima).mean() / 500 == pytest.approx(1.0, rel=5e-3)


def test_a_skeleton_passes_the_check(tmp_path: Path) -> None:
    """The map's, whose check is the quickest."""
    assert check([new_entry("MyOwn", kind="map", folder=tmp_path)]).failures == ()


def test_an_editor_finds_the_schema(tmp_path: Path) -> None:
    """The first line names it: relative inside of the catalog, where files move together, by its address elsewhere."""
    elsewhere = new_entry("MyOwn", kind="map", folder=tmp_path).read_text().splitlines()[0]
    assert elsewhere == f"# yaml-language-server: $schema={(catalog_folder() / 'schema.json').resolve().as_uri()}"
    assert schema_place(catalog_folder() / "maps") == "../schema.json"


def test_a_folder_is_made_where_its_parent_is_there(tmp_path: Path) -> None:
    """One level, so that a slip of the finger makes no tree."""
    assert new_entry("MyOwn", kind="map", folder=tmp_path / "mine") == tmp_path / "mine" / "my_own.yaml"
    with pytest.raises(AttractoryError, match=r"a/b/my_own\.yaml: cannot be written: No such file or directory"):
        new_entry("MyOwn", kind="map", folder=tmp_path / "a" / "b")


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("LORENZ", "flow", "'LORENZ' is taken: .*catalog has 'Lorenz', and names are unique ignoring case"),
        ("MINE", "flow", r"'MINE' is taken: .*own\.yaml has 'Mine'"),
        ("My own", "flow", "'My own' is not a name: expected a letter, then"),
        ("../up", "flow", "'../up' is not a name"),
        ("x" * 65, "flow", "65 characters: expected at most 64"),
        ("All", "flow", "means every system in a recipe"),
        ("Other", "flow", r"other\.yaml: is there already"),
        ("MyOwn", "flo", "--kind is 'flo'; expected one of flow, map, delay. Did you mean 'flow'"),
    ],
)
def test_what_cannot_be_new_is_refused_and_nothing_is_written(tmp_path: Path, name: str, kind: str, message: str) -> None:
    """Names that are taken in the catalog or in the folder, that are none, and files that are there; a recipe takes no name."""
    (tmp_path / "own.yaml").write_text("name: Mine\nkind: map\nequations: {x: x}\ninitial: {x: 1}\n")
    (tmp_path / "other.yaml").write_text("name: MyOwn\nsystems: all\n")
    before = {path: path.read_text() for path in tmp_path.iterdir()}
    with pytest.raises(AttractoryError, match=message) as caught:
        new_entry(name, kind=kind, folder=tmp_path)
    assert caught.value.exit_code == 2
    assert {path: path.read_text() for path in tmp_path.iterdir()} == before
