"""The text of docs/invariants/tables/truth.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pages import markdown, numbers
from truth_rows import Comparison

PAGE = """\
# Against published values, closed forms and another program

{count} rows: invariants of {systems} systems that were published, are known in closed form, or were computed at length by a program
that shares nothing with this one (`benchmarks/annotations/truth.json`, with each row's source). Measured here with {effort} core
seconds a system at most, counted as `attractory annotate` counts them. Written by `python benchmarks/annotations/truth.py`.

**{within} of {count} rows ({share:.1%}) are within three combined standard errors**, {outside} are not; each of these is explained
below.{missing}

{origins}

How they are compared:
- What is measured is the catalog's entry or variant with the row's equations and parameters. Where there is none, or where volumes are
  kept, so that the exponents belong to the initial state, it is the row's equations from the row's state.
- The combined error is the root of the sum of the squares of ours and the row's, and of 1e-8 of the row's largest number: ten times the
  tolerance of a step of the integration.
- The error of a published number is half its last printed digit, counted as if it were a standard error. It says nothing about how the
  number was computed.
- Of a spectrum the exponent that is furthest off decides; by chance alone one number in 370 is outside three errors.
- A mean divergence that was computed along one orbit comes without an error: it is given ours, times the root of our time over that
  orbit's.
- The rows of delay systems say that at half their step the leading exponent moves by up to 4 %: that is added to its error.
- On tori, and where a cascade of doublings ends, neighbours part by a power of the time T: exponents go to zero as log(T) / T, and no
  scatter shows it. Where the exponents' sum is zero, a third of that is the least error of an exponent which is no larger.

Numbers have the error of their last digits in brackets: 0.9047(11) is 0.9047 ± 0.0011.

## Outside three errors

{explained}

## Within, with a remark

{remarks}

## Every row

`furthest` is the exponent that is furthest off, `errors` its difference (ours less theirs) in combined standard errors.

{table}
"""
NAMES = {
    "lyapunov_spectrum": "exponents",
    "lyapunov_exponents_leading": "leading exponents",
    "lyapunov_exponent": "leading exponent",
    "kaplan_yorke_dimension": "D_KY",
    "mean_divergence": "mean divergence",
}


HEADS = ("system", "measured as", "quantity", "ours", "theirs", "origin", "furthest", "difference", "errors", "within three")


def page(comparisons: Sequence[Comparison], explained: Mapping[str, str], *, efforts: Sequence[float], missing: int) -> str:
    """The whole page.

    Args:
        efforts: the budgets of the measurements, in core seconds.
        missing: how many rows belong to systems that are not measured yet.
    """
    outside = [one for one in comparisons if not one.within]
    return PAGE.format(
        count=len(comparisons),
        systems=len({one.row["system"] for one in comparisons}),
        effort=" to ".join(f"{effort:g}" for effort in sorted({min(efforts, default=0.0), max(efforts, default=0.0)})),
        within=len(comparisons) - len(outside),
        share=1.0 - len(outside) / max(len(comparisons), 1),
        outside=len(outside),
        missing=f" {missing} rows more are not measured yet." if missing else "",
        origins=_origins(comparisons),
        remarks="\n".join(_paragraph(one, explained) for one in comparisons if one.within and one.name in explained) or "None.",
        explained="\n".join(_paragraph(one, explained) for one in outside) or "None.",
        table=markdown(HEADS, [_cells(one) for one in comparisons]),
    )


def _origins(comparisons: Sequence[Comparison]) -> str:
    """How many rows of each origin there are, and how many of them are within."""
    rows = []
    for origin in sorted({str(one.row["origin"]) for one in comparisons}):
        within = [one.within for one in comparisons if one.row["origin"] == origin]
        rows.append([origin, str(len(within)), str(sum(within))])
    return markdown(("origin", "rows", "within"), rows)


def _paragraph(one: Comparison, explained: Mapping[str, str]) -> str:
    """What is outside, by how much, whose it is, and why."""
    what = f"{one.row['system']}, {NAMES.get(one.row['quantity'], one.row['quantity'])}"
    theirs = numbers(one.theirs, one.their_errors)
    ours = numbers(one.ours, one.our_errors)
    why = explained.get(one.name, "No explanation yet.")
    return f"- **{what}** ({one.row['source']}): {theirs}; ours {ours}, {one.in_errors:+.1f} errors. {why}"


def _cells(one: Comparison) -> list[str]:
    place = f"λ{one.place + 1}" if len(one.theirs) > 1 else ""
    return [
        str(one.row["system"]),
        one.measured_as,
        NAMES.get(one.row["quantity"], str(one.row["quantity"])),
        numbers(one.ours, one.our_errors),
        numbers(one.theirs, one.their_errors),
        str(one.row["origin"]),
        place,
        f"{one.difference:+.1e}",
        f"{one.in_errors:+.1f}",
        "yes" if one.within else "**no**",
    ]
