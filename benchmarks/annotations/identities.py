"""What theory demands of the annotated invariants, over the whole catalog: docs/invariants/tables/identities.md.

    python benchmarks/annotations/identities.py [--catalog FOLDER] [--worst N] [--out FOLDER]

Reads what `attractory annotate` wrote and computes nothing anew. Exit code 1 where an identity fails.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from annotated import Annotated, entries
from identity_rules import Check, chaos, dimensions, pairs, sums, zeros
from pages import PAGES, markdown, shown, write

WORST = 15


@dataclass(frozen=True)
class Identity:
    """One identity: its rule in words, the columns of its table, and what checks an entry.

    `check` gives the checks of an entry, none where it has not what the identity is about, and a word where an annotation is missing.
    """

    title: str
    rule: str
    heads: tuple[str, ...]
    check: Callable[[Annotated], Sequence[Check] | str]


IDENTITIES = (
    Identity(
        "The sum of the exponents is the mean divergence",
        """Of flows and maps whose whole spectrum is annotated. `difference` is the sum less the mean divergence, in `errors` of the
root of the sum of the squares of all exponents' errors, the divergence's and 1e-8 of the exponents' sizes (ten times the
tolerance of a step): within three, and beyond four it fails. Exponents are not independent, and where the divergence is
one number at every state their errors cancel in the sum: `part` is the difference as a part of the exponents' sizes.""",
        ("sum", "mean divergence", "difference", "part"),
        sums,
    ),
    Identity(
        "A flow without explicit time has a zero exponent",
        """Of flows whose behaviour is chaotic and whose equations do not contain the time. An exponent counts as zero within three
standard errors, or where volumes are kept below log(T) / T (the rule of [`zero_exponents`](../lyapunov_spectrum.md)); one
is expected, and another one for each conserved quantity. `nearest` is the exponent nearest to zero, in `errors` of its
own. Where only the leading exponents are annotated and all of them are positive, the zero one may come later.""",
        ("nearest", "part of the leading one", "zero", "expected"),
        zeros,
    ),
    Identity(
        "Exponents in pairs",
        """Of whole spectra of systems that are tagged `hamiltonian`, and of those whose Jacobian A keeps a constant symplectic form
W up to one rate c at random states, A'W + WA = c W, for maps J'WJ = s W with c = log |s| (W is looked for, see
`benchmarks/annotations/pairing.py`; equations that jump with the state are left out): the first and the last exponent add
up to c, the second and the last but one, and so on; c = 0 where volumes are kept. Conservative systems that are not of
this kind have no such pairs but by other symmetries. `errors` is the largest difference of a pair from c, in the root of
the sum of the squares of the two errors and of 1e-8 of the largest exponent: within three, and beyond four it fails.""",
        ("pair", "sum", "c", "difference", "rule"),
        pairs,
    ),
    Identity(
        "D2 <= D1 <= D_KY",
        """The correlation dimension is no larger than the information dimension, for any measure, and that is no larger than the
Kaplan-Yorke dimension. `errors` is the excess in the root of the sum of the squares of both errors; at most three.""",
        ("which", "smaller", "larger", "excess"),
        dimensions,
    ),
    Identity(
        "What is chaotic has a positive exponent",
        """Of entries whose behaviour is chaotic, hyperchaotic or conservative_chaotic (what is chaotic for a while only is left
out): the leading exponent is above zero by at least five of its standard errors. `errors` is by how many it is.""",
        ("leading exponent", "standard error"),
        chaos,
    ),
)
PAGE = """\
# Identities of the annotated invariants

What theory demands of the numbers that `attractory annotate` wrote into the catalog's {count} entries, {annotated} of which have a
spectrum. Written by `python benchmarks/annotations/identities.py`, which exits 1 where one fails. Of some hundred systems one or two
may be outside three standard errors by chance. Numbers have the error of their last digits in brackets: 0.9047(11) is 0.9047 ± 0.0011.
The worst cases come first.

{summary}

What is annotated, of {count} entries ({budget} of the spectra ended with their budget and carry the error that was reached):

{coverage}

{sections}
"""
QUANTITIES = (
    "lyapunov_spectrum",
    "kaplan_yorke_dimension",
    "ks_entropy",
    "mean_divergence",
    "correlation_dimension",
    "information_dimension",
)
SECTION = """\
## {title}

{rule}

{checked} systems checked, {within} within.{missing}

{table}
"""


