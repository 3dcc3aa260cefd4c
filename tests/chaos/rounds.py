"""Seeded rounds of chaos: `attractory generate` is killed at moments that nobody chose, run again, and must make the store of a quiet run.

    python tests/chaos/rounds.py --rounds 50 --seed 0        # one line a round, then a summary; what `make test-chaos` does
    python tests/chaos/rounds.py --only 17 --seed 0          # one round again, as it was

Who is killed: a worker; the scheduler, which is the command itself with `--workers` and a process of its own in a cluster; the client; a
slice of `--array`. With SIGKILL, or with SIGTERM, which has to end a command with exit code 3. Compared are all files of the store, byte
for byte, manifest included. What may differ lies beside the store: <dataset>.run.json has times, hosts and the attempts that it took.
Exit code 1 where a round fails.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import attractory

SPIRAL = """
name: Spiral
kind: flow
description: A damped oscillator that is driven by its own size, with a limit cycle.
parameters: {mu: 1.5}
equations:
  x: y
  y: mu*(1 - x**2)*y - x
initial: {x: 1.0, y: 0.5}
timescale: {period: 7.0, definition: 'one turn'}
"""
QUADRATIC = """
name: Quadratic
kind: map
description: The logistic map where it covers the interval.
parameters: {r: 4.0}
equations: {x: r*x*(1 - x)}
initial: {x: 0.3}
"""
# So long a transient that a block of the flow takes some ten milliseconds: there is a middle to be killed in.
RECIPE = """
name: tiny
seed: 3
systems: [Spiral, Quadratic, Henon]
trajectories: {train: 16, validation: 4, test: 4}
transient: {periods: 3000, iterates: 10}
parameters: {trajectories_per_set: 2, systems: {Spiral: {mu: [1.2, 1.8]}}}
observation: {variables: {Henon: [x]}, noise: {absolute: 0.1}}
granularities:
  coarse: {samples_per_period: 8, samples: 20}
  fine: {dt: 0.05, samples: 200}
