"""Every rule of ours, in the order in which they run and stand in the report: one list a module, no other registry."""

from __future__ import annotations

from attractory.stages.validate import (
    against_fresh,
    attractor,
    derivative,
    digits,
    drawn_again,
    forgetting,
    from_data,
    held_out,
    integrity,
    labels,
    measure,
    numbers,
    observation,
    sections,
    splits,
    standstill,
    steps,
    transients,
    truth,
    windows,
)
from attractory.stages.validate.rule import Rule

RULES: tuple[Rule, ...] = (
    *integrity.RULES,
    *numbers.RULES,
    *standstill.RULES,
    *digits.RULES,
    *measure.RULES,
    *sections.RULES,
    *observation.RULES,
    *steps.RULES,
    *derivative.RULES,
    *truth.RULES,
    *forgetting.RULES,
    *against_fresh.RULES,
    *from_data.RULES,
    *splits.RULES,
    *windows.RULES,
    *held_out.RULES,
    *drawn_again.RULES,
    *labels.RULES,
    *attractor.RULES,
    *transients.RULES,
)

# Keys of verdicts that a rule gives beside those of its own name: a recipe may tighten them or leave them out as well.
FURTHER_KEYS: tuple[str, ...] = ("labels.behaviour", "numbers.direction")
