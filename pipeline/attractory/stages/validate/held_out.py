"""Rule: a system that is held out is in one split, and no other system of the store is the same one."""

from __future__ import annotations

import json

import numpy as np

from attractory import layout
from attractory.stages.validate.report import Check
from attractory.stages.validate.rule import Evidence, Rule
from attractory.stages.validate.stored import StoredDataset, StoredSystem


def check_held_out(evidence: Evidence) -> list[Check]:
    """A verdict for each system that is held out, by the recipe or by its attributes."""
    dataset = evidence.dataset
    asked = dataset.recipe.get("held_out") or {}
    wanted = {name: code for code, split in enumerate(layout.SPLITS) for name in asked.get(split, ())}
    held = [one for one in dataset.systems if one.name in wanted or one.attributes.get(layout.SPLIT_BY) == "system"]
    missing = sorted(set(wanted) - {one.name for one in dataset.systems} - set(dataset.unreadable))
    checks = [_judged(evidence, dataset, stored, wanted.get(stored.name)) for stored in held]
    return checks + [evidence.failed(f"the recipe holds out {name}, and the store has no such system") for name in missing]


def _judged(evidence: Evidence, dataset: StoredDataset, stored: StoredSystem, wanted: int | None) -> Check:
    codes = np.unique(stored.split).tolist()
    subject = evidence.subject(stored.name)
    said = " and ".join(layout.SPLITS[code] if 0 <= code < len(layout.SPLITS) else str(code) for code in codes)
    if len(codes) != 1 or (wanted is not None and codes[0] != wanted):
        expected = layout.SPLITS[wanted] if wanted is not None else "one split"
        return subject.failed(f"{stored.name} is held out for {expected}, and has trajectories in {said}")
    for other in dataset.systems:
        if other.name != stored.name and (other.split != codes[0]).any() and same_dynamics(stored, other):
            return subject.failed(
                f"{stored.name} is held out for {said}, and {other.name} has the same equations and parameters in another split"
            )
    return subject.passed(f"every trajectory of {stored.name} is in {said}, and no other system has its equations")


def same_dynamics(one: StoredSystem, other: StoredSystem) -> bool:
    """Whether two systems have the same equations with the same parameters under whatever names: by the values of their right-hand sides
    at some states of the first."""
    if (one.record.kind, one.system.dimension) != (other.record.kind, other.system.dimension):
        return False
    if one.record.kind == "delay":
        return _text(one) == _text(other)
    states = one.initial[one.good][:8]
    with np.errstate(all="ignore"):
        ours, theirs = np.asarray(one.system.rhs(states, 0.0)), np.asarray(other.system.rhs(states, 0.0))
    return bool(len(states) and np.allclose(ours, theirs, rtol=1e-9, atol=1e-12, equal_nan=True))


def _text(stored: StoredSystem) -> str:
    record = stored.record
    return json.dumps([dict(record.equations), {key: str(value) for key, value in record.parameters.items()}, dict(record.history)])


RULES = (
    Rule(
        name="held_out",
        group="splits",
        scope="store",
        promise="A system that is held out has all its trajectories in one split, and no twin under another name in another.",
        advice="Take the twin out of the recipe, or hold it out as well.",
        run=check_held_out,
        needs="a recipe that holds systems out",
    ),
)
