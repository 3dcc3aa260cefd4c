"""Damaged shards and stores that change: named, counted, never silently wrong."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest

from attractory import layout
from attractory.errors import DamageError, RequestError, StoreError
from attractory.loader import open as open_store

SETTINGS: dict[str, Any] = {"granularity": "fine", "split": "train", "context": 8, "horizon": 4, "batch_size": 16}
SHARD = "Lorenz/fine/state/c/1/0/0"  # trajectories 4 to 7 of Lorenz, of which number 4 trains


def damage(store: Path, at: int = 30) -> None:
    data = bytearray((store / SHARD).read_bytes())
    data[at] ^= 1
    (store / SHARD).write_bytes(data)


@pytest.mark.parametrize("threads", [0, 2])
@pytest.mark.parametrize("verify", [None, False])
def test_a_damaged_shard_is_skipped_and_counted(copied: Path, verify: bool | None, threads: int) -> None:
    """Where that is asked for: its 39 windows are left out, each batch says how many, and all others are what they were. A flipped bit is
    found by the digest; without digests a shard that ends too early is found by its index."""
    expected = {int(i): s for batch in open_store(copied).windows(**SETTINGS) for i, s in zip(batch.index, batch.state, strict=True)}
    if verify is None:
        damage(copied)
    else:
        (copied / SHARD).write_bytes((copied / SHARD).read_bytes()[:-1])
    windows = open_store(copied, verify=verify, threads=threads).windows(**SETTINGS, on_error="skip")
    drawn: dict[int, np.ndarray] = {}
    left_out = 0
    for batch in windows:
        left_out += batch.left_out
        assert len(batch.state) == len(batch.index) == len(batch.mask)
        assert not ((batch.system == 1) & (batch.trajectory == 4)).any()
        drawn |= {int(index): state for index, state in zip(batch.index, batch.state, strict=True)}
    assert (left_out, len(drawn)) == (39, 390 - 39)
    assert all(np.array_equal(expected[index], state) for index, state in drawn.items())
    assert list(windows.damage) == [f"{copied}/{SHARD}"]


def test_ranks_that_skip_still_draw_batches_of_one_size(copied: Path) -> None:
    """Their rows are empty, as padded ones are, so that no rank waits for another."""
    damage(copied)
    left_out = 0
    for rank in range(2):
        for batch in open_store(copied).windows(**SETTINGS, rank=rank, ranks=2, uneven="pad", on_error="skip"):
            assert len(batch) == 16
            empty = batch.index < 0
            assert not batch.mask[empty].any()
            assert not batch.state[empty].any()
            left_out += batch.left_out
    assert left_out == 39


def test_damage_that_is_not_skipped_is_raised_with_threads_too(copied: Path) -> None:
    """The error names the file, whichever thread met it, and comes again the next time."""
    damage(copied)
    dataset = open_store(copied, threads=2)
    for _ in range(2):
        with pytest.raises(DamageError, match=SHARD):
            list(dataset.windows(**SETTINGS))


def test_the_skipped_shard_of_one_granularity_leaves_the_window_out(copied: Path) -> None:
    """A batch of several granularities has all of them or nothing."""
    damage(copied)
    windows = open_store(copied).windows(**{**SETTINGS, "granularity": ["coarse", "fine"]}, on_error="skip")
    assert sum(batch.left_out for batch in windows) == 9
    assert all(len(batch.others["fine"]) == len(batch) for batch in windows)


def test_a_store_that_is_replaced_under_a_running_loader_is_noticed(stores: Any, copied: Path) -> None:
    """At the next epoch, and within 16,384 windows; whoever opens it again reads the new one."""
    dataset = open_store(copied, cache_bytes=0)
    windows = dataset.windows(**SETTINGS, draws=40_000)
    batches = iter(windows)
    next(batches)
    attributes = {layout.FORMAT: layout.FORMAT_VERSION, layout.RECIPE: {"name": "tiny"}, layout.MANIFEST_DIGEST: "11"}
    stores.write(copied, stores.Written(attributes=attributes))
    with pytest.raises(
        StoreError, match=r"copy.zarr has changed since it was opened: its manifest's digest is 11…, it was 00…. Open it again"
    ):
        iter(windows)
    with pytest.raises(StoreError, match="has changed since it was opened"):
        list(islice(batches, 16_384 // 16))
    assert next(iter(open_store(copied).windows(**SETTINGS))).state.shape == (16, 12, 3)


def test_damage_by_a_replaced_store_is_called_that(copied: Path) -> None:
    """A shard that is not what it was, of a store that is not either, here and elsewhere."""
    memory = fsspec.filesystem("memory")
    memory.put(f"{copied}/", "/replaced.zarr", recursive=True)
    dataset = open_store("memory://replaced.zarr", cache_bytes=0)
    batches = iter(dataset.windows(**SETTINGS))
    next(batches)
    root = json.loads(memory.cat_file("/replaced.zarr/zarr.json"))
    root["attributes"][layout.MANIFEST_DIGEST] = "22"
    memory.pipe_file("/replaced.zarr/zarr.json", json.dumps(root).encode())
    for shard in memory.glob("/replaced.zarr/*/fine/state/c/*/0/0"):
        memory.rm(shard)
    with pytest.raises(StoreError, match="has changed since it was opened: its manifest's digest is 22"):
        list(batches)


def test_attributes_that_a_certificate_adds_are_no_other_version(copied: Path) -> None:
    """The manifest's digest is what counts."""
    windows = open_store(copied).windows(**SETTINGS)
    root = json.loads((copied / "zarr.json").read_text())
    root["attributes"][layout.CERTIFICATE_FILES] = {}
    (copied / "zarr.json").write_text(json.dumps(root))
    assert sum(len(batch) for batch in windows) == 390


def test_only_two_ways_to_meet_damage(copied: Path) -> None:
    """Anything else is a mistake of writing."""
    with pytest.raises(RequestError, match="on_error='ignore' is none of 'raise', 'skip'"):
        open_store(copied).windows(**SETTINGS, on_error="ignore")
