"""The stage: a finished store to a version at a path or an fsspec URL."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from attractory import layout
from attractory.errors import CheckFailedError, RequestError
from attractory.stages.progress import Progress
from attractory.stages.publish.card import Evidence, evidence_of
from attractory.stages.publish.content import DYSTS, FORMATS, WELL, Content, Writer, write_version
from attractory.stages.publish.destination import LATEST, SUMS, Destination, FolderDestination, explained, open_destination
from attractory.stages.publish.hub import PROTOCOL, plan_text, repository, upload_plan
from attractory.stages.publish.origin import previous_origin
from attractory.stages.publish.the_well import check_hdf5
from attractory.stages.publish.version import dataset_version
from attractory.stages.signals import signals_as_errors
from attractory.stages.validate.report import REPORT
from attractory.stages.validate.run import report_folder
from attractory.stages.validate.stored import StoredDataset, open_stored
from attractory.store.files import Place
from attractory.store.objects import ObjectPath


@dataclass(frozen=True)
class Asked:
    """How a store is to be published.

    formats: "well" and "dysts", beside the store and the tables. unvalidated: also a store that was not validated, or failed a check; the
    card says so. dry_run: the folder for what would be uploaded to the hub. day: that of the publication; today where it is None.
    """

    formats: tuple[str, ...] = ()
    unvalidated: bool = False
    dry_run: Path | None = None
    day: date | None = None


@dataclass(frozen=True)
class Published:
    """What was published where; `unchanged` says that this version was there already, and nothing was written but perhaps `latest`."""

    version: str
    url: str
    files: int
    bytes: int
    unchanged: bool
    seconds: float = field(compare=False)


def publish(store: str | Path | ObjectPath, *, to: str | Path, asked: Asked | None = None, progress: Progress | None = None) -> Published:
    """Publishes a finished store as `<to>/<version>/` and moves `<to>/latest` to it, last.

    The version follows from the catalog, the recipe and the code, so the same store is published once; again does nothing. A run that
    was interrupted is repeated by the same call. A reader sees whole versions only.

    Raises:
        StoreError: the path is not a finished store.
        CheckFailedError: it was not validated, or a check failed.
        DamageError: a file of the store is not the one that its manifest names; nothing is published.
        RequestError: the place cannot be written, or holds something else under this version.
        InterruptedRunError: no space is left there, or a signal came.
    """
    asked = asked or Asked()
    _check_asked(str(to), asked)
    started = time.perf_counter()
    dataset = open_stored(store)
    evidence = _evidence(dataset, unvalidated=asked.unvalidated)
    version = dataset_version(dataset.attributes)
    if asked.dry_run is not None:
        destination: Destination = FolderDestination(asked.dry_run)
    else:
        destination = open_destination(to)
    with explained(destination.url), signals_as_errors():
        known = destination.read(f"{version}/{SUMS}")
        if known is not None:
            _refuse_another(known, dataset, f"{destination.url}/{version}")
            _refuse_other_words(known, evidence, asked, f"{destination.url}/{version}")
            files, size = known.count("\n") + 1, 0
        else:
            before = previous_origin(destination.read_bytes, version)
            writer = Writer(destination, version)
            destination.begin(version)
            content = Content(dataset, evidence, asked.day or datetime.now(UTC).date(), asked.formats, before)
            write_version(writer, content, progress=progress)
            _end(destination, writer, to=str(to), asked=asked)
            files, size = len(writer.digests) + 1, writer.bytes
        if asked.dry_run is None and (destination.read(LATEST) or "").strip() != version:
            destination.point(version)
    return Published(version, destination.url, files, size, known is not None, time.perf_counter() - started)


def _end(destination: Destination, writer: Writer, *, to: str, asked: Asked) -> None:
    """Lets readers see the version; of a dry run, writes beside it the commits that would upload it."""
    if asked.dry_run is None:
        destination.complete(writer.version)
        return
    plan = plan_text(upload_plan(to, writer.version, writer.files()))  # may refuse, and nothing is there then
    destination.complete(writer.version)
    (asked.dry_run / f"{writer.version}.upload.json").write_text(plan, encoding="utf-8")


def _check_asked(to: str, asked: Asked) -> None:
    for name in asked.formats:
        if name not in FORMATS:
            message = f"there is no format {name!r}, expected one of {', '.join(FORMATS)}."
            raise RequestError(message)
    if WELL in asked.formats:
        check_hdf5()
    if to.startswith(PROTOCOL):
        repository(to)
        if asked.dry_run is None:
            message = f"{to}: this version does not upload to the hub. Give --dry-run DIR: it writes what is to be uploaded."
            raise RequestError(message)
    elif asked.dry_run is not None:
        message = f"--dry-run is of the hub alone, and {to} is not hf://datasets/OWNER/NAME. Publish to a folder to see what is written."
        raise RequestError(message)


def _evidence(dataset: StoredDataset, *, unvalidated: bool) -> Evidence:
    """What the report beside the store says of it.

    Raises: CheckFailedError where there is none of this very store, or one of its checks failed.
    """
    path = report_folder(dataset.path) / REPORT
    evidence = _read_evidence(path, dataset)
    if unvalidated:
        return evidence
    way_out = "To publish it nevertheless, and have the card say so: --unvalidated."
    if not evidence.checks:
        message = f"{dataset.path} has not been validated: {path} is no report of it. Run `attractory validate {dataset.path}`. {way_out}"
        raise CheckFailedError(message)
    failures = [check for check in evidence.checks if check.failed]
    if failures:
        first = f"{failures[0].name}: {failures[0].message}"
        message = f"{dataset.path} failed {len(failures)} checks, the first: {first} (see {path}). {way_out}"
        raise CheckFailedError(message)
    return evidence


def _read_evidence(path: Place, dataset: StoredDataset) -> Evidence:
    if not path.is_file():
        return Evidence(())
    try:
        text = path.read_bytes().decode()
        report: Mapping[str, Any] = json.loads(text)
        return evidence_of(report, manifest_digest=dataset.attributes[layout.MANIFEST_DIGEST], text=text)
    except (ValueError, TypeError) as error:
        message = f"{path} is not a report: {error}"
        raise RequestError(message) from error


def _refuse_another(sums: str, dataset: StoredDataset, url: str) -> None:
    """The version there must be of this very store: the same manifest under the same name."""
    line = f"{dataset.attributes[layout.MANIFEST_DIGEST]}  {dataset.path.name}/{layout.MANIFEST}\n"
    if line not in sums:
        message = f"{url} holds another dataset under this version. Publish elsewhere."
        raise RequestError(message)


def _refuse_other_words(sums: str, evidence: Evidence, asked: Asked, url: str) -> None:
    """A version does not change: what is asked for must be in the one that is there."""
    folders = {WELL: "  the_well/", DYSTS: "  dysts/"}
    missing = [name for name in asked.formats if folders[name] not in sums]
    if missing:
        message = f"{url} was published without the format {' and '.join(missing)}, and a version does not change. Publish elsewhere."
        raise RequestError(message)
    if evidence.checks and f"  {REPORT}\n" not in sums:
        message = f"{url} was published without validation, as its card says, and a version does not change. Publish elsewhere."
        raise RequestError(message)
