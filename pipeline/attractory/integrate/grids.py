"""What is sampled: states at equal distances of time, at times of each trajectory's own, or where it crosses a section."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from attractory.expressions.section import Cut
from attractory.layout import DrawnTimes

# The last time of samples where it is not the same for all trajectories: no step is shortened to end there.
LONGEST = 1.0e300


@dataclass(frozen=True)
class SampleGrid:
    """Sample k belongs to the time k dt after sample 0 (maps: dt is a whole number of iterates)."""

    dt: float
    samples: int


@dataclass(frozen=True)
class SectionGrid:
    """Samples are the crossings of a section.

    within: the longest time from one to the next, or to the first, infinity where steps alone are counted. quiet: the longest step where
    a solution's speed says nothing and nothing is sampled at regular times."""

    cut: Cut
    samples: int
    within: float
    quiet: float

    @property
    def last(self) -> float:
        """A time by which it is full, or has failed."""
        return min(self.within * self.samples, LONGEST)


@dataclass(frozen=True)
class DrawnGrid:
    """Samples at times that are drawn for each trajectory of a block; `name` is the granularity's, which they are drawn for."""

    name: str
    drawn: DrawnTimes
    samples: int

    @property
    def dt(self) -> float:
        return self.drawn.spacing


@dataclass(frozen=True, eq=False)
class TimedGrid:
    """Samples at times (trajectory, time) after sample 0, which rise along each trajectory (maps: whole numbers of iterates).

    Nothing that decides a bit may depend on which trajectories there are: so what regular samples get from their dt and their last time
    comes from dt, about how far samples are apart, and span, about how long the samples of one trajectory take.
    """

    times: NDArray[np.float64]
    dt: float
    span: float

    @property
    def samples(self) -> int:
        return int(self.times.shape[1])

    def subset(self, chosen: NDArray[np.int64]) -> TimedGrid:
        return replace(self, times=self.times[chosen])


Grid = SampleGrid | SectionGrid | TimedGrid | DrawnGrid


def last_time(grid: Grid) -> float:
    """The time that no step goes beyond."""
    if isinstance(grid, SectionGrid):
        return grid.last
    return (grid.samples - 1) * grid.dt if isinstance(grid, SampleGrid) else LONGEST


def typical_end(grid: SampleGrid | TimedGrid) -> float:
    """About how long the samples of one trajectory take: what its budget of steps is measured by."""
    return (grid.samples - 1) * grid.dt if isinstance(grid, SampleGrid) else grid.span


def rows_of(grids: Sequence[Grid], chosen: NDArray[np.int64]) -> list[Grid]:
    """The grids of some trajectories of an ensemble."""
    return [grid.subset(chosen) if isinstance(grid, TimedGrid) else grid for grid in grids]
