"""A small picture of where a system's trajectory goes, in braille characters: each holds two by four dots."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attractory.errors import AttractoryError
from attractory.expressions import System

COLUMNS, ROWS = 60, 20
PERIODS, SAMPLES_PER_PERIOD = 40, 100
ITERATES = 4000
TOLERANCE = 1e-6  # far below a dot
STEP = 0.02  # of a flow whose entry has no period
CONSIDERED = 4  # variables among which the two least alike are looked for
_BLANK = 0x2800
_DOTS = np.array(
    [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]]
)  # the bit of each dot, by row and column (Unicode, block Braille)


@dataclass(frozen=True)
class Plane:
    """Points (n, 2) of a trajectory, and what the two axes are."""

    points: NDArray[np.float64]
    across: str
    up: str


def picture(system: System) -> list[str]:
    """Lines with a projection of a short trajectory of the system; one line that says why where there is none."""
    try:
        states = _trajectory(system)
    except AttractoryError as error:
        return [f"no picture: {error}"]
    states = states[np.isfinite(states).all(axis=1)]
    if len(states) <= SAMPLES_PER_PERIOD:
        return ["no picture: its trajectory left for infinity, or could not be followed."]
    plane = plane_of(system, states)
    return [*braille(plane.points), _caption(plane)]


def plane_of(system: System, states: NDArray[np.float64]) -> Plane:
    """The two variables of states (time, variable) that are least alike, or of a single one the value before and after.

    For a map that is its graph; for a flow or a delay system of one variable, before is a quarter of a period.
    """
    if system.dimension == 1:
        before = 1 if system.kind == "map" else SAMPLES_PER_PERIOD // 4
        name = system.variables[0]
        return Plane(np.column_stack([states[:-before, 0], states[before:, 0]]), f"{name} before", f"{name} after")
    a, b = _least_alike(states[:, :CONSIDERED])
    return Plane(states[:, [a, b]], system.variables[a], system.variables[b])


def braille(points: NDArray[np.float64], *, columns: int = COLUMNS, rows: int = ROWS) -> list[str]:
    """Points (n, 2) as lines of braille, the first coordinate across and the second upwards, each from its least to its greatest value."""
    low, high = points.min(axis=0), points.max(axis=0)
    size = np.array([2 * columns, 4 * rows])
    width = np.where(high > low, high - low, 1.0)
    across, up = np.minimum(((points - low) / width * size).astype(np.int64), size - 1).T
    down = size[1] - 1 - up
    cells = np.zeros((rows, columns), dtype=np.int64)
    np.bitwise_or.at(cells, (down // 4, across // 2), _DOTS[down % 4, across % 2])
    return ["".join(chr(_BLANK + cell) for cell in row) for row in cells]


def _trajectory(system: System) -> NDArray[np.float64]:
    import attractory

    if system.kind == "map":
        made = attractory.integrate(system, samples=ITERATES)
    elif system.period is None:
        made = attractory.integrate(system, samples=ITERATES, dt=STEP, tolerance=TOLERANCE)
    else:
        made = attractory.integrate(system, periods=PERIODS, samples_per_period=SAMPLES_PER_PERIOD, tolerance=TOLERANCE)
    return np.asarray(made["state"].values[0], dtype=np.float64)


def _least_alike(states: NDArray[np.float64]) -> tuple[int, int]:
    """The pair of variables of the smallest correlation; the first such pair where several are equally unlike."""
    spread = states.std(axis=0)
    moving = [place for place in range(states.shape[1]) if spread[place] > 0] or [0]
    pairs = [(a, b) for a in moving for b in moving if a < b] or [(0, 1)]
    with np.errstate(all="ignore"):
        likeness = [abs(float(np.corrcoef(states[:, a], states[:, b])[0, 1])) for a, b in pairs]
    return pairs[int(np.argmin(np.round(np.nan_to_num(likeness), 1)))]  # to a tenth: so that noise does not choose


def _caption(plane: Plane) -> str:
    (left, bottom), (right, top) = plane.points.min(axis=0), plane.points.max(axis=0)
    return f"{plane.across} from {left:.4g} to {right:.4g} across, {plane.up} from {bottom:.4g} to {top:.4g} upwards"