shard_trajectories: 1
catalog: mine
"""
BLOCKS = 72

PYTHON = (sys.executable, "-c")
COMMAND = (*PYTHON, "from attractory.console import main; main()")
SCHEDULER = (sys.executable, "-m", "distributed.cli.dask_scheduler", "--port", "0", "--dashboard-address", "127.0.0.1:0")
WORKER = (sys.executable, "-m", "distributed.cli.dask_worker", "--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(attractory.__file__).parents[1])}

PATIENCE = 300.0  # seconds without an end: then a round has hung
KINDS = ("workers", "workers", "cluster", "array")
VICTIMS = {"workers": ("worker", "client"), "cluster": ("worker", "scheduler", "client"), "array": ("slice",)}
MOMENTS = ("start", "rows", "rows", "rows", "end")
SLICES = 2


class RoundFailedError(Exception):
    """A promise was broken in a round."""


@dataclass(frozen=True)
class Kill:
    """Who gets which signal, and when: seconds after the start, or seconds after so many blocks more are done."""

    victim: str
    number: signal.Signals
    moment: str
    rows: int
    seconds: float

    def __str__(self) -> str:
        when = f"after {self.rows} blocks" if self.moment == "rows" else f"at the {self.moment}"
        return f"{self.number.name} to the {self.victim} {when} + {self.seconds:.3f} s"


@dataclass(frozen=True)
class Round:
    """What is done to one run: the kind of run, and the kills before the one that nobody disturbs."""

    number: int
    kind: str
    kills: tuple[Kill, ...]


def planned(seed: int, number: int) -> Round:
    """Round `number` of a seed: the same whenever it is asked for."""
    draw = random.Random(f"{seed}-{number}")
    kind = draw.choice(KINDS)
    return Round(number, kind, tuple(_kill(draw, kind) for _ in range(draw.choice((1, 1, 2, 3)))))


def _kill(draw: random.Random, kind: str) -> Kill:
    victim = draw.choice(VICTIMS[kind])
    # A command that finds no scheduler waits for two minutes: not every few rounds.
    moment = draw.choice(MOMENTS[1:] if victim == "scheduler" else MOMENTS)
    term = victim in ("client", "slice") and draw.random() < 0.25
    seconds = draw.uniform(0.0, {"start": 4.0 if victim in ("client", "slice") else 0.5, "rows": 0.1, "end": 0.03}[moment])
    return Kill(victim, signal.SIGTERM if term else signal.SIGKILL, moment, draw.randint(1, BLOCKS // 3), seconds)


@dataclass(frozen=True)
class Dataset:
    """A folder with the recipe and its catalog."""

    folder: Path

    @classmethod
    def at(cls, folder: Path) -> Dataset:
        (folder / "mine").mkdir(parents=True)
        (folder / "recipe.yaml").write_text(RECIPE)
        (folder / "mine" / "spiral.yaml").write_text(SPIRAL)
        (folder / "mine" / "quadratic.yaml").write_text(QUADRATIC)
        return cls(folder)

    @property
    def store(self) -> Path:
        return self.folder / "tiny.zarr"

    def files(self) -> dict[str, bytes]:
        """Every file of the store, by path."""
        return {str(path.relative_to(self.store)): path.read_bytes() for path in sorted(self.store.rglob("*")) if path.is_file()}

    def rows(self) -> int:
        """How many blocks are done; all of them where the store is finished."""
        try:
            return len(os.listdir(self.store / ".attractory-run" / "rows"))
        except FileNotFoundError:
            return BLOCKS if (self.store / "manifest.parquet").exists() else 0


@dataclass
class Running:
    """The processes of one attempt; all are ended when it is left."""

    dataset: Dataset
    kind: str
    commands: list[subprocess.Popen[str]] = field(default_factory=list)
    others: dict[str, list[subprocess.Popen[str]]] = field(default_factory=dict)

    def __enter__(self) -> Running:
        if self.kind == "cluster":
            self._start_cluster()
        self.commands = [self._begun(*COMMAND, "generate", ".", *arguments) for arguments in self._arguments()]
        return self

    def __exit__(self, *error: object) -> None:
        for process in [*self.commands, *(process for kind in self.others.values() for process in kind)]:
            if process.poll() is None:
                process.kill()
            process.communicate()

    def pids(self, victim: str) -> list[int]:
        """The processes that a victim may be, alive by now."""
        if victim == "worker":
            parents = self.commands if self.kind == "workers" else self.others["nanny"]
            return [pid for parent in parents for pid in _workers_of(parent.pid)]
        found = self.others.get(victim, self.commands)
        return [process.pid for process in found if process.poll() is None]

    def is_over(self) -> bool:
        return all(process.poll() is not None for process in self.commands)

    def ended(self) -> list[tuple[int, str]]:
        """Exit code and words of each command."""
        try:
            said = [process.communicate(timeout=PATIENCE)[0] for process in self.commands]
        except subprocess.TimeoutExpired as error:
            message = f"a command did not end within {PATIENCE:.0f} s"
            raise RoundFailedError(message) from error
        return [(process.returncode, text) for process, text in zip(self.commands, said, strict=True)]

    def _arguments(self) -> list[tuple[str, ...]]:
        if self.kind == "array":
            return [("--array", f"{number}/{SLICES}") for number in range(1, SLICES + 1)]
        return [("--cluster", "scheduler.json")] if self.kind == "cluster" else [("--workers", "2")]

    def _start_cluster(self) -> None:
        file = self.dataset.folder / "scheduler.json"
        file.unlink(missing_ok=True)
        named = ("--scheduler-file", str(file))
        self.others["scheduler"] = [self._begun(*SCHEDULER, "--host", "127.0.0.1", *named, quiet=True)]
        self.others["nanny"] = [self._begun(*WORKER, *named, quiet=True) for _ in range(2)]
        _until(file.exists, "a scheduler did not start")

    def _begun(self, *command: str, quiet: bool = False) -> subprocess.Popen[str]:
        out = subprocess.DEVNULL if quiet else subprocess.PIPE
        return subprocess.Popen(command, cwd=self.dataset.folder, env=ENVIRONMENT, text=True, stdout=out, stderr=subprocess.STDOUT)


def _workers_of(parent: int) -> Iterator[int]:
    """The worker processes that a command or a nanny has started; beside them it has one that only counts resources."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                stat, command = (folder / "stat").read_text(), (folder / "cmdline").read_bytes()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(stat.rpartition(")")[2].split()[1]) == parent and b"spawn_main" in command:
                yield int(folder.name)


