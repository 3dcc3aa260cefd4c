"""A finished store as records: what every check reads. The systems come from the store itself, so a stranger's store needs no catalog."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import zarr

from attractory import layout
from attractory.catalog.record import SystemRecord
from attractory.errors import AttractoryError, DamageError, StoreError, UnreachableError
from attractory.expressions.system import System
from attractory.integrate.starts import Box
from attractory.stages.validate.decoding import shard_rows
from attractory.store import contents, finished_document
from attractory.store.files import Place, place_of
from attractory.store.objects import ObjectPath
from attractory.store.zarr_objects import zarr_objects

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int8]

# What zarr and its codecs raise on a chunk that is cut short, altered or missing.
READ_ERRORS = (OSError, ValueError, RuntimeError, KeyError, TypeError, BufferError)


@dataclass(frozen=True)
class StoredGranularity:
    """One granularity of one system; `state` is read on demand. time: (time,), or (trajectory, time) of an irregular granularity.

    observed: (trajectory, time, observed variable), read on demand, where the recipe asks for it.
    """

    name: str
    state: zarr.Array[Any]
    time: FloatArray
    attributes: Mapping[str, Any]
    observed: zarr.Array[Any] | None = None

    @property
    def dt(self) -> float:
        """Time between two samples of a regular granularity."""
        return float(self.attributes[layout.DT])

    @property
    def is_irregular(self) -> bool:
        return layout.DT not in self.attributes

    @property
    def is_section(self) -> bool:
        return layout.SECTION in self.attributes

    @property
    def drawn(self) -> layout.DrawnTimes | None:
        """How the times of each trajectory were drawn; None where they were not.

        Raises: StoreError where the attribute says nothing that can be drawn.
        """
        told = self.attributes.get(layout.TIMES)
        if told is None:
            return None
        try:
            return layout.DrawnTimes(str(told["drawn"]), float(told["spacing"]), float(told.get("part", 0.0)))
        except (TypeError, KeyError, ValueError) as error:
            message = f"{self.state.path}: the attribute {layout.TIMES!r} is {told!r}, expected drawn, spacing and part"
            raise StoreError(message) from error

    @property
    def samples(self) -> int:
        return int(self.state.shape[1])

    def times_of(self, row: int) -> FloatArray:
        """(time,) of one trajectory."""
        return np.asarray(self.time[row] if self.is_irregular else self.dt * np.arange(len(self.time)), np.float64)

    @property
    def rows_per_shard(self) -> int:
        shape = self.state.shards or self.state.chunks
        return int(shape[0])

    def shards(self) -> Iterator[slice]:
        """The trajectories of each shard."""
        trajectories = self.state.shape[0]
        for first in range(0, trajectories, self.rows_per_shard):
            yield slice(first, min(first + self.rows_per_shard, trajectories))

    def read(self, rows: slice | int, samples: slice = slice(None)) -> npt.NDArray[Any]:
        """Stored states.

        Raises: DamageError where they cannot be decoded.
        """
        if isinstance(rows, slice) and samples == slice(None):
            decoded = shard_rows(self.state, rows)
            if decoded is not None:
                return decoded
        try:
            return np.asarray(self.state[rows, samples])
        except READ_ERRORS as error:
            message = f"{self.state.path}: trajectories {rows} cannot be decoded: {error}"
            raise DamageError(message) from error


@dataclass(frozen=True)
class StoredSystem:
    """One system's group. Arrays: initial (trajectory, variable), parameters (trajectory, parameter), the others (trajectory,)."""

    name: str
    record: SystemRecord
    system: System
    attributes: Mapping[str, Any]
    initial: FloatArray
    parameters: FloatArray
    start_time: FloatArray
    split: IntArray
    status: IntArray
    granularities: tuple[StoredGranularity, ...]
    certified: Mapping[str, npt.NDArray[Any]]  # `accurate_until` and `certificate` (trajectory,), where the store was certified
    observation_noise: FloatArray | None = None  # (trajectory, observed variable), of observed systems
    sets: Mapping[str, IntArray] = field(default_factory=dict)  # `parameter_set` and `parameter_draws` (trajectory,), of drawn parameters

    @property
    def trajectories(self) -> int:
        return len(self.initial)

    @property
    def good(self) -> npt.NDArray[np.bool_]:
        """(trajectory,): those that reached their last sample."""
        return np.asarray(self.status == layout.Status.OK)

    @property
    def family(self) -> Mapping[str, Any] | None:
        """How the parameters were drawn; None where every trajectory has the entry's."""
        family: Mapping[str, Any] | None = self.attributes.get(layout.PARAMETER_FAMILY)
        return family

    @property
    def start_box(self) -> Box | None:
        """The box in which trajectories start before the transient; None where that is around the entry's state."""
        written = self.attributes.get(layout.START_BOX)
        return None if written is None else Box(tuple((name, low, high) for name, (low, high) in written["ranges"].items()))

    def system_of(self, row: int) -> System:
        """The system with one trajectory's parameters."""
        if self.family is None:
            return self.system
        names, values = self.system.definition.parameters, self.parameters[row].tolist()
        drawn = {name: value for name, value in zip(names, values, strict=True) if name in self.family["parameters"]}
        return self.system.with_parameters(**drawn)


