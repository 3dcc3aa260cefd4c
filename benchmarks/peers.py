"""Other programs on the Work of engine.py: each function gives one without arguments that integrates and returns its samples as a new
array (trajectory, time, variable). How each program is run is in samplers.py."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import samplers
from numpy.typing import NDArray
from work import Work

Run = Callable[[], NDArray[np.float64]]


def heyoka_batch(work: Work, *, width: int) -> Run:
    """heyoka's Taylor integrator on `width` trajectories at once."""
    return _run(work, samplers.heyoka_batch(work.system, width=width))


def scipy_dop853(work: Work) -> Run:
    """solve_ivp, one trajectory after the other; the right-hand side compiled by numba."""
    return _run(work, samplers.scipy_dop853(work.system))


def dysts_as_shipped(work: Work) -> Run:
    """make_trajectory of the system of that name with all defaults: its own parameters, initial state, period, Radau at 1e-12."""
    import dysts.flows

    model = getattr(dysts.flows, work.system.name)()
    return lambda: model.make_trajectory(work.samples, pts_per_period=work.per_period, resample=True)[None]


def reference(work: Work, trajectories: int) -> NDArray[np.float64]:
    """States (trajectory, variable) after one period to 30 digits, rounded to doubles."""
    return samplers.reference(work.system, work.initial[:trajectories], work.per_period * work.dt)


def _run(work: Work, program: samplers.AtTolerance) -> Run:
    sample = program(work.tolerance)
    return lambda: sample(work.initial, work.dt, work.samples)
