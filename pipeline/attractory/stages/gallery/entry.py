"""One entry to its files: what a worker does."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from attractory.catalog import SystemRecord
from attractory.errors import AttractoryError, InterruptedRunError
from attractory.expressions import System
from attractory.stages.gallery import index
from attractory.stages.gallery.page import HEIGHT, WIDTH, Surroundings, page
from attractory.stages.gallery.raster import INKS, picture
from attractory.stages.gallery.trajectory import Drawing, drawing


@dataclass(frozen=True)
class EntryTask:
    """All that a worker must know of one entry."""

    record: SystemRecord
    around: Surroundings


@dataclass(frozen=True)
class EntryFiles:
    """Paths below the site's root and what they hold, the page last; `without` says why there is no picture, where there is none."""

    files: tuple[tuple[str, bytes], ...]
    without: str
    seconds: float = field(compare=False)


def make_entry(task: EntryTask) -> EntryFiles:
    """The files of one entry: a pure function of the task, but for the seconds it took."""
    started = time.perf_counter()
    system = System.from_record(task.record)
    drawn = _drawn(system)
    pictures = [] if isinstance(drawn, str) else _pictures(system, drawn)
    files = (*pictures, (page_path(system.name), page(system, drawn, task.around)))
    return EntryFiles(files, drawn if isinstance(drawn, str) else "", time.perf_counter() - started)


def page_path(name: str) -> str:
    return f"systems/{name}.html"


def picture_paths(name: str) -> tuple[str, str]:
    """Of the small picture on the first page, and of the one that stands where there is no WebGL."""
    return f"pictures/{name}.png", f"pictures/large/{name}.png"


def _drawn(system: System) -> Drawing | str:
    import numba

    numba.set_num_threads(1)  # each worker has one core
    try:
        return drawing(system)
    except InterruptedRunError:  # a signal, which is not the entry's fault
        raise
    except AttractoryError as error:
        return str(error)


def _pictures(system: System, drawn: Drawing) -> list[tuple[str, bytes]]:
    small, large = picture_paths(system.name)
    ink = INKS[system.kind]
    return [
        (small, picture(drawn, ink, width=index.WIDTH, height=index.HEIGHT)),
        (large, picture(drawn, ink, width=WIDTH, height=HEIGHT)),
    ]
