"""How fast trajectories part: each runs with one or two twins beside it, brought back to it again and again.

The twins are trajectories of the same kernel as all others, so nothing else is compiled, and they see switches and stiffness as the system
does. Of a flow whose equations do not depend on t, what is parted along the flow is left out: that direction neither grows nor shrinks, so
the rates are those across it, by which a cycle (below zero), a torus (zero) and chaos (above) differ.

Source: Benettin et al., Meccanica 15, 9 (1980), with finite distances for tangent vectors."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from attractory.expressions.circles import difference
from attractory.integrate import Ensemble
from attractory.invariants.estimate import FloatArray
from attractory.layout import Status
from attractory.stages.check.limits import SECOND
from attractory.stages.check.trial import Trial

# Of the variables' sizes. Round-off is some 1e-8 of it; where the first twin grows by 300, what is not linear is 1e-3 of where the second
# was.
APART = 1.0e-8
_MOST, _LEAST = 300.0, 1.0e-4
# So many of a hundred intervals may part by more, as twins do on both sides of a jump; where more do, intervals are halved.
_SELDOM = 0.02
_LONGEST, _SHORTEST = 0.25, 2.0**-10  # of a unit of time
_MAP_LONGEST = 4.0  # iterates
MOST_WORK = 6 * SECOND
_SIDE_BY_SIDE = 4  # trajectories in lanes cost a quarter of one alone, or less


@dataclass
class Twins:
    """Trajectories with twins: `directions` (trajectory, variable, twin), orthonormal in units of `scale` (variable,).

    growth: for each interval so far the logarithms (trajectory, twin); not a number where a trajectory has ended or its twins were lost.
    work: what this took so far, in microseconds of one core, roughly.
    ended: (trajectory,) the time in units at which it ended, infinite while it goes on.
    """

    trial: Trial
    ensemble: Ensemble
    directions: FloatArray
    scale: FloatArray
    interval: float
    time: float = 0.0
    work: float = 0.0
    ended: FloatArray = field(default_factory=lambda: np.zeros(0))
    growth: list[FloatArray] = field(default_factory=list)
    status: dict[int, Status] = field(default_factory=dict)

    def go_on(self, duration: float) -> None:
        """Runs for so many units of time, interval by interval, or until the work is too much."""
        for _ in range(max(1, round(duration * self.trial.unit / self.interval))):
            self._step()
            if self.work > MOST_WORK:
                break

    def _step(self) -> None:
        trial, going = self.trial, np.flatnonzero(np.isinf(self.ended))
        lasting = np.full((len(self.ended), self.directions.shape[2]), np.nan)
        self.growth.append(lasting)
        self.time += self.interval / trial.unit
        if not len(going):
            return
        begun = self.ensemble.subset(going)
        moved, status, steps = trial.moved(self._pairs(begun, going), self.interval)
        self.work += steps * self.trial.step_cost / _SIDE_BY_SIDE
        copies = 1 + self.directions.shape[2]
        states, good = moved.initial.reshape(copies, len(going), -1), (status == Status.OK).reshape(copies, -1)
        for row in np.flatnonzero(~good[0]):
            self.ended[going[row]], self.status[int(going[row])] = self.time, Status(int(status[row]))
        base = Ensemble(np.where(good[0][:, None], states[0], begun.initial), begun.parameters, begun.start_time + self.interval)
        self.ensemble.initial[going], self.ensemble.start_time[going] = base.initial, base.start_time
        if copies > 1:
            lasting[going] = self._turn(base, states[1:], good.all(axis=0), going)

    def _pairs(self, begun: Ensemble, going: np.ndarray[tuple[int], np.dtype[np.intp]]) -> Ensemble:
        """The trajectories, then their first twins, then their second ones."""
        twins = [begun.initial + APART * self.scale * self.directions[going, :, twin] for twin in range(self.directions.shape[2])]
        copies = 1 + len(twins)
        times = np.tile(begun.start_time, copies)
        return Ensemble(np.concatenate([begun.initial, *twins]), np.tile(begun.parameters, (copies, 1)), times)

    def _turn(
        self,
        base: Ensemble,
        twins: FloatArray,
        good: np.ndarray[tuple[int], np.dtype[np.bool_]],
        going: np.ndarray[tuple[int], np.dtype[np.intp]],
    ) -> FloatArray:
        """Makes the directions of the trajectories that go on orthonormal again; the logarithms (trajectory, twin) of what they grew."""
        apart = difference(twins, base.initial, self.trial.system.definition.wrap) / (APART * self.scale)
        size = np.linalg.norm(apart, axis=2).max(axis=0)
        good = good & (size < 10 * _MOST) & np.isfinite(size)
        columns = np.where(good[None, :, None], apart, self.directions[going].transpose(2, 0, 1)).transpose(1, 2, 0)
        along = self._along(base)
        orthonormal, upper = np.linalg.qr(np.concatenate([along, columns], axis=2))
        self.directions[going] = orthonormal[:, :, along.shape[2] :]
        lengths = np.abs(np.diagonal(upper, axis1=1, axis2=2))[:, along.shape[2] :]
        grown: FloatArray = np.log(np.maximum(lengths, APART))
        grown[~good] = np.nan
        return grown

    def _along(self, base: Ensemble) -> FloatArray:
        """The direction of the flow (trajectory, variable, 1); nothing (trajectory, variable, 0) where it is no neutral one."""
        if self.trial.is_map or self.trial.reads_time:
            return np.zeros((*base.initial.shape, 0))
        rates = self.trial.rates(base) / self.scale
        length = np.maximum(np.linalg.norm(rates, axis=1, keepdims=True), np.finfo(np.float64).tiny)
        return np.asarray((rates / length)[:, :, None], np.float64)

    def restart(self) -> None:
        """Forgets what has grown so far."""
        self.growth.clear()


def directions_across(trial: Trial) -> int:
    """How many directions there are beside that of the flow, where it is a neutral one."""
    return trial.system.dimension - (0 if trial.is_map or trial.reads_time else 1)


def twins_of(trial: Trial, ensemble: Ensemble, scale: FloatArray, *, seed: int) -> Twins:
    """Trajectories with twins in drawn directions, with intervals that are short enough."""
    begun = Ensemble(ensemble.initial.copy(), ensemble.parameters, ensemble.start_time.copy())
    shape = (len(begun.initial), trial.system.dimension, min(2, directions_across(trial)))
    draw = np.random.Generator(np.random.Philox(seed)).standard_normal(shape)
    interval = _MAP_LONGEST if trial.is_map else _LONGEST * trial.unit
    directions = np.linalg.qr(draw)[0] if shape[2] else draw
    twins = Twins(trial, begun, directions, scale, interval, ended=np.full(shape[0], np.inf))
    shorten(twins)
    return twins


def shorten(twins: Twins) -> None:
    """Halves the interval until twins neither part nor meet too far within it, over some units of time at each length."""
    least = 1.0 if twins.trial.is_map else _SHORTEST * twins.trial.unit
    while True:
        twins.restart()
        twins.go_on(8 * _MAP_LONGEST if twins.trial.is_map else 2.0)
        if fits(twins) or twins.interval <= least or twins.work > MOST_WORK:
            break
        twins.interval /= 2
    twins.restart()


def fits(twins: Twins) -> bool:
    """Whether what has grown since the last restart shows that intervals are short enough."""
    if not twins.directions.shape[2] or not np.isinf(twins.ended).any():
        return True
    first = np.array(twins.growth)[:, np.isinf(twins.ended), 0]
    wide = ~((np.log(_LEAST) < first) & (first < np.log(_MOST)))
    return bool(wide.mean() <= _SELDOM)
