"""What is sampled: states at equal distances of time, or where a trajectory crosses a section."""

from __future__ import annotations

from dataclasses import dataclass

from attractory.expressions.section import Cut


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
        return min(self.within * self.samples, _LONGEST)


Grid = SampleGrid | SectionGrid
_LONGEST = 1.0e300
