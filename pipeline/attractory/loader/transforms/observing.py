"""What an observer sees of states: noise, some of the variables, functions of them, delayed copies."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from attractory.errors import RequestError
from attractory.loader.batch import Batch
from attractory.loader.chance import Chance
from attractory.loader.transforms.known import Known, checked_part, part_of, real
from attractory.loader.transforms.scaling import context_statistics, stored_statistics


@dataclass(frozen=True)
class Noise:
    """Independent normal noise on every sample, so many decibels below the signal: 20 is a tenth of its standard deviation.

    of: the signal is the variable's variation over its "system" (statistics of the store) or over the "window"'s context. part: which
    samples have noise: "context" leaves the horizon, what a model is to answer, without.
    """

    decibels: float
    of: str = "system"
    part: str = "window"
    trajectories: int = 64

    def __post_init__(self) -> None:
        checked_part("Noise", self.part)
        if self.of not in ("system", "window") or not math.isfinite(self.decibels):
            message = f"Noise({self.decibels!r}, of={self.of!r}): expected a number of decibels, and of='system' or 'window'."
            raise RequestError(message)

    def __call__(self, batch: Batch, chance: Chance) -> Batch:
        return self._added(batch, context_statistics(batch)[1], chance)

    def prepared(self, known: Known) -> StoredNoise | Noise:
        """With the way to the store's statistics."""
        return StoredNoise(self, known) if self.of == "system" else self

    def _added(self, batch: Batch, spread: np.ndarray, chance: Chance) -> Batch:
        size = (spread * 10 ** (-self.decibels / 20)).astype(batch.state.dtype)
        state, samples = batch.state.copy(), part_of(batch, self.part)
        noise = chance.normal("noise", *state.shape[1:])[:, samples] * size[:, None]
        state[:, samples] += np.where(np.broadcast_to(real(batch), state.shape)[:, samples], noise, 0).astype(state.dtype)
        return replace(batch, state=state)


@dataclass(frozen=True)
class StoredNoise:
    """Noise below the variation of each window's system. After Standardise the scale that it has taken away is not counted twice."""

    noise: Noise
    known: Known

    def __call__(self, batch: Batch, chance: Chance) -> Batch:
        _, spread = stored_statistics(self.known, batch, by="system", most=self.noise.trajectories)
        return self.noise._added(batch, spread / batch.metadata.get("scale", 1.0), chance)


@dataclass(frozen=True)
class Hide:
    """Windows of which some variables are not seen: zeros, and False in `mask`.

    variables: by name, where a system has them; or how many, drawn for each window, at least one being left.
    """

    variables: tuple[str, ...] | int

    def __post_init__(self) -> None:
        if isinstance(self.variables, int) and self.variables < 1:
            message = f"Hide({self.variables!r}): expected names of variables, or how many to hide, at least 1."
            raise RequestError(message)

    def __call__(self, batch: Batch, chance: Chance) -> Batch:
        return _hidden(batch, self._drawn(batch, chance))

    def prepared(self, known: Known) -> Hide | HideNamed:
        """With the place that each name has in each system."""
        if isinstance(self.variables, int):
            return self
        names = {name for member in known.members.values() for name in member.variables}
        for name in self.variables:
            if name not in names:
                message = f"Hide: no system of these windows has a variable {name!r}; there is {', '.join(sorted(names))}."
                raise RequestError(message)
        width = max(len(member.variables) for member in known.members.values())
        table = np.zeros((max(known.members) + 1, width), bool)
        for code, member in known.members.items():
            table[code, : len(member.variables)] = [name in self.variables for name in member.variables]
        return HideNamed(table)

    def _drawn(self, batch: Batch, chance: Chance) -> np.ndarray:
        """Which variables are hidden (window, variable): those whose number comes first among the window's own."""
        count = self.variables if isinstance(self.variables, int) else 0
        numbers = np.where(batch.mask, chance.uniform("hide", batch.mask.shape[1]), 2.0)
        rank = np.argsort(np.argsort(numbers, axis=1), axis=1)
        found: np.ndarray = rank < np.minimum(count, batch.mask.sum(axis=1) - 1)[:, None]
        return found


