"""How often a good dataset may fail by chance, and how that is shared out among the checks that are tests.

A statistical check compares numbers that scatter, and gives the chance (its p-value) of so large a difference in good data. All of them
together may fail a good dataset once in `1 / FALSE_ALARM_RATE`. The rate is shared out evenly (Bonferroni): each test gets the rate over
the number of tests that a dataset of its size can have. That holds whatever depends on what, and here much does: two granularities are two
samplings of one run. Holm's stepwise rule, which is never weaker, finds a first failure exactly where this one does, so that the verdict
on a dataset is the same; it would change only which further checks fail beside it, and no check could be judged before all are done.
"""

from __future__ import annotations

from collections.abc import Iterable

FALSE_ALARM_RATE = 0.01
# Of each granularity: measure of the splits, windows, beginning and end, one set, and three against fresh trajectories; of each system:
# exponents along the points, exponent of neighbours, dimension. A system has one granularity or more.
TESTS = 10
# Permutations are drawn until a chance of half the alarm would be seen.
_RESOLUTION = 2.0


def alarm_of(places: int) -> float:
    """The chance below which one test of a dataset fails, which has so many granularities in all its systems together."""
    return FALSE_ALARM_RATE / (TESTS * max(places, 1))


def draws_of(alarm: float) -> int:
    """How many permutations tell a chance of `alarm`."""
    return int(_RESOLUTION / alarm) + 1


def joined(p_values: Iterable[float]) -> float:
    """The p-value of several tests together, whatever depends on what: the smallest, times their number."""
    chances = list(p_values)
    return min(1.0, min(chances) * len(chances)) if chances else 1.0


def said(alarm: float) -> str:
    """At the end of a sentence: what limit that is."""
    return f"the limit {alarm:.2g} is this check's share of the {FALSE_ALARM_RATE:.0%} of good datasets that may fail by chance"
