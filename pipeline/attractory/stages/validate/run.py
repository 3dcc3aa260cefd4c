"""All checks of a store, here or on Dask; one that fails or breaks stops none of the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from attractory.catalog.record import SystemRecord
from attractory.errors import InterruptedRunError
from attractory.stages.cluster import Workers, run_each, running_client
from attractory.stages.located import entries_beside
from attractory.stages.progress import Progress, silent
from attractory.stages.validate.demands import Demands, demands_of, judged, known_keys, left_out
from attractory.stages.validate.passes import Found, look, tasks_of, united, verdict_of_error
from attractory.stages.validate.report import Check, Report
from attractory.stages.validate.rule import Evidence, Look, Rule, Scope, Settings
from attractory.stages.validate.rules import FURTHER_KEYS, RULES
from attractory.stages.validate.stored import StoredDataset, StoredGranularity, StoredSystem, open_stored, open_system
from attractory.stages.validate.user_rules import RuleFile, read_files, with_user_rules
from attractory.store.files import Place, place_of
from attractory.store.objects import ObjectPath

SEED = 0  # which trajectories are looked at; fixed, so that the same store gets the same report


@dataclass(frozen=True)
class Asked:
    """What whoever runs the referee asks for beyond the store.

    Attributes:
        trajectories: how many of each system are looked at: a number, "all", or None for each rule's own choice.
        checks: files of rules to run beside ours.
        recipe: whose `validation` counts; None is `recipe.yaml` beside the store, where there is one.
        workers: where it runs; None is in this process.
    """

    trajectories: Look = None
    checks: Sequence[str | Path] = ()
    recipe: Path | None = None
    workers: Workers | None = None


def validate(
    store: str | Path | ObjectPath,
    *,
    report: str | Path | ObjectPath | None = None,
    asked: Asked = Asked(),
    progress: Progress | None = None,
) -> Report:
    """Runs every check on a finished store and writes its report.

    Args:
        store, report: paths or URLs. report is the folder of the report; None is `report` beside the store, or here where nothing can be
            written beside it.
        progress: called before each piece and system, and once at the end.
    Raises:
        StoreError: the path is not a finished store of this format version.
        RequestError: a file of rules or a demand of the recipe cannot be used.
        RecipeError: the recipe cannot be read.
    """
    # Here, since what writes the report reads this package's records.
    from attractory.stages.report.files import write_report
    from attractory.stages.report.pictures import pictures_of
    from attractory.stages.report.rows import MOST_PICTURES

    dataset = open_stored(store)
    folder = report_folder(dataset.path) if report is None else place_of(report)
    if isinstance(folder, ObjectPath):
        folder.check_writable()  # before the work, not after it
    files = read_files(asked.checks)
    referee = Referee(
        Settings(SEED, asked.trajectories, current_entries(dataset)),
        demands_of(dataset, asked.recipe),
        files,
        RULES,
    )
    referee.check_request()
    checks = referee.checks(dataset, workers=asked.workers, progress=progress or silent)
    found = Report(str(store), tuple(checks), left_out(referee.demands, [file.name for file in files]), looked_at(asked.trajectories))
    pictures = pictures_of(dataset.systems, found.checks, most=MOST_PICTURES)
    write_report(folder, found, dataset=dataset.name, pictures=pictures, when=datetime.now(UTC))
    return found


def looked_at(trajectories: Look) -> str:
    """What was looked at, a sentence."""
    if trajectories == "all":
        return "every trajectory, by every check"
    if trajectories is None:
        return "every stored number in one pass, and a seeded few trajectories of each split by integration"
    return f"{trajectories} trajectories of each system, drawn by the seed"


def report_folder(store: Place) -> Place:
    """Where a store's report lies unless another place was asked for."""
    if isinstance(store, ObjectPath):
        return Path("report") if store.is_read_only else store.with_name("report")
    return store.resolve().parent / "report"


