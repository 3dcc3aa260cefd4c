"""The class of behaviour: measured for as long as it takes to be sure, then compared with what the entry says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from attractory.integrate import Ensemble
from attractory.layout import Status
from attractory.stages.check.annotated import annotated_findings
from attractory.stages.check.classes import CHAOTIC, EXACT, LONG_ENOUGH, LONG_ENOUGH_MAP, Evidence, class_of, growth_of
from attractory.stages.check.ensemble import SEED, settled, starts
from attractory.stages.check.limits import SECOND
from attractory.stages.check.period import period_finding
from attractory.stages.check.report import Finding
from attractory.stages.check.returns import Bools
from attractory.stages.check.trial import Trial
from attractory.stages.check.twins import directions_across, fits, shorten, twins_of
from attractory.stages.check.verdicts import (
    alike_finding,
    behaviour_finding,
    bounded_finding,
    draws_finding,
    growing,
    said,
)
from attractory.stages.check.watched import LONG_CYCLE, MOST_PERIODS, Watched, circling, cycling, resting, returning, watch

# Units of time of the first round of twins (maps: iterates); each round is as long as all before, until the last.
FIRST, FIRST_MAP, ROUNDS = 50.0, 500.0, 6
MOST_WORK = 4 * SECOND
_SURE = 3  # rounds of one class of chaos, where the entry says another
# How much longer what is chaotic is followed without twins, for it may be a transient.
LASTING, LASTING_MAP = 400.0, 20_000.0
# How much of chaos is looked at before it ends, and how long its end is waited for.
EARLY, EARLY_MAP, MOST_EARLY = 20.0, 200.0, 3
MOST_WAIT = 6
_ESCAPED = 1000.0


def behaviour_findings(trial: Trial) -> Iterator[Finding]:
    """Findings about drawn states: they last, they are bounded, their period, their class of behaviour."""
    drawn = starts(trial.system)
    if trial.system.behaviour == "transient_chaotic":
        yield _transient(trial, drawn)
        return
    after = settled(trial, drawn)
    watched = watch(trial, after.ensemble) if len(after.row) else None
    yield draws_finding(trial.system, len(drawn.initial), after.lost + (watched.lost if watched else ()))
    if watched is not None and watched.count:
        yield from _class(trial, watched)


def _class(trial: Trial, watched: Watched) -> Iterator[Finding]:
    claim = trial.system.behaviour
    found, evidence, later = _measured(trial, watched, claim)
    if found in CHAOTIC:
        later, ended = _ended(trial, watched, later)
        if ended:
            yield behaviour_finding(
                trial.system, "transient_chaotic", f"{ended} of {watched.count} chaotic trajectories have come to an end"
            )
            return
    yield behaviour_finding(trial.system, found, said(evidence, "iterate" if trial.is_map else "period"))
    if found in CHAOTIC and found == claim and evidence.growth is not None:
        yield alike_finding(trial.system, evidence.growth)
        yield from annotated_findings(trial.system, evidence.growth, trial.unit)
    if found != "fixed_point":
        yield from period_finding(trial.system, watched.states, watched.dt)
    yield bounded_finding(trial.system, watched.states, later.initial)


def _measured(trial: Trial, watched: Watched, claim: str) -> tuple[str | None, Evidence, Ensemble]:
    """(the class, from what, where the trajectories are then)."""
    evidence = Evidence(
        None, resting(trial, watched), returning(trial, watched), watched.volume, long_enough=False, across=directions_across(trial)
    )
    found = class_of(evidence)
    if found is not None:
        return found, evidence, watched.now
    most = max(4.0, MOST_WORK / (trial.cost * max(1.0, watched.count / 4)))
    until, done = min(FIRST_MAP if trial.is_map else FIRST, most), 0.0
    twins, seen = twins_of(trial, watched.now, watched.scale, seed=SEED), list[str | None]()
    for _ in range(ROUNDS):
        twins.go_on(until - done)
        if not fits(twins):
            shorten(twins)
            twins.go_on(until)
        done, until = len(twins.growth) * twins.interval / trial.unit, min(2 * until, most)
        growth = growth_of(np.array(twins.growth), done)
        evidence = replace(evidence, growth=growth, long_enough=done >= (LONG_ENOUGH_MAP if trial.is_map else LONG_ENOUGH))
        found = class_of(evidence)
        if found in (None, "quasiperiodic"):
            # what shrinks comes back at last, though a cycle may be long
            again = watch(trial, twins.ensemble, LONG_CYCLE if growth.blocks.shape[2] and growth.shrinks(0) else MOST_PERIODS)
            evidence = replace(evidence, resting=resting(trial, again), returning=returning(trial, again))
            found = class_of(evidence)
        seen.append(found)
        # that volumes are kept is sure where they are so at each point
        sure = (found in CHAOTIC[:2] or watched.volume.error < EXACT) and found in CHAOTIC and seen[-_SURE:] == [found] * _SURE
        if found == claim and found in CHAOTIC[:2] and not growth.alike() and done < LONG_ENOUGH:
            continue  # some linger, or do something else
        if found == claim or (found is not None and claim == "unknown") or sure or done >= 0.99 * most or twins.work > MOST_WORK:
            break
    return found, evidence, twins.ensemble


def _ended(trial: Trial, watched: Watched, ensemble: Ensemble) -> tuple[Ensemble, int]:
    """(the trajectories much later, how many of them have ended or come to rest)."""
    duration = LASTING_MAP if trial.is_map else LASTING * trial.unit
    moved, status, _ = trial.moved(ensemble, min(duration, duration * 4 * MOST_WORK / (LASTING * trial.cost * watched.count)))
    good = np.flatnonzero(status == Status.OK)
    kept = moved.subset(good)
    if not len(good):
        return kept, len(status)
    later = replace(watch(trial, kept), scale=watched.scale)  # one that escapes would make the others look at rest
    return kept, len(status) - later.count + int((resting(trial, later) | _escaped(trial, watched, later)).sum())


def _escaped(trial: Trial, watched: Watched, later: Watched) -> Bools:
    """(trajectory,) those with a variable a thousand times its range away, that is not one which may grow."""
    low, high = watched.states.min(axis=(0, 1)), watched.states.max(axis=(0, 1))
    away = np.maximum(low - later.now.initial, later.now.initial - high) > _ESCAPED * (high - low)
    away[:, [name in growing(trial.system) for name in trial.system.variables]] = False
    return np.asarray(away.any(axis=1))


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
        message = f"{record.where('behaviour')} is transient_chaotic, and trajectories do not part exponentially at first."
        return Finding("behaviour", False, message)
    waited, now, ended = 0.0, twins.ensemble, 0
    for number in range(MOST_WAIT):
        duration = 2.0**number * (1000.0 if trial.is_map else 100 * trial.unit)
        now, ended = _ended_within(trial, begun, now, duration)
        waited += duration / trial.unit
        if ended:
            message = f"trajectories part at {growth.said()} in a unit of time; {ended} of {len(drawn.initial)} have ended after {waited:g}"
            return Finding("behaviour", True, message)
    where = record.where("behaviour")
    message = f"{where} is transient_chaotic, and none of {len(drawn.initial)} chaotic trajectories has ended after {waited:g} periods."
    return Finding("behaviour", False, message)


def _ended_within(trial: Trial, begun: Watched, ensemble: Ensemble, duration: float) -> tuple[Ensemble, int]:
    moved, status, _ = trial.moved(ensemble, duration)
    good = np.flatnonzero(status == Status.OK)
    if len(good) < len(status):
        return moved.subset(good), len(status) - len(good)
    watched = replace(watch(trial, moved), scale=begun.scale)  # one that escapes would make the others look at rest
    if watched.count < len(good):
        return moved, len(good) - watched.count
    ended = resting(trial, watched) | cycling(trial, watched) | _escaped(trial, begun, watched)
    return moved, int(ended.sum()) or int(circling(trial, watch(trial, moved, LONG_CYCLE)).sum())
