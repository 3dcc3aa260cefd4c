"""Many trajectories with their tangent vectors, moved on together and made orthonormal again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

import numpy as np
import numpy.typing as npt

from attractory.errors import IntegrationError
from attractory.expressions.definition import Definition
from attractory.expressions.derivative import variational
from attractory.expressions.sliding import followed
from attractory.expressions.system import System
from attractory.integrate import Engine, Ensemble, SampleGrid, advance, default_transient, integrate_ensemble
from attractory.invariants.ensemble import TRANSIENT_TIME, draw_ensemble
from attractory.invariants.estimate import FloatArray
from attractory.invariants.growth_rates import ROUND, Effort
from attractory.invariants.orthonormal_vectors import factors, orthonormalise
from attractory.layout import Status

# Between two orthonormalisations the fastest and the slowest direction may part by this factor: the tangent vectors carry errors of the
# order of the tolerance, so at 1e-9 the smallest diagonal element of R still has four right digits.
_LARGEST_PARTING = 1.0e5
# A direction that is lost altogether (a map's singular Jacobian, a solution that begins to slide along a surface) says nothing about that.
_LOST = -300.0
_LARGEST_TOGETHER = 160  # variables of state and tangent vectors in one compiled step
_WIDE, _MOST_WIDE = 16, 12  # lanes, variables: measured with Lorenz and its three tangent vectors, a fifth quicker than in 8
_PHASES = 64  # of a period
# Steps of a trajectory in one interval, which take hundreds: one that passes a removable singularity too closely is lost, not waited for.
_STEP_BUDGET = 500_000
# Microseconds of one core for an interval, a lane's step, each node of the graph in it, and each product in the orthonormalisation.
_CALL, _STEP, _NODE, _PRODUCT = 150.0, 0.1, 0.007, 0.002


class Way(Enum):
    """How tangent vectors are followed."""

    TOGETHER = "the state with all its tangent vectors in one lane"
    APART = "each tangent vector in a lane of its own with a copy of the state, where the whole would take minutes to compile"


@dataclass(frozen=True)
class Bundle:
    """Trajectories with their tangent vectors (trajectory, vector, variable), orthonormal; `definition` is what their way integrates.

    `row` (trajectory,) tells which trajectory of the first bundle each one is, as those that fail are left out. `steps` counts those of
    all lanes since the first bundle, each lane of a trajectory by itself, `calls` the orthonormalisations.
    """

    definition: Definition
    engine: Engine
    ensemble: Ensemble
    tangent: FloatArray
    way: Way
    row: npt.NDArray[np.intp]
    steps: int = 0
    calls: int = 0


def first_bundle(system: System, vectors: int, *, seed: int, effort: Effort) -> Bundle:
    """Random orthonormal tangent vectors on the attractor: vectors along the axes may lie in invariant directions."""
    transient = default_transient(system, TRANSIENT_TIME) if effort.transient is None else effort.transient
    ensemble = draw_ensemble(system, effort.trajectories, seed=seed, transient=transient, tolerance=effort.tolerance)
    draws = np.random.Generator(np.random.Philox(key=seed))
    ensemble = _at_random_phases(system, ensemble, draws, tolerance=effort.tolerance)
    draw = draws.standard_normal((len(ensemble.initial), system.dimension, vectors))
    tangent = np.ascontiguousarray(draw.transpose(0, 2, 1))
    orthonormalise(tangent, np.empty(tangent.shape[:2]))
    way = Way.APART if system.dimension * (1 + vectors) > _LARGEST_TOGETHER else Way.TOGETHER
    definition = variational(followed(system.definition), 1 if way is Way.APART else vectors)
    return Bundle(
        definition=definition,
        way=way,
        engine=Engine(tolerance=effort.tolerance, step_budget=_STEP_BUDGET, lanes=_lanes(definition)),
        ensemble=ensemble,
        tangent=tangent,
        row=np.arange(len(draw)),
    )


def _lanes(definition: Definition) -> int | None:
    """Twice as many lanes as other flows of this size have: tangent vectors are begun anew so often that what is done once for all lanes
    counts."""
    return _WIDE if definition.kind == "flow" and len(definition.variables) <= _MOST_WIDE else None


def _at_random_phases(system: System, ensemble: Ensemble, draws: np.random.Generator, *, tolerance: float) -> Ensemble:
    """Each trajectory some way on, up to a period: on a limit cycle all would be at one phase, and their scatter would be none.

    Then the growth up to any time is right in the mean, and what it is off for a phase shows between trajectories.
    """
    if system.period is None:
        return ensemble
    dt = 1.0 if system.kind == "map" else system.period / _PHASES
    grids = [SampleGrid(dt=dt, samples=_PHASES)]
    made = integrate_ensemble(system.definition, ensemble, grids=grids, engine=Engine(tolerance=tolerance))
    good = np.flatnonzero(made.status == Status.OK)
    if not len(good):
        message = f"{system.name}: every trajectory ended: {Status(int(made.status[0])).sentence}."
        raise IntegrationError(message)
    phase = draws.integers(_PHASES, size=len(ensemble.initial))[good]
    states = np.ascontiguousarray(made.states[0][good, phase])
    return Ensemble(states, ensemble.parameters[good], ensemble.start_time[good] + dt * phase)


def advance_bundle(bundle: Bundle, interval: float) -> tuple[Bundle, FloatArray]:
    """The bundle one interval later, orthonormal again, and log |R_ii| (trajectory, vector); failed trajectories are left out.

    Raises: IntegrationError where none is left.
    """
    later = _moved(bundle, interval)
    diagonal = np.empty(later.tangent.shape[:2])
    orthonormalise(later.tangent, diagonal)
    return later, _logarithms(diagonal)


def advance_with_factors(bundle: Bundle, interval: float) -> tuple[Bundle, FloatArray, FloatArray]:
    """As `advance_bundle`, and R itself (trajectory, row, vector): each vector as it had grown is the orthonormal ones times its column."""
    later = _moved(bundle, interval)
    grown, diagonal = later.tangent.copy(), np.empty(later.tangent.shape[:2])
    orthonormalise(later.tangent, diagonal)
    return later, _logarithms(diagonal), factors(later.tangent, grown, diagonal)


def _moved(bundle: Bundle, interval: float) -> Bundle:
    """The bundle one interval later with its vectors as they have grown."""
    starts, begin = _starts(bundle), bundle.ensemble
    copies = len(starts) // len(bundle.row)
    ensemble = begin if copies == 1 else Ensemble(starts, np.repeat(begin.parameters, copies, axis=0), np.repeat(begin.start_time, copies))
    moved, statuses, steps = advance(bundle.definition, replace(ensemble, initial=starts), duration=interval, engine=bundle.engine)
    states, tangent = _ends(bundle, moved.initial.reshape(len(bundle.row), copies, -1))
    kept = Ensemble(states, begin.parameters, begin.start_time + interval)
    later = replace(bundle, ensemble=kept, tangent=tangent, steps=bundle.steps + steps, calls=bundle.calls + 1)
    good = _good(moved.initial, statuses, copies)
    if good.all():
        return later
    if not good.any():
        message = f"{bundle.definition.name}: every trajectory ended: {Status(int(statuses[0])).sentence}."
        raise IntegrationError(message)
    return only(later, np.flatnonzero(good))


def _good(states: FloatArray, statuses: npt.NDArray[np.int8], copies: int) -> npt.NDArray[np.bool_]:
    """Which trajectories have finite numbers in all their lanes (lane, variable)."""
    finite = np.isfinite(states)
    if finite.all() and (statuses == Status.OK).all():  # quicker than row by row
        return np.ones(len(states) // copies, np.bool_)
    lasting = (statuses == Status.OK) & finite.all(axis=1)
    good: npt.NDArray[np.bool_] = lasting.reshape(-1, copies).all(axis=1)
    return good


def _logarithms(diagonal: FloatArray) -> FloatArray:
    """A map whose Jacobian is singular at a state has an exponent of minus infinity there; it is kept finite."""
    logarithms: FloatArray = np.log(np.maximum(diagonal, np.finfo(np.float64).tiny))
    return logarithms


def only(bundle: Bundle, chosen: npt.NDArray[np.intp]) -> Bundle:
    """The bundle of the chosen ones of its trajectories, by their place in it."""
    begin = bundle.ensemble
    ensemble = Ensemble(begin.initial[chosen], begin.parameters[chosen], begin.start_time[chosen])
    return replace(bundle, ensemble=ensemble, tangent=bundle.tangent[chosen], row=bundle.row[chosen])


def work(bundle: Bundle) -> float:
    """Core seconds that the bundle has taken, counted and not measured: within a factor of two or three on the machines of today.

    Taylor's steps of Lorenz take 0.16 microseconds with three tangent vectors, Rosenbrock's of the Oregonator 0.9.
    """
    rows, vectors, size = bundle.tangent.shape
    steps = bundle.steps * (_STEP + _NODE * len(bundle.definition.graph.nodes))
    calls = bundle.calls * (_CALL + _PRODUCT * float(rows * vectors**2 * size))
    return 1e-6 * (calls + steps)


def _starts(bundle: Bundle) -> FloatArray:
    """Initial states (lane, variable) of the bundle's definition; the lanes of a trajectory follow each other."""
    states, vectors = bundle.ensemble.initial, bundle.tangent
    rows, count, variables = vectors.shape
    if bundle.way is Way.TOGETHER:
        return np.concatenate([states, vectors.reshape(rows, -1)], axis=1)
    return np.concatenate([np.repeat(states, count, axis=0), vectors.reshape(-1, variables)], axis=1)


