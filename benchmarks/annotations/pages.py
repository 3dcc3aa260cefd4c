"""Markdown for the pages of docs/invariants/tables/: numbers with their errors, tables, files."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs" / "invariants" / "tables"
_LONGEST = 4  # numbers of a list that are written out


def with_error(value: float, error: float | None) -> str:
    """0.9047(11) for 0.9047 ± 0.0011: the error in units of the last digit. Without an error six digits, an exact zero as 0."""
    if value == 0.0 and not error:
        return "0"
    if error is None or not math.isfinite(error) or error < 1e-12 * max(abs(value), 1.0):
        return f"{value:.6g}"
    digits = max(1 - math.floor(math.log10(error)), 0)
    small = f"{round(error * 10**digits)}" if error < 1.0 else f"{error:.2g}"
    return f"{value:.{digits}f}({small})"


def numbers(values: Sequence[float], errors: Sequence[float | None]) -> str:
    """Values with their errors; of long lists the first ones and how many there are."""
    shown = [with_error(value, error) for value, error in zip(values[:_LONGEST], errors[:_LONGEST], strict=True)]
    return ", ".join(shown) + (f", … ({len(values)})" if len(values) > _LONGEST else "")


def markdown(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; a bar within a cell is written so that it ends no cell."""
    lines = [list(heads), ["---"] * len(heads), *[[cell.replace("|", r"\|") for cell in row] for row in rows]]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def write(name: str, text: str, *, folder: Path = PAGES) -> Path:
    """The page, written; a folder that is not there is made."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text.rstrip("\n") + "\n", encoding="utf-8")
    return path


def shown(path: Path) -> str:
    """A path as a reader of the checkout writes it."""
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)
