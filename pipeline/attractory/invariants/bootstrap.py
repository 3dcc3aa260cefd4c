"""The standard error of what is computed from means, by drawing trajectories and blocks of time anew.

Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993); blocks of time follow each other in the draws, since
neighbours are not independent (Politis and Romano, in Exploring the Limits of Bootstrap (1992))."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from attractory.invariants.estimate import FloatArray

RESAMPLES = 500  # the standard error of a standard error is then 3 % of it
_TOGETHER = 4  # neighbours in time that are drawn together, of sixteen blocks


def bootstrap_error(means: FloatArray, statistic: Callable[[FloatArray], FloatArray], *, seed: int) -> float:
    """Standard error of `statistic`, which maps means (resample, …) to numbers (resample,), over `means` (trajectory, block, …).

    The larger of two: trajectories drawn with replacement, and runs of four blocks. Infinite where there is one of each.
    """
    trajectories, blocks = means.shape[:2]
    if trajectories < 2 and blocks < 2:
        return float(np.inf)
    draws = np.random.Generator(np.random.Philox(key=seed))
    errors = [0.0]
    if trajectories > 1:
        errors.append(_spread(means.mean(axis=1), statistic, draws, together=1))
    if blocks > 1:
        errors.append(_spread(means.mean(axis=0), statistic, draws, together=min(_TOGETHER, max(blocks // 4, 1))))
    return max(errors)


def _spread(samples: FloatArray, statistic: Callable[[FloatArray], FloatArray], draws: np.random.Generator, *, together: int) -> float:
    """Deviation of the statistic over resamples of the first axis, so many neighbours drawn together."""
    count = len(samples)
    pieces = -(-count // together)
    first = draws.integers(count, size=(RESAMPLES, pieces))
    drawn = ((first[:, :, None] + np.arange(together)) % count).reshape(RESAMPLES, -1)
    found = statistic(samples[drawn].mean(axis=1))
    # a drawn mean spreads with the deviation over n, not n - 1, and there are `pieces * together` in it where `count` were measured
    return float(found.std(ddof=1) * np.sqrt(pieces / max(pieces - 1, 1) * pieces * together / count))
