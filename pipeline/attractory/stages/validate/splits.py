"""Checks that the splits are samples of one measure, and share no trajectory."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import stats

from attractory import layout
from attractory.stages.validate.families import by_set, check_sets_apart
from attractory.stages.validate.report import Check, Subject
from attractory.stages.validate.rule import Evidence, Rule
from attractory.stages.validate.stored import FloatArray, StoredGranularity, StoredSystem
from attractory.stages.validate.summary import Summary

# Chance that a whole good dataset fails `same_measure` anywhere; shared out over its systems and granularities.
FALSE_ALARMS = 1e-3
# A probability above this from the normal theory is not worth the permutations.
_UNSUSPICIOUS = 0.01
_FEWEST = 4  # trajectories of a split, to say anything about its mean


def same_measure(evidence: Evidence) -> Check:
    limit = FALSE_ALARMS / evidence.settings.places
    return _same_measure(evidence.subject(), evidence.stored, evidence.summary, limit=limit, seed=evidence.settings.seed)


def no_duplicates(evidence: Evidence) -> Check:
    return _no_duplicates(evidence.subject(), evidence.stored, evidence.summary, evidence.granularity)


def _same_measure(subject: Subject, stored: StoredSystem, summary: Summary, *, limit: float, seed: int) -> Check:
    """Mean and spread of every variable, one number a trajectory, so that the correlations within one do not count as evidence."""
    rows = np.flatnonzero(summary.readable & stored.good & (summary.finite > 0))
    features = np.concatenate([summary.mean[rows], np.sqrt(summary.variance[rows])], axis=1)
    codes = stored.split[rows]
    if stored.attributes.get(layout.SPLIT_BY) == "parameters":
        features, codes = by_set(features, stored.sets[layout.PARAMETER_SET][rows], codes)
    present = [code for code in range(len(layout.SPLITS)) if np.sum(codes == code) >= _FEWEST]
    if len(present) < 2:
        return subject.not_enough("too few trajectories to compare splits", f"{_FEWEST} trajectories in each of two splits")
    kept = np.isin(codes, present)
    features, codes = features[kept], codes[kept]
    features = features[:, np.ptp(features, axis=0) > 0.0]
    if not features.shape[1]:
        return subject.passed("every trajectory has the same mean and spread")
    probability, feature, code = _screen(features, codes, present)
    if probability < _UNSUSPICIOUS and _smallest_probability(codes, present) > limit:
        return subject.not_enough("so few trajectories can differ as much by chance", "some more trajectories in the smallest split")
    if probability < _UNSUSPICIOUS:
        probability = _by_permutation(features, codes, present, draws=int(4.0 / limit), seed=seed)
    names = [f"{kind} of {name}" for kind in ("mean", "spread") for name in stored.system.variables]
    message = f"largest difference: {names[feature % len(names)]} in {layout.SPLITS[code]}; chance of a larger one {probability:.2g}"
    # Stated so that a larger number is worse: limit over probability.
    return subject.measured(limit / max(probability, 1e-300), 1.0, message)


def distances(features: FloatArray, membership: FloatArray) -> FloatArray:
    """Standardised difference between each group and the rest: (…, group, feature) for membership (…, group, trajectory) of 0 and 1."""
    total = features.shape[0]
    sizes = membership.sum(axis=-1, keepdims=True)
    centred = (features - features.mean(axis=0)) / features.std(axis=0)
    means = membership @ centred / sizes
    result: FloatArray = np.abs(means) * np.sqrt(sizes * (total - 1.0) / (total - sizes))
    return result


def _screen(features: FloatArray, codes: npt.NDArray[np.int8], present: Sequence[int]) -> tuple[float, int, int]:
    """Probability of the largest difference by the normal theory (Bonferroni), its feature, and its split's code."""
    score = distances(features, np.stack([codes == code for code in present]).astype(np.float64))
    group, feature = np.unravel_index(int(np.argmax(score)), score.shape)
    probability = float(2.0 * stats.norm.sf(score.max()) * score.size)
    return min(probability, 1.0), int(feature), present[int(group)]


