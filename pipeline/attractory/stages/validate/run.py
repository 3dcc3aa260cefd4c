"""All checks of a store, in order; one that fails stops none of the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from attractory.catalog.record import SystemRecord
from attractory.errors import AttractoryError, InterruptedRunError
from attractory.stages.located import entries_beside
from attractory.stages.progress import Progress
from attractory.stages.validate.integrity import check_store
from attractory.stages.validate.labels import check_labels
from attractory.stages.validate.numbers import check_numbers
from attractory.stages.validate.observation import check_observation
from attractory.stages.validate.report import Check, Group, Report, Subject
from attractory.stages.validate.splits import check_splits
from attractory.stages.validate.stored import StoredDataset, StoredSystem, open_stored
from attractory.stages.validate.summary import summarise
from attractory.stages.validate.truth import check_truth
from attractory.store.files import Place, place_of
from attractory.store.objects import ObjectPath

SEED = 0  # which trajectories are looked at; fixed, so that the same store gets the same report


def validate(store: str | Path | ObjectPath, *, report: str | Path | ObjectPath | None = None, progress: Progress | None = None) -> Report:
    """Runs every check on a finished store and writes `report.json`.

    Args:
        store, report: paths or URLs. report is the folder of the report; None is `report` beside the store, or here where nothing can be
            written beside it.
        progress: called before each system and once at the end.
    Raises:
        StoreError: the path is not a finished store of this format version.
    """
    dataset = open_stored(store)
    folder = report_folder(dataset.path) if report is None else place_of(report)
    if isinstance(folder, ObjectPath):
        folder.check_writable()  # before the work, not after it
    found = Report(str(store), tuple(run_checks(dataset, current_entries(dataset), progress=progress)))
    found.write(folder)
    return found


def report_folder(store: Place) -> Place:
    """Where a store's report lies unless another place was asked for."""
    if isinstance(store, ObjectPath):
        return Path("report") if store.is_read_only else store.with_name("report")
    return store.resolve().parent / "report"


def current_entries(dataset: StoredDataset) -> Mapping[str, SystemRecord]:
    """The catalog as it is now: the packaged one, and the recipe's own where it lies beside the store."""
    own = dataset.recipe.get("catalog")
    return entries_beside(dataset.path, str(own) if own else None)


def run_checks(dataset: StoredDataset, entries: Mapping[str, SystemRecord], *, progress: Progress | None = None) -> list[Check]:
    """Every check of every system."""
    report_progress = progress or (lambda done, total, name: None)
    checks = guarded(Subject("store", "store"), lambda: check_store(dataset, entries))
    total = len(dataset.systems)
    for done, stored in enumerate(dataset.systems):
        report_progress(done, total, stored.name)
        checks += _system_checks(dataset, stored)
    report_progress(total, total, "")
    return checks


def _system_checks(dataset: StoredDataset, stored: StoredSystem) -> list[Check]:
    places = sum(len(system.granularities) for system in dataset.systems)
    summaries = {granularity.name: summarise(granularity) for granularity in stored.granularities}
    checks: list[Check] = []
    for granularity in stored.granularities:
        summary = summaries[granularity.name]
        subject = Subject("numbers", "numbers", stored.name, granularity.name)
        checks += guarded(subject, lambda granularity=granularity, summary=summary: check_numbers(dataset, stored, granularity, summary))  # type: ignore[misc]
    groups: dict[Group, Callable[[], list[Check]]] = {
        "truth": lambda: check_truth(dataset, stored, summaries, seed=SEED),
        "numbers": lambda: check_observation(stored, drawn=int(dataset.recipe.get("seed", 0)), seed=SEED),
        "splits": lambda: check_splits(stored, summaries, places=places, seed=SEED),
        "labels": lambda: check_labels(stored, summaries, seed=SEED, recipe=dataset.recipe),
    }
    for group, run in groups.items():
        checks += guarded(Subject(group, group, stored.name), run)
    return checks


def guarded(subject: Subject, run: Callable[[], list[Check]]) -> list[Check]:
    """The checks that `run` returns; one that breaks is a failed check, so that the others still run and nothing passes by accident."""
    try:
        return run()
    except InterruptedRunError:
        raise  # a server that does not answer says nothing about the store
    except AttractoryError as error:
        return [subject.failed(str(error))]
    except Exception as error:  # noqa: BLE001  # whatever it is, the referee must go on, and must not say "pass"
        return [subject.failed(f"the check itself broke, which is an error of ours: {type(error).__name__}: {error}")]
