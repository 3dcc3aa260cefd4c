"""Dimensions of sets and attractors whose answer is known: how far off, in standard errors, and at what cost.

python benchmarks/dimension_panel.py [--points 131072] [--seed 0] [NAME ...]

One line each: the correlation dimension, the information dimension, what they should be, the differences in standard errors, whether
D2 <= D1 <= D_KY within errors, and the seconds of processor time of both together. The last line is the root mean square of the
differences, which is one where errors are as large as they say.

What they should be: of sets, the closed form. Of attractors D1 is the Kaplan-Yorke dimension that the catalog is annotated with, which
Kaplan and Yorke conjectured; D2 is one where it is exact (Logistic), else from Grassberger and Procaccia, Physica D 9, 189 (1983)
(KaplanYorke), or Sprott's list of common chaotic systems, sprott.physics.wisc.edu/chaos/comchaos.htm (2004), whose own errors are joined
with ours. Where nobody has a value there is a dash.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import attractory
from attractory.invariants import Estimate, Sampling, correlation_dimension, dimension_order, information_dimension
from attractory.invariants.point_cloud import default_sampling

Float = NDArray[np.float64]
Draw = np.random.Generator
Points = Callable[[Draw, int], Float]
TRAJECTORIES = 32


@dataclass(frozen=True)
class Known:
    """D2 and D1 with the errors of what is known; None where nobody knows."""

    correlation: tuple[float, float] | None
    information: tuple[float, float] | None


def exact(correlation: float, information: float | None = None) -> Known:
    return Known((correlation, 0.0), (correlation if information is None else information, 0.0))


def on_circles(count: int) -> Points:
    """Points of as many circles, in two coordinates each."""

    def drawn(draw: Draw, points: int) -> Float:
        angle = 2 * np.pi * draw.random((points, count))
        return np.concatenate([np.cos(angle), np.sin(angle)], axis=1)

    return drawn


def doughnut(draw: Draw, points: int) -> Float:
    """A torus in three coordinates, evenly in its two angles."""
    along, around = 2 * np.pi * draw.random((2, points))
    radius = 1.0 + 0.4 * np.cos(around)
    return np.stack([radius * np.cos(along), radius * np.sin(along), 0.4 * np.sin(around)], axis=1)


def cantor_set(chance: float) -> Points:
    """Ternary fractions whose digits are 2 with a chance, else 0."""
    return lambda draw, points: (draw.random((points, 30)) < chance) @ (2.0 * 3.0 ** -np.arange(1, 31))


def sierpinski_triangle(draw: Draw, points: int) -> Float:
    corners = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, np.sqrt(0.75)]])
    weights = 0.5 ** np.arange(1, 41)
    return np.einsum("nkc,k->nc", corners[draw.integers(0, 3, (points, 40))], weights)


SETS: dict[str, tuple[Points, Known]] = {
    "interval": (lambda draw, points: draw.random((points, 1)), exact(1.0)),
    "square": (lambda draw, points: draw.random((points, 2)), exact(2.0)),
    "cube": (lambda draw, points: draw.random((points, 3)), exact(3.0)),
    "circle": (on_circles(1), exact(1.0)),
    "torus": (on_circles(2), exact(2.0)),
    "doughnut": (doughnut, exact(2.0)),
    "normal, 2 coordinates": (lambda draw, points: draw.standard_normal((points, 2)), exact(2.0)),
    "arcsine law": (lambda draw, points: np.cos(np.pi * draw.random((points, 1))), exact(1.0)),
    "Cantor set": (cantor_set(0.5), exact(np.log(2) / np.log(3))),
    "Cantor set, 0.3": (cantor_set(0.3), exact(-np.log(0.58) / np.log(3), -(0.3 * np.log(0.3) + 0.7 * np.log(0.7)) / np.log(3))),
    "Sierpinski triangle": (sierpinski_triangle, exact(np.log(3) / np.log(2))),
}
PUBLISHED = {
    "Logistic": (1.0, 0.0),
    "Henon": (1.220, 0.036),
    "KaplanYorke": (1.42, 0.02),
    "Lorenz": (2.068, 0.086),
    "Rossler": (1.991, 0.065),
}
SYSTEMS = (*PUBLISHED, "Tinkerbell", "Lozi", "Ikeda", "Thomas", "Chua", "Halvorsen", "SprottB", "HyperRossler")


def annotated(name: str) -> Estimate:
    """The Kaplan-Yorke dimension of the catalog's entry."""
    found = attractory.system(name).invariants["kaplan_yorke_dimension"]
    return Estimate(np.array(float(found.value)), np.array(float(found.standard_error)), "catalog", {}, 0.0)


def both(source: str | Float, points: int, seed: int) -> tuple[Estimate, Estimate, float]:
    """D2, D1 and the seconds of processor time of both, sampling included."""
    sampling = None
    if isinstance(source, str):
        sampling = Sampling(TRAJECTORIES, points // TRAJECTORIES, dt=default_sampling(source, seed).dt, seed=seed)
    started = time.process_time()
    found = [method(source, sampling=sampling) for method in (correlation_dimension, information_dimension)]
    return found[0], found[1], time.process_time() - started


def off(estimate: Estimate, known: tuple[float, float] | None) -> float:
    """In standard errors of both; not a number where nothing is known."""
    return np.nan if known is None else (float(estimate.value) - known[0]) / float(np.hypot(estimate.standard_error, known[1]))


def line(name: str, points: int, seed: int) -> list[float]:
    """Prints one, and returns what is off."""
    source: str | Float
    if name in SETS:
        drawn, known = SETS[name]
        source = drawn(np.random.Generator(np.random.Philox(key=seed)), points)
        top = Estimate(np.array(known.information[0] if known.information else np.nan), np.array(0.0), "closed form", {}, 0.0)
    else:
        source, top = name, annotated(name)
        known = Known(PUBLISHED.get(name), (float(top.value), float(top.standard_error)))
    correlation, information, seconds = both(source, points, seed)
    pulls = [off(correlation, known.correlation), off(information, known.information)]
    order = "yes" if dimension_order(correlation, information, top).holds else "NO"
    cells = [f"{float(one.value):.3f} ± {float(one.standard_error):.3f}" for one in (correlation, information)]
    expected = ["-" if one is None else f"{one[0]:.3f}" for one in (known.correlation, known.information)]
    shown = ["-" if np.isnan(pull) else f"{pull:+.1f}" for pull in pulls]
    print(
        f"| {name} | {cells[0]} | {expected[0]} | {shown[0]} | {cells[1]} | {expected[1]} | {shown[1]} | {order} | {seconds:.1f} |",
        flush=True,
    )
    return pulls


def main() -> None:
    parser = argparse.ArgumentParser(description="Dimensions of sets and attractors whose answer is known.")
    parser.add_argument("names", nargs="*", default=[*SETS, *SYSTEMS])
    parser.add_argument("--points", type=int, default=1 << 17)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    both(SETS["square"][0](np.random.Generator(np.random.Philox(key=0)), 1000), 1000, 0)  # compiles, or loads what was compiled
    print("| set or system | D2 | known | off | D1 | known | off | in order | cpu (s) |\n|---|---|---|---|---|---|---|---|---|")
    pulls = np.array([line(name, arguments.points, arguments.seed) for name in arguments.names]).ravel()
    pulls = pulls[~np.isnan(pulls)]
    print(
        f"\n{len(pulls)} known values: off by {np.sqrt(np.mean(pulls**2)):.2f} errors (root mean square), {np.abs(pulls).max():.1f} at most"
    )


if __name__ == "__main__":
    main()
