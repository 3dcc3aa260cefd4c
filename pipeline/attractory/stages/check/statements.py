"""What an entry says that needs no trajectory: symmetries and conserved quantities at random states, circles, avoid, ranges."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from attractory.catalog import SystemRecord
from attractory.expressions import System
from attractory.expressions.check import numerical_failures
from attractory.expressions.definition import Model
from attractory.expressions.evaluate import evaluate
from attractory.stages.check.report import Finding

# Of the size of its terms: a state within this of an invariant set is on it for many periods.
_ON = 1.0e-12


def statement_findings(system: System) -> Iterator[Finding]:
    """A finding for each kind of statement that the entry makes."""
    record = system.record
    failures = numerical_failures(record)
    for line in failures:
        yield Finding("statements", False, line)
    if not failures:
        yield Finding("statements", True, _said(record))
    for line in (*_avoided(record), *_outside(system)):
        yield Finding("places", False, line)
    if record.invariants:
        yield _signed(record)


def _signed(record: SystemRecord) -> Finding:
    """Whether the annotations are of the equations that the entry has."""
    if record.stale:
        where, again = record.where(f"invariants.{record.stale[0]}"), f"attractory annotate {record.name}"
        of = "were computed from other equations than the entry has now"
        message = f"{where} is stale: {', '.join(record.stale)} {of}. Make them anew: {again}"
        return Finding("annotations", False, message)
    unsigned = f", {len(record.unsigned)} of them do not say of which equations" if record.unsigned else ""
    return Finding("annotations", True, f"{len(record.invariants)} annotations{unsigned}")


def _said(record: SystemRecord) -> str:
    counted = {"symmetries": record.symmetries, "conserved quantities": record.conserved, "circles": record.wrap}
    if record.kind == "delay":
        counted = {}  # numerical_failures tries none of them where a past is read
    named = [f"{len(items)} {name}" for name, items in counted.items() if items]
    return ", ".join(named) + " hold at random states" if named else "the equations are finite at the initial state"


def _avoided(record: SystemRecord) -> Iterator[str]:
    """A sentence for each expression under `avoid` that vanishes at the initial state."""
    if not record.avoid or record.kind == "delay":
        return
    model = Model(record)
    roots = tuple(model.number(f"avoid.{number}", text) for number, text in enumerate(record.avoid))
    initial = np.array([model.initial()])
    values = evaluate(model.builder.graph(), roots, initial, list(model.parameters.values()))[0]
    scale = 1.0 + float(np.abs(initial).max())
    for number, (text, value) in enumerate(zip(record.avoid, values, strict=True)):
        if not abs(value) > _ON * scale:
            where = record.where(f"avoid.{number}")
            yield f"{where} {text!r} is {value:.3g} at the initial state, which lies on the set to keep away from. Choose another one."


def _outside(system: System) -> Iterator[str]:
    """A sentence for each range without the catalogued value."""
    record = system.record
    for name, (low, high) in record.ranges.items():
        value = system.parameters[name]
        if not isinstance(value, float) or not low <= value <= high:
            yield f"{record.where(f'ranges.{name}')} is [{low:g}, {high:g}] and does not hold the entry's own value, {value}."
