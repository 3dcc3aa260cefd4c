"""Rule: stored trajectories are what the recipe gives when it is run again from other draws: as a set of points, in the invariants of each
trajectory, and in how they begin."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from attractory.errors import IntegrationError
from attractory.stages.validate.chosen import (
    chosen_states,
    coordinate_names,
    coordinates_of,
    seed_of,
    together,
    turn_of,
)
from attractory.stages.validate.false_alarms import alarm_of, draws_of, said
from attractory.stages.validate.fresh import fresh_states, how_many
from attractory.stages.validate.permutations import (
    Chance,
    FloatArray,
    Statistic,
    chance_of,
    deals_of,
    dealt_at_random,
    differences,
    energy_of,
    largest_difference,
)
from attractory.stages.validate.report import Check
from attractory.stages.validate.rule import Evidence, Rule
from attractory.stages.validate.settled import beginnings
from attractory.stages.validate.trajectory_distances import common_samples, distances_between
from attractory.stages.validate.trajectory_numbers import Numbers, numbers_of

# Of a period: between the values whose order is counted; and how many samples are the beginning.
_LAG, _BEGINNING = 0.1, 8


def check_fresh(evidence: Evidence) -> Iterator[Check]:
    """Three verdicts of one granularity."""
    stored, granularity = evidence.stored, evidence.granularity
    chosen, alarm = together(stored, evidence.shards), alarm_of(evidence.settings.places)
    parts = ("measure", "numbers", "beginning")
    if stored.family is not None:
        yield from (evidence.subject(part).passed("not asked: trajectories have drawn parameters of their own") for part in parts)
        return
    count = how_many(len(chosen.rows), alarm)
    if count is None or not len(chosen.rows):
        message = f"{len(chosen.rows)} trajectories differ as much by chance, whatever they are compared with"
        yield from (evidence.subject(part).not_enough(message, needed(alarm)) for part in parts)
        return
    try:
        fresh = fresh_states(evidence.dataset, stored, granularity, count=count, samples=chosen.states.shape[1])
    except IntegrationError as error:
        yield from (evidence.subject(part).failed(f"the stored equations do not give what is stored: {error}") for part in parts)
        return
    compared = Compared(evidence, len(chosen.rows), coordinates_of(stored, np.concatenate([chosen.states, fresh])))
    for part, judged in zip(parts, (compared.measure, compared.numbers, compared.beginning), strict=True):
        chance, told = judged(alarm)
        yield evidence.subject(part).tested(chance.p_value, alarm, f"{told}; chance {chance.p_value:.2g}, {said(alarm)}")


def needed(alarm: float) -> str:
    """How many trajectories are enough beside fresh ones."""
    return f"{next(count for count in range(1, 10_000) if how_many(count, alarm) is not None)} trajectories"


class Compared:
    """Stored and fresh trajectories together: coordinates (trajectory, time, coordinate), the stored ones first."""

    def __init__(self, evidence: Evidence, count: int, coordinates: FloatArray) -> None:
        self.evidence, self.coordinates, self.count = evidence, coordinates, count
        fresh = len(coordinates) - self.count
        self.labels = np.repeat([0, 1], [self.count, fresh]).astype(np.int64)
        self.seed = seed_of(evidence.stored.name, evidence.granularity.name)

    def measure(self, alarm: float) -> tuple[Chance, str]:
        """The sets of points, by their energy distance."""
        chosen = common_samples(self.coordinates.shape[1], seed=self.seed)
        distances = distances_between(self.coordinates[:, chosen])
        chance = self._chance(energy_of(distances, 2), alarm)
        fresh, typical = len(self.labels) - self.count, float(distances.mean())
        return chance, f"energy distance {chance.observed:.3g} to {fresh} fresh trajectories, whose points are {typical:.2g} apart"

    def numbers(self, alarm: float) -> tuple[Chance, str]:
        """Moments, steps, period and entropy of each trajectory."""
        found = self._numbers()
        chance = self._chance(largest_difference(found.values, 2), alarm)
        place = int(np.argmax(differences(found.values, self.labels[None], 2)[0].max(axis=0)))
        stored, fresh = (found.values[self.labels == group, place] for group in (0, 1))
        error = float(np.sqrt(stored.var() / len(stored) + fresh.var() / len(fresh)))
        told = (
            f"{found.names[place]} is {stored.mean():.4g}, and {fresh.mean():.4g} ± {error:.2g} in fresh trajectories (lengths in spreads)"
        )
        return chance, told

    def beginning(self, alarm: float) -> tuple[Chance, str]:
        """The first samples, where a transient that was left in is seen."""
        samples = min(_BEGINNING, self.coordinates.shape[1])
        stored, fresh = self.coordinates[: self.count], self.coordinates[self.count :]
        chance = beginnings(stored, fresh, samples=samples, draws=draws_of(alarm), seed=self.seed)
        return chance, f"energy distance {chance.observed:.3g} between the first {samples} samples and those of fresh trajectories"

    def _numbers(self) -> Numbers:
        lag = max(1, round(_LAG * turn_of(self.evidence.stored, self.evidence.granularity)))
        return numbers_of(self.coordinates, coordinate_names(self.evidence.stored), lag=lag, seed=self.seed)

    def _chance(self, statistic: Statistic, alarm: float) -> Chance:
        ways = deals_of(self.labels)
        return chance_of(statistic, self.labels, dealt_at_random(self.labels), ways=ways, draws=draws_of(alarm), seed=self.seed)


RULES = (
    Rule(
        name="fresh",
        group="truth",
        scope="granularity",
        promise="Stored trajectories and trajectories made anew from the stored equations are draws of one distribution.",
        advice="Generate the system again from its entry; a number that the message names says what was changed.",
        run=check_fresh,
        needs="samples at regular times, and the entry's own parameters",
        applies=lambda evidence: not evidence.granularity.is_irregular,
        gather=chosen_states,
    ),
)
