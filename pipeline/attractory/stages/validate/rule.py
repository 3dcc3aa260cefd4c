"""A rule: one check as an object, with what it promises, what it needs and what to do where it fails; and the evidence that it looks at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from attractory import layout
from attractory.catalog.record import SystemRecord
from attractory.stages.validate.report import OURS, Check, Group, Subject
from attractory.stages.validate.stored import StoredDataset, StoredGranularity, StoredSystem
from attractory.stages.validate.summary import Summary

# What a rule is asked about: the store, each of its systems, or each granularity of each system.
Scope = Literal["store", "system", "granularity"]
Look = int | Literal["all"] | None

# Trajectories of each split that a costly rule looks at where nothing else is asked for.
PER_SPLIT = 2


@dataclass(frozen=True)
class Settings:
    """What one run of the referee was asked for.

    Attributes:
        seed: which trajectories are sampled; the same store with the same seed gets the same report.
        trajectories: how many of each system are looked at: a number; "all"; or None, which is every one for what a single pass over
            the numbers shows, and PER_SPLIT of each split for what costs an integration.
        entries: the catalog as it is now.
        places: how many granularities all systems have together, which share a rate of false alarms.
    """

    seed: int = 0
    trajectories: Look = None
    entries: Mapping[str, SystemRecord] = field(default_factory=dict)
    places: int = 1


@dataclass(frozen=True)
class ShardStates:
    """One shard as it is read: states (trajectory, time, variable) of the trajectories `rows`, which begin at rows[0]."""

    stored: StoredSystem
    granularity: StoredGranularity
    rows: npt.NDArray[np.intp]
    states: npt.NDArray[Any]


@dataclass(frozen=True)
class Evidence:
    """What a rule looks at. `stored` is there from scope system on, `granularity` in scope granularity.

    Attributes:
        summaries: by granularity, one pass over its numbers.
        gathered: by granularity, what this rule's `gather` gave for each shard that could be read, in the order of the shards.
    """

    rule: Rule
    dataset: StoredDataset
    settings: Settings
    of_system: StoredSystem | None = None
    of_granularity: StoredGranularity | None = None
    summaries: Mapping[str, Summary] = field(default_factory=dict)
    gathered: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    @property
    def stored(self) -> StoredSystem:
        """The system that is looked at."""
        if self.of_system is None:
            message = f"the rule {self.rule.key} is asked about each {self.rule.scope} and reads a system"
            raise RuntimeError(message)
        return self.of_system

    @property
    def granularity(self) -> StoredGranularity:
        """The granularity that is looked at."""
        if self.of_granularity is None:
            message = f"the rule {self.rule.key} is asked about each {self.rule.scope} and reads a granularity"
            raise RuntimeError(message)
        return self.of_granularity

    @property
    def summary(self) -> Summary:
        """Of this granularity."""
        return self.summaries[self.granularity.name]

    @property
    def shards(self) -> Sequence[Any]:
        """What `gather` gave for each shard of this granularity."""
        return self.gathered.get(self.granularity.name, ())

    @property
    def limit(self) -> float:
        """The rule's own limit, for a rule that has one."""
        if self.rule.limit is None:
            message = f"the rule {self.rule.key} has no limit of its own"
            raise RuntimeError(message)
        return self.rule.limit

    @property
    def recipe_seed(self) -> int:
        return int(self.dataset.recipe.get("seed", 0))

    @property
    def comes_to_rest(self) -> bool:
        """Whether the motion dies, by the entry: how far a variable moves is then no scale."""
        return self.stored.record.behaviour in ("fixed_point", "transient_chaotic")

    def subject(self, part: str | None = None) -> Subject:
        """What the verdicts are about; part: of several of one rule, as in `conserved:energy`."""
        name = self.rule.name if part is None else f"{self.rule.name}:{part}"
        system = None if self.of_system is None else self.of_system.name
        granularity = None if self.of_granularity is None else self.of_granularity.name
        return Subject(name, self.rule.group, system, granularity)

    def measured(self, value: float, limit: float, message: str) -> Check:
        """Passes where `value` is at most `limit`."""
        return self.subject().measured(value, limit, message)

    def passed(self, message: str) -> Check:
        return self.subject().passed(message)

    def failed(self, message: str) -> Check:
        return self.subject().failed(message)

    def not_enough(self, message: str, needed: str) -> Check:
        """Neither: the data are too few, and so much would be needed."""
        return self.subject().not_enough(message, needed)

    def sampled(self, per_split: int = PER_SPLIT) -> npt.NDArray[np.intp]:
        """The good trajectories that a costly rule looks at, in ascending order: by the seed, as many as were asked for, or `per_split`."""
        return sampled_trajectories(self.stored, seed=self.settings.seed, look=self.settings.trajectories, per_split=per_split)


def sampled_trajectories(stored: StoredSystem, *, seed: int, look: Look = None, per_split: int = PER_SPLIT) -> npt.NDArray[np.intp]:
    """A seeded few of the good trajectories of each split, in ascending order; all together `look` of them where that is a number, dealt
    to the splits in turn."""
    generator = np.random.Generator(np.random.Philox(key=seed))
    orders = [generator.permutation(np.flatnonzero(stored.good & (stored.split == code))) for code in range(len(layout.SPLITS))]
    if look == "all":
        return np.sort(np.concatenate(orders))
    if look is None:
        return np.sort(np.concatenate([order[:per_split] for order in orders]))
    turns = np.concatenate([np.arange(len(order)) for order in orders])
    return np.sort(np.concatenate(orders)[np.argsort(turns, kind="stable")][:look])


Verdicts = Check | Iterable[Check]


def always(evidence: Evidence) -> bool:
    """Of a rule that every place is asked about."""
    return True


@dataclass(frozen=True)
class Rule:
    """One check.

    Attributes:
        name, group: together the key by which a recipe tightens it or leaves it out: `group.name`.
        scope: what it is asked about: "store", each "system", or each "granularity" of each system.
        promise: what a pass says, one sentence.
        advice: what to do where it fails, one sentence.
        run: the verdicts about one place. It raises DamageError where stored data cannot be read; whatever else it raises is the rule's
            own fault, and becomes an error, never a pass.
        needs: what a place must have to be asked about, for a person; applies: the same, as a function.
        gather: of one shard as it is read, what `run` needs of it, small; None for a rule that reads what it wants by itself.
        limit: its limit, where it has one of its own.
        source: the file that it comes from.
    """

    name: str
    group: Group
    scope: Scope
    promise: str
    advice: str
    run: Callable[[Evidence], Verdicts]
    needs: str = ""
    applies: Callable[[Evidence], bool] = always
    gather: Callable[[ShardStates], Any] | None = None
    limit: float | None = None
    source: str = OURS

    @property
    def key(self) -> str:
        return f"{self.group}.{self.name}"

    def told(self, check: Check) -> Check:
        """A verdict of this rule, with what it promises and what to do."""
        return replace(
            check,
            promise=check.promise or self.promise,
            advice=check.advice or (self.advice if check.failed else ""),
            source=self.source,
        )
