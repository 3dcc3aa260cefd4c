"""`attractory certify`: an independent integration in many digits finds until when trajectories are true, and writes it down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from attractory import layout
from attractory.errors import InterruptedRunError, RequestError
from attractory.layout import Certificate
from attractory.stages.certify.equations import heyoka
from attractory.stages.certify.flow_reference import FlowReference
from attractory.stages.certify.judgement import Judgement, judge
from attractory.stages.certify.kept import keep, kept, key_of
from attractory.stages.certify.map_reference import MapReference
from attractory.stages.certify.outcome import Outcome, SystemOutcome, reasons_of
from attractory.stages.certify.reference import BITS, NoReferenceError, Reference
from attractory.stages.certify.sample import problem_of, regular, sampled
from attractory.stages.certify.values import context
from attractory.stages.place import disk_errors
from attractory.stages.progress import Progress, silent
from attractory.stages.signals import signals_as_errors
from attractory.stages.validate.stored import StoredDataset, StoredSystem, open_stored
from attractory.store import finished_document, locked
from attractory.store.certificate import SystemCertificate, complete, read_certificate, write_certificates
from attractory.store.files import partial_folder, place_of
from attractory.store.finish import remove_run_folder
from attractory.store.objects import ObjectPath

TRAJECTORIES = 16  # of each system, unless asked otherwise: enough for a median, a second or two a system
KINDS = ("flow", "map")


@dataclass(frozen=True)
class Request:
    """What was asked for; `trajectories` None is all of them."""

    trajectories: int | None
    seed: int

    @property
    def attribute(self) -> dict[str, Any]:
        """How the sample was chosen, as the array's attributes say it."""
        return {"trajectories": "all"} if self.trajectories is None else {"seed": self.seed, "trajectories": self.trajectories}


def certify(
    store: str | Path,
    *,
    trajectories: int | None = TRAJECTORIES,
    seed: int = 0,
    workers: int = 1,
    progress: Progress | None = None,
) -> Outcome:
    """`accurate_until` and `certificate` of a finished store, added to it; trajectories certified before keep theirs.

    Args:
        trajectories: of each system, drawn by the seed from those that reached their last sample; None is all of these.
        workers: threads; the answer does not depend on their number.
    Raises:
        MissingExtraError: heyoka or mpmath is not installed.
        StoreError: the path is not a finished store of this format version.
        DamageError: a shard cannot be decoded.
        InterruptedRunError: a signal or a full disk; what was found is kept.
    """
    heyoka(), context(BITS[0])
    store = _folder(store)
    with disk_errors(store):
        finished_document(store)
        with signals_as_errors(), locked(store):
            partial_folder(store).mkdir(exist_ok=True)
            try:
                complete(store)
                root, dataset = finished_document(store), open_stored(store)
                outcome = _certified(store, dataset, root, Request(trajectories, seed), workers, progress or silent)
                found = {system.system: system.certificate for system in outcome.systems if system.certificate is not None}
                write_certificates(store, root, found)
            except (InterruptedRunError, KeyboardInterrupt, OSError):
                raise  # what was found stays, for the same command to go on from
            except BaseException:
                remove_run_folder(store)
                raise
            remove_run_folder(store)
    return outcome


def _folder(store: str | Path) -> Path:
    """
    Raises:
        RequestError: the store is at a URL.
    """
    place = place_of(store)
    if isinstance(place, ObjectPath):
        message = (
            f"{place}: certifying adds arrays to the store, which needs one in a folder of this machine. Copy it (for s3://: aws s3 cp "
            f"--recursive {place} {place.name}), then: attractory certify {place.name}, and attractory publish {place.name} --to URL"
        )
        raise RequestError(message)
    return place


def method_of(kind: str) -> str:
    """How the reference of a kind is computed, with the version of what computes it."""
    if kind == "map":
        return f"iteration by mpmath {metadata.version('mpmath')} with {BITS[0]} to {BITS[-1]} bits"
    return f"Taylor series by heyoka {metadata.version('heyoka')} with {BITS[0]} to {BITS[-1]} bits"


def _certified(store: Path, dataset: StoredDataset, root: dict[str, Any], request: Request, workers: int, progress: Progress) -> Outcome:
    rows = {stored.name: sampled(stored, trajectories=request.trajectories, seed=request.seed) for stored in dataset.systems}
    total, done = sum(map(len, rows.values())), 0
    tolerance = float(dataset.recipe.get("tolerance", 1e-14))
    outcomes = [SystemOutcome(name, 0, None, None, {reason: 0}) for name, reason in dataset.unreadable.items()]
    for stored in dataset.systems:
        progress(done, total, stored.name)
        refusal = _refusal(stored, len(rows[stored.name]))
        if refusal:
            outcomes.append(SystemOutcome(stored.name, len(rows[stored.name]), None, None, {refusal: len(rows[stored.name])}))
        else:
            report = _shifted(progress, done, total, stored.name)
            judged = _judged(store, stored, rows[stored.name], tolerance=tolerance, workers=workers, report=report)
            outcomes.append(_outcome(store, root, stored, request, judged))
        done += len(rows[stored.name])
    progress(total, total, "")
    return Outcome(store, tuple(sorted(outcomes, key=lambda outcome: outcome.system)))


