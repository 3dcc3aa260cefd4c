"""The text of docs/invariants/tables/dysts.md."""

from __future__ import annotations

from collections.abc import Sequence

from dysts_rows import Cell, Row
from pages import markdown, with_error

SMALL, LARGE, HALF = 0.05, 0.2, 0.5
SURE = 0.01  # of a number: our own errors above it are counted too
CALLED = {
    "spectrum": "leading exponent of its spectrum",
    "maximum": "its other estimate of the leading exponent",
    "D_KY": "Kaplan-Yorke dimension",
    "D2": "correlation dimension",
}
HEADS = (
    *("system", "compared"),
    *("leading exponent: ours", "dysts", "difference", "other estimate of dysts", "difference"),
    *("D_KY: ours", "dysts", "difference"),
    *("D2: ours", "dysts", "difference"),
)
PAGE = """\
# The annotations of dysts

The dysts database 0.96 (William Gilpin, [github.com/GilpinLab/dysts](https://github.com/GilpinLab/dysts), Apache-2.0) stores invariants
of its flows and delay systems, without errors (`benchmarks/annotations/dysts.json`). Here they stand beside ours, for the same
equations and parameters. Written by `python benchmarks/annotations/against_dysts.py`.

Of {count} systems {compared} are compared, {regular} are regular or chaotic for a while only, and {left} are left out.

{summary}

Relative differences are theirs less ours, as a part of ours. `our error over 1 %` counts the numbers of ours that are themselves so
uncertain.

How they are compared:
- An entry whose equations and parameters are those of dysts stands for itself. Where it follows a publication instead, its variant
  `dysts` has what the database has ([differences.md](../../differences.md) says in what they differ, and that the equations agree to
  1e-12), and the variant is compared.
- Where the initial state that dysts has leads to other motion than the entry's, the numbers belong to different things, and the row is
  left out.
- Where ours is regular, or its chaos does not last, a relative difference says nothing: those rows have a table of their own.
- Delay systems have infinitely many exponents; dysts' belong to coordinates in which it embeds them.

Numbers have the error of their last digits in brackets: 0.9047(11) is 0.9047 ± 0.0011.

## The table

{table}

## Regular here, or chaotic for a while only

{regulars}

## Left out

{lefts}
"""


def page(rows: Sequence[Row]) -> str:
    """The whole page."""
    left = [row for row in rows if row.left_out]
    regular = [row for row in rows if row.regular]
    both = [row for row in rows if not row.left_out and not row.regular]
    return PAGE.format(
        count=len(rows),
        compared=len(both),
        regular=len(regular),
        left=len(left),
        summary=_summary(both),
        table=markdown(HEADS, [_cells(row) for row in both]),
        regulars=markdown(
            ("system", "compared", "here", "leading exponent: ours", "dysts", "D_KY: ours", "dysts"), [_regular(row) for row in regular]
        ),
        lefts=markdown(("system", "why"), [[row.name, row.left_out] for row in left]),
    )


def _summary(rows: Sequence[Row]) -> str:
    """How many differ by how much, a line for each column."""
    lines = []
    for column, called in CALLED.items():
        cells = [row.cells[column] for row in rows]
        found = [abs(cell.relative) for cell in cells if cell.relative is not None]
        unsure = sum(cell.relative is not None and (cell.error or 0.0) > SURE * abs(cell.value or 0.0) for cell in cells)
        over = [str(sum(one > bound for one in found)) for bound in (SMALL, LARGE, HALF)]
        lines.append([called, str(len(found)), *over, str(unsure)])
    return markdown(("of dysts", "compared", "off by over 5 %", "over 20 %", "over 50 %", "our error over 1 %"), lines)


def _cells(row: Row) -> list[str]:
    cells = [row.name, row.of]
    for column in CALLED:
        cell = row.cells[column]
        cells += [] if column == "maximum" else [_ours(cell)]  # the same number of ours as in `spectrum`
        cells += [_theirs(cell), "" if cell.relative is None else f"{100 * cell.relative:+.1f} %"]
    return cells


def _regular(row: Row) -> list[str]:
    leading, dimension = row.cells["spectrum"], row.cells["D_KY"]
    return [row.name, row.of, row.regular, _ours(leading), _theirs(leading), _ours(dimension), _theirs(dimension)]


def _ours(cell: Cell) -> str:
    return "" if cell.value is None else with_error(cell.value, cell.error)


def _theirs(cell: Cell) -> str:
    return "" if cell.theirs is None else f"{cell.theirs:.4g}"
