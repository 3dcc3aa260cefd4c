"""Errors that are asked for, relative to what is measured: when a spectrum is good enough to be written into the catalog."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from attractory.invariants.bootstrap import bootstrap_error
from attractory.invariants.dimension_formula import dimensions
from attractory.invariants.estimate import FloatArray
from attractory.invariants.growth_rates import Measurement
from attractory.invariants.zero_exponents import ERRORS_OF_ZERO


@dataclass(frozen=True)
class Targets:
    """Standard errors that are small enough; a run ends when all of them are reached.

    Attributes:
        leading: of the leading exponent, as a part of it.
        zero: of the exponent nearest to zero, as a part of the leading one; asked of systems with a zero exponent.
        dimension: of the Kaplan-Yorke dimension.
        least: of any exponent, in 1 / period (1 / time unit without a period; maps: 1 / iterate): no smaller error is asked for, which
            is the target of a system that is not chaotic, whose leading exponent is zero. It is relative to the period because a
            number for a time unit would be strict for a slow system and nothing for a fast one.
    """

    leading: float = 5e-3
    zero: float = 1e-3
    dimension: float = 5e-3
    least: float = 1e-4


def reached(measurement: Measurement, targets: Targets, *, period: float, has_zero: bool) -> bool:
    """Whether a measurement is as good as the targets ask.

    Bootstraps are drawn with the key 0: only whether to go on depends on them.
    """
    value, errors = measurement.value, measurement.errors
    floor, leading = targets.least / period, abs(float(value[0]))
    if errors[0] > max(targets.leading * leading, floor):
        return False
    nearest = int(np.argmin(np.abs(value)))
    if has_zero and errors[nearest] > max(targets.zero * leading, floor):
        return False
    return _dimension_error(measurement.blocks, value, errors) <= targets.dimension


def _dimension_error(blocks: FloatArray, value: FloatArray, errors: FloatArray) -> float:
    least = int((value > -ERRORS_OF_ZERO * errors).sum())
    return bootstrap_error(blocks, lambda means: dimensions(means, least=least), seed=0)
