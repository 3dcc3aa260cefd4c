"""Checks of the store itself: the bytes it was finished with, the arrays that the format asks for, and whether its catalog is current."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from attractory import layout
from attractory.catalog.record import SystemRecord
from attractory.errors import DamageError
from attractory.stages.validate.report import Check, Subject
from attractory.stages.validate.rule import Evidence, Rule
from attractory.stages.validate.stored import StoredDataset, StoredSystem
from attractory.store import check as damaged_files
from attractory.store import contents

_SHOWN = 3  # damaged files that a message names; `attractory verify` lists them all


def _digests(subject: Subject, dataset: StoredDataset) -> Check:
    """Every file has the digest that the manifest has for it, and the manifest the one in the root's attributes."""
    try:
        damage = damaged_files(dataset.path)
    except DamageError as error:
        return subject.failed(str(error))
    message = f"every file has its digest; manifest {dataset.attributes[layout.MANIFEST_DIGEST]}"
    if damage:
        more = f" and {len(damage) - _SHOWN} more" if len(damage) > _SHOWN else ""
        message = f"{len(damage)} files are damaged: " + "; ".join(str(file) for file in damage[:_SHOWN]) + more
    return subject.measured(float(len(damage)), 0.0, message)


def systems(evidence: Evidence) -> list[Check]:
    """There is one that can be read; those that cannot are a failure each, of the name `schema`."""
    dataset, subject = evidence.dataset, evidence.subject()
    found = len(dataset.systems)
    said = subject.passed(f"{found} systems: {', '.join(stored.name for stored in dataset.systems)}")
    if not found:
        said = subject.failed("the store holds no system that can be read")
    unusable = [
        Subject("schema", "store", name).failed(f"the group cannot be used: {reason}") for name, reason in dataset.unreadable.items()
    ]
    return [said, *unusable]


def asked_for(evidence: Evidence) -> Check:
    """The store holds what its recipe asks for: the systems, the trajectories of each split, the granularities and their samples."""
    recipe, dataset = evidence.dataset.recipe, evidence.dataset
    problems = []
    held = sorted([*(stored.name for stored in dataset.systems), *dataset.unreadable])
    asked = recipe.get("systems")
    if isinstance(asked, list) and sorted(asked) != held:
        problems.append(f"the recipe asks for the systems {', '.join(sorted(asked))}, the store holds {', '.join(held) or 'none'}")
    for stored in dataset.systems:
        problems += list(_not_asked_for(recipe, stored))
    if problems:
        more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        return evidence.failed("; ".join(problems[:_SHOWN]) + more)
    return evidence.passed("the store holds what its recipe asks for")


def _not_asked_for(recipe: Mapping[str, Any], stored: StoredSystem) -> Iterator[str]:
    counts, grids = recipe.get("trajectories"), recipe.get("granularities")
    if isinstance(counts, Mapping) and "held_out" not in recipe:
        for code, name in enumerate(layout.SPLITS):
            found, asked = int(np.sum(stored.split == code)), int(counts.get(name) or 0)
            if found != asked and recipe.get("split_by") != "parameters":
                yield f"{stored.name} has {found} trajectories in {name}, the recipe asks for {asked}"
    if not isinstance(grids, Mapping):
        return
    found_grids = {granularity.name: granularity.samples for granularity in stored.granularities}
    for name in sorted(set(grids) | set(found_grids)):
        asked_samples = grids[name].get("samples") if isinstance(grids.get(name), Mapping) else None
        if found_grids.get(name) != asked_samples:
            found_samples = found_grids.get(name, "no")
            yield f"{stored.name}/{name} has {found_samples} samples, the recipe asks for {asked_samples or 'no such granularity'}"


def manifest(evidence: Evidence) -> Check:
    """Every trajectory of every granularity is in exactly one row of the manifest, and the row in the file that is read for it."""
    try:
        rows = contents(evidence.dataset.path).rows
    except DamageError as error:
        return evidence.failed(str(error))
    if not rows:
        return evidence.failed("the manifest is damaged: its digest is not the one in the root")
    listed = {
        (row.system, row.granularity, row.path): (row.first_trajectory, row.trajectories) for row in rows if row.array == layout.STATE
    }
    wanted = {
        (stored.name, granularity.name, layout.shard_path(stored.name, granularity.name, number)): (shard.start, shard.stop - shard.start)
        for stored in evidence.dataset.systems
        for granularity in stored.granularities
        for number, shard in enumerate(granularity.shards())
    }
    known = set(evidence.dataset.unreadable)
    wrong = [key for key in sorted(set(listed) | set(wanted)) if listed.get(key) != wanted.get(key) and key[0] not in known]
    if wrong:
        return evidence.failed(f"{len(wrong)} shards and rows of the manifest do not belong together, first {wrong[0][2]}")
    return evidence.passed(f"{len(wanted)} shards of states have a row each")


