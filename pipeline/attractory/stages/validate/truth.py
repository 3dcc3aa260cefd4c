"""Checks that stored trajectories solve the stated equations, and keep what these conserve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from attractory.errors import DamageError, IntegrationError
from attractory.expressions.circles import difference
from attractory.expressions.system import System
from attractory.integrate.starts import start_state
from attractory.stages.validate.delay_reference import integrate_delays_again, times_from_the_start
from attractory.stages.validate.reference import FORGOTTEN, Problem, Reference, integrate_again
from attractory.stages.validate.report import Check, Subject
from attractory.stages.validate.rule import Evidence, Rule
from attractory.stages.validate.sections import check_crossings
from attractory.stages.validate.stored import FloatArray, StoredGranularity, StoredSystem
from attractory.stages.validate.summary import Summary

# Errors as predicted, times this: the prediction knows one direction of the twin, and the engine's tolerance is of a step, not of a sample.
_MARGIN = 100.0
# A system that does not forget is followed for so many periods, or so many time units where it has none.
_LONGEST_PERIODS = 10.0
_LONGEST_TIME = 50.0
_LONGEST_ITERATES = 500
# A trajectory that failed was drawn again; so many draws are tried, each told from the next by this part of the spread at sample 0.
_DRAWS, _SAME_DRAW = 3, 0.1
# Explicit methods need |eigenvalue| * period / 6 steps a period: beyond this many eigenvalue-periods the implicit one is faster.
_STIFF = 3000.0
# Drift of a conserved quantity, in units of what rounding the stored states changes.
_ROUNDINGS = 20.0


@dataclass(frozen=True)
class Outcome:
    """One trajectory at one granularity against its reference: worst error over its limit, and where."""

    ratio: float
    error: float
    limit: float
    time: float
    horizon: float
    trajectory: int
    compared: int


def reintegration(evidence: Evidence) -> list[Check]:
    """One verdict a granularity, from one integration of each trajectory to the times of all of them."""
    dataset, stored, summaries = evidence.dataset, evidence.stored, evidence.summaries
    rows = evidence.sampled()
    tolerance = float(dataset.recipe.get("tolerance", 1e-14))
    truer = dataset.recipe.get("precision") == "reference"
    outcomes: dict[str, list[Outcome | str]] = {granularity.name: [] for granularity in stored.granularities}
    for row in rows:
        for name, outcome in _compare(stored, summaries, int(row), tolerance=tolerance, truer=truer, drawn=evidence.recipe_seed).items():
            outcomes[name].append(outcome)
    subject = evidence.subject()
    return [_verdict(replace(subject, granularity=name), found, stored) for name, found in outcomes.items()]


def crossings(evidence: Evidence) -> Check:
    """SciPy finds the crossings of a section again."""
    stored = evidence.stored
    scale = scale_of(stored, evidence.summaries)
    problems = {int(row): reference_problem(stored, int(row), scale) for row in evidence.sampled()}
    longest = 0.5 * _longest(stored, tolerance=float(evidence.dataset.recipe.get("tolerance", 1e-14)))
    return check_crossings(stored, evidence.granularity, problems, longest=longest)


def _compare(
    stored: StoredSystem, summaries: Mapping[str, Summary], row: int, *, tolerance: float, truer: bool, drawn: int
) -> dict[str, Outcome | str]:
    """The outcome at every granularity, or a sentence that says why there is none; drawn: the seed of the recipe."""
    problem = replace(reference_problem(stored, row, scale_of(stored, summaries)), truer=truer)
    longest = _longest(stored, tolerance=tolerance)
    times = {granularity.name: granularity.times_of(row) for granularity in stored.granularities}
    times = {name: axis[axis <= max(longest, axis[min(2, len(axis) - 1)])] for name, axis in times.items()}
    union = np.unique(np.concatenate([np.zeros(1), *times.values()]))
    if stored.record.kind == "delay":
        union = times_from_the_start(problem.start_time, union)
    try:
        reference = _from_history(stored, problem, union, row, drawn) if stored.record.kind == "delay" else integrate_again(problem, union)
    except IntegrationError as error:
        return dict.fromkeys(times, f"trajectory {row}: {error}")
    outcomes: dict[str, Outcome | str] = {}
    for granularity in stored.granularities:
        places = np.searchsorted(union, times[granularity.name])
        places = places[places < len(reference.states)]
        try:
            states = granularity.read(row, slice(0, len(places)))
        except DamageError as error:
            outcomes[granularity.name] = str(error)
            continue
        outcomes[granularity.name] = _outcome(problem, reference, states, at=(union, places), row=row, tolerance=tolerance)
    return outcomes


def _from_history(stored: StoredSystem, problem: Problem, times: FloatArray, row: int, drawn: int) -> Reference:
    """A delay system's trajectory from the history that its number draws; where sample 0 is another one's, from the next draws."""
    for attempt in range(_DRAWS):
        state = start_state(stored.system, stored.start_box, seed=drawn, trajectory=row, attempt=attempt)
        moved = replace(problem, initial=state - np.asarray(stored.system.definition.initial))
        reference = integrate_delays_again(moved, times)
        begun = reference.states[min(int(np.searchsorted(times, 0.0)), len(reference.states) - 1)]
        if (np.abs(begun - problem.initial) <= _SAME_DRAW * problem.scale).all():
            break
    return reference


def scale_of(stored: StoredSystem, summaries: Mapping[str, Summary]) -> FloatArray:
    """(variable,) how far each variable moves: the spread of samples at times, else of crossings and of the initial states, since what is
    cut where it takes a value does not move from crossing to crossing."""
    regular = [granularity.name for granularity in stored.granularities if not granularity.is_section]
    if regular:
        return summaries[regular[0]].spread
    initial = stored.initial[stored.good]
    moved = np.abs(initial - np.median(initial, axis=0)).max(axis=0) if len(initial) > 1 else np.abs(initial).max(axis=0, initial=0.0)
    spread = np.maximum(summaries[stored.granularities[0].name].spread, moved)
    return np.asarray(np.maximum(spread, 1e-6 * spread.max()))


def reference_problem(stored: StoredSystem, row: int, scale: FloatArray) -> Problem:
    """Trajectory `row` for the second opinion; scale (variable,) as `Summary.spread` gives it."""
    return Problem(
        definition=stored.system.definition,
        initial=stored.initial[row],
        parameters=stored.parameters[row],
        start_time=float(stored.start_time[row]),
        scale=scale,
        stiff=is_stiff(stored),
    )


def is_stiff(stored: StoredSystem) -> bool:
    """Whether stability, not accuracy, would set an explicit method's step: by its tag, or by the Jacobian at the initial states."""
    if stored.record.kind in ("map", "delay"):
        return False
    if "stiff" in stored.record.tags:
        return True
    states = stored.initial[stored.good][:64]
    jacobians = np.asarray(stored.system.jacobian(states))
    jacobians = jacobians[np.isfinite(jacobians).all(axis=(1, 2))]
    if not len(jacobians):
        return False
    fastest = float(np.abs(np.linalg.eigvals(jacobians).real).max())
    return fastest * (stored.system.period or 1.0) > _STIFF