def current_entries(dataset: StoredDataset) -> Mapping[str, SystemRecord]:
    """The catalog as it is now: the packaged one, and the recipe's own where it lies beside the store."""
    own = dataset.recipe.get("catalog")
    return entries_beside(dataset.path, str(own) if own else None)


def run_checks(dataset: StoredDataset, entries: Mapping[str, SystemRecord], *, rules: Sequence[Rule] = RULES) -> list[Check]:
    """Every check of every system, in this process, as the rules themselves have it."""
    return list(Referee(Settings(SEED, None, entries), Demands(), (), rules).checks(dataset))


@dataclass(frozen=True)
class Referee:
    """Who runs the rules: settings, a recipe's demands, files of more rules, and the rules of ours."""

    settings: Settings
    demands: Demands
    files: tuple[RuleFile, ...]
    ours: Sequence[Rule]
    rules: tuple[Rule, ...] = field(init=False)

    def __post_init__(self) -> None:
        skipped = set(self.demands.leave_out)
        kept = (rule for rule in with_user_rules(self.ours, self.files) if rule.key not in skipped)
        object.__setattr__(self, "rules", tuple(kept))

    def __reduce__(self) -> tuple[Any, ...]:
        """Sent to workers as what it was made of: rules of a file are made again there, from its text."""
        return Referee, (self.settings, self.demands, self.files, self.ours)

    def check_request(self) -> None:
        """Raises: RequestError where the recipe names a check that does not exist."""
        known_keys(self.demands, with_user_rules(self.ours, self.files), FURTHER_KEYS)

    def of_scope(self, *scopes: Scope) -> tuple[Rule, ...]:
        return tuple(rule for rule in self.rules if rule.scope in scopes)

    def checks(self, dataset: StoredDataset, *, workers: Workers | None = None, progress: Progress = silent) -> Iterator[Check]:
        """Every verdict: of the store, then of each system."""
        skipped = set(self.demands.leave_out)
        for check in self._all_checks(dataset, workers, progress):
            if check.key not in skipped:
                yield judged(check, self.demands)

    def _all_checks(self, dataset: StoredDataset, workers: Workers | None, progress: Progress) -> Iterator[Check]:
        for rule in self.of_scope("store"):
            yield from verdicts(Evidence(rule, dataset, self.settings))
        places = sum(len(stored.granularities) for stored in dataset.systems)
        yield from self._here(dataset, places, progress) if workers is None else self._on_dask(dataset, places, workers, progress)

    def _here(self, dataset: StoredDataset, places: int, progress: Progress) -> Iterator[Check]:
        total = len(dataset.systems)
        for done, stored in enumerate(dataset.systems):
            progress(done, total, stored.name)
            found = {granularity.name: self._pass(stored, granularity) for granularity in stored.granularities}
            yield from system_verdicts(replace(dataset, systems=(stored,)), found, self.rules, replace(self.settings, places=places))
        progress(total, total, "")

    def _pass(self, stored: StoredSystem, granularity: StoredGranularity) -> Found:
        rules = gathering(self.rules)
        return united([look(stored, granularity, pieces, rules=rules, settings=self.settings) for pieces in tasks_of(granularity)])

    def _on_dask(self, dataset: StoredDataset, places: int, workers: Workers, progress: Progress) -> Iterator[Check]:
        """The same verdicts in the same order. First the pass over all numbers, in pieces; then each system's rules."""
        settings = replace(self.settings, entries={}, places=places)
        path = dataset.path.resolve() if isinstance(dataset.path, Path) else dataset.path
        asked = (path, replace(self, settings=settings))
        looks = {
            f"{stored.name}/{granularity.name}/{number}": PieceTask(*asked, stored.name, granularity.name, pieces)
            for stored in dataset.systems
            for granularity in stored.granularities
            for number, pieces in enumerate(tasks_of(granularity))
        }
        total = len(looks) + len(dataset.systems)
        with running_client(workers) as client:
            parts = dict(_counted(run_each(client, run_piece, looks), progress, 0, total))
            systems = {stored.name: SystemTask(*asked, stored.name, _found(stored, parts)) for stored in dataset.systems}
            done = dict(_counted(run_each(client, run_system, systems), progress, len(looks), total))
        for stored in dataset.systems:
            yield from _outcome(done[stored.name])
        progress(total, total, "")


