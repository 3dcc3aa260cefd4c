"""The catalog as a whole: names, queries, a recipe's own folder, and every problem of many files at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from attractory.catalog import Catalog, catalog_folder, check_entries, read_catalog, read_system
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


def test_a_name_is_found_ignoring_case_and_by_its_aliases(catalog: Catalog, write: Write, tmp_path: Path) -> None:
    """What `get` and a selection give is the entry under its own name; as a mapping the catalog has exact names."""
    write(entry("SineCircle", aliases="[sine_circle, Arnold]"), "maps/circle.yaml")
    again = read_catalog(tmp_path)
    assert [again.get(name).name for name in ("sinecircle", "SINE_CIRCLE", "arnold")] == ["SineCircle"] * 3
    assert names(again, ["arnold", "zeta"]) == ["SineCircle", "Zeta"]
    assert "arnold" not in again
    assert again.meant("nothing") is None
    with pytest.raises(CatalogError, match=r"no system 'sine_cirle'\. Did you mean 'sine_circle'\?"):
        again.get("sine_cirle")
    with pytest.raises(CatalogError, match="names 'SineCircle' twice"):
        names(again, ["Arnold", "sinecircle"])


@pytest.mark.parametrize("aliases", ["[beta, gamma]", "[beta, gamma]   # comment", "\n  - beta\n  - gamma", "['beta', \"gamma\"]"])
def test_aliases_are_found_however_they_are_written(write: Write, tmp_path: Path, aliases: str) -> None:
    """The quick look at the `aliases:` line falls back to reading the file."""
    write(entry("Alpha", aliases=aliases), "alpha.yaml")
    assert read_catalog(tmp_path).get("Gamma").aliases == ("beta", "gamma")


def test_a_note_about_aliases_is_no_alias(write: Write, tmp_path: Path) -> None:
    """A text with the word, or with such a line inside of it, gives no other name."""
    write(entry("Alpha") + "notes: |\n  aliases: [beta]\n", "alpha.yaml")
    assert read_catalog(tmp_path).meant("beta") is None


def test_an_alias_is_unique_among_all_names(write: Write, tmp_path: Path) -> None:
    """Neither an entry's own alias nor one of another folder may be a name or an alias that is there."""
    write(entry("Alpha", aliases="[beta]"), "flows/alpha.yaml")
    catalog = read_catalog(tmp_path)
    for number, (name, aliases) in enumerate([("BETA", "[]"), ("Mine", "[Beta]"), ("Mine", "[alpha]")]):
        write(entry(name, aliases=aliases), f"own{number}/mine.yaml")
        with pytest.raises(CatalogError, match=r"mine\.yaml: (name|aliases): '\w+' is taken: .*alpha\.yaml is '\w+'"):
            catalog.extended(tmp_path / f"own{number}")


@pytest.mark.parametrize(
    ("aliases", "message"),
    [
        ("[a b]", r"mine\.yaml:5: aliases\.0: 'a b' is not a name"),
        ("[mine]", r"mine\.yaml:5: aliases\.0: 'mine' is the name of the system already, ignoring case: remove it"),
        ("[a, A]", r"mine\.yaml:5: aliases\.1: 'A' is an alias already"),
        ("[All]", r"mine\.yaml:5: aliases\.0: 'All' means every system in a recipe"),
        ("beta", r"mine\.yaml:5: aliases: found 'beta', expected a list"),
    ],
)
def test_an_alias_that_cannot_be_one_is_refused(write: Write, aliases: str, message: str) -> None:
    """File, line, key, and what to do."""
    with pytest.raises(CatalogError, match=message):
        read_system(write(entry("Mine", aliases=aliases)))


def test_an_alias_changes_no_bytes_and_is_no_name_of_a_variant(write: Write) -> None:
    """It is not in the digest, and what is stored of an entry without any has no such key."""
    bare = read_system(write(entry("Mine")))
    named = read_system(write(entry("Mine", aliases="[other]", parameters="{a: 1}", variants="{slow: {a: 0.5}}")))
    assert read_system(write(entry("Mine", aliases="[other]"))).digest == bare.digest
    assert "aliases" not in bare.model_dump()
    assert named.variant("slow").aliases == ()


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
