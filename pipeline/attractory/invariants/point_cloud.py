"""Points whose distances a dimension is measured from: scaled states or delay coordinates, and which pairs of them say something."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from attractory.errors import RequestError
from attractory.expressions.doors import as_system
from attractory.expressions.system import System
from attractory.invariants.estimate import FloatArray, Setting
from attractory.invariants.samples import Samples, Sampling, is_dataset, samples_of

if TYPE_CHECKING:
    import xarray

IntArray = npt.NDArray[np.int64]

FEWEST_POINTS = 500  # fewer have no two octaves of radii with pairs enough in them, whatever the dimension
# Parts of the points that errors are resampled over: enough for an error of the error of an eighth, and each long beside the window.
BLOCKS = 32
_POINTS = 1 << 17  # of a System, where nobody says otherwise
_TRAJECTORIES = 32
# Of a flow's period, from one sample to the next: neighbours in time are excluded anyhow, and a limit cycle is not met at the same phases.
_STEP = 0.2 / 1.618033988749895
# Coordinates that differ by less than this part of their size are constant but for rounding.
_CONSTANT = 1e-12
# Of the length of a trajectory: a longer window leaves too few pairs. Reached by what hardly forgets, such as a slow drift.
_LONGEST_WINDOW = 10


@dataclass(frozen=True)
class DelayCoordinates:
    """One variable at `dimension` times, `delay` samples apart, in place of all variables: what a measured signal is embedded in, and
    the only choice for delay systems, whose variables are no state."""

    dimension: int
    delay: int
    variable: int = 0


@dataclass(frozen=True)
class PointCloud:
    """Points of the attractor.

    Attributes:
        points: (point, coordinate), in the order of trajectories and times; each coordinate in units of its own deviation.
        length: points of each trajectory.
        window: pairs of one trajectory that are so many samples apart, or fewer, are no pairs (Theiler, Phys. Rev. A 34, 2427 (1986)).
        dt: from one sample to the next.
    """

    points: FloatArray
    length: int
    window: int
    dt: float = 1.0

    @property
    def trajectories(self) -> int:
        return len(self.points) // self.length

    @property
    def stamps(self) -> IntArray:
        """(point,): two points are a pair where these differ by more than the window."""
        trajectory, time = np.divmod(np.arange(len(self.points)), self.length)
        stamps: IntArray = trajectory * (self.length + self.window + 1) + time
        return stamps

    @property
    def blocks(self) -> IntArray:
        """(point,): which of at most 32 parts it lies in: groups of whole trajectories, or equal parts of each where they are few."""
        trajectory, time = np.divmod(np.arange(len(self.points)), self.length)
        parts = BLOCKS // self.trajectories
        blocks: IntArray = trajectory * parts + time * parts // self.length if parts else trajectory * BLOCKS // self.trajectories
        return blocks

    def partners(self, chosen: IntArray, stride: int = 1) -> IntArray:
        """(chosen,): how many of every `stride`-th point of each trajectory each of the chosen points is a pair with."""
        time = chosen % self.length
        low, high = np.maximum(time - self.window, 0), np.minimum(time + self.window, self.length - 1)
        within = high // stride - (low - 1) // stride
        counted: IntArray = self.trajectories * ((self.length - 1) // stride + 1) - within
        return counted


def cloud_settings(cloud: PointCloud) -> dict[str, Setting]:
    """What every number made from the cloud depends on."""
    points, coordinates = cloud.points.shape
    return {"points": points, "trajectories": cloud.trajectories, "coordinates": coordinates, "window": cloud.window, "dt": cloud.dt}


def default_sampling(source: System | str | ArrayLike | xarray.Dataset, seed: int) -> Sampling:
    """Of a System: 32 trajectories, together 2^17 points; of a flow 8.1 a period, for more would be neighbours in time."""
    system = as_system(source) if isinstance(source, System | str) else None
    dt = None if system is None or system.kind == "map" else _STEP * (system.period or 1.0)
    return Sampling(_TRAJECTORIES, _POINTS // _TRAJECTORIES, dt=dt, seed=seed)


def point_cloud(
    source: System | str | ArrayLike | xarray.Dataset,
    *,
    delays: DelayCoordinates | None,
    window: int | None,
    sampling: Sampling | None,
    dt: float | None,
    seed: int,
) -> PointCloud:
    """The points of a source.

    Raises:
        RequestError: too few points, no two that differ, a window that leaves no pairs, delay coordinates that are none, or a delay
            system without them.
    """
    if delays is None:
        _refuse_delay_system(source)
    samples = samples_of(source, sampling or default_sampling(source, seed), dt=dt)
    states = samples.embedded() if delays is None else _delayed(samples, delays)
    if window is not None and not 0 <= window < states.shape[1] // 2:
        message = f"window={window}: expected a number of samples from 0 to below half of the {states.shape[1]} of a trajectory"
        raise RequestError(message)
    scaled = _scaled(states)
    width = theiler_window(scaled, samples) if window is None else window
    points = np.ascontiguousarray(scaled.reshape(-1, scaled.shape[2]))
    if len(points) < FEWEST_POINTS:
        message = f"{len(points)} points: expected at least {FEWEST_POINTS}"
        raise RequestError(message)
    return PointCloud(points, states.shape[1], width, samples.dt)


def theiler_window(states: FloatArray, samples: Samples) -> int:
    """Samples within which two points of a trajectory are near because they are near in time.

    One period where it is known; else, or where that is longer, the first time after which the autocorrelation of every coordinate has
    fallen below 1/e. At most a tenth of a trajectory.

    Args:
        states: (trajectory, time, coordinate).
    """
    longest = states.shape[1] // _LONGEST_WINDOW
    forgotten = max(_decay(states[:, :, place], longest) for place in range(states.shape[2]))
    period = 0 if samples.period is None else int(np.ceil(min(samples.period / samples.dt, 2.0**62)))
    return int(min(max(forgotten, period), longest))


def _decay(values: FloatArray, longest: int) -> int:
    """The first lag at which the autocorrelation over all trajectories (trajectory, time) is below 1/e; `longest` where none is."""
    length = values.shape[1]
    centred = values - values.mean()
    spectrum = np.abs(np.fft.rfft(centred, n=2 * length, axis=1)) ** 2
    products = np.fft.irfft(spectrum.mean(axis=0))[:length] / np.arange(length, 0, -1)
    below = np.flatnonzero(products[: longest + 1] < products[0] / np.e)
    return int(below[0]) if below.size else longest


def _delayed(samples: Samples, delays: DelayCoordinates) -> FloatArray:
    """Delay coordinates (trajectory, time, coordinate), the earliest first; an angle has its point of a circle at each time."""
    variables = samples.states.shape[2]
    if not 0 <= delays.variable < variables:
        message = f"delays.variable={delays.variable}: expected one of the {variables} variables, from 0 to {variables - 1}"
        raise RequestError(message)
    left = samples.states.shape[1] - (delays.dimension - 1) * delays.delay
    if delays.dimension < 1 or delays.delay < 1 or left < 2:
        message = (
            f"delays: dimension={delays.dimension} and delay={delays.delay} leave {left} of {samples.states.shape[1]} samples; expected "
            "both to be 1 or more, and at least 2 samples to be left"
        )
        raise RequestError(message)
    circles = {0: samples.circles[delays.variable]} if delays.variable in samples.circles else {}
    one = Samples(samples.states[:, :, delays.variable : delays.variable + 1], samples.dt, samples.period, circles).embedded()
    return np.concatenate([one[:, place * delays.delay :][:, :left] for place in range(delays.dimension)], axis=2)


def _scaled(states: FloatArray) -> FloatArray:
    """Each coordinate in units of its own deviation, without those that are constant, as a conserved or a resting one is."""
    flat = states.reshape(-1, states.shape[2])
    middle, deviation = flat.mean(axis=0), flat.std(axis=0)
    moving = deviation > _CONSTANT * np.abs(flat).max(axis=0)
    if not moving.any():
        message = f"{len(flat)} points are one and the same: expected points that differ (a point at rest has dimension 0)"
        raise RequestError(message)
    scaled: FloatArray = (states[:, :, moving] - middle[moving]) / deviation[moving]
    return scaled


def _refuse_delay_system(source: System | str | ArrayLike | xarray.Dataset) -> None:
    kind = as_system(source).kind if isinstance(source, System | str) else ""
    if is_dataset(source):
        kind = str(source.attrs.get("kind", ""))
    if kind == "delay":
        message = "the variables of a delay system are not its state: expected delays=DelayCoordinates(dimension, delay)"
        raise RequestError(message)
