"""An estimate as the mapping that an entry holds: digits that mean something, the settings, the equations that it was made from."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import attractory
from attractory.catalog import ANNOTATION_DIGITS
from attractory.invariants import Estimate
from attractory.invariants.estimate import Setting

MOST_DIGITS = 12  # of a value whose error is far below them


def as_invariant(estimate: Estimate, *, digest: str) -> dict[str, Any]:
    """The mapping under a quantity's name: digits beyond the error are left away.

    Args:
        digest: of the record whose equations were integrated.
    """
    pairs = [_rounded(value, error) for value, error in zip(np.ravel(estimate.value), np.ravel(estimate.standard_error), strict=True)]
    values, errors = [value for value, _ in pairs], [error for _, error in pairs]
    single = estimate.value.ndim == 0
    return {
        "value": values[0] if single else values,
        "standard_error": errors[0] if single else errors,
        "method": estimate.method,
        "settings": {name: _short(setting) for name, setting in estimate.settings.items() if _is_of(setting, len(values))},
        "computed_with": f"attractory {attractory.__version__}",
        "digest": digest[:ANNOTATION_DIGITS],
    }


def _is_of(setting: Setting, numbers: int) -> bool:
    """Whether it is a setting of this value: the errors of each exponent stand with the spectrum, not again with what is made of it."""
    return not isinstance(setting, tuple) or len(setting) == numbers


def _rounded(value: float, error: float) -> tuple[float, float]:
    """Value and error to the second digit of the error; twelve digits of the value where the error is far below."""
    if not (math.isfinite(error) and error > 0.0):
        return float(f"{value:.{MOST_DIGITS}g}"), float(error)
    digits = 1 - math.floor(math.log10(error))
    return float(f"{round(value, digits):.{MOST_DIGITS}g}"), float(f"{error:.2g}")


def _short(setting: Setting) -> Setting | list[float]:
    if isinstance(setting, tuple):
        return [float(f"{one:.3g}") for one in setting]
    return float(f"{setting:.6g}") if isinstance(setting, float) else setting
