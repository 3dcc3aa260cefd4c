"""Checks that what is written about a system is true of it: its exponents, its behaviour, its parameters, how its trajectories ended."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from attractory import layout
from attractory.errors import AttractoryError
from attractory.invariants.estimate import Estimate, combined_standard_error
from attractory.invariants.lyapunov_spectrum import Effort, lyapunov_spectrum
from attractory.stages.validate.families import check_family, check_set_behaviour
from attractory.stages.validate.reference import tangent_logarithms
from attractory.stages.validate.report import Check, Subject
from attractory.stages.validate.rule import Evidence, Rule, sampled_trajectories
from attractory.stages.validate.starts import check_starts
from attractory.stages.validate.stored import FloatArray, StoredSystem
from attractory.stages.validate.summary import Summary
from attractory.stages.validate.truth import is_stiff, reference_problem, scale_of

# Standard errors between two right values: with a few hundred systems, one in a million is never seen by chance.
_STANDARD_ERRORS = 5.0
# What a block error misses, as part of the annotated exponent: the exponents' own methods agree to about this.
_SYSTEMATIC = 0.01
# Wanted error of the exponent: in 1 / period, and as part of the annotated one; enough to tell chaos from a torus, in a second.
_WANTED_PER_PERIOD = 0.01
_WANTED_PART = 0.1
_TRAJECTORIES = 64
_STIFF_PERIODS = 3


def parameters(evidence: Evidence) -> Check:
    stored, subject = evidence.stored, evidence.subject()
    return _parameters(subject, stored) if stored.family is None else check_family(subject, stored, seed=evidence.recipe_seed)


def status(evidence: Evidence) -> Check:
    return _status(evidence.subject(), evidence.stored, evidence.summary)


def starts(evidence: Evidence) -> Check:
    recipe, stored = evidence.dataset.recipe, evidence.stored
    transient = float(recipe["transient"]["iterates" if stored.record.kind == "map" else "periods"])
    return check_starts(evidence.subject(), stored, seed=evidence.recipe_seed, transient=transient)


def leading_exponent(evidence: Evidence) -> list[Check]:
    """Of the equations as stored against the annotated one, and against the behaviour that the entry states."""
    stored, exponent, seed = evidence.stored, evidence.subject(), evidence.settings.seed
    behaviour = replace(exponent, name="behaviour")
    if stored.family is not None:
        why = "not asked: the trajectories have parameters of their own, and the entry's exponent is not theirs"
        return [exponent.passed(why), check_set_behaviour(behaviour, stored)]
    stated = _stated(stored)
    try:
        scale = scale_of(stored, evidence.summaries)
        measured = _measure_stiff(stored, scale, seed=seed) if is_stiff(stored) else _measure(stored, stated, seed=seed)
    except AttractoryError as error:
        return [exponent.failed(f"the exponent cannot be computed: {error}")]
    if stated is None:
        agrees = exponent.passed(f"the catalog states no exponent; from the equations: {measured}")
    else:
        agrees = _agrees(exponent, measured, value=stated[0], error=stated[1])
    return [agrees, _behaviour(behaviour, stored, measured)]


def _stated(stored: StoredSystem) -> tuple[float, float] | None:
    """The leading exponent that the entry states, with its error."""
    annotated = stored.record.invariants.get("lyapunov_spectrum")
    if annotated is None:
        return None
    return float(np.ravel(annotated.value)[0]), float(np.ravel(annotated.standard_error or 0.0)[0])


def _measure(stored: StoredSystem, stated: tuple[float, float] | None, *, seed: int) -> Estimate:
    """The leading exponent from the equations as stored, coarsely."""
    wanted = _WANTED_PER_PERIOD / (stored.system.period or 1.0)
    if stated is not None and stated[0] > 5.0 * stated[1]:
        wanted = min(wanted, _WANTED_PART * stated[0])
    return lyapunov_spectrum(stored.system, seed=seed, standard_error=wanted, exponents=1, effort=Effort(trajectories=_TRAJECTORIES))


def _measure_stiff(stored: StoredSystem, scale: FloatArray, *, seed: int) -> Estimate:
    """The leading exponent of a stiff flow by SciPy's implicit solver, from stored trajectories: its steps are long, explicit ones are not.

    Raises: IntegrationError where SciPy cannot follow a trajectory.
    """
    started = time.perf_counter()
    period = stored.system.period or 1.0
    # Whole periods: within one, the tangent of a relaxation oscillator grows and shrinks by many orders.
    times = np.linspace(0.0, (1 + _STIFF_PERIODS) * period, 8 * (1 + _STIFF_PERIODS) + 1)
    sampled = sampled_trajectories(stored, seed=seed, per_split=1)
    logarithms = np.array([tangent_logarithms(reference_problem(stored, int(row), scale), times) for row in sampled])
    rates = np.diff(logarithms[:, 8::8], axis=1)[..., None] / period
    settings = {"trajectories": len(sampled), "duration": float(times[-1])}
    return Estimate(rates.mean(axis=(0, 1)), combined_standard_error(rates), "tangent by LSODA", settings, time.perf_counter() - started)


def _agrees(subject: Subject, measured: Estimate, *, value: float, error: float) -> Check:
    found, found_error = float(measured.value[0]), float(measured.standard_error[0])
    limit = _STANDARD_ERRORS * float(np.hypot(error, found_error)) + _SYSTEMATIC * abs(value)
    message = f"from the equations {found:.4g} ± {found_error:.2g}, the catalog says {value:.4g} ± {error:.2g}"
    if abs(found - value) > limit:
        message += f". Where the entry has changed since it was annotated: attractory annotate {subject.system}"
    return subject.measured(abs(found - value), limit, message)


def _behaviour(subject: Subject, stored: StoredSystem, measured: Estimate) -> Check:
    """Chaotic systems have a positive exponent, the others none."""
    behaviour = stored.record.behaviour
    exponent, error = float(measured.value[0]), float(measured.standard_error[0])
    said = f"annotated as {behaviour}, and its leading exponent is {exponent:.3g} ± {error:.1g}"
    if "chaotic" in behaviour:
        return subject.passed(said) if exponent > 3.0 * error else subject.failed(f"{said}: not above zero by three standard errors")
    if behaviour in ("periodic", "quasiperiodic", "fixed_point"):
        allowed = _STANDARD_ERRORS * error + _WANTED_PER_PERIOD / (stored.system.period or 1.0)
        return subject.measured(exponent, allowed, said + (": positive" if exponent > allowed else ""))
    return subject.passed(said)


def _parameters(subject: Subject, stored: StoredSystem) -> Check:
    """Every trajectory has the parameters of its entry."""
    values: FloatArray = np.asarray(stored.system.definition.values, dtype=np.float64)
    if stored.parameters.shape != (stored.trajectories, len(values)):
        return subject.failed(f"`parameters` has shape {stored.parameters.shape}, expected {(stored.trajectories, len(values))}")
    different = np.argwhere(stored.parameters != values)
    message = f"every trajectory has the entry's {len(values)} parameters"
    if len(different):
        row, column = different[0]
        name = stored.system.definition.parameters[column]
        found, wanted = float(stored.parameters[row, column]), float(values[column])
        message = f"trajectory {row} was made with {name} = {found!r}, the entry says {wanted!r}"
    return subject.measured(float(len(np.unique(different[:, 0]))), 0.0, message)


def _completed(subject: Subject, stored: StoredSystem) -> Check:
    """Every trajectory reached its last sample."""
    failed = np.flatnonzero(~stored.good)
    message = f"all {stored.trajectories} trajectories reached their last sample"
    if len(failed):
        row = int(failed[0])
        message = f"{len(failed)} trajectories did not reach their last sample; trajectory {row}: {_sentence(int(stored.status[row]))}"
    return subject.measured(float(len(failed)), 0.0, message)


def _sentence(code: int) -> str:
    known = code in list(layout.Status)
    return layout.Status(code).sentence if known else f"status {code}, which means nothing"


def _status(subject: Subject, stored: StoredSystem, summary: Summary) -> Check:
    """A status says OK exactly where the last sample is there."""
    samples = next(grid.state.shape[1] for grid in stored.granularities if grid.name == subject.granularity)
    whole = summary.finite == samples
    wrong = np.flatnonzero(summary.readable & (whole != stored.good))
    message = "statuses agree with the samples"
    if len(wrong):
        row = int(wrong[0])
        holds = "all samples" if whole[row] else f"{summary.finite[row]} samples"
        message = f"trajectory {row} has {holds}, and its status says: {_sentence(int(stored.status[row]))}"
    return subject.measured(float(len(wrong)), 0.0, message)


RULES = (
    Rule(
        "parameters",
        "labels",
        "system",
        promise="Every trajectory has the parameters of its entry, or those that its number draws.",
        advice="The label is not what the trajectory was made with: generate the store again.",
        run=parameters,
    ),
    Rule(
        "completed",
        "labels",
        "system",
        promise="Every trajectory reached its last sample.",
        advice="See what the status says; a smaller range of initial states or parameters keeps trajectories from running away.",
        run=lambda evidence: _completed(evidence.subject(), evidence.stored),
    ),
    Rule(
        "status",
        "labels",
        "granularity",
        promise="A status says OK exactly where the last sample is there.",
        advice="Generate the store again from its recipe.",
        run=status,
    ),
    Rule(
        "starts",
        "labels",
        "system",
        promise="Every trajectory starts at a state that its number draws in the box.",
        advice="Generate the store again from its recipe.",
        run=starts,
        needs="a recipe with a box of initial states",
        applies=lambda evidence: evidence.stored.start_box is not None,
    ),
    Rule(
        "leading_exponent",
        "labels",
        "system",
        promise="The equations have the leading exponent and the behaviour that the entry states.",
        advice="Annotate the entry anew with `attractory annotate`, or correct its `behaviour`; then generate the store again.",
        run=leading_exponent,
    ),
)
