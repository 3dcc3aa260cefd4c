"""The check of what is observed: it is the stored states with the noise that seed and numbers draw, to the last bit."""

from __future__ import annotations

import numpy as np

from attractory import layout
from attractory.integrate.observation import noisy
from attractory.stages.validate.report import Check, Subject
from attractory.stages.validate.stored import StoredGranularity, StoredSystem
from attractory.stages.validate.truth import sampled_trajectories


def check_observation(stored: StoredSystem, *, drawn: int, seed: int) -> list[Check]:
    """One check a granularity, of a few trajectories of each split; drawn: the seed of the recipe."""
    if layout.OBSERVATION not in stored.attributes:
        return []
    rows = sampled_trajectories(stored, seed=seed)
    subjects = ((Subject("observed", "numbers", stored.name, granularity.name), granularity) for granularity in stored.granularities)
    return [_observed(subject, stored, granularity, rows.tolist(), drawn) for subject, granularity in subjects]


def _observed(subject: Subject, stored: StoredSystem, granularity: StoredGranularity, rows: list[int], drawn: int) -> Check:
    names = stored.attributes[layout.OBSERVATION]["variables"]
    places = [stored.system.variables.index(name) for name in names]
    noises = stored.observation_noise
    if noises is None or granularity.observed is None or granularity.observed.shape != (*granularity.state.shape[:2], len(names)):
        return subject.failed(f"`{layout.OBSERVED}` is missing or has another shape than (trajectory, time, {len(names)})")
    wrong = []
    for row in rows:
        states, noise = granularity.read(row)[:, places], noises[row]
        wanted = noisy(states, names, noise, seed=drawn, key=(stored.name, granularity.name, row))
        if np.asarray(granularity.observed[row]).tobytes() != wanted.tobytes():
            wrong.append(row)
    message = f"{len(rows)} trajectories looked at are the states of {', '.join(names)} with the noise that was drawn"
    if wrong:
        message = f"trajectory {wrong[0]} is not observed with the noise that its number draws"
    return subject.measured(float(len(wrong)), 0.0, message)
