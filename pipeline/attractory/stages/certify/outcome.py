"""What certifying found, per system: the numbers, the attributes of the stored array, the table for a terminal."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table
from rich.text import Text

from attractory.layout import CERTIFIED_TOLERANCE, Certificate
from attractory.store.certificate import SystemCertificate

KNOWN = (Certificate.UNTIL, Certificate.WHOLE, Certificate.AT_LEAST)
# What is lost at a step of a double's arithmetic, relative: half a unit in the last place.
ROUNDING = 2.0**-53


@dataclass(frozen=True)
class SystemOutcome:
    """One system. `certificate` is None where it cannot be certified at all, and `reasons` counts the sentences that say why."""

    system: str
    asked: int
    certificate: SystemCertificate | None
    lyapunov_time: float | None
    reasons: Mapping[str, int] = field(default_factory=dict)

    def count(self, *codes: Certificate) -> int:
        return 0 if self.certificate is None else int(np.isin(self.certificate.certificate, codes).sum())

    @property
    def looked_at(self) -> int:
        """Trajectories that were ever asked for: in this run, and in earlier ones whose answers the store holds."""
        return self.asked if self.certificate is None else len(self.certificate.certificate) - self.count(Certificate.NOT_ASKED)

    @property
    def failed(self) -> bool:
        """Whether a trajectory is spoilt, or was asked for and is not known."""
        return self.certificate is None or self.count(Certificate.SPOILT, Certificate.NO_REFERENCE) > 0

    @property
    def numbers(self) -> dict[str, Any]:
        """Counts and times, as they stand in the attributes of `accurate_until` and in the JSON document."""
        found: dict[str, Any] = {
            "certified": self.count(*KNOWN),
            "whole": self.count(Certificate.WHOLE),
            "at_least": self.count(Certificate.AT_LEAST),
            "spoilt": self.count(Certificate.SPOILT),
            "no_reference": self.count(Certificate.NO_REFERENCE),
        }
        if self.certificate is not None and found["certified"]:
            found |= _times(self.certificate, self.lyapunov_time)
        return found

    @property
    def spoilt(self) -> list[int]:
        return [] if self.certificate is None else np.flatnonzero(self.certificate.certificate == Certificate.SPOILT).tolist()

    def document(self) -> dict[str, Any]:
        return {
            "asked": self.asked,
            "looked_at": self.looked_at,
            **self.numbers,
            "spoilt_trajectories": self.spoilt,
            "reasons": dict(self.reasons),
        }


@dataclass(frozen=True)
class Outcome:
    """All systems of a store."""

    store: Path
    systems: tuple[SystemOutcome, ...]

    @property
    def failed(self) -> bool:
        return any(system.failed for system in self.systems)

    def document(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "store": str(self.store),
            "verdict": "fail" if self.failed else "pass",
            "relative_tolerance": CERTIFIED_TOLERANCE,
            "systems": {system.system: system.document() for system in self.systems},
        }

    def page(self) -> list[Any]:
        """One screen for a person."""
        return [self._table(), *(line for system in self.systems for line in _sentences(system))]

    def _table(self) -> Table:
        title = f"{self.store}: until when stored samples are the true solution to {CERTIFIED_TOLERANCE:g}"
        names = ("system", "certified", "shortest", "median", "shortest / T", "median / T", "expected / T", "median / expected", "verdict")
        table = Table(*names, title=title, caption="T is the Lyapunov time; expected is ln(1e-6 / rounding); ≥: the samples end first")
        for system in self.systems:
            table.add_row(*_cells(system))
        return table


def expected_lyapunov_times() -> float:
    """How many Lyapunov times an error of a double's rounding needs to grow to the tolerance."""
    return math.log(CERTIFIED_TOLERANCE / ROUNDING)


def reasons_of(found: Counter[str]) -> dict[str, int]:
    return dict(sorted(found.items()))


def _times(certificate: SystemCertificate, lyapunov_time: float | None) -> dict[str, Any]:
    """Shortest and median accurate time of what is known and not spoilt."""
    known = np.isin(certificate.certificate, KNOWN)
    until, open_ended = certificate.accurate_until[known], certificate.certificate[known] != Certificate.UNTIL
    order = np.argsort(until, kind="stable")
    middle = order[(len(order) - 1) // 2]  # the lower one of two, so that it is a trajectory's own
    found = {
        "shortest": float(until.min()),
        "median": float(until[middle]),
        "shortest_is_lower_bound": bool(open_ended[order[0]]),
        "median_is_lower_bound": bool(open_ended[middle]),
    }
    if lyapunov_time is not None:
        found["lyapunov_time"] = lyapunov_time
        found["shortest_lyapunov_times"] = found["shortest"] / lyapunov_time
        found["median_lyapunov_times"] = found["median"] / lyapunov_time
        found["expected_lyapunov_times"] = expected_lyapunov_times()
    return found


def _cells(system: SystemOutcome) -> tuple[str | Text, ...]:
    numbers = system.numbers
    marks = {key: "≥ " if numbers.get(f"{key}_is_lower_bound") else "" for key in ("shortest", "median")}
    cells = [_cell(numbers.get(key), marks[key]) for key in ("shortest", "median")]
    cells += [_cell(numbers.get(f"{key}_lyapunov_times"), marks[key]) for key in ("shortest", "median")]
    expected = numbers.get("expected_lyapunov_times")
    ratio = numbers["median_lyapunov_times"] / expected if expected else None
    verdict = Text("fail", style="bold red") if system.failed else Text("pass", style="green")
    return (
        system.system,
        f"{numbers['certified']} of {system.looked_at}",
        *cells,
        _cell(expected),
        "" if ratio is None else f"{marks['median']}{ratio:.2f}",
        verdict,
    )


def _sentences(system: SystemOutcome) -> list[str]:
    """What a person must know beyond the table."""
    lines = [f"{system.system}: not certified: {reason}{_counted(count)}" for reason, count in system.reasons.items()]
    if system.spoilt and system.certificate is not None:
        shown = [f"{row} at t = {system.certificate.accurate_until[row]:.6g}" for row in system.spoilt[:5]]
        more = f" and {len(system.spoilt) - 5} more" if len(system.spoilt) > 5 else ""
        lines.append(
            f"{system.system}: spoilt, off long before rounding errors can have grown so far: trajectories {', '.join(shown)}{more}. "
            "Damage that the digests show is mended by: attractory verify STORE --repair"
        )
    return lines


def _counted(count: int) -> str:
    return f" ({count} {'trajectory' if count == 1 else 'trajectories'})" if count else ""


def _cell(value: float | None, mark: str = "") -> str:
    return "" if value is None else f"{mark}{value:.4g}"
