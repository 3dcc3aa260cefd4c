"""Files that DVC compares between two runs: `dvc metrics diff` reads metrics.json, `dvc plots show` the tables in plots/."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from attractory.stages.report.pictures import SystemPictures
from attractory.stages.report.plain import plain
from attractory.stages.report.verdicts import ORDER, share, where
from attractory.stages.validate.report import Check, Report

METRICS = "metrics.json"
MARGINS, EXPONENTS = "plots/margins.csv", "plots/exponents.csv"
_MOST_NAMES = 200  # kinds of checks; the names of conserved quantities and of users' rules are a stranger's
_DECADES = 9.0  # a measured value beyond a limit of zero, or infinite, is drawn as if it were so far beyond


def metrics(report: Report) -> str:
    """JSON of numbers alone: how many verdicts of each kind, in all and by group, and how near to its limit each kind of check came.

    `worst` is what was measured as a part of its limit: above 1 is too much. A kind of check that measures nothing is left out.
    """
    checks = report.checks
    groups = dict.fromkeys(check.group for check in checks)
    worst: dict[str, dict[str, float]] = {}
    for (group, name), check in list(_worst(checks).items())[:_MOST_NAMES]:
        near = share(check)
        if near is not None:
            worst.setdefault(group, {})[_key(name)] = _rounded(near)
    document: dict[str, Any] = {
        "passed": int(report.verdict == "pass"),
        "checks": _counts(checks),
        "groups": {group: _counts(check for check in checks if check.group == group) for group in groups},
        "worst": worst,
    }
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def margins(report: Report) -> str:
    """CSV: of each kind of check the number nearest to its limit, in decades above it (0 is the limit, -2 a hundredth of it)."""
    rows = []
    for (group, name), check in list(_worst(report.checks).items())[:_MOST_NAMES]:
        near = share(check)
        if near is not None:
            rows.append((f"{group}.{plain(name)}", f"{_decades(near):.4f}", where(check)))
    return _table(("check", "decades_above_limit", "where"), rows)


def exponents(pictures: Mapping[str, SystemPictures]) -> str:
    """CSV: each system's leading exponent along its stored samples, and the entry's."""
    rows = [
        (plain(name), f"{shown.growth.rate[-1]:.6g}", f"{shown.growth.error[-1]:.3g}", *_entry(shown))
        for name, shown in pictures.items()
        if not isinstance(shown.growth, str)
    ]
    return _table(("system", "exponent", "standard_error", "entry", "entry_standard_error"), rows)


def _entry(shown: SystemPictures) -> tuple[str, str]:
    return ("", "") if shown.exponent is None else (f"{shown.exponent[0]:.6g}", f"{shown.exponent[1]:.3g}")


def _worst(checks: Iterable[Check]) -> dict[tuple[str, str], Check]:
    """Of each kind of check the one nearest to its limit, by group and name."""
    found: dict[tuple[str, str], Check] = {}
    for check in checks:
        key = (check.group, check.name)
        if key not in found or (share(check) or -math.inf) > (share(found[key]) or -math.inf):
            found[key] = check
    return found


def _counts(checks: Iterable[Check]) -> dict[str, int]:
    verdicts = [check.verdict for check in checks]
    return {_key(verdict): verdicts.count(verdict) for verdict in reversed(ORDER)}


def _key(text: str) -> str:
    """A key without what DVC takes for a step into a document, or a shell for two words."""
    return plain(text).replace(".", "_").replace(" ", "_")


def _rounded(value: float) -> float:
    """Four digits: so that the last digit of another machine is no difference."""
    return float(f"{min(value, 10.0**_DECADES):.4g}")


def _decades(value: float) -> float:
    return max(-_DECADES, min(_DECADES, math.log10(value))) if value > 0.0 else -_DECADES


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return text.getvalue()
