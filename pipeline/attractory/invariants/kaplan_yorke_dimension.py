"""The Kaplan-Yorke dimension, from a Lyapunov spectrum."""

from __future__ import annotations

import numpy as np

from attractory.errors import RequestError
from attractory.invariants.estimate import Estimate

METHOD = "Kaplan-Yorke formula (Frederickson et al., J. Differ. Equ. 49, 185 (1983)) on the Lyapunov spectrum"


def kaplan_yorke_dimension(spectrum: Estimate) -> Estimate:
    """Where the sum of the exponents, interpolated linearly in their number, crosses zero.

    The standard error takes the exponents' errors as independent. The dimension is 0 where the largest exponent is negative beyond
    its error, and the number of variables where the sum never crosses zero.

    Args:
        spectrum: value (exponent,), largest first.
    Raises:
        RequestError: the sum of the exponents given is still positive beyond its error, and they may not be all of them.
    """
    exponents, errors = spectrum.value, spectrum.standard_error
    # A zero exponent is measured as ±its error; a sum within its error of zero counts as not negative, or a torus would have dimension 0.
    sums = np.cumsum(exponents) + 2.0 * np.sqrt(np.cumsum(errors**2))
    whole = int(np.argmax(sums < 0.0)) if (sums < 0.0).any() else len(exponents)
    if whole == len(exponents) and spectrum.settings.get("exponents", whole) != spectrum.settings.get("dimension", whole):
        message = f"the sum of the first {whole} exponents is not negative: ask for more exponents than {whole}"
        raise RequestError(message)
    value, error = float(whole), 0.0
    if 0 < whole < len(exponents):
        excess, contraction = float(exponents[:whole].sum()), abs(float(exponents[whole]))
        fraction = max(excess, 0.0) / contraction
        value += fraction
        error = float(np.hypot(np.sqrt((errors[:whole] ** 2).sum()), fraction * errors[whole])) / contraction
    return Estimate(np.array(value), np.array(error), METHOD, dict(spectrum.settings), spectrum.seconds)
