from __future__ import annotations

import hashlib
import json
import re
import subprocess
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO

import fsspec
import numpy as np
import pyarrow.parquet as pq
import pytest
import xarray
import zarr
from ruamel.yaml import YAML

from attractory import layout
from attractory.errors import CheckFailedError, DamageError, InterruptedRunError, RequestError, StoreError
from attractory.stages.cut.selection import runs
from attractory.stages.publish import Asked, Published, publish
from attractory.stages.publish.destination import FolderDestination, ObjectDestination, open_destination
from attractory.stages.publish.hub import HubFile, upload_plan
from attractory.stages.publish.starter import starter_selection
from attractory.stages.validate.report import REPORT, Report, Subject
from attractory.stages.validate.stored import open_stored
from attractory.store import check

DAY = date(2026, 11, 28)
UNVALIDATED = Asked(unvalidated=True, day=DAY)


@pytest.fixture(scope="session")
def published(shelf: tuple[Path, Published]) -> tuple[Path, Published]:
    """The folder of a published version."""
    to, result = shelf
    return to / result.version, result


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_version_has_all_its_parts_and_latest_names_it(published: tuple[Path, Published]) -> None:
    """Store, tables, pictures, starter, what it is made from, metadata, card, citation and digests."""
    folder, result = published
    assert {path.name for path in folder.iterdir()} == {
        "tiny.zarr", "parquet", "pictures", "starter", "recipe.json", "catalog.json", "croissant.json", "datacite.json",
        "ro-crate-metadata.json", "CITATION.cff", "README.md", "SHA256SUMS"
    }  # fmt: skip
    assert (folder.parent / "latest").read_text() == result.version + "\n"
    assert re.fullmatch(r"[0-9A-Za-z.]+-[0-9a-f]{12}", result.version)
    assert result.files == len(files(folder))


