"""The work that all candidates do: an ensemble of a catalogued system from the same initial states, and how wrong each is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import attractory

SYSTEMS = ("Lorenz", "Rossler", "HenonHeiles", "Thomas")
TRAJECTORIES, SAMPLES = 256, 4096
# Neighbouring states on or near the attractor: far enough apart that chaos makes them different trajectories within a few periods.
SPREAD, SEED = 1e-3, 5
CHECKED = 64  # trajectories whose error is measured; the reference takes a second for them


@dataclass(frozen=True)
class Work:
    """An ensemble of `system`: initial states (trajectory, variable), `samples` of them `dt` apart, at a tolerance."""

    system: attractory.System
    initial: NDArray[np.float64]
    per_period: int
    samples: int
    tolerance: float

    @property
    def dt(self) -> float:
        period = self.system.period
        if period is None:
            message = f"{self.system.name} has no period to count samples in"
            raise ValueError(message)
        return period / self.per_period


def work(name: str, *, per_period: int, tolerance: float, trajectories: int = TRAJECTORIES, samples: int = SAMPLES) -> Work:
    system = attractory.system(name)
    spread = SPREAD * np.random.default_rng(SEED).normal(size=(trajectories, system.dimension))
    return Work(system, system.initial + spread, per_period, samples, tolerance)


def error_after_one_period(states: NDArray[np.float64], truth: NDArray[np.float64], sample: int) -> float:
    """The root mean square over trajectories and variables of what states (trajectory, time, variable) are off at `sample`, relative to
    the largest true state; truth is (trajectory, variable)."""
    off = states[: len(truth), sample] - truth[: len(states)]
    return float(np.sqrt(np.mean(off**2)) / np.abs(truth).max())
