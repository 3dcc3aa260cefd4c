"""From what a training script asks for to the table of its windows and the way to their samples."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from attractory.errors import RequestError, StoreError
from attractory.layout import SPLITS
from attractory.loader.asked import BFLOAT16, asked_array, columns_of
from attractory.loader.decoded_cache import DecodedCache
from attractory.loader.gather import Asked, gathering
from attractory.loader.guard import Guard
from attractory.loader.labels import labels
from attractory.loader.late_checks import LateChecks
from attractory.loader.metadata import StoredGranularity, StoredSystem, unknown
from attractory.loader.source import Lengths, Other, Reading, Source
from attractory.loader.spans import WHOLE, Span
from attractory.loader.table import WindowTable, windows_of
from attractory.loader.transforms.known import Known, Member, prepared


@dataclass(frozen=True)
class Request:
    """What windows are asked for, checked as far as that can be done without a store."""

    granularities: tuple[str, ...]
    split: str | None
    context: Span
    horizon: Span
    stride: Span
    variables: tuple[str, ...] | None
    dtype: str | None
    metadata: tuple[str, ...]
    narrow: bool
    skips: bool
    transforms: tuple[Any, ...] = ()

    @property
    def stored_dtype(self) -> str | None:
        """What chunks become when they are decoded: transforms do not calculate in bfloat16."""
        return "float32" if self.rounds else self.dtype

    @property
    def rounds(self) -> bool:
        """Whether batches become bfloat16 after their transforms."""
        return bool(self.transforms) and self.dtype == BFLOAT16


@dataclass(frozen=True)
class Chosen:
    """The systems that windows are drawn from, by name, and the place of each one's store."""

    systems: Mapping[str, StoredSystem]
    stores: tuple[int, ...]
    guards: tuple[Guard, ...]
    is_explicit: bool = True  # someone asked for them, so that what one lacks is an error

    def with_granularities(self, names: Sequence[str]) -> Chosen:
        """Those that have all granularities."""
        have = [all(name in system.granularities for name in names) for system in self.systems.values()]
        systems = {name: system for (name, system), has in zip(self.systems.items(), have, strict=True) if has}
        return replace(self, systems=systems, stores=tuple(store for store, has in zip(self.stores, have, strict=True) if has))

    def rows(self, granularity: str) -> tuple[int, ...]:
        """Of each system, the trajectories that are decoded together."""
        return tuple(system.granularities[granularity].state.layout.chunk[0] for system in self.systems.values())


@dataclass(frozen=True)
class Part:
    """One granularity of the chosen systems, and how long windows are there."""

    name: str
    granularities: tuple[StoredGranularity, ...]
    lengths: Lengths

    def checked_late(self, checks: LateChecks | None) -> Part:
        """With states whose large shards are checked beside their use, where they lie on this machine."""
        if checks is None:
            return self
        states = (replace(one.state, late=checks) if one.state.files.is_local else one.state for one in self.granularities)
        return replace(self, granularities=tuple(replace(one, state=state) for one, state in zip(self.granularities, states, strict=True)))


def source_of(
    chosen: Chosen, request: Request, *, cache: DecodedCache, place: str, checks: LateChecks | None = None
) -> tuple[Source, WindowTable, Chosen]:
    """What batches are made of, the table of windows, and the systems that take part.

    Raises:
        StoreError: no such granularity or split, or no trajectory in it.
        RequestError: windows longer than trajectories, lengths that a system does not have.
    """
    checks = None if request.skips else checks  # what is left out must be known before
    chosen = _with_granularities(chosen, request.granularities, place)
    parts = [_part(chosen, request, name) for name in request.granularities]
    trajectories = _trajectories(chosen, request.split, place)
    strides = tuple(
        request.stride.samples(system, granularity, least=1)
        for system, granularity in zip(chosen.systems.values(), parts[0].granularities, strict=True)
    )
    table = WindowTable(trajectories, _counts(chosen, parts, strides), strides)
    readings = [_reading(chosen, request, part.checked_late(checks), trajectories, cache) for part in parts]
    source = Source(
        reading=readings[0],
        codes=np.array([system.code for system in chosen.systems.values()], np.int64),
        labels=labels(request.metadata, tuple(chosen.systems.values()), parts[0].name),
        guards=chosen.guards,
        others={part.name: Other(reading, _steps(parts[0], part)) for part, reading in zip(parts[1:], readings[1:], strict=True)},
        checks=checks,
        rounds=request.rounds,
    )
    return source, table, chosen


def whole_number(name: str, value: int, *, least: int | None = None) -> int:
    """A whole number that a caller gave, as a plain int.

    Raises:
        RequestError: it is none, or below `least`.
    """
    try:
        number = operator.index(value)
    except TypeError as error:
        message = f"{name}={value!r}: expected a whole number."
        raise RequestError(message) from error
    if least is not None and number < least:
        message = f"{name}={number}: expected at least {least}."
        raise RequestError(message)
    return number


def _with_granularities(chosen: Chosen, names: Sequence[str], place: str) -> Chosen:
    there = list(dict.fromkeys(name for system in chosen.systems.values() for name in system.granularities))
    for name in names:
        if chosen.systems and name not in there:
            message = f"{place} has no granularity {name!r}"
            raise unknown(message, str(name), there)
        for key, system in chosen.systems.items() if chosen.is_explicit else ():
            if name not in system.granularities:
                message = f"{place}: {key} has no granularity {name!r}"
                raise unknown(message, name, system.granularities)
    return chosen.with_granularities(names)