def _longest(stored: StoredSystem, *, tolerance: float) -> float:
    """Until when a trajectory is followed: ln(threshold / error of a step) Lyapunov times, or some periods of one that does not forget."""
    if stored.record.kind == "map":
        return _LONGEST_ITERATES
    cap = _LONGEST_PERIODS * stored.system.period if stored.system.period else _LONGEST_TIME
    forgetting = stored.system.lyapunov_time
    if forgetting is None:
        return cap
    return min(float(np.log(FORGOTTEN / max(tolerance, 1e-14))) * forgetting, 10.0 * cap)


def _outcome(
    problem: Problem,
    reference: Reference,
    states: npt.NDArray[np.floating],
    *,
    at: tuple[FloatArray, npt.NDArray[np.intp]],
    row: int,
    tolerance: float,
) -> Outcome:
    """Compares stored samples with the reference at the places of the union of times."""
    union, places = at
    times, truth = union[places], reference.states[places]
    allowed = _MARGIN * reference.predicted_error(tolerance)[places]
    beyond = np.flatnonzero(allowed > FORGOTTEN)
    horizon = int(beyond[0]) if len(beyond) else len(places)
    if horizon < 2:
        return Outcome(0.0, 0.0, FORGOTTEN, 0.0, 0.0, row, 0)
    rounding = np.finfo(states.dtype).eps * np.abs(truth[:horizon]) / problem.scale
    limit = allowed[:horizon, None] + rounding
    error = np.abs(difference(states[:horizon].astype(np.float64), truth[:horizon], problem.definition.wrap)) / problem.scale
    ratio = np.where(np.isfinite(error), error / limit, np.inf)
    sample, variable = np.unravel_index(int(np.argmax(ratio)), ratio.shape)
    return Outcome(
        ratio=float(ratio[sample, variable]),
        error=float(error[sample, variable]),
        limit=float(limit[sample, variable]),
        time=float(times[sample]),
        horizon=float(times[horizon - 1]),
        trajectory=row,
        compared=horizon - 1,
    )


