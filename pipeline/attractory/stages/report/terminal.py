"""The verdicts on a terminal: as much as a screen holds, and where the rest is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from attractory.stages.report.plain import counted, number, plain
from attractory.stages.report.verdicts import ORDER, SIGNS, Place, failed_first, share, where
from attractory.stages.validate.report import Check, Report, Verdict

MOST_FAILURES = 8  # rows: with the groups and the frames, some thirty lines
_COLOURS: dict[Verdict, str] = {"pass": "green", "not enough data": "yellow", "fail": "bold red", "error": "bold red"}


def screen(report: Report, *, folder: str) -> list[Any]:
    """Lines and rich's tables: the verdict, the groups, the first failures, and the folder in which the report lies."""
    counts = report.counts
    said = ", ".join(f"{counts[verdict]} {verdict}" for verdict in reversed(ORDER) if counts[verdict]) or "nothing was looked at"
    head = Text.assemble((f"{SIGNS[report.verdict]} {report.verdict}", _COLOURS[report.verdict]), f"  {plain(report.store)}: {said}")
    failures = failed_first(report.checks)
    shown: list[Any] = [head, _groups(report.checks)]
    if failures:
        shown.append(_failures(failures[:MOST_FAILURES]))
    more = len(failures) - MOST_FAILURES
    shown += [f"{counted(more, 'failed check')} more in the report."] if more > 0 else []
    shown += [f"left out: {', '.join(plain(left.name) for left in report.left_out[:6])}"] if report.left_out else []
    end = f"{plain(folder)}/report.html: what each check measured, and what to do; beside it report.json, junit.xml, metrics.json."
    return [*shown, end]


def _groups(checks: Sequence[Check]) -> Table:
    table = Table("group", *({"not enough data": "too few"}.get(verdict, verdict) for verdict in reversed(ORDER)), "nearest to its limit")
    for group in dict.fromkeys(check.group for check in checks):
        own = [check for check in checks if check.group == group]
        counts = Place(group, tuple(own)).counts
        cells = [Text(str(counts[verdict]) if counts[verdict] else "", style=_COLOURS[verdict]) for verdict in reversed(ORDER)]
        nearest = max((check for check in own if share(check)), key=lambda check: share(check) or 0.0, default=None)
        text = "" if nearest is None else f"{plain(nearest.name)}, {where(nearest)}: {_numbers(nearest)}"
        table.add_row(group, *cells, _line(text))
    return table


def _failures(failures: Sequence[Check]) -> Table:
    table = Table("failed check", "where", "measured", "limit", "found")
    for check in failures:
        numbers = ["" if value is None else number(value) for value in (check.measured, check.limit)]
        name = Text(f"{SIGNS[check.verdict]} {plain(check.name)}", style=_COLOURS[check.verdict])
        table.add_row(name, Text(where(check)), *numbers, _line(plain(check.message, most=300)))
    return table


def _numbers(check: Check) -> str:
    return f"{number(check.measured)} of {number(check.limit)}"


def _line(text: str) -> Text:
    """One line of a cell, cut where the terminal ends."""
    return Text(text, no_wrap=True, overflow="ellipsis")
