"""Checks that the splits are samples of one measure, and share no trajectory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from attractory import layout
from attractory.stages.validate.chosen import chosen_rows, coordinates_of, seed_of
from attractory.stages.validate.false_alarms import alarm_of, draws_of, joined, said
from attractory.stages.validate.families import by_set, check_sets_apart
from attractory.stages.validate.permutations import (
    Chance,
    chance_of,
    deals_of,
    dealt_at_random,
    differences,
    energy_of,
    largest_difference,
)
from attractory.stages.validate.report import Check, Subject
from attractory.stages.validate.rule import Evidence, Rule, ShardStates
from attractory.stages.validate.stored import FloatArray, StoredGranularity, StoredSystem
from attractory.stages.validate.summary import Summary
from attractory.stages.validate.trajectory_distances import common_samples, distances_between

_FEWEST = 4  # trajectories of a split, to say anything about it

Gathered = tuple[npt.NDArray[np.int64], FloatArray]


@dataclass(frozen=True)
class Units:
    """What is dealt to splits: trajectories, or parameter sets. features (unit, feature) with their names, points (unit, point, variable),
    labels (unit,): the place of its split among `present`."""

    features: FloatArray
    names: tuple[str, ...]
    points: FloatArray
    labels: npt.NDArray[np.int64]
    present: tuple[int, ...]


def gather_points(shard: ShardStates) -> Gathered:
    """(rows, points (trajectory, point, variable)): of some trajectories, at the same few samples of each."""
    places = np.flatnonzero(np.isin(shard.rows, chosen_rows(shard.stored)))
    rows, length = shard.rows[places].astype(np.int64), shard.states.shape[1]
    return rows, shard.states[places][:, common_samples(length, seed=seed_of(shard.stored.name, "same_measure"))].astype(np.float64)


def same_measure(evidence: Evidence) -> Check:
    """Two statistics of one question, which share its chance: the energy distance between the points of the splits; and, of every
    trajectory that could be read, mean and spread of each variable."""
    stored, alarm = evidence.stored, alarm_of(evidence.settings.places)
    if stored.attributes.get(layout.SPLIT_BY) == "system":
        return evidence.passed("not asked of a system that is held out: it is in one split")
    tested = [one for one in (_by_points(evidence), _by_features(evidence)) if one is not None]
    if not tested:
        return evidence.not_enough("too few trajectories to compare splits", f"{_FEWEST} trajectories in each of two splits")
    found = [(_chance(evidence, *one, draws=draws_of(alarm / len(tested))), one) for one in tested]
    chance = joined(one.p_value for one, _ in found)
    if chance >= alarm and not any(one.can_alarm(alarm / len(tested)) for one, _ in found):
        return evidence.not_enough("so few trajectories can differ as much by chance", "some more trajectories in the smallest split")
    units = found[-1][1][0]
    score = differences(units.features, units.labels[None], len(units.present))[0]
    split, feature = np.unravel_index(int(np.argmax(score)), score.shape)
    where = f"{units.names[feature]} in {layout.SPLITS[units.present[split]]}" if units.names else "none"
    message = f"largest difference: {where}; chance of a larger one, or of a larger energy distance between splits, {chance:.2g}"
    return evidence.subject().tested(chance, alarm, f"{message}, {said(alarm)}")


Tested = tuple[Units, str]


def _chance(evidence: Evidence, units: Units, kind: str, *, draws: int) -> Chance:
    groups = len(units.present)
    statistic = energy_of(distances_between(units.points), groups) if kind == "points" else largest_difference(units.features, groups)
    return chance_of(
        statistic,
        units.labels,
        dealt_at_random(units.labels),
        ways=deals_of(units.labels),
        draws=draws,
        seed=seed_of(evidence.stored.name, f"{kind} of splits", evidence.settings.seed),
    )


def _by_points(evidence: Evidence) -> Tested | None:
    """A few points of some trajectories; None where splits are too small, or where trajectories are not their own units."""
    stored = evidence.stored
    if not evidence.shards or stored.attributes.get(layout.SPLIT_BY) == "parameters":
        return None
    rows = np.concatenate([rows for rows, _ in evidence.shards])
    points = np.concatenate([points for _, points in evidence.shards])
    kept = np.isfinite(points).all(axis=(1, 2))
    if not kept.any():
        return None
    present, labels, of_present = _dealt(stored.split[rows[kept]])
    if len(present) < 2:
        return None
    coordinates = coordinates_of(stored, points[kept][of_present])
    return Units(np.zeros((len(labels), 1)), (), coordinates, labels, present), "points"


def _by_features(evidence: Evidence) -> Tested | None:
    """One row a trajectory, so that the correlations within one do not count as evidence; or one a parameter set."""
    stored, summary = evidence.stored, evidence.summary
    rows = np.flatnonzero(summary.readable & stored.good & (summary.finite > 0))
    if not len(rows):
        return None
    features, codes = np.concatenate([summary.mean[rows], np.sqrt(summary.variance[rows])], axis=1), stored.split[rows]
    if stored.attributes.get(layout.SPLIT_BY) == "parameters":
        features, codes = by_set(features, stored.sets[layout.PARAMETER_SET][rows], codes)
    present, labels, of_present = _dealt(codes)
    if len(present) < 2:
        return None
    names = tuple(f"{kind} of {name}" for kind in ("mean", "spread") for name in stored.system.variables)
    return Units(features[of_present], names, np.zeros((len(labels), 0, 0)), labels, present), "features"


def _dealt(codes: npt.NDArray[np.int8]) -> tuple[tuple[int, ...], npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """(the splits that have units enough, the place among them of each unit of these, which units that are)."""
    present = tuple(code for code in range(len(layout.SPLITS)) if np.sum(codes == code) >= _FEWEST)
    kept = np.isin(codes, present)
    return present, np.searchsorted(present, codes[kept]).astype(np.int64), kept


def no_duplicates(evidence: Evidence) -> Check:
    return _no_duplicates(evidence.subject(), evidence.stored, evidence.summary, evidence.granularity)


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
        promise="The trajectories of all splits are draws of one measure.",
        advice="Trajectories of a split were altered or chosen: generate the store again.",
        run=same_measure,
        gather=gather_points,
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