def test_sha256sum_accepts_the_sums(published: tuple[Path, Published]) -> None:
    """The tool itself, from within the version's folder, over every file but its own list."""
    folder, result = published
    checked = subprocess.run(["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=folder, capture_output=True, text=True, check=True)
    assert len(checked.stdout.splitlines()) == result.files - 1


def test_published_store_opens_and_is_the_one_that_was_made(published: tuple[Path, Published], made_store: Path) -> None:
    """File by file."""
    folder, _ = published
    assert files(folder / "tiny.zarr") == files(made_store)
    with xarray.open_datatree(str(folder / "tiny.zarr"), engine="zarr") as tree:
        assert set(tree["Wobble"].children) == {"coarse", "fine"}


def test_table_holds_the_trajectories_of_its_split(published: tuple[Path, Published], made_store: Path) -> None:
    """Fixed-size lists keep the shape (time, variable)."""
    folder, _ = published
    table = pq.read_table(folder / "parquet" / "Wobble" / "fine" / "validation.parquet")
    stored = zarr.open_group(str(made_store), mode="r")["Wobble"]
    assert table["trajectory"].to_pylist() == [6, 7]
    state = np.array(table["state"].to_pylist(), dtype=np.float32)
    np.testing.assert_array_equal(state, stored["fine/state"][6:8])
    np.testing.assert_array_equal(table["parameters"].to_pylist(), stored["parameters"][6:8])
    assert table.schema.field("state").type.list_size == 64
    about = json.loads(table.schema.metadata[b"attractory"])
    assert (about["variables"], about["dt"]) == (["q", "p"], stored["fine"].attrs[layout.DT])


def test_table_of_a_system_without_parameters_has_no_such_column(published: tuple[Path, Published]) -> None:
    """Parquet has no list of length zero."""
    folder, _ = published
    assert "parameters" not in pq.read_schema(folder / "parquet" / "Halving" / "coarse" / "train.parquet").names


def test_card_has_front_matter_and_says_what_is_there(published: tuple[Path, Published]) -> None:
    """Hubs read the first part, people the second; a bar in a name does not break the table."""
    folder, result = published
    _, front, body = (folder / "README.md").read_text().split("---\n", 2)
    matter = YAML(typ="safe").load(front)
    assert (matter["license"], matter["pretty_name"]) == ("cc-by-4.0", "tiny")
    for config in matter["configs"]:
        named = config["data_files"]
        assert all((folder / path).is_file() for path in ([named] if isinstance(named, str) else [file["path"] for file in named]))
    for words in (
        "Two systems, to try out publishing",
        result.version,
        "| Wobble | flow | 2 |",
        "published without validation",
        "Ada Example",
    ):
        assert words in body
    assert "Nobody, N. \\| Others (1901): On wobbling, doi:10.1000/wobble" in body


def test_citation_is_yaml_with_authors_licence_and_the_systems_sources(published: tuple[Path, Published]) -> None:
    """Citation File Format 1.2.0."""
    folder, result = published
    cited = YAML(typ="safe").load((folder / "CITATION.cff").read_text())
    assert cited["cff-version"] == "1.2.0"
    assert cited["version"] == result.version
    assert cited["authors"] == [{"name": "Ada Example", "orcid": "https://orcid.org/0000-0002-1825-0097"}]
    assert cited["references"][0]["doi"] == "10.1000/wobble"


def test_croissant_names_every_table_with_its_digest(published: tuple[Path, Published]) -> None:
    """Each record set's columns come from a file of the distribution."""
    folder, _ = published
    document = json.loads((folder / "croissant.json").read_text())
    sums = dict(reversed(line.split("  ", 1)) for line in (folder / "SHA256SUMS").read_text().splitlines())
    tables = {item["@id"]: item["sha256"] for item in document["distribution"]}
    assert tables == {path: digest for path, digest in sums.items() if path.endswith(".parquet") and path.startswith("parquet/")}
    for records in document["recordSet"]:
        for column in records["field"]:
            assert column["source"]["fileObject"]["@id"] in tables
            assert column["source"]["extract"]["column"] in pq.read_schema(folder / column["source"]["fileObject"]["@id"]).names


def test_pictures_are_png(published: tuple[Path, Published]) -> None:
    """One a system."""
    folder, _ = published
    pictures = files(folder / "pictures")
    assert sorted(pictures) == ["Halving.png", "Wobble.png"]
    assert all(content.startswith(b"\x89PNG") for content in pictures.values())


def test_publishing_again_elsewhere_gives_the_same_bytes(published: tuple[Path, Published], made_store: Path, tmp_path: Path) -> None:
    """Nothing of the day, the machine or the place is in a version."""
    folder, first = published
    again = publish(made_store, to=tmp_path, asked=UNVALIDATED)
    assert again.version == first.version
    assert files(tmp_path / again.version) == files(folder)


def test_publishing_the_same_again_does_nothing_and_says_so(made_store: Path, tmp_path: Path) -> None:
    """But `latest` comes back where it was lost."""
    first = publish(made_store, to=tmp_path, asked=UNVALIDATED)
    (tmp_path / "latest").unlink()
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / first.version).rglob("*")}
    again = publish(made_store, to=tmp_path, asked=UNVALIDATED)
    assert (first.unchanged, again.unchanged, again.files) == (False, True, first.files)
    assert (tmp_path / "latest").read_text().strip() == first.version
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / first.version).rglob("*")} == times


class Failing:
    """A destination whose n-th file cannot be written."""

    def __init__(self, place: FolderDestination | ObjectDestination, *, after: int, error: OSError) -> None:
        self._place, self._left, self._error = place, after, error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._place, name)

    def create(self, version: str, path: str) -> BinaryIO:
        self._left -= 1
        if self._left < 0:
            raise self._error
        return self._place.create(version, path)


