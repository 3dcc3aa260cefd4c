"""What the metadata of a store say: the records of its systems and granularities, read once when the store is opened."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from attractory import layout
from attractory.errors import DamageError, StoreError, nearest
from attractory.layout import SPLITS, Status
from attractory.loader.arrays import StoredArray, array_layout
from attractory.loader.files import Files

Documents = Mapping[str, Mapping[str, Any]]  # path of a group or array -> its zarr.json


@dataclass(frozen=True)
class StoredGranularity:
    """One granularity of one system: how it was sampled, and its arrays."""

    name: str
    attributes: Mapping[str, Any]
    state: StoredArray  # (trajectory, time, variable)
    time: StoredArray  # (time,), in the system's units; (trajectory, time) where the sampling is irregular
    observed: StoredArray | None = None  # (trajectory, time, observed variable) of a dataset that has it; `whole()` reads it

    @property
    def dt(self) -> float | None:
        """Time between samples (maps: iterates); None where the sampling is irregular."""
        return self.attributes.get(layout.DT)

    @property
    def is_irregular(self) -> bool:
        """Whether each trajectory has times of its own: crossings of a section, or times that were drawn."""
        return len(self.time.shape) == 2

    @property
    def section(self) -> Mapping[str, Any] | None:
        """The section that the samples are crossings of, as the recipe says it; None for other sampling."""
        return self.attributes.get(layout.SECTION)

    @property
    def drawn(self) -> Mapping[str, Any] | None:
        """How each trajectory's times were drawn, as `layout.DrawnTimes` names it; None where they were not."""
        return self.attributes.get(layout.TIMES)

    @property
    def samples(self) -> int:
        """Samples of a trajectory."""
        return self.state.shape[1]

    @property
    def samples_per_period(self) -> float | None:
        return self.attributes.get(layout.SAMPLES_PER_PERIOD)

    @property
    def samples_per_lyapunov_time(self) -> float | None:
        return self.attributes.get(layout.SAMPLES_PER_LYAPUNOV_TIME)


@dataclass(frozen=True)
class StoredSystem:
    """One system of a store: its annotations, and the arrays that every granularity shares."""

    code: int  # its place in `Dataset.system_names`, and the number in `Batch.system`
    name: str
    attributes: Mapping[str, Any]
    arrays: Mapping[str, StoredArray]
    granularities: Mapping[str, StoredGranularity]
    certificate: Mapping[str, Any]  # attributes of `accurate_until`: how it was found, in Lyapunov times too; empty where there is none

    @property
    def kind(self) -> str:
        return str(self.attributes[layout.KIND])

    @property
    def variables(self) -> tuple[str, ...]:
        return tuple(self.attributes[layout.VARIABLES])

    @property
    def dimension(self) -> int:
        return len(self.variables)

    @property
    def wrap(self) -> Mapping[str, tuple[float, float]]:
        """The range [low, high) of each variable that is a coordinate on a circle: its sine and cosine are what has no jump."""
        return {name: (low, high) for name, (low, high) in (self.attributes.get(layout.WRAP) or {}).items()}

    @property
    def equations(self) -> Mapping[str, str]:
        return dict(self.attributes.get(layout.EQUATIONS) or {})

    @property
    def parameters(self) -> Mapping[str, float]:
        """Catalogued value of each parameter; `array("parameters")` has each trajectory's own."""
        values = self.attributes.get(layout.PARAMETER_VALUES, {})
        if isinstance(values, Mapping):
            return values
        return dict(zip(self.attributes[layout.PARAMETERS], values, strict=True))

    @property
    def invariants(self) -> Mapping[str, Any]:
        """Annotations of the catalog: name -> {value, standard_error, method, settings, …}."""
        return self.attributes.get(layout.INVARIANTS) or {}

    @property
    def reference(self) -> Mapping[str, Any]:
        return self.attributes.get(layout.REFERENCE) or {}

    @property
    def tags(self) -> tuple[str, ...]:
        return tuple(self.attributes.get(layout.TAGS) or ())

    @property
    def behaviour(self) -> str | None:
        return self.attributes.get(layout.BEHAVIOUR)

    @property
    def period(self) -> float | None:
        """In the system's time units; None where the catalog gives none."""
        return self.attributes.get(layout.PERIOD)

    @property
    def lyapunov_time(self) -> float | None:
        """In the system's time units; None where the leading exponent is not above zero."""
        return self.attributes.get(layout.LYAPUNOV_TIME)

    @property
    def trajectories(self) -> int:
        return self.arrays[layout.SPLIT].shape[0]

    @cached_property
    def split(self) -> np.ndarray:
        """Split of each trajectory (trajectory,), int8: its place in `layout.SPLITS`."""
        return self.array(layout.SPLIT)

    @cached_property
    def accurate_until(self) -> np.ndarray:
        """Time (trajectory,) until which every stored sample is the true solution; NaN where that is not known."""
        known = layout.ACCURATE_UNTIL in self.arrays
        return self.array(layout.ACCURATE_UNTIL) if known else np.full(self.trajectories, np.nan)

    @cached_property
    def status(self) -> np.ndarray:
        """How each trajectory ended (trajectory,), int8: a `layout.Status`."""
        return self.array(layout.STATUS)

    def array(self, name: str) -> np.ndarray:
        """One of `initial`, `parameters`, `start_time`, `split`, `status`, read whole; of drawn parameters also `parameter_set` and
        `parameter_draws`, of a certified store `accurate_until` and `certificate`."""
        if name not in self.arrays:
            message = f"{self.name} has no array {name!r}"
            raise unknown(message, name, self.arrays)
        return self.arrays[name].whole()

    def selected(self, split: str | None) -> np.ndarray:
        """Numbers of the trajectories of a split (None: of all) that reached their last sample: int64, ascending."""
        finished = self.status == Status.OK
        if split is not None:
            finished &= self.split == SPLITS.index(split)
        return np.flatnonzero(finished)


