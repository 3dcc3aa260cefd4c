from __future__ import annotations

import io
import json
import math
from pathlib import Path

from rich.console import Console

from attractory.stages.validate import Report, validate
from attractory.stages.validate.report import Subject
from attractory.stages.validate.run import guarded

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
            }
        ],
    }


def test_report_without_a_check_is_no_pass() -> None:
    """Nothing was looked at."""
    assert Report("s", ()).verdict == "fail"


def test_check_that_breaks_is_a_failure_and_never_a_pass() -> None:
    """An error of ours is told as one."""

    def broken() -> list[object]:
        raise ZeroDivisionError("division by zero")

    (check,) = guarded(SUBJECT, broken)  # type: ignore[arg-type]
    assert not check.passed
    assert "an error of ours: ZeroDivisionError: division by zero" in check.message


def test_table_shows_every_failure_and_the_worst_of_what_passed() -> None:
    """Two places passed, one of them closer to the limit."""
    passed = [Subject("range", "numbers", name, "fine").measured(value, 10.0, f"of {name}") for name, value in (("A", 1.0), ("B", 9.0))]
    report = Report("s", (*passed, SUBJECT.measured(3.0, 0.0, "broken")))
    console = Console(file=io.StringIO(), width=200)
    console.print(report.table())
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "2 places" in text
    assert "of B" in text
    assert "of A" not in text
    assert "broken" in text


def test_good_store_passes_and_its_report_lies_beside_it(good_store: Path) -> None:
    """Run twice, the report is the same to the byte."""
    report = validate(good_store)
    assert [check.message for check in report.failures] == []
    assert {check.group for check in report.checks} == {"numbers", "truth", "splits", "labels", "store"}
    written = (good_store.parent / "report" / "report.json").read_text()
    assert written == report.as_json()
    assert validate(good_store, report=good_store.parent / "again").as_json() == written
