"""Checks of families: every set is the one that its number draws, has the behaviour asked for, and lies where the splits say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from attractory import layout
from attractory.integrate.families import Family, Spread, drawn_sets
from attractory.integrate.set_behaviour import behaviours
from attractory.stages.validate.report import Check, Subject
from attractory.stages.validate.stored import FloatArray, IntArray, StoredSystem

# Sets whose class is determined again; all of them would take as long as the run itself.
_SETS = 8


def check_family(subject: Subject, stored: StoredSystem, *, seed: int) -> Check:
    """Each trajectory has the parameters that the seed draws for its set, at the draw that the store says; or none, and no samples."""
    family = family_of_store(stored.family or {}, stored.system.record.parameters)
    sets, draws = stored.sets[layout.PARAMETER_SET], stored.sets[layout.PARAMETER_DRAWS]
    if (sets != family.order.of(np.arange(len(sets)))).any():
        return subject.failed(f"`{layout.PARAMETER_SET}` is not {(stored.family or {})['set_of_trajectory']}")
    if not ((draws >= 1) & (draws <= family.attempts)).all():
        return subject.failed(f"`{layout.PARAMETER_DRAWS}` are {draws.min()} to {draws.max()}, expected 1 to {family.attempts}")
    unknown = np.isnan(stored.parameters).any(axis=1)
    if (unknown & (stored.good | (draws < family.attempts))).any():
        return subject.failed("a trajectory without parameters has samples, or its set was given up early")
    numbers, places = np.unique(sets, return_inverse=True)
    first = np.unique(sets, return_index=True)[1]
    wanted = drawn_sets(stored.system, family, [(int(sets[row]), int(draws[row]) - 1) for row in first], seed=seed)[places]
    different = np.flatnonzero(~unknown & (stored.parameters != wanted).any(axis=1))
    message = f"{len(numbers)} parameter sets are those that the seed draws; {int((draws[first] > 1).sum())} of them were drawn again"
    if len(different):
        row = int(different[0])
        message = f"trajectory {row} has the parameters {stored.parameters[row].tolist()}, its set {sets[row]} has {wanted[row].tolist()}"
    return subject.measured(float(len(different)), 0.0, message)


def check_set_behaviour(subject: Subject, stored: StoredSystem) -> Check:
    """A few sets have the class of behaviour that was asked for."""
    wanted = (stored.family or {}).get("behaviour")
    if wanted is None:
        return subject.passed("not asked: parameters are drawn whatever the behaviour")
    rows = np.unique(stored.sets[layout.PARAMETER_SET], return_index=True)[1]
    rows = rows[np.isfinite(stored.parameters[rows]).all(axis=1)][:_SETS]
    found = behaviours(stored.system, stored.parameters[rows]) if len(rows) else []
    wrong = [(int(row), one) for row, one in zip(rows, found, strict=True) if one is None or wanted not in ("bounded", one)]
    message = f"{len(rows)} sets looked at are {wanted}"
    if wrong:
        message = f"the set of trajectory {wrong[0][0]} is {wrong[0][1]}, asked for was {wanted}"
    return subject.measured(float(len(wrong)), 0.0, message)


def check_sets_apart(subject: Subject, stored: StoredSystem) -> Check:
    """No parameter set is in two splits, by number or by value; a system that is held out is in one."""
    if stored.attributes[layout.SPLIT_BY] == "system":
        held = np.unique(stored.split).tolist()
        return subject.measured(float(len(held) - 1), 0.0, f"every trajectory is in {' and '.join(layout.SPLITS[code] for code in held)}")
    sets: IntArray = stored.sets[layout.PARAMETER_SET]
    shared = list(_shared(sets.tolist(), stored.split)) + list(
        _shared([row.tobytes() for row in stored.parameters], stored.split, stored.good)
    )
    message = f"each of {len(np.unique(sets))} parameter sets is in one split"
    if shared:
        message = f"trajectories {shared[0][0]} and {shared[0][1]} have the same parameters and are in two splits"
    return subject.measured(float(len(shared)), 0.0, message)


def by_set(features: FloatArray, sets: IntArray, codes: IntArray) -> tuple[FloatArray, IntArray]:
    """Means over the trajectories of each set, and the split of each: those of one set are no independent evidence."""
    numbers, first, places = np.unique(sets, return_index=True, return_inverse=True)
    total = np.zeros((len(numbers), features.shape[1]))
    np.add.at(total, places, features)
    return total / np.bincount(places)[:, None], codes[first]


def family_of_store(attributes: Mapping[str, Any], declared: Iterable[str]) -> Family:
    """The family that a system's attributes tell of; a grid counts its points in the order in which the entry declares parameters."""
    together = "//" in attributes["set_of_trajectory"]
    order = layout.SetOrder(attributes["sets"], attributes["trajectories_per_set"], together)
    spreads = tuple(_spread(name, attributes["parameters"][name]) for name in declared if name in attributes["parameters"])
    return Family(spreads, order, attributes["draw"], attributes.get("behaviour"), attributes.get("attempts", 1))


def _spread(name: str, item: Mapping[str, Any]) -> Spread:
    if "values" in item:
        return Spread(name, min(item["values"]), max(item["values"]), values=tuple(item["values"]))
    low, high = item["range"]
    return Spread(name, low, high, item["scale"] == "log")


def _shared(keys: list[Any], split: IntArray, counted: Any = None) -> Iterator[tuple[int, int]]:
    seen: dict[Any, int] = {}
    for row, key in enumerate(keys):
        if counted is not None and not counted[row]:
            continue
        first = seen.setdefault(key, row)
        if split[first] != split[row]:
            yield first, row