@dataclass(frozen=True)
class PieceTask:
    """Some pieces of a granularity, for a worker."""

    store: Place
    referee: Referee
    system: str
    granularity: str
    pieces: tuple[slice, ...]


@dataclass(frozen=True)
class SystemTask:
    """A system and what the pass has found, for a worker."""

    store: Place
    referee: Referee
    system: str
    found: Mapping[str, Found]


def run_piece(task: PieceTask) -> Found:
    """What the pass over some pieces gives."""
    (stored,) = open_system(task.store, task.system).systems
    granularity = next(one for one in stored.granularities if one.name == task.granularity)
    return look(stored, granularity, task.pieces, rules=gathering(task.referee.rules), settings=task.referee.settings)


def run_system(task: SystemTask) -> list[Check]:
    """Every verdict about one system."""
    dataset = open_system(task.store, task.system)
    return list(system_verdicts(dataset, task.found, task.referee.rules, task.referee.settings))


def gathering(rules: Sequence[Rule]) -> list[Rule]:
    """The rules that take something from every shard."""
    return [rule for rule in rules if rule.gather is not None]


def system_verdicts(dataset: StoredDataset, found: Mapping[str, Found], rules: Sequence[Rule], settings: Settings) -> Iterator[Check]:
    """Every verdict about the one system of `dataset`, its granularities first."""
    (stored,) = dataset.systems
    summaries = {name: one.summary for name, one in found.items()}
    for granularity in stored.granularities:
        for rule in rules:
            if rule.scope == "granularity":
                own = {granularity.name: found[granularity.name].gathered.get(rule.key, ())}
                broken = found[granularity.name].broken.get(rule.key)
                evidence = Evidence(rule, dataset, settings, stored, granularity, summaries, own)
                yield from verdicts(evidence) if broken is None else [broken]
    for rule in rules:
        if rule.scope == "system":
            broken = next((one.broken[rule.key] for one in found.values() if rule.key in one.broken), None)
            own = {name: one.gathered.get(rule.key, ()) for name, one in found.items()}
            yield from verdicts(Evidence(rule, dataset, settings, stored, None, summaries, own)) if broken is None else [broken]


def verdicts(evidence: Evidence) -> list[Check]:
    """What one rule says of one place; where it breaks, that it did, so that the others still run and nothing passes by accident."""
    rule = evidence.rule
    try:
        if not rule.applies(evidence):
            return []
        with np.errstate(all="ignore"):  # data may hold anything: what comes of it is judged, and needs no warning
            said = rule.run(evidence)
            checks = [said] if isinstance(said, Check) else list(said)
        for check in checks:
            if not isinstance(check, Check):
                message = f"{rule.key} gave {type(check).__name__}, expected verdicts: evidence.measured(...), .passed(...), .failed(...)"
                raise TypeError(message)
    except InterruptedRunError:
        raise  # a server that does not answer says nothing about the store
    except Exception as error:  # noqa: BLE001  # whatever it is, the referee must go on, and must not say "pass"
        return [verdict_of_error(evidence.subject(), rule, error)]
    return [rule.told(check) for check in checks]


def _found(stored: StoredSystem, parts: Mapping[str, Any]) -> dict[str, Found]:
    found = {}
    for granularity in stored.granularities:
        own = [parts[f"{stored.name}/{granularity.name}/{number}"] for number in range(len(tasks_of(granularity)))]
        found[granularity.name] = united([_outcome(part) for part in own])
    return found


def _outcome(result: Any) -> Any:
    """A task's result; its error is raised here: a rule's own never gets so far."""
    if isinstance(result, Exception):
        raise result
    return result


def _counted(results: Iterable[tuple[str, Any]], progress: Progress, first: int, total: int) -> Iterator[tuple[str, Any]]:
    for done, (key, result) in enumerate(results):
        progress(first + done, total, key)
        yield key, result
