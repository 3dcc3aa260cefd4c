"""All that is known of a store before a single number is: its metadata, its time axes, its splits. Written once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from attractory import layout
from attractory.store import documents
from attractory.store.begun import ROOT as ROOT
from attractory.store.begun import root_text, write_record
from attractory.store.files import RUN_FOLDER, Place, document, partial_folder, rows_folder, sizes, write_all, write_new
from attractory.store.plan import GridPlan, ShardShape, StorePlan, SystemPlan, shard_shape


def create(store: Place, plan: StorePlan) -> None:
    """Write the template of an unfinished store; the root's document comes last, and makes it one of ours.

    May be called again after a kill, or by several at once: the same plan writes the same bytes, and a root's document that is there stays.
    """
    rows_folder(store).mkdir(parents=True, exist_ok=True)
    partial_folder(store).mkdir(exist_ok=True)
    files, root = template_files(plan), root_text(plan)
    write_all(store, dict(sorted(files.items())))
    write_record(store, {**files, ROOT: root})
    write_new(store / ROOT, root, partial=partial_folder(store))


def strangers(store: Place, plan: StorePlan) -> list[str]:
    """Files of a store without a root's document that its template would not write; nothing half-written is one."""
    ours = template_files(plan)
    rows = f"{RUN_FOLDER}/rows"
    return sorted(path for path in sizes(store) if path not in ours and (path.startswith(rows) or not path.startswith(RUN_FOLDER)))


def template_files(plan: StorePlan) -> dict[str, bytes]:
    """Path of each file below the root's document -> its bytes."""
    return {**{f"{path}/{ROOT}": document(value) for path, value in member_documents(plan).items()}, **known_arrays(plan)}


def member_documents(plan: StorePlan) -> dict[str, dict[str, Any]]:
    """Path of each group and array below the root -> its metadata document."""
    found: dict[str, dict[str, Any]] = {}
    for system in plan.systems:
        found[system.name] = documents.group_document(system.attributes)
        found.update({f"{system.name}/{name}": value for name, value in _system_documents(system).items()})
        for grid in system.grids:
            found[f"{system.name}/{grid.name}"] = documents.group_document(grid.attributes)
            found.update({f"{system.name}/{grid.name}/{name}": value for name, value in _grid_documents(plan, system, grid).items()})
    return found


def known_arrays(plan: StorePlan) -> dict[str, bytes]:
    """Path of each chunk file that follows from the plan alone (time axes, splits, numbers of parameter sets) -> its bytes."""
    found = {}
    for system in plan.systems:
        found[small_path(system.name, layout.SPLIT)] = system.split_codes().tobytes()
        if system.sets is not None:
            numbers = system.sets.of(np.arange(system.trajectories))
            found[small_path(system.name, layout.PARAMETER_SET)] = numbers.astype("<i8").tobytes()
        for grid in system.grids:
            if not grid.is_irregular:
                found[small_path(f"{system.name}/{grid.name}", layout.TIME)] = time_axis(grid).astype("<f8").tobytes()
    return found


def time_axis(grid: GridPlan) -> np.ndarray:
    """Time of each sample of a regular granularity after sample 0, float64 (time,): k dt, never a running sum."""
    return np.arange(grid.samples, dtype=np.float64) * float(grid.dt or 0.0)


def small_path(group: str, array: str) -> str:
    """The one chunk file of a small array."""
    return f"{group}/{array}/c/" + "/".join("0" for _ in _DIMENSIONS[array])


def cut_of(plan: StorePlan, system: SystemPlan, grid: GridPlan) -> ShardShape:
    return shard_shape(plan.shard_trajectories, samples=grid.samples, variables=len(system.variables), itemsize=plan.itemsize)


def cut_of_observed(plan: StorePlan, system: SystemPlan, grid: GridPlan) -> ShardShape:
    return shard_shape(plan.shard_trajectories, samples=grid.samples, variables=len(system.observed), itemsize=plan.itemsize)


def cut_of_times(plan: StorePlan, grid: GridPlan) -> ShardShape:
    """As `cut_of`, of an irregular granularity's times, which are cut as if they were one variable."""
    return shard_shape(plan.shard_trajectories, samples=grid.samples, variables=1, itemsize=8)


_DIMENSIONS = {
    layout.INITIAL: ("trajectory", "variable"),
    layout.PARAMETER_ARRAY: ("trajectory", "parameter"),
    layout.START_TIME: ("trajectory",),
    layout.SPLIT: ("trajectory",),
    layout.STATUS: ("trajectory",),
    layout.PARAMETER_SET: ("trajectory",),
    layout.PARAMETER_DRAWS: ("trajectory",),
    layout.TIME: ("time",),
    layout.DIGEST: ("shard", "byte"),
    layout.TIME_DIGEST: ("shard", "byte"),
    layout.OBSERVED_DIGEST: ("shard", "byte"),
    layout.OBSERVATION_NOISE: ("trajectory", "observed_variable"),
}