def _until(true: Callable[[], object], complaint: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > deadline:
            raise RoundFailedError(complaint)
        time.sleep(0.001)


def _strike(running: Running, kill: Kill, draw: random.Random) -> str:
    """Wait for the moment and send the signal; what was done, in a few words."""
    dataset, first = running.dataset, running.dataset.rows()
    if kill.moment != "start":
        wanted = min(first + kill.rows, BLOCKS) if kill.moment == "rows" else BLOCKS
        _until(lambda: dataset.rows() >= wanted or running.is_over(), "no blocks were made")
    _until(lambda: running.pids(kill.victim) or running.is_over(), f"there was no {kill.victim}")
    time.sleep(kill.seconds)
    pids = running.pids(kill.victim)
    for pid in draw.sample(pids, min(len(pids), 1)):
        try:
            os.kill(pid, kill.number)
        except ProcessLookupError:
            pids = []
    return str(kill) if pids else f"nobody was left for a {kill}"


def _attempt(dataset: Dataset, kind: str, kills: tuple[Kill, ...], draw: random.Random) -> str:
    """One run that is disturbed; what became of it in a few words."""
    with Running(dataset, kind) as running:
        struck = [_strike(running, kill, draw) for kill in kills]
        codes = [_checked(code, text, kills, struck) for code, text in running.ended()]
    return f"{', '.join(struck)}: exit {', '.join(map(str, codes))}, {dataset.rows()} blocks"


def _checked(code: int, text: str, kills: tuple[Kill, ...], struck: list[str]) -> int:
    """What a command ended with: 0, 3, or the signal that it was sent; without a traceback."""
    sent = {kill.number for kill in kills if kill.victim != "worker"}
    # SIGTERM has a handler of ours once Python has begun; one slice may not have, on a busy machine, when others have made blocks.
    early = {signal.SIGTERM} if any(kill.moment == "start" or kill.victim == "slice" for kill in kills) else set()
    if code not in {0, 3, *(-number for number in sent & ({signal.SIGKILL} | early))} or "Traceback" in text:
        message = f"{', '.join(struck)}: exit code {code}\n{text}"
        raise RoundFailedError(message)
    return code


def _attempts(kills: tuple[Kill, ...]) -> Iterator[tuple[Kill, ...]]:
    """The kills of each attempt: a run outlives its workers, and nothing else."""
    first = 0
    for place, kill in enumerate(kills, start=1):
        if kill.victim != "worker" or place == len(kills):
            yield kills[first:place]
            first = place


def play(planned_round: Round, dataset: Dataset, expected: dict[str, bytes], *, resume: Callable[[], int] | None = None) -> list[str]:
    """Disturb a run as planned, run it again until it is done, and compare; a few words about each attempt.

    Args:
        resume: how the run is ended, and how many blocks it kept; by the same command unless given.
    Raises:
        RoundFailedError: a command hung, ended in an unplanned way, lost or made again a block that was done, or made another store.
    """
    draw, told = random.Random(planned_round.number), []
    for kills in _attempts(planned_round.kills):
        before = dataset.rows()
        told.append(_attempt(dataset, planned_round.kind, kills, draw))
        if dataset.rows() < before:
            message = f"{told[-1]}: {before} blocks were done before"
            raise RoundFailedError(message)
    before = dataset.rows()
    kept = resume() if resume is not None else _resumed(dataset, planned_round.kind)
    # A worker that has lost its command may still write the row of the block that it was at.
    if kept < before:
        message = f"the undisturbed run kept {kept} of the {before} blocks that were done"
        raise RoundFailedError(message)
    _same(dataset, expected)
    return told


def _resumed(dataset: Dataset, kind: str) -> int:
    with Running(dataset, kind) as running:
        kept = 0
        for code, text in running.ended():
            found = re.search(r"made \d+, kept (\d+) of", text)
            if code or not found:
                message = f"the undisturbed run: exit code {code}\n{text}"
                raise RoundFailedError(message)
            kept = BLOCKS if "finished already" in text else kept + int(found[1])
    return kept


def _same(dataset: Dataset, expected: dict[str, bytes]) -> None:
    found = dataset.files()
    wrong = sorted(path for path in {*found, *expected} if found.get(path) != expected.get(path))
    beside = sorted(path.name for path in dataset.folder.iterdir())
    strange = set(beside) - {"mine", "recipe.yaml", "tiny.zarr", "tiny.run.json", "scheduler.json"}
    if wrong or strange:
        message = f"files that differ: {wrong}; left beside the store: {sorted(strange)}"
        raise RoundFailedError(message)


def quiet(folder: Path) -> dict[str, bytes]:
    """The files of the store that an undisturbed run of one worker makes."""
    dataset = Dataset.at(folder)
    command = [*COMMAND, "generate", ".", "--workers", "1"]
    subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, check=True, timeout=PATIENCE)
    return dataset.files()


def main() -> int:
    options = argparse.ArgumentParser(description="Seeded rounds of chaos.")
    options.add_argument("--rounds", type=int, default=50)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--only", type=int, help="one round, by its number")
    asked = options.parse_args()
    numbers = range(asked.rounds) if asked.only is None else [asked.only]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="attractory-chaos-")))
        return _all(folder, asked.seed, list(numbers))


def _all(folder: Path, seed: int, numbers: list[int]) -> int:
    began, failed, kills = time.monotonic(), [], 0
    expected = quiet(folder / "quiet")
    for number in numbers:
        started, planned_round = time.monotonic(), planned(seed, number)
        place = folder / f"round-{number}"
        try:
            said = "; ".join(play(planned_round, Dataset.at(place), expected))
        except RoundFailedError as error:
            failed.append(number)
            said = f"FAILED: {error}"
        kills += len(planned_round.kills)
        _say(f"round {number} ({planned_round.kind}, {time.monotonic() - started:.0f} s): {said}")
        shutil.rmtree(place)
    equal = len(numbers) - len(failed)
    _say(f"{len(numbers)} rounds, {kills} kills, {equal} equal stores of {len(expected)} files, {time.monotonic() - began:.0f} s")
    if failed:
        _say(f"failed: {', '.join(map(str, failed))}; one again: python tests/chaos/rounds.py --seed {seed} --only N")
    return 1 if failed else 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
