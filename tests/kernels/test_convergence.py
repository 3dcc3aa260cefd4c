"""The order of the Taylor method at fixed steps, and of its samples between them."""

from __future__ import annotations

import numpy as np
import pytest

from attractory.expressions.system import System
from attractory.integrate import Engine, Ensemble, SampleGrid, integrate_ensemble
from attractory.kernels import order_for

DURATION = 60.0
# A limit cycle: x = cos t, y = sin t. Every step is like every other, so that the slopes are clean; and errors of the radius, which an even
# order makes a power smaller than those of the phase, die out.
CYCLE = System(
    name="Cycle", equations={"x": "x - y - x*(x*x + y*y)", "y": "x + y - y*(x*x + y*y)"}, initial={"x": 1.0, "y": 0.0}
).definition


def errors(order: int, count: int) -> tuple[float, float]:
    """Largest errors at the ends of `count` equal steps to `DURATION`, and at two samples within each.

    A step never reaches far beyond the last sample, so that an integration as short as one step of the right length takes just one."""
    engine = Engine(tolerance=next(tolerance for tolerance in np.geomspace(1e-2, 1e-15, 400) if order_for(tolerance) == order), lanes=2)
    grid = SampleGrid(DURATION / count / 3, 4)
    off = np.zeros((count, 4))
    state = np.array([[1.0, 0.0]])
    for step in range(count):
        made = integrate_ensemble(CYCLE, Ensemble(state, np.zeros((1, 0)), np.zeros(1)), grids=[grid], engine=engine)
        assert made.steps == 1
        times = grid.dt * (3 * step + np.arange(4))
        off[step] = np.hypot(*(made.states[0][0] - np.stack([np.cos(times), np.sin(times)], 1)).T)
        state = np.ascontiguousarray(made.states[0][:, 3])
    return off[:, 3].max(), off[:, 1:3].max()


@pytest.mark.parametrize(("order", "counts"), [(4, [320, 450, 640, 910]), (8, [160, 230, 320, 450]), (12, [120, 130, 140, 150])])
def test_order_of_convergence_is_that_of_the_series(order: int, counts: list[int]) -> None:
    """The slope of the logarithm of the error over that of the step is within 0.3 of the order, at steps and between them."""
    for error in np.transpose([errors(order, count) for count in counts]):
        slope = -np.polyfit(np.log(counts), np.log(error), 1)[0]
        assert slope == pytest.approx(order, abs=0.3)