@dataclass(frozen=True)
class StoreMetadata:
    """Everything that is read when a store is opened."""

    attributes: Mapping[str, Any]
    systems: Mapping[str, StoredSystem]


def read_metadata(files: Files, *, verify: bool) -> StoreMetadata:
    """The records of a finished store of this format.

    Args:
        verify: give each shard's digest to the arrays, which then check it before they use the shard.
    Raises:
        StoreError: no such place, not a store, unfinished, or of another format version.
    """
    with _no_collection():
        return _read_metadata(files, verify=verify)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Python does not look for garbage meanwhile: of the hundreds of thousands of small objects of a large store's metadata none is any,
    and looking through them again and again takes as long as reading them does."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _read_metadata(files: Files, *, verify: bool) -> StoreMetadata:
    root = _root(files)
    consolidated = (root.get("consolidated_metadata") or {}).get("metadata")
    documents = consolidated or _walk(files)
    groups = sorted(path for path, document in documents.items() if "/" not in path and document["node_type"] == "group")
    parts: dict[str, dict[str, Mapping[str, Any]]] = {}  # the documents of each system, so that none is looked at for another
    for path, document in documents.items():
        parts.setdefault(path.partition("/")[0], {})[path] = document
    systems = {name: _system(files, parts[name], name, code=code, verify=verify) for code, name in enumerate(groups)}
    return StoreMetadata(attributes=root["attributes"], systems=systems)


def unknown(message: str, name: str, valid: Iterable[str]) -> StoreError:
    """The error for a name that a store does not have."""
    choices = list(valid)
    return StoreError(f"{message}; there is {', '.join(choices) or 'nothing'}.{nearest(name, choices)}")


def _root(files: Files) -> Mapping[str, Any]:
    """zarr.json of the root, after the checks that tell a usable store from anything else."""
    found = files.read(["zarr.json"])[0]
    if found is None:
        raise StoreError(_not_a_store(files))
    root = _json(files, "zarr.json", found)
    attributes = root.get("attributes", {})
    version, place = attributes.get(layout.FORMAT), files.name("")
    if root.get("node_type") != "group" or version is None:
        message = f"{place} is a zarr {root.get('node_type')}, but not a store of Attractory: it has no attribute {layout.FORMAT!r}."
        raise StoreError(message)
    if version != layout.FORMAT_VERSION:
        message = f"{place} is written in format {version}; this version of attractory reads format {layout.FORMAT_VERSION}."
        raise StoreError(message + " Install the version that wrote it, or generate it again with this one.")
    if layout.MANIFEST_DIGEST not in attributes:
        message = f"{place} is not finished: it has no attribute {layout.MANIFEST_DIGEST!r}."
        raise StoreError(message + " Run the same `attractory generate` again: it goes on from there.")
    return root


