"""The verdicts on a terminal fit a screen, and say where the rest is."""

from __future__ import annotations

import io

from rich.console import Console

from attractory.stages.report.terminal import screen
from attractory.stages.validate.report import Report, Subject


def shown(report: Report, *, width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    for part in screen(report, folder="data/report"):
        console.print(part, soft_wrap=isinstance(part, str))
    return console.file.getvalue().splitlines()


def test_a_thousand_failures_fit_a_screen():
    """Forty lines of a terminal of 100 columns, though each message is long; the first eight failures, and how many more there are."""
    groups = ("numbers", "truth", "splits", "labels", "store")
    checks = tuple(Subject(f"check{n}", groups[n % 5], f"System{n}", "fine").measured(2.0 + n, 1.0, "long " * 100) for n in range(1000))
    lines = shown(Report("large", checks), width=100)
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 130  # the last line names a folder, and is not cut
    text = "\n".join(lines)
    assert "992 failed checks more in the report." in text
    assert "check7" in text
    assert "data/report/report.html" in text


def test_every_group_has_its_counts_and_its_worst_number(report):
    """And a stranger's escape sequences do not reach the terminal."""
    text = "\n".join(shown(report, width=160))
    assert "✗ fail" in text
    assert "3 pass, 1 not enough data, 2 fail, 1 error" in text
    assert "reintegration, Fourfold / fine: 0.003 of 1e−6" in text
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_a_pass_is_a_few_lines():
    """The verdict, the table of groups, the folder."""
    lines = shown(Report("s", (Subject("range", "numbers", "A", "fine").measured(1.0, 2.0, "fine"),)), width=100)
    assert lines[0].startswith("✓ pass")
    assert len(lines) == 7
