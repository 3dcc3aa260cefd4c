"""Lyapunov exponents from the equations, by QR of the variational equations of many trajectories at once."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np
import numpy.typing as npt

from attractory.errors import IntegrationError, RequestError
from attractory.expressions.definition import Definition
from attractory.expressions.derivative import variational
from attractory.expressions.doors import as_system
from attractory.expressions.sliding import followed
from attractory.expressions.system import System
from attractory.integrate import Engine, Ensemble, advance, default_transient
from attractory.invariants.ensemble import TRANSIENT_TIME, draw_ensemble
from attractory.invariants.estimate import Estimate, FloatArray, Setting, combined_standard_error
from attractory.layout import Status

METHOD = "QR of the variational equations (Benettin et al., Meccanica 15, 9 (1980))"
DELAY_METHOD = "QR of tangent functions over the longest delay (Farmer, Physica D 4, 366 (1982))"
MOST_OF_DELAYS = 32

# Between two orthonormalisations the fastest and the slowest direction may part by this factor: the tangent vectors carry errors of the
# order of the tolerance, so at 1e-9 the smallest diagonal element of R still has four right digits.
_LARGEST_PARTING = 1.0e5
_ROUND = 16  # intervals that are measured together
_FEWEST_ROUNDS = 16
_FEWEST_PERIODS = 8
_MOST_ROUNDS = 256  # where no budget is given
# A direction that is lost altogether (a map's singular Jacobian, a solution that begins to slide along a surface) says nothing about that.
_LOST = -300.0
_LARGEST_TOGETHER = 160  # variables of state and tangent vectors in one compiled step
_BLOCKS = 16  # long enough to be independent where rounds may not be


@dataclass(frozen=True)
class Effort:
    """How much is run.

    Attributes:
        trajectories: independent ones, advanced together; those that leave every bound are left out.
        budget: longest time of each trajectory, in the system's units (maps: iterates); None is 4,096 orthonormalisations.
        tolerance: of the integration, tangent vectors included.
        transient: None is the length that `generate` uses.
    """

    trajectories: int = 128
    budget: float | None = None
    tolerance: float = 1e-9
    transient: float | None = None


class Way(Enum):
    """How tangent vectors are followed."""

    TOGETHER = "the state with all its tangent vectors in one lane"
    APART = "each tangent vector in a lane of its own with a copy of the state, where the whole would take minutes to compile"


@dataclass(frozen=True)
class Bundle:
    """Trajectories with their tangent vectors (trajectory, variable, vector), orthonormal; `definition` is what their way integrates.

    `row` (trajectory,) tells which trajectory of the first bundle each one is, as those that fail are left out.
    """

    definition: Definition
    engine: Engine
    ensemble: Ensemble
    tangent: FloatArray
    way: Way
    row: npt.NDArray[np.intp]


@dataclass(frozen=True)
class Measurement:
    """Mean growth rates (trajectory, round, exponent) of the trajectories that lasted; `lost` counts the others."""

    growth: FloatArray
    interval: float
    lost: int

    @property
    def blocks(self) -> FloatArray:
        """(trajectory, block, exponent), without the first eighth, in which the tangent vectors still turn into their directions."""
        settled = self.growth[:, self.growth.shape[1] // 8 :]
        parts = np.array_split(settled, min(_BLOCKS, settled.shape[1]), axis=1)
        return np.stack([part.mean(axis=1) for part in parts], axis=1)

    @property
    def value(self) -> FloatArray:
        mean: FloatArray = self.growth[:, self.growth.shape[1] // 8 :].mean(axis=(0, 1))
        return mean

    @property
    def duration(self) -> float:
        """How long each trajectory was followed."""
        return float(self.interval * _ROUND * self.growth.shape[1])

    def reached(self, standard_error: float, *, shortest: float) -> bool:
        """Whether every error is below the one asked for, relative to the exponent where that is above one, and the run not too short."""
        if self.duration < shortest:
            return False
        errors = combined_standard_error(self.blocks)
        return bool((errors <= standard_error * np.maximum(1.0, np.abs(self.value))).all())


def lyapunov_spectrum(
    system: System | str,
    *,
    seed: int = 0,
    standard_error: float = 1e-3,
    exponents: int | None = None,
    effort: Effort | None = None,
) -> Estimate:
    """Lyapunov exponents, largest first, in 1 / time unit (maps: 1 / iterate), natural logarithms.

    Runs until every exponent's standard error is below `standard_error`, or below that part of its own size where it is larger than
    one, or until the budget is spent; `settings["reached"]` says which. A zero exponent comes out as a number of the order of its
    error. Where the right-hand side of a flow jumps (sign, floor, mod, heaviside, where) tangent vectors jump too, by the saltation matrix;
    where solutions slide along a surface, the direction across it is lost, and its exponent is minus infinity, kept finite.

    A delay system has infinitely many exponents: its tangent vectors are functions over the longest delay (`delay_exponents`).

    Args:
        exponents: how many of the largest; None is all of them, of a delay system as many as variables.
    Returns:
        Estimate with value and standard_error (exponent,), the larger of the between-trajectory and the between-block estimate.
    Raises:
        RequestError: an argument is out of range.
        IntegrationError: no trajectory stayed on the attractor.
    Source: Benettin et al., Meccanica 15, 9 (1980); the interval and the error estimate are ours.
    """
    started = time.perf_counter()
    system, effort = as_system(system), effort or Effort()
    vectors = system.dimension if exponents is None else exponents
    _refuse(system, vectors, standard_error=standard_error, effort=effort)
    if system.kind == "delay":
        from attractory.invariants.delay_exponents import measure  # here: it measures with this module's records

        measurement = measure(system, vectors, seed=seed, standard_error=standard_error, effort=effort)
        reached = measurement.reached(standard_error, shortest=0.0)
        settings = _settings(system, measurement) | {"tolerance": effort.tolerance, "seed": seed, "reached": reached}
        return replace(_estimate(measurement, settings, seconds=time.perf_counter() - started), method=DELAY_METHOD)
    bundle = _first_bundle(system, vectors, seed=seed, effort=effort)
    interval, bundle = _find_interval(system, bundle)
    # Within a period the tangents of a relaxation oscillator grow and shrink by many orders: less than some periods says nothing.
    shortest = _FEWEST_PERIODS * (system.period or 0.0)
    measurement = _measure(bundle, interval, standard_error=standard_error, budget=effort.budget, shortest=shortest)
    settings = _settings(system, measurement) | {
        "tolerance": effort.tolerance,
        "seed": seed,
        "reached": measurement.reached(standard_error, shortest=shortest),
    }
    return _estimate(measurement, settings, seconds=time.perf_counter() - started)


def advance_bundle(bundle: Bundle, interval: float) -> tuple[Bundle, FloatArray]:
    """The bundle one interval later, orthonormal again, and log |R_ii| (trajectory, vector); failed trajectories are left out.

    Raises: IntegrationError where none is left.
    """
    starts, begin = _starts(bundle), bundle.ensemble
    copies = len(starts) // len(bundle.row)
    ensemble = Ensemble(starts, np.repeat(begin.parameters, copies, axis=0), np.repeat(begin.start_time, copies))
    moved, statuses, _ = advance(bundle.definition, ensemble, duration=interval, engine=bundle.engine)
    lasting = (statuses == Status.OK) & np.isfinite(moved.initial).all(axis=1)
    good = lasting.reshape(-1, copies).all(axis=1)
    if not good.any():
        message = f"{bundle.definition.name}: every trajectory ended: {Status(int(statuses[0])).sentence}."
        raise IntegrationError(message)
    states, tangent = _ends(bundle, moved.initial.reshape(len(good), copies, -1)[good])
    orthonormal, upper = np.linalg.qr(tangent)
    # A map whose Jacobian is singular at a state has an exponent of minus infinity there; it is kept finite.
    diagonal = np.abs(np.diagonal(upper, axis1=1, axis2=2))
    growth = np.log(np.maximum(diagonal, np.finfo(np.float64).tiny))
    kept = Ensemble(states, begin.parameters[good], begin.start_time[good] + interval)
    later = replace(bundle, ensemble=kept, tangent=orthonormal, row=bundle.row[good])
    return later, growth


def _starts(bundle: Bundle) -> FloatArray:
    """Initial states (lane, variable) of the bundle's definition; the lanes of a trajectory follow each other."""
    states, vectors = bundle.ensemble.initial, bundle.tangent.transpose(0, 2, 1)
    rows, count, variables = vectors.shape
    if bundle.way is Way.TOGETHER:
        return np.concatenate([states, vectors.reshape(rows, -1)], axis=1)
    return np.concatenate([np.repeat(states, count, axis=0), vectors.reshape(-1, variables)], axis=1)


