"""<dataset>.run.json beside a store: when, where and how fast it was made. Not in the store, which two builds make equal to the byte."""

from __future__ import annotations

import json
import os
import platform
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from attractory.stages.summary import GenerateSummary


def record_path(store: Path) -> Path:
    return store.with_name(f"{store.name.removesuffix('.zarr')}.run.json")


def add_run(store: Path, summary: GenerateSummary, *, started: datetime, versions: dict[str, str]) -> Path:
    """Append a run to the record of its store; a store that is made in three attempts has three."""
    path = record_path(store)
    run = {
        "started": started.isoformat(timespec="seconds"),
        "ended": datetime.now(UTC).isoformat(timespec="seconds"),
        "host": socket.gethostname(),
        "machine": platform.platform(),
        "processors": os.cpu_count(),
        "worker_processes": sorted({report.worker for report in summary.reports}),
        "versions": versions,
        **summary.document(),
    }
    content = json.dumps({"runs": [*_runs(path), run]}, indent=2) + "\n"
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(content)
    partial.replace(path)
    return path


def _runs(path: Path) -> list[Any]:
    try:
        return list(json.loads(path.read_bytes())["runs"])
    except (OSError, ValueError, KeyError, TypeError):
        return []  # there is none, or someone else's file is in its place: nothing depends on it
