"""The class of behaviour: measured for as long as it takes to be sure, then compared with what the entry says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from attractory.integrate import Ensemble
from attractory.layout import Status
from attractory.stages.check.classes import LONG_ENOUGH, LONG_ENOUGH_MAP, Evidence, Growth, class_of, growth_of
from attractory.stages.check.ensemble import SEED, settled, starts
from attractory.stages.check.limits import SECOND
from attractory.stages.check.period import period_finding
from attractory.stages.check.report import Finding
from attractory.stages.check.trial import Trial
from attractory.stages.check.twins import fits, shorten, twins_of
from attractory.stages.check.watched import Watched, resting, returning, watch

# Units of time of the first round of twins (maps: iterates); each round is as long as all before, until the last.
FIRST, FIRST_MAP, ROUNDS = 50.0, 500.0, 6
MOST_WORK = 4 * SECOND
# How much longer what is chaotic is followed without twins, for it may be a transient.
LASTING, LASTING_MAP = 400.0, 20_000.0
# How much of chaos is looked at before it ends, and how long its end is waited for.
EARLY, EARLY_MAP, MOST_EARLY = 20.0, 200.0, 3
MOST_WAIT = 6
_FEW = 16  # of so many trajectories one may look otherwise
_BEYOND = 1.0  # of its range: so far beyond it nothing bounded goes
_ERRORS, _SYSTEMATIC = 5.0, 0.1
CHAOTIC = ("chaotic", "hyperchaotic", "conservative_chaotic")


def behaviour_findings(trial: Trial) -> Iterator[Finding]:
    """Findings about drawn states: they last, they are bounded, their period, their class of behaviour."""
    drawn = starts(trial.system)
    if trial.system.behaviour == "transient_chaotic":
        yield _transient(trial, drawn)
        return
    after = settled(trial, drawn)
    watched = watch(trial, after.ensemble) if len(after.row) else None
    yield _draws(trial, len(drawn.initial), after.lost + (watched.lost if watched else ()))
    if watched is not None and watched.count:
        yield from _class(trial, watched)


def _draws(trial: Trial, count: int, lost: tuple[Status, ...]) -> Finding:
    """Most states that the engine draws stay bounded; it draws the others again."""
    if 4 * len(lost) <= count:
        said = f"; {len(lost)} of them were lost" if lost else ""
        return Finding("draws", True, f"{count} states were drawn{said}")
    where = trial.system.record.where("initial")
    message = f"{where}: of {count} trajectories from states drawn around it, or in the basin, {len(lost)} did not last; one {lost[0].sentence}."
    return Finding("draws", False, message + " Choose another initial state, or a smaller basin.")


def _class(trial: Trial, watched: Watched) -> Iterator[Finding]:
    claim = trial.system.behaviour
    found, evidence, later = _measured(trial, watched, claim)
    if found in CHAOTIC:
        later, ended = _ended(trial, watched, later)
        if ended:
            yield _verdict(trial, claim, "transient_chaotic", f"{ended} of {watched.count} chaotic trajectories have come to an end")
            return
    yield _verdict(trial, claim, found, _said(evidence, watched))
    if found in CHAOTIC and found == claim and evidence.growth is not None:
        yield _alike(trial, evidence.growth)
        yield from _annotated(trial, evidence.growth)
    if found != "fixed_point":
        yield from period_finding(trial.system, watched.states, watched.dt)
    yield _bounded(trial, watched, later.initial)


def _measured(trial: Trial, watched: Watched, claim: str) -> tuple[str | None, Evidence, Ensemble]:
    """(the class, from what, where the trajectories are then)."""
    evidence = Evidence(None, resting(trial, watched), returning(trial, watched), watched.volume, long_enough=False)
    found = class_of(evidence)
    if found is not None:
        return found, evidence, watched.now
    most = max(4.0, MOST_WORK / (trial.cost * max(1.0, watched.count / 4)))
    until, done = min(FIRST_MAP if trial.is_map else FIRST, most), 0.0
    twins = twins_of(trial, watched.now, watched.scale, seed=SEED)
    for _ in range(ROUNDS):
        twins.go_on(until - done)
        if not fits(twins):
            shorten(twins)
            twins.go_on(until)
        done, until = until, min(2 * until, most)
        growth = growth_of(np.array(twins.growth), done)
        evidence = replace(evidence, growth=growth, long_enough=done >= (LONG_ENOUGH_MAP if trial.is_map else LONG_ENOUGH))
        found = class_of(evidence)
        if found in (None, "quasiperiodic"):
            again = watch(trial, twins.ensemble)
            evidence = replace(evidence, resting=resting(trial, again), returning=returning(trial, again))
            found = class_of(evidence)
        if found == claim or (found is not None and claim == "unknown") or done >= most:
            break
    return found, evidence, twins.ensemble


def _ended(trial: Trial, watched: Watched, ensemble: Ensemble) -> tuple[Ensemble, int]:
    """(the trajectories much later, how many of them have ended or come to rest)."""
    duration = LASTING_MAP if trial.is_map else LASTING * trial.unit
    moved, status = trial.moved(ensemble, min(duration, duration * 4 * MOST_WORK / (LASTING * trial.cost * watched.count)))
    good = np.flatnonzero(status == Status.OK)
    kept = moved.subset(good)
    still = 0 if not len(good) else int(resting(trial, watch(trial, kept)).sum())
    return kept, len(status) - len(good) + still


def _transient(trial: Trial, drawn: Ensemble) -> Finding:
    """Whether drawn trajectories are chaotic at first, and the chaos of one of them comes to an end."""
    begun = watch(trial, drawn)
    twins = twins_of(trial, drawn.subset(np.arange(len(drawn.initial))), begun.scale, seed=SEED)
    length = EARLY_MAP if trial.is_map else EARLY
    growth = None
    for number in range(MOST_EARLY):
        twins.go_on(length)
        growth = growth_of(np.array(twins.growth)[:, np.isinf(twins.ended)], length * (number + 1))
        if growth.grows(0):
            break
    record = trial.system.record
    if growth is None or not growth.grows(0):
        message = f"{record.where('behaviour')} is transient_chaotic, and trajectories do not part exponentially at first: {growth.said() if growth else ''}"
        return Finding("behaviour", False, message)
    waited, now, ended = 0.0, twins.ensemble, 0
    for number in range(MOST_WAIT):
        duration = 2.0**number * (1000.0 if trial.is_map else 100 * trial.unit)
        now, ended = _ended_within(trial, now, duration)
        waited += duration / trial.unit
        if ended:
            message = f"trajectories part at {growth.said()} in a unit of time; {ended} of {len(drawn.initial)} have ended after {waited:g}"
            return Finding("behaviour", True, message)
    message = f"{record.where('behaviour')} is transient_chaotic, and none of {len(drawn.initial)} chaotic trajectories has ended after {waited:g} periods."
    return Finding("behaviour", False, message)


def _ended_within(trial: Trial, ensemble: Ensemble, duration: float) -> tuple[Ensemble, int]:
    moved, status = trial.moved(ensemble, duration)
    good = np.flatnonzero(status == Status.OK)
    if len(good) < len(status):
        return moved.subset(good), len(status) - len(good)
    return moved, int(resting(trial, watch(trial, moved)).sum())


def _verdict(trial: Trial, claim: str, found: str | None, said: str) -> Finding:
    where = trial.system.record.where("behaviour")
    if claim == "unknown":
        return Finding("behaviour", True, f"the entry does not say; found {found or 'nothing sure'}: {said}")
    if found is None:
        return Finding("behaviour", False, f"{where} is {claim}, which could not be confirmed within the budget: {said}.")
    if found != claim:
        return Finding("behaviour", False, f"{where} is {claim}, and the trajectories are {found}: {said}.")
    return Finding("behaviour", True, f"{found}: {said}")


def _said(evidence: Evidence, watched: Watched) -> str:
    """What was found, in words."""
    if evidence.resting.any():
        return f"{int(evidence.resting.sum())} of {len(evidence.resting)} trajectories are at rest"
    if evidence.comes_back:
        return f"all {len(evidence.returning)} trajectories come back after {evidence.returning.min():.4g} periods or more"
    back = int(np.isfinite(evidence.returning).sum())
    said = "they come back" if back else "they do not come back"
    if evidence.growth is None or not evidence.growth.blocks.shape[2]:
        return said
    volume = f", volumes grow by {watched.volume.rate:.2g} ± {watched.volume.error:.1g}" if np.isfinite(watched.volume.rate) else ""
    return f"{said} and part by {evidence.growth.said()} in a period{volume}, over {evidence.growth.units:.0f} periods"


def _alike(trial: Trial, growth: Growth) -> Finding:
    """All drawn trajectories of an attractor do the same; in a chaotic sea there are islands, and most are not on them."""
    regular, count = growth.regular(), len(growth.blocks)
    conservative = trial.system.behaviour == "conservative_chaotic"
    allowed = count // 2 if conservative else count // _FEW
    number = int(regular.sum())
    if number <= allowed:
        return Finding("alike", True, f"{count - number} of {count} trajectories are chaotic by themselves")
    where = trial.system.record.where("initial")
    return Finding("alike", False, f"{where}: {number} of {count} trajectories from states drawn around it are regular, the others chaotic.")


def _annotated(trial: Trial, growth: Growth) -> Iterator[Finding]:
    """The annotated leading exponent agrees: a check of the annotation, which is no part of the proof."""
    annotated = trial.system.invariants.get("lyapunov_spectrum")
    if annotated is None:
        return
    value, error = float(np.ravel(annotated.value)[0]), float(np.ravel(annotated.standard_error or 0.0)[0])
    found, found_error = float(growth.rates[0]) / trial.unit, float(growth.errors[0]) / trial.unit
    kept = abs(found - value) <= _ERRORS * float(np.hypot(error, found_error)) + _SYSTEMATIC * abs(value)
    said = f"the leading exponent is {found:.3g} ± {found_error:.1g}, annotated {value:.4g} ± {error:.1g}"
    where = trial.system.record.where("invariants.lyapunov_spectrum")
    yield Finding("annotated", kept, said if kept else f"{where}: {said}. Where the equations have changed: attractory annotate {trial.system.name}")


def _bounded(trial: Trial, watched: Watched, later: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> Finding:
    """No variable but those under `wrap` and `unbounded` is far beyond where it was before."""
    record, system = trial.system.record, trial.system
    free = {*system.ranges, *(name for name in system.variables if name.rstrip("0123456789") in record.unbounded or name in record.unbounded)}
    low, high = watched.states.min(axis=(0, 1)), watched.states.max(axis=(0, 1))
    beyond = np.maximum(low - later, later - high).max(axis=0, initial=-np.inf) / np.maximum(high - low, watched.scale)
    gone = [name for name, much in zip(system.variables, beyond, strict=True) if much > _BEYOND and name not in free]
    if not gone:
        return Finding("bounded", True, "no variable grows" + (f" but {', '.join(record.unbounded)}" if record.unbounded else ""))
    message = f"{record.where('equations')}: {', '.join(gone)} went on growing. Name what grows without bound under `unbounded`."
    return Finding("bounded", False, message)
