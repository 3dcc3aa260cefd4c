"""A folder of systems named by whoever runs the command: it works as the recipe's own does, and the store does not need it afterwards."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from attractory import console, layout
from attractory.catalog import read_catalog, read_system
from attractory.catalog.folder import MAX_FILES
from attractory.errors import CatalogError
from attractory.stages.annotate import annotate
from attractory.stages.generate import generate
from attractory.stages.located import read_recipe, systems_of
from attractory.stages.lock import lock
from attractory.stages.validate import validate
from attractory.stages.verify import verify

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def elsewhere(dataset, tmp_path):
    """The systems of the dataset, in a folder that is not the recipe's; the recipe does not name it."""
    dataset.write(("catalog: mine\n", ""))
    return (dataset.folder / "mine").rename(tmp_path / "elsewhere")


@pytest.fixture
def attractory(capsys: pytest.CaptureFixture[str]) -> Run:
    """One command line in this process: its exit code, and what it printed."""

    def run(*arguments: str | Path) -> tuple[int, str]:
        code = console.run([str(argument) for argument in arguments])
        return code, "".join(capsys.readouterr())

    return run


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_store_is_the_same_wherever_its_systems_lay(dataset, elsewhere, undisturbed, cluster, monkeypatch):
    """The place of the folder is no part of the request: from another one the run is found done, and what is sampled is what a recipe with
    the folder's name gives."""
    located = read_recipe(dataset.recipe, catalog=elsewhere)
    made = generate(located, workers=cluster)
    before = files(dataset.store)
    shards = [path for path in before if path.startswith("Spiral/fine/state/c")]
    assert shards
    assert all(before[path] == files(undisturbed.store)[path] for path in shards)
    assert layout.RECIPE in json.loads(before["zarr.json"])["attributes"]
    assert str(elsewhere).encode() not in b"".join(before.values())
    monkeypatch.chdir(elsewhere.rename(elsewhere.with_name("moved")).parent)
    again = generate(read_recipe(dataset.recipe, catalog="moved"), workers=cluster)
    assert (made.made, again.made) == (6, 0)
    assert files(dataset.store) == before


def test_a_store_needs_the_folder_no_more(dataset, elsewhere, cluster):
    """Without it the store is verified, repaired to the byte, and validated: it holds the entries that it was made of."""
    generate(read_recipe(dataset.recipe, catalog=elsewhere), workers=cluster)
    before = files(dataset.store)
    shutil.rmtree(elsewhere)
    (dataset.store / layout.shard_path("Spiral", "fine", 1)).write_bytes(b"damaged")
    verify(dataset.store, repair=True)
    assert files(dataset.store) == before
    assert validate(dataset.store, report=dataset.folder / "report").verdict == "pass"


def test_both_folders_count_and_none_hides_the_other(dataset, tmp_path):
    """The recipe's own folder and the one that is named add to the catalog; the same folder twice is one, a copy of a name is refused."""
    located = read_recipe(dataset.recipe, catalog=dataset.folder / "mine")
    assert [system.name for system in systems_of(located)] == ["Quadratic", "Spiral"]
    shutil.copytree(dataset.folder / "mine", tmp_path / "copy")
    with pytest.raises(CatalogError, match="name: 'Quadratic' is taken"):
        systems_of(read_recipe(dataset.recipe, catalog=tmp_path / "copy"))


def test_a_lock_says_the_same_wherever_the_systems_lay(dataset, elsewhere, tmp_path):
    """The digests of the systems stand in it, not the folder."""
    text = lock(read_recipe(dataset.recipe, catalog=elsewhere)).read_text()
    moved = elsewhere.rename(tmp_path / "moved")
    assert lock(read_recipe(dataset.recipe, catalog=moved)).read_text() == text
    assert "Spiral" in json.loads(text)["systems"]


def test_entries_of_ones_own_are_annotated_by_name_and_by_path(elsewhere):
    """By name they are looked up in the folder alone: nothing else is written into."""
    assert [item.system for item in annotate(["Quadratic"], folder=elsewhere).annotations] == ["Quadratic"]
    by_name = (elsewhere / "quadratic.yaml").read_text()
    annotate([str(elsewhere / "quadratic.yaml")])
    assert (elsewhere / "quadratic.yaml").read_text() == by_name
    assert "lyapunov_spectrum" in read_system(elsewhere / "quadratic.yaml").invariants
    with pytest.raises(CatalogError, match="the catalog has no system 'Lorenz'"):
        annotate(["Lorenz"], folder=elsewhere)


def test_every_command_takes_the_folder(attractory, dataset, elsewhere):
    """systems, show by name and by path, lock: as for the packaged catalog."""
    code, listed = attractory("systems", "--catalog", elsewhere, "--json")
    assert code == 0
    assert {"Spiral", "Lorenz"} <= {system["name"] for system in json.loads(listed)}
    shown = attractory("show", "Spiral", "--catalog", elsewhere)
    assert shown == attractory("show", elsewhere / "spiral.yaml")
    assert "A damped oscillator" in shown[1]
    assert attractory("lock", dataset.recipe, "--catalog", elsewhere)[0] == 0
    for command in ("systems", "generate", "build", "lock"):
        arguments = [] if command == "systems" else [dataset.recipe]
        code, message = attractory(command, *arguments, "--catalog", "nowhere")
        assert code == 2
        assert "nowhere: there is no such folder" in message


def test_a_new_entry_is_generated_at_once(attractory, dataset, elsewhere):
    """From `attractory new` to trajectories in three lines."""
    assert attractory("new", "Turning", "--kind", "flow", "--to", elsewhere)[0] == 0
    dataset.write(("catalog: mine\n", ""), ("[Spiral, Quadratic]", "[Turning]"))
    assert [system.name for system in systems_of(read_recipe(dataset.recipe, catalog=elsewhere))] == ["Turning"]


def test_no_link_leads_out_of_a_folder(elsewhere, tmp_path):
    """A folder from a stranger reads nothing beside itself, neither by a file nor by a folder; a link inside is followed."""
    (elsewhere / "kinds").mkdir()
    (elsewhere / "runaway.yaml").rename(elsewhere / "kinds" / "real.yml")
    (elsewhere / "inside.yaml").symlink_to(elsewhere / "kinds" / "real.yml")
    (elsewhere / "twice").symlink_to(elsewhere / "kinds")
    assert "Spiral" in read_catalog(elsewhere)
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "one.yaml").write_text("password: 1")
    (elsewhere / "flows").symlink_to(tmp_path / "secret")
    with pytest.raises(CatalogError, match=r"flows/one\.yaml: leads out of .*elsewhere, to .*secret/one\.yaml: copy the file"):
        read_catalog(elsewhere)


def test_what_is_no_folder_of_entries_is_refused_before_it_is_read(elsewhere):
    """More files than a catalog has are a home folder named by mistake; a pipe would wait for ever."""
    os.mkfifo(elsewhere / "pipe.yaml")
    assert "Spiral" in read_catalog(elsewhere)
    with pytest.raises(CatalogError, match=r"pipe\.yaml: cannot be read: it is a pipe or a device, expected a file"):
        read_system(elsewhere / "pipe.yaml")
    for number in range(MAX_FILES):
        (elsewhere / f"{number}.yaml").touch()
    with pytest.raises(CatalogError, match=r"holds 2,003 YAML files, more than 2,000, expected a folder of catalog entries"):
        read_catalog(elsewhere)
