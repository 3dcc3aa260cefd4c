"""States on the attractor to start from: drawn and run through the transient by the engine, as `generate` does."""

from __future__ import annotations

import numpy as np

from attractory.errors import IntegrationError
from attractory.expressions.system import System
from attractory.integrate import BlockSettings, Ensemble, SampleGrid, integrate_block
from attractory.layout import Status

# Of a flow without an annotated period, in its own time units.
TRANSIENT_TIME = 200.0


def draw_ensemble(system: System, trajectories: int, *, seed: int, transient: float, tolerance: float) -> Ensemble:
    """`trajectories` states after the transient, a pure function of (system, seed).

    Raises: IntegrationError where every one of them failed; those that fail among others are left out.
    """
    settings = BlockSettings(seed=seed, transient=transient, tolerance=tolerance, dtype="float64")
    grid = SampleGrid(dt=1.0 if system.kind == "map" else 1.0e-3 * (system.period or 1.0), samples=2)
    drawn = integrate_block(system, indices=range(trajectories), grids=[grid], settings=settings)
    good = drawn.status == Status.OK
    if not good.any():
        reason = Status(int(drawn.status[0])).sentence
        message = f"{system.name}: none of {trajectories} trajectories survived its transient of {transient:g}; the first: {reason}."
        raise IntegrationError(message)
    return Ensemble(
        initial=np.ascontiguousarray(drawn.initial[good]),
        parameters=np.ascontiguousarray(drawn.parameters[good]),
        start_time=np.ascontiguousarray(drawn.start_time[good]),
    )
