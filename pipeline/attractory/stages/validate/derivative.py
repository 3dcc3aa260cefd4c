"""The residual of the stated equations: derivatives of the stored samples by differences of high order, against the right-hand side."""

from __future__ import annotations

import numpy as np

from attractory.errors import DamageError
from attractory.expressions.circles import difference
from attractory.expressions.evaluate import evaluate
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
# A limit of so large a part of the rates says nothing.
_TELLS = 0.05


def residual(evidence: Evidence) -> Check:
    """The root mean square of derivative less right-hand side, over that of the right-hand side, of a few trajectories of each split."""
    granularity = evidence.granularity
    if granularity.samples <= 2 * len(_TENTH):
        return evidence.not_enough("too few samples for a derivative", f"{2 * len(_TENTH) + 1} samples")
    found = []
    for row in evidence.sampled().tolist():
        try:
            found.append((row, *_residual(evidence, row)))
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


def _residual(evidence: Evidence, row: int) -> tuple[float, float]:
    """The residual and its limit, of all variables in units of their rates."""
    stored, granularity = evidence.stored, evidence.granularity
    states = granularity.read(row).astype(np.float64)
    definition = stored.system.definition
    states[1:] = states[0] + np.cumsum(difference(states[1:], states[:-1], definition.wrap), axis=0) if definition.wrap else states[1:]
    reach, dt = len(_TENTH), granularity.dt
    times = stored.start_time[row] + dt * np.arange(len(states))
    with np.errstate(all="ignore"):
        rates = evaluate(definition.graph, definition.roots, states, np.tile(stored.parameters[row], (len(states), 1)), times)[reach:-reach]
        tenth, eighth = _derivative(states, _TENTH, dt), _derivative(states, _EIGHTH, dt)[reach - len(_EIGHTH) :][: len(rates)]
    size = _norm(rates)
    size = np.where(size > 0.0, size, 1.0)
    noise = 0.5 * float(np.finfo(granularity.state.dtype).eps) * np.abs(states).max(axis=0) / dt
    limit = (_DIFFERENCES * _norm(tenth - eighth) + _ROUNDINGS * noise) / size
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
