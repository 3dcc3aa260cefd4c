"""The same trajectories in the HDF5 layout of The Well: `the_well/<System>/<granularity>/data/<train, valid or test>/`.

A variable is a scalar field on a grid of one point, a parameter a scalar that does not change in time. The layout has no word for a
trajectory that ended early, so it holds those alone that reached their last sample. Source: https://polymathic-ai.org/the_well/data_format/
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from attractory import layout
from attractory.errors import MissingExtraError
from attractory.stages.publish.tables import FILE_BYTES, split_rows
from attractory.stages.validate.stored import StoredGranularity, StoredSystem

SPLITS = dict(zip(layout.SPLITS, ("train", "valid", "test"), strict=True))
_POINT = "point"


@dataclass(frozen=True)
class WellFile:
    """One HDF5 file: its path in the version, and which trajectories it holds."""

    path: str
    stored: StoredSystem
    granularity: StoredGranularity
    rows: npt.NDArray[np.intp]


def check_hdf5() -> None:
    """Nothing, where HDF5 can be written.

    Raises: MissingExtraError.
    """
    try:
        import h5py  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("HDF5 in The Well's layout", "h5py", extra="hdf5") from error


def well_files(stored: StoredSystem, granularity: StoredGranularity) -> Iterator[WellFile]:
    """The files of a granularity, of some 500 MB each."""
    folder = f"the_well/{stored.name}/{granularity.name}/data"
    row_bytes = int(np.prod(granularity.state.shape[1:])) * granularity.state.dtype.itemsize
    for split, every in split_rows(stored):
        rows = every[stored.good[every]]
        for number, part in enumerate(np.array_split(rows, max(1, -(-len(rows) * row_bytes // FILE_BYTES)))):
            if len(part):
                yield WellFile(f"{folder}/{SPLITS[split]}/{stored.name}_{granularity.name}_{number}.hdf5", stored, granularity, part)


def write_well(file: BinaryIO, well: WellFile) -> None:
    """Writes one HDF5 file to an open, seekable file."""
    import h5py

    stored, states = well.stored, np.concatenate([well.granularity.read(int(row))[None] for row in well.rows])
    parameters = stored.system.definition.parameters
    with h5py.File(file, "w", track_order=True) as root:
        root.attrs.update(
            dataset_name=f"{stored.name}_{well.granularity.name}",
            grid_type="cartesian",
            n_spatial_dims=1,
            n_trajectories=len(well.rows),
            simulation_parameters=list(parameters),
        )
        for name, value in zip(parameters, stored.system.definition.values, strict=True):
            root.attrs[name] = value
        _write_dimensions(root, well)
        _write_boundary(root)
        scalars = _group(root, "scalars", parameters)
        for place, name in enumerate(parameters):
            _array(scalars, name, stored.parameters[well.rows, place], sample_varying=True, time_varying=False)
        fields = _group(root, "t0_fields", stored.system.variables)
        for place, name in enumerate(stored.system.variables):
            field = _array(fields, name, states[:, :, place, None], sample_varying=True, time_varying=True)
            field.attrs["dim_varying"] = [True]
        for rank in (1, 2):
            _group(root, f"t{rank}_fields", ())


def statistics(stored: StoredSystem, granularity: StoredGranularity) -> str:
    """`stats.yaml` (JSON is YAML): mean, deviation and root mean square of each variable and of its steps, over training trajectories."""
    rows = np.flatnonzero((stored.split == 0) & stored.good)
    found: dict[str, dict[str, float]] = {}
    for place, name in enumerate(stored.system.variables):
        sums = [_sums(granularity.read(int(row))[:, place].astype(np.float64)) for row in rows]
        for suffix, (count, total, squares) in zip(("", "_delta"), np.sum(sums, axis=0) if sums else np.zeros((2, 3)), strict=True):
            mean, square = (total / count, squares / count) if count else (0.0, 0.0)
            values = {"mean": mean, "std": float(np.sqrt(max(square - mean * mean, 0.0))), "rms": float(np.sqrt(square))}
            for key, value in values.items():
                found.setdefault(f"{key}{suffix}", {})[name] = float(value)
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


def _sums(values: npt.NDArray[np.float64]) -> list[list[float]]:
    """(count, sum, sum of squares) of the values and of their steps."""
    return [[len(part), float(part.sum()), float(np.sum(part * part))] for part in (values, np.diff(values))]


def _write_dimensions(root: Any, well: WellFile) -> None:
    dimensions = root.create_group("dimensions")
    dimensions.attrs["spatial_dims"] = [_POINT]
    own = well.granularity.is_irregular
    times = well.granularity.time[well.rows] if own else well.granularity.times_of(0)
    _array(dimensions, "time", times, sample_varying=own, time_varying=True)
    _array(dimensions, _POINT, np.zeros(1, np.float32), sample_varying=False, time_varying=False)


def _write_boundary(root: Any) -> None:
    """The one point has no neighbour: an open boundary."""
    group = root.create_group("boundary_conditions").create_group(f"{_POINT}_open")
    group.attrs.update(associated_dims=[_POINT], associated_fields=[], bc_type="OPEN", sample_varying=False, time_varying=False)
    group["mask"] = np.ones(1, dtype=bool)


def _group(root: Any, name: str, fields: Any) -> Any:
    group = root.create_group(name)
    group.attrs["field_names"] = list(fields)
    return group


def _array(group: Any, name: str, values: npt.NDArray[Any], **varying: bool) -> Any:
    group[name] = values
    group[name].attrs.update(varying)
    return group[name]
