"""manifest.parquet: one row per shard, sorted by path, bound to the store by its own digest in the root's attributes.

Its file metadata holds, under `files`, the SHA-256 of every other file of the store (metadata documents and the arrays of each
system), so that the one digest in the root answers for all of it; and under `root` the root's attributes but that digest, so that a root's
document that is lost or damaged can be made again.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from attractory.store.files import canonical_json
from attractory.store.rows import ShardRow

if TYPE_CHECKING:
    import pyarrow as pa

FILES = b"files"
ROOT_ATTRIBUTES = b"root"


def manifest_bytes(rows: Iterable[ShardRow], *, files: Mapping[str, str], root: Mapping[str, Any] | None = None) -> bytes:
    """The manifest as Parquet; the same rows give the same bytes.

    Args:
        files: path relative to the store -> SHA-256, for everything that is not a shard.
        root: the root's attributes, in their order; manifests of older stores have none.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pylist([asdict(row) for row in sorted(rows)], schema=_schema())
    sink = io.BytesIO()
    # Every option that changes the bytes is named: a new default of pyarrow's changes none. Its version is in the file, and in `versions`.
    options = {"version": "2.6", "compression": "none", "use_dictionary": False, "write_statistics": True, "store_schema": False}
    with pq.ParquetWriter(sink, table.schema, **options) as writer:
        writer.write_table(table, row_group_size=65_536)
        writer.add_key_value_metadata({FILES: canonical_json(dict(files)), **_root_metadata(root)})
    return sink.getvalue()


def read_manifest(content: bytes) -> tuple[tuple[ShardRow, ...], dict[str, str]]:
    """The rows and the digests of the other files.

    Raises:
        ValueError: the bytes are no manifest of ours (pyarrow's errors are ValueErrors).
    """
    import pyarrow.parquet as pq

    file = pq.ParquetFile(io.BytesIO(content))
    stored = file.metadata.metadata or {}
    if FILES not in stored:
        raise ValueError("the file has no list of files in its metadata")
    return tuple(ShardRow(**record) for record in file.read().to_pylist()), json.loads(stored[FILES])


def root_attributes(content: bytes) -> dict[str, Any] | None:
    """The root's attributes as the manifest has them; None where it has none.

    Raises:
        ValueError: the bytes are no manifest of ours.
    """
    import pyarrow.parquet as pq

    stored = pq.ParquetFile(io.BytesIO(content)).metadata.metadata or {}
    return dict(json.loads(stored[ROOT_ATTRIBUTES])) if ROOT_ATTRIBUTES in stored else None


def _root_metadata(root: Mapping[str, Any] | None) -> dict[bytes, bytes]:
    """Not sorted, as `canonical_json` would: the document's text hangs on the order."""
    return {} if root is None else {ROOT_ATTRIBUTES: json.dumps(dict(root), ensure_ascii=False, allow_nan=False).encode()}


def _schema() -> pa.Schema:
    import pyarrow as pa

    text, number = pa.string(), pa.int64()
    kinds = {str: text, int: number}
    columns = {
        "path": str,
        "bytes": int,
        "sha256": str,
        "decoded_sha256": str,
        "system": str,
        "granularity": str,
        "first_trajectory": int,
        "trajectories": int,
    }
    return pa.schema([pa.field(name, kinds[kind], nullable=False) for name, kind in columns.items()])
