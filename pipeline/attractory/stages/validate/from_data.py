"""Rule: invariants from the stored numbers are those that the catalog states, each with a confidence interval, or the data are too few."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from attractory.catalog.record import Invariant
from attractory.errors import AttractoryError
from attractory.invariants import Estimate, NeighbourPairs, correlation_dimension, largest_exponent_from_data
from attractory.kernels.precise import is_smooth
from attractory.stages.check.period import OTHERWISE, time_between_maxima
from attractory.stages.validate.agreement_of import (
    Measured,
    Stated,
    chance_of_difference,
    factor_needed,
    interval,
    worst_of,
)
from attractory.stages.validate.chosen import Chosen, Part, chosen_rows, coordinates_of, together
from attractory.stages.validate.false_alarms import alarm_of, said
from attractory.stages.validate.report import Check, Subject
from attractory.stages.validate.rule import Evidence, Rule, ShardStates
from attractory.stages.validate.stored import StoredGranularity, StoredSystem
from attractory.stages.validate.tangents_along import (
    BLOCKS,
    MOST_VARIABLES,
    TRAJECTORIES,
    Along,
    exponents_along,
    samples_along,
)

_TRAJECTORIES, _SAMPLES = 32, 1024
_POINTS, _REFERENCES = 8_192, 1_024
_FEWEST_A_PERIOD = 6.0  # samples, for what looks from one to the next
# What a method is off by however much data there are, as part of the number: tangents by their alignment, and 2 / T (neighbouring orbits of
# regular motion part in proportion to the time); neighbours and dimensions by the range of distances that so few points have, as
# benchmarks/annotations and tests/invariants find it.
_OF_TANGENTS, _OVER_TIME, _OF_NEIGHBOURS, _OF_DIMENSION = 0.02, 2.0, 0.3, 0.15
_PART_TO_SEE = 0.5  # an error of this part must be seen, or there is not enough data
_AS_DEFINED = 1.5  # between a stated period and a mean time between maxima, some of which are lost between samples
_POSITIVE = 5.0  # standard errors above zero


@dataclass(frozen=True)
class Case:
    """What is looked at: the trajectories of the granularity that is followed longest, the entry, and the chance of an alarm."""

    evidence: Evidence
    granularity: StoredGranularity
    chosen: Chosen
    alarm: float

    @property
    def stored(self) -> StoredSystem:
        return self.evidence.stored

    def stated(self, quantity: str) -> Invariant | None:
        """What the entry says of a quantity now; None where nothing, or of other equations than it has."""
        record = self.stored.record
        return None if quantity in record.stale else record.invariants.get(quantity)


def longest(stored: StoredSystem) -> StoredGranularity | None:
    """The regular granularity that follows trajectories longest, among those that sample a period often enough where there are some."""
    regular = [one for one in stored.granularities if not one.is_irregular]
    period = stored.system.period
    if period is not None and stored.record.kind != "map":
        regular = [one for one in regular if period / one.dt >= _FEWEST_A_PERIOD] or regular
    return max(regular, key=lambda one: min(one.samples, _SAMPLES) * one.dt, default=None)


def gather_longest(shard: ShardStates) -> Part:
    """(rows, states) of a few trajectories; nothing of the other granularities."""
    wanted = longest(shard.stored)
    if wanted is None or wanted.name != shard.granularity.name:
        return np.zeros(0, np.int64), np.zeros((0, 0, shard.states.shape[2]))
    places = np.flatnonzero(np.isin(shard.rows, chosen_rows(shard.stored, most=_TRAJECTORIES)))
    return shard.rows[places].astype(np.int64), np.array(shard.states[places, :_SAMPLES])


def check_invariants(evidence: Evidence) -> Iterator[Check]:
    """One verdict for each quantity."""
    granularity = longest(evidence.stored)
    if granularity is None or evidence.stored.family is not None:
        yield evidence.passed("not asked: there are no samples at regular times, or trajectories have drawn parameters of their own")
        return
    chosen = together(evidence.stored, evidence.gathered.get(granularity.name, ()))
    if len(chosen.rows) < 2 or chosen.states.shape[1] < 2:
        yield evidence.not_enough(f"{len(chosen.rows)} trajectories have no error between them", "2 trajectories")
        return
    case = Case(evidence, granularity, chosen, alarm_of(evidence.settings.places))
    yield from _of_tangents(case)
    yield _of_neighbours(case)
    yield _dimension(case)
    yield from _period(case)


def _of_tangents(case: Case) -> Iterator[Check]:
    subject, stored = case.evidence.subject("lyapunov_spectrum"), case.stored
    switches = stored.record.kind == "flow" and not is_smooth(stored.system.definition)
    if stored.record.kind == "delay" or stored.system.dimension > MOST_VARIABLES or switches:
        yield subject.passed(f"not asked of delay systems, of flows with switches, nor of more than {MOST_VARIABLES} variables")
        return
    rows = case.chosen.rows[:: max(1, len(case.chosen.rows) // TRAJECTORIES)][:TRAJECTORIES]
    states = case.chosen.states[np.isin(case.chosen.rows, rows)]
    states = states[:, : samples_along(len(rows), stored.system.dimension, states.shape[1])]
    if states.shape[1] < 8 * BLOCKS:
        yield subject.not_enough(f"{states.shape[1]} samples have no growth to average", f"{8 * BLOCKS} samples")
        return
    along = exponents_along(stored.system, states, start_time=stored.start_time[rows], dt=case.granularity.dt)
    if along is None:
        yield subject.not_enough(
            "no explicit method can follow tangents from sample to sample", "a finer granularity, of a flow that is not stiff"
        )
        return
    yield _spectrum(case, along)
    yield _behaviour(case, along)


def _spectrum(case: Case, along: Along) -> Check:
    subject, stated = case.evidence.subject("lyapunov_spectrum"), case.stated("lyapunov_spectrum")
    measured = [_exponent(along, place, 0.0) for place in range(len(along.estimate.value))]
    if stated is None:
        return subject.passed(f"the catalog states no exponents; along the stored points: {along.estimate}")
    values, errors = np.ravel(stated.value), np.ravel(stated.standard_error or 0.0) * np.ones(np.size(stated.value))
    known = min(len(values), len(measured))
    scale = float(np.abs(values).max())
    allowed = _OF_TANGENTS * np.maximum(np.abs(values), 0.1 * scale)
    numbers = [Stated(float(values[place]), float(errors[place])) for place in range(known)]
    pairs = [(_exponent(along, place, float(allowed[place])), numbers[place]) for place in range(known)]
    place, chance = worst_of(np.array([chance_of_difference(*pair) for pair in pairs]))
    return _verdict(case, subject, pairs[place], chance, name=f"exponent {place + 1} of {known}")


def _exponent(along: Along, place: int, allowed: float) -> Measured:
    errors = (
        (float(along.between_trajectories[place]), max(along.trajectories - 1.0, 1.0)),
        (float(along.between_blocks[place]), BLOCKS - 1.0),
    )
    return Measured(float(along.estimate.value[place]), errors, allowed + _OVER_TIME / along.duration)


def _behaviour(case: Case, along: Along) -> Check:
    """Along chaotic trajectories tangents grow, along others they do not; that is one question with the spectrum, and has its alarm."""
    subject, behaviour = case.evidence.subject("behaviour"), case.stored.record.behaviour
    measured = _exponent(along, 0, 0.0)
    low, high = interval(measured, 1.0 - case.alarm)
    told = f"annotated as {behaviour}, and tangents grow along the stored points at {measured.value:.3g} ± {measured.standard_error:.1g}"
    if "chaotic" in behaviour:
        if behaviour != "transient_chaotic" and high < 0.0:
            return subject.failed(f"{told}: not at all")
        return subject.passed(told)
    if behaviour in ("periodic", "quasiperiodic", "fixed_point"):
        return subject.measured(low, _OVER_TIME / along.duration, told)
    return subject.passed(told)


def _of_neighbours(case: Case) -> Check:
    """The leading exponent without any equation, from how neighbours part."""
    subject, stated = case.evidence.subject("largest_exponent"), case.stated("lyapunov_spectrum")
    if stated is None or case.stored.record.kind == "delay":
        return subject.passed("not asked: the catalog states no exponent, or states are no points of a delay system")
    value, error = float(np.ravel(stated.value)[0]), float(np.ravel(stated.standard_error or 0.0)[0])
    coordinates, dt = coordinates_of(case.stored, case.chosen.states), case.granularity.dt
    most = max(1, min(len(coordinates), _POINTS // coordinates.shape[1]))
    measured = _tried(lambda: largest_exponent_from_data(coordinates[:most], dt=dt, pairs=NeighbourPairs(references=_REFERENCES)))
    if isinstance(measured, str):
        return subject.not_enough(measured, f"{_POINTS} samples")
    exponential = bool(measured.settings["exponential"])
    told = f"neighbours part at {measured}, the catalog says {value:.4g} ± {error:.2g}"
    if not exponential:
        if value > _POSITIVE * error:
            return subject.not_enough(
                f"{told}; that is no exponential growth yet", "more trajectories, sampled ten times a period or finer"
            )
        return subject.passed(told)
    allowed = _OF_NEIGHBOURS * abs(value) + _OVER_TIME / (dt * coordinates.shape[1])
    found = Measured(float(measured.value), ((float(measured.standard_error), BLOCKS - 1.0),), allowed)
    return _verdict(
        case, subject, (found, Stated(value, error)), chance_of_difference(found, Stated(value, error)), name="leading exponent"
    )


def _dimension(case: Case) -> Check:
    subject, stated = case.evidence.subject("correlation_dimension"), case.stated("correlation_dimension")
    if stated is None:
        return subject.passed("not asked: the catalog states no correlation dimension")
    coordinates = coordinates_of(case.stored, case.chosen.states)
    thin = max(1, -(-coordinates.shape[0] * coordinates.shape[1] // _POINTS))
    measured = _tried(lambda: correlation_dimension(coordinates[:, ::thin], dt=thin * case.granularity.dt))
    if isinstance(measured, str):
        return subject.not_enough(measured, f"{_POINTS} samples")
    pair = (
        Measured(float(measured.value), ((float(measured.standard_error), 31.0),), _OF_DIMENSION * float(np.ravel(stated.value)[0])),
        Stated(float(np.ravel(stated.value)[0]), float(np.ravel(stated.standard_error or 0.0)[0])),
    )
    return _verdict(case, subject, pair, chance_of_difference(*pair), name="correlation dimension")


def _period(case: Case) -> Iterator[Check]:
    """The mean time between maxima against the entry's time scale: no test, a factor; the nearest variable's, where it names none."""
    stored, subject = case.stored, case.evidence.subject("period")
    if stored.record.kind == "map" or stored.system.period is None or stored.record.behaviour == "fixed_point":
        return
    rate = stored.system.period / case.granularity.dt
    if rate < _FEWEST_A_PERIOD or case.chosen.states.shape[1] < 4 * rate:
        yield subject.not_enough(
            f"{rate:.3g} samples a period do not show its maxima", f"{_FEWEST_A_PERIOD:g} samples a period, over 4 periods"
        )
        return
    sign, place = _defined(stored)
    measured = time_between_maxima(sign * case.chosen.states, case.granularity.dt)
    measured = measured[[place]] if place is not None else measured
    factor = OTHERWISE if place is None else _AS_DEFINED
    off = np.where(np.isfinite(measured), np.abs(np.log(np.maximum(measured, 1e-300) / stored.system.period)), np.inf)
    found = float(measured[np.argmin(off)])
    told = f"maxima are {found:.4g} apart in the mean, the entry's period is {stored.system.period:.4g}; a factor of {factor:g} is allowed"
    yield subject.measured(float(np.exp(off.min())), factor, told)


_DEFINITION = re.compile(r"mean time between (maxima|minima) of ([A-Za-z][A-Za-z0-9_]*)$")


def _defined(stored: StoredSystem) -> tuple[float, int | None]:
    """The sign that makes maxima of what the entry counts, and the place of the variable; None where it means something else."""
    timescale = stored.record.timescale
    found = _DEFINITION.match(timescale.definition) if timescale is not None else None
    if found is None or found[2] not in stored.system.variables:
        return 1.0, None
    return -1.0 if found[1] == "minima" else 1.0, stored.system.variables.index(found[2])


def _tried(measure: Callable[[], Estimate]) -> Estimate | str:
    """An estimate, or the sentence that says why there is none."""
    try:
        return measure()
    except AttractoryError as error:
        return str(error)


def _verdict(case: Case, subject: Subject, pair: tuple[Measured, Stated], chance: float, *, name: str) -> Check:
    measured, stated = pair
    low, high = interval(measured)
    told = f"{name} from the stored samples {measured.value:.4g} (95 %: {low:.4g} to {high:.4g})"
    told += f", the catalog says {stated.value:.4g} ± {stated.error:.2g}"
    factor = factor_needed(measured, stated, part=_PART_TO_SEE, alarm=case.alarm)
    if factor > 1.0 and chance >= case.alarm and abs(stated.value) > _POSITIVE * stated.error:
        needed = f"{factor:.2g} times the samples" if np.isfinite(factor) else "a finer or longer granularity"
        return subject.not_enough(f"{told}; half as much again would not be told from it", needed)
    return subject.tested(chance, case.alarm, f"{told}; chance {chance:.2g}, {said(case.alarm)}")


RULES = (
    Rule(
        name="invariants",
        group="truth",
        scope="system",
        promise="Exponents, dimension and period from the stored samples are those that the catalog states.",
        advice="Where the entry has changed since it was annotated: `attractory annotate` it; else generate the system again.",
        run=check_invariants,
        needs="samples at regular times, and the entry's own parameters",
        gather=gather_longest,
    ),
)
