"""What is known beside the states, as arrays: one row for each window of a batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from attractory import layout
from attractory.loader.choice import number_of
from attractory.loader.metadata import StoredSystem, unknown
from attractory.loader.table import Located

OF_TRAJECTORIES = (layout.PARAMETER_ARRAY, layout.INITIAL, layout.START_TIME)
OF_SAMPLES = (layout.TIME,)
OF_SYSTEMS = ("dt", "dimension", "period", "lyapunov_time", "lyapunov_exponent")

Samples = Callable[[], np.ndarray]  # the samples of each window (window, time), -1 where it has none; made only when asked for
Label = Callable[[Located, Samples], np.ndarray]  # -> (window, …)


@dataclass(frozen=True)
class Labels:
    """Functions by name; each gives an array whose first axis is the batch."""

    functions: Mapping[str, Label]

    def of(self, located: Located, samples: Samples) -> dict[str, np.ndarray]:
        """The arrays of a batch."""
        return {name: function(located, samples) for name, function in self.functions.items()}


def labels(names: Sequence[str], systems: Sequence[StoredSystem], granularity: str) -> Labels:
    """The asked labels of the systems of a table.

    Raises:
        StoreError: there is no such label.
    """
    annotated = {name for system in systems for name in system.invariants}
    valid = [*OF_TRAJECTORIES, *OF_SAMPLES, *OF_SYSTEMS, *sorted(annotated)]
    functions: dict[str, Label] = {}
    for name in names:
        if name not in valid:
            message = f"there is no label {name!r} in this store"
            raise unknown(message, str(name), valid)
        if name in OF_TRAJECTORIES:
            functions[name] = _of_trajectories([system.array(name) for system in systems])
        elif name in OF_SAMPLES:
            functions[name] = _of_samples([_times(system, granularity) for system in systems])
        else:
            functions[name] = _of_systems([_values(system, name, granularity) for system in systems])
    return Labels(functions)


def _times(system: StoredSystem, granularity: str) -> np.ndarray:
    return np.asarray(system.granularities[granularity].time.whole(), np.float64)


def _values(system: StoredSystem, name: str, granularity: str) -> Any:
    if name == "dt":
        found: Any = system.granularities[granularity].dt
    elif name in OF_SYSTEMS:
        found = number_of(system, name)
    else:
        found = (system.invariants.get(name) or {}).get("value")
    return np.nan if found is None else found


def _of_trajectories(arrays: Sequence[np.ndarray]) -> Label:
    """A row for each trajectory, NaN where a system has fewer columns."""
    first = np.concatenate([[0], np.cumsum([len(array) for array in arrays])])
    width = max((array.shape[1] for array in arrays if array.ndim == 2), default=0)
    table = np.full((int(first[-1]), width) if width or arrays[0].ndim == 2 else int(first[-1]), np.nan)
    for begin, array in zip(first, arrays, strict=False):
        if array.ndim == 2:
            table[begin : begin + len(array), : array.shape[1]] = array
        else:
            table[begin : begin + len(array)] = array
    return lambda located, _samples: table[first[located.member] + located.trajectory]


def _of_samples(times: Sequence[np.ndarray]) -> Label:
    """The time of each sample; NaN where a window has none."""

    def of(located: Located, numbers: Samples) -> np.ndarray:
        samples = numbers()
        found = np.full(samples.shape, np.nan)
        for member in np.unique(located.member).tolist():
            rows = np.flatnonzero(located.member == member)
            own, there = times[member], np.maximum(samples[rows], 0)
            found[rows] = own[there] if own.ndim == 1 else own[located.trajectory[rows, None], there]
        found[samples < 0] = np.nan
        return found

    return of


def _of_systems(values: Sequence[Any]) -> Label:
    """A number, or a row of them, for each system; NaN where there are fewer."""
    arrays = [np.atleast_1d(np.asarray(value, np.float64)).ravel() for value in values]
    table = np.full((len(arrays), max(map(len, arrays))), np.nan)
    for row, array in enumerate(arrays):
        table[row, : len(array)] = array
    if all(np.ndim(value) == 0 for value in values):
        table = table[:, 0]
    return lambda located, _samples: table[located.member]
