"""Annotated exponents are compared with what trajectories do at last, not only at first."""

from __future__ import annotations

from types import SimpleNamespace

from attractory.expressions.doors import system
from attractory.stages.check.annotated import annotated_findings


def finding(name, rate):
    """What is said where the check found this leading exponent, with a standard error of 0.001."""
    (found,) = annotated_findings(system(name), SimpleNamespace(rates=[rate], errors=[0.001]), 1.0)
    return found


def test_another_chaos_that_does_not_last_is_no_reason_to_doubt_an_annotation():
    """Coullet's trajectories part at 0.14 for some thousands of time units, and then at the annotated 0.0134 for ever."""
    found = finding("Coullet", 0.12)
    assert found.passed
    assert "0.12 ± 0.001 at first and 0.013" in found.message


def test_an_annotation_that_later_growth_contradicts_too_is_doubted():
    """Rössler's exponent is 0.0714: a check that finds 0.2 looks again and agrees; an annotation of 0.2 fails."""
    assert finding("Rossler", 0.2).passed
    wrong = system("Rossler")
    wrong = type(wrong).from_record(
        wrong.record.model_copy(
            update={
                "invariants": {
                    "lyapunov_spectrum": wrong.record.invariants["lyapunov_spectrum"].model_copy(update={"value": (0.2, 0.0, -5.4)})
                }
            }
        )
    )
    (found,) = annotated_findings(wrong, SimpleNamespace(rates=[0.0714], errors=[0.001]), 1.0)
    assert not found.passed
    assert "later, annotated 0.2" in found.message
