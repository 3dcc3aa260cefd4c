"""The rows of truth.json beside what was measured: differences in combined standard errors, and which of them are explained."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ruamel.yaml import YAML
from truth_systems import Truth

from attractory.invariants.estimate import FloatArray

LARGEST = 3.0  # combined standard errors
ENOUGH = 0.95  # of the rows
# Of the largest number of a row: ten times the tolerance of a step. No run is better than that, whatever its scatter.
INTEGRATION = 1e-8
_KEPT = 1e-4  # of the exponents' sizes: a smaller sum is zero, as in attractory.invariants.zero_exponents
# Of the leading exponent: by so much the delay rows say that theirs move at half their step.
_DELAY_STEP = 0.04


@dataclass(frozen=True)
class Comparison:
    """A row and what was measured of it: the numbers (exponent,), their errors, and the one that is furthest off."""

    name: str
    row: Mapping[str, Any]
    measured_as: str
    ours: FloatArray
    our_errors: FloatArray
    theirs: FloatArray
    their_errors: FloatArray

    @property
    def combined(self) -> FloatArray:
        """Standard errors (exponent,) of the differences."""
        least = INTEGRATION * float(np.abs(self.theirs).max(initial=float(np.abs(self.ours).max())))
        return np.sqrt(self.our_errors**2 + self.their_errors**2 + least**2)

    @property
    def place(self) -> int:
        """Of the number that differs most."""
        return int(np.argmax(np.abs(self.ours - self.theirs) / np.maximum(self.combined, 1e-300)))

    @property
    def difference(self) -> float:
        return float((self.ours - self.theirs)[self.place])

    @property
    def in_errors(self) -> float:
        """The largest difference in combined standard errors, with its sign."""
        error = float(self.combined[self.place])
        return self.difference / error if error > 0.0 else (0.0 if self.difference == 0.0 else math.copysign(math.inf, self.difference))

    @property
    def within(self) -> bool:
        return abs(self.in_errors) <= LARGEST


def compared(truth: Truth, results: Mapping[str, Any]) -> list[Comparison]:
    """Every row whose system was measured, in their order."""
    return [
        comparison(name, row, results[row["system"]])
        for name, row in zip(row_names(truth.rows), truth.rows, strict=True)
        if row["system"] in results
    ]


def row_names(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """system.quantity.origin, with a number where there are several: what an explanation calls a row."""
    seen: Counter[str] = Counter()
    names = []
    for row in rows:
        name = f"{row['system']}.{row['quantity']}.{row['origin'].replace(' ', '_')}"
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name}.{seen[name]}")
    return names


def comparison(name: str, row: Mapping[str, Any], measured: Mapping[str, Any]) -> Comparison:
    """One row beside the measurement of its system."""
    quantity = "lyapunov_spectrum" if row["quantity"].startswith("lyapunov") else row["quantity"]
    found = measured[quantity]
    theirs = np.atleast_1d(np.asarray(row["value"], np.float64))
    ours, errors = np.atleast_1d(found["value"])[: len(theirs)], np.atleast_1d(found["standard_error"])[: len(theirs)]
    if quantity == "lyapunov_spectrum":
        errors = np.maximum(errors, slow_zeros(np.atleast_1d(found["value"]), float(found["settings"]["duration"]))[: len(theirs)])
    return Comparison(name, row, measured["as"], ours, errors, theirs, their_errors(row, errors, found["settings"]))


def slow_zeros(exponents: FloatArray, duration: float) -> FloatArray:
    """Errors (exponent,) of exponents that go to zero as log(T) / T, which no scatter shows: a third of that, and 0 for all others.

    The rule of `attractory.invariants.zero_exponents`: where volumes are kept, exponents below log(T) / T are zero. Where a cascade of
    doublings ends, neighbours part by a power of the time, too, and the only exponent of a map is its own sum.
    """
    limit = math.log(max(duration, 2.0)) / duration
    kept = abs(exponents.sum()) <= _KEPT * np.abs(exponents).sum() + limit
    return np.where(kept & (np.abs(exponents) <= limit), limit / LARGEST, 0.0)


def their_errors(row: Mapping[str, Any], ours: FloatArray, settings: Mapping[str, Any]) -> FloatArray:
    """The row's errors; of a mean along an orbit that has none, ours, brought to the time of that orbit."""
    if row["standard_error"] is not None:
        errors = np.atleast_1d(np.asarray(row["standard_error"], np.float64))
        step = _DELAY_STEP * abs(row["value"][0]) if "half the step" in row["source"] else 0.0
        return np.concatenate([np.hypot(errors[:1], step), errors[1:]])
    if "time" in row:
        return ours * math.sqrt(settings["trajectories"] * settings["duration"] / row["time"])
    return np.zeros_like(ours)


def explanations(path: Path) -> dict[str, str]:
    """Row name -> why it is outside, as written by hand."""
    if not path.exists():
        return {}
    read = YAML(typ="safe").load(path.read_text(encoding="utf-8")) or {}
    return {name: " ".join(str(text).split()) for name, text in read.items()}


def failures(comparisons: Sequence[Comparison], explained: Mapping[str, str], names: Collection[str]) -> list[str]:
    """Sentences: rows outside that nobody explained, too many of them, and explanations of no row; `names` are those of all rows."""
    outside = [one for one in comparisons if not one.within]
    found = [f"{one.name}: {one.in_errors:+.1f} combined errors and no explanation" for one in outside if one.name not in explained]
    found += [f"{name}: an explanation of no row" for name in explained if name not in names]
    if len(outside) > (1.0 - ENOUGH) * len(comparisons):
        found.append(f"{len(comparisons) - len(outside)} of {len(comparisons)} rows are within {LARGEST:g} errors; expected {ENOUGH:.0%}")
    return found
