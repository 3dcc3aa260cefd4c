"""Rule: the transient is gone: the beginning of trajectories is like their end."""

from __future__ import annotations

from attractory.invariants.zero_exponents import is_driven
from attractory.stages.validate.chosen import chosen_states, coordinates_of, seed_of, together, turn_of
from attractory.stages.validate.false_alarms import alarm_of, draws_of, said
from attractory.stages.validate.report import Check
from attractory.stages.validate.rule import Evidence, Rule
from attractory.stages.validate.settled import FEWEST_TURNS, PARTS, beginning_and_end
from attractory.stages.validate.stored import StoredSystem

# Motion that forgets where it began, in a measure to which volumes shrink.
_FORGETS = ("chaotic", "hyperchaotic")
_STATES = 16


def keeps_phase(stored: StoredSystem) -> bool:
    """Whether a flow is driven: by the time itself, or by a variable whose rate depends on no variable."""
    if stored.record.kind != "flow":
        return False
    if is_driven(stored.system):
        return True
    jacobians = stored.system.jacobian(stored.initial[stored.good][:_STATES])
    return bool((jacobians == 0.0).all(axis=(0, 2)).any())


def check_stationary(evidence: Evidence) -> Check:
    """The verdict of one granularity."""
    stored, granularity = evidence.stored, evidence.granularity
    if stored.record.kind == "flow" and stored.system.period is None:
        return evidence.passed("not asked of a flow whose period nobody knows")
    if stored.record.behaviour not in _FORGETS or keeps_phase(stored):
        return evidence.passed("not asked where trajectories may keep the phase at which they all began: a cycle, a torus, a driven system")
    chosen, alarm = together(stored, evidence.shards), alarm_of(evidence.settings.places)
    turn = turn_of(stored, granularity)
    chance = None
    if len(chosen.rows) > 1:
        coordinates = coordinates_of(stored, chosen.states)
        chance = beginning_and_end(coordinates, chosen.rows, turn=turn, draws=draws_of(alarm), seed=seed_of(stored.name, "stationary"))
    if chance is None:
        message = f"an eighth of a trajectory is {granularity.samples / PARTS / turn:.2g} periods, too few to be compared with another"
        return evidence.not_enough(message, f"{int(PARTS * FEWEST_TURNS * max(turn, 2.0)) + 1} samples of each of 2 trajectories")
    if not chance.can_alarm(alarm):
        needed = next(count for count in range(2, 10_000) if 2.0 ** (1 - count) <= alarm)
        return evidence.not_enough(f"so few trajectories as {len(chosen.rows)} can differ as much by chance", f"{needed} trajectories")
    told = f"energy distance {chance.observed:.3g} between the first and the last eighth of {len(chosen.rows)} trajectories"
    return evidence.subject().tested(chance.p_value, alarm, f"{told}; chance {chance.p_value:.2g}, {said(alarm)}")


RULES = (
    Rule(
        name="stationary",
        group="labels",
        scope="granularity",
        promise="The first eighth of the trajectories is a sample of the same measure as the last: the transient is gone.",
        advice="Ask for a longer `transient` in the recipe and generate the system again.",
        run=check_stationary,
        needs="samples at regular times of chaos that is not driven",
        applies=lambda evidence: not evidence.granularity.is_irregular,
        gather=chosen_states,
    ),
)
