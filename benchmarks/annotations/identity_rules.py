"""The identities of one entry's annotations, each with how far it is off in standard errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from annotated import Annotated
from pages import with_error
from pairing import pair_sum

from attractory.expressions.system import STANDARD_ERRORS
from attractory.invariants.dimension_order import LARGEST_EXCESS
from attractory.invariants.estimate import FloatArray
from attractory.invariants.zero_exponents import is_driven, zero_exponents

LARGEST = 3.0  # standard errors: by chance alone one case in 370 is further off, so that one or two of some hundred may be
FAILS = 4.0  # by chance alone one case in 16,000 is further off: of some hundred none
INTEGRATION = 1e-8  # of the exponents' sizes: ten times the tolerance of a step


@dataclass(frozen=True)
class Check:
    """One check: what its row says, how far off it is in `errors`, whether that is within what chance does, and whether it fails."""

    system: str
    cells: tuple[str, ...]
    errors: float
    within: bool
    fails: bool
    badness: float  # by which rows are put in order

    @classmethod
    def of_errors(cls, system: str, cells: tuple[str, ...], errors: float) -> Check:
        """Of a difference that may be as large as chance makes it."""
        return cls(system, cells, errors, errors <= LARGEST, errors > FAILS, errors)

    @classmethod
    def of_rule(cls, system: str, cells: tuple[str, ...], errors: float, *, holds: bool, badness: float) -> Check:
        """Of a rule that says itself what chance does."""
        return cls(system, cells, errors, holds, not holds, badness)


def sums(entry: Annotated) -> Sequence[Check] | str:
    """The sum of a whole spectrum beside the mean divergence."""
    if entry.record.kind == "delay":
        return ()
    if not entry.has("lyapunov_spectrum", "mean_divergence"):
        return "without a spectrum or a mean divergence"
    if not entry.is_whole:
        return "with their leading exponents alone"
    value, errors = entry.value("lyapunov_spectrum"), entry.error("lyapunov_spectrum")
    divergence, error = float(entry.value("mean_divergence")[0]), float(entry.error("mean_divergence")[0])
    size = float(np.abs(value).sum())
    difference = float(value.sum()) - divergence
    combined = float(np.sqrt((errors**2).sum() + error**2 + (INTEGRATION * size) ** 2))
    off = _in_errors(abs(difference), combined)
    cells = (f"{value.sum():.6g}", with_error(divergence, error), f"{difference:+.1e}", f"{abs(difference) / max(size, 1e-300):.0e}")
    return (Check.of_errors(entry.name, cells, off),)


def zeros(entry: Annotated) -> Sequence[Check] | str:
    """The zero exponents of a chaotic flow without explicit time."""
    if entry.record.kind != "flow" or not entry.is_chaotic or is_driven(entry.system):
        return ()
    if not entry.has("lyapunov_spectrum"):
        return "without a spectrum"
    value, errors = entry.value("lyapunov_spectrum"), entry.error("lyapunov_spectrum")
    if not entry.is_whole and value[-1] > LARGEST * errors[-1]:
        return "whose annotated exponents are all positive"
    duration, interval = (float(entry.setting("lyapunov_spectrum", name)) for name in ("duration", "interval"))
    resolution = float(entry.setting("lyapunov_spectrum", "tolerance")) / interval
    found = zero_exponents(entry.system, value, errors, duration=duration, resolution=resolution)
    holds = bool(found["zero_consistent"]) and bool(entry.setting("lyapunov_spectrum", "zero_consistent", default=True))
    nearest = int(np.argmin(np.abs(value) / np.maximum(errors, 1e-300)))
    off = _in_errors(abs(float(value[nearest])), float(errors[nearest]))
    part = abs(float(value[nearest])) / max(abs(float(value[0])), 1e-300)
    expected = min(1 + len(entry.record.conserved), len(value))
    cells = (with_error(value[nearest], errors[nearest]), f"{part:.0e}", str(found["zero_exponents"]), str(expected))
    return (Check.of_rule(entry.name, cells, off, holds=holds, badness=off),)


def pairs(entry: Annotated) -> Sequence[Check] | str:
    """The pair of exponents whose sum is furthest from what the equations say."""
    if entry.record.kind == "delay":
        return ()
    tagged = "hamiltonian" in entry.record.tags
    total = pair_sum(entry.system)
    if total is None and not tagged:
        return ()
    if not entry.is_whole:
        return "without a whole spectrum"
    value, errors = entry.value("lyapunov_spectrum"), entry.error("lyapunov_spectrum")
    difference = (value + value[::-1] - (total or 0.0))[: (len(value) + 1) // 2]
    combined = np.sqrt(errors**2 + errors[::-1] ** 2 + (INTEGRATION * np.abs(value).max(initial=0.0)) ** 2)[: len(difference)]
    off = np.array([_in_errors(abs(float(one)), float(error)) for one, error in zip(difference, combined, strict=True)])
    worst = int(np.argmax(off))
    pair = f"λ{worst + 1} + λ{len(value) - worst}"
    rule = "the tag `hamiltonian`" if total is None else "a form was found"
    cells = (pair, f"{(value + value[::-1])[worst]:.6g}", f"{total or 0.0:.6g}", f"{difference[worst]:+.1e}", rule)
    return (Check.of_errors(entry.name, cells, float(off[worst])),)


def dimensions(entry: Annotated) -> Sequence[Check] | str:
    """D2 beside D1 and D1 beside D_KY, or the two of them that are annotated."""
    order = ("correlation_dimension", "information_dimension", "kaplan_yorke_dimension")
    present = [quantity for quantity in order if entry.has(quantity)]
    if len(present) < 2:
        return "without two of the three dimensions"
    return [_ordered(entry, smaller, larger) for smaller, larger in pairwise(present)]


def _ordered(entry: Annotated, smaller: str, larger: str) -> Check:
    low, high = entry.value(smaller), entry.value(larger)
    errors = entry.error(smaller), entry.error(larger)
    excess, combined = float(low[0] - high[0]), float(np.hypot(errors[0][0], errors[1][0]))
    off = _in_errors(excess, combined)
    names = {"correlation_dimension": "D2", "information_dimension": "D1", "kaplan_yorke_dimension": "D_KY"}
    cells = (f"{names[smaller]} <= {names[larger]}", _first(low, errors[0]), _first(high, errors[1]), f"{excess:+.2g}")
    return Check.of_rule(entry.name, cells, off, holds=off <= LARGEST_EXCESS, badness=off)


def chaos(entry: Annotated) -> Sequence[Check] | str:
    """The leading exponent of what the entry calls chaotic."""
    if not entry.is_chaotic:
        return ()
    if not entry.has("lyapunov_spectrum"):
        return "without a spectrum"
    value, error = float(entry.value("lyapunov_spectrum")[0]), float(entry.error("lyapunov_spectrum")[0])
    above = _in_errors(value, error)
    cells = (with_error(value, error), f"{error:.1e}")
    return (Check.of_rule(entry.name, cells, above, holds=value > 0.0 and above >= STANDARD_ERRORS, badness=-above),)


def _first(value: FloatArray, error: FloatArray) -> str:
    return with_error(float(value[0]), float(error[0]))


def _in_errors(value: float, error: float) -> float:
    """A number over its error; infinite where a number that is not zero has none."""
    if error > 0.0:
        return value / error
    return 0.0 if value == 0.0 else float(np.copysign(np.inf, value))
