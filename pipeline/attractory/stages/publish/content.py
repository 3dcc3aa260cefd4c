"""Every file of a version, in the order in which it is written: the store, other forms of it, what is said of it, SHA256SUMS."""

from __future__ import annotations

import io
import shutil
import tempfile
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from attractory.errors import DamageError
from attractory.stages.progress import Progress
from attractory.stages.publish.card import Evidence, dataset_card, describe
from attractory.stages.publish.changes import changes
from attractory.stages.publish.citation import citation
from attractory.stages.publish.croissant import About, croissant
from attractory.stages.publish.datacite import datacite
from attractory.stages.publish.datasheet import answers
from attractory.stages.publish.destination import SUMS, Destination, DigestingFile
from attractory.stages.publish.dysts_json import dysts_files, write_dysts
from attractory.stages.publish.hub import HubFile
from attractory.stages.publish.origin import CATALOG, RECIPE, Origin, catalog_text, origin_of, recipe_text
from attractory.stages.publish.pictures import picture
from attractory.stages.publish.ro_crate import ro_crate
from attractory.stages.publish.starter import FOLDER as STARTER
from attractory.stages.publish.starter import starter_selection, write_starter
from attractory.stages.publish.tables import SYSTEMS, table_files, write_systems, write_table
from attractory.stages.publish.the_well import statistics, well_files, write_well
from attractory.stages.validate.report import REPORT
from attractory.stages.validate.stored import StoredDataset
from attractory.store import contents
from attractory.store.files import Place, sha256
from attractory.store.objects import ObjectPath
from attractory.store.template import ROOT

CHANGES = "CHANGES.md"
WELL, DYSTS = "well", "dysts"
FORMATS = (WELL, DYSTS)  # beside the store and the tables, which every version has
_COPY_BYTES = 4 * 2**20


@dataclass
class Writer:
    """Writes the files of one version and remembers their digests and sizes."""

    destination: Destination
    version: str
    digests: dict[str, str] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)

    def write(self, path: str, fill: Callable[[Any], object]) -> None:
        """A file whose content `fill` writes."""
        with self.destination.create(self.version, path) as opened:
            file = DigestingFile(opened)
            fill(file)
        self.digests[path], self.sizes[path] = file.sha256, file.bytes

    def text(self, path: str, content: str) -> None:
        self.write(path, lambda file: file.write(content.encode()))

    def sums(self) -> str:
        """The content of SHA256SUMS, as `sha256sum -c` reads it."""
        return "".join(f"{digest}  {path}\n" for path, digest in sorted(self.digests.items()))

    @property
    def bytes(self) -> int:
        return sum(self.sizes.values())

    def files(self) -> dict[str, HubFile]:
        """Every file of the finished version, SHA256SUMS too."""
        sums = self.sums().encode()
        own = {path: HubFile(path, self.sizes[path], digest) for path, digest in self.digests.items()}
        return {**own, SUMS: HubFile(SUMS, len(sums), sha256(sums))}


@dataclass(frozen=True)
class Content:
    """All that decides the files of a version: the store, what validation said of it, the version before, the day."""

    dataset: StoredDataset
    evidence: Evidence
    day: date
    formats: Collection[str]
    before: Origin | None = None


def write_version(writer: Writer, content: Content, *, progress: Progress | None) -> None:
    """Every file of a version; SHA256SUMS last."""
    dataset = content.dataset
    _write_store(writer, dataset, progress=progress)
    size = writer.bytes
    _write_forms(writer, content)
    starter = _write_starter(writer, dataset)
    if content.evidence.report is not None:
        writer.text(REPORT, content.evidence.report)
    origin = origin_of(dataset, version=writer.version)
    writer.text(RECIPE, recipe_text(origin))
    writer.text(CATALOG, catalog_text(origin))
    if content.before is not None:
        writer.text(CHANGES, changes(content.before, origin))
    _write_words(writer, content, size=size, starter=starter)
    with writer.destination.create(writer.version, SUMS) as file:
        file.write(writer.sums().encode())