@pytest.mark.parametrize("after", [0, 5, 30])
@pytest.mark.parametrize("scheme", ["folder", "memory"])
def test_interrupted_version_is_never_seen_and_the_next_run_completes_it(
    made_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int, scheme: str
) -> None:
    """The disk is full at the n-th file: `latest` is still the old version, and there is no new one with SHA256SUMS."""
    to = str(tmp_path) if scheme == "folder" else f"memory://interrupted-{after}"
    place = open_destination(to)
    place.point("old")  # type: ignore[attr-defined]
    full = Failing(place, after=after, error=OSError(28, "No space left on device"))  # type: ignore[arg-type]
    with monkeypatch.context() as patch:
        patch.setattr("attractory.stages.publish.run.open_destination", lambda _: full)
        with pytest.raises(InterruptedRunError, match="no space is left"):
            publish(made_store, to=to, asked=UNVALIDATED)
    assert place.read("latest") == "old\n"
    result = publish(made_store, to=to, asked=UNVALIDATED)
    assert place.read("latest") == result.version + "\n"
    assert place.read(f"{result.version}/SHA256SUMS").count("\n") == result.files - 1  # type: ignore[union-attr]


def test_object_store_gets_the_same_files_as_a_folder(made_store: Path, published: tuple[Path, Published]) -> None:
    """Through fsspec, here in memory."""
    folder, first = published
    result = publish(made_store, to="memory://shelf", asked=UNVALIDATED)
    filesystem = fsspec.filesystem("memory")
    root = f"/shelf/{result.version}/"
    assert {path.removeprefix(root): filesystem.cat_file(path) for path in filesystem.find(root)} == files(folder)
    assert filesystem.cat_file("/shelf/latest").decode().strip() == first.version


def test_damaged_store_is_not_published(own_store: Path, tmp_path: Path) -> None:
    """Each file is compared with the manifest while it is copied; `latest` does not appear."""
    shard = own_store / layout.shard_path("Wobble", "fine", 0)
    shard.write_bytes(shard.read_bytes()[:-1])
    with pytest.raises(DamageError, match=r"Wobble/fine/state/c/0/0/0 has SHA-256 \w+, the manifest has \w+; nothing was published"):
        publish(own_store, to=tmp_path / "shelf", asked=UNVALIDATED)
    assert not (tmp_path / "shelf" / "latest").exists()


def test_missing_file_is_damage(own_store: Path, tmp_path: Path) -> None:
    """Found when it is to be copied."""
    (own_store / layout.shard_path("Halving", "fine", 1)).unlink()
    with pytest.raises(DamageError, match="Halving/fine/state/c/1/0/0 is missing; nothing was published"):
        publish(own_store, to=tmp_path / "shelf", asked=UNVALIDATED)


def report_of(store: Path, *, passed: bool, manifest: str | None = None) -> None:
    """Writes a report beside a store."""
    digest = manifest or json.loads((store / "zarr.json").read_text())["attributes"][layout.MANIFEST_DIGEST]
    digests = Subject("digests", "store").passed(f"every file has its digest; manifest {digest}")
    truth = Subject("reintegration", "truth", "Wobble", "fine").measured(0.0 if passed else 2.0, 1.0, "far off")
    folder = store.parent / "report"
    folder.mkdir(exist_ok=True)
    (folder / REPORT).write_text(Report(str(store), (digests, truth)).as_json())


def test_store_that_failed_a_check_or_has_no_report_is_refused(own_store: Path, tmp_path: Path) -> None:
    """With the check and its message, and how to publish it nevertheless; a report of another store counts for nothing."""
    with pytest.raises(CheckFailedError, match=r"has not been validated: .* Run `attractory validate .*--unvalidated"):
        publish(own_store, to=tmp_path / "shelf")
    report_of(own_store, passed=True, manifest="0" * 64)
    with pytest.raises(CheckFailedError, match="has not been validated"):
        publish(own_store, to=tmp_path / "shelf")
    report_of(own_store, passed=False)
    with pytest.raises(CheckFailedError, match=r"failed 1 checks, the first: reintegration: far off .*--unvalidated"):
        publish(own_store, to=tmp_path / "shelf")
    assert not (tmp_path / "shelf").exists()


