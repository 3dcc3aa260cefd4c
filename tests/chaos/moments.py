"""Every moment at which a run can be killed, or find the disk full: before each of its operations on the file system, one after another.

    python tests/chaos/moments.py kill --every 1             # what `make test-chaos` does, some minutes
    python tests/chaos/moments.py kill full --every 10 --first 3  # moments 3, 13, 23 …
    python tests/chaos/moments.py repair --every 1           # kills of `attractory verify --repair`

A run is a child that this process forks, which has the machine code already, and makes slice 1 of 1 of a recipe of one map. Python tells
of each operation beforehand (`sys.addaudithook`): at the chosen one the child gets SIGKILL, or an error that says that the disk is full.
Then the run is made again, undisturbed, and every file of the store must be that of a quiet run. Exit code 1 where one is not.
"""

from __future__ import annotations

import argparse
import errno
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from attractory import layout
from attractory.errors import AttractoryError
from attractory.stages.slices import Slice, generate_slice
from attractory.stages.verify import verify
from attractory.store.files import RUN_FOLDER

RECIPE = """
name: tiny
seed: 3
systems: [Henon]
trajectories: {train: 2, validation: 1, test: 1}
transient: {iterates: 10}
granularities:
  coarse: {every: 2, samples: 20}
  fine: {every: 1, samples: 40}
shard_trajectories: 2
"""
KINDS = ("kill", "full", "repair")
OVER = 100
# What takes a name away, or gives one; reading is no moment. Of these, only the first three need room on the disk.
TAKES_ROOM = ("tempfile.mkstemp", "os.mkdir", "os.link", "os.rename")
OPERATIONS = (*TAKES_ROOM, "os.remove", "os.rmdir")
DAMAGED = (layout.MANIFEST, layout.shard_path("Henon", "fine", 1), "Henon/initial/c/0/0", "Henon/fine/state/zarr.json")


class Moments:
    """Counts operations below a folder, and does something at one of them and after."""

    def __init__(self, folder: Path, moment: int, act: Callable[[str], None]) -> None:
        self._folder, self._moment, self._act, self.seen = str(folder), moment, act, 0

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in OPERATIONS and self._is_here(event, arguments):
            if self.seen >= self._moment:
                self._act(event)
            self.seen += 1

    def _is_here(self, event: str, arguments: tuple[Any, ...]) -> bool:
        # shutil.rmtree names what it removes relative to an open folder.
        return str(arguments[0]).startswith(self._folder) or (event in ("os.remove", "os.rmdir") and arguments[1] != -1)


def killed(event: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def full(event: str) -> None:
    if event in TAKES_ROOM:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def in_child(work: Callable[[], None], folder: Path, moment: int, act: Callable[[str], None]) -> int:
    """How a child ended that did the work: an exit code, a signal below zero, or OVER where the work was done before the moment."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    moments, code = Moments(folder, moment, act), 70
    sys.addaudithook(moments)
    try:
        work()
        code = OVER if moments.seen <= moment else 0
    except AttractoryError as error:
        code = error.exit_code
        (folder.parent / "message").write_text(str(error))
    finally:
        os._exit(code)


def files(store: Path) -> dict[str, bytes]:
    return {str(path.relative_to(store)): path.read_bytes() for path in sorted(store.rglob("*")) if path.is_file()}


def made(folder: Path) -> None:
    generate_slice(folder / "recipe.yaml", Slice(1, 1))


def repaired(store: Path) -> None:
    verify(store, repair=True)


def begun(folder: Path) -> Path:
    """A folder with the recipe alone."""
    folder.mkdir()
    (folder / "recipe.yaml").write_text(RECIPE)
    return folder


class Trials:
    """What is done in the child, and what must be true afterwards."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._quiet = begun(folder / "quiet")
        made(self._quiet)  # and now this process has the machine code, which its children keep
        self._expected = files(self._quiet / "tiny.zarr")

    def at(self, kind: str, moment: int) -> tuple[int, str]:
        """How the child ended, and what was wrong then or after the second run; empty if nothing."""
        place = self._folder / "trial"
        shutil.rmtree(place, ignore_errors=True)
        begun(place)
        store = place / "tiny.zarr"
        if kind == "repair":
            shutil.copytree(self._quiet / "tiny.zarr", store)
            for path in DAMAGED:
                (store / path).write_bytes(b"damaged")
        work = (lambda: repaired(store)) if kind == "repair" else (lambda: made(place))
        code = in_child(work, place / "tiny", moment, full if kind == "full" else killed)
        wrong = self._half_written(place) if kind == "full" else ""
        if kind == "full" and code not in (0, 3, OVER):
            wrong += f"exit code {code}: {(place / 'message').read_text() if (place / 'message').is_file() else 'an error of ours'}"
        again = in_child(work, place / "tiny", 10**9, killed)
        return code, wrong or self._different(place, again)

    def _half_written(self, place: Path) -> str:
        """What lies in the store and is no whole file of it, apart from rows and the mark of a slice."""
        store = place / "tiny.zarr"
        outside = {path: content for path, content in files(store).items() if not path.startswith(RUN_FOLDER)}
        odd = [path for path, content in outside.items() if not self._is_whole(path, content)]
        odd += [path for path in files(store) if "/partial/" in path]
        odd += [path.name for path in place.iterdir() if path.name not in ("recipe.yaml", "tiny.zarr", "tiny.run.json", "message")]
        return f"half-written: {odd}" if odd else ""

    def _is_whole(self, path: str, content: bytes) -> bool:
        return content == self._expected.get(path) or (path == "zarr.json" and content.endswith(b"}\n"))

    def _different(self, place: Path, again: int) -> str:
        found = files(place / "tiny.zarr")
        wrong = sorted(path for path in {*found, *self._expected} if found.get(path) != self._expected.get(path))
        beside = {path.name for path in place.iterdir()} - {"recipe.yaml", "tiny.zarr", "tiny.run.json", "message"}
        said = [f"the second run ended with {again}"] if again != OVER else []
        said += [f"files that differ: {wrong}"] if wrong else []
        said += [f"left beside the store: {sorted(beside)}"] if beside else []
        return "; ".join(said)


def main() -> int:
    options = argparse.ArgumentParser(description="A run is ended before each of its operations on the file system.")
    options.add_argument("kinds", nargs="+", choices=KINDS)
    options.add_argument("--every", type=int, default=1)
    options.add_argument("--first", type=int, default=0)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="attractory-moments-") as folder:
        trials = Trials(Path(folder))
        wrong = [_all(trials, kind, range(asked.first, 10**6, asked.every)) for kind in asked.kinds]
    return 1 if any(wrong) else 0


def _all(trials: Trials, kind: str, moments: Sequence[int]) -> int:
    """How many moments had another end; told as they come. The last moment is the one that a run does not reach."""
    wrong = 0
    for tried, moment in enumerate(moments):
        code, said = trials.at(kind, moment)
        if said:
            wrong += 1
            sys.stdout.write(f"{kind} at moment {moment}: {said}\n")
        if code == OVER:
            sys.stdout.write(f"{kind}: {tried} moments of {moment} or fewer tried, {wrong} with another end\n")
            break
    return wrong


if __name__ == "__main__":
    sys.exit(main())
