"""Other times: samples left out, every k-th one, windows that pass more slowly."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from attractory.errors import RequestError
from attractory.loader.batch import Batch
from attractory.loader.chance import Chance
from attractory.loader.transforms.known import Known, checked_part, part_of


@dataclass(frozen=True)
class Drop:
    """Samples left out at random, each with a chance: zeros, False in `time_mask`; `time` says when each sample is.

    part: "context" (what a model is given) or "window".
    """

    chance: float
    part: str = "context"

    def __post_init__(self) -> None:
        checked_part("Drop", self.part)
        if not 0 <= self.chance < 1:
            message = f"Drop({self.chance!r}): expected a chance from 0 to below 1."
            raise RequestError(message)

    def __call__(self, batch: Batch, chance: Chance) -> Batch:
        length = batch.state.shape[1]
        kept = np.ones((len(batch), length), bool)
        samples = part_of(batch, self.part)
        kept[:, samples] = chance.uniform("drop", length)[:, samples] >= self.chance
        if batch.time_mask is not None:
            kept &= batch.time_mask
        return replace(batch, state=np.where(kept[:, :, None], batch.state, 0).astype(batch.state.dtype, copy=False), time_mask=kept)

    def prepared(self, known: Known) -> TimedDrop:
        """With the time between samples of each system."""
        return TimedDrop(self, sample_steps(known))


@dataclass(frozen=True)
class TimedDrop:
    """Drop, where samples without times of their own get them: counted from the trajectory's sample 0."""

    drop: Drop
    steps: np.ndarray  # (code,) float64

    def __call__(self, batch: Batch, chance: Chance) -> Batch:
        return self.drop(batch if batch.time is not None else replace(batch, time=times_of(batch, self.steps)), chance)


def sample_steps(known: Known) -> np.ndarray:
    """The time between two samples of each system (code,) float64; NaN where samples have times of their own."""
    found = np.full(max(known.members) + 1, np.nan)
    for code, member in known.members.items():
        found[code] = np.nan if member.dt is None else member.dt
    return found


def times_of(batch: Batch, steps: np.ndarray) -> np.ndarray:
    """The time of each sample (window, time) float64; 0 where a window has none."""
    first = batch.start
    if batch.time_mask is not None:
        first = first - np.argmax(batch.time_mask, axis=1)  # a short context is padded before
    found: np.ndarray = (first[:, None] + np.arange(batch.state.shape[1])) * steps[batch.system][:, None]
    return found if batch.time_mask is None else np.where(batch.time_mask, found, 0.0)


@dataclass(frozen=True)
class Resample:
    """Every `every`-th sample, counted from the last one of the context, which is kept, in both directions."""

    every: int

    def __post_init__(self) -> None:
        if self.every < 1:
            message = f"Resample({self.every!r}): expected a whole number, at least 1."
            raise RequestError(message)

    def __call__(self, batch: Batch, _chance: Chance) -> Batch:
        last = batch.context_samples - 1
        first = last % self.every

        def some(values: Any) -> Any:
            return None if values is None else np.ascontiguousarray(values[:, first :: self.every])

        kept = {name: some(getattr(batch, name)) for name in ("state", "time", "time_mask")}
        return replace(batch, **kept, context_samples=last // self.every + 1)


@dataclass(frozen=True)
class Dilate:
    """Windows that pass more slowly, by a factor drawn for each: sample k is what was at k times a number from `slowest` to 1.

    Counted from the last sample of the context, which stays. Between samples it is the cubic through four of them.
    `batch.metadata["pace"]` is the factor.
    """

    slowest: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.slowest <= 1:
            message = f"Dilate({self.slowest!r}): expected a number above 0 and at most 1."
            raise RequestError(message)

    def __call__(self, batch: Batch, chance: Chance) -> Batch:
        if batch.time_mask is not None:
            message = "Dilate needs windows of one length, without samples left out: give lengths in samples, and Drop after it."
            raise RequestError(message)
        pace = chance.uniform("dilate", low=self.slowest, high=1.0)
        last = batch.context_samples - 1
        places = last + (np.arange(batch.state.shape[1]) - last) * pace[:, None]
        state = interpolated(batch.state, places)
        time = None if batch.time is None else interpolated(batch.time[:, :, None], places)[:, :, 0]
        return replace(batch, state=state, time=time, metadata={**batch.metadata, "pace": pace})


def interpolated(states: np.ndarray, places: np.ndarray) -> np.ndarray:
    """States (window, time, variable) at places (window, time) between samples, by the cubic through four samples (Lagrange)."""
    samples = states.shape[1]
    rows = np.arange(len(states))[:, None]
    if samples < 4:
        before = np.clip(np.floor(places).astype(np.int64), 0, max(samples - 2, 0))
        after = np.minimum(before + 1, samples - 1)
        part = (places - before)[:, :, None].astype(states.dtype)
        found: np.ndarray = states[rows, before] * (1 - part) + states[rows, after] * part
        return found
    first = np.clip(np.floor(places).astype(np.int64) - 1, 0, samples - 4)
    x = places - first
    weights = (
        -(x - 1) * (x - 2) * (x - 3) / 6,
        x * (x - 2) * (x - 3) / 2,
        -x * (x - 1) * (x - 3) / 2,
        x * (x - 1) * (x - 2) / 6,
    )
    result = np.zeros(states.shape, states.dtype)
    for number, weight in enumerate(weights):
        result += states[rows, first + number] * weight[:, :, None].astype(states.dtype)
    return result
