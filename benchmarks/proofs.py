"""Draws what the engine's tests prove: the error over the length of a fixed step, and the energy of HenonHeiles over 10,000 periods.

python benchmarks/proofs.py docs/benchmarks
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

import attractory
from attractory.expressions.system import System
from attractory.integrate import Engine, Ensemble, SampleGrid, integrate, integrate_ensemble
from attractory.kernels import order_for

mpl.use("Agg")
from matplotlib import pyplot as plt

Float = NDArray[np.float64]

DURATION = 60.0
ORDERS = {4: (320, 1600), 8: (160, 640), 12: (100, 200)}  # numbers of steps, so many that none is longer than the engine's own
# A limit cycle with the solution x = cos t, y = sin t.
CYCLE = System(
    name="Cycle", equations={"x": "x - y - x*(x*x + y*y)", "y": "x + y - y*(x*x + y*y)"}, initial={"x": 1.0, "y": 0.0}
).definition
TOLERANCES = (1e-9, 1e-12, 1e-14, 1e-15)
PERIODS, SAMPLES, TRAJECTORIES = 10_000, 201, 16


def fixed_step_errors(order: int, count: int) -> tuple[float, float]:
    """(largest error at the ends of `count` equal steps, largest at two samples within each), as in tests/kernels/test_convergence.py."""
    tolerance = next(tolerance for tolerance in np.geomspace(1e-2, 1e-15, 400) if order_for(tolerance) == order)
    grid, state, off = SampleGrid(DURATION / count / 3, 4), np.array([[1.0, 0.0]]), np.zeros((count, 4))
    for step in range(count):
        ensemble = Ensemble(state, np.zeros((1, 0)), np.zeros(1))
        states = integrate_ensemble(CYCLE, ensemble, grids=[grid], engine=Engine(tolerance, lanes=2)).states[0][0]
        times = grid.dt * (3 * step + np.arange(4))
        off[step] = np.hypot(states[:, 0] - np.cos(times), states[:, 1] - np.sin(times))
        state = np.ascontiguousarray(states[None, 3])
    return off[:, 3].max(), off[:, 1:3].max()


def draw_convergence(path: Path) -> None:
    """The error at the end of steps (lines) and between them (rings) over the step, with the nominal slope in grey."""
    figure, axes = plt.subplots(figsize=(6.4, 4.8), layout="constrained")
    for color, (order, (few, many)) in zip(("C0", "C1", "C2"), ORDERS.items(), strict=True):
        counts = np.unique(np.geomspace(few, many, 8).astype(int))
        steps, errors = DURATION / counts, np.array([fixed_step_errors(order, int(count)) for count in counts])
        axes.loglog(steps, errors[:, 0], color=color, label=f"order {order}: at the ends of steps")
        axes.loglog(steps, errors[:, 1], "o", color=color, fillstyle="none", label=f"order {order}: samples between")
        axes.loglog(steps, errors[-1, 0] * (steps / steps[-1]) ** order, ":", color="grey")
    axes.set(
        xlabel="step (time units; a turn is 6.28)", ylabel="largest error", title="Fixed steps on a limit cycle; dotted: the nominal slope"
    )
    axes.legend(fontsize="small")
    figure.savefig(path, dpi=120)


def energy_drift(tolerance: float) -> tuple[Float, Float]:
    """(periods, root mean square of the relative energy error of HenonHeiles over trajectories)."""
    system = attractory.system("HenonHeiles")
    initial = np.asarray(system.initial) * (1 + 0.02 * np.linspace(-1, 1, TRAJECTORIES)[:, None])
    made = integrate(system, initial=initial, samples=SAMPLES, dt=PERIODS / (SAMPLES - 1) * float(system.period or 1), tolerance=tolerance)
    x, y, px, py = np.moveaxis(made.state.values, 2, 0).astype(np.longdouble)
    energy = (px**2 + py**2 + x**2 + y**2) / 2 + x**2 * y - y**3 / 3
    return np.linspace(0, PERIODS, SAMPLES)[1:], np.sqrt(((energy / energy[:, :1] - 1) ** 2).mean(0))[1:].astype(np.float64)


def draw_energy(path: Path, tolerances: Sequence[float]) -> None:
    """One line a tolerance; a line of slope one is a drift, one of slope one half a random walk."""
    figure, axes = plt.subplots(figsize=(6.4, 4.8), layout="constrained")
    for tolerance in tolerances:
        periods, drift = energy_drift(tolerance)
        axes.loglog(periods, drift, label=f"tolerance {tolerance:g}: {drift[-1]:.1e}")
    axes.loglog(periods, 1e-16 * np.sqrt(periods), ":", color="grey", label="1e-16 times the root of the time")
    axes.set(xlabel="periods", ylabel="relative error of the energy, root mean square", title=f"HenonHeiles, {TRAJECTORIES} trajectories")
    axes.legend(fontsize="small")
    figure.savefig(path, dpi=120)


def main(folder: Path) -> None:
    draw_convergence(folder / "convergence.png")
    draw_energy(folder / "energy.png", TOLERANCES)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
