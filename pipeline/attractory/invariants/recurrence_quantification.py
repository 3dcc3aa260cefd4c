"""Recurrence quantification: how often states come back, and how long they then stay together, from trajectories."""

from __future__ import annotations

import time
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from attractory.errors import RequestError
from attractory.expressions.system import System
from attractory.invariants.estimate import Estimate, FloatArray, Setting, standard_errors
from attractory.invariants.pair_counts import processors
from attractory.invariants.point_cloud import DelayCoordinates, IntArray, PointCloud, cloud_settings, default_sampling, point_cloud
from attractory.invariants.recurrence_lines import Lines, recurrence_lines, squared_radius
from attractory.invariants.samples import Sampling
from attractory.invariants.signals import require

if TYPE_CHECKING:
    import xarray

METHOD = (
    "lines of each trajectory's recurrence plot (Marwan et al., Phys. Rep. 438, 237 (2007)); errors between trajectories and parts of time"
)
ROWS = ("rate", "determinism", "laminarity", "mean diagonal", "longest diagonal", "entropy of diagonals", "mean vertical")
# The work grows with the square of a trajectory's samples, what is learnt from them does not.
_TRAJECTORIES, _SAMPLES = 16, 2048
_PARTS = 4
# With fewer recurrences a plot has no lines to speak of.
_FEWEST = 100
# A window of an eighth of a trajectory is half of a part.
_LONGEST_WINDOW = 8


@dataclass(frozen=True)
class RecurrenceSettings:
    """What a recurrence is, and what a line is.

    Attributes:
        rate: the share of the pairs of a trajectory that recur: the radius of each recurrence plot is the shortest that gives it.
        radius: in units of each coordinate's deviation, in place of the rate.
        shortest: points of the shortest line.
        window: samples within which two points are no pair; None is a period or, where that is longer or unknown, the time after which no
            coordinate's autocorrelation exceeds 1/e.
        delays: delay coordinates of one variable in place of the state.
    """

    rate: float = 0.02
    radius: float | None = None
    shortest: int = 2
    window: int | None = None
    delays: DelayCoordinates | None = None


@dataclass(frozen=True)
class Plot:
    """What is kept of one recurrence plot."""

    lines: Lines
    radius: float


def recurrence_quantification(
    source: System | str | ArrayLike | xarray.Dataset,
    *,
    settings: RecurrenceSettings | None = None,
    sampling: Sampling | None = None,
    dt: float | None = None,
    seed: int = 0,
) -> Estimate:
    """Measures (7,) of recurrence plots: rate, determinism, laminarity, mean and longest diagonal, entropy of diagonals, mean vertical.

    Rate is the share of pairs that recur; determinism and laminarity are the shares of those in diagonal and in vertical lines; the entropy
    of the diagonals' lengths is in nats; the other lengths are times.

    Args:
        source: as `samples_of` takes it; each coordinate is measured in units of its own deviation.
        settings: None is a rate of 0.02, lines of two points and the window of `correlation_dimension`.
        sampling: of a System; None is 16 trajectories of 2,048 samples, of a flow 8.1 a period.
        dt: of an array, in time units.
    Returns:
        Estimate, the mean over trajectories, each with a plot of its own; where there is no line, its lengths and their entropy are 0.
        convergence has length (length,) as a time, diagonals and verticals (length,) as counts, and radius (trajectory,).
    Raises:
        RequestError: what `point_cloud` refuses, a setting out of range, or fewer than 100 recurrences in a trajectory.
    """
    started = time.perf_counter()
    chosen = settings or RecurrenceSettings()
    _check(chosen)
    asked = sampling or replace(default_sampling(source, seed), trajectories=_TRAJECTORIES, samples=_SAMPLES)
    cloud = point_cloud(source, delays=chosen.delays, window=chosen.window, sampling=asked, dt=dt, seed=seed)
    with ThreadPoolExecutor(max_workers=processors()) as pool:
        whole = _plots(cloud, 1, chosen, pool)
        count = _part_count(cloud, _fewest_recurrences(whole))
        parts = _plots(cloud, count, chosen, pool) if count > 1 else whole
    value = _measures(whole, chosen.shortest, cloud.dt)
    error = _errors(value[:, 0], _measures(parts, chosen.shortest, cloud.dt))
    seconds = time.perf_counter() - started
    return Estimate(value.mean(axis=(0, 1)), error, METHOD, _settings(cloud, chosen, count, seed), seconds, _convergence(whole, cloud.dt))


def _check(chosen: RecurrenceSettings) -> None:
    require("shortest", chosen.shortest, low=2)
    if chosen.radius is not None and not (np.isfinite(chosen.radius) and chosen.radius > 0):
        message = f"radius={chosen.radius!r}; expected a distance above 0, in units of the coordinates' deviations."
        raise RequestError(message)
    if not 0.0 < chosen.rate < 1.0:
        message = f"rate={chosen.rate!r}; expected a share of pairs between 0 and 1."
        raise RequestError(message)


