"""What is observed of trajectories: some of their variables, with noise that is drawn for each sample; the states stay as they are.

The noise has the distribution of all drawn numbers here, the sum of twelve uniform ones: mean 0, the variance that is asked for, nearly
Gaussian (excess kurtosis -0.1), bounded by six standard deviations, and the same bits on any machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from attractory.errors import IntegrationError
from attractory.expressions.system import System
from attractory.integrate.block import BlockSettings, default_transient, integrate_block
from attractory.integrate.ensemble import Trajectories
from attractory.integrate.grids import SampleGrid
from attractory.integrate.random_numbers import bell_shaped_draws
from attractory.layout import Status

Float = NDArray[np.float64]

# The states whose spread is the scale of relative noise: so many trajectories of so many samples; of a flow, so many in a period.
_TRAJECTORIES, _SAMPLES, _PER_PERIOD = 16, 1024, 16
_TOLERANCE = 1e-9
_PIECE = 65_536  # samples whose noise is drawn at once: each takes 96 bytes of raw words


@dataclass(frozen=True)
class Observation:
    """The variables observed, by their places, and the noise on each: `level`, in units of its own or of its standard deviation."""

    places: tuple[int, ...]
    level: float
    relative_to: Literal["deviation", "absolute"]


@dataclass(frozen=True)
class Seen:
    """Whose noise it is: the recipe's seed, the system, the granularities in order, the numbers of the trajectories."""

    seed: int
    system: System
    granularities: tuple[str, ...]
    indices: Sequence[int]


def observed(made: Trajectories, observation: Observation, seen: Seen) -> Trajectories:
    """The same trajectories with what is observed of them, a function of each stored state and its trajectory's number."""
    noise = noise_levels(seen.system, observation, seed=seen.seed)
    arrays = tuple(_observed(states, observation, noise, seen, name) for states, name in zip(made.states, seen.granularities, strict=True))
    return replace(made, observed=arrays, observation_noise=np.tile(noise, (len(seen.indices), 1)))


def noise_levels(system: System, observation: Observation, *, seed: int) -> Float:
    """The standard deviation of the noise on each observed variable."""
    scale = deviations(system, seed) if observation.relative_to == "deviation" and observation.level else np.ones(system.dimension)
    return observation.level * scale[list(observation.places)]


def noisy(
    states: NDArray[np.floating], names: Sequence[str], noise: Float, *, seed: int, key: tuple[str, str, int]
) -> NDArray[np.floating]:
    """One trajectory's observed variables (time, observed variable) with their noise; key: system, granularity, trajectory."""
    system, granularity, trajectory = key
    found = np.empty(states.shape, states.dtype)
    for column, name in enumerate(names):
        values = states[:, column].astype(np.float64)
        for piece, first in enumerate(range(0, len(values), _PIECE) if noise[column] else ()):
            part, purpose = values[first : first + _PIECE], f"observation.{granularity}.{name}.{piece}"
            part += noise[column] * bell_shaped_draws(len(part), seed=seed, system=system, trajectory=trajectory, purpose=purpose)
        found[:, column] = values
    return found


@lru_cache(maxsize=64)
def deviations(system: System, seed: int) -> Float:
    """Standard deviation of each variable (variable,) on the attractor, at the catalogued parameters.

    Raises:
        IntegrationError: no trajectory lasts.
    """
    settings = BlockSettings(seed, default_transient(system, 0.0), _TOLERANCE, "float64")
    grid = SampleGrid(1 if system.kind == "map" else (system.period or 1.0) / _PER_PERIOD, _SAMPLES)
    made = integrate_block(system, indices=range(_TRAJECTORIES), grids=[grid], settings=settings)
    states = np.ascontiguousarray(made.states[0][made.status == Status.OK]).reshape(-1, system.dimension)
    if not len(states):
        message = f"{system.name}: no trajectory lasts, so noise has no standard deviation to be relative to. Make it absolute."
        raise IntegrationError(message)
    centred = states - _mean(states)
    return np.asarray(np.sqrt(_mean(centred * centred)))


def _observed(states: NDArray[np.floating], observation: Observation, noise: Float, seen: Seen, granularity: str) -> NDArray[np.floating]:
    chosen = states[:, :, list(observation.places)]
    names = [seen.system.variables[place] for place in observation.places]
    out = np.empty(chosen.shape, states.dtype)
    for row, index in enumerate(seen.indices):
        out[row] = noisy(chosen[row], names, noise, seed=seen.seed, key=(seen.system.name, granularity, index))
    return out


def _mean(values: Float) -> Float:
    """Means (variable,), summed one after the other: NumPy's own sum may take another order."""
    return np.asarray(np.cumsum(values, axis=0)[-1] / len(values))
