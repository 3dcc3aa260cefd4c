"""How long each coordinate remembers itself linearly, from trajectories."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from attractory.expressions.system import System
from attractory.invariants.estimate import Estimate, FloatArray
from attractory.invariants.samples import Sampling
from attractory.invariants.signals import jackknife, lagged_products, require, sampling_or, signals_of

if TYPE_CHECKING:
    import xarray

METHOD = "autocorrelation about the common mean; integrated time with the window of Sokal (NATO ASI B 361, 131 (1997))"
SAMPLING = Sampling(trajectories=16, samples=8192)
FEWEST = 64
ROWS = ("first 1/e", "first zero", "integrated")
# The sum ends at the first lag that is so many times the sum, where what is left of an exponential is below a hundredth.
_WINDOW = 5.0


def autocorrelation_time(
    source: System | str | ArrayLike | xarray.Dataset,
    *,
    longest: int | None = None,
    sampling: Sampling | None = None,
    dt: float | None = None,
    seed: int = 0,
) -> Estimate:
    """Times (3, coordinate), in time units: where the autocorrelation first falls to 1/e, where it first falls to 0, and its integral.

    The integrated time is dt (1/2 + the sum of the autocorrelation over lags from 1): the error of a mean over a time T is that of
    T / (2 integrated time) independent values.

    Args:
        source: as `samples_of` takes it; an angle counts as the two coordinates of its point on a circle.
        longest: lag in samples; None is a quarter of the samples.
        sampling: of a System; None is 16 trajectories of 8,192 samples.
        dt: of an array, in time units.
    Returns:
        Estimate; infinite where the autocorrelation does not fall so far within the longest lag, or the sum's window does not close.
        convergence has lag (lag,) in time units and autocorrelation (lag, coordinate).
    Raises:
        RequestError: fewer than 64 samples, a coordinate that never changes, or `longest` out of range.
    """
    started = time.perf_counter()
    signals = signals_of(source, sampling_or(sampling, SAMPLING, seed), dt=dt, fewest=FEWEST)
    samples = signals.values.shape[1]
    longest = samples // 4 if longest is None else longest
    require("longest", longest, low=1, high=samples // 2)
    products = lagged_products(signals.values - signals.values.mean(axis=(0, 1)), longest)
    value, error = jackknife(products, lambda mean: signals.dt * _times(mean / mean[0]))
    settings = {**signals.settings, "longest": longest, "rows": ", ".join(ROWS), "seed": seed}
    mean = products.mean(axis=(0, 1))
    convergence = {"lag": signals.dt * np.arange(longest + 1), "autocorrelation": mean / mean[0]}
    return Estimate(value, error, METHOD, settings, time.perf_counter() - started, convergence)


def _times(correlation: FloatArray) -> FloatArray:
    """(3, coordinate), in samples, of an autocorrelation (lag, coordinate)."""
    columns = [[first_below(column, np.exp(-1.0)), first_below(column, 0.0), integrated(column)] for column in correlation.T]
    return np.array(columns).T


def first_below(correlation: FloatArray, level: float) -> float:
    """The lag, between samples by a straight line, where a correlation (lag,) first falls to a level; infinite where it does not."""
    below = np.flatnonzero(correlation <= level)
    if not below.size:
        return np.inf
    after = int(below[0])
    fall = correlation[after - 1] - correlation[after]
    return float(after - 1 + (correlation[after - 1] - level) / fall)


def integrated(correlation: FloatArray) -> float:
    """1/2 + the sum over lags up to the first that is at least five times that sum; infinite where no lag is."""
    sums = np.cumsum(correlation) - 0.5
    closed = np.flatnonzero(np.arange(len(sums)) >= _WINDOW * sums)
    return float(sums[closed[0]]) if closed.size else np.inf