def test_card_says_which_checks_failed_where_that_was_asked_for(own_store: Path, tmp_path: Path) -> None:
    """Published by name, with its report, and the card hides nothing."""
    report_of(own_store, passed=False)
    result = publish(own_store, to=tmp_path / "shelf", asked=UNVALIDATED)
    card = (tmp_path / "shelf" / result.version / "README.md").read_text()
    assert "2 checks were run on the files of this version, and 1 passed, 1 failed: it was published nevertheless" in card
    assert (tmp_path / "shelf" / result.version / "report.json").is_file()


def test_report_of_this_store_is_published_with_it(own_store: Path, tmp_path: Path) -> None:
    """The card counts its checks; a report of another store counts for nothing."""
    report_of(own_store, passed=True)
    result = publish(own_store, to=tmp_path / "shelf")
    assert (
        "2 checks were run on the files of this version, and all passed" in (tmp_path / "shelf" / result.version / "README.md").read_text()
    )
    report_of(own_store, passed=False, manifest="0" * 64)
    other = publish(own_store, to=tmp_path / "other", asked=UNVALIDATED)
    assert not (tmp_path / "other" / other.version / "report.json").exists()


def test_place_that_holds_something_else_is_refused(made_store: Path, published: tuple[Path, Published], tmp_path: Path) -> None:
    """A folder of the version's name that is not one, or is another dataset's; a file in place of the folder."""
    version = published[1].version
    (tmp_path / "foreign" / version).mkdir(parents=True)
    with pytest.raises(RequestError, match="has no SHA256SUMS"):
        publish(made_store, to=tmp_path / "foreign", asked=UNVALIDATED)
    (tmp_path / "foreign" / version / "SHA256SUMS").write_text("0  something\n")
    with pytest.raises(RequestError, match="holds another dataset under this version"):
        publish(made_store, to=tmp_path / "foreign", asked=UNVALIDATED)
    (tmp_path / "file").touch()
    with pytest.raises(RequestError, match="is a file, expected a folder"):
        publish(made_store, to=tmp_path / "file", asked=UNVALIDATED)
    with pytest.raises(RequestError, match="cannot be opened"):
        publish(made_store, to="nosuchprotocol://x", asked=UNVALIDATED)


def test_a_version_that_is_there_does_not_change(own_store: Path, shelf: tuple[Path, Published]) -> None:
    """What was published without validation, or without a format, does not get it later under the same name."""
    with pytest.raises(RequestError, match="was published without the format dysts, and a version does not change"):
        publish(own_store, to=shelf[0], asked=Asked(unvalidated=True, formats=("dysts",)))
    report_of(own_store, passed=True)
    with pytest.raises(RequestError, match="was published without validation, as its card says"):
        publish(own_store, to=shelf[0])


def test_objects_that_are_not_ours_are_never_deleted(made_store: Path, published: tuple[Path, Published]) -> None:
    """A prefix with the version's name that no run of ours has begun is refused, and stays as it was."""
    filesystem = fsspec.filesystem("memory")
    foreign = f"/foreign/{published[1].version}/thesis.tex"
    filesystem.pipe_file(foreign, b"years of work")
    with pytest.raises(RequestError, match="holds objects and has no SHA256SUMS: it is not a version of ours"):
        publish(made_store, to="memory://foreign", asked=UNVALIDATED)
    assert filesystem.cat_file(foreign) == b"years of work"


def test_starter_is_a_sound_store_that_names_its_version(published: tuple[Path, Published], made_store: Path) -> None:
    """All systems at the coarsest granularity; its states are the dataset's."""
    folder, result = published
    starter = folder / "starter" / "tiny.zarr"
    assert check(starter) == ()
    root = zarr.open_group(str(starter), mode="r")
    assert (root.attrs["parent"]["version"], sorted(root.attrs["recipe"]["systems"])) == (result.version, ["Halving", "Wobble"])
    assert [grid for grid in ("coarse", "fine") if grid in root["Wobble"]] == ["coarse"]
    np.testing.assert_array_equal(root["Wobble/coarse/state"][:], zarr.open_group(str(made_store), mode="r")["Wobble/coarse/state"][:])


