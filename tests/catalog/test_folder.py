"""The catalog as a whole: names, queries, a recipe's own folder, and every problem of many files at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from attractory.catalog import Catalog, catalog_folder, check_entries, read_catalog
from attractory.errors import CatalogError

Write = Callable[..., Path]


def entry(name: str, **keys: str) -> str:
    lines = {"name": name, "kind": "flow", "equations": "{x: -x}", "initial": "{x: 1.0}", **keys}
    return "".join(f"{key}: {value}\n" for key, value in lines.items())


@pytest.fixture
def catalog(write: Write, tmp_path: Path) -> Catalog:
    """Three systems, in folders of their kinds."""
    write(entry("Zeta", tags="[laser, optics]", behaviour="chaotic"), "flows/zeta.yaml")
    write(entry("Alpha", tags="[laser]", equations="{x: y, y: -x}", initial="{x: 1.0, y: 0}"), "flows/alpha.yaml")
    write(entry("Tent", kind="map", behaviour="chaotic"), "maps/tent.yml")
    return read_catalog(tmp_path)


def names(catalog: Catalog, systems: object) -> list[str]:
    return [record.name for record in catalog.select(systems)]  # type: ignore[arg-type]


def test_a_catalog_is_a_mapping_sorted_by_name(catalog: Catalog) -> None:
    """Names, length, membership and records, as of any mapping."""
    assert list(catalog) == ["Alpha", "Tent", "Zeta"]
    assert "Zeta" in catalog
    assert "zeta" not in catalog
    assert [record.kind for record in catalog.values()] == ["flow", "map", "flow"]


def test_one_record_is_read_without_parsing_the_others(catalog: Catalog, tmp_path: Path) -> None:
    """A file that is broken below its name troubles only who asks for it."""
    (tmp_path / "flows" / "zeta.yaml").write_text("name: Zeta\nkind: [\n")
    again = read_catalog(tmp_path)
    assert again.get("Alpha").name == "Alpha"
    with pytest.raises(CatalogError, match=r"zeta\.yaml:\d+: is not YAML"):
        again.get("Zeta")


def test_an_unknown_name_is_answered_with_the_nearest(catalog: Catalog) -> None:
    """Case and small typos are recognised."""
    with pytest.raises(CatalogError, match=r"^the catalog has no system 'Alhpa'\. Did you mean 'Alpha'\?$"):
        catalog.get("Alhpa")
    with pytest.raises(KeyError):
        catalog["Alhpa"]


@pytest.mark.parametrize(
    ("systems", "found"),
    [
        (["Zeta", "Alpha"], ["Alpha", "Zeta"]),
        ("all", ["Alpha", "Tent", "Zeta"]),
        (["all"], ["Alpha", "Tent", "Zeta"]),
        ("Tent", ["Tent"]),
        ({"kind": "flow"}, ["Alpha", "Zeta"]),
        ({"kind": "flow", "tag": "optics"}, ["Zeta"]),
        ({"tag": ["optics", "laser"]}, ["Alpha", "Zeta"]),
        ({"behaviour": "chaotic"}, ["Tent", "Zeta"]),
        ({"dimension": 2}, ["Alpha"]),
        ({"name": "[TZ]e*"}, ["Tent", "Zeta"]),
        ({"name": ["Alpha", "Tent"], "kind": ["map", "flow"]}, ["Alpha", "Tent"]),
    ],
)
def test_a_selection_is_sorted_by_name(catalog: Catalog, systems: object, found: list[str]) -> None:
    """Names, all, or a query whose keys must all fit; a list in a query means any of its values."""
    assert names(catalog, systems) == found


@pytest.mark.parametrize(
    ("systems", "message"),
    [
        ([], r"^names no system: expected at least one$"),
        (["Alpha", "Alpha"], r"^names 'Alpha' twice$"),
        (["Alfa"], r"^the catalog has no system 'Alfa'\. Did you mean 'Alpha'\?"),
        ({}, r"^the query is empty: expected one of kind, tag, behaviour, dimension, name$"),
        ({"tags": "laser"}, r"^unknown query key 'tags', expected one of .*\. Did you mean 'tag'\?$"),
        ({"tag": "lasr"}, r"^no system has tag 'lasr'\. Did you mean 'laser'\?$"),
        ({"tag": ["laser", "lasr"]}, r"^no system has tag 'lasr'"),
        ({"dimension": True}, r"^no system has dimension True"),
        ({"kind": "map", "tag": "laser"}, r"^no system is kind map and tag laser$"),
    ],
)
def test_a_selection_without_a_system_is_an_error(catalog: Catalog, systems: object, message: str) -> None:
    """A recipe never silently becomes smaller than its author thinks."""
    with pytest.raises(CatalogError, match=message):
        names(catalog, systems)


def test_a_recipe_adds_its_own_folder(catalog: Catalog, write: Write, tmp_path: Path) -> None:
    """The extended catalog has both, and the first one stays as it was."""
    write(entry("Mine"), "own/mine.yaml")
    extended = catalog.extended(tmp_path / "own")
    assert list(extended) == ["Alpha", "Mine", "Tent", "Zeta"]
    assert "Mine" not in catalog


def test_names_are_unique_ignoring_case(catalog: Catalog, write: Write, tmp_path: Path) -> None:
    """A name in a recipe's own folder cannot hide a catalogued system, nor one in the same folder another."""
    write(entry("ALPHA"), "own/mine.yaml")
    with pytest.raises(CatalogError, match=r"mine\.yaml: name: 'ALPHA' is taken: .*alpha\.yaml is 'Alpha'"):
        catalog.extended(tmp_path / "own")
    write(entry("tent"), "flows/tent.yaml")
    with pytest.raises(CatalogError, match=r"is taken"):
        read_catalog(tmp_path)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """The message names the path."""
    with pytest.raises(CatalogError, match=re.escape(f"{tmp_path / 'none'}: there is no such folder")):
        read_catalog(tmp_path / "none")