def _ends(bundle: Bundle, lanes: FloatArray) -> tuple[FloatArray, FloatArray]:
    """States (trajectory, variable) and tangent vectors (trajectory, vector, variable) from final lanes (trajectory, copy, variable)."""
    _, vectors, variables = bundle.tangent.shape
    states = np.ascontiguousarray(lanes[:, 0, :variables])
    return states, np.ascontiguousarray(lanes[:, :, variables:]).reshape(-1, vectors, variables)


def find_interval(system: System, bundle: Bundle) -> tuple[float, Bundle]:
    """How long tangent vectors may grow before they are orthonormalised, and the bundle some intervals later.

    Begins with the time scale of the Jacobian, looks at how fast the directions part, lengthens, and looks again.
    """
    interval = 1.0 if system.kind == "map" else min(_shortest_time(system, bundle), system.period or np.inf)
    longest = system.period or 32.0 * interval
    for _ in range(3):
        fastest = 0.0
        for _ in range(ROUND):
            bundle, growth = advance_bundle(bundle, interval)
            low, high = np.quantile(growth, [0.05, 0.95], axis=0)
            top = max(float(high.max()), 0.0)  # the integration's errors are relative to 1, the length at first, where all shrink
            fastest = max(fastest, (top - float(low[low > _LOST].min(initial=top))) / interval)
        safe = float(np.log(_LARGEST_PARTING)) / max(fastest, 1e-300)
        interval = float(np.clip(np.floor(safe), 1, 16)) if system.kind == "map" else min(safe, max(longest, interval))
    return interval, bundle


def _shortest_time(system: System, bundle: Bundle) -> float:
    """The inverse of the Jacobian's largest norm over the ensemble: shorter than any time in which directions part."""
    jacobians = system.jacobian(bundle.ensemble.initial, t=bundle.ensemble.start_time)
    norms = np.linalg.norm(jacobians, axis=(1, 2))
    largest = float(norms[np.isfinite(norms)].max(initial=0.0))
    return 1.0 / largest if largest > 1e-3 else 1.0  # an equation without the state has no time scale to go by
