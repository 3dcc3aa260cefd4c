"""One entry to its result: which checks, in which order, and where to stop."""

from __future__ import annotations

import time
from collections.abc import Iterator

from attractory.catalog import SystemRecord
from attractory.errors import AttractoryError
from attractory.expressions import System
from attractory.expressions.definition import KINDS
from attractory.layout import Status
from attractory.stages.check.limits import size_problem
from attractory.stages.check.report import Finding, Result
from attractory.stages.check.statements import statement_findings


def check_entry(record: SystemRecord) -> Result:
    """All findings of one entry whose expressions can be read: a pure function of the record, but for its seconds."""
    begun = time.thread_time()
    findings = tuple(_findings(record))
    return Result(record.name, record.kind, record.behaviour, record.tags, findings, time.thread_time() - begun)


def _findings(record: SystemRecord) -> Iterator[Finding]:
    try:
        yield from _found(record)
    except AttractoryError as error:
        yield Finding("trajectory", False, f"{record.where('equations')}: {error}")


def _found(record: SystemRecord) -> Iterator[Finding]:
    if record.kind not in KINDS:
        return
    system = System.from_record(record)
    if problem := size_problem(record, system.definition):
        yield Finding("size", False, problem)
        return
    stated = list(statement_findings(system))
    yield from stated
    if not all(finding.passed for finding in stated):
        return
    yield from _moving(system)


def _moving(system: System) -> Iterator[Finding]:
    """What trajectories show."""
    # here: what cannot be read or does not hold is refused before a compiler is loaded
    from attractory.stages.check.behaviour import behaviour_findings
    from attractory.stages.check.delays import delay_findings
    from attractory.stages.check.look import drift_findings, first_look, look_findings, variant_findings
    from attractory.stages.check.trial import engine_for, trial_of

    engine = engine_for(system)
    look = first_look(system, engine)
    yield from look_findings(system.record, look)
    if look.status is not Status.OK:
        return
    yield from drift_findings(system, look)
    yield from delay_findings(system, look) if system.kind == "delay" else behaviour_findings(trial_of(system, look, engine))
    yield from variant_findings(system.record, engine)