def _part(chosen: Chosen, request: Request, name: str) -> Part:
    systems = tuple(chosen.systems.values())
    granularities = tuple(system.granularities[name] for system in systems)
    if name != request.granularities[0]:
        return Part(name, granularities, _lengths_beside(chosen, request, name))
    horizons = tuple(request.horizon.samples(*pair, least=0) for pair in zip(systems, granularities, strict=True))
    if request.context.unit == WHOLE:
        contexts = tuple(granularity.samples - horizon for granularity, horizon in zip(granularities, horizons, strict=True))
    else:
        contexts = tuple(request.context.samples(*pair, least=1) for pair in zip(systems, granularities, strict=True))
    for key, granularity, context, horizon in zip(chosen.systems, granularities, contexts, horizons, strict=True):
        if context < 1 or context + horizon > granularity.samples:
            needed = f"context {context} + horizon {horizon} needs {context + horizon}"
            message = f"{key}/{name} has {granularity.samples} samples a trajectory, {needed}."
            raise RequestError(message)
    return Part(name, granularities, Lengths(contexts or (1,), horizons or (0,)))


def _lengths_beside(chosen: Chosen, request: Request, name: str) -> Lengths:
    """How many samples of another granularity the windows hold: as many as fit into the time that each sample of the first stands for."""
    first = _part(chosen, request, request.granularities[0])
    steps = [
        _step(key, one, system.granularities[name]) for (key, system), one in zip(chosen.systems.items(), first.granularities, strict=True)
    ]
    contexts = tuple(max(1, round(context * step)) for context, step in zip(first.lengths.contexts, steps, strict=False))
    horizons = tuple(round(horizon * step) for horizon, step in zip(first.lengths.horizons, steps, strict=False))
    return Lengths(contexts, horizons)


def _step(key: str, first: StoredGranularity, other: StoredGranularity) -> float:
    """Samples of another granularity in the time between two of the first."""
    if first.dt is None or other.dt is None:
        message = f"{key}: {first.name} and {other.name} cannot be in one batch: the samples of one of them are no fixed time apart."
        raise RequestError(message)
    return first.dt / other.dt


def _steps(first: Part, other: Part) -> np.ndarray:
    return np.array([_step(first.name, a, b) for a, b in zip(first.granularities, other.granularities, strict=True)], np.float64)


def _counts(chosen: Chosen, parts: Sequence[Part], strides: Sequence[int]) -> tuple[int, ...]:
    """Windows of one trajectory of each system: those that fit at every granularity."""
    counts: list[int] = []
    for member, (key, stride) in enumerate(zip(chosen.systems, strides, strict=True)):
        fitting = [_fitting(parts[0], part, member, stride) for part in parts]
        if min(fitting) < 1:
            short = parts[int(np.argmin(fitting))]
            message = (
                f"{key}/{short.name} has {short.granularities[member].samples} samples a trajectory, which end before a window's time does."
            )
            raise RequestError(message)
        counts.append(min(fitting))
    return tuple(counts)


def _fitting(first: Part, part: Part, member: int, stride: int) -> int:
    length = part.lengths.contexts[member] + part.lengths.horizons[member]
    samples = part.granularities[member].samples
    if part is first:
        return windows_of(samples, length=length, stride=stride)
    step = _step(first.name, first.granularities[member], part.granularities[member]) * stride
    count = max(0, int((samples - length) / step) + 2)
    while count and np.ceil((count - 1) * step - 1e-6) + length > samples:
        count -= 1
    return count


def _trajectories(chosen: Chosen, split: str | None, place: str) -> tuple[np.ndarray, ...]:
    if split is not None and split not in SPLITS:
        message = f"there is no split {split!r}"
        raise unknown(message, str(split), SPLITS)
    found = tuple(system.selected(split) for system in chosen.systems.values())
    if not sum(map(len, found)):
        names = ", ".join(chosen.systems) or "no system"
        message = f"{place} holds no finished trajectory of {names} in split {split!r}."
        raise StoreError(message)
    return found


def _reading(chosen: Chosen, request: Request, part: Part, trajectories: Sequence[np.ndarray], cache: DecodedCache) -> Reading:
    columns = tuple(columns_of(key, system.variables, request.variables) for key, system in chosen.systems.items())
    times = [replace(one.time, layout=one.time.layout.with_an_axis()) for one in part.granularities if one.is_irregular]
    codes = tuple(system.code for system in chosen.systems.values())
    return Reading(
        gathering=gathering([one.state for one in part.granularities], trajectories, Asked(columns, request.stored_dtype)),
        lengths=part.lengths,
        cache=cache,
        key=repr((part.name, request.split, codes, columns, request.stored_dtype, request.skips)),  # a text keeps its hash
        times=gathering(times, trajectories) if times and len(times) == len(part.granularities) else None,
        dtype=request.stored_dtype,
        narrow=request.narrow,
        skips=request.skips,
        transforms=prepared(request.transforms, _known(chosen, part, trajectories, columns)) if request.transforms else (),
    )


def _known(chosen: Chosen, part: Part, trajectories: Sequence[np.ndarray], columns: Sequence[tuple[int, ...] | None]) -> Known:
    """What transforms may know: of each system its array, and the trajectories of `train`, or those that windows are of."""
    members = {}
    for system, granularity, own, some in zip(chosen.systems.values(), part.granularities, trajectories, columns, strict=True):
        array = asked_array(granularity.state, columns=some, dtype=None)
        names = system.variables if some is None else tuple(system.variables[place] for place in some)
        training = system.selected("train")
        members[system.code] = Member(system, array, names, granularity.dt, training if len(training) else own)
    return Known(part.name, members)