def _verdict(subject: Subject, outcomes: list[Outcome | str], stored: StoredSystem) -> Check:
    """The worst of the trajectories' outcomes."""
    if not outcomes:
        return subject.failed("there is no trajectory that reached its last sample")
    for outcome in outcomes:
        if isinstance(outcome, str):
            return subject.failed(outcome)
    compared = [outcome for outcome in outcomes if isinstance(outcome, Outcome) and outcome.compared]
    if not compared:
        return subject.not_enough(
            "the second sample is already beyond the horizon of predictability",
            "samples closer together, or a finer tolerance: errors must stay below 1 % of the spread from one sample to the next",
        )
    worst = max(compared, key=lambda outcome: outcome.ratio)
    method = reference_problem(stored, worst.trajectory, np.ones(stored.system.dimension)).method
    reach = f"{len(compared)} trajectories followed by {method} until {min(outcome.horizon for outcome in compared):.4g}"
    message = f"{reach}; worst: trajectory {worst.trajectory} at {worst.time:.4g}, error {worst.error:.2g} of the spread"
    if worst.ratio > 1.0:
        message = f"trajectory {worst.trajectory} leaves the solution of the stated equations at {worst.time:.4g}: " + message
    return subject.measured(worst.error, worst.limit, message)


def conserved(evidence: Evidence) -> list[Check]:
    """Each conserved quantity along the trajectories, against what rounding the stored states changes."""
    stored, granularity = evidence.stored, evidence.granularity
    tolerance = float(evidence.dataset.recipe.get("tolerance", 1e-14))
    rows = evidence.sampled() if isinstance(evidence.settings.trajectories, int) else np.flatnonzero(stored.good)
    checks = []
    for name in stored.record.conserved:
        named = evidence.subject(name)
        try:
            drifts = [_drift(stored, granularity, int(row), name, tolerance=tolerance) for row in rows]
        except DamageError as error:
            checks.append(named.failed(str(error)))
            continue
        worst = max(drifts, key=lambda drift: drift[0] / drift[1])
        row = rows[drifts.index(worst)]
        message = f"{name} changes by at most {worst[0]:.2g} along a trajectory; worst is trajectory {row}"
        if worst[0] > worst[1]:
            message = f"{name} drifts by {worst[0]:.2g} along trajectory {row}, the equations keep it"
        checks.append(named.measured(worst[0], worst[1], message))
    return checks


def _drift(stored: StoredSystem, granularity: StoredGranularity, row: int, name: str, *, tolerance: float) -> tuple[float, float]:
    """Largest change of a quantity along one trajectory, and its limit."""
    states = granularity.read(row).astype(np.float64)
    system = stored.system_of(row)
    values = _quantity(system, states, name)
    rounding = np.finfo(granularity.state.dtype).eps
    signs = np.random.Generator(np.random.Philox(key=row)).choice([-1.0, 1.0], size=states.shape)
    sensitivity = float(np.abs(_quantity(system, states * (1.0 + rounding * signs), name) - values).max())
    # Every step may change it by the tolerance, and at the customary rates there is at least a sample a step.
    limit = sensitivity * (_ROUNDINGS + tolerance * len(states) / rounding)
    return float(np.abs(values - values[0]).max()), max(limit, float(np.finfo(np.float64).tiny))


def _quantity(system: System, states: FloatArray, name: str) -> FloatArray:
    return np.asarray(system.conserved_quantities(states)[name], dtype=np.float64)


RULES = (
    Rule(
        "reintegration",
        "truth",
        "system",
        promise="Stored samples solve the stated equations: a second, independent method finds them again from the initial state.",
        advice="The samples, the parameters or the equations were changed, or the tolerance was too loose: generate the store again.",
        run=reintegration,
    ),
    Rule(
        "crossings",
        "truth",
        "granularity",
        promise="No crossing of a section is missing or too many.",
        advice="Generate the store again; where it fails again, the section touches the trajectory: choose another.",
        run=crossings,
        needs="a granularity that is a section",
        applies=lambda evidence: evidence.granularity.is_section,
    ),
    Rule(
        "conserved",
        "truth",
        "granularity",
        promise="What the equations conserve stays the same along every trajectory, to the rounding of the stored states.",
        advice="States were altered, or the tolerance was too loose for so long a run: generate the store again.",
        run=conserved,
        needs="an entry with `conserved`",
        applies=lambda evidence: bool(evidence.stored.record.conserved),
    ),
)