def _write_forms(writer: Writer, content: Content) -> None:
    """Tables and pictures, and the forms that were asked for."""
    writer.write(SYSTEMS, lambda file: write_systems(file, content.dataset.systems))
    for stored in content.dataset.systems:
        for granularity in stored.granularities:
            for table in table_files(stored, granularity):
                writer.write(table.path, lambda file, of=(stored, granularity), rows=table.rows: write_table(file, *of, rows=rows))  # type: ignore[misc]
        image = picture(stored)
        writer.write(f"pictures/{stored.name}.png", lambda file, image=image: file.write(image))  # type: ignore[misc]
    if WELL in content.formats:
        _write_well(writer, content.dataset)
    if DYSTS in content.formats:
        for path, name, split in dysts_files(content.dataset):
            writer.write(path, lambda file, name=name, split=split: write_dysts(file, content.dataset, granularity=name, split=split))  # type: ignore[misc]


def _write_well(writer: Writer, dataset: StoredDataset) -> None:
    for stored in dataset.systems:
        for granularity in stored.granularities:
            writer.text(f"the_well/{stored.name}/{granularity.name}/stats.yaml", statistics(stored, granularity))
            for well in well_files(stored, granularity):
                with tempfile.TemporaryFile() as whole:  # HDF5 seeks, which a destination need not
                    write_well(whole, well)
                    whole.seek(0)
                    writer.write(well.path, lambda file, whole=whole: shutil.copyfileobj(whole, file, _COPY_BYTES))  # type: ignore[misc]


def _write_starter(writer: Writer, dataset: StoredDataset) -> str | None:
    """The path of the starter, once it is written; None where none fits."""
    selection = starter_selection(dataset)
    if selection is None:
        return None
    name = f"{STARTER}/{dataset.path.name}"
    with tempfile.TemporaryDirectory(prefix="attractory-starter-") as folder:
        part = Path(folder) / dataset.path.name
        write_starter(dataset, selection, part, version=writer.version)
        for file in sorted(path for path in part.rglob("*") if path.is_file()):
            writer.write(f"{name}/{file.relative_to(part)}", lambda out, file=file: _copy(file, out))  # type: ignore[misc]
    return name


def _write_words(writer: Writer, content: Content, *, size: int, starter: str | None) -> None:
    dataset, version, day = content.dataset, writer.version, content.day
    said = answers(dataset, version=version, checked=content.evidence.sentence)
    description = describe(dataset)
    writer.text("croissant.json", croissant(dataset, About(version, description, day, said), digests=writer.digests))
    writer.text("datacite.json", datacite(dataset, version=version, description=description, day=day))
    writer.text("CITATION.cff", citation(dataset, version=version, day=day))
    have = {*writer.digests, "README.md"}
    writer.text("README.md", dataset_card(dataset, version=version, evidence=content.evidence, about=(size, said, starter, have)))
    crate = ro_crate(dataset, version=version, description=description, day=day, sizes=writer.sizes)
    writer.text("ro-crate-metadata.json", crate)


def _write_store(writer: Writer, dataset: StoredDataset, *, progress: Progress | None) -> None:
    """Copies the store's files, and only those that it lists, each compared with its digest on the way."""
    expected: dict[str, str | None] = {file.path: file.sha256 for file in contents(dataset.path).files}
    expected[ROOT] = None  # holds the manifest's digest, and so cannot hold its own
    for number, (path, digest) in enumerate(sorted(expected.items())):
        if progress:
            progress(number, len(expected), path)
        target = f"{dataset.path.name}/{path}"
        source = dataset.path / path
        try:
            writer.write(target, lambda file, source=source: _copy(source, file))  # type: ignore[misc]
        except FileNotFoundError as error:
            message = f"{source} is missing; nothing was published. `attractory verify` lists what is damaged."
            raise DamageError(message) from error
        if digest is not None and writer.digests[target] != digest:
            found = writer.digests[target]
            message = f"{source} has SHA-256 {found}, the manifest has {digest}; nothing was published. `attractory verify` repairs it."
            raise DamageError(message)


def _copy(source: Place, file: io.RawIOBase) -> None:
    if isinstance(source, ObjectPath):
        file.write(source.read_bytes())
        return
    with source.open("rb") as opened:
        while part := opened.read(_COPY_BYTES):
            file.write(part)
