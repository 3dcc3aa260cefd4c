"""How things are timed: candidates in turn, several rounds, medians, so that what disturbs the machine disturbs all alike."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

ROUNDS = 5
# A round repeats what is short: below this the clock and the caches' state count for too much.
SHORTEST_SECONDS = 0.1


@dataclass(frozen=True)
class Case:
    """A candidate: `prepare` is not timed and gives the function that is; one run of it makes `work` samples."""

    name: str
    prepare: Callable[[], Callable[[], Any]]
    work: float


@dataclass(frozen=True)
class Row:
    """What a candidate took. Rates are per second of processor time, in which a neighbour on the machine counts little; `waited` is how
    much longer the clock on the wall ran (0.1: ten percent), `spread` half of what lies between the fastest and the slowest round."""

    name: str
    rate: float
    spread: float
    waited: float


def measure(cases: Iterable[Case], rounds: int = ROUNDS) -> tuple[list[Row], dict[str, Any]]:
    """(medians in the order of the cases, what each made in an untimed first run by name)."""
    ready = [(case, case.prepare()) for case in cases]
    results = {case.name: run() for case, run in ready}
    return _in_turn(ready, rounds, SHORTEST_SECONDS), results


def measure_warm(cases: Iterable[Case], rounds: int, shortest: float) -> list[Row]:
    """Medians of cases that have run before, on less perhaps: no untimed run. `shortest` is what a round lasts at least, in seconds."""
    return _in_turn([(case, case.prepare()) for case in cases], rounds, shortest)


def geometric_mean(values: Iterable[float]) -> float:
    """The mean of ratios: a factor of two and a half undo each other."""
    return math.exp(statistics.fmean(math.log(value) for value in values))


def rate_text(rate: float) -> str:
    """A rate with three figures: 16.2 M, 395 k, 105."""
    size, letter = next(((size, letter) for size, letter in ((1e9, " G"), (1e6, " M"), (1e3, " k")) if rate >= size), (1.0, ""))
    return f"{rate / size:.3g}{letter}"


def _in_turn(ready: Sequence[tuple[Case, Callable[[], Any]]], rounds: int, shortest: float) -> list[Row]:
    turns = [[_round(run, shortest) for _, run in ready] for _ in range(rounds)]
    return [_row(case, times) for (case, _), times in zip(ready, zip(*turns, strict=True), strict=True)]


def _round(run: Callable[[], Any], shortest: float) -> tuple[float, float]:
    """(processor seconds, wall seconds) of one run, the mean of as many as fill the shortest time."""
    runs, wall, processor = 0, time.perf_counter(), time.process_time()
    while True:
        run()
        runs += 1
        spent = time.process_time() - processor
        if spent >= shortest:
            return spent / runs, (time.perf_counter() - wall) / runs


def _row(case: Case, times: Sequence[tuple[float, float]]) -> Row:
    spent = [processor for processor, _ in times]
    seconds = statistics.median(spent)
    waited = statistics.median(wall / processor for processor, wall in times) - 1
    return Row(case.name, case.work / seconds, (max(spent) - min(spent)) / seconds / 2, waited)
