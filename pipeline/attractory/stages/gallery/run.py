"""The stage: catalog entries to a static site, on Dask; pages that are there already, of the same entry and code, are kept."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import unescape
from pathlib import Path

import attractory
from attractory.catalog import SystemRecord, extended_catalog
from attractory.expressions import System
from attractory.stages.cluster import Workers, run_each, running_client
from attractory.stages.gallery.entry import EntryFiles, EntryTask, make_entry, page_path, picture_paths
from attractory.stages.gallery.index import Card, index
from attractory.stages.gallery.page import SOURCE, WITHOUT, Surroundings
from attractory.stages.gallery.site import MARKER, Site, open_site, static_files
from attractory.stages.gallery.summary import GallerySummary
from attractory.stages.progress import Progress
from attractory.stages.signals import signals_as_errors
from attractory.store.files import canonical_json, sha256

INDEX = "index.html"
# A cluster takes seconds to start, a page tenths of one: not for fewer pages than these.
FEW = 12
_SOURCE = re.compile(rb'<meta name="' + SOURCE.encode() + rb'" content="([0-9a-f]{64})')
_WITHOUT = re.compile(rb'<meta name="' + WITHOUT.encode() + rb'" content="([^"]*)"')
_HEAD = 8192  # bytes in which they stand


@dataclass(frozen=True)
class _Done:
    """A page that is there: `without` says why it has no picture."""

    without: str
    kept: bool


def gallery(
    names: Iterable[str] = (),
    *,
    to: str | Path,
    folder: str | Path | None = None,
    workers: int | Workers = 1,
    progress: Progress | None = None,
) -> GallerySummary:
    """Writes the site of the catalog: a page for each system, and at the end the first page, which lists them.

    The same entries and version give the same bytes, for any number of workers and after any interruption. Each file takes its name when
    it is whole, and the first page comes last, so that whoever finds it finds a whole site.

    Args:
        names: of systems; none means all. to: a folder, new, empty or of an earlier run. folder: of more systems of one's own.
    Raises:
        CatalogError: there is no such system.
        RequestError: the folder holds something else.
        InterruptedRunError: a signal; what is written stays, and the same call goes on from there.
    """
    started = time.perf_counter()
    records = _selected(list(names), folder)
    site = open_site(Path(to))
    static = static_files()
    done: dict[str, _Done] = {}
    with signals_as_errors():
        for path, content in static.items():
            if site.read(path) != content:
                site.write(path, content)
        tasks = _tasks(records)
        done |= {name: kept for name, task in tasks.items() if (kept := _kept(site, name, task))}
        left = {name: task for name, task in tasks.items() if name not in done}
        for number, (name, made) in enumerate(_made(left, workers), start=1):
            for path, content in made.files:  # the page is the last of them
                site.write(path, content)
            done[name] = _Done(made.without, kept=False)
            if progress:
                progress(len(tasks) - len(left) + number, len(tasks), name)
        cards = [Card(System.from_record(record), not done[record.name].without) for record in records]
        site.write(INDEX, index(cards, version=attractory.__version__))
        paths = [INDEX, MARKER, *static, *(path for record in records for path in _paths(record.name, done[record.name]))]
        site.finish(paths)
    return GallerySummary(
        folder=site.folder,
        made=len(left),
        kept=len(records) - len(left),
        files=len(paths),
        bytes=site.size(paths),
        without=tuple((record.name, done[record.name].without) for record in records if done[record.name].without),
        seconds=time.perf_counter() - started,
    )


def _selected(names: list[str], folder: str | Path | None) -> tuple[SystemRecord, ...]:
    """The records, sorted by name ignoring case, each once."""
    found = extended_catalog(folder)
    records = found.select(names) if names else tuple(found.values())
    return tuple(sorted({record.name: record for record in records}.values(), key=lambda record: (record.name.casefold(), record.name)))


def _tasks(records: Sequence[SystemRecord]) -> dict[str, EntryTask]:
    """A task for each entry; the neighbours of the first and the last are each other."""
    tasks = {}
    for place, record in enumerate(records):
        previous, following = records[place - 1].name, records[(place + 1) % len(records)].name
        parts = [record.model_dump(mode="json"), previous, following, attractory.__version__, _code()]
        source = sha256(canonical_json(parts))
        tasks[record.name] = EntryTask(record, Surroundings(previous, following, source, attractory.__version__))
    return tasks


@cache
def _code() -> str:
    """Digest of this package: a page made by other code is made again."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    return sha256(b"".join(file.read_bytes() for file in files))


def _kept(site: Site, name: str, task: EntryTask) -> _Done | None:
    """What is known of a page that needs not be made; None where it is missing, of something else, or without its pictures."""
    page = site.read(page_path(name))
    found = _SOURCE.search(page[:_HEAD]) if page else None
    if page is None or found is None or found[1].decode() != task.around.source:
        return None
    why = unescape(missing[1].decode()) if (missing := _WITHOUT.search(page[:_HEAD])) else ""
    pictures = [site.read(path) for path in picture_paths(name)]
    return _Done(why, kept=True) if why or all(pictures) else None


def _made(tasks: Mapping[str, EntryTask], workers: int | Workers) -> Iterator[tuple[str, EntryFiles]]:
    """The files of each entry, as they are done.

    Raises: whatever an entry raised; what is wrong with its trajectory is no error, but stands on its page.
    """
    where = workers if isinstance(workers, Workers) else Workers(workers)
    if where.scheduler_file is None and (len(tasks) <= FEW or where.count == 1):
        yield from ((name, make_entry(task)) for name, task in tasks.items())
        return
    with running_client(where) as client:
        for name, outcome in run_each(client, make_entry, tasks):
            if isinstance(outcome, Exception):
                raise outcome
            yield name, outcome


def _paths(name: str, done: _Done) -> tuple[str, ...]:
    return (page_path(name),) if done.without else (page_path(name), *picture_paths(name))