def _ends(bundle: Bundle, lanes: FloatArray) -> tuple[FloatArray, FloatArray]:
    """States (trajectory, variable) and tangent vectors (trajectory, variable, vector) from final lanes (trajectory, copy, variable)."""
    _, variables, vectors = bundle.tangent.shape
    states = np.ascontiguousarray(lanes[:, 0, :variables])
    return states, lanes[:, :, variables:].reshape(-1, vectors, variables).transpose(0, 2, 1)


def _refuse(system: System, vectors: int, *, standard_error: float, effort: Effort) -> None:
    """Raises RequestError where an argument is out of range."""
    if system.kind == "delay":
        if not 1 <= vectors <= MOST_OF_DELAYS:
            message = f"exponents={vectors}: of a delay system, from 1 to {MOST_OF_DELAYS} of the largest exponents are measured"
            raise RequestError(message)
    elif not 1 <= vectors <= system.dimension:
        message = f"exponents={vectors}: {system.name} has {system.dimension} variables, so from 1 to {system.dimension} exponents"
        raise RequestError(message)
    if effort.trajectories < 2:
        message = f"trajectories={effort.trajectories}: at least 2 are needed for a standard error"
        raise RequestError(message)
    if not standard_error > 0.0:
        message = f"standard_error={standard_error}: expected a number above 0"
        raise RequestError(message)


