"""A small finished store of a flow and a map, as `generate` makes it from a recipe with its own catalog."""

from __future__ import annotations

import hashlib
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from attractory.stages.generate import generate
from attractory.stages.publish import Asked, Published, publish

DUFFING = """\
name: Wobble
kind: flow
description: A damped oscillator, driven; for tests.
reference: {authors: 'Nobody, N. | Others', year: 1901, title: 'On wobbling', doi: 10.1000/wobble}
parameters: {damping: 0.3, drive: 0.5}
equations:
  q: p
  p: q - q**3 - damping*p + drive*cos(1.2*t)
initial: {q: 0.5, p: 0.0}
timescale: {period: 5.2, definition: '2 pi over the frequency of the drive'}
"""
TENT = """\
name: Halving
kind: map
description: A map with one variable and no parameter; for tests.
equations:
  x: 4*x*(1 - x)
initial: {x: 0.3}
"""
RECIPE = """\
name: tiny
description: Two systems, to try out publishing.
seed: 5
systems: [Wobble, Halving]
trajectories: {train: 6, validation: 2, test: 2}
granularities:
  coarse: {samples_per_period: 10, samples: 32}
  fine: {samples_per_period: 40, samples: 64}
shard_trajectories: 4
catalog: mine/
authors: [{name: Ada Example, orcid: 0000-0002-1825-0097}]
"""


@pytest.fixture(scope="session")
def made_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "mine").mkdir()
    (folder / "mine" / "wobble.yaml").write_text(DUFFING)
    (folder / "mine" / "halving.yaml").write_text(TENT)
    (folder / "recipe.yaml").write_text(RECIPE)
    generate(folder / "recipe.yaml", workers=1)
    return folder / "tiny.zarr"


@pytest.fixture
def own_store(made_store: Path, tmp_path: Path) -> Path:
    """A copy to spoil, with a place beside it for a report."""
    return Path(shutil.copytree(made_store, tmp_path / "own" / "tiny.zarr"))


@dataclass
class Site:
    """A folder behind a server of HTTP on this machine, which counts: the paths that were asked for, in order.

    cut_after: from so many requests of shards on, each is answered 503, as by a server that is going down.
    """

    folder: Path
    url: str = ""
    asked: list[str] = field(default_factory=list)
    cut_after: int | None = None

    @property
    def shards(self) -> list[str]:
        return [path.partition(".zarr/")[2] for path in self.asked if "/state/c/" in path]


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, *arguments: object, site: Site) -> None:
        self._site = site
        super().__init__(*arguments, directory=str(site.folder))  # type: ignore[arg-type]

    def do_GET(self) -> None:
        self._site.asked.append(self.path.lstrip("/"))
        if self._site.cut_after is not None and len(self._site.shards) > self._site.cut_after:
            self.send_error(503)
            return
        super().do_GET()

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing: the site counts."""


@pytest.fixture(scope="session")
def shelf(made_store: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Published]:
    """A folder with a published version; not to be changed."""
    to = tmp_path_factory.mktemp("shelf")
    return to, publish(made_store, to=to, asked=Asked(unvalidated=True, day=date(2026, 11, 28)))


@pytest.fixture
def site(shelf: tuple[Path, Published]) -> Iterator[Site]:
    """The published folder behind the server."""
    yield from served(Site(shelf[0]))


@pytest.fixture
def own_site(shelf: tuple[Path, Published], tmp_path: Path) -> Iterator[Site]:
    """A copy of it, to spoil."""
    yield from served(Site(Path(shutil.copytree(shelf[0], tmp_path / "own shelf"))))


def served(site: Site) -> Iterator[Site]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, site=site))
    server.daemon_threads = True
    site.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield site
    server.shutdown()
    server.server_close()


@pytest.fixture
def say_again() -> Callable[[Path, str], None]:
    """(version, path): the file's digest in SHA256SUMS as it is now; what a publisher would have written who has other bytes."""

    def write(version: Path, path: str) -> None:
        digest = hashlib.sha256((version / path).read_bytes()).hexdigest()
        lines = (version / "SHA256SUMS").read_text().splitlines()
        said = [f"{digest}{line[64:]}" if line.endswith(f"  {path}") else line for line in lines]
        (version / "SHA256SUMS").write_text("\n".join(said) + "\n")

    return write
