"""`attractory.stream`: from a recipe to batches, without a store between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from attractory import layout
from attractory.catalog.record import SystemRecord
from attractory.errors import RequestError
from attractory.expressions.system import System
from attractory.integrate import BlockSettings, SampleGrid
from attractory.layout import SPLITS
from attractory.loader.dataset import Dataset
from attractory.loader.decoded_cache import DecodedCache
from attractory.loader.decoders import Decoders
from attractory.loader.epochs import MIXED
from attractory.loader.metadata import StoredGranularity, StoredSystem
from attractory.loader.request import whole_number
from attractory.loader.stores import Store
from attractory.stages.located import LocatedRecipe, read_recipe, systems_of
from attractory.stages.plan import family_of_system, store_plan
from attractory.stages.starts import box_of_system
from attractory.store.plan import GridPlan, SystemPlan
from attractory.stream.endless import EndlessWindows
from attractory.stream.generated import BlockMaker, StreamedSystem, generated_array, known_array

BLOCK_ROWS = 64  # trajectories that are integrated together: enough for vector lanes to stay full


def stream(
    recipe: str | Path | LocatedRecipe, *, trajectories: int | None = None, seed: int | None = None, threads: int = 1, processes: int = 1
) -> Stream:
    """What `open` gives of the recipe's store, integrated while it is read: endless, and no trajectory comes twice.

    Args:
        recipe: the file, or the folder whose recipe.yaml it is.
        trajectories: of each system in an epoch; None: as many as the recipe has for training. Held out systems are left out.
        seed: in place of the recipe's.
        threads: threads of each process that integrate ahead; 0: whoever asks for a batch integrates.
        processes: of how many (ranks times workers) each shall integrate its own part; a divisor of it will do as well. Batches come from
            as many separate groups of trajectories by turns, so another number is another order.
    Raises:
        RecipeError, CatalogError: the recipe cannot be used.
        RequestError: it asks for what cannot be streamed: samples at times of their own, or nothing for training.
    """
    located = read_recipe(recipe)
    systems = systems_of(located)
    plan = store_plan(located, systems)
    count = None if trajectories is None else whole_number("trajectories", trajectories, least=1)
    parts: dict[str, Part] = {}
    for system in systems:
        planned = plan.system(system.name)
        each = count if count is not None and planned.splits[0] else planned.splits[0]
        if each:
            parts[system.name] = _part(located, system, planned, count=each, seed=seed)
    if not parts:
        message = f"{located.path}: no trajectories.train: a stream is for training."
        raise RequestError(message)
    decoders = Decoders(whole_number("threads", threads, least=0))
    return Stream(str(located.path), parts, decoders, whole_number("processes", processes, least=1))


@dataclass(frozen=True)
class Part:
    """One system of a stream: what its trajectories are made from, and how many an epoch has."""

    record: SystemRecord
    plan: SystemPlan
    settings: BlockSettings
    count: int

    def system(self, code: int, together: Sequence[str]) -> StreamedSystem:
        """The system, whose granularities `together` are sampled in one integration, each other in one of its own."""
        joint = [grid for grid in self.plan.grids if grid.name in together]
        groups = [joint] * bool(joint) + [[grid] for grid in self.plan.grids if grid.name not in together]
        made = [(group, self._maker(group)) for group in groups]
        granularities = {grid.name: self._granularity(grid, place, maker) for group, maker in made for place, grid in enumerate(group)}
        small = {layout.SPLIT: np.full(self.count, SPLITS.index("train"), np.int8), layout.STATUS: np.zeros(self.count, np.int8)}
        arrays = {name: known_array(name, values) for name, values in small.items()}
        return StreamedSystem(code, self.plan.name, self.plan.attributes, arrays, granularities, {})

    def _maker(self, grids: Sequence[GridPlan]) -> BlockMaker:
        sampled = tuple(SampleGrid(float(grid.dt or 0.0), grid.samples) for grid in grids)
        return BlockMaker(self.record, sampled, self.settings, self.plan.trajectories, self.count, min(BLOCK_ROWS, self.count))

    def _granularity(self, grid: GridPlan, place: int, maker: BlockMaker) -> StoredGranularity:
        state = generated_array(maker, grid=place, variables=len(self.plan.variables), dtype=self.settings.dtype)
        time = known_array(layout.TIME, np.arange(grid.samples) * float(grid.dt or 0.0))
        return StoredGranularity(grid.name, grid.attributes, state, time)


class Stream(Dataset):
    """Systems and granularities of a recipe, and windows of trajectories that are integrated when they are drawn."""

    def __init__(self, place: str, parts: Mapping[str, Part], decoders: Decoders, processes: int, together: Sequence[str] = ()) -> None:
        super().__init__((), None, DecodedCache(0, decoders))
        self._place = place
        self._parts = parts
        self._processes = processes
        self._together = tuple(together)

    @property
    def path(self) -> str:
        """The recipe's file."""
        return self._place

    def windows(self, **settings: Any) -> EndlessWindows:
        """Windows of fresh trajectories, epoch after epoch: the arguments of `Dataset.windows`, but for these.

        shuffle is "blocks", `mixing` trajectories (256, and no fewer than 64 of each system) being held and shuffled together; split is
        "train". `weights=` of trajectories have no meaning here.
        """
        given = {"split": "train", "shuffle": "blocks", **settings}
        if given["split"] not in (None, "train") or given["shuffle"] != "blocks":
            message = f"a stream has split='train' and shuffle='blocks', not {given['split']!r} and {given['shuffle']!r}: open() a store."
            raise RequestError(message)
        mixing = whole_number("mixing", given.setdefault("mixing", max(MIXED, BLOCK_ROWS * len(self._parts))), least=1)
        names = [given["granularity"]] if isinstance(given["granularity"], str) else list(given["granularity"])
        return Stream(self._place, self._parts, self._cache.decoders, self._processes, names)._windows(given, mixing)

    def _windows(self, settings: Mapping[str, Any], mixing: int) -> EndlessWindows:
        """The windows of the granularities that are sampled together here."""
        self._cache = DecodedCache(self._room(mixing * self._processes), self._cache.decoders)
        found = super().windows(**settings)
        plan = replace(found.plan, lanes=self._processes) if self._processes > 1 else found.plan
        windows = EndlessWindows(found.source, plan, found.share, found.beginning)
        if not len(windows):
            message = f"an epoch has too few windows for a batch of each of {self._processes} processes: raise trajectories=."
            raise RequestError(message)
        return windows

    @cached_property
    def _joined(self) -> dict[str, tuple[int, StoredSystem]]:
        return {name: (0, part.system(code, self._together)) for code, (name, part) in enumerate(self._parts.items())}

    def _room(self, mixing: int) -> int:
        """Bytes for three groups of trajectories that are shuffled together: the present one, the next one, and what draws are uneven."""
        return 3 * mixing * max(sum(_bytes(system, name) for name in self._together) for system in self.systems.values())

    def _one(self, what: str) -> Store:
        message = f"{what} of a stream: it has no store. `attractory generate` makes one of the recipe."
        raise RequestError(message)


def _bytes(system: StoredSystem, granularity: str) -> int:
    """Bytes of one trajectory; 0 where a system has no such granularity."""
    if granularity not in system.granularities:
        return 0
    state = system.granularities[granularity].state
    return int(np.prod(state.shape[1:])) * state.layout.dtype.itemsize


def _part(located: LocatedRecipe, system: System, planned: SystemPlan, *, count: int, seed: int | None) -> Part:
    """What a system's trajectories are made from.

    Raises:
        RequestError: it is sampled at times that are each trajectory's own.
    """
    recipe = located.recipe
    for grid in planned.grids:
        if grid.is_irregular:
            message = f"{located.path}: granularities.{grid.name} has samples at times of their own; a stream has regular ones alone."
            raise RequestError(message)
    settings = BlockSettings(
        recipe.seed if seed is None else whole_number("seed", seed),
        planned.transient,
        recipe.tolerance,
        recipe.dtype,
        recipe.precision,
        family_of_system(located, system),
        box_of_system(located, system),
    )
    return Part(system.record, planned, settings, count)