@dataclass(frozen=True)
class Outcome:
    """An identity over a catalog: its checks, the worst first, and why entries could not be checked."""

    identity: Identity
    checks: tuple[Check, ...]
    missing: dict[str, int]

    @property
    def systems(self) -> set[str]:
        return {check.system for check in self.checks}

    @property
    def within(self) -> int:
        """How many systems are within in all of their checks."""
        return len(self.systems - {check.system for check in self.checks if not check.within})

    @property
    def failing(self) -> list[Check]:
        return [check for check in self.checks if check.fails]


def outcome(identity: Identity, annotated: Sequence[Annotated]) -> Outcome:
    """The identity checked on every entry."""
    checks: list[Check] = []
    missing: dict[str, int] = {}
    for entry in annotated:
        found = identity.check(entry)
        if isinstance(found, str):
            missing[found] = missing.get(found, 0) + 1
        else:
            checks += found
    return Outcome(identity, tuple(sorted(checks, key=lambda check: (not check.fails, -check.badness, check.system))), missing)


def section(found: Outcome, worst: int) -> str:
    """The identity's part of the page; everything that is outside is in its table."""
    rows = [[check.system, *check.cells, f"{check.errors:.1f}", _verdict(check)] for check in found.checks]
    outside = sum(not check.within for check in found.checks)
    table = markdown(("system", *found.identity.heads, "errors", ""), rows[: max(worst, outside)])
    missing = "; ".join(f"{count} {why}" for why, count in sorted(found.missing.items()))
    return SECTION.format(
        title=found.identity.title,
        rule=found.identity.rule,
        checked=len(found.systems),
        within=found.within,
        missing=f" Not checked: {missing}." if missing else "",
        table=table,
    )


def _verdict(check: Check) -> str:
    return "**fails**" if check.fails else ("" if check.within else "outside")


def page(outcomes: Sequence[Outcome], annotated: Sequence[Annotated], worst: int) -> str:
    """The whole page."""
    rows = [[one.identity.title, str(len(one.systems)), str(one.within), str(len(one.failing))] for one in outcomes]
    return PAGE.format(
        count=len(annotated),
        annotated=sum(one.has("lyapunov_spectrum") for one in annotated),
        budget=sum(one.has("lyapunov_spectrum") and _ended_with_budget(one) for one in annotated),
        coverage=_coverage(annotated),
        summary=markdown(("identity", "systems", "within", "fail"), rows),
        sections="\n".join(section(one, worst) for one in outcomes),
    )


def _ended_with_budget(entry: Annotated) -> bool:
    """Under either name that annotations have had for it."""
    reached = entry.setting("lyapunov_spectrum", "reached", default=True)
    return bool(entry.setting("lyapunov_spectrum", "budget_reached", default=not reached))


def _coverage(annotated: Sequence[Annotated]) -> str:
    """How many entries have each quantity."""
    counts = [(quantity, sum(one.has(quantity) for one in annotated)) for quantity in QUANTITIES]
    rows = [[quantity, str(count), str(len(annotated) - count)] for quantity, count in counts]
    return markdown(("quantity", "annotated", "missing"), rows)


def main(arguments: list[str] | None = None) -> int:
    """Writes the page, and says what fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--catalog", type=Path, metavar="FOLDER", help="another catalog than the checkout's")
    parser.add_argument("--worst", type=int, default=WORST, metavar="N", help=f"rows of a table ({WORST}); what is outside is always there")
    parser.add_argument("--out", type=Path, default=PAGES, metavar="FOLDER")
    chosen = parser.parse_args(arguments)
    annotated = list(entries(chosen.catalog))
    outcomes = [outcome(identity, annotated) for identity in IDENTITIES]
    print(f"written: {shown(write('identities.md', page(outcomes, annotated, chosen.worst), folder=chosen.out))}")
    failing = [(one.identity.title, check) for one in outcomes for check in one.failing]
    for title, check in failing:
        print(f"{title}: {check.system} ({', '.join(check.cells)}; {check.errors:.1f} errors)", file=sys.stderr)
    return int(bool(failing))


if __name__ == "__main__":
    sys.exit(main())