def _smallest_probability(codes: npt.NDArray[np.int8], present: Sequence[int]) -> float:
    """Of the most unlikely deal, a split that holds exactly the highest or the lowest values."""
    return min(2.0 / math.comb(len(codes), int(np.sum(codes == code))) for code in present)


def _by_permutation(features: FloatArray, codes: npt.NDArray[np.int8], present: Sequence[int], *, draws: int, seed: int) -> float:
    """Exact for any distribution: how often trajectories dealt at random to the splits differ as much."""
    generator = np.random.Generator(np.random.Philox(key=seed))
    observed = float(distances(features, np.stack([codes == code for code in present]).astype(np.float64)).max())
    beyond, drawn = 0, 0
    while drawn < draws:
        batch = min(2048, draws - drawn)
        dealt = generator.permuted(np.broadcast_to(codes, (batch, len(codes))), axis=1)
        membership = np.stack([dealt == code for code in present], axis=1).astype(np.float64)
        beyond += int(np.sum(distances(features, membership).max(axis=(1, 2)) >= observed * (1.0 - 1e-12)))
        drawn += batch
        if beyond >= 20:  # the probability is then known to a quarter of itself, and is far above the limit
            break
    return (beyond + 1.0) / (drawn + 1.0)


def _no_duplicates(subject: Subject, stored: StoredSystem, summary: Summary, granularity: StoredGranularity) -> Check:
    """The same initial state, or the same first samples, twice; crossings of a cycle are the same samples at other times."""
    if stored.record.behaviour in ("fixed_point", "periodic"):
        return subject.passed(f"not asked of a system annotated as {stored.record.behaviour}: its trajectories become the same")
    if stored.family is not None and stored.family.get("behaviour") != "chaotic":
        return subject.passed("not asked of a family that may hold cycles and fixed points: trajectories there become the same")
    rows = np.flatnonzero(stored.good & summary.readable)
    copies = _copies([stored.initial[row].tobytes() + stored.start_time[row].tobytes() for row in rows])
    times = [granularity.time[row].tobytes() if granularity.is_irregular else b"" for row in rows]
    copies += _copies([summary.head[row] + own for row, own in zip(rows, times, strict=True)])
    message = f"{len(rows)} trajectories are all different"
    if copies:
        first, second = (int(rows[place]) for place in copies[0])
        splits = [layout.SPLITS[int(stored.split[row])] for row in (first, second)]
        message = f"trajectory {second} ({splits[1]}) is a copy of trajectory {first} ({splits[0]}); {len(copies)} such pairs"
    return subject.measured(float(len(copies)), 0.0, message)


def _copies(keys: Sequence[bytes]) -> list[tuple[int, int]]:
    """Pairs (first place, later place) of equal keys."""
    seen: dict[bytes, int] = {}
    return [(seen[key], place) for place, key in enumerate(keys) if seen.setdefault(key, place) != place]


RULES = (
    Rule(
        "sets_apart",
        "splits",
        "system",
        promise="No parameter set, and no system that is held out, is in two splits.",
        advice="Generate the store again from its recipe.",
        run=lambda evidence: check_sets_apart(evidence.subject(), evidence.stored),
        needs="a recipe with `split_by: parameters` or `held_out`",
        applies=lambda evidence: layout.SPLIT_BY in evidence.stored.attributes,
    ),
    Rule(
        "same_measure",
        "splits",
        "granularity",
        promise="Means and spreads of the trajectories of one split could be those of another.",
        advice="Trajectories of a split were altered or chosen: generate the store again.",
        run=same_measure,
    ),
    Rule(
        "no_duplicates",
        "splits",
        "granularity",
        promise="No trajectory is there twice.",
        advice="Leave one of the two out, or generate the store again.",
        run=no_duplicates,
    ),
)