@pytest.mark.parametrize(("most", "kept"), [(3_100, [(0, 2), (6, 10)]), (100, None)])
def test_starter_has_as_many_trajectories_as_fit(made_store: Path, monkeypatch: pytest.MonkeyPatch, most: int, kept: Any) -> None:
    """The first of each split; none where one of each is too much already."""
    monkeypatch.setattr("attractory.stages.publish.starter.MOST_BYTES", most)
    selection = starter_selection(open_stored(made_store))
    # 32 samples of 2 + 1 variables of 4 bytes, and 13 float64 beside them, are 488 bytes a trajectory of both systems: 3,100 hold six.
    assert (None if selection is None else runs(selection.rows["Wobble"])) == kept


def test_hub_dry_run_writes_the_repository_and_its_commits(made_store: Path, published: tuple[Path, Published], tmp_path: Path) -> None:
    """The files of a version, with their digests; the card comes in the last commit; `latest` is a matter of the hub's tags."""
    folder, _ = published
    asked = Asked(unvalidated=True, day=DAY, dry_run=tmp_path / "dry")
    result = publish(made_store, to="hf://datasets/someone/tiny", asked=asked)
    assert files(tmp_path / "dry" / result.version) == files(folder)
    plan = json.loads((tmp_path / "dry" / f"{result.version}.upload.json").read_text())
    assert (plan["repository"], plan["tag"]) == ("someone/tiny", result.version)
    uploaded = [file for commit in plan["commits"] for file in commit["files"]]
    assert uploaded[-1]["path"] == "README.md"
    assert {file["path"]: (file["bytes"], file["sha256"]) for file in uploaded} == {
        path: (len(content), hashlib.sha256(content).hexdigest()) for path, content in files(folder).items()
    }
    assert not (tmp_path / "dry" / "latest").exists()


def test_hub_plan_has_few_commits_and_refuses_what_the_hub_would(monkeypatch: pytest.MonkeyPatch) -> None:
    """At most 500 files a commit, and at most 10,000 in a folder."""
    many = {f"a/{number}": HubFile(f"a/{number}", 1, "0" * 64) for number in range(1201)}
    assert [len(commit["files"]) for commit in upload_plan("hf://datasets/a/b", "1", many)["commits"]] == [500, 500, 201]
    too_many = {f"a/{number}": HubFile(f"a/{number}", 1, "0" * 64) for number in range(10_001)}
    with pytest.raises(RequestError, match="a would hold 10001 files, the hub takes 10000 in a folder"):
        upload_plan("hf://datasets/a/b", "1", too_many)


@pytest.mark.parametrize(
    ("to", "asked", "message"),
    [
        ("hf://datasets/a/b", Asked(), "does not upload to the hub. Give --dry-run DIR"),
        ("hf://models/a", Asked(dry_run=Path("dry")), "expected hf://datasets/OWNER/NAME"),
        ("shelf", Asked(dry_run=Path("dry")), "--dry-run is of the hub alone"),
        ("shelf", Asked(formats=("csv",)), "there is no format 'csv', expected one of well, dysts"),
    ],
)
def test_requests_that_cannot_be_met_are_refused_before_anything_is_read(to: str, asked: Asked, message: str) -> None:
    """In one sentence; the store need not even be there."""
    with pytest.raises(RequestError, match=re.escape(message)):
        publish("nowhere.zarr", to=to, asked=asked)


def test_unfinished_store_is_not_published(own_store: Path, tmp_path: Path) -> None:
    """Without its manifest, whose digest the root names, it is not finished."""
    (own_store / layout.MANIFEST).unlink()
    root = json.loads((own_store / "zarr.json").read_text())
    del root["attributes"][layout.MANIFEST_DIGEST]
    (own_store / "zarr.json").write_text(json.dumps(root))
    with pytest.raises(StoreError, match="not finished"):
        publish(own_store, to=tmp_path / "shelf", asked=UNVALIDATED)