@dataclass(frozen=True)
class HideNamed:
    """Hide by name, for the systems of some windows."""

    table: np.ndarray  # (code, variable) bool

    def __call__(self, batch: Batch, _chance: Chance) -> Batch:
        hidden = np.zeros(batch.mask.shape, bool)
        width = min(hidden.shape[1], self.table.shape[1])
        hidden[:, :width] = self.table[batch.system, :width]
        return _hidden(batch, hidden)


def _hidden(batch: Batch, hidden: np.ndarray) -> Batch:
    mask = batch.mask & ~hidden
    return replace(batch, mask=mask, state=np.where(mask[:, None, :], batch.state, 0).astype(batch.state.dtype, copy=False))


@dataclass(frozen=True)
class Observables:
    """Random functions of the state in place of its variables: `count` sums of them, with normal weights drawn for each window.

    degree: 1: linear; 2 or more: also the products of up to so many variables. Weights are divided by the square root of how many terms
    there are, so that standardised variables give numbers of order one.
    """

    count: int
    degree: int = 1

    def __post_init__(self) -> None:
        if self.count < 1 or not 1 <= self.degree <= 3:
            message = f"Observables({self.count!r}, degree={self.degree!r}): expected at least 1 of degree 1, 2 or 3."
            raise RequestError(message)

    def __call__(self, batch: Batch, chance: Chance) -> Batch:
        terms, there = batch.state, batch.mask
        for _ in range(1, self.degree):
            # Times 1 and every variable: products of up to one variable more.
            terms = np.concatenate([batch.state, (terms[..., :, None] * batch.state[..., None, :]).reshape(*terms.shape[:2], -1)], axis=2)
            there = np.concatenate([batch.mask, (there[:, :, None] & batch.mask[:, None, :]).reshape(len(there), -1)], axis=1)
        weights = np.where(there[:, :, None], chance.normal("observables", terms.shape[2], self.count), 0)
        weights = weights / np.sqrt(np.maximum(there.sum(axis=1), 1))[:, None, None]
        state = np.matmul(terms, weights.astype(batch.state.dtype))
        mask = np.repeat(batch.mask.any(axis=1)[:, None], self.count, axis=1)
        return replace(batch, state=state, mask=mask)


@dataclass(frozen=True)
class DelayEmbed:
    """Each sample with `copies` - 1 earlier ones of it, `lag` samples apart, as more variables: x(t), x(t - lag), …, then those of y.

    The context becomes (copies - 1) * lag samples shorter.
    """

    copies: int
    lag: int = 1

    def __post_init__(self) -> None:
        if self.copies < 2 or self.lag < 1:
            message = f"DelayEmbed({self.copies!r}, lag={self.lag!r}): expected at least 2 copies, at least 1 sample apart."
            raise RequestError(message)

    @property
    def reach(self) -> int:
        """Samples that are lost at the beginning."""
        return (self.copies - 1) * self.lag

    def __call__(self, batch: Batch, _chance: Chance) -> Batch:
        if batch.context_samples <= self.reach:
            needs = f"needs a context of more than {self.reach} samples"
            message = f"DelayEmbed({self.copies}, lag={self.lag}) {needs}; it has {batch.context_samples}."
            raise RequestError(message)
        length = batch.state.shape[1] - self.reach
        begins = [self.reach - self.lag * copy for copy in range(self.copies)]
        state = np.stack([batch.state[:, begin : begin + length] for begin in begins], axis=3).reshape(len(batch), length, -1)
        time_mask = batch.time_mask
        if time_mask is not None:
            time_mask = np.logical_and.reduce([time_mask[:, begin : begin + length] for begin in begins])
            state[~time_mask] = 0
        return replace(
            batch,
            state=state,
            mask=np.repeat(batch.mask, self.copies, axis=1),
            context_samples=batch.context_samples - self.reach,
            time=None if batch.time is None else batch.time[:, self.reach :],
            time_mask=time_mask,
        )
