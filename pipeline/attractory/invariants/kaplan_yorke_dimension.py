"""The Kaplan-Yorke dimension, from a Lyapunov spectrum."""

from __future__ import annotations

import time

import numpy as np

from attractory.errors import RequestError
from attractory.expressions.system import System
from attractory.invariants.bootstrap import RESAMPLES, bootstrap_error
from attractory.invariants.dimension_formula import dimensions, leading_sum
from attractory.invariants.estimate import Estimate, FloatArray, Setting
from attractory.invariants.lyapunov_spectrum import lyapunov_spectrum
from attractory.invariants.zero_exponents import ERRORS_OF_ZERO

METHOD = "Kaplan-Yorke formula (Frederickson et al., J. Differ. Equ. 49, 185 (1983)) on the Lyapunov spectrum"


def kaplan_yorke_dimension(source: Estimate | System | str, *, seed: int = 0) -> Estimate:
    """Where the sum of the exponents, interpolated linearly in their number, crosses zero.

    The dimension is 0 where the largest exponent is negative beyond its error, and the number of variables where the sum never crosses
    zero. Its standard error is a bootstrap over trajectories and over blocks of time, the larger of the two; a spectrum without
    `convergence["growth"]` has exponents that are taken as independent, to first order.

    Args:
        source: a spectrum with value (exponent,), largest first; or a system, whose spectrum is computed.
        seed: of that spectrum, and of the bootstrap.
    Returns:
        Estimate with the spectrum's settings, and its convergence.
    Raises:
        RequestError: the sum of the exponents given is still positive beyond its error, and they may not be all of them.
    """
    spectrum = source if isinstance(source, Estimate) else lyapunov_spectrum(source, seed=seed)
    started = time.perf_counter()
    exponents, errors = spectrum.value, spectrum.standard_error
    whole = leading_sum(exponents, errors)
    if whole == len(exponents) and spectrum.settings.get("exponents", whole) != spectrum.settings.get("dimension", whole):
        message = f"the sum of the first {whole} exponents is not negative: ask for more exponents than {whole}"
        raise RequestError(message)
    value = float(whole)
    if 0 < whole < len(exponents):
        value += max(float(exponents[:whole].sum()), 0.0) / abs(float(exponents[whole]))
    settings: dict[str, Setting] = dict(spectrum.settings)
    growth = spectrum.convergence.get("growth")
    if growth is None:
        error = _first_order(exponents, errors, whole)
    else:
        least = min(whole, int((exponents > -ERRORS_OF_ZERO * errors).sum()))
        error = bootstrap_error(growth, lambda means: dimensions(means, least=least), seed=seed)
        settings["resamples"] = RESAMPLES
    seconds = spectrum.seconds + time.perf_counter() - started
    return Estimate(np.array(value), np.array(error), METHOD, settings, seconds, spectrum.convergence)


def _first_order(exponents: FloatArray, errors: FloatArray, whole: int) -> float:
    if not 0 < whole < len(exponents):
        return 0.0
    excess, contraction = float(exponents[:whole].sum()), abs(float(exponents[whole]))
    fraction = max(excess, 0.0) / contraction
    return float(np.hypot(np.sqrt((errors[:whole] ** 2).sum()), fraction * errors[whole])) / contraction
