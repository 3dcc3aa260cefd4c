"""Rule: every trajectory does what its entry says, on the same set as the others: none on the wrong side of a basin's border."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from attractory import layout
from attractory.stages.validate.chosen import Chosen, chosen_states, coordinates_of, seed_of, together, turn_of
from attractory.stages.validate.false_alarms import alarm_of, said
from attractory.stages.validate.one_set import FEWEST, Seen, farthest, seen
from attractory.stages.validate.permutations import FloatArray
from attractory.stages.validate.report import Check
from attractory.stages.validate.rule import Evidence, Rule
from attractory.stages.validate.trajectory_distances import common_samples, distances_between

# Of these all trajectories have one set, unless there are several attractors.
_ONE_SET = ("chaotic", "hyperchaotic", "periodic")


def check_attractor(evidence: Evidence) -> Iterator[Check]:
    """Two verdicts of one granularity."""
    chosen = together(evidence.stored, evidence.shards)
    if not len(chosen.rows):
        yield evidence.not_enough("there is no trajectory to look at", "1 trajectory")
        return
    coordinates = coordinates_of(evidence.stored, chosen.states)
    yield _motion(evidence, chosen, coordinates)
    yield _together(evidence, chosen, coordinates)


def _motion(evidence: Evidence, chosen: Chosen, coordinates: FloatArray) -> Check:
    """Chaotic trajectories neither rest nor repeat themselves."""
    stored, subject = evidence.stored, evidence.subject("motion")
    behaviour = stored.record.behaviour if stored.family is None else str(stored.family.get("behaviour", "unknown"))
    found = seen(coordinates, turn=turn_of(stored, evidence.granularity))
    if behaviour == "transient_chaotic" or "chaotic" not in behaviour:
        return subject.passed(f"{found.counted()}; the entry says {behaviour}, which allows that")
    wrong = np.flatnonzero(found.resting | (found.repeats > 0))
    message = f"annotated as {behaviour}; {found.counted()}"
    if len(wrong):
        message = (
            f"trajectory {_named(chosen, int(wrong[0]))} {_does(found, int(wrong[0]))}, and is annotated as {behaviour}; {found.counted()}"
        )
    return subject.measured(float(len(wrong)), 0.0, message)


def _together(evidence: Evidence, chosen: Chosen, coordinates: FloatArray) -> Check:
    """No trajectory is far from all the others."""
    stored, subject, alarm = evidence.stored, evidence.subject("one_set"), alarm_of(evidence.settings.places)
    if stored.family is not None:
        return subject.passed("not asked: trajectories have drawn parameters of their own")
    if stored.record.behaviour not in _ONE_SET or stored.record.conserved:
        return subject.passed(f"not asked of a system annotated as {stored.record.behaviour}, where each may have a set of its own")
    if len(chosen.rows) < FEWEST:
        return subject.not_enough(f"{len(chosen.rows)} trajectories do not show what is usual", f"{FEWEST} trajectories")
    samples = common_samples(coordinates.shape[1], seed=seed_of(stored.name, "one_set"))
    place, chance = farthest(distances_between(coordinates[:, samples]))
    told = f"trajectory {_named(chosen, place)} is the farthest from all {len(chosen.rows)}"
    return subject.tested(chance, alarm, f"{told}; chance {chance:.2g}, {said(alarm)}")


def _named(chosen: Chosen, place: int) -> str:
    return f"{int(chosen.rows[place])} ({layout.SPLITS[int(chosen.splits[place])]})"


def _does(found: Seen, place: int) -> str:
    return "comes to rest" if found.resting[place] else f"repeats itself after {int(found.repeats[place])} samples"


RULES = (
    Rule(
        name="attractor",
        group="labels",
        scope="granularity",
        promise="Each trajectory moves as its entry says, and all of them on one set.",
        advice="The trajectory that is named is on another attractor, of another system, or spoilt: make it again, or narrow `initial`.",
        run=check_attractor,
        needs="samples at regular times",
        applies=lambda evidence: not evidence.granularity.is_irregular,
        gather=chosen_states,
    ),
)
