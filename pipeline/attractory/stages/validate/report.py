"""What validation found: one record a check, the verdict over all, `report.json` and the table for a terminal."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

from rich.table import Table
from rich.text import Text

from attractory.store.files import Place
from attractory.store.objects import ObjectPath

Group = Literal["numbers", "truth", "splits", "labels", "store"]
Verdict = Literal["pass", "fail"]

REPORT = "report.json"


@dataclass(frozen=True)
class Check:
    """One verdict. `measured` passes while it is at most `limit`; both are None where nothing is measured as a number."""

    name: str
    group: Group
    system: str | None
    granularity: str | None
    verdict: Verdict
    measured: float | None
    limit: float | None
    message: str

    @property
    def passed(self) -> bool:
        return self.verdict == "pass"


@dataclass(frozen=True)
class Subject:
    """What a check is about: its name, its group, and where in the store it looks."""

    name: str
    group: Group
    system: str | None = None
    granularity: str | None = None

    def measured(self, value: float, limit: float, message: str) -> Check:
        """Passes where `value` is at most `limit`; a value that is no number fails."""
        verdict: Verdict = "pass" if value <= limit else "fail"
        return self._check(verdict, message, measured=_number(value), limit=_number(limit))

    def passed(self, message: str) -> Check:
        """A pass without a number: nothing was found, or there is nothing to look at, and the message says which."""
        return self._check("pass", message)

    def failed(self, message: str) -> Check:
        """A failure without a number."""
        return self._check("fail", message)

    def _check(self, verdict: Verdict, message: str, *, measured: float | None = None, limit: float | None = None) -> Check:
        return Check(self.name, self.group, self.system, self.granularity, verdict, measured, limit, message)


@dataclass(frozen=True)
class Report:
    """Every check of one store, in the order in which they ran."""

    store: str
    checks: tuple[Check, ...]

    @property
    def verdict(self) -> Verdict:
        return "pass" if self.checks and all(check.passed for check in self.checks) else "fail"

    @property
    def failures(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if not check.passed)

    def as_json(self) -> str:
        """The text of `report.json`: verdict and checks, nothing that changes from run to run."""
        document = {"verdict": self.verdict, "checks": [asdict(check) for check in self.checks]}
        return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    def write(self, folder: Place) -> Place:
        """Writes `report.json` into `folder`, made if need be, and returns its path."""
        if isinstance(folder, ObjectPath):
            (folder / REPORT).put(self.as_json().encode())
            return folder / REPORT
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / REPORT
        partial = path.with_suffix(".partial")
        partial.write_text(self.as_json(), encoding="utf-8")
        partial.replace(path)
        return path

    def table(self) -> Table:
        """One row for each kind of check with its worst number, then one for each failure: for a terminal."""
        table = Table("check", "group", "where", "verdict", "measured", "limit", "message", title=f"{self.store}: {self.verdict}")
        for rows in _by_name(self.checks).values():
            failures = [check for check in rows if not check.passed]
            for check in failures:
                table.add_row(*_cells(check))
            if not failures:
                worst = max(rows, key=_severity)
                table.add_row(*_cells(worst, where=f"{len(rows)} places" if len(rows) > 1 else None))
        return table


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _by_name(checks: Iterable[Check]) -> dict[tuple[str, str], list[Check]]:
    rows: dict[tuple[str, str], list[Check]] = {}
    for check in checks:
        rows.setdefault((check.group, check.name), []).append(check)
    return rows


def _severity(check: Check) -> float:
    """How near to its limit a check came."""
    if check.measured is None or not check.limit:
        return 0.0
    return check.measured / check.limit


def _cells(check: Check, *, where: str | None = None) -> tuple[str | Text, ...]:
    place = where or "/".join(part for part in (check.system, check.granularity) if part) or "store"
    colour = "green" if check.passed else "bold red"
    numbers = ["" if number is None else f"{number:.3g}" for number in (check.measured, check.limit)]
    return (check.name, check.group, place, Text(check.verdict, style=colour), *numbers, Text(check.message))
