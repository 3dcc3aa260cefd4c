"""The stored numbers that a system's pictures are made of: a few good trajectories of one granularity, in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attractory.errors import DamageError
from attractory.expressions.circles import difference
from attractory.stages.validate.stored import StoredGranularity, StoredSystem

Float = NDArray[np.float64]

VALUES = 2**20  # numbers that are read of a system: 8 MB
TRAJECTORIES, SAMPLES = 16, 4096
FEWEST = 32  # samples: fewer are no picture
MOST_SIGNALS = 3  # variables that are looked at for a spectrum
MOST_VARIABLES = 32  # of a state that is kept whole; of a larger one the first


@dataclass(frozen=True)
class Sample:
    """Trajectories as they are stored.

    states: (trajectory, time, variable), finite, of the first variables where there are very many. times: (trajectory, time).
    dt: 0 where times are each trajectory's own. rows: the trajectories' numbers.
    """

    granularity: str
    rows: tuple[int, ...]
    states: Float
    times: Float
    dt: float
    is_section: bool

    @property
    def is_regular(self) -> bool:
        return self.dt > 0.0


@dataclass(frozen=True)
class Signal:
    """One variable in time: values (trajectory, time)."""

    name: str
    values: Float


def sample(stored: StoredSystem) -> Sample:
    """The first good trajectories of the finest granularity that has samples at equal times; of another where none has.

    Raises:
        DamageError: there is none, or the store cannot be read.
    """
    granularity = min(stored.granularities, key=_order)
    rows = np.flatnonzero(stored.good)[:TRAJECTORIES]
    variables = min(stored.system.dimension, MOST_VARIABLES)
    samples = min(granularity.samples, SAMPLES, max(FEWEST, VALUES // stored.system.dimension))
    rows = rows[: max(1, VALUES // (samples * stored.system.dimension))]
    read = [(int(row), granularity.read(int(row), slice(0, samples))[:, :variables].astype(np.float64)) for row in rows]
    whole = [(row, states) for row, states in read if np.isfinite(states).all()]
    if not whole or samples < FEWEST:
        message = f"no trajectory has {FEWEST} finite samples" if samples >= FEWEST else f"a trajectory has {samples} samples"
        raise DamageError(message)
    return Sample(
        granularity=granularity.name,
        rows=tuple(row for row, _ in whole),
        states=np.stack([states for _, states in whole]),
        times=np.stack([granularity.times_of(row)[:samples] for row, _ in whole]),
        dt=0.0 if granularity.is_irregular else granularity.dt,
        is_section=granularity.is_section,
    )


def _order(granularity: StoredGranularity) -> tuple[bool, bool, float]:
    """Equal times first, the finest of them before others; sections last."""
    return granularity.is_section, granularity.is_irregular, 0.0 if granularity.is_irregular else granularity.dt


def signals(stored: StoredSystem, found: Sample) -> list[Signal]:
    """The first variables that move and stay within bounds; those on a circle unrolled, less their mean drift."""
    shown: list[Signal] = []
    for place in range(found.states.shape[2]):
        name, values = stored.system.variables[place], found.states[:, :, place]
        if name in stored.record.unbounded or len(shown) == MOST_SIGNALS:
            continue
        values = _unrolled(stored, place, values)
        if np.ptp(values, axis=1).max() > 0.0:
            shown.append(Signal(name, values))
    return shown


def _unrolled(stored: StoredSystem, place: int, values: Float) -> Float:
    """As stored; of a coordinate on a circle the distance from its mean advance, which has no jump."""
    circles = [one for one in stored.system.definition.wrap if one.variable == place]
    if not circles:
        return values
    alone = circles[0]._replace(variable=0)
    steps = difference(values[:, 1:, None], values[:, :-1, None], (alone,))[..., 0]
    return np.asarray(np.cumsum(steps - steps.mean(axis=1, keepdims=True), axis=1), dtype=np.float64)
