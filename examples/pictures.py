"""Six systems of the catalog as a picture: python examples/pictures.py docs/images/attractors.png."""

from __future__ import annotations

import sys

import matplotlib as mpl
import numpy as np

import attractory

mpl.use("Agg")
from matplotlib import pyplot
from matplotlib.collections import LineCollection

# System, the two variables to show, how many periods (maps: iterates).
PANELS = (
    ("Lorenz", ("x", "z"), 100),
    ("Rossler", ("x", "y"), 100),
    ("Halvorsen", ("x", "y"), 80),
    ("Thomas", ("x", "y"), 150),
    ("Chua", ("x", "z"), 60),
    ("Henon", ("x", "y"), 20_000),
)


def main(path: str) -> None:
    figure, panels = pyplot.subplots(2, 3, figsize=(9, 5.4), facecolor="white")
    for panel, (name, variables, length) in zip(panels.flat, PANELS, strict=True):
        draw(panel, name, variables, length)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    print(path)


def draw(panel: pyplot.Axes, name: str, variables: tuple[str, str], length: int) -> None:
    """One trajectory as a line coloured by time; a map as points."""
    is_map = attractory.system(name).kind == "map"
    how = {"samples": length} if is_map else {"periods": length, "samples_per_period": 100}
    state = attractory.integrate(name, **how)["state"].isel(trajectory=0)
    points = np.stack([state.sel(variable=variable).values for variable in variables], axis=1)
    if is_map:
        panel.scatter(*points.T, c="#31688e", s=1.0, linewidths=0)
    else:
        line = LineCollection(np.stack([points[:-1], points[1:]], axis=1), cmap="viridis", linewidths=0.35, alpha=0.8)
        line.set_array(np.arange(len(points) - 1))
        panel.add_collection(line)
        panel.autoscale()
    panel.set_title(name, fontsize=11)
    panel.set_axis_off()


if __name__ == "__main__":
    main(*sys.argv[1:])
