"""What the methods that need no equations work on: trajectories at equal times, from arrays, a Dataset or a system."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeGuard

import numpy as np
from numpy.typing import ArrayLike

from attractory.errors import IntegrationError, RequestError
from attractory.expressions.doors import as_system
from attractory.expressions.system import System
from attractory.integrate import BlockSettings, SampleGrid, default_transient, integrate_block
from attractory.invariants.ensemble import TRANSIENT_TIME
from attractory.invariants.estimate import FloatArray
from attractory.layout import Status

if TYPE_CHECKING:
    import xarray

# Of a flow, where nobody says otherwise: enough for any method here to see the fastest turn of a period.
SAMPLES_PER_PERIOD = 50
_RANGE = re.compile(r"(\w+): \[([^,]+), ([^)]+)\)")


@dataclass(frozen=True)
class Samples:
    """Trajectories sampled at equal times.

    Attributes:
        states: (trajectory, time, variable), finite, in C order.
        dt: from one sample to the next, in the system's time units; 1 for a map.
        period: in the same units; None where nobody knows it.
        circles: index of a variable on a circle -> the ends of its range.
    """

    states: FloatArray
    dt: float = 1.0
    period: float | None = None
    circles: dict[int, tuple[float, float]] = field(default_factory=dict)

    @property
    def duration(self) -> float:
        """Of each trajectory."""
        return float(self.dt * (self.states.shape[1] - 1))

    def embedded(self) -> FloatArray:
        """States (trajectory, time, coordinate) in which near means near: an angle becomes the two coordinates of its point on a circle
        as long as its range."""
        columns = []
        for place in range(self.states.shape[2]):
            values = self.states[:, :, place]
            if place in self.circles:
                low, high = self.circles[place]
                radius = (high - low) / (2 * np.pi)
                angle = (values - low) / radius
                columns += [radius * np.cos(angle), radius * np.sin(angle)]
            else:
                columns.append(values)
        return np.ascontiguousarray(np.stack(columns, axis=2))


@dataclass(frozen=True)
class Sampling:
    """How much a system is sampled where a method is given the system: trajectories, samples of each, and how finely.

    `dt` is in the system's time units; None is a fiftieth of the period (0.02 without one), and one iterate of a map.
    """

    trajectories: int
    samples: int
    dt: float | None = None
    seed: int = 0
    tolerance: float = 1e-9


def samples_of(source: System | str | ArrayLike | xarray.Dataset, sampling: Sampling, *, dt: float | None = None) -> Samples:
    """The trajectories of a source.

    Args:
        source: a System or its name, sampled as `sampling` says; what `attractory.integrate` returned; or an array (time,),
            (time, variable) or (trajectory, time, variable).
        dt: of an array, in time units; 1 where left out.
    Raises:
        RequestError: an array has another shape, holds what is not finite, or its dt is not above zero.
        IntegrationError: no trajectory of the system lasted.
    """
    if isinstance(source, System | str):
        return _of_system(as_system(source), sampling)
    if is_dataset(source):
        return _of_dataset(source)
    return _checked(np.asarray(source, dtype=np.float64), 1.0 if dt is None else dt)


def is_dataset(source: object) -> TypeGuard[xarray.Dataset]:
    """Whether it is what `attractory.integrate` returns; xarray is not imported to tell."""
    return hasattr(source, "data_vars")


def _of_system(system: System, sampling: Sampling) -> Samples:
    dt = sampling.dt or (1.0 if system.kind == "map" else (system.period or 1.0) / SAMPLES_PER_PERIOD)
    transient = default_transient(system, TRANSIENT_TIME)
    settings = BlockSettings(seed=sampling.seed, transient=transient, tolerance=sampling.tolerance, dtype="float64")
    made = integrate_block(
        system, indices=range(sampling.trajectories), grids=[SampleGrid(dt=dt, samples=sampling.samples)], settings=settings
    )
    good = made.status == Status.OK
    if not good.any():
        reason = Status(int(made.status[0])).sentence
        message = f"{system.name}: none of {sampling.trajectories} trajectories lasted {sampling.samples} samples; the first: {reason}."
        raise IntegrationError(message)
    circles = {system.variables.index(name): ends for name, ends in system.ranges.items()}
    return Samples(np.ascontiguousarray(made.states[0][good]), dt, system.period, circles)


def _of_dataset(dataset: xarray.Dataset) -> Samples:
    good = dataset["status"].values == Status.OK
    times = dataset["time"].values
    if times.ndim != 1 or times.size < 2:
        message = "the Dataset has no common time axis of two samples or more (sections have none); expected samples at equal times."
        raise RequestError(message)
    samples = _checked(dataset["state"].values[good], float(times[1] - times[0]))
    return replace(samples, period=dataset.attrs.get("period"), circles=_written_ranges(dataset))


def _written_ranges(dataset: xarray.Dataset) -> dict[int, tuple[float, float]]:
    """From the attribute `wrap`, as `attractory.integrate` writes it: "theta: [-3.14, 3.14); phi: [0.0, 1.0)"."""
    names = list(dataset["variable"].values)
    found = _RANGE.findall(str(dataset.attrs.get("wrap", "")))
    return {names.index(name): (float(low), float(high)) for name, low, high in found}


def _checked(states: FloatArray, dt: float) -> Samples:
    if states.ndim == 1:
        states = states[:, None]
    if states.ndim == 2:
        states = states[None]
    if states.ndim != 3 or 0 in states.shape:
        message = f"the array has shape {states.shape}; expected (time,), (time, variable) or (trajectory, time, variable), none of them 0."
        raise RequestError(message)
    if not np.isfinite(states).all():
        message = f"{int((~np.isfinite(states)).sum())} of {states.size} values are not finite; leave such trajectories out."
        raise RequestError(message)
    if not (np.isfinite(dt) and dt > 0):
        message = f"dt={dt!r}; expected a time above 0."
        raise RequestError(message)
    return Samples(np.ascontiguousarray(states, dtype=np.float64), float(dt))
