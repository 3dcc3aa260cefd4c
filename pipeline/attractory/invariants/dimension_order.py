"""Whether three dimensions of one attractor are in the order that theory demands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from attractory.invariants.estimate import Estimate

# Of the combined error: by chance alone, one comparison in 740 of two equal dimensions is further off.
LARGEST_EXCESS = 3.0


@dataclass(frozen=True)
class DimensionOrder:
    """By how much D2 exceeds D1 and D1 exceeds D_KY, negative where it does not, with the combined standard errors."""

    correlation_over_information: float
    correlation_error: float
    information_over_kaplan_yorke: float
    information_error: float

    @property
    def holds(self) -> bool:
        """Neither excess is above three combined standard errors."""
        first = self.correlation_over_information <= LARGEST_EXCESS * self.correlation_error
        return first and self.information_over_kaplan_yorke <= LARGEST_EXCESS * self.information_error


def dimension_order(correlation: Estimate, information: Estimate, kaplan_yorke: Estimate) -> DimensionOrder:
    """D2 <= D1 <= D_KY within errors.

    D2 <= D1 holds for every measure; D1 = D_KY is what Kaplan and Yorke conjectured of typical systems.
    """
    return DimensionOrder(
        float(correlation.value - information.value),
        float(np.hypot(correlation.standard_error, information.standard_error)),
        float(information.value - kaplan_yorke.value),
        float(np.hypot(information.standard_error, kaplan_yorke.standard_error)),
    )
