"""How far a long command is, for a person: a bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

# Called with (done, total, what is going on); every long stage takes one.
Progress = Callable[[int, int, str], None]

LINE_SECONDS = 10.0


def silent(done: int, total: int, note: str) -> None:
    """The Progress that nobody watches."""


@contextmanager
def shown_progress(stream: TextIO, *, title: str) -> Iterator[Progress]:
    """A Progress that writes to a stream: a bar where that is a terminal, else a line at most every ten seconds and one at the end."""
    if stream.isatty():
        with _bar(stream, title) as progress:
            yield progress
    else:
        yield line_progress(stream, title=title, seconds=LINE_SECONDS)


def line_progress(stream: TextIO, *, title: str, seconds: float) -> Progress:
    """Lines such as `generate: 12 of 46 (26 %), Lorenz`, at least `seconds` apart but for the last one."""
    last = [time.monotonic()]

    def report(done: int, total: int, note: str) -> None:
        now = time.monotonic()
        if done >= total or now - last[0] >= seconds:
            last[0] = now
            if note and not total:  # nothing is counted yet
                stream.write(f"{title}: {note}\n")
                stream.flush()
                return
            share = 100 * done // total if total else 100
            stream.write(f"{title}: {done} of {total} ({share} %){', ' + note if note else ''}\n")
            stream.flush()

    return report


@contextmanager
def _bar(stream: TextIO, title: str) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Bar(*columns, console=Console(file=stream)) as bar:
        task = bar.add_task(title, total=None, note="")
        yield lambda done, total, note: bar.update(task, completed=done, total=total, note=note)
