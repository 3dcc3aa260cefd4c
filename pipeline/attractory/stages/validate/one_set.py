"""Whether all trajectories are on one set: none that rests or circles among chaotic ones, and none that is far from all others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from attractory.stages.validate.chosen import IntArray
from attractory.stages.validate.permutations import FloatArray

_AT_REST = 1e-5  # of the spread of all, over the last half of a trajectory
_COMES_BACK = 1e-4  # the same, after one and the same time, over half of a trajectory
FEWEST = 8
_TAIL = 2.0  # deviations in which the tail falls to 1/e


@dataclass(frozen=True)
class Seen:
    """(trajectory,): at rest in its last half; samples after which it repeats itself, 0 where it does not."""

    resting: np.ndarray
    repeats: IntArray

    def counted(self) -> str:
        """How many do what."""
        circling = int(((self.repeats > 0) & ~self.resting).sum())
        return f"{int(self.resting.sum())} are at rest and {circling} repeat themselves, of {len(self.resting)}"


def seen(coordinates: FloatArray, *, turn: float) -> Seen:
    """What trajectories (trajectory, time, coordinate) do in their last half, in units of the spread of all of them.

    Args:
        turn: samples of a period; what repeats itself sooner than in a fifth of that would be a sampling of nearly one phase.
    """
    half = coordinates[:, coordinates.shape[1] // 2 :]
    resting = np.ptp(half, axis=1).max(axis=1) <= _AT_REST
    return Seen(resting, np.array([0 if rest else _repeats(one, turn) for one, rest in zip(half, resting, strict=True)], np.int64))


def _repeats(states: FloatArray, turn: float) -> int:
    """The first lag at which all states (time, coordinate) come back; 0 where none is, up to half of them.

    A cycle that is sampled at other phases each time is met only where its period is a whole number of samples, within a step's length.
    """
    length = len(states) // 2
    away = np.sqrt(((states[1 : length + 1] - states[0]) ** 2).sum(axis=1))
    for lag in (np.flatnonzero(away <= _COMES_BACK) + 1).tolist():
        if lag >= turn / 5.0 and np.abs(states[lag:] - states[:-lag]).max() <= _COMES_BACK:
            return int(lag)
    return 0


def farthest(distances: FloatArray) -> tuple[int, float]:
    """The trajectory that is farthest from all others by mean distances (trajectory, trajectory), and the chance of one so far.

    The energy distance of each to the set of all is, of good data, a sum of squares, whose tail is that of an exponential law with 1.4 of
    its deviation at most; here it is taken to be 2, since motion that forgets slowly has longer tails. The deviation is that of all others.
    """
    count = len(distances)
    own = np.diag(distances)
    apart = 2.0 * (distances.sum(axis=1) - own) / (count - 1) - own
    place = int(np.argmax(apart))
    others = np.delete(apart, place)
    middle = float(np.median(others))
    deviation = max(float(others.std()), 1.4826 * float(np.median(np.abs(others - middle))), 1e-3 * float(distances.mean()))
    return place, float(min(1.0, count * np.exp(-(apart[place] - middle) / (_TAIL * deviation))))
