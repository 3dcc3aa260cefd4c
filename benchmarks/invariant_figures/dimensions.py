"""Draws how the dimensions of five attractors come about: local slopes over the inverse of -log mass, and the values at its zero.

python benchmarks/invariant_figures/dimensions.py docs/images/invariants

writes correlation_dimension.png and information_dimension.png.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import numpy as np

from attractory.invariants import Estimate, Sampling, correlation_dimension, information_dimension

mpl.use("Agg")
from matplotlib import pyplot as plt

# A step of the flows of an eighth of the period or so, which is 0.75 and 5.9.
STEPS = {"Lorenz": 0.093, "Rossler": 0.73, "KaplanYorke": 1.0, "Henon": 1.0, "Logistic": 1.0}
LONGEST = 0.45  # of the inverse of -log mass: a tenth of the mass


def draw(method: Callable[..., Estimate], mass: str, title: str, path: Path) -> None:
    """Slopes over about an octave from the shortest radius that was used, thin; at the left the value with its error."""
    figure, axes = plt.subplots(figsize=(6.4, 4.0), layout="constrained")
    for number, (name, step) in enumerate(STEPS.items()):
        estimate = method(name, sampling=Sampling(trajectories=32, samples=4096, dt=step))
        found = estimate.convergence
        radius, slope = found["slope_radius"], found["local_slope"]
        inverse = -1.0 / np.interp(np.log(radius), np.log(found["radius"]), np.log(found[mass]))
        used = (radius >= float(estimate.settings["shortest_radius"])) & (inverse > 0.0) & (inverse < LONGEST)
        axes.plot(inverse[used], slope[used], color=f"C{number}", linewidth=0.9)
        axes.errorbar(
            0.002 * (number - 2), estimate.value, estimate.standard_error, fmt="o", ms=3, color=f"C{number}", label=f"{name}: {estimate}"
        )
    axes.set(xlabel="1 / L, with L = -log mass", ylabel="slope over an octave", title=title, ylim=(0.7, 2.5), xlim=(-0.02, LONGEST))
    axes.grid(alpha=0.3)
    axes.legend(loc="upper right", fontsize="small", ncols=2)
    figure.savefig(path, dpi=90)


def main() -> None:
    folder = Path(sys.argv[1])
    draw(correlation_dimension, "correlation_sum", "Correlation sums of 131,072 points", folder / "correlation_dimension.png")
    draw(information_dimension, "mass", "Fixed masses of 131,072 points", folder / "information_dimension.png")


if __name__ == "__main__":
    main()
