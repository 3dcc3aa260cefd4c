"""What the figures of docs/invariants have in common: size, colours and a small file."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure

FOLDER = Path(__file__).parents[2] / "docs" / "images" / "invariants"
COLOURS = ("#1f4e79", "#c55a11", "#548235", "#7f6000")


def panels(count: int, *, width: float = 4.0) -> tuple[Figure, list[Axes]]:
    """A row of empty panels."""
    pyplot.rcParams.update(
        {"font.size": 8, "axes.spines.top": False, "axes.spines.right": False, "axes.prop_cycle": pyplot.cycler(color=COLOURS)}
    )
    figure, axes = pyplot.subplots(1, count, figsize=(width * count, 2.6), layout="constrained", squeeze=False)
    return figure, list(axes[0])


def save(figure: Figure, name: str) -> None:
    """The figure as docs/images/invariants/NAME.png."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    figure.savefig(FOLDER / f"{name}.png", dpi=90, metadata={"Software": None})