def _refusal(stored: StoredSystem, trajectories: int) -> str:
    """Why a system cannot be certified at all; empty where it can."""
    if stored.record.kind not in KINDS:
        return f"kind {stored.record.kind}"
    if not regular(stored):
        return "no granularity has the same times for every trajectory"
    return "" if trajectories else "no trajectory reached its last sample"


def _judged(
    store: Path, stored: StoredSystem, rows: np.ndarray, *, tolerance: float, workers: int, report: Callable[[int], None]
) -> dict[int, Judgement]:
    """The judgement of each row, by its number."""
    references, method = _references(stored), method_of(stored.record.kind)
    found: dict[int, Judgement] = {}

    def one(row: int) -> tuple[str, Judgement, bool]:
        problem, samples = problem_of(stored, row)
        key = key_of(problem, samples, digest=f"{stored.system.digest} {tolerance!r}", method=method)
        known = kept(store, key)
        return key, known or judge(problem, samples, references, tolerance=tolerance), known is not None

    with ThreadPoolExecutor(max_workers=workers) as pool:
        waiting = {pool.submit(one, row): row for row in rows.tolist()}
        try:
            for future in as_completed(waiting):
                row = waiting[future]
                found[row] = _kept_result(store, future)
                report(len(found))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return found


def _kept_result(store: Path, future: Future[tuple[str, Judgement, bool]]) -> Judgement:
    key, judgement, known = future.result()
    if not known:
        keep(store, key, judgement)
    return judgement


def _references(stored: StoredSystem) -> Callable[[int], Reference]:
    """The reference of a system for a number of bits, made once; one that cannot be made says so to every trajectory."""
    definition, lock = stored.system.definition, Lock()

    @lru_cache
    def made(bits: int) -> Reference | str:
        try:
            return MapReference(definition, bits) if definition.kind == "map" else FlowReference(definition, bits)
        except NoReferenceError as error:
            return str(error)

    def reference(bits: int) -> Reference:
        with lock:
            found = made(bits)
        if isinstance(found, str):
            raise NoReferenceError(found)
        return found

    return reference


def _outcome(store: Path, root: dict[str, Any], stored: StoredSystem, request: Request, judged: dict[int, Judgement]) -> SystemOutcome:
    """The arrays of one system: what was found now, and what was known before of the others."""
    method = method_of(stored.record.kind)
    before = read_certificate(store, root, stored.name)
    if before is None or before.attributes.get("method") != method or len(before.certificate) != stored.trajectories:
        nothing = np.full(stored.trajectories, np.nan)
        before = SystemCertificate(nothing, np.full(stored.trajectories, Certificate.NOT_ASKED, dtype=np.int8), {})
    until, codes = before.accurate_until.copy(), before.certificate.copy()
    for row, judgement in judged.items():
        until[row], codes[row] = judgement.accurate_until, judgement.certificate
    reasons = Counter(judgement.reason for judgement in judged.values() if judgement.reason)
    arrays = SystemCertificate(until, codes, {})
    found = SystemOutcome(stored.name, len(judged), arrays, stored.system.lyapunov_time, reasons_of(reasons))
    samples = [*before.attributes.get("samples", []), request.attribute]
    return replace(found, certificate=replace(arrays, attributes=_attributes(stored, found, method=method, samples=samples)))


def _attributes(stored: StoredSystem, found: SystemOutcome, *, method: str, samples: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "units": "1",
        "long_name": "time after sample 0 until which every stored sample is the true solution",
        "ancillary_variables": layout.CERTIFICATE,
        "relative_tolerance": layout.CERTIFIED_TOLERANCE,
        "relative_to": "largest stored magnitude of each variable along the trajectory",
        "granularities": [granularity.name for granularity in regular(stored)],
        "method": method,
        "samples": _joined(samples),
        **found.numbers,
    }


def _joined(samples: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One entry for each seed with the largest number asked for, or `all`: the same whatever the order in which they were asked for."""
    if any(sample["trajectories"] == "all" for sample in samples):
        return [{"trajectories": "all"}]
    largest: dict[int, int] = {}
    for sample in samples:
        largest[sample["seed"]] = max(sample["trajectories"], largest.get(sample["seed"], 0))
    return [{"seed": seed, "trajectories": count} for seed, count in sorted(largest.items())]


def _shifted(progress: Progress, before: int, total: int, name: str) -> Callable[[int], None]:
    return lambda done: progress(before + done, total, name)
