"""<dataset>.run.json beside a store: when, where and how fast it was made. Not in the store, which two builds make equal to the byte."""

from __future__ import annotations

import errno
import json
import os
import platform
import secrets
import socket
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from attractory.stages.summary import GenerateSummary
from attractory.store.files import RUN_FOLDER, Place, document, partial_folder, write_whole
from attractory.store.objects import ObjectPath


def record_path(store: Place) -> Place:
    return store.with_name(f"{store.name.removesuffix('.zarr')}.run.json")


def run_document(summary: GenerateSummary, *, started: datetime, versions: dict[str, str]) -> dict[str, Any]:
    """One run, ended now."""
    return {
        "started": started.isoformat(timespec="seconds"),
        "ended": datetime.now(UTC).isoformat(timespec="seconds"),
        "host": socket.gethostname(),
        "machine": platform.platform(),
        "processors": os.cpu_count(),
        "worker_processes": sorted(summary.tally.workers),
        "versions": versions,
        **summary.document(),
    }


def add_runs(store: Place, runs: Sequence[dict[str, Any]]) -> Place:
    """Append runs to the record of a store; a store that is made in three attempts has three."""
    path = record_path(store)
    if not runs:
        return path
    known = _runs(path)
    content = (json.dumps({"runs": [*known, *(run for run in runs if run not in known)]}, indent=2) + "\n").encode()
    if isinstance(path, ObjectPath):
        path.put(content)
        return path
    try:
        # In the store, where what a kill leaves half-written is swept up.
        write_whole(path, content, partial=partial_folder(store))
    except OSError as error:
        # A store that is a link to another disk, or a mount; or one that another slice has finished meanwhile.
        if error.errno not in (errno.EXDEV, errno.ENOENT):
            raise
        write_whole(path, content, partial=path.parent)
    return path


def keep_run(store: Place, run: dict[str, Any]) -> None:
    """Leave a slice's run in the unfinished store, a file of its own; whoever finishes the store moves it to the record."""
    write_whole(_kept_folder(store) / f"{secrets.token_hex(8)}.json", document(run), partial=partial_folder(store))


def kept_runs(store: Place) -> list[dict[str, Any]]:
    """What slices have left, in the order of their start."""
    folder = _kept_folder(store)
    found = [json.loads(path.read_bytes()) for path in folder.iterdir() if path.name.endswith(".json")] if folder.is_dir() else []
    return sorted(found, key=lambda run: str(run["started"]))


def _kept_folder(store: Place) -> Place:
    return store / RUN_FOLDER / "runs"


def _runs(path: Place) -> list[Any]:
    try:
        return list(json.loads(path.read_bytes())["runs"])
    except (OSError, ValueError, KeyError, TypeError):
        return []  # there is none, or someone else's file is in its place: nothing depends on it