def _not_a_store(files: Files) -> str:
    place = files.name("")
    inside = [name for name in files.folders("") if name.endswith(".zarr")]
    hint = f"Did you mean {files.name(inside[0])!r}?" if inside else "Expected a folder that `attractory generate` wrote."
    return f"{place} is not a store: there is no zarr.json in it. {hint}"


def _json(files: Files, path: str, found: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(found)
    except ValueError as error:
        message = f"{files.name(path)}: damaged: it is not JSON: {error}"
        raise DamageError(message) from error
    if not isinstance(document, dict):
        message = f"{files.name(path)}: damaged: it is not a JSON object"
        raise DamageError(message)
    return document


def _walk(files: Files) -> Documents:
    """zarr.json of every group and array, level by level, where the root does not hold them all."""
    documents: dict[str, Mapping[str, Any]] = {}
    level = [""]
    while level:
        paths = [f"{group}/{name}".lstrip("/") for group in level for name in files.folders(group)]
        found = files.read([f"{path}/zarr.json" for path in paths])
        fresh = {path: _json(files, f"{path}/zarr.json", data) for path, data in zip(paths, found, strict=True) if data is not None}
        documents.update(fresh)
        level = [path for path, document in fresh.items() if document.get("node_type") == "group"]
    return documents


def _system(files: Files, documents: Documents, name: str, *, code: int, verify: bool) -> StoredSystem:
    arrays = {
        array: StoredArray(files, array_layout(f"{name}/{array}", _document(files, documents, f"{name}/{array}")))
        for array in (*layout.SYSTEM_ARRAYS, *(array for array in _OPTIONAL if f"{name}/{array}" in documents))
    }
    below = [path.split("/")[1] for path, document in documents.items() if _is_granularity(path, document, name)]
    return StoredSystem(
        code=code,
        name=name,
        attributes=_document(files, documents, name).get("attributes", {}),
        arrays=arrays,
        granularities={part: _granularity(files, documents, f"{name}/{part}", verify=verify) for part in sorted(below)},
        certificate=documents.get(f"{name}/{layout.ACCURATE_UNTIL}", {}).get("attributes", {}),
    )


_OPTIONAL = (*layout.FAMILY_ARRAYS, *layout.OBSERVATION_ARRAYS, *layout.CERTIFICATE_ARRAYS)


def _is_granularity(path: str, document: Mapping[str, Any], system: str) -> bool:
    return path.count("/") == 1 and path.startswith(f"{system}/") and document["node_type"] == "group"


def _granularity(files: Files, documents: Documents, path: str, *, verify: bool) -> StoredGranularity:
    state, time, digest = (
        StoredArray(files, array_layout(f"{path}/{name}", _document(files, documents, f"{path}/{name}")))
        for name in (layout.STATE, layout.TIME, layout.DIGEST)
    )
    state.digests = digest if verify else None
    if verify and len(time.shape) == 2:
        name = f"{path}/{layout.TIME_DIGEST}"
        time.digests = StoredArray(files, array_layout(name, _document(files, documents, name)))
    attributes = _document(files, documents, path).get("attributes", {})
    observed = _observed(files, documents, path, verify=verify)
    return StoredGranularity(name=path.split("/")[1], attributes=attributes, state=state, time=time, observed=observed)


def _observed(files: Files, documents: Documents, path: str, *, verify: bool) -> StoredArray | None:
    if f"{path}/{layout.OBSERVED}" not in documents:
        return None
    names = (f"{path}/{name}" for name in (layout.OBSERVED, layout.OBSERVED_DIGEST))
    array, digest = (StoredArray(files, array_layout(name, _document(files, documents, name))) for name in names)
    array.digests = digest if verify else None
    return array


def _document(files: Files, documents: Documents, path: str) -> Mapping[str, Any]:
    if path not in documents:
        message = f"{files.name(path)}/zarr.json: the file is missing. The store is incomplete: run `attractory verify`, or copy it again."
        raise DamageError(message)
    return documents[path]
