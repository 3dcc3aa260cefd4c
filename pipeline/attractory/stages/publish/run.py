"""The stage: a finished store to a version at a path or an fsspec URL."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from attractory import layout
from attractory.errors import CheckFailedError, DamageError, RequestError
from attractory.stages.progress import Progress
from attractory.stages.publish.card import Evidence, dataset_card, describe, evidence_of
from attractory.stages.publish.citation import citation
from attractory.stages.publish.croissant import croissant
from attractory.stages.publish.destination import LATEST, SUMS, Destination, DigestingFile, explained, open_destination
from attractory.stages.publish.parquet import split_rows, table_path, write_table
from attractory.stages.publish.pictures import picture
from attractory.stages.publish.version import dataset_version
from attractory.stages.validate.report import REPORT
from attractory.stages.validate.run import report_folder
from attractory.stages.validate.stored import StoredDataset, open_stored
from attractory.store import contents
from attractory.store.files import Place
from attractory.store.objects import ObjectPath
from attractory.store.template import ROOT

_COPY_BYTES = 4 * 2**20


@dataclass(frozen=True)
class Published:
    """What was published where; `unchanged` says that this version was there already, and nothing was written but perhaps `latest`."""

    version: str
    url: str
    files: int
    bytes: int
    unchanged: bool
    seconds: float = field(compare=False)


@dataclass
class Writer:
    """Writes the files of one version and remembers their digests."""

    destination: Destination
    version: str
    digests: dict[str, str] = field(default_factory=dict)
    bytes: int = 0

    def write(self, path: str, fill: Callable[[Any], object]) -> None:
        """A file whose content `fill` writes."""
        with self.destination.create(self.version, path) as opened:
            file = DigestingFile(opened)
            fill(file)
        self.digests[path] = file.sha256
        self.bytes += file.bytes

    def text(self, path: str, content: str) -> None:
        self.write(path, lambda file: file.write(content.encode()))

    def sums(self) -> str:
        """The content of SHA256SUMS, as `sha256sum -c` reads it."""
        return "".join(f"{digest}  {path}\n" for path, digest in sorted(self.digests.items()))


def publish(store: str | Path | ObjectPath, *, to: str | Path, progress: Progress | None = None) -> Published:
    """Publishes a finished store as `<to>/<version>/` and moves `<to>/latest` to it, last.

    The version follows from the catalog, the recipe and the code, so the same store is published once; again does nothing. A run that
    was interrupted is repeated by the same call. A reader sees whole versions only.

    Raises:
        StoreError: the path is not a finished store.
        CheckFailedError: its report says that a check failed.
        DamageError: a file of the store is not the one that its manifest names; nothing is published.
        RequestError: the place cannot be written, or holds something else under this version.
        InterruptedRunError: no space is left there.
    """
    started = time.perf_counter()
    dataset = open_stored(store)
    evidence = _evidence(dataset)
    destination = open_destination(to)
    version = dataset_version(dataset.attributes)
    with explained(destination.url):
        known = destination.read(f"{version}/{SUMS}")
        if known is None:
            writer = Writer(destination, version)
            destination.begin(version)
            _write(writer, dataset, evidence, progress=progress)
            destination.complete(version)
            files, size = len(writer.digests) + 1, writer.bytes
        else:
            _refuse_another(known, dataset, destination.url, version)
            files, size = known.count("\n") + 1, 0
        if (destination.read(LATEST) or "").strip() != version:
            destination.point(version)
    return Published(version, destination.url, files, size, known is not None, time.perf_counter() - started)


def _write(writer: Writer, dataset: StoredDataset, evidence: Evidence, *, progress: Progress | None) -> None:
    """Every file of a version; SHA256SUMS last."""
    version = writer.version
    _write_store(writer, dataset, progress=progress)
    size = writer.bytes
    for stored in dataset.systems:
        for granularity in stored.granularities:
            for split, rows in split_rows(stored):
                path = table_path(stored.name, granularity.name, split)
                writer.write(path, lambda file, of=(stored, granularity), rows=rows: write_table(file, *of, rows=rows))  # type: ignore[misc]
        image = picture(stored)
        writer.write(f"pictures/{stored.name}.png", lambda file, image=image: file.write(image))  # type: ignore[misc]
    if evidence.checks:
        report = (report_folder(dataset.path) / REPORT).read_bytes().decode()
        writer.text(REPORT, report)
    writer.text("croissant.json", croissant(dataset, version=version, description=describe(dataset), digests=writer.digests))
    writer.text("CITATION.cff", citation(dataset, version=version))
    writer.text("README.md", dataset_card(dataset, version=version, evidence=evidence, size=size))
    with writer.destination.create(version, SUMS) as file:
        file.write(writer.sums().encode())


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


def _evidence(dataset: StoredDataset) -> Evidence:
    """What the report beside the store says of it.

    Raises: CheckFailedError where a check of this very store failed.
    """
    path = report_folder(dataset.path) / REPORT
    if not path.is_file():
        return Evidence(())
    try:
        report = json.loads(path.read_bytes())
        evidence = evidence_of(report, manifest_digest=dataset.attributes[layout.MANIFEST_DIGEST])
    except (ValueError, TypeError) as error:
        message = f"{path} is not a report: {error}"
        raise RequestError(message) from error
    failures = [check for check in evidence.checks if check.failed]
    if failures:
        message = f"{dataset.path} failed {len(failures)} checks, the first: {failures[0].name}: {failures[0].message} (see {path})"
        raise CheckFailedError(message)
    return evidence


def _refuse_another(sums: str, dataset: StoredDataset, url: str, version: str) -> None:
    """The version there must be of this very store: the same manifest under the same name."""
    line = f"{dataset.attributes[layout.MANIFEST_DIGEST]}  {dataset.path.name}/{layout.MANIFEST}\n"
    if line not in sums:
        message = f"{url}/{version} holds another dataset under this version. Publish elsewhere."
        raise RequestError(message)
