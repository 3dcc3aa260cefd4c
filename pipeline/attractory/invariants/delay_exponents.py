"""Leading Lyapunov exponents of delay systems: tangent vectors are functions over the longest delay, and so is their inner product.

The state of a delay system is its past over the longest delay, and what is carried along with it is the past of its tangent vectors. Once
a delay they are made orthonormal: every polynomial of their past is multiplied by the inverse of R. The inner product is the mean over
points of the past, the present among them: any other gives the same exponents.

Source: Farmer, Physica D 4, 366 (1982); there the points are the state itself, here polynomials are, and the points only measure them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from attractory.errors import IntegrationError
from attractory.expressions.derivative import variational
from attractory.expressions.system import System
from attractory.integrate import Engine, SampleGrid, default_transient, drawn_state, moved_histories
from attractory.integrate.delay_driver import ENDED
from attractory.integrate.delays import DelayRun, Pasts, begin, check_lags, delay_width
from attractory.invariants.ensemble import TRANSIENT_TIME
from attractory.invariants.estimate import FloatArray
from attractory.invariants.growth_rates import Effort, Measurement
from attractory.layout import Status

# Points of the past in the inner product: more than exponents that are asked for, and enough to see what tangents do within a delay.
_POINTS = 64
# Delays that are measured together, and rounds at least and at most.
_ROUND, _FEWEST_ROUNDS, _MOST_ROUNDS = 16, 16, 512
# Delays at first in which the tangent functions turn into their directions, at least.
_TURNING = 32
_NEVER = 1.0e300  # a sample that is never due, so that no trajectory ends


@dataclass
class Bundle:
    """Lanes full of trajectories with `vectors` tangent functions each; `delay` is how long one is orthonormalised after the other."""

    run: DelayRun
    variables: int
    vectors: int
    delay: float
    time: float = 0.0

    def go_on(self) -> FloatArray:
        """log |R_ii| (lane, vector) one delay later; NaN for trajectories that ended."""
        self.time += self.delay
        if self.run.go_on(self.time) == ENDED:
            status = Status(int(self.run.problem.status.max()))
            message = f"every trajectory of {self.run.problem.status.size} ended: {status.sentence}."
            raise IntegrationError(message)
        growth = np.full((len(self.run.lanes.h), self.vectors), np.nan)
        for lane in np.flatnonzero(self.run.lanes.trajectory >= 0):
            growth[self.run.lanes.trajectory[lane]] = self._orthonormalise(int(lane))
        self.run.lanes.before[2] = 0.0  # the tangents have changed: nothing to compare the last step's rates with
        return growth

    def _orthonormalise(self, lane: int) -> FloatArray:
        lanes, ring = self.run.lanes, self.run.ring
        size, vectors, terms = self.variables, self.vectors, self.run.kernel.order + 1
        high, low = (lanes.y[size:, lane].reshape(vectors, size), lanes.y_low[size:, lane].reshape(vectors, size))
        pieces = ring.pieces[lane].reshape(ring.pieces.shape[1], 1 + vectors, -1, terms)
        past = _past(self.run, lane, pieces[:, 1:])
        values = np.concatenate([past.reshape(vectors, -1), high], axis=1) / np.sqrt(_POINTS)
        upper = np.linalg.qr(values.T, mode="r")
        inverse = np.linalg.inv(upper)
        lanes.y[size:, lane] = (inverse.T @ (high + low)).ravel()
        lanes.y_low[size:, lane] = 0.0
        pieces[:, 1:] = np.einsum("wv,swrk->svrk", inverse, pieces[:, 1:])
        growth: FloatArray = np.log(np.abs(np.diagonal(upper)))
        return growth


def _past(run: DelayRun, lane: int, pieces: FloatArray) -> FloatArray:
    """Values (vector, point, stored variable) of the tangents at equally spaced times of the last delay, the present left out."""
    ring, lanes = run.ring, run.lanes
    slots, count = ring.centres.shape[1], int(ring.count[lane])
    numbers = np.arange(max(0, count - slots), count)
    now = lanes.t[lane] + lanes.t_low[lane]
    centres = ring.centres[lane, numbers % slots] + ring.centres_low[lane, numbers % slots]
    times = now - float(run.problem.lags[lanes.trajectory[lane]].max()) * np.arange(1, _POINTS + 1)[::-1] / (_POINTS + 1)
    chosen = np.maximum(np.searchsorted(centres, times, side="right") - 1, 0)
    shift = (times - centres[chosen])[:, None, None]
    found = pieces[numbers[chosen] % slots]
    value = found[..., -1]
    for k in range(found.shape[-1] - 2, -1, -1):
        value = value * shift + found[..., k]
    moved: FloatArray = value.transpose(1, 0, 2)
    return moved


def measure(system: System, vectors: int, *, seed: int, standard_error: float, effort: Effort) -> Measurement:
    """Growth rates of the leading tangent functions, until every exponent's standard error is small enough or the budget is spent.

    Raises:
        IntegrationError: no trajectory lasted.
    """

    def enough(measurement: Measurement) -> bool:
        return measurement.reached(standard_error, shortest=0.0)

    return measure_until(system, vectors, seed=seed, enough=enough, effort=effort)


def measure_until(system: System, vectors: int, *, seed: int, enough: Callable[[Measurement], bool], effort: Effort) -> Measurement:
    """Growth rates of the leading tangent functions, until they are good enough or the budget is spent.

    Raises:
        IntegrationError: no trajectory lasted.
    """
    bundles = _bundles(system, vectors, seed=seed, effort=effort)
    delay = bundles[0].delay
    transient = default_transient(system, TRANSIENT_TIME) if effort.transient is None else effort.transient
    for _ in range(max(_TURNING, int(np.ceil(transient / delay)))):
        _go_on(bundles)
    most = _MOST_ROUNDS if effort.budget is None else max(int(effort.budget / (delay * _ROUND)), _FEWEST_ROUNDS)
    rounds: list[FloatArray] = []
    while True:
        rounds.append(np.mean([_go_on(bundles) for _ in range(_ROUND)], axis=0) / delay)
        if len(rounds) < _FEWEST_ROUNDS or (len(rounds) % 8 and len(rounds) < most):
            continue
        growth = np.stack(rounds, axis=1)
        lasting = np.isfinite(growth).all(axis=(1, 2))
        if not lasting.any():
            message = f"{system.name}: no trajectory lasted."
            raise IntegrationError(message)
        measurement = Measurement(growth[lasting], delay, int(np.sum(~lasting)))
        if len(rounds) >= most or enough(measurement):
            return measurement


def _go_on(bundles: list[Bundle]) -> FloatArray:
    """One delay of all: log |R_ii| (trajectory, vector)."""
    return np.concatenate([bundle.go_on()[: bundle.run.problem.status.size] for bundle in bundles])


def _bundles(system: System, vectors: int, *, seed: int, effort: Effort) -> list[Bundle]:
    """Trajectories from drawn histories, so many in a bundle as there are lanes."""
    definition = variational(system.definition, vectors)
    width = delay_width(definition)
    states = np.array([drawn_state(system, seed=seed, trajectory=index) for index in range(effort.trajectories)])
    values = np.tile(np.asarray(system.definition.values, np.float64), (len(states), 1))
    begun = moved_histories(system, states, values)
    offset = np.concatenate([begun.offset, np.zeros((len(states), len(definition.variables) - system.dimension))], axis=1)
    delay = float(check_lags(definition, values[:1]).max())
    engine = Engine(tolerance=effort.tolerance, lanes=width, quiet=delay / 16, step_budget=10**12)
    made = []
    for first in range(0, len(states), width):
        part = slice(first, first + width)
        pasts = Pasts(offset[part], begun.factor[part], values[part])
        count = len(pasts.factor)
        memory = (np.array([[0, 2]]), np.zeros(count * len(definition.variables) * 2))
        grids = [SampleGrid(_NEVER, 2)]
        run = begin(definition, pasts, check_lags(definition, pasts.parameters), grids=grids, engine=engine, transient=0.0, memory=memory)
        made.append(Bundle(run, system.dimension, vectors, delay))
    return made
