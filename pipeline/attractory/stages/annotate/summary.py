"""What `annotate` and its recheck come to: a record for each entry, lines for a terminal, a document for programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from attractory.catalog.record import SystemRecord

_MOST_SHOWN = 4  # entries of which every quantity is printed
_MOST_LISTED = 12  # lines of one kind; the document has them all


@dataclass(frozen=True)
class Measured:
    """What a worker gives back of one entry: quantity -> mapping as it is written, and the seconds it took."""

    invariants: Mapping[str, Mapping[str, Any]]
    seconds: Mapping[str, float]


@dataclass(frozen=True)
class Annotation:
    """What stands in one entry now; without seconds it was current and stood there before."""

    system: str
    path: str
    invariants: Mapping[str, Mapping[str, Any]]
    seconds: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def kept(cls, record: SystemRecord) -> Annotation:
        held = {name: item.model_dump(exclude_none=True) for name, item in record.invariants.items()}
        return cls(record.name, record.source.path, held)

    @property
    def unreached(self) -> bool:
        """Whether the budget was spent before the wanted errors were reached."""
        settings = self.invariants.get("lyapunov_spectrum", {}).get("settings", {})
        return not settings.get("reached", True)

    def lines(self) -> list[str]:
        lines = [f"{self.system}: " + (f"written to {self.path}" if self.seconds else "current; --again computes it anew")]
        for name, item in self.invariants.items():
            took = f" ({self.seconds[name]:.1f} s)" if name in self.seconds else ""
            lines.append(f"  {name.replace('_', ' ')}: {_shown(item)}{took}")
        if "lyapunov_spectrum" not in self.invariants:
            lines.append("  no exponents: they go on changing with the length of the run")
        return [*lines, "  the wanted errors were not reached within the budget"] if self.unreached else lines


@dataclass(frozen=True)
class Failure:
    """An entry that could not be measured or written, and why."""

    system: str
    path: str
    message: str


@dataclass(frozen=True)
class AnnotateSummary:
    """The outcome of `annotate`, in the order of the entries asked for."""

    entries: tuple[Annotation | Failure, ...]

    @property
    def annotations(self) -> tuple[Annotation, ...]:
        return tuple(item for item in self.entries if isinstance(item, Annotation))

    @property
    def failures(self) -> tuple[Failure, ...]:
        return tuple(item for item in self.entries if isinstance(item, Failure))

    def document(self) -> dict[str, Any]:
        """For `--json`: system -> quantity -> value, error, method and settings; or system -> {"error": why}."""
        found: dict[str, Any] = {item.system: {"error": item.message} for item in self.failures}
        return found | {item.system: {name: dict(invariant) for name, invariant in item.invariants.items()} for item in self.annotations}

    def lines(self) -> list[str]:
        """For a terminal, a screen at most."""
        failed = [f"{item.system}: not annotated: {item.message}" for item in self.failures]
        if len(self.entries) <= _MOST_SHOWN:
            return [*(line for item in self.annotations for line in item.lines()), *failed]
        made = [item for item in self.annotations if item.seconds]
        core_minutes = sum(sum(item.seconds.values()) for item in made) / 60
        counted = f"{len(made)} annotated, {len(self.annotations) - len(made)} current, {len(failed)} failed"
        unreached = [item.system for item in self.annotations if item.unreached]
        lines = [f"{counted}; about {core_minutes:.0f} core minutes"]
        if unreached:
            lines.append(f"budget spent before the wanted errors: {len(unreached)}: {_listed(unreached)}")
        return [*lines, *_cut(failed)]


@dataclass(frozen=True)
class Comparison:
    """One number of an annotation beside the same of another seed; `errors` is their difference in combined standard errors."""

    quantity: str
    annotated: float
    annotated_error: float
    found: float
    found_error: float
    errors: float
    agrees: bool

    def line(self) -> str:
        before, now = f"{self.annotated:.6g} ± {self.annotated_error:.2g}", f"{self.found:.6g} ± {self.found_error:.2g}"
        return f"{self.quantity.replace('_', ' ')}: annotated {before}, now {now}: {self.errors:.1f} errors"

    def document(self) -> dict[str, Any]:
        return dict(vars(self)) | {"verdict": "pass" if self.agrees else "fail"}


@dataclass(frozen=True)
class Recheck:
    """One entry looked at again; `problem` where there was nothing to compare, or too much."""

    system: str
    comparisons: tuple[Comparison, ...] = ()
    problem: str | None = None

    @property
    def passed(self) -> bool:
        return self.problem is None and all(item.agrees for item in self.comparisons)

    @property
    def worst(self) -> float:
        return max((item.errors for item in self.comparisons), default=0.0)

    def failures(self) -> list[str]:
        if self.problem is not None:
            return [f"{self.system}: {self.problem}"]
        return [f"{self.system}: {item.line()}" for item in self.comparisons if not item.agrees]


@dataclass(frozen=True)
class RecheckSummary:
    """The outcome of `annotate --check`."""

    entries: tuple[Recheck, ...]
    limit: float

    @property
    def failures(self) -> tuple[str, ...]:
        return tuple(line for item in self.entries for line in item.failures())

    def document(self) -> dict[str, Any]:
        """For `--json`."""
        entries = [
            {
                "system": item.system,
                "verdict": "pass" if item.passed else "fail",
                "message": item.problem or "",
                "quantities": [one.document() for one in item.comparisons],
            }
            for item in self.entries
        ]
        return {"verdict": "fail" if self.failures else "pass", "limit": self.limit, "systems": entries}

    def lines(self) -> list[str]:
        """For a terminal: failures, else the largest differences."""
        good = sum(item.passed for item in self.entries)
        numbers = sum(len(item.comparisons) for item in self.entries)
        head = f"{good} of {len(self.entries)} entries agree within {self.limit:g} standard errors; {numbers} numbers compared"
        if self.failures:
            return [head, *_cut(list(self.failures))]
        worst = sorted(self.entries, key=lambda item: -item.worst)[:_MOST_SHOWN]
        return [head, *(f"  {item.system}: at most {item.worst:.1f} errors" for item in worst)]


def _shown(item: Mapping[str, Any]) -> str:
    pairs = zip(np.ravel(item["value"]), np.ravel(item.get("standard_error", np.nan)), strict=False)
    return ", ".join(f"{value:.6g} ± {error:.2g}" for value, error in pairs)


def _listed(names: list[str]) -> str:
    return ", ".join(names[:_MOST_LISTED]) + (", …" if len(names) > _MOST_LISTED else "")


def _cut(lines: list[str]) -> list[str]:
    more = len(lines) - _MOST_LISTED
    return [*lines[:_MOST_LISTED], *([f"… and {more} more; --json has them all"] if more > 0 else [])]
