"""The check of what is observed: it is the stored states with the noise that seed and numbers draw, to the last bit."""

from __future__ import annotations

import numpy as np

from attractory import layout
from attractory.integrate.observation import noisy
from attractory.stages.validate.report import Check
from attractory.stages.validate.rule import Evidence, Rule


def observed(evidence: Evidence) -> Check:
    """Of a few trajectories of each split."""
    stored, granularity, rows = evidence.stored, evidence.granularity, evidence.sampled().tolist()
    names = stored.attributes[layout.OBSERVATION]["variables"]
    places = [stored.system.variables.index(name) for name in names]
    noises = stored.observation_noise
    if noises is None or granularity.observed is None or granularity.observed.shape != (*granularity.state.shape[:2], len(names)):
        return evidence.failed(f"`{layout.OBSERVED}` is missing or has another shape than (trajectory, time, {len(names)})")
    wrong = []
    for row in rows:
        states, noise = granularity.read(row)[:, places], noises[row]
        wanted = noisy(states, names, noise, seed=evidence.recipe_seed, key=(stored.name, granularity.name, row))
        if np.asarray(granularity.observed[row]).tobytes() != wanted.tobytes():
            wrong.append(row)
    message = f"{len(rows)} trajectories looked at are the states of {', '.join(names)} with the noise that was drawn"
    if wrong:
        message = f"trajectory {wrong[0]} is not observed with the noise that its number draws"
    return evidence.measured(float(len(wrong)), 0.0, message)


RULES = (
    Rule(
        "observed",
        "numbers",
        "granularity",
        promise="What is observed are the stored states with the noise that seed and numbers draw.",
        advice="Observations or states were altered: generate the store again from its recipe.",
        run=observed,
        needs="a recipe with `observation`",
        applies=lambda evidence: layout.OBSERVATION in evidence.stored.attributes,
    ),
)
