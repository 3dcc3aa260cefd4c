"""What a run made and how fast, for the last screen of the command and for <dataset>.run.json beside the store."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from attractory.stages.task import BlockReport

MILLION = 1e6


@dataclass(frozen=True)
class Work:
    """Work added up over blocks, as the workers measured it; seconds are those of all workers together."""

    samples: int = 0
    bytes: int = 0
    compile_seconds: float = 0.0
    engine_seconds: float = 0.0
    write_seconds: float = 0.0

    @classmethod
    def of(cls, reports: Iterable[BlockReport]) -> Work:
        reports = list(reports)
        return cls(**{name: sum(getattr(report, name) for report in reports) for name in cls.__dataclass_fields__})

    @property
    def engine_rate(self) -> float:
        """Samples per second of one worker while it integrates."""
        return self.samples / self.engine_seconds if self.engine_seconds else 0.0


@dataclass(frozen=True)
class GenerateSummary:
    """The outcome of `generate`. Counts of blocks; a finished store that was found has made = 0.

    `failed` counts the trajectories that end before their last sample; the command exits 1 when there are any.
    """

    store: Path
    made: int
    kept: int
    failed: int
    workers: int
    startup_seconds: float = 0.0
    run_seconds: float = 0.0
    reports: tuple[BlockReport, ...] = field(default=(), repr=False)

    @property
    def work(self) -> Work:
        return Work.of(self.reports)

    @property
    def peak_bytes(self) -> int:
        """The largest peak of a worker."""
        return max((report.peak_bytes for report in self.reports), default=0)

    @property
    def rate(self) -> float:
        """Samples per second end to end, all workers together, without start-up and compiling."""
        seconds = self.run_seconds - self.work.compile_seconds / max(self.workers, 1)
        return self.work.samples / seconds if self.reports and seconds > 0 else 0.0

    def lines(self) -> list[str]:
        """One screen for a person."""
        head = f"{self.store}: made {self.made}, kept {self.kept} of {self.made + self.kept} blocks"
        if not self.reports:
            return [f"{head}; the store was finished already", *self._failures()]
        work, engine = self.work, self.work.engine_rate * self.workers
        return [
            head,
            f"  start-up {self.startup_seconds:.1f} s, compiling {work.compile_seconds:.1f} s in all, run {self.run_seconds:.1f} s",
            f"  {work.samples / MILLION:.1f} M samples, {work.bytes / MILLION:.1f} MB; {self.rate / MILLION:.1f} M samples/s end to end, "
            f"{engine / MILLION:.1f} M/s in the engine ({100 * self.rate / engine if engine else 0:.0f} %)",
            f"  {self.workers} worker{'s' if self.workers != 1 else ''}, peak memory {self.peak_bytes / 2**20:.0f} MiB each",
            *self._failures(),
        ]

    def document(self) -> dict[str, Any]:
        """The summary as JSON."""
        work = self.work
        return {
            "store": str(self.store),
            "made": self.made,
            "kept": self.kept,
            "failed_trajectories": self.failed,
            "workers": self.workers,
            "startup_seconds": round(self.startup_seconds, 3),
            "compile_seconds": round(work.compile_seconds, 3),
            "run_seconds": round(self.run_seconds, 3),
            "samples": work.samples,
            "bytes": work.bytes,
            "samples_per_second": round(self.rate),
            "engine_samples_per_second": round(work.engine_rate * self.workers),
            "peak_bytes": self.peak_bytes,
            "systems": self._by_system(),
        }

    def _by_system(self) -> dict[str, Any]:
        names = sorted({report.block.system for report in self.reports})
        works = {name: Work.of(report for report in self.reports if report.block.system == name) for name in names}
        return {
            name: {
                "samples": work.samples,
                "compile_seconds": round(work.compile_seconds, 3),
                "engine_seconds": round(work.engine_seconds, 3),
                "write_seconds": round(work.write_seconds, 3),
                "engine_samples_per_second_and_worker": round(work.engine_rate),
            }
            for name, work in works.items()
        }

    def _failures(self) -> list[str]:
        if not self.failed:
            return []
        return [f"  {self.failed} trajectories end before their last sample; `status` says why. Readers leave them out."]
