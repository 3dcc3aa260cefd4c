"""What a person can look at while a run goes on and afterwards: the address of Dask's dashboard, and Dask's own report."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attractory.errors import MissingExtraError, RequestError
from attractory.stages.cluster import Workers


def check_watching(performance: Path | None) -> None:
    """Nothing where a performance report can be written, or none is asked for.

    Raises:
        MissingExtraError, RequestError: bokeh, which draws it, is not there; or its folder is not.
    """
    if performance is None:
        return
    if not _has_bokeh():
        raise MissingExtraError("A performance report", "bokeh", extra="dashboard")
    if not performance.absolute().parent.is_dir():
        message = f"{performance}: there is no such folder to put the performance report into."
        raise RequestError(message)


@contextmanager
def watched(client: Any, workers: Workers) -> Iterator[None]:
    """Tells where the dashboard is, and writes Dask's report of what happens inside, however it ends."""
    from distributed import performance_report

    if workers.announce is not None:
        workers.announce(dashboard(client))
    if workers.performance is None:
        yield
        return
    with performance_report(filename=str(workers.performance)):  # type: ignore[no-untyped-call]
        yield


def dashboard(client: Any) -> str:
    """One sentence: where the dashboard is, and what its pages need."""
    if not client.dashboard_link:
        return "The scheduler has no dashboard."
    hint = "" if _has_bokeh() else " (its pages need bokeh: pip install 'attractory[dashboard]')"
    return f"Dask's dashboard: {client.dashboard_link}{hint}"


def _has_bokeh() -> bool:
    return importlib.util.find_spec("bokeh") is not None