def _schema(subject: Subject, stored: StoredSystem) -> Check:
    """Shapes, types, names and codes are what layout.py says."""
    problems = list(_problems(stored))
    return subject.failed("; ".join(problems)) if problems else subject.passed("arrays and attributes are as the format asks")


def _problems(stored: StoredSystem) -> Iterator[str]:
    trajectories, variables = len(stored.split), stored.system.dimension
    wanted = {
        layout.INITIAL: ((trajectories, variables), "float64"),
        layout.PARAMETER_ARRAY: ((trajectories, len(stored.system.definition.parameters)), "float64"),
        layout.START_TIME: ((trajectories,), "float64"),
        layout.SPLIT: ((trajectories,), "int8"),
        layout.STATUS: ((trajectories,), "int8"),
        **({layout.PARAMETER_SET: ((trajectories,), "int64"), layout.PARAMETER_DRAWS: ((trajectories,), "int16")} if stored.sets else {}),
    }
    arrays: dict[str, npt.NDArray[Any]] = {
        layout.INITIAL: stored.initial,
        layout.PARAMETER_ARRAY: stored.parameters,
        layout.START_TIME: stored.start_time,
        layout.SPLIT: stored.split,
        layout.STATUS: stored.status,
        **stored.sets,
    }
    for key, (shape, dtype) in wanted.items():
        if arrays[key].shape != shape or arrays[key].dtype != dtype:
            yield f"{key} is {arrays[key].dtype} {arrays[key].shape}, expected {dtype} {shape}"
    for granularity in stored.granularities:
        shape = (trajectories, granularity.time.shape[-1], variables)
        if granularity.state.shape != shape:
            yield f"{granularity.name}/{layout.STATE} has shape {granularity.state.shape}, expected {shape}"
    names = tuple(stored.attributes.get(layout.VARIABLES, ()))
    if names != stored.system.variables:
        yield f"{layout.VARIABLES} are {list(names)}, the equations have {list(stored.system.variables)}"
    if not np.isin(stored.split, range(len(layout.SPLITS))).all():
        yield f"{layout.SPLIT} has codes {np.unique(stored.split).tolist()}, expected 0 to {len(layout.SPLITS) - 1}"
    if not np.isfinite(stored.initial[stored.good]).all():
        yield f"{layout.INITIAL} holds NaN or infinity in a trajectory whose status is OK"


def catalog_current(evidence: Evidence) -> list[Check]:
    """Each system's entry is the catalog's of now."""
    entries = evidence.settings.entries
    return [_current(Subject("catalog_current", "store", stored.name), stored, entries) for stored in evidence.dataset.systems]


def _current(subject: Subject, stored: StoredSystem, catalog: Mapping[str, SystemRecord]) -> Check:
    """The digest in the attributes is that of the entry stored beside it, and of the catalog's entry as it is now."""
    written = stored.attributes.get(layout.SYSTEM_DIGEST)
    if written != stored.record.digest:
        return subject.failed(f"{layout.SYSTEM_DIGEST} is {written}, the entry in the store has {stored.record.digest}")
    if stored.name not in catalog:
        return subject.passed("not in this catalog; checked against the entry in the store")
    current = catalog[stored.name]
    if current.digest != written:
        message = f"{current.where()} has changed since this store was made: generate it again ({current.digest[:12]}, not {written[:12]})"
        return subject.failed(message)
    return subject.passed(f"made from the catalog's entry {written[:12]}")


RULES = (
    Rule(
        "digests",
        "store",
        "store",
        promise="Every file is, to the bit, what the manifest says, and the manifest what the root says.",
        advice="Make the damaged files again: attractory verify STORE --repair",
        run=lambda evidence: _digests(evidence.subject(), evidence.dataset),
    ),
    Rule(
        "systems",
        "store",
        "store",
        promise="The store holds systems, and each can be read.",
        advice="Make the damaged files again: attractory verify STORE --repair",
        run=systems,
    ),
    Rule(
        "manifest",
        "store",
        "store",
        promise="Every shard of states has its row in the manifest, with the trajectories that it holds.",
        advice="Make the damaged files again: attractory verify STORE --repair",
        run=manifest,
    ),
    Rule(
        "asked_for",
        "store",
        "store",
        promise="The store holds the systems, trajectories, granularities and samples that its recipe asks for.",
        advice="Generate the store again from its recipe.",
        run=asked_for,
    ),
    Rule(
        "catalog_current",
        "store",
        "store",
        promise="Each system was made from the catalog's entry as it is now.",
        advice="Generate the store again, or keep the catalog that it was made from.",
        run=catalog_current,
    ),
    Rule(
        "schema",
        "store",
        "system",
        promise="Arrays and attributes have the names, shapes, types and codes of the format.",
        advice="Make the damaged files again: attractory verify STORE --repair",
        run=lambda evidence: _schema(evidence.subject(), evidence.stored),
    ),
)
