"""The formula of Kaplan and Yorke: for a spectrum with errors, and for many drawn ones at once."""

from __future__ import annotations

import numpy as np

from attractory.invariants.estimate import FloatArray
from attractory.invariants.zero_exponents import ERRORS_OF_ZERO


def leading_sum(exponents: FloatArray, errors: FloatArray) -> int:
    """How many of the leading exponents have a sum that is not negative."""
    # A zero exponent is measured as ±its error; what counts as zero is not negative, nor is such a sum, or a torus would have dimension 0.
    sums = np.cumsum(exponents) + ERRORS_OF_ZERO * np.sqrt(np.cumsum(errors**2))
    return int(np.argmax(sums < 0.0)) if (sums < 0.0).any() else len(exponents)


def dimensions(exponents: FloatArray, *, least: int) -> FloatArray:
    """The dimension (resample,) of each drawn spectrum (resample, exponent).

    least: exponents that count as not negative whatever was drawn: a zero one drawn as negative would make a fixed point of a cycle.
    """
    ordered = -np.sort(-exponents, axis=1)
    rows, count = ordered.shape
    if least == 0:
        return np.zeros(rows)
    sums = np.cumsum(ordered, axis=1)
    negative = sums < 0.0
    whole = np.where(negative.any(axis=1), negative.argmax(axis=1), count)
    whole = np.maximum(whole, least)
    inner = np.minimum(whole, count - 1)
    excess = np.take_along_axis(sums, inner[:, None] - 1, axis=1)[:, 0]
    contraction = np.abs(np.take_along_axis(ordered, inner[:, None], axis=1)[:, 0])
    found: FloatArray = np.where(whole < count, inner + excess / np.maximum(contraction, np.finfo(np.float64).tiny), float(count))
    return found
