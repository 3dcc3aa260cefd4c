from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from attractory.stages.validate import Report, validate
from attractory.stages.validate.report import Subject
from attractory.stages.validate.rule import Evidence, Rule, Settings
from attractory.stages.validate.run import verdicts
from attractory.stages.validate.stored import open_stored

SUBJECT = Subject("finite", "numbers", "Lorenz", "fine")


def test_measured_passes_up_to_its_limit_and_not_beyond() -> None:
    """NaN is no number, and no pass."""
    verdicts = [SUBJECT.measured(value, 1.0, "").verdict for value in (0.5, 1.0, 1.5, math.inf, math.nan)]
    assert verdicts == ["pass", "pass", "fail", "fail", "fail"]


def test_report_has_the_fixed_keys_and_no_number_that_json_lacks() -> None:
    """Infinity is written as null."""
    document = json.loads(Report("s", (SUBJECT.measured(math.inf, 1.0, "too large"),)).as_json())
    assert document == {
        "verdict": "fail",
        "counts": {"pass": 0, "fail": 1, "not enough data": 0, "error": 0},
        "looked_at": "",
        "left_out": [],
        "checks": [
            {
                "name": "finite",
                "group": "numbers",
                "system": "Lorenz",
                "granularity": "fine",
                "verdict": "fail",
                "measured": None,
                "limit": 1.0,
                "message": "too large",
                "promise": "",
                "advice": "",
                "needed": None,
                "p_value": None,
                "margin": None,
                "limit_from": "rule",
                "source": "attractory",
            }
        ],
    }


def test_report_without_a_check_is_no_pass() -> None:
    """Nothing was looked at."""
    assert Report("s", ()).verdict == "fail"


@pytest.mark.parametrize(("source", "whose", "code"), [("attractory", "ours", 70), ("mine.py", "mine.py", 2)])
def test_check_that_breaks_is_an_error_and_never_a_pass(good_store: Path, source: str, whose: str, code: int) -> None:
    """It is told whose, and the exit code says the same."""
    rule = Rule("broken", "numbers", "store", "Nothing.", "Mend it.", lambda evidence: 1 / 0, source=source)  # type: ignore[arg-type, return-value]
    (check,) = verdicts(Evidence(rule, open_stored(good_store), Settings()))
    assert (check.verdict, check.passed, check.failed) == ("error", False, True)
    assert f"an error of {whose}: ZeroDivisionError: division by zero" in check.message
    assert Report("s", (SUBJECT.passed(""), check)).exit_code == code
    assert Report("s", (SUBJECT.passed(""), check)).verdict == "fail"


def test_too_few_data_are_neither_pass_nor_failure() -> None:
    """A report of nothing else proves nothing; beside a pass they do not spoil it."""
    open_question = SUBJECT.not_enough("two trajectories", "4 trajectories")
    assert (open_question.passed, open_question.failed, open_question.needed) == (False, False, "4 trajectories")
    assert Report("s", (open_question,)).verdict == "fail"
    assert Report("s", (open_question, SUBJECT.passed(""))).verdict == "pass"


def test_good_store_passes_and_its_report_lies_beside_it(good_store: Path) -> None:
    """Run twice, the report is the same to the byte."""
    report = validate(good_store)
    assert [check.message for check in report.failures] == []
    assert {check.group for check in report.checks} == {"numbers", "truth", "splits", "labels", "store"}
    assert all(check.needed for check in report.checks if check.verdict == "not enough data")
    assert all(check.promise for check in report.checks)
    folder = good_store.parent / "report"
    assert (folder / "report.json").read_text() == report.as_json()
    validate(good_store, report=good_store.parent / "again")
    written = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    assert [str(path) for path in written] == [
        "junit.xml",
        "metrics.json",
        "plots/exponents.csv",
        "plots/margins.csv",
        "report.html",
        "report.json",
    ]
    assert (folder / "report.html").read_text().count("data:image/png") == 3  # an attractor of each system
    for path in written:
        if path.name != "junit.xml":  # which has the time, as its schema demands
            assert (folder / path).read_bytes() == (good_store.parent / "again" / path).read_bytes()