def _system_documents(system: SystemPlan) -> dict[str, dict[str, Any]]:
    count = system.trajectories
    statuses = {
        "flag_values": [int(status) for status in layout.Status],
        "flag_meanings": " ".join(status.name.lower() for status in layout.Status),
    }
    splits = {"flag_values": list(range(len(layout.SPLITS))), "flag_meanings": " ".join(layout.SPLITS)}
    number = {"units": "1"}
    return {
        layout.INITIAL: _small(layout.INITIAL, (count, len(system.variables)), "float64", {**number, "long_name": "state at sample 0"}),
        layout.PARAMETER_ARRAY: _small(layout.PARAMETER_ARRAY, (count, len(system.parameters)), "float64", number),
        layout.START_TIME: _small(layout.START_TIME, (count,), "float64", {**number, "long_name": "the system's own t at sample 0"}),
        layout.SPLIT: _small(layout.SPLIT, (count,), "int8", splits),
        layout.STATUS: _small(layout.STATUS, (count,), "int8", statuses),
        **(_family_documents(count) if system.sets is not None else {}),
        **(_observation_documents(system) if system.observed else {}),
    }


def _observation_documents(system: SystemPlan) -> dict[str, dict[str, Any]]:
    about = {"units": "1", "long_name": "standard deviation of the noise on each observed variable"}
    shape = (system.trajectories, len(system.observed))
    return {layout.OBSERVATION_NOISE: _small(layout.OBSERVATION_NOISE, shape, "float64", about)}


def _family_documents(count: int) -> dict[str, dict[str, Any]]:
    number = {"units": "1", "long_name": "number of the parameter set of each trajectory"}
    draws = {"units": "1", "long_name": "draws that the parameter set of each trajectory took"}
    return {
        layout.PARAMETER_SET: _small(layout.PARAMETER_SET, (count,), "int64", number),
        layout.PARAMETER_DRAWS: _small(layout.PARAMETER_DRAWS, (count,), "int16", draws),
    }


def _grid_documents(plan: StorePlan, system: SystemPlan, grid: GridPlan) -> dict[str, dict[str, Any]]:
    shape = (system.trajectories, grid.samples, len(system.variables))
    unit = "iterates" if system.attributes.get(layout.KIND) == "map" else "time units of the system"
    digests = (plan.shards(system), 32)
    found = {
        layout.STATE: documents.state_document(shape, dtype=plan.dtype, cut=cut_of(plan, system, grid), attributes={"units": "1"}),
        layout.DIGEST: _small(layout.DIGEST, digests, "uint8", {"long_name": "SHA-256 of each shard file of state"}),
    }
    if system.observed:
        found |= _observed_documents(plan, system, grid)
    if not grid.is_irregular:
        return found | {layout.TIME: _small(layout.TIME, (grid.samples,), "float64", {"units": "1", "long_name": f"{unit} after sample 0"})}
    about = {"units": "1", "long_name": f"{unit} after `initial`"}
    return found | {
        layout.TIME: documents.times_document(shape[:2], cut=cut_of_times(plan, grid), attributes=about),
        layout.TIME_DIGEST: _small(layout.TIME_DIGEST, digests, "uint8", {"long_name": "SHA-256 of each shard file of time"}),
    }


def _observed_documents(plan: StorePlan, system: SystemPlan, grid: GridPlan) -> dict[str, dict[str, Any]]:
    shape = (system.trajectories, grid.samples, len(system.observed))
    about = {"units": "1", "long_name": f"{', '.join(system.observed)} as observed"}
    found = documents.state_document(shape, dtype=plan.dtype, cut=cut_of_observed(plan, system, grid), attributes=about)
    found["dimension_names"] = ["trajectory", "time", "observed_variable"]
    digests = {"long_name": "SHA-256 of each shard file of observed"}
    return {layout.OBSERVED: found, layout.OBSERVED_DIGEST: _small(layout.OBSERVED_DIGEST, (plan.shards(system), 32), "uint8", digests)}


def _small(name: str, shape: tuple[int, ...], dtype: str, attributes: Mapping[str, Any]) -> dict[str, Any]:
    fill = "NaN" if dtype == "float64" else 0
    return documents.small_array_document(shape, dtype=dtype, dimensions=_DIMENSIONS[name], attributes=attributes, fill=fill)
