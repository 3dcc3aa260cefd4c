"""The same trajectories as Parquet, a row each, for those who read tables: `parquet/<System>/<granularity>/<split>.parquet`.

A split that is more than some 500 MB is several files, `<split>-00000-of-00003.parquet`. `parquet/systems.parquet` has a row for each
system.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from attractory import layout
from attractory.stages.validate.stored import StoredGranularity, StoredSystem

_ROW_GROUP_BYTES = 64 * 2**20  # what a reader holds at once
FILE_BYTES = 500_000_000  # of states before compression: few files, of a size that hubs take in one piece


def split_rows(stored: StoredSystem) -> Iterator[tuple[str, npt.NDArray[np.intp]]]:
    """Each split that has trajectories, with their indices."""
    for code, split in enumerate(layout.SPLITS):
        rows = np.flatnonzero(stored.split == code)
        if len(rows):
            yield split, rows


@dataclass(frozen=True)
class TableFile:
    """One file of the tables: its path in the version, and which trajectories it holds."""

    path: str
    split: str
    rows: npt.NDArray[np.intp]


def table_files(stored: StoredSystem, granularity: StoredGranularity) -> Iterator[TableFile]:
    """The files of a granularity, split by split, each with as many trajectories as are FILE_BYTES before compression."""
    per_file = max(1, FILE_BYTES // _row_bytes(granularity))
    for split, rows in split_rows(stored):
        count = -(-len(rows) // per_file)
        for number in range(count):
            name = split if count == 1 else f"{split}-{number:05d}-of-{count:05d}"
            path = f"parquet/{stored.name}/{granularity.name}/{name}.parquet"
            yield TableFile(path, split, rows[number * per_file : (number + 1) * per_file])


def _row_bytes(granularity: StoredGranularity) -> int:
    return int(np.prod(granularity.state.shape[1:])) * granularity.state.dtype.itemsize


def schema(stored: StoredSystem, granularity: StoredGranularity) -> pa.Schema:
    """Columns of one table; lists have fixed sizes, so that shapes survive. The names are in the metadata, and
    the time axis; trajectories with times of their own have a column of them, and certified ones one that says until when they are true."""
    _, samples, variables = granularity.state.shape
    number = pa.from_numpy_dtype(granularity.state.dtype)
    fields = [
        pa.field("trajectory", pa.int32(), nullable=False),
        pa.field("status", pa.int8(), nullable=False),
        pa.field("start_time", pa.float64(), nullable=False),
        pa.field("initial", pa.list_(pa.float64(), variables), nullable=False),
        pa.field("state", pa.list_(pa.list_(number, variables), samples), nullable=False),
    ]
    if granularity.is_irregular:
        fields.append(pa.field("time", pa.list_(pa.float64(), samples), nullable=False))
    if stored.parameters.shape[1]:
        fields.insert(3, pa.field("parameters", pa.list_(pa.float64(), stored.parameters.shape[1]), nullable=False))
    if stored.certified:
        fields += [pa.field(layout.ACCURATE_UNTIL, pa.float64()), pa.field(layout.CERTIFICATE, pa.int8(), nullable=False)]
    about = {
        "system": stored.name,
        "variables": list(stored.system.variables),
        "parameters": list(stored.system.definition.parameters),
        **{key: dict(granularity.attributes[key]) for key in (layout.SECTION, layout.TIMES) if key in granularity.attributes},
        **({} if granularity.is_irregular else {"dt": granularity.dt}),
    }
    return pa.schema(fields, metadata={"attractory": json.dumps(about)})


def write_table(file: Any, stored: StoredSystem, granularity: StoredGranularity, *, rows: npt.NDArray[np.intp]) -> None:
    """Writes the trajectories `rows` to an open file, some at a time."""
    columns = schema(stored, granularity)
    together = max(1, _ROW_GROUP_BYTES // _row_bytes(granularity))
    with pq.ParquetWriter(file, columns, compression="zstd", use_dictionary=False, write_statistics=True) as writer:
        for first in range(0, len(rows), together):
            writer.write_table(_table(stored, granularity, rows[first : first + together], columns))


def _table(stored: StoredSystem, granularity: StoredGranularity, rows: npt.NDArray[np.intp], columns: pa.Schema) -> pa.Table:
    # Splits are contiguous ranges of trajectories, so this reads few shards; where they are not, each row is still read once.
    contiguous = rows[-1] - rows[0] + 1 == len(rows)
    states = (
        granularity.read(slice(int(rows[0]), int(rows[-1]) + 1)) if contiguous else np.stack([granularity.read(int(row)) for row in rows])
    )
    arrays = {
        "trajectory": pa.array(rows.astype(np.int32)),
        "status": pa.array(stored.status[rows]),
        "start_time": pa.array(stored.start_time[rows]),
        "parameters": _lists(stored.parameters[rows]),
        "initial": _lists(stored.initial[rows]),
        "state": _lists(states),
        **({"time": _lists(granularity.time[rows])} if granularity.is_irregular else {}),
        **{name: pa.array(values[rows], from_pandas=True) for name, values in stored.certified.items()},  # null where NaN: not known
    }
    return pa.table([arrays[name] for name in columns.names], schema=columns)


def _lists(values: npt.NDArray[Any]) -> pa.Array:
    """Nested fixed-size lists over all axes but the first."""
    if values.shape[-1] == 0:
        return pa.nulls(len(values))
    array = pa.array(np.ascontiguousarray(values).ravel())
    for size in reversed(values.shape[1:]):
        array = pa.FixedSizeListArray.from_arrays(array, int(size))
    return array


SYSTEMS = "parquet/systems.parquet"
SYSTEM_COLUMNS = (
    ("system", pa.string(), "name of the system"),
    ("kind", pa.string(), "flow, map or delay"),
    ("behaviour", pa.string(), "what trajectories do in the long run"),
    ("dimension", pa.int32(), "number of state variables"),
    ("variables", pa.string(), "names of the state variables, a JSON list"),
    ("equations", pa.string(), "right-hand sides, or next states, a JSON object"),
    ("parameters", pa.string(), "values of the parameters, a JSON object"),
    ("period", pa.float64(), "in the system's time units; null: the entry has none"),
    ("lyapunov_time", pa.float64(), "one over the leading exponent, in the system's time units; null: there is none"),
    ("trajectories", pa.int64(), "number of trajectories"),
    ("reference", pa.string(), "where the system was first written down"),
)


def write_systems(file: Any, systems: Sequence[StoredSystem]) -> None:
    """Writes the table of systems to an open file."""
    columns = pa.schema([pa.field(name, kind) for name, kind, _ in SYSTEM_COLUMNS])
    pq.write_table(pa.Table.from_pylist([_system_row(stored) for stored in systems], schema=columns), file, compression="zstd")


def _system_row(stored: StoredSystem) -> dict[str, Any]:
    attributes, reference = stored.attributes, stored.record.reference
    definition = stored.system.definition
    return {
        "system": stored.name,
        "kind": stored.record.kind,
        "behaviour": stored.record.behaviour,
        "dimension": stored.system.dimension,
        "variables": json.dumps(list(stored.system.variables)),
        "equations": json.dumps(dict(attributes[layout.EQUATIONS]), ensure_ascii=False),
        "parameters": json.dumps(dict(zip(definition.parameters, definition.values, strict=True)), ensure_ascii=False),
        "period": attributes.get(layout.PERIOD),
        "lyapunov_time": attributes.get(layout.LYAPUNOV_TIME),
        "trajectories": stored.trajectories,
        "reference": "" if reference is None else f"{reference.authors} ({reference.year}): {reference.title}",
    }
