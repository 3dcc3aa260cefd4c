"""Permutation tests whose units are whole trajectories: exact for any distribution, and whatever the samples of one have in common.

The chance of a statistic as large as the one seen is the part of all ways to deal trajectories to groups in which it is. Dealing stops as
soon as twenty deals were as extreme, since the chance is known to a quarter of itself then (Besag and Clifford, Biometrika 78, 301 (1991)).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]
Statistic = Callable[[Labels], FloatArray]
Deal = Callable[[np.random.Generator, int], Labels]

_EXTREME = 20
_SMALLEST_BATCH, _LARGEST_BATCH = 64, 1024
_ROUNDING = 1e-12  # sums of another order are as large


@dataclass(frozen=True)
class Chance:
    """A p-value, the statistic that was seen, how many deals it comes from, and the smallest that so few units can give."""

    p_value: float
    observed: float
    draws: int
    smallest: float

    def can_alarm(self, alarm: float) -> bool:
        """Whether the units are enough to see a chance of `alarm`."""
        return self.smallest <= alarm


def dealt_at_random(labels: Labels) -> Deal:
    """Deals that keep how many units each group has."""
    return lambda generator, count: generator.permuted(np.broadcast_to(labels, (count, len(labels))), axis=1)


def turned_at_random(pairs: int) -> Deal:
    """Deals in which the first and the second of each pair may change places: units 0 to pairs - 1 are the first ones, the others the
    second ones, in the same order."""

    def deal(generator: np.random.Generator, count: int) -> Labels:
        turned = generator.integers(2, size=(count, pairs))
        return np.concatenate([turned, 1 - turned], axis=1)

    return deal


def deals_of(labels: Labels) -> float:
    """In how many ways units can be dealt to groups of these sizes."""
    sizes = np.unique(labels, return_counts=True)[1].tolist()
    return float(math.exp(min(math.lgamma(sum(sizes) + 1) - sum(math.lgamma(size + 1) for size in sizes), 700.0)))


def chance_of(statistic: Statistic, labels: Labels, deal: Deal, *, ways: float, draws: int, seed: int) -> Chance:
    """The chance of a statistic (deal,) of labels (deal, unit) that is as large as that of `labels` (unit,).

    ways: how many deals there are; draws: how many are tried at most.
    """
    observed = float(statistic(labels[None])[0])
    reached = observed - _ROUNDING * abs(observed)
    generator = np.random.Generator(np.random.Philox(key=seed))
    beyond, drawn, batch = 0, 0, _SMALLEST_BATCH
    while drawn < draws:
        extreme = np.cumsum(statistic(deal(generator, min(batch, draws - drawn))) >= reached)
        if beyond + int(extreme[-1]) >= _EXTREME:
            drawn += int(np.argmax(extreme >= _EXTREME - beyond)) + 1
            return Chance(_EXTREME / drawn, observed, drawn, 1.0 / ways)
        beyond, drawn, batch = beyond + int(extreme[-1]), drawn + len(extreme), min(2 * batch, _LARGEST_BATCH)
    return Chance((beyond + 1.0) / (drawn + 1.0), observed, drawn, max(1.0 / ways, 1.0 / (draws + 1.0)))


def energy_of(distances: FloatArray, groups: int) -> Statistic:
    """The energy distance between groups, as the between-sample part of DISCO, from distances (unit, unit) of whole trajectories.

    It is zero where all groups have one distribution and above that else (Székely and Rizzo, J. Stat. Plan. Inference 143, 1249 (2013);
    Rizzo and Székely, Ann. Appl. Stat. 4, 1034 (2010)).
    """

    def statistic(labels: Labels) -> FloatArray:
        members = np.stack([labels == group for group in range(groups)], axis=1).astype(np.float64)
        sizes = np.maximum(members.sum(axis=2), 1.0)
        means = (members @ distances @ members.transpose(0, 2, 1)) / (sizes[:, :, None] * sizes[:, None, :])
        within = np.einsum("bgg->bg", means)
        weights = sizes[:, :, None] * sizes[:, None, :] / (2.0 * len(distances))
        apart: FloatArray = (weights * (2.0 * means - within[:, :, None] - within[:, None, :])).sum(axis=(1, 2)) / 2.0
        return apart

    return statistic


def largest_difference(features: FloatArray, groups: int) -> Statistic:
    """The largest standardised difference between a group's mean and all others', over groups and features (unit, feature)."""
    return lambda labels: differences(features, labels, groups).max(axis=(1, 2))


def differences(features: FloatArray, labels: Labels, groups: int) -> FloatArray:
    """Standardised differences (deal, group, feature) of labels (deal, unit); a feature that does not vary has none."""
    members = np.stack([labels == group for group in range(groups)], axis=1).astype(np.float64)
    sizes = members.sum(axis=2, keepdims=True)
    centred, spread = features - features.mean(axis=0), features.std(axis=0)
    scaled = np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 0.0)
    total = len(features)
    found: FloatArray = np.abs(members @ scaled) / sizes * np.sqrt(sizes * (total - 1.0) / np.maximum(total - sizes, 1.0))
    return found
