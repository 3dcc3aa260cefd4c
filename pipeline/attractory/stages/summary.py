"""What a run made and how fast, for the last screen of the command and for <dataset>.run.json beside the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from attractory.stages.task import BlockReport
from attractory.store.files import Place

MILLION = 1e6


@dataclass(frozen=True)
class Work:
    """Work added up over blocks, as the workers measured it; seconds are those of all workers together."""

    samples: int = 0
    bytes: int = 0
    compile_seconds: float = 0.0
    engine_seconds: float = 0.0
    compress_seconds: float = 0.0
    write_seconds: float = 0.0

    @classmethod
    def of(cls, reports: Iterable[BlockReport | Work]) -> Work:
        total = dict.fromkeys(cls.__dataclass_fields__, 0)
        for report in reports:
            total = {name: total[name] + getattr(report, name) for name in total}
        return cls(**total)

    @property
    def engine_rate(self) -> float:
        """Samples per second of one worker while it integrates."""
        return self.samples / self.engine_seconds if self.engine_seconds else 0.0

    @property
    def seconds(self) -> float:
        """Of all phases together."""
        return self.compile_seconds + self.engine_seconds + self.compress_seconds + self.write_seconds


@dataclass(frozen=True)
class Tally:
    """What is kept of the reports of blocks: as much for a million blocks as for one of each system."""

    systems: Mapping[str, Work] = field(default_factory=dict)
    blocks: int = 0
    failed: int = 0
    peak_bytes: int = 0
    workers: frozenset[str] = frozenset()

    @classmethod
    def of(cls, reports: Iterable[BlockReport]) -> Tally:
        systems: dict[str, Work] = {}
        blocks, failed, peak_bytes, workers = 0, 0, 0, set[str]()
        for report in reports:
            system = report.block.system
            systems[system] = Work.of((systems.get(system, Work()), report))
            blocks, failed, peak_bytes = blocks + 1, failed + report.failed, max(peak_bytes, report.peak_bytes)
            workers.add(report.worker)
        return cls(systems, blocks, failed, peak_bytes, frozenset(workers))


@dataclass(frozen=True)
class SlicePlace:
    """Which slice of the blocks a run made, and how far the whole store is; `done` blocks of `tasks` in all."""

    name: str
    done: int
    tasks: int
    finished: bool


@dataclass(frozen=True)
class GenerateSummary:
    """The outcome of `generate`. Counts of blocks; a finished store that was found has made = 0.

    `failed` counts the trajectories that end before their last sample; the command exits 1 when there are any. `lost` are the keys of
    blocks that could not be made, and why; of those only the record of a run tells, for `generate` raises then.
    `redraws` has, of each system whose parameters are drawn, how many sets it has, were drawn again and were not found.
    """

    store: Place
    made: int
    kept: int
    failed: int
    workers: int
    startup_seconds: float = 0.0
    run_seconds: float = 0.0
    finish_seconds: float = 0.0
    tally: Tally = field(default=Tally(), repr=False)
    lost: Mapping[str, str] = field(default_factory=dict)
    place: SlicePlace | None = None
    redraws: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @property
    def work(self) -> Work:
        return Work.of(self.tally.systems.values())

    @property
    def peak_bytes(self) -> int:
        """The largest peak of a worker."""
        return self.tally.peak_bytes

    @property
    def rate(self) -> float:
        """Samples per second end to end, all workers together, without start-up and compiling."""
        seconds = self.run_seconds - self.work.compile_seconds / max(self.workers, 1)
        return self.work.samples / seconds if self.tally.blocks and seconds > 0 else 0.0

    @property
    def phases(self) -> dict[str, float]:
        """Seconds of all workers together, by what they did; `wait` is when they had nothing to do, or waited for each other's end."""
        work = self.work
        wait = max(self.run_seconds * self.workers - work.seconds, 0.0)
        return {
            "compile": work.compile_seconds,
            "integrate": work.engine_seconds,
            "compress": work.compress_seconds,
            "write": work.write_seconds,
            "wait": wait if self.tally.blocks else 0.0,
        }

    def lines(self) -> list[str]:
        """One screen for a person."""
        asked = self.made + self.kept + len(self.lost)
        of = f"slice {self.place.name}: " if self.place else ""
        head = f"{self.store}: {of}made {self.made}, kept {self.kept} of {asked} blocks"
        if not self.tally.blocks:
            end = self._whole() or ["  the store was finished already"]
            return [f"{head};{end[0][1:]}", *self._drawn_again(), *self._failures()]
        work, engine = self.work, self.work.engine_rate * self.workers
        return [
            head,
            f"  start-up {self.startup_seconds:.1f} s, compiling {work.compile_seconds:.1f} s in all, run {self.run_seconds:.1f} s",
            f"  {work.samples / MILLION:.1f} M samples, {work.bytes / MILLION:.1f} MB; {self.rate / MILLION:.1f} M samples/s end to end, "
            f"{engine / MILLION:.1f} M/s in the engine ({100 * self.rate / engine if engine else 0:.0f} %)",
            f"  seconds of workers: {', '.join(f'{name} {seconds:.1f}' for name, seconds in self.phases.items())}",
            f"  {self.workers} worker{'s' if self.workers != 1 else ''}, peak memory {self.peak_bytes / 2**20:.0f} MiB each",
            *self._whole(),
            *self._drawn_again(),
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
            "finish_seconds": round(self.finish_seconds, 3),
            "phase_seconds": {name: round(seconds, 3) for name, seconds in self.phases.items()},
            "samples": work.samples,
            "bytes": work.bytes,
            "samples_per_second": round(self.rate),
            "engine_samples_per_second": round(work.engine_rate * self.workers),
            "peak_bytes": self.peak_bytes,
            "systems": self._by_system(),
            **({"parameter_redraws": {name: dict(counts) for name, counts in self.redraws.items()}} if self.redraws else {}),
            **({"lost_blocks": dict(self.lost)} if self.lost else {}),
            **self._slice_document(),
        }

    def _by_system(self) -> dict[str, Any]:
        return {
            name: {
                "samples": work.samples,
                "compile_seconds": round(work.compile_seconds, 3),
                "engine_seconds": round(work.engine_seconds, 3),
                "compress_seconds": round(work.compress_seconds, 3),
                "write_seconds": round(work.write_seconds, 3),
                "engine_samples_per_second_and_worker": round(work.engine_rate),
            }
            for name, work in sorted(self.tally.systems.items())
        }

    def _slice_document(self) -> dict[str, Any]:
        if self.place is None:
            return {}
        place = self.place
        return {"slice": place.name, "store_blocks_done": place.done, "store_blocks": place.tasks, "store_finished": place.finished}

    def _whole(self) -> list[str]:
        if self.place is None:
            return []
        if self.place.finished:
            return ["  the store is finished"]
        return [f"  {self.place.done} of the store's {self.place.tasks} blocks are done; it is finished by whoever makes the last one"]

    def _drawn_again(self) -> list[str]:
        again = {name: counts for name, counts in self.redraws.items() if counts["drawn_again"]}
        lost = {name: counts["not_found"] for name, counts in again.items() if counts["not_found"]}
        if not again:
            return []
        sets, redraws = (sum(counts[key] for counts in again.values()) for key in ("drawn_again", "redraws"))
        lines = [f"  {sets} parameter sets did not have the behaviour asked for and were drawn again, {redraws} times in all"]
        for name, count in lost.items():
            lines.append(
                f"  {name}: {count} parameter sets were not found; their trajectories are NaN. Widen the range, or raise attempts."
            )
        return lines

    def _failures(self) -> list[str]:
        if not self.failed:
            return []
        return [f"  {self.failed} trajectories end before their last sample; `status` says why. Readers leave them out."]
