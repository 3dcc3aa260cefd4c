"""Leading Lyapunov exponents of delay systems: tangent vectors are functions over the longest delay, and so is their inner product.

The state of a delay system is its past over the longest delay, and what is carried along with it is the past of its tangent vectors. Once
a delay they are made orthonormal: every polynomial of their past is multiplied by the inverse of R. The inner product is the mean over
points of the past, the present among them: any other gives the same exponents.

Source: Farmer, Physica D 4, 366 (1982); there the points are the state itself, here polynomials are, and the points only measure them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

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
_BEFORE = 4  # pieces before the last delay that may be read where it begins: the one that it begins in, and what is near its end
# Microseconds of one core for a lane's step, and for each variable of a tangent function in it, orthonormalisations included.
_STEP, _TANGENT = 2.5, 0.05
_TINY = float(np.finfo(np.float64).tiny)
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
        present = lanes.y[size:, lane].reshape(vectors, size)
        pieces = ring.pieces[lane].reshape(ring.pieces.shape[1], 1 + vectors, -1, terms)
        past, used = _past(self.run, lane, pieces[:, 1:])
        values = np.concatenate([past.reshape(vectors, -1), present], axis=1) / np.sqrt(_POINTS)
        turn, growth = np.eye(vectors), np.empty(vectors)
        _triangle(values, turn, growth)
        lanes.y[size:, lane] = _turned(turn, present + lanes.y_low[size:, lane].reshape(vectors, size)).ravel()
        lanes.y_low[size:, lane] = 0.0
        _turn_pieces(pieces, used, turn)
        return np.log(growth)


@njit(cache=True, error_model="numpy", nogil=True)
def _triangle(values: Any, turn: Any, left: Any) -> None:  # pragma: no cover - compiled
    """Makes the rows of values (vector, point) orthonormal in place; `turn` (vector, vector) does the same to what they are values of,
    and `left` (vector,) is what of each one's length the earlier ones left.

    Gram and Schmidt, twice, in sums of one order: LAPACK's digits depend on the processor.
    Source: Giraud, Langou, Rozložník and van den Eshof, Numerische Mathematik 101, 87 (2005).
    """
    vectors, points = values.shape
    for vector in range(vectors):
        left[vector] = 1.0
        for _ in range(2):
            for earlier in range(vector):
                along = 0.0
                for point in range(points):
                    along += values[vector, point] * values[earlier, point]
                for point in range(points):
                    values[vector, point] -= along * values[earlier, point]
                for other in range(earlier + 1):
                    turn[vector, other] -= along * turn[earlier, other]
            square = 0.0
            for point in range(points):
                square += values[vector, point] ** 2
            length = max(np.sqrt(square), _TINY)
            left[vector] *= length
            for point in range(points):
                values[vector, point] /= length
            for other in range(vector + 1):
                turn[vector, other] /= length


@njit(cache=True, error_model="numpy", nogil=True)
def _turned(turn: Any, rows: Any) -> Any:  # pragma: no cover - compiled
    """turn @ rows for a lower triangle, in sums of one order."""
    found = np.zeros_like(rows)
    for vector in range(len(turn)):
        for other in range(vector + 1):
            for place in range(rows.shape[1]):
                found[vector, place] += turn[vector, other] * rows[other, place]
    return found


@njit(cache=True, error_model="numpy", nogil=True)
def _turn_pieces(pieces: Any, used: Any, turn: Any) -> None:  # pragma: no cover - compiled
    """The same of the tangents' polynomials: pieces (slot, 1 + vector, row, term), the state's own left as it is. From the last vector
    on, each is made of itself and earlier ones, so in place."""
    for slot in used:
        piece = pieces[slot]
        for vector in range(len(turn) - 1, -1, -1):
            for row in range(piece.shape[1]):
                for term in range(piece.shape[2]):
                    total = 0.0
                    for other in range(vector + 1):
                        total += turn[vector, other] * piece[1 + other, row, term]
                    piece[1 + vector, row, term] = total


def _past(run: DelayRun, lane: int, pieces: FloatArray) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    """Values (vector, point, stored variable) of the tangents at equally spaced times of the last delay, the present left out; and the
    slots (piece,) of that delay, which are all that is looked at again."""
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
    begun = int(np.searchsorted(centres, now - float(run.problem.lags[lanes.trajectory[lane]].max()), side="right"))
    moved: FloatArray = value.transpose(1, 0, 2)
    return moved, numbers[max(begun - _BEFORE, 0) :] % slots


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
    rounds: list[FloatArray] = []
    while True:
        rounds.append(np.mean([_go_on(bundles) for _ in range(_ROUND)], axis=0) / delay)
        spent = len(rounds) >= _FEWEST_ROUNDS and _is_spent(len(rounds), bundles, effort)
        if len(rounds) < _FEWEST_ROUNDS or (len(rounds) % 8 and not spent):
            continue
        growth = np.stack(rounds, axis=1)
        lasting = np.isfinite(growth).all(axis=(1, 2))
        if not lasting.any():
            message = f"{system.name}: no trajectory lasted."
            raise IntegrationError(message)
        measurement = Measurement(growth[lasting], delay, int(np.sum(~lasting)))
        if spent or enough(measurement):
            return measurement


def _is_spent(rounds: int, bundles: list[Bundle], effort: Effort) -> bool:
    if effort.core_seconds is not None and work(bundles) >= effort.core_seconds:
        return True
    if effort.budget is not None:
        return rounds >= int(effort.budget / (bundles[0].delay * _ROUND))
    return effort.core_seconds is None and rounds >= _MOST_ROUNDS


def work(bundles: list[Bundle]) -> float:
    """Core seconds that the bundles have taken, counted and not measured, as `tangent_bundle.work` does."""
    tangents = bundles[0].variables * bundles[0].vectors
    steps = sum(float(bundle.run.lanes.count.sum()) for bundle in bundles)
    return 1e-6 * steps * (_STEP + _TANGENT * tangents)


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
    made, draws = [], np.random.Generator(np.random.Philox(key=seed))
    for first in range(0, len(states), width):
        part = slice(first, first + width)
        pasts = Pasts(offset[part], begun.factor[part], values[part])
        count = len(pasts.factor)
        memory = (np.array([[0, 2]]), np.zeros(count * len(definition.variables) * 2))
        grids = [SampleGrid(_NEVER, 2)]
        run = begin(definition, pasts, check_lags(definition, pasts.parameters), grids=grids, engine=engine, transient=0.0, memory=memory)
        # On a limit cycle all would be at one phase, and what their growth is off for it would not show between them.
        made.append(Bundle(run, system.dimension, vectors, delay, time=float(draws.random()) * (system.period or delay)))
    return made
