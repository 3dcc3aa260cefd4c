"""What of a system is drawn: one trajectory, its coordinates, and which of them are shown first."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attractory.errors import CheckFailedError
from attractory.expressions import System
from attractory.expressions.export.equations import equations

PERIODS, SAMPLES_PER_PERIOD = 75, 80
ITERATES = 12_000
STEP = 0.02  # of a flow without a period
TOLERANCE = 1e-10  # far below a pixel
MOST_COORDINATES = 6  # that a page holds; of more variables the first ones
MOST_VALUES = 24_000  # of all coordinates together, so that a page stays small
FEWEST = 100  # samples: fewer are no picture
EARLIER = SAMPLES_PER_PERIOD // 4  # samples from a value to the one shown as its past
APPROACHES = ("fixed_point", "transient_chaotic")  # what is to be seen of them is the way there
FEW_POINTS = 400
_SEEN = 300  # steps from the middle to an edge in which two points are told apart
_SCALE = 32767  # of the numbers of two bytes that a page holds

Float = NDArray[np.float64]


@dataclass(frozen=True)
class Drawing:
    """A trajectory ready to be drawn.

    values: (sample, coordinate), each coordinate from -1 to 1 between `low` and `high`. circles: the coordinates whose two ends are one.
    axes: the coordinates shown first, two or three. joined: a line, or the points of a map. samples_per_period: 0 for a map.
    """

    values: Float
    names: tuple[str, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    circles: tuple[bool, ...]
    axes: tuple[int, ...]
    joined: bool
    samples_per_period: int

    @property
    def is_sparse(self) -> bool:
        """Whether there are so few points that each is drawn as a spot: of a map with a cycle."""
        return not self.joined and len(np.unique(np.rint(self.values * _SEEN), axis=0)) < FEW_POINTS

    def document(self) -> dict[str, Any]:
        """For the page's script: numbers of two bytes, little end first, coordinate by coordinate."""
        whole = np.rint(self.values * _SCALE).astype("<i2")
        return {
            "values": base64.b64encode(np.ascontiguousarray(whole.T).tobytes()).decode("ascii"),
            "samples": len(self.values),
            "names": self.names,
            "low": self.low,
            "high": self.high,
            "circles": self.circles,
            "axes": self.axes,
            "joined": self.joined,
            "sparse": self.is_sparse,
        }


@dataclass(frozen=True)
class _Column:
    name: str
    values: Float
    ends: tuple[float, float] | None = None


def drawing(system: System) -> Drawing:
    """The trajectory that a page shows: on the attractor, or on the way where the way is what there is to be seen.

    Raises:
        AttractoryError: there is none: it cannot be integrated, or leaves for infinity.
    """
    states = _states(system)
    states = states[np.isfinite(states).all(axis=1)]
    if len(states) < FEWEST:
        message = f"{system.name}: its trajectory left for infinity, or could not be followed."
        raise CheckFailedError(message)
    return drawing_of(system, states)


def drawing_of(system: System, states: Float, *, dt: float | None = None) -> Drawing:
    """States (sample, variable) as they are drawn; `dt` apart, where that is not `SAMPLES_PER_PERIOD` a period or iterate by iterate."""
    columns = _columns(system, states, dt)
    count = min(MOST_VALUES // len(columns), min(len(column.values) for column in columns))
    columns = [_Column(column.name, column.values[:count], column.ends) for column in columns]
    ends = [_ends(column) for column in columns]
    return Drawing(
        values=np.column_stack([_between(column.values, *end) for column, end in zip(columns, ends, strict=True)]),
        names=tuple(column.name for column in columns),
        low=tuple(low for low, _ in ends),
        high=tuple(high for _, high in ends),
        circles=tuple(column.ends is not None for column in columns),
        axes=_axes(system, columns),
        joined=system.kind != "map",
        samples_per_period=0 if system.kind == "map" else SAMPLES_PER_PERIOD,
    )


def _states(system: System) -> Float:
    import attractory

    transient = 0.0 if system.behaviour in APPROACHES else None
    if system.kind == "map":
        made = attractory.integrate(system, samples=ITERATES, transient=transient)
    elif system.period is None:
        made = attractory.integrate(system, samples=PERIODS * SAMPLES_PER_PERIOD, dt=STEP, tolerance=TOLERANCE, transient=transient)
    else:
        made = attractory.integrate(
            system, periods=PERIODS, samples_per_period=SAMPLES_PER_PERIOD, tolerance=TOLERANCE, transient=transient
        )
    return np.asarray(made["state"].values[0], dtype=np.float64)


def _columns(system: System, states: Float, dt: float | None) -> list[_Column]:
    """The variables; for a map of one, also its next value; for what a plane does not hold, also the past of a variable."""
    names, ranges = system.variables, system.ranges
    columns = [_Column(name, states[:, place], ranges.get(name)) for place, name in enumerate(names[:MOST_COORDINATES])]
    first = columns[0]
    if system.kind == "map":
        return columns if len(columns) > 1 else [_moved(first, 0, 1), _Column(f"next {first.name}", first.values[1:], first.ends)]
    missing = 3 - len(columns)
    if missing <= 0 or (len(columns) == 2 and not _has_a_past(system)):
        return columns
    step = dt or (STEP if system.period is None else system.period / SAMPLES_PER_PERIOD)
    earlier = EARLIER if dt is None or system.period is None else max(1, round(system.period / 4 / dt))
    lag, longest = earlier * step, missing * earlier
    now = [_moved(column, longest, 0) for column in columns]
    past = [
        _Column(f"{first.name}(t − {turn * lag:.3g})", first.values[longest - turn * earlier : len(states) - turn * earlier], first.ends)
        for turn in range(1, missing + 1)
    ]
    return now + past


def _moved(column: _Column, start: int, end: int) -> _Column:
    return _Column(column.name, column.values[start : len(column.values) - end], column.ends)


def _has_a_past(system: System) -> bool:
    """Whether two variables do not say all: of a delay system, or of a driven one."""
    return system.kind == "delay" or "t" in equations(system.record).operations


def _axes(system: System, columns: list[_Column]) -> tuple[int, ...]:
    """The first three that move and stay within bounds."""
    moving = [place for place, column in enumerate(columns) if column.values.max() > column.values.min()]
    bound = [place for place in moving if columns[place].name not in system.record.unbounded]
    chosen = bound if len(bound) > 1 else moving
    chosen = [*chosen, *(place for place in range(len(columns)) if place not in chosen)] if len(chosen) < 2 else chosen
    return tuple(chosen[:3])


def _ends(column: _Column) -> tuple[float, float]:
    return column.ends or (float(column.values.min()), float(column.values.max()))


def _between(values: Float, low: float, high: float) -> Float:
    """From -1 at `low` to 1 at `high`; a constant stays in the middle."""
    if not high > low:
        return np.zeros_like(values)
    return np.clip((values - low) / (high - low) * 2 - 1, -1, 1)
