"""Three Poincaré sections as a picture: python examples/sections.py docs/images/sections.png."""

from __future__ import annotations

import sys

import matplotlib as mpl
import numpy as np

import attractory

mpl.use("Agg")
from matplotlib import pyplot

ENERGY = 1 / 8  # of Hénon and Heiles: islands of order in a chaotic sea
STARTS = [(y, 0.0) for y in np.linspace(-0.35, 0.6, 20)] + [(0.0, p) for p in np.linspace(0.03, 0.48, 10)]


def main(path: str) -> None:
    figure, (left, middle, right) = pyplot.subplots(1, 3, figsize=(11, 3.9), facecolor="white", layout="constrained")
    henon_heiles(left)
    duffing(middle)
    rossler(right)
    figure.savefig(path, dpi=110)
    print(path)


def henon_heiles(panel: pyplot.Axes) -> None:
    """Where thirty trajectories of one energy rise through x = 0."""
    y, py = np.array(STARTS).T
    px = np.sqrt(2 * ENERGY - py**2 - y**2 + 2 * y**3 / 3)
    initial = np.stack([np.zeros_like(y), y, px, py], axis=1)
    state = attractory.integrate("HenonHeiles", initial=initial, section={"of": "x"}, samples=500).state.values
    panel.scatter(state[..., 1], state[..., 3], c=np.repeat(np.arange(len(y)), 500), cmap="tab20", s=0.6, linewidths=0)
    panel.set(title="Hénon-Heiles: x = 0, rising", xlabel="y", ylabel="py")


def duffing(panel: pyplot.Axes) -> None:
    """At one phase of the drive: z is that phase."""
    state = attractory.integrate("Duffing", 16, section={"of": "sin(z)"}, samples=2500).state.values
    panel.scatter(state[..., 0], state[..., 1], c="#31688e", s=0.3, linewidths=0)
    panel.set(title="Duffing: one phase of the drive", xlabel="x", ylabel="y")


def rossler(panel: pyplot.Axes) -> None:
    """Every maximum of x against the next: nearly one curve, and with it nearly a map of one variable."""
    peaks = attractory.integrate("Rossler", 8, section={"maximum_of": "x"}, samples=500).state.sel(variable="x").values
    panel.scatter(peaks[:, :-1], peaks[:, 1:], c="#35b779", s=0.8, linewidths=0)
    panel.plot([peaks.min(), peaks.max()], [peaks.min(), peaks.max()], ":", color="grey", linewidth=1)
    panel.set(title="Rössler: maxima of x", xlabel="maximum", ylabel="next maximum")


if __name__ == "__main__":
    main(*sys.argv[1:])
