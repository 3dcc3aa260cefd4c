"""A finished store, or several as one, opened for reading: its systems, and windows of their trajectories."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

import numpy as np

from attractory import layout
from attractory.errors import MissingExtraError, RequestError
from attractory.layout import SPLITS
from attractory.loader.asked import checked_dtype
from attractory.loader.choice import chosen
from attractory.loader.decoded_cache import DecodedCache
from attractory.loader.decoders import Decoders, usual_threads
from attractory.loader.disk_cache import DiskCache
from attractory.loader.epochs import MIXED, EpochPlan, checked_shuffle
from attractory.loader.late_checks import LateChecks
from attractory.loader.metadata import StoredSystem
from attractory.loader.place import Place
from attractory.loader.request import Chosen, Request, source_of, whole_number
from attractory.loader.rounds import share
from attractory.loader.sampling import Sampling, Weights
from attractory.loader.spans import Length, span
from attractory.loader.stores import Reach, Store, joined, opened_store
from attractory.loader.transforms.known import Prepared, Transform
from attractory.loader.windows import Windows

if TYPE_CHECKING:
    import xarray

    from attractory.loader.lightning_windows import WindowsModule

CACHE_BYTES = 2**30
DISK_BYTES = 100 * 10**9
UNITS = {"": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}
ON_ERROR = ("raise", "skip")

Path = str | os.PathLike[str]


def open(  # noqa: PLR0913 - the public door: all of it by keyword
    path: Path | Sequence[Path],
    *,
    weights: Sequence[float] | None = None,
    cache_bytes: int | str = CACHE_BYTES,
    threads: int | None = None,
    verify: bool | None = None,
    disk_cache: str | os.PathLike[str] | None = None,
    disk_bytes: int | str = DISK_BYTES,
    storage_options: Mapping[str, Any] | None = None,
) -> Dataset:
    """A finished store, the latest version of a published folder, or several stores as one; only metadata are read now.

    Args:
        path: a path or an fsspec URL, or a list of them.
        weights: of several stores, the share of the draws that each has; None: every window of all of them once an epoch.
        cache_bytes: how much of the decoded trajectories may stay in memory, in each process: a number, or a text such as "8GB".
        threads: threads of each process that read and decode ahead; None: one a core, none on one core, 16 for stores elsewhere.
        verify: check each shard file against its SHA-256 before its first use, which reads it whole; None: only for files of this machine,
            and those above 1 MiB while they are used.
        disk_cache: a folder for the shards of stores elsewhere, fetched whole and checked against their SHA-256; processes may share it.
        disk_bytes: how much of it may be used; the least recently used make room.
        storage_options: for fsspec, such as credentials.
    Raises:
        StoreError: no such place, not a store, unfinished, or of another format version.
        DamageError: a metadata file is missing or unreadable.
    """
    paths = [path] if isinstance(path, str | os.PathLike) else list(path)
    disk = None if disk_cache is None else DiskCache(FilePath(disk_cache), _bytes("disk_bytes", disk_bytes))
    stores = tuple(opened_store(one, Reach(storage_options, disk, verify)) for one in paths)
    remote = not all(store.files.is_local for store in stores)
    decoders = Decoders(usual_threads(remote=remote) if threads is None else whole_number("threads", threads, least=0))
    checks = LateChecks() if verify is None else None
    return Dataset(stores, _store_weights(weights, len(stores)), DecodedCache(_bytes("cache_bytes", cache_bytes), decoders), checks)


class Dataset:
    """Systems, granularities and splits of one store or several, and windows of their trajectories. Its length counts trajectories."""

    def __init__(
        self, stores: tuple[Store, ...], weights: tuple[float, ...] | None, cache: DecodedCache, checks: LateChecks | None = None
    ) -> None:
        self._stores = stores
        self._weights = weights
        self._cache = cache
        self._checks = checks

    @property
    def path(self) -> str:
        """Where the store is; of several, all places."""
        return ", ".join(store.path for store in self._stores)

    @property
    def stores(self) -> tuple[Dataset, ...]:
        """Each store by itself, with the same memory for decoded data."""
        return tuple(Dataset((store,), None, DecodedCache(self._cache.limit, self._cache.decoders), self._checks) for store in self._stores)

    @property
    def attributes(self) -> Mapping[str, Any]:
        """The root's attributes: recipe, digests, versions, licence.

        Raises:
            RequestError: there are several stores.
        """
        return self._one("attributes").metadata.attributes

    @property
    def recipe(self) -> Mapping[str, Any]:
        """The recipe that the store was made from, in canonical form.

        Raises:
            RequestError: there are several stores.
        """
        return dict(self._one("recipe").metadata.attributes.get(layout.RECIPE) or {})

    @cached_property
    def systems(self) -> Mapping[str, StoredSystem]:
        """By name; one that several stores hold is named `store/system`."""
        return {name: system for name, (_, system) in self._joined.items()}

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

    def select(self, systems: Iterable[str] | Mapping[str, object] | None = None, *, where: str | None = None) -> tuple[str, ...]:
        """Names of the systems that fit: `windows(systems=…, where=…)` takes the same.

        Args:
            systems: names, or a query with the keys kind, tag, behaviour, dimension (3, "4+", "2-3") and name ("Sprott*"), as in a recipe.
            where: a condition on dimension, parameters (how many), period, lyapunov_exponent (the leading one), lyapunov_time and every
                annotated invariant, as in "lyapunov_exponent > 0.5 and dimension == 3". A system of which one is not known does not fit.
        Raises:
            StoreError: no such system, or none that fits.
            RequestError, ExpressionError: the question cannot be read.
        """
        return tuple(chosen(self.systems, systems, where, place=self.path))

    def windows(  # noqa: PLR0913  # the public door of training scripts: all of it by keyword, flat, as they write it
        self,
        *,
        granularity: str | Sequence[str],
        split: str | None,
        context: Length,
        horizon: Length,
        batch_size: int,
        seed: int = 0,
        epoch: int = 0,
        rank: int = 0,
        ranks: int = 1,
        stride: Length = 1,
        systems: Iterable[str] | Mapping[str, object] | None = None,
        where: str | None = None,
        variables: Sequence[str] | None = None,
        weights: Weights | None = None,
        draws: int | None = None,
        shuffle: str = "global",
        mixing: int = MIXED,
        buckets: str | None = None,
        uneven: str | None = None,
        drop_last: bool = False,
        dtype: Any = None,
        metadata: Sequence[str] = (),
        on_error: str = "raise",
        transforms: Sequence[Transform | Prepared] = (),
    ) -> Windows:
        """Every window of the chosen trajectories once, in an order that (seed, epoch) decides, as batches.

        Trajectories that did not reach their last sample are left out.

        Args:
            granularity: a name; or several: samples are counted in the first, the others come in `batch.others`, over the same time.
            split: "train", "validation" or "test"; None for all.
            context, horizon: what a model is given, and what it should answer; a window is both. In samples, or as {"periods": 4},
                {"lyapunov_times": 2} or {"time": 1.5}; context="whole" is all of a trajectory but the horizon.
            stride: from the beginning of one window of a trajectory to the next, likewise.
            systems, where: which systems; see `select`.
            variables: names, in the order that they shall have; None for all.
            weights: None: each window once an epoch. "systems": as many draws of each system. {system: number}: its share of the draws,
                beside 1 for those not named. {system: array}: a weight for each of its trajectories, beside 1. Or a function of the epoch
                that gives one of these.
            draws: windows an epoch; None: as many as there are.
            shuffle: "global", "blocks" (trajectories in random order, the windows of `mixing` of them shuffled together) or "none".
            buckets: "dimension": each batch holds systems of one dimension, so that nothing is padded.
            uneven: how the last round of batches ends: "keep" (a partial batch; one rank's default), "drop" (the default of several ranks),
                "pad" (rows with an all-False mask and index -1) or "wrap" (windows from the epoch's beginning).
            drop_last: the same as uneven="drop".
            dtype: "float32", "float64" or "bfloat16"; None: the store's.
            metadata: what comes in `batch.metadata`, a row for each window: "parameters", "initial", "start_time", "time", "dt",
                "dimension", "period", "lyapunov_time", "lyapunov_exponent", or an annotated invariant.
            on_error: of a damaged shard: "raise", or "skip" to leave its windows out, counted in `batch.left_out`.
            transforms: what is done to each batch, in this order: functions (batch, chance) -> batch, such as those of
                `attractory.loader.transforms`.
        Raises:
            StoreError: no such system, granularity or split in this store, or no trajectory in it.
            RequestError: sizes that make no window or no batch, weights or lengths that have no meaning.
        """
        part = share(
            whole_number("batch_size", batch_size, least=1),
            rank=whole_number("rank", rank, least=0),
            ranks=whole_number("ranks", ranks, least=1),
            uneven=uneven,
            drop_last=drop_last,
        )
        request = Request(
            granularities=_listed("granularity", granularity),
            split=split,
            context=span("context", context, least=1),
            horizon=span("horizon", horizon, least=0),
            stride=span("stride", stride, least=1),
            variables=None if variables is None else _listed("variables", variables),
            dtype=checked_dtype(dtype),
            metadata=tuple(metadata),
            narrow=_one_of("buckets", buckets, (None, "dimension")) is not None,
            skips=_one_of("on_error", on_error, ON_ERROR) == "skip",
            transforms=tuple(transforms),
        )
        found = self._chosen(systems, where)
        source, table, found = source_of(found, request, cache=self._cache, place=self.path, checks=self._checks)
        plan = EpochPlan(
            table,
            self._sampling(found, weights, draws),
            shuffle=checked_shuffle(shuffle),
            mixing=whole_number("mixing", mixing, least=1),
            rows=found.rows(request.granularities[0]),
            buckets=source.reading.gathering.dimensions if request.narrow else None,
        )
        windows = Windows(source, plan, part, Place(whole_number("seed", seed), whole_number("epoch", epoch)))
        if not len(windows):
            message = (
                f"{windows.window_count or len(table)} windows do not fill one round of {part.ranks} rank(s) x {part.batch_size}, and "
                "uneven='drop' leaves out what does not. Choose a smaller batch_size, or uneven='pad' or 'wrap'."
            )
            raise RequestError(message)
        return windows

    def lightning(self, *, workers: int = 0, **settings: Any) -> WindowsModule:
        """A LightningDataModule of windows of all splits, with `workers` processes of a DataLoader; `settings` are those of windows().

        Raises:
            RequestError: lightning is not installed.
        """
        try:
            from attractory.loader.lightning_windows import WindowsModule
        except ImportError as error:
            message = f"dataset.lightning() needs lightning, which is not installed ({error}). Install attractory[lightning]."
            raise RequestError(message) from error
        return WindowsModule(self, settings, workers=workers)

    def to_xarray(self) -> xarray.DataTree:
        """The whole store as a lazy xarray.DataTree.

        Raises:
            MissingExtraError: xarray is not installed.
            RequestError: there are several stores.
        """
        store = self._one("to_xarray()")
        try:
            import xarray
        except ModuleNotFoundError as error:
            raise MissingExtraError("Dataset.to_xarray", "xarray") from error
        options = getattr(store.files, "storage_options", None) or None
        return xarray.open_datatree(store.path, engine="zarr", storage_options=options)

    @cached_property
    def _joined(self) -> dict[str, tuple[int, StoredSystem]]:
        return joined(self._stores)

    def _one(self, what: str) -> Store:
        if len(self._stores) > 1:
            message = f"{what} of {len(self._stores)} stores together: ask one of them, dataset.stores[0].{what}."
            raise RequestError(message)
        return self._stores[0]

    def _chosen(self, systems: Iterable[str] | Mapping[str, object] | None, where: str | None) -> Chosen:
        names = chosen(self.systems, systems, where, place=self.path)
        explicit = systems is not None or where is not None
        guards = tuple(store.guard for store in self._stores)
        return Chosen(names, tuple(self._joined[name][0] for name in names), guards, is_explicit=explicit)

    def _sampling(self, found: Chosen, weights: Weights | None, draws: int | None) -> Sampling:
        return Sampling(
            names=tuple(found.systems),
            weights=weights,
            draws=None if draws is None else whole_number("draws", draws, least=1),
            stores=found.stores,
            store_weights=self._weights,
            trajectories=tuple(system.trajectories for system in found.systems.values()),
        )


def _store_weights(weights: Sequence[float] | None, stores: int) -> tuple[float, ...] | None:
    if weights is None:
        return None
    found = tuple(map(float, weights))
    if len(found) != stores or not all(np.isfinite(found)) or min(found) < 0 or not sum(found):
        message = f"weights={list(weights)!r}: expected a number for each of the {stores} stores, none below zero and not all zero."
        raise RequestError(message)
    return found


def _bytes(name: str, value: int | str) -> int:
    """A number of bytes, of a number or of a text such as "8GB" or "512 MiB"."""
    if not isinstance(value, str):
        return whole_number(name, value, least=0)
    parts = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)\s*", value)
    if parts is None or parts[2].upper() not in UNITS:
        message = f"{name}={value!r}: expected a number of bytes, or a text such as '8GB'."
        raise RequestError(message)
    return int(float(parts[1]) * UNITS[parts[2].upper()])


def _listed(name: str, value: str | Sequence[str]) -> tuple[str, ...]:
    found = (value,) if isinstance(value, str) else tuple(value)
    if not found or len(set(found)) < len(found):
        message = f"{name}={value!r}: expected at least one name, and none twice."
        raise RequestError(message)
    return found


def _one_of(name: str, value: str | None, valid: Sequence[str | None]) -> str | None:
    if value not in valid:
        message = f"{name}={value!r} is none of {', '.join(map(repr, valid))}."
        raise RequestError(message)
    return value
