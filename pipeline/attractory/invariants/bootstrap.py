"""The standard error of what is computed from means: trajectories are drawn anew, and means that are as uncertain as blocks of time say.

Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), of both kinds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from attractory.invariants.estimate import FloatArray

RESAMPLES = 500  # the standard error of a standard error is then 3 % of it


def bootstrap_error(means: FloatArray, statistic: Callable[[FloatArray], FloatArray], *, seed: int) -> float:
    """Standard error of `statistic`, which maps means (resample, number) to numbers (resample,), over `means` (trajectory, block, number).

    The larger of two: trajectories drawn with replacement; and normal means with the covariance that blocks of time have, which is that
    of `growth_rates.rate_errors` for several numbers at once: growth that one block lends from the next is no uncertainty. Infinite
    where there is one of each.
    """
    trajectories, blocks = means.shape[:2]
    if trajectories < 2 and blocks < 2:
        return float(np.inf)
    draws = np.random.Generator(np.random.Philox(key=seed))
    errors = [0.0]
    if trajectories > 1:
        errors.append(_deviation(statistic(_drawn_trajectories(means.mean(axis=1), draws))))
    if blocks > 1:
        errors.append(_deviation(statistic(_drawn_means(means.mean(axis=0), draws))))
    return max(errors)


def _deviation(found: FloatArray) -> float:
    return float(found.std(ddof=1))


def _drawn_trajectories(samples: FloatArray, draws: np.random.Generator) -> FloatArray:
    """Means (resample, number) of samples (trajectory, number) drawn with replacement."""
    count = len(samples)
    drawn: FloatArray = samples[draws.integers(count, size=(RESAMPLES, count))].mean(axis=1)
    mean = samples.mean(axis=0)
    # a drawn mean spreads with the deviation over n, not n - 1
    corrected: FloatArray = mean + (drawn - mean) * float(np.sqrt(count / (count - 1)))
    return corrected


def _drawn_means(samples: FloatArray, draws: np.random.Generator) -> FloatArray:
    """Means (resample, number) with the covariance of the mean of samples (block, number), neighbouring blocks' included.

    With the departures from the mean as U S V', the covariance of the mean is V S (I + N) S V' / (n (n - 1)), where N is the covariance of
    neighbours. It is no covariance where that takes more than is there: a part of 1 / n is left in every direction.
    """
    count = len(samples)
    mean = samples.mean(axis=0)
    left, sizes, right = np.linalg.svd(samples - mean, full_matrices=False)
    if count < 4:
        weights = np.eye(len(sizes))
    else:
        neighbours = left[1:].T @ left[:-1]
        parts, turned = np.linalg.eigh(np.eye(len(sizes)) + (neighbours + neighbours.T) * (count - 1) / count)
        weights = turned * np.sqrt(np.maximum(parts, 1.0 / count))
    spread = (right.T * sizes) @ weights / np.sqrt(count * (count - 1))
    drawn: FloatArray = mean + draws.standard_normal((RESAMPLES, len(sizes))) @ spread.T
    return drawn
