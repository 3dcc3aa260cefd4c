"""What `attractory check` says: a finding for each promise of an entry, a result for each entry, all results together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

MOST_TAGS = 16  # rows of the table; the document has them all


@dataclass(frozen=True)
class Finding:
    """One promise of an entry: whether it is kept, and in a sentence what was found."""

    name: str
    passed: bool
    message: str

    def document(self) -> dict[str, Any]:
        return {"name": self.name, "verdict": "pass" if self.passed else "fail", "message": self.message}


@dataclass(frozen=True)
class Result:
    """All findings of one entry; `seconds` of one core are no part of what was found."""

    name: str
    kind: str
    behaviour: str
    tags: tuple[str, ...]
    findings: tuple[Finding, ...]
    seconds: float

    @property
    def passed(self) -> bool:
        return all(finding.passed for finding in self.findings)

    @property
    def failures(self) -> tuple[str, ...]:
        return tuple(finding.message for finding in self.findings if not finding.passed)

    def document(self) -> dict[str, Any]:
        found = asdict(self) | {"tags": list(self.tags), "verdict": "pass" if self.passed else "fail", "seconds": round(self.seconds, 3)}
        del found["findings"]
        return found | {"checks": [finding.document() for finding in self.findings]}


@dataclass(frozen=True)
class Checked:
    """Entries that can be read, in the order of their files, each with its result."""

    results: tuple[Result, ...]

    @property
    def systems(self) -> tuple[str, ...]:
        return tuple(result.name for result in self.results)

    @property
    def failures(self) -> tuple[str, ...]:
        return tuple(line for result in self.results for line in result.failures)

    def counts(self) -> dict[str, dict[str, int]]:
        """How many entries are of each kind, behaviour and tag; the most frequent first."""
        return {
            "kind": _counted(result.kind for result in self.results),
            "behaviour": _counted(result.behaviour for result in self.results),
            "tag": _counted(tag for result in self.results for tag in result.tags),
        }

    def document(self) -> dict[str, Any]:
        return {
            "systems": list(self.systems),
            "failures": list(self.failures),
            "counts": self.counts(),
            "entries": [result.document() for result in self.results],
        }

    def page(self) -> list[Any]:
        """For a terminal: a line for each failure, what was checked, and how it went."""
        seconds = sum(result.seconds for result in self.results)
        failed = sum(not result.passed for result in self.results)
        end = (
            f"{_number(len(self.systems), 'system')} checked in {seconds:.1f} s of one core, {failed} failed, {len(self.failures)} problems"
        )
        return [*self.failures, self.table(), end]

    def table(self) -> Table:
        """Kinds, behaviours and tags, with how many entries each has and how many of them fail."""
        from rich.table import Table

        table = Table("by", "", "entries", "failed", "seconds")
        for heading, rows in (("kind", self._by_kind()), ("behaviour", self._by_behaviour()), ("tag", self._by_tag())):
            for name, members in rows:
                seconds = sum(member.seconds for member in members)
                table.add_row(heading, name, str(len(members)), str(sum(not member.passed for member in members)), f"{seconds:.1f}")
                heading = ""
            table.add_section()
        return table

    def _by_kind(self) -> list[tuple[str, list[Result]]]:
        return [(kind, [result for result in self.results if result.kind == kind]) for kind in self.counts()["kind"]]

    def _by_behaviour(self) -> list[tuple[str, list[Result]]]:
        return [(name, [result for result in self.results if result.behaviour == name]) for name in self.counts()["behaviour"]]

    def _by_tag(self) -> Iterator[tuple[str, Sequence[Result]]]:
        tags = list(self.counts()["tag"])
        for tag in tags[:MOST_TAGS]:
            yield tag, [result for result in self.results if tag in result.tags]
        if rest := set(tags[MOST_TAGS:]):
            yield f"{len(rest)} more", [result for result in self.results if rest & set(result.tags)]


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items(), key=lambda item: (-item[1], item[0])))


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