def _fewest_recurrences(plots: list[list[Plot]]) -> int:
    """Of any plot. Raises RequestError where they are too few."""
    counts = [plot.lines.recurrences for row in plots for plot in row]
    if min(counts) < _FEWEST:
        place = int(np.argmin(counts))
        pairs = plots[place][0].lines.pairs
        message = (
            f"trajectory {place} has {counts[place]} recurrences among {pairs} pairs; expected at least {_FEWEST}. Give a higher rate, a "
            "longer radius or longer trajectories."
        )
        raise RequestError(message)
    return min(counts)


def _part_count(cloud: PointCloud, recurrences: int) -> int:
    """Parts in time of each trajectory: four, or one where they would be short beside the window or have too few recurrences."""
    long_enough = cloud.window * _LONGEST_WINDOW < cloud.length
    return _PARTS if long_enough and recurrences >= _FEWEST * _PARTS**2 else 1


def _plots(cloud: PointCloud, parts: int, chosen: RecurrenceSettings, pool: Executor) -> list[list[Plot]]:
    """A plot of each part (trajectory, part); what is left at a trajectory's end is in none."""
    length = cloud.length // parts
    trajectories = np.split(cloud.points, cloud.trajectories)
    return [[_plot(one[part * length :][:length], cloud.window, chosen, pool) for part in range(parts)] for one in trajectories]


def _plot(points: FloatArray, window: int, chosen: RecurrenceSettings, pool: Executor) -> Plot:
    columns = np.ascontiguousarray(points.T)
    if chosen.radius is None:
        square = squared_radius(columns, window, chosen.rate, pool)
    else:
        square = chosen.radius**2
    return Plot(recurrence_lines(columns, window, square, pool), float(np.sqrt(square)))


def _measures(plots: list[list[Plot]], shortest: int, dt: float) -> FloatArray:
    """(trajectory, part, measure)."""
    return np.array([[measures(plot.lines, shortest, dt) for plot in row] for row in plots])


def measures(lines: Lines, shortest: int, dt: float) -> list[float]:
    """The seven of one plot; lengths are times dt."""
    diagonal, in_diagonals = _long(lines.diagonals, shortest)
    vertical, in_verticals = _long(lines.verticals, shortest)
    total = max(lines.recurrences, 1)
    return [
        lines.recurrences / lines.pairs,
        in_diagonals / total,
        in_verticals / (2 * total),
        dt * in_diagonals / max(int(diagonal.sum()), 1),
        dt * int(np.max(np.flatnonzero(diagonal), initial=0)),
        _entropy(diagonal),
        dt * in_verticals / max(int(vertical.sum()), 1),
    ]


def _long(counts: IntArray, shortest: int) -> tuple[IntArray, int]:
    """The counts without lines that are too short, and how many points are in the others."""
    kept = np.where(np.arange(len(counts)) >= shortest, counts, 0)
    return kept, int(kept @ np.arange(len(kept)))


def _entropy(counts: IntArray) -> float:
    """Shannon's, in nats."""
    shares = counts[counts > 0] / max(int(counts.sum()), 1)
    return max(float(-np.sum(shares * np.log(shares))), 0.0)


def _errors(whole: FloatArray, parts: FloatArray) -> FloatArray:
    """The larger of that between whole trajectories (trajectory, measure) and that between parts (trajectory, part, measure)."""
    between_parts = standard_errors(parts)[1]
    # the longest line of all is no mean over parts, so more of them do not make it more certain
    between_parts[ROWS.index("longest diagonal")] *= np.sqrt(parts.shape[1])
    return between_parts if len(whole) == 1 else np.maximum(standard_errors(whole[:, None])[0], between_parts)


def _settings(cloud: PointCloud, chosen: RecurrenceSettings, parts: int, seed: int) -> dict[str, Setting]:
    asked: dict[str, Setting] = {"rate": chosen.rate} if chosen.radius is None else {"radius": chosen.radius}
    if chosen.delays is not None:
        asked |= {"delay_dimension": chosen.delays.dimension, "delay": chosen.delays.delay, "delay_variable": chosen.delays.variable}
    return {**cloud_settings(cloud), **asked, "shortest": chosen.shortest, "parts": parts, "rows": ", ".join(ROWS), "seed": seed}


def _convergence(whole: list[list[Plot]], dt: float) -> dict[str, FloatArray]:
    """Lines of all trajectories by length, up to the longest."""
    diagonals = np.sum([row[0].lines.diagonals for row in whole], axis=0)
    verticals = np.sum([row[0].lines.verticals for row in whole], axis=0)
    lengths = np.arange(1, 1 + int(np.max(np.flatnonzero(diagonals + verticals), initial=1)))
    counts = {"diagonals": diagonals[lengths].astype(np.float64), "verticals": verticals[lengths].astype(np.float64)}
    return {"length": dt * lengths, **counts, "radius": np.array([row[0].radius for row in whole])}
