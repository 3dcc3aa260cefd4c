"""A finished store, opened for reading: its systems, and windows of their trajectories."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from attractory import layout
from attractory.errors import MissingExtraError, RequestError, StoreError
from attractory.layout import SPLITS
from attractory.loader.files import Files, files_at
from attractory.loader.gather import gathering
from attractory.loader.metadata import StoredSystem, StoreMetadata, read_metadata, unknown
from attractory.loader.pool import DecodedCache
from attractory.loader.rounds import share
from attractory.loader.table import WindowTable, windows_of
from attractory.loader.windows import Place, Source, Windows

if TYPE_CHECKING:
    import xarray

CACHE_BYTES = 2**30


def open(
    path: str | os.PathLike[str],
    *,
    cache_bytes: int = CACHE_BYTES,
    verify: bool | None = None,
    storage_options: Mapping[str, Any] | None = None,
) -> Dataset:
    """A finished store, by path or fsspec URL; only metadata are read now.

    Args:
        cache_bytes: how much of the decoded trajectories may stay in memory, in each process.
        verify: check each shard file against its SHA-256 before its first use, which reads it whole; None: only for files of this machine.
        storage_options: for fsspec, such as credentials.
    Raises:
        StoreError: no such place, not a store, unfinished, or of another format version.
        DamageError: a metadata file is missing or unreadable.
    """
    files = files_at(path, storage_options)
    metadata = read_metadata(files, verify=files.is_local if verify is None else verify)
    return Dataset(files, metadata, cache_bytes=_whole("cache_bytes", cache_bytes, least=0))


class Dataset:
    """A store's systems, granularities and splits, and the windows of its trajectories. Its length is the number of trajectories."""

    def __init__(self, files: Files, metadata: StoreMetadata, *, cache_bytes: int) -> None:
        self._files = files
        self._metadata = metadata
        self._cache = DecodedCache(cache_bytes)

    @property
    def path(self) -> str:
        return self._files.name("")

    @property
    def attributes(self) -> Mapping[str, Any]:
        """The root's attributes: recipe, digests, versions, licence."""
        return self._metadata.attributes

    @property
    def recipe(self) -> Mapping[str, Any]:
        """The recipe that the store was made from, in canonical form."""
        return dict(self.attributes.get(layout.RECIPE) or {})

    @property
    def systems(self) -> Mapping[str, StoredSystem]:
        return self._metadata.systems

    @property
    def system_names(self) -> tuple[str, ...]:
        """Names by code: a batch's `system` holds places in this tuple."""
        return tuple(self.systems)

    @property
    def granularities(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for system in self.systems.values() for name in system.granularities))

    @cached_property
    def splits(self) -> tuple[str, ...]:
        """Splits that hold at least one trajectory."""
        present = {int(code) for system in self.systems.values() for code in np.unique(system.split)}
        return tuple(name for code, name in enumerate(SPLITS) if code in present)

    def __len__(self) -> int:
        return sum(system.trajectories for system in self.systems.values())

    def __repr__(self) -> str:
        names = ", ".join(self.system_names[:6]) + (", …" if len(self.systems) > 6 else "")
        granularities = ", ".join(self.granularities)
        return f"<Dataset {self.path}: {len(self):,} trajectories of {len(self.systems)} systems ({names}), granularities {granularities}>"

    def windows(  # noqa: PLR0913  # the public door of training scripts: all of it by keyword, flat, as they write it
        self,
        *,
        granularity: str,
        split: str | None,
        context: int,
        horizon: int,
        batch_size: int,
        seed: int = 0,
        epoch: int = 0,
        rank: int = 0,
        ranks: int = 1,
        stride: int = 1,
        systems: Iterable[str] | None = None,
        uneven: str | None = None,
        drop_last: bool = False,
    ) -> Windows:
        """Every window of the chosen trajectories once, in an order that (seed, epoch) decides, as batches.

        Trajectories that did not reach their last sample are left out.

        Args:
            split: "train", "validation" or "test"; None for all.
            context, horizon: samples that a model is given, and those that it should answer; a window is both.
            stride: samples between the beginnings of a trajectory's windows.
            systems: names; None for all that the store holds.
            uneven: how the last round of batches ends: "keep" (a partial batch; one rank's default), "drop" (the default of several ranks),
                "pad" (rows with an all-False mask and index -1) or "wrap" (windows from the epoch's beginning).
            drop_last: the same as uneven="drop".
        Raises:
            StoreError: no such system, granularity or split in this store, or no trajectory in it.
            RequestError: sizes that make no window or no batch.
        """
        part = share(
            _whole("batch_size", batch_size, least=1),
            rank=_whole("rank", rank, least=0),
            ranks=_whole("ranks", ranks, least=1),
            uneven=uneven,
            drop_last=drop_last,
        )
        source = self._source(
            self._chosen(_names(systems), granularity),
            key=(granularity, _split(split)),
            context=_whole("context", context, least=1),
            horizon=_whole("horizon", horizon, least=0),
            stride=_whole("stride", stride, least=1),
        )
        windows = Windows(source, part, Place(_whole("seed", seed), _whole("epoch", epoch)))
        if not len(windows):
            message = (
                f"{windows.window_count} windows do not fill one round of {part.ranks} rank(s) x {part.batch_size}, and uneven='drop' "
                "leaves out what does not. Choose a smaller batch_size, or uneven='pad' or 'wrap'."
            )
            raise RequestError(message)
        return windows

    def to_xarray(self) -> xarray.DataTree:
        """The whole store as a lazy xarray.DataTree.

        Raises:
            MissingExtraError: xarray is not installed.
        """
        try:
            import xarray
        except ModuleNotFoundError as error:
            raise MissingExtraError("Dataset.to_xarray", "xarray") from error
        options = getattr(self._files, "storage_options", None) or None
        return xarray.open_datatree(self.path, engine="zarr", storage_options=options)

    def _chosen(self, systems: frozenset[str] | None, granularity: str) -> tuple[StoredSystem, ...]:
        for name in systems or ():
            if name not in self.systems:
                message = f"{self.path} holds no system {name!r}"
                raise unknown(message, str(name), self.systems)
        if granularity not in self.granularities:
            message = f"{self.path} has no granularity {granularity!r}"
            raise unknown(message, str(granularity), self.granularities)
        if systems is None:
            return tuple(system for system in self.systems.values() if granularity in system.granularities)
        chosen = tuple(system for system in self.systems.values() if system.name in systems)
        for system in chosen:
            if granularity not in system.granularities:
                message = f"{self.path}: {system.name} has no granularity {granularity!r}"
                raise unknown(message, granularity, system.granularities)
        return chosen

    def _source(self, systems: tuple[StoredSystem, ...], *, key: tuple[str, str | None], context: int, horizon: int, stride: int) -> Source:
        granularity, split = key
        length = context + horizon
        for system in systems:
            samples = system.granularities[granularity].samples
            if length > samples:
                message = (
                    f"{system.name}/{granularity} has {samples} samples a trajectory, context {context} + horizon {horizon} needs {length}."
                )
                raise RequestError(message)
        trajectories = tuple(system.selected(split) for system in systems)
        if not sum(map(len, trajectories)):
            names = ", ".join(system.name for system in systems) or "no system"
            message = f"{self.path} holds no finished trajectory of {names} in split {split!r}."
            raise StoreError(message)
        chosen = [system.granularities[granularity] for system in systems]
        arrays = [one.state for one in chosen]
        times = [replace(one.time, layout=one.time.layout.with_an_axis()) for one in chosen if one.is_irregular]
        counts = tuple(windows_of(array.shape[1], length=length, stride=stride) for array in arrays)
        return Source(
            table=WindowTable(trajectories, counts, stride),
            gathering=gathering(arrays, trajectories),
            codes=np.array([system.code for system in systems], np.int64),
            context=context,
            horizon=horizon,
            cache=self._cache,
            key=(*key, tuple(system.code for system in systems)),
            times=gathering(times, trajectories) if times and len(times) == len(chosen) else None,
        )


def _names(systems: Iterable[str] | None) -> frozenset[str] | None:
    if isinstance(systems, str):
        message = f"systems={systems!r} is a single text: expected names in a list, such as [{systems!r}]."
        raise RequestError(message)
    return None if systems is None else frozenset(systems)


def _split(split: str | None) -> str | None:
    if split is not None and split not in SPLITS:
        message = f"there is no split {split!r}"
        raise unknown(message, str(split), SPLITS)
    return split


def _whole(name: str, value: int, *, least: int | None = None) -> int:
    """A whole number that a caller gave, as a plain int."""
    try:
        number = operator.index(value)
    except TypeError as error:
        message = f"{name}={value!r}: expected a whole number."
        raise RequestError(message) from error
    if least is not None and number < least:
        message = f"{name}={number}: expected at least {least}."
        raise RequestError(message)
    return number
