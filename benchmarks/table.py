"""What is required beside what was measured, and tables in plain text."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Requirement:
    """One line of the verdict: a measured number that must be at least, or at most, the bound."""

    name: str
    measured: float
    bound: float
    at_least: bool = True
    unit: str = ""

    @property
    def met(self) -> bool:
        return self.measured >= self.bound if self.at_least else self.measured <= self.bound

    def cells(self) -> list[str]:
        sign = ">=" if self.at_least else "<="
        return [
            self.name,
            f"{number(self.measured)}{self.unit}",
            f"{sign} {number(self.bound)}{self.unit}",
            "met" if self.met else "MISSED",
        ]


def number(value: float) -> str:
    """Three figures, or all before the point, thousands apart: 3.84, 1,024, 185,312."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table that reads well as text: the first column to the left, the others to the right."""
    cells = [list(heads), *[list(row) for row in rows]]
    widths = [max(len(row[place]) for row in cells) for place in range(len(heads))]
    rule = ["-" * widths[0], *["-" * (width - 1) + ":" for width in widths[1:]]]
    return "\n".join(_line(row, widths) for row in [cells[0], rule, *cells[1:]])


def requirement_table(requirements: Sequence[Requirement]) -> str:
    return table(["required", "measured", "bound", "verdict"], [requirement.cells() for requirement in requirements])


def options(description: str | None) -> argparse.ArgumentParser:
    """What every script here takes."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small sizes and one round: does it run at all?")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to put the numbers")
    return parser


def write(path: Path | None, rows: Sequence[Any], requirements: Sequence[Requirement]) -> None:
    """Rows (records) and requirements as JSON, if a file is asked for."""
    if path is not None:
        plain = {"rows": [asdict(row) for row in rows], "requirements": [asdict(requirement) for requirement in requirements]}
        path.write_text(json.dumps(plain, indent=1) + "\n")


def read_requirements(path: Path) -> list[Requirement]:
    return [Requirement(**requirement) for requirement in json.loads(path.read_text())["requirements"]]


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [row[0].ljust(widths[0]), *[cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]]
    return "| " + " | ".join(cells) + " |"
