"""Draws how the dimensions of four attractors come about: the local slopes over the radius, and the range that was taken.

python benchmarks/invariant_figures/dimensions.py docs/images/invariants

writes correlation_dimension.png and information_dimension.png.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl

from attractory.invariants import Estimate, Sampling, correlation_dimension, information_dimension

mpl.use("Agg")
from matplotlib import pyplot as plt

SYSTEMS = ("Lorenz", "Rossler", "Henon", "KaplanYorke")
# A step of the flows of an eighth of the period or so, which is 0.75 and 5.9.
STEPS = {"Lorenz": 0.093, "Rossler": 0.73, "Henon": 1.0, "KaplanYorke": 1.0}


def draw(method: Callable[..., Estimate], title: str, path: Path) -> None:
    """Local slopes over about an octave, thin; the value and its error over its range of radii, thick."""
    figure, axes = plt.subplots(figsize=(6.4, 4.0), layout="constrained")
    for number, name in enumerate(SYSTEMS):
        estimate = method(name, sampling=Sampling(trajectories=32, samples=4096, dt=STEPS[name]))
        radius, slope = estimate.convergence["slope_radius"], estimate.convergence["local_slope"]
        axes.semilogx(radius, slope, color=f"C{number}", linewidth=0.9)
        ends = [float(estimate.settings[key]) for key in ("shortest_radius", "longest_radius")]
        low, high = (float(estimate.value + sign * estimate.standard_error) for sign in (-1, 1))
        axes.fill_between(ends, low, high, color=f"C{number}", alpha=0.5, label=f"{name}: {estimate}")
    axes.set(xlabel="radius (deviations)", ylabel="slope over an octave", title=title, ylim=(0.8, 2.4), xlim=(3e-6, 8))
    axes.grid(alpha=0.3)
    axes.legend(loc="lower left", fontsize="small", ncols=2)
    figure.savefig(path, dpi=90)


def main() -> None:
    folder = Path(sys.argv[1])
    draw(correlation_dimension, "Correlation sums of 131,072 points", folder / "correlation_dimension.png")
    draw(information_dimension, "Fixed masses of 131,072 points", folder / "information_dimension.png")


if __name__ == "__main__":
    main()
