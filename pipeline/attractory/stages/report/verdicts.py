"""Verdicts as a reader meets them: where they were found, which come first, and how near to its limit each came."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from attractory.stages.report.plain import plain
from attractory.stages.validate.report import Check, Verdict

# The worst first; what each is called where there is room for a word and a sign, so that colour says nothing alone.
ORDER: tuple[Verdict, ...] = ("error", "fail", "not enough data", "pass")
SIGNS: dict[Verdict, str] = {"error": "!", "fail": "✗", "not enough data": "◌", "pass": "✓"}
STORE = "the store"  # where a check looked that is about no system

_SLUG = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class Place:
    """Verdicts of one system, of the store, or of a group."""

    name: str
    checks: tuple[Check, ...]

    @property
    def worst(self) -> Verdict:
        return min((check.verdict for check in self.checks), key=ORDER.index, default="pass")

    @property
    def counts(self) -> Counter[str]:
        return Counter(check.verdict for check in self.checks)

    def nearest(self, most: int) -> tuple[Check, ...]:
        """The first that have a number and a limit."""
        return tuple(check for check in self.checks if check.measured is not None and check.limit is not None)[:most]


def places(checks: Iterable[Check]) -> list[Place]:
    """The store and each system, those with the worst verdict first, and the worst of their checks first."""
    made = [Place(name, tuple(sorted(rows, key=_severity))) for name, rows in by_place(checks).items()]
    return sorted(made, key=lambda place: ORDER.index(place.worst))


def by_place(checks: Iterable[Check]) -> dict[str, list[Check]]:
    """The checks of the store and of each system, in their order."""
    found: dict[str, list[Check]] = {}
    for check in checks:
        found.setdefault(STORE if check.system is None else check.system, []).append(check)
    return found


def failed_first(checks: Iterable[Check]) -> list[Check]:
    """What failed or broke, what broke first."""
    return sorted((check for check in checks if check.failed), key=lambda check: ORDER.index(check.verdict))


def where(check: Check) -> str:
    """As in `Lorenz / fine`."""
    return plain(" / ".join(part for part in (check.system, check.granularity) if part) or STORE)


def share(check: Check) -> float | None:
    """What was measured as a part of its limit: above 1 is too much; of a limit of zero, 0 or infinite. None where nothing was measured."""
    if check.measured is None or check.limit is None:
        return math.inf if check.failed and check.limit is not None else None
    if check.limit > 0.0:
        return check.measured / check.limit
    return 0.0 if check.measured <= check.limit else math.inf


def anchors(checks: Sequence[Check]) -> list[str]:
    """A name in the page for each check, the same as long as the checks are: `truth-reintegration-lorenz-fine`."""
    return list(_unlike(_slug(check) for check in checks))


def _unlike(names: Iterable[str]) -> Iterator[str]:
    seen: Counter[str] = Counter()
    for name in names:
        seen[name] += 1
        yield name if seen[name] == 1 else f"{name}-{seen[name]}"


def _slug(check: Check) -> str:
    parts = (check.group, check.name, check.system or "store", check.granularity or "")
    return "check-" + _SLUG.sub("-", " ".join(plain(part, most=60) for part in parts).lower()).strip("-")


def _severity(check: Check) -> tuple[int, float]:
    """By verdict, then by how near to the limit."""
    near = share(check)
    return ORDER.index(check.verdict), 0.0 if near is None else -near
