"""The Kolmogorov-Sinai entropy that Pesin's identity gives: the sum of the positive Lyapunov exponents."""

from __future__ import annotations

import time

import numpy as np

from attractory.errors import RequestError
from attractory.expressions.system import System
from attractory.invariants.bootstrap import RESAMPLES, bootstrap_error
from attractory.invariants.estimate import Estimate, FloatArray, Setting
from attractory.invariants.lyapunov_spectrum import lyapunov_spectrum
from attractory.invariants.zero_exponents import ERRORS_OF_ZERO

METHOD = "sum of the positive Lyapunov exponents (Pesin, Russian Math. Surveys 32, 55 (1977)); an upper bound (Ruelle 1978)"


def ks_entropy(source: Estimate | System | str, *, seed: int = 0) -> Estimate:
    """Sum of the exponents that lie above zero by more than three standard errors, in nats a time unit (maps: an iterate).

    It is the entropy where the invariant measure is smooth along unstable directions, and an upper bound of it elsewhere. Its standard
    error is a bootstrap over trajectories and over blocks of time, the larger of the two; a spectrum without `convergence["growth"]` has
    exponents that are taken as independent. Where no exponent is above zero the entropy is 0, and its error what the leading exponent
    could be: its standard error, or 0 where it is negative beyond three of them.

    Args:
        source: a spectrum with value (exponent,), largest first; or a system, whose spectrum is computed.
        seed: of that spectrum, and of the bootstrap.
    Raises:
        RequestError: the last exponent given is positive, and they are not all of them.
    """
    spectrum = source if isinstance(source, Estimate) else lyapunov_spectrum(source, seed=seed)
    started = time.perf_counter()
    value, errors, settings = spectrum.value, spectrum.standard_error, dict(spectrum.settings)
    positive = value > ERRORS_OF_ZERO * errors
    if positive.all() and settings.get("exponents", len(value)) != settings.get("dimension", len(value)):
        message = f"the last of the {len(value)} exponents is {value[-1]:.3g}, above zero: ask for more exponents than {len(value)}"
        raise RequestError(message)
    growth = spectrum.convergence.get("growth")
    if not positive.any():
        error = 0.0 if value[0] < -ERRORS_OF_ZERO * errors[0] else float(errors[0])
    elif growth is None:
        error = float(np.sqrt((errors[positive] ** 2).sum()))
    else:
        error = bootstrap_error(growth, lambda means: _sums(means, positive), seed=seed)
    added: dict[str, Setting] = {"positive_exponents": int(positive.sum()), "resamples": RESAMPLES if growth is not None else 0}
    seconds = spectrum.seconds + time.perf_counter() - started
    total = np.array(float(value[positive].sum()))
    return Estimate(total, np.array(error), METHOD, settings | added, seconds, spectrum.convergence)


def _sums(means: FloatArray, positive: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> FloatArray:
    total: FloatArray = means[:, positive].sum(axis=1)
    return total
