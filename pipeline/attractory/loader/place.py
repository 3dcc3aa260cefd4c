"""Where an epoch is: the state that a run saves, and what of an epoch is left out.

A state is a JSON object of whole numbers, which a person may edit:

    {"seed": 0, "epoch": 3, "position": 51200, "skipped": [[25600, 25856]]}

`position` counts windows of the epoch over all ranks: the next one to be drawn. `skipped`, where it is there, lists pairs (from, to) of
positions that are left out. It has at most MOST_SKIPPED pairs, so that a state is shorter than 1 kB.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from attractory.errors import RequestError

State = dict[str, Any]
Ranges = tuple[tuple[int, int], ...]
NAMES = ("seed", "epoch", "position")
MOST_SKIPPED = 16


@dataclass(frozen=True)
class Place:
    """A place in an epoch: `position` windows of it are drawn or left out, counted over all ranks."""

    seed: int
    epoch: int
    position: int = 0


@dataclass(frozen=True)
class Kept:
    """The positions of an epoch that are not left out, numbered anew."""

    total: int
    skipped: Ranges = ()

    def __len__(self) -> int:
        return self.total - sum(end - begin for begin, end in self.skipped)

    def at(self, numbers: np.ndarray) -> np.ndarray:
        """The positions of some numbers, each in [0, len): int64 of the same shape."""
        if not self.skipped:
            return numbers
        begins, lengths = self._gaps
        found: np.ndarray = numbers + lengths[np.searchsorted(begins, numbers, side="right")]
        return found

    def before(self, position: int) -> int:
        """How many positions before this one are kept."""
        return position - sum(max(0, min(position, end) - begin) for begin, end in self.skipped)

    def after(self, number: int) -> int:
        """The position to go on from when `number` of them are drawn."""
        return self.total if number >= len(self) else int(self.at(np.array([number]))[0])

    @cached_property
    def _gaps(self) -> tuple[np.ndarray, np.ndarray]:
        """(the number that comes first after each gap, how many are left out before and after 0, 1, … gaps)."""
        lengths = np.cumsum([0, *(end - begin for begin, end in self.skipped)])
        begins = np.array([begin for begin, _ in self.skipped]) - lengths[:-1]
        return begins, lengths


def merged(ranges: Sequence[tuple[int, int]]) -> Ranges:
    """The same positions as ranges in order that do not touch.

    Raises:
        RequestError: there are more than MOST_SKIPPED.
    """
    found: list[tuple[int, int]] = []
    for begin, end in sorted(pair for pair in ranges if pair[0] < pair[1]):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((begin, end))
    if len(found) > MOST_SKIPPED:
        message = f"{len(found)} separate ranges are left out; a state holds at most {MOST_SKIPPED}. Leave out fewer, or ranges that touch."
        raise RequestError(message)
    return tuple(found)


def state_of(place: Place, skipped: Ranges) -> State:
    """The state of a place."""
    state: State = {"seed": place.seed, "epoch": place.epoch, "position": place.position}
    return {**state, "skipped": [list(pair) for pair in skipped]} if skipped else state


def place_of(state: Mapping[str, Any]) -> tuple[Place, Ranges]:
    """The place of a state, and what is left out.

    Raises:
        RequestError: it is not such a state.
    """
    well_formed = (
        isinstance(state, Mapping) and {*NAMES} <= {*state} <= {*NAMES, "skipped"} and all(_is_whole(state[name]) for name in NAMES)
    )
    pairs = state.get("skipped", []) if well_formed else []
    if not well_formed or not isinstance(pairs, list | tuple) or not all(_is_pair(pair) for pair in pairs):
        message = (
            f"{state!r} is not a loader's state: expected whole numbers for seed, epoch and position, as state_dict() gives them, "
            "and for skipped, where it is there, pairs of them."
        )
        raise RequestError(message)
    return Place(*(int(state[name]) for name in NAMES)), merged([(int(begin), int(end)) for begin, end in pairs])


def checked(place: Place, skipped: Ranges, *, total: int) -> None:
    """Nothing, if place and ranges lie in an epoch of `total` windows.

    Raises:
        RequestError: they do not.
    """
    for position in (place.position, *(end for _, end in skipped)):
        if not 0 <= position <= total:
            message = f"position {position} is not in an epoch of {total} windows: the state is of another store or other settings."
            raise RequestError(message)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_pair(pair: object) -> bool:
    return isinstance(pair, list | tuple) and len(pair) == 2 and all(_is_whole(value) for value in pair) and 0 <= pair[0] <= pair[1]
