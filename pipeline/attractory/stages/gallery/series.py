"""The first variables in time, as a small drawing that needs no script."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from attractory.stages.gallery.markup import Html, element
from attractory.stages.gallery.tables import minus
from attractory.stages.gallery.trajectory import Drawing

WIDTH, HEIGHT = 640, 64
PERIODS = 10
EVERY = 2  # of the samples: 40 a period
ITERATES = 80
MOST = 3  # variables


def series(drawn: Drawing) -> Html:
    """One panel a coordinate, ten periods or eighty iterates long; coordinates that are another's past are left out."""
    shown = [place for place in drawn.axes if "(" not in drawn.names[place] and not drawn.names[place].startswith("next ")][:MOST]
    return element("div", [_panel(drawn, place) for place in shown], class_="series")


def _panel(drawn: Drawing, place: int) -> Html:
    values = drawn.values[:, place]
    chosen = values[: drawn.samples_per_period * PERIODS + 1 : EVERY] if drawn.joined else values[:ITERATES]
    low, high = drawn.low[place], drawn.high[place]
    name = drawn.names[place]
    length = f"{PERIODS} periods" if drawn.joined else f"{ITERATES} iterates"
    label = f"{name} during {length}, between {low:.4g} and {high:.4g}"
    path = element("path", d=_path(chosen, drawn.circles[place]), class_="line" if drawn.joined else "line faint")
    dots = [] if drawn.joined else [element("path", d=_dots(chosen), class_="dots")]
    picture = element(
        "svg", path, *dots, viewBox=f"0 0 {WIDTH} {HEIGHT}", preserveAspectRatio="none", role="img", aria_label=label, class_="panel"
    )
    ends = element("span", [element("span", minus(f"{high:.3g}")), element("span", minus(f"{low:.3g}"))], class_="ends", aria_hidden="true")
    return element("div", element("span", name, class_="axis", aria_hidden="true"), picture, ends, class_="row")


def _points(values: NDArray[np.float64]) -> list[tuple[str, str]]:
    across = np.arange(len(values)) * (WIDTH / max(len(values) - 1, 1))
    up = (1 - values) / 2 * (HEIGHT - 4) + 2
    return [(f"{x:.1f}", f"{y:.1f}") for x, y in zip(across, up, strict=True)]


def _path(values: NDArray[np.float64], circle: bool) -> str:
    """A line that is broken where a coordinate on a circle goes from one end to the other."""
    points = _points(values)
    broken = [True, *(circle and abs(after - before) > 1 for before, after in itertools.pairwise(values))]
    return "".join(f"{'M' if new else 'L'}{x} {y}" for (x, y), new in zip(points, broken, strict=True))


def _dots(values: NDArray[np.float64]) -> str:
    """Lines of hardly any length, which round ends make into dots."""
    return "".join(f"M{x} {y}h.01" for x, y in _points(values))
