"""The residual of the stated equations: derivatives of the stored samples by differences of high order, against the right-hand side."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from attractory.errors import DamageError
from attractory.expressions.circles import difference
from attractory.expressions.evaluate import evaluate
from attractory.integrate import Engine, Ensemble, SampleGrid, integrate_ensemble
from attractory.stages.validate.report import Check
from attractory.stages.validate.rule import Evidence, Rule
from attractory.stages.validate.stored import FloatArray

# Weights of x[k + j] - x[k - j], j = 1, 2 ...: central differences of order ten and eight (Fornberg,
# Mathematics of Computation 51, 699 (1988)).
_TENTH = (5 / 6, -5 / 21, 5 / 84, -5 / 504, 1 / 1260)
_EIGHTH = (4 / 5, -1 / 5, 4 / 105, -1 / 280)
# What the two differ by is about the error of the eighth order, far above that of the tenth. Noise makes them differ by a sixteenth of the
# residual that it leaves, so a limit of three differences lets no noise through.
_DIFFERENCES = 3.0
# The norm of the weights of the tenth order is 1.23; roundings are at most half a unit, and independent.
_ROUNDINGS = 4.0
_SAMPLES_PER_PERIOD = 50.0
_LONGEST = 4096  # samples of a trajectory that shows what differences miss
# A limit of so large a part of the rates says nothing.
_TELLS = 0.05


def residual(evidence: Evidence) -> Check:
    """The root mean square of derivative less right-hand side, over that of the right-hand side, of a few trajectories of each split."""
    granularity = evidence.granularity
    if granularity.samples <= 2 * len(_TENTH):
        return evidence.not_enough("too few samples for a derivative", f"{2 * len(_TENTH) + 1} samples")
    found = []
    rows = evidence.sampled()
    unresolved = _unresolved(evidence, rows)
    for row in rows.tolist():
        try:
            found.append((row, *_residual(evidence, row, unresolved)))
        except DamageError:  # the rule `finite` tells of it
            continue
    if not found:
        return evidence.not_enough("there is no trajectory to look at", "one whose status is OK and whose shard can be read")
    row, measured, limit = max(found, key=lambda one: one[1] / one[2] if np.isfinite(one[1]) else np.inf)
    if limit > _TELLS:
        return evidence.not_enough(
            f"a derivative of samples {granularity.dt:.4g} apart is off by {limit:.2g} of the rates by itself", "samples closer together"
        )
    message = (
        f"derivatives of {len(found)} trajectories are those of the equations to {measured:.2g} of their size; worst: trajectory {row}"
    )
    if not measured <= limit:
        message = (
            f"the samples of trajectory {row} do not move as the stated equations do: their derivative is off by {measured:.2g} of it, "
            f"rounding and differences explain {limit:.2g}"
        )
    return evidence.measured(measured, limit, message)


def _unresolved(evidence: Evidence, rows: npt.NDArray[np.intp]) -> FloatArray:
    """(variable,) what the differences themselves miss between such samples, where spikes are shorter than they: from trajectories of the
    engine, which begin at the stored ones' initial states and are not rounded."""
    stored, granularity = evidence.stored, evidence.granularity
    grid = SampleGrid(granularity.dt, min(granularity.samples, _LONGEST))
    ensemble = Ensemble(stored.initial[rows], stored.parameters[rows], stored.start_time[rows])
    made = integrate_ensemble(stored.system.definition, ensemble, grids=[grid], engine=Engine(tolerance=1e-12, dtype="float64"))
    missed = [_missed(evidence, int(row), np.array(states)) for row, states in zip(rows, made.states[0], strict=True)]
    largest: FloatArray = np.max(np.nan_to_num(np.array(missed)), axis=0, initial=0.0)
    return largest


def _missed(evidence: Evidence, row: int, states: FloatArray) -> FloatArray:
    """(variable,) root mean square of derivative less right-hand side."""
    rates, tenth, _ = _rates(evidence, row, states)
    return _norm(tenth - rates)


def _rates(evidence: Evidence, row: int, states: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Right-hand sides at the inner samples, and derivatives there of orders ten and eight; states are changed: turns are undone."""
    stored, dt, reach = evidence.stored, evidence.granularity.dt, len(_TENTH)
    definition = stored.system.definition
    if definition.wrap:
        states[1:] = states[0] + np.cumsum(difference(states[1:], states[:-1], definition.wrap), axis=0)
    times = stored.start_time[row] + dt * np.arange(len(states))
    parameters = np.tile(stored.parameters[row], (len(states), 1))
    rates = evaluate(definition.graph, definition.roots, states, parameters, times)[reach:-reach]
    eighth = _derivative(states, _EIGHTH, dt)[reach - len(_EIGHTH) :][: len(rates)]
    return rates, _derivative(states, _TENTH, dt), eighth


def _residual(evidence: Evidence, row: int, unresolved: FloatArray) -> tuple[float, float]:
    """The residual and its limit, of all variables in units of their rates."""
    granularity = evidence.granularity
    stored, half = granularity.read(row).astype(np.float64), 0.5 * float(np.finfo(granularity.state.dtype).eps)
    signs = np.random.default_rng(row).choice((-1.0, 1.0), stored.shape)
    moved, _, _ = _rates(evidence, row, stored * (1.0 + half * signs))
    rates, tenth, eighth = _rates(evidence, row, stored)
    size = _norm(rates)
    size = np.where(size > 0.0, size, 1.0)
    # The rounding of the samples reaches both sides; near rest, a force is that of a rounded place.
    noise = half * np.abs(stored).max(axis=0) / granularity.dt + _norm(moved - rates)
    limit = (_DIFFERENCES * (_norm(tenth - eighth) + unresolved) + _ROUNDINGS * noise) / size
    measured = _norm(tenth - rates) / size
    worst = int(np.argmax(np.where(np.isfinite(measured), measured / limit, np.inf)))
    return float(measured[worst]), float(limit[worst])


def _derivative(states: FloatArray, weights: tuple[float, ...], dt: float) -> FloatArray:
    """(time - 2 * reach, variable)."""
    reach = len(weights)
    count = len(states) - 2 * reach
    total = np.zeros((count, states.shape[1]))
    for place, weight in enumerate(weights, start=1):
        total += weight * (states[reach + place :][:count] - states[reach - place :][:count])
    return total / dt


def _norm(values: FloatArray) -> FloatArray:
    root: FloatArray = np.sqrt(np.mean(values**2, axis=0))
    return root


def is_fine(evidence: Evidence) -> bool:
    """Of a smooth flow, at many regular samples a period."""
    stored, granularity = evidence.stored, evidence.granularity
    if granularity.is_irregular or stored.record.kind != "flow" or not stored.system.period:
        return False
    return granularity.dt * _SAMPLES_PER_PERIOD <= stored.system.period


RULES = (
    Rule(
        "residual",
        "truth",
        "granularity",
        promise="Derivatives of the stored samples are the right-hand sides of the stated equations.",
        advice="The samples were smoothed, disturbed, or made with other equations or parameters: generate the store again.",
        run=residual,
        needs="a flow with at least 50 regular samples a period",
        applies=is_fine,
    ),
)