@dataclass(frozen=True)
class StoredDataset:
    """The whole store, in a folder or at a URL; `unreadable` maps the systems whose metadata cannot be used to the reason."""

    path: Place
    attributes: Mapping[str, Any]
    systems: tuple[StoredSystem, ...]
    unreadable: Mapping[str, str]

    @property
    def recipe(self) -> Mapping[str, Any]:
        recipe: Mapping[str, Any] = self.attributes.get(layout.RECIPE, {})
        return recipe

    @property
    def name(self) -> str:
        return str(self.recipe.get("name", self.path.name.removesuffix(".zarr")))


def open_stored(path: str | Path | ObjectPath) -> StoredDataset:
    """The store at `path`, or at a URL.

    Raises:
        StoreError: there is none of this format version, or an unfinished one; each has its own sentence.
        DamageError: it is one whose root's document is lost.
    """
    path = place_of(path)
    _refuse_nothing(path)
    try:
        document = finished_document(path)
    except StoreError:
        contents(path)  # which tells a store whose root is damaged from what is none
        raise
    # Not the copy of the metadata inside the root: what lies in the groups is what is judged; that the two agree is a matter of digests.
    root = _root_group(path, document)
    systems, unreadable = [], {}
    # Names come from the root's document: listing the folder would stumble over the manifest, which is no part of the hierarchy.
    groups = _groups(document)
    for name, granularities in groups.items():
        try:
            systems.append(_read_system(name, root, granularities))
        except UnreachableError:
            raise
        except (*READ_ERRORS, AttractoryError) as error:
            unreadable[name] = f"{type(error).__name__}: {error}"
    return StoredDataset(path, document["attributes"], tuple(systems), unreadable)


def _root_group(path: Place, document: Mapping[str, Any]) -> zarr.Group:
    held = zarr_objects(path, document) if isinstance(path, ObjectPath) else str(path)
    return zarr.open_group(held, mode="r", zarr_format=3, use_consolidated=False)


def _refuse_nothing(path: Place) -> None:
    """Raises: StoreError where nothing lies at the path, or an empty folder. Of an object store, whoever reads its root says so."""
    if isinstance(path, ObjectPath):
        return
    if not path.exists():
        message = f"{path}: there is no store: nothing lies there. Make one with: attractory generate RECIPE"
        raise StoreError(message)
    if path.is_dir() and not any(path.iterdir()):
        message = f"{path}: there is no store: the folder is empty. Make one with: attractory generate RECIPE"
        raise StoreError(message)


def open_system(path: Place, name: str) -> StoredDataset:
    """The store at `path` with one of its systems alone, for a task that is about no other.

    Raises: what `open_stored` does, and whatever makes the system unreadable.
    """
    document = finished_document(path)
    root = _root_group(path, document)
    return StoredDataset(path, document["attributes"], (_read_system(name, root, _groups(document)[name]),), {})


def _groups(document: Mapping[str, Any]) -> dict[str, list[str]]:
    """Each system with its granularities, sorted by name."""
    members = document["consolidated_metadata"]["metadata"]
    groups = sorted(path for path, member in members.items() if member["node_type"] == "group")
    systems = [path for path in groups if "/" not in path]
    return {system: [path.partition("/")[2] for path in groups if path.startswith(f"{system}/")] for system in systems}


def _read_system(name: str, root: zarr.Group, granularities: list[str]) -> StoredSystem:
    group = _group(root, name)
    record = SystemRecord.from_mapping(group.attrs[layout.RECORD])  # type: ignore[arg-type]
    arrays = {key: np.asarray(_array(group, key)[...]) for key in layout.SYSTEM_ARRAYS}
    if not granularities:
        message = f"{name} has no granularity"
        raise StoreError(message)
    return StoredSystem(
        name=name,
        record=record,
        system=System.from_record(record),
        attributes=dict(group.attrs),
        initial=arrays[layout.INITIAL],
        parameters=arrays[layout.PARAMETER_ARRAY],
        start_time=arrays[layout.START_TIME],
        split=arrays[layout.SPLIT],
        status=arrays[layout.STATUS],
        granularities=tuple(_read_granularity(key, _group(group, key)) for key in granularities),
        certified=_read_certified(group),
        observation_noise=np.asarray(_array(group, layout.OBSERVATION_NOISE)[...]) if layout.OBSERVATION in group.attrs else None,
        sets={key: np.asarray(_array(group, key)[...]) for key in layout.FAMILY_ARRAYS if layout.PARAMETER_FAMILY in group.attrs},
    )


def _read_certified(group: zarr.Group) -> dict[str, npt.NDArray[Any]]:
    """Empty where a certificate is damaged: `verify` says so, `certify` makes it again, and neither the data nor their checks need it."""
    if layout.ACCURATE_UNTIL not in group:
        return {}
    try:
        return {key: np.asarray(_array(group, key)[...]) for key in layout.CERTIFICATE_ARRAYS}
    except READ_ERRORS:
        return {}


def _read_granularity(name: str, group: zarr.Group) -> StoredGranularity:
    time = np.asarray(_array(group, layout.TIME)[...])
    observed = _array(group, layout.OBSERVED) if layout.OBSERVED in group else None
    return StoredGranularity(name, _array(group, layout.STATE), time, dict(group.attrs), observed)


def _group(parent: zarr.Group, key: str) -> zarr.Group:
    member = parent[key]
    if not isinstance(member, zarr.Group):
        message = f"{parent.path}/{key} is an array, expected a group"
        raise StoreError(message)
    return member


def _array(group: zarr.Group, key: str) -> zarr.Array[Any]:
    member = group[key]
    if not isinstance(member, zarr.Array):
        message = f"{group.path}/{key} is a group, expected an array"
        raise StoreError(message)
    return member
