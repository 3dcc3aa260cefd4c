"""The files that DVC compares: numbers alone, the same for the same verdicts, few whatever the number of systems."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

from attractory.stages.report.dvc import margins, metrics
from attractory.stages.validate.report import Report, Subject


def numbers(document: object) -> bool:
    """Whether a document is made of numbers."""
    return all(map(numbers, document.values())) if isinstance(document, dict) else isinstance(document, int | float)


def test_metrics_are_numbers_and_say_how_near_to_its_limit_each_check_came(folder):
    """A thousand times the limit is 3,000; a step into the document, or a space, is in no key."""
    document = json.loads((folder / "metrics.json").read_text("utf-8"))
    assert numbers(document)
    assert document["passed"] == 0
    assert document["checks"] == {"pass": 3, "not_enough_data": 1, "fail": 2, "error": 1}
    assert document["worst"]["truth"] == {"reintegration": 3000.0}
    assert document["worst"]["store"] == {"digests": 0.0}
    assert not any("." in key or " " in key for group in document["worst"].values() for key in group)


def test_the_worst_of_many_systems_is_one_number():
    """So that the metrics of a thousand systems are as short as those of one."""
    checks = tuple(Subject("range", "numbers", f"S{n}", "fine").measured(float(n), 1000.0, "") for n in range(1000))
    assert json.loads(metrics(Report("s", checks)))["worst"] == {"numbers": {"range": 0.999}}
    assert len(metrics(Report("s", checks))) < 1000


def test_what_is_beyond_a_limit_of_zero_is_drawn_far_away():
    """Nine decades above; a check that broke has no number, and is left out."""
    broken = Subject("finite", "numbers", "A", "fine").measured(3.0, 0.0, "")
    checks = (broken, replace(broken, name="other", verdict="error", measured=None, limit=None))
    rows = list(csv.DictReader(margins(Report("s", checks)).splitlines()))
    assert rows == [{"check": "numbers.finite", "decades_above_limit": "9.0000", "where": "A / fine"}]
    assert json.loads(metrics(Report("s", checks)))["worst"] == {"numbers": {"finite": 1e9}}


def test_exponents_stand_beside_the_entry(folder):
    """One row a system that has one; empty where the entry says nothing."""
    rows = list(csv.DictReader((folder / "plots" / "exponents.csv").read_text("utf-8").splitlines()))
    assert [row["system"] for row in rows] == ["Oscillator", "Fourfold"]
    assert abs(float(rows[1]["exponent"]) - 0.6931) < 0.02
    assert rows[1]["entry"] == ""
