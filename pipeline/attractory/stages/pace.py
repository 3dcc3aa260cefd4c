"""How fast a run goes, as the note beside its progress: rate, bytes, time left, failures."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from attractory.stages.losses import Loss
from attractory.stages.place import readable
from attractory.stages.progress import Progress
from attractory.stages.task import BlockReport


class Pace:
    """State of one run, held by the one loop that hears of its blocks. `losses` are those that could not be made."""

    def __init__(self, progress: Progress, *, tasks: int, kept: int) -> None:
        self.losses: list[Loss] = []
        self._progress, self._tasks, self._kept = progress, tasks, kept
        self._began = time.perf_counter()
        self._made = self._samples = self._bytes = self._failed = 0
        progress(kept, tasks, f"{kept} kept")

    def watched(self, outcomes: Iterable[BlockReport | Loss]) -> Iterator[BlockReport]:
        """The reports alone, each told as it passes."""
        self._began = time.perf_counter()
        for outcome in outcomes:
            if isinstance(outcome, Loss):
                self.losses.append(outcome)
                self._tell(outcome.block.system)
                continue
            self._made += 1
            self._samples += outcome.samples
            self._bytes += outcome.bytes
            self._failed += outcome.failed
            self._tell(outcome.block.system)
            yield outcome

    def _tell(self, system: str) -> None:
        seconds = max(time.perf_counter() - self._began, 1e-9)
        done = self._made + len(self.losses)
        left = (self._tasks - self._kept - done) * seconds / done
        parts = [system, f"{self._samples / seconds / 1e6:.1f} M samples/s", readable(self._bytes), f"{time_left(left)} left"]
        parts += [f"{self._failed} trajectories failed"] if self._failed else []
        parts += [f"{len(self.losses)} blocks lost"] if self.losses else []
        self._progress(self._kept + self._made, self._tasks, ", ".join(parts))


def time_left(seconds: float) -> str:
    """Seconds as a person counts them: 40 s, 12 min, 3.5 h, 2.1 d."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 120 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.1f} d"
