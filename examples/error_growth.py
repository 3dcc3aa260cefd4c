"""How rounding errors grow along trajectories, as a picture: python examples/error_growth.py docs/images/error_growth.png."""

from __future__ import annotations

import sys

import matplotlib as mpl
import numpy as np

import attractory
from attractory.layout import CERTIFIED_TOLERANCE
from attractory.stages.certify.flow_reference import FlowReference
from attractory.stages.certify.map_reference import MapReference
from attractory.stages.certify.outcome import ROUNDING
from attractory.stages.certify.reference import BITS, Problem

mpl.use("Agg")
from matplotlib import pyplot

SYSTEMS = ("Lorenz", "Rossler", "Henon")
TRAJECTORIES, LYAPUNOV_TIMES = 8, 42
FLOAT32 = 2.0**-24  # half a unit in the last place: what storing in float32 rounds away


def main(path: str) -> None:
    figure, panels = pyplot.subplots(1, 3, figsize=(10, 3.6), sharey=True, facecolor="white")
    for panel, name in zip(panels, SYSTEMS, strict=True):
        draw(panel, attractory.system(name))
    panels[0].set_ylabel("error, relative to the largest value")
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    print(path)


def draw(panel: pyplot.Axes, system: attractory.System) -> None:
    """Errors of a few trajectories over time, the limit of a certificate, and the exponential that the leading exponent says."""
    made, unit = trajectories(system), system.lyapunov_time or 1.0
    axis = made["time"].values / unit
    for trajectory in range(TRAJECTORIES):
        panel.plot(axis, errors(system, made, trajectory), color="#31688e", linewidth=0.8, alpha=0.7)
    panel.plot(axis, ROUNDING * np.exp(axis), color="black", linestyle="--", linewidth=1.2, label="rounding, grown by exp(t / T)")
    panel.axhline(CERTIFIED_TOLERANCE, color="#b5342f", linewidth=1.2, label="accurate until here: 1e-6")
    panel.axhline(FLOAT32, color="gray", linestyle=":", linewidth=1.0, label="float32 hides what is below")
    panel.set_yscale("log")
    panel.set_ylim(1e-18, 10)
    panel.set_xlim(0, LYAPUNOV_TIMES)
    panel.set_title(system.name, fontsize=11)
    panel.set_xlabel("Lyapunov times T")
    if system.name == SYSTEMS[0]:
        panel.legend(fontsize=7, loc="lower right")


def trajectories(system: attractory.System):
    """An ensemble on the attractor, with the default tolerance, for so many Lyapunov times."""
    length = LYAPUNOV_TIMES * (system.lyapunov_time or 1.0)
    if system.kind == "map":
        return attractory.integrate(system, trajectories=TRAJECTORIES, samples=int(length) + 1, seed=0)
    step = (system.period or 1.0) / 20
    return attractory.integrate(system, trajectories=TRAJECTORIES, samples=int(length / step) + 1, dt=step, seed=0)


def errors(system: attractory.System, made, trajectory: int) -> np.ndarray:
    """The distance (time,) from the true solution through the first sample."""
    states = made["state"].values[trajectory]
    reference = (MapReference if system.kind == "map" else FlowReference)(system.definition, BITS[0])
    problem = Problem(
        initial=states[0],
        parameters=np.array(system.definition.values),
        start_time=float(made["start_time"].values[trajectory]) if "start_time" in made else 0.0,
        times=made["time"].values,
        scale=np.abs(states).max(axis=0),
        widths=np.full(system.dimension, np.inf),
    )
    truth = np.concatenate([stretch.states for stretch in reference.follow(problem)])
    return np.maximum(problem.distance(states - truth), 1e-20)


if __name__ == "__main__":
    main(*sys.argv[1:])