def _first_bundle(system: System, vectors: int, *, seed: int, effort: Effort) -> Bundle:
    """Random orthonormal tangent vectors on the attractor: vectors along the axes may lie in invariant directions."""
    transient = default_transient(system, TRANSIENT_TIME) if effort.transient is None else effort.transient
    ensemble = draw_ensemble(system, effort.trajectories, seed=seed, transient=transient, tolerance=effort.tolerance)
    draw = np.random.Generator(np.random.Philox(key=seed)).standard_normal((len(ensemble.initial), system.dimension, vectors))
    way = _way(system, vectors)
    return Bundle(
        definition=variational(followed(system.definition), 1 if way is Way.APART else vectors),
        way=way,
        engine=Engine(tolerance=effort.tolerance),
        ensemble=ensemble,
        tangent=np.linalg.qr(draw)[0],
        row=np.arange(len(draw)),
    )


def _way(system: System, vectors: int) -> Way:
    return Way.APART if system.dimension * (1 + vectors) > _LARGEST_TOGETHER else Way.TOGETHER


def _find_interval(system: System, bundle: Bundle) -> tuple[float, Bundle]:
    """How long tangent vectors may grow before they are orthonormalised, and the bundle some intervals later.

    Begins with the time scale of the Jacobian, looks at how fast the directions part, lengthens, and looks again.
    """
    interval = 1.0 if system.kind == "map" else min(_shortest_time(system, bundle), system.period or np.inf)
    longest = system.period or 32.0 * interval
    for _ in range(3):
        fastest = 0.0
        for _ in range(_ROUND):
            bundle, growth = advance_bundle(bundle, interval)
            low, high = np.quantile(growth, [0.05, 0.95], axis=0)
            fastest = max(fastest, float(high.max() - low[low > _LOST].min(initial=high.max())) / interval)
        safe = float(np.log(_LARGEST_PARTING)) / max(fastest, 1e-300)
        interval = float(np.clip(np.floor(safe), 1, 16)) if system.kind == "map" else min(safe, max(longest, interval))
    return interval, bundle


def _shortest_time(system: System, bundle: Bundle) -> float:
    """The inverse of the Jacobian's largest norm over the ensemble: shorter than any time in which directions part."""
    jacobians = system.jacobian(bundle.ensemble.initial, t=bundle.ensemble.start_time)
    norms = np.linalg.norm(jacobians, axis=(1, 2))
    largest = float(norms[np.isfinite(norms)].max(initial=0.0))
    return 1.0 / largest if largest > 1e-3 else 1.0  # an equation without the state has no time scale to go by


def _measure(bundle: Bundle, interval: float, *, standard_error: float, budget: float | None, shortest: float) -> Measurement:
    """Rounds of intervals until the errors are small enough or the budget of time is spent."""
    first = replace(bundle, row=np.arange(len(bundle.row)))
    bundle = first
    most = _MOST_ROUNDS if budget is None else max(int(budget / (interval * _ROUND)), _FEWEST_ROUNDS)
    rounds: list[FloatArray] = []
    while True:
        total = np.zeros((len(first.row), first.tangent.shape[2]))
        for _ in range(_ROUND):
            bundle, growth = advance_bundle(bundle, interval)
            total[bundle.row] += growth
        rounds.append(total / (interval * _ROUND))
        if len(rounds) >= most:
            return _lasting(rounds, first, bundle, interval)
        if len(rounds) >= _FEWEST_ROUNDS and len(rounds) % 8 == 0:
            measurement = _lasting(rounds, first, bundle, interval)
            if measurement.reached(standard_error, shortest=shortest):
                return measurement


def _lasting(rounds: list[FloatArray], first: Bundle, last: Bundle, interval: float) -> Measurement:
    """The rounds of the trajectories that are in the last bundle too."""
    kept = last.row
    return Measurement(np.stack([part[kept] for part in rounds], axis=1), interval, len(first.row) - len(kept))


def _settings(system: System, measurement: Measurement) -> dict[str, Setting]:
    trajectories, _, exponents = measurement.growth.shape
    return {
        "dimension": system.dimension,
        "exponents": exponents,
        "trajectories": trajectories,
        "lost": measurement.lost,
        "duration": measurement.duration,
        "interval": measurement.interval,
    }


def _estimate(measurement: Measurement, settings: dict[str, Setting], *, seconds: float) -> Estimate:
    """Exponents in descending order; QR leaves them so except where two are equal within their errors."""
    value, errors = measurement.value, combined_standard_error(measurement.blocks)
    order = np.argsort(-value, kind="stable")
    return Estimate(value[order], errors[order], METHOD, settings, seconds)
