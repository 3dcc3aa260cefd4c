"""Answers to the questions of a datasheet, from the recipe and the store alone. What nobody has stated is said to be not stated.

Source of the questions, here in our own words: Gebru et al., Datasheets for Datasets, Communications of the ACM 64(12), 86 (2021).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from attractory import layout
from attractory.stages.publish.citation import author_names
from attractory.stages.validate.stored import StoredDataset

DEFAULT_LICENCE = "CC-BY-4.0"  # of a recipe that names none; a store does not say whether it was named


@dataclass(frozen=True)
class Answers:
    """Sentences that a card, Croissant's Responsible-AI fields and others share."""

    purpose: str
    uses: str
    composition: str
    collection: str
    preprocessing: str
    missing: str
    limits: str
    biases: str
    personal: str
    social: str
    maintenance: str


def answers(dataset: StoredDataset, *, version: str, checked: str) -> Answers:
    """The sentences for one version; `checked` is what its validation says."""
    own = str(dataset.recipe.get("description") or "").strip().rstrip(".")
    purpose = f"{own}. " if own else "The recipe states no purpose of its own. "
    return Answers(
        purpose=purpose + "It holds trajectories of dynamical systems whose equations are known.",
        uses="Training and judging models that forecast, classify or reconstruct dynamical systems, and the study of their invariants.",
        composition=_composition(dataset),
        collection=_collection(dataset),
        preprocessing=_preprocessing(dataset),
        missing=_missing(dataset),
        limits=_limits(dataset, checked),
        biases=_biases(dataset),
        personal="None: every number follows from equations, parameters and a seed; nothing is about people.",
        social="None is known. A model that does well on these systems need not do well on measurements.",
        maintenance=(
            f"Version {version} does not change. A changed catalog, recipe or code gives a version of its own, whose CHANGES.md says which "
            "systems changed and why; `latest` names the newest. No maintainer is stated in the recipe."
        ),
    )


def datasheet(dataset: StoredDataset, said: Answers, *, licence: str) -> Iterator[tuple[str, str]]:
    """Question and answer, in the order of a datasheet."""
    names = author_names(dataset.attributes)
    yield "Motivation: why was it made?", said.purpose
    yield (
        "Motivation: who made it, who paid for it?",
        f"{'Authors: ' + ', '.join(names) if names else 'No authors are stated'}. Funding is not stated.",
    )
    yield "Composition: what is an instance, and how many are there?", said.composition
    yield "Composition: is it a sample of something larger?", said.biases
    yield "Composition: is anything missing?", said.missing
    yield "Composition: which splits are recommended?", _splits(dataset)
    yield "Composition: are there errors or noise?", _noise(dataset)
    yield "Composition: does it depend on anything outside?", "No. The store holds the equations, the parameters and the recipe."
    yield "Composition: is anything about people, or confidential?", said.personal
    yield "Collection: how were the data acquired?", said.collection
    yield "Collection: were people involved, was there an ethical review?", "No people were involved, and no review was asked for."
    yield "Preprocessing: what was done, is the raw form kept?", said.preprocessing
    yield "Uses: what is it for?", said.uses
    yield "Uses: what should it not be used for?", said.limits
    default = ", which is also what a recipe without a licence has" if licence == DEFAULT_LICENCE else ""
    yield "Distribution: under which licence?", f"{licence}{default}. No rights of third parties are known."
    yield "Maintenance: how is it kept, and will old versions stay?", said.maintenance


def _composition(dataset: StoredDataset) -> str:
    trajectories = sum(stored.trajectories for stored in dataset.systems)
    kinds: dict[str, int] = {}
    for stored in dataset.systems:
        kinds[stored.record.kind] = kinds.get(stored.record.kind, 0) + 1
    counted = ", ".join(f"{count} {kind}{'s' if count != 1 else ''}" for kind, count in sorted(kinds.items()))
    grids = sorted({grid.name for stored in dataset.systems for grid in stored.granularities})
    return (
        f"An instance is a trajectory: {trajectories} of {len(dataset.systems)} systems ({counted}), each sampled at {' and '.join(grids)}."
    )


def _collection(dataset: StoredDataset) -> str:
    recipe = dataset.recipe
    made = ", ".join(f"{name} {version}" for name, version in sorted(dataset.attributes[layout.VERSIONS].items()))
    return (
        f"By numerical integration of the catalog's equations with tolerance {recipe.get('tolerance')} in "
        f"{recipe.get('precision', 'double')} precision, from seed {recipe.get('seed')}; initial states: {_starts(recipe)}. Made by {made}."
    )


def _starts(recipe: Mapping[str, Any]) -> str:
    asked = recipe.get("initial", "attractor")
    return asked if isinstance(asked, str) else "boxes, as the recipe says"


def _preprocessing(dataset: StoredDataset) -> str:
    transient = dataset.recipe.get("transient", {})
    return (
        f"A transient of {transient.get('periods')} periods (maps: {transient.get('iterates')} iterates) is left out, and states are "
        f"rounded to {dataset.recipe.get('dtype')}; `initial` keeps sample 0 in double precision. Nothing is normalised or filtered."
    )


def _missing(dataset: StoredDataset) -> str:
    failed = {stored.name: int(np.count_nonzero(~stored.good)) for stored in dataset.systems}
    lost = ", ".join(f"{count} of {name}" for name, count in failed.items() if count)
    if not lost:
        return "No trajectory is missing or ends early."
    return f"Trajectories that end before their last sample ({lost}) have NaN from there, and `status` says why."


def _limits(dataset: StoredDataset, checked: str) -> str:
    digits = "the 24 binary digits of float32" if dataset.recipe.get("dtype") == "float32" else "the 53 binary digits of float64"
    return (
        f"Numbers have {digits}. Chaos amplifies rounding: late samples are those of a typical trajectory, not of the one through its "
        f"initial state, unless a certificate says so. There is no measurement behind them. {checked}"
    )


def _biases(dataset: StoredDataset) -> str:
    behaviours = sorted({stored.record.behaviour.replace("_", " ") for stored in dataset.systems})
    return (
        "The systems are those that the recipe names, and no random sample of dynamical systems; their behaviour: "
        f"{', '.join(behaviours)}. Trajectories of a system are drawn by the seed."
    )


def _splits(dataset: StoredDataset) -> str:
    counts = {split: sum(int(np.sum(stored.split == code)) for stored in dataset.systems) for code, split in enumerate(layout.SPLITS)}
    return ", ".join(f"{count} trajectories in {split}" for split, count in counts.items() if count) + ". No trajectory is in two of them."


def _noise(dataset: StoredDataset) -> str:
    observed = [stored.name for stored in dataset.systems if layout.OBSERVATION in stored.attributes]
    if observed:
        return (
            f"`state` has no noise; `observed` of {', '.join(observed)} has what the recipe asks for, and `observation_noise` is its size."
        )
    return "No noise is added."
