"""Error over tolerance of one program on one flow, and its time at a given error: what makes programs comparable at equal error.

One tolerance means different errors to different methods. So each program is tried on a ladder of tolerances, a decade apart; the error
of each rung is measured after one period, and the time that belongs to a given error lies between the two rungs around it, on the straight
line through (log error, log time). Where a program is more accurate than asked even at its loosest rung, its time there counts: it could
not have been faster.
"""

from __future__ import annotations

import math
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from flows import Flow
from measure import Case
from samplers import Array, AtTolerance, Sampler
from work import error_after_one_period

PER_PERIOD = 100  # sampling for errors: a program with dense output has the same error at any
LOOSEST, TIGHTEST = -2, -15  # exponents of the tolerances that ours takes


@dataclass(frozen=True)
class Truth:
    """A flow's initial states (trajectory, variable) and, for the first of them, the states after one period to 30 digits."""

    flow: Flow
    initial: Array
    after: Array

    def error(self, states: Array) -> float:
        """Root mean square over trajectories and variables relative to the largest true state; infinite where a state is not finite."""
        error = error_after_one_period(states, self.after, PER_PERIOD)
        return error if math.isfinite(error) else math.inf


@dataclass(frozen=True)
class Size:
    """How much a program integrates: trajectories, and samples of each."""

    trajectories: int
    samples: int

    @property
    def total(self) -> int:
        return self.trajectories * self.samples


@dataclass
class Curve:
    """One program on one flow. `probe` is what it integrates for its error; rungs are the exponents of tolerances."""

    name: str
    at: AtTolerance
    truth: Truth
    probe: Size
    loosest: int = LOOSEST
    tightest: int = TIGHTEST
    errors: dict[int, float] = field(default_factory=dict)
    _samplers: dict[int, Sampler] = field(default_factory=dict)

    def sampler(self, rung: int) -> Sampler:
        if rung not in self._samplers:
            self._samplers[rung] = self.at(10.0**rung)
        return self._samplers[rung]

    def error(self, rung: int) -> float:
        """The error at a rung, measured once."""
        if rung not in self.errors:
            states = self.sampler(rung)(
                self.truth.initial[: self.probe.trajectories], self.truth.flow.period / PER_PERIOD, self.probe.samples
            )
            self.errors[rung] = self.truth.error(states)
        return self.errors[rung]

    def around(self, target: float) -> tuple[int, ...]:
        """The two neighbouring rungs between whose errors the target lies, the looser first; the loosest alone where that is good enough,
        none where no rung is."""
        rung = min(max(round(math.log10(target)) + 1, self.tightest), self.loosest)
        while self.error(rung) > target and rung > self.tightest:
            rung -= 1
        if self.error(rung) > target:
            return ()
        while rung < self.loosest and self.error(rung + 1) <= target:
            rung += 1
        return (rung + 1, rung) if rung < self.loosest else (rung,)

    def case(self, rung: int, size: Size, per_period: int) -> Case:
        """The timed work at a rung; its samples are let go at once, as memory is handed out anew for each run."""
        initial, dt = self.truth.initial[: size.trajectories], self.truth.flow.period / per_period

        def prepare() -> Callable[[], None]:
            sample = self.sampler(rung)

            def run() -> None:
                sample(initial, dt, size.samples)

            return run

        return Case(f"{self.name} {rung}", prepare, size.total)

    def seconds_at(self, target: float, seconds: Mapping[int, float]) -> float | None:
        """The time that belongs to an error, from the times of the rungs around it; None where it is out of reach."""
        rungs = self.around(target)
        if not rungs:
            return None
        return between([(self.errors[rung], seconds[rung]) for rung in rungs], target)


def between(points: list[tuple[float, float]], target: float) -> float:
    """The time at an error between two points (error, time), the looser first, on a line in the logarithms; that of the last point where
    there is no line."""
    (high, loose), (low, tight) = points[0], points[-1]
    if not 0 < low < high < math.inf:
        return tight
    share = math.log(target / low) / math.log(high / low)
    return math.exp((1 - share) * math.log(tight) + share * math.log(loose))


class TooSlow(Exception):
    """A program took longer than it may."""


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Ends what is inside after so long, at the next line of Python that it runs.

    Raises:
        TooSlow: it did not end by itself.
    """

    def stop(*_: object) -> None:
        message = f"over {seconds:.0f} s"
        raise TooSlow(message)

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def reason(error: BaseException) -> str:
    """What a cell says of a failure: one short line."""
    first = (str(error).strip() or type(error).__name__).splitlines()[0]
    return f"{type(error).__name__}: {first}"[:40].replace("|", "/")


def truth_of(flow: Flow, trajectories: int, checked: int, reference: Callable[..., Array]) -> Truth:
    initial = flow.initial(trajectories)
    return Truth(flow, initial, np.asarray(reference(flow.system, initial[:checked], flow.period)))