@pytest.mark.parametrize(
    "text", ["{name: Odd, kind: flow, equations: {x: -x}, initial: {x: 1}}", entry("'Odd'"), "---\n" + entry("Odd  # c")]
)
def test_a_name_is_found_however_it_is_written(write: Write, tmp_path: Path, text: str) -> None:
    """The quick look at the `name:` line falls back to reading the file."""
    write(text, "odd.yaml")
    assert read_catalog(tmp_path).get("Odd").name == "Odd"


def test_two_name_lines_are_refused_and_a_quoted_one_is_no_name(write: Write, tmp_path: Path) -> None:
    """What looks like a name inside of a text does not rename a system."""
    write(entry("Real") + "notes: |\n  name: Fake\n", "real.yaml")
    assert list(read_catalog(tmp_path)) == ["Real"]
    write(entry("Real") + "name: Fake\n", "real.yaml")
    with pytest.raises(CatalogError, match="name: stands twice"):
        read_catalog(tmp_path)


def test_hidden_files_and_deeper_folders_are_no_entries(write: Write, tmp_path: Path) -> None:
    """A store or an editor's copy beside the entries is not read."""
    for place in (".mine.yaml", ".git/a.yaml", "a/b/c.yaml", "notes.txt"):
        write("not an entry", place)
    assert len(read_catalog(tmp_path)) == 0


def test_a_check_reports_every_problem_of_every_file(write: Write, tmp_path: Path) -> None:
    """Good entries are given back, and each problem is one sentence, in the order of the paths."""
    write(entry("Good"), "good.yaml")
    write(entry("Bad", kind="flwo", tags="[1]"), "bad.yaml")
    write("a: [", "broken.yaml")
    write(entry("GOOD"), "twice.yaml")
    records, problems = check_entries([tmp_path, tmp_path / "missing.yaml"])
    assert [record.name for record in records] == ["Good", "GOOD"]
    assert [problem.removeprefix(str(tmp_path) + "/").split(":")[0] for problem in problems] == [
        "bad.yaml",
        "bad.yaml",
        "broken.yaml",
        "missing.yaml",
        "twice.yaml",
    ]


def test_a_check_of_an_empty_folder_is_a_problem(tmp_path: Path) -> None:
    """Nothing checked is not everything right."""
    assert check_entries([tmp_path]) == ((), (f"{tmp_path}: holds no catalog entry (*.yaml).",))


def test_the_packaged_catalog_is_that_of_the_checkout(repository: Path) -> None:
    """Without a copy beside the package, the live YAML is read."""
    assert catalog_folder().resolve() == (repository / "catalog").resolve()
    assert len(read_catalog()) >= 24
