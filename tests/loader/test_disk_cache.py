"""Remote shards on the disk of this machine, and what a remote store is asked for."""

from __future__ import annotations

import os
import pickle
import time
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar

import fsspec
import numpy as np
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from attractory.errors import DamageError, StoreError
from attractory.loader import Dataset
from attractory.loader import open as open_store
from attractory.loader.files import ByteRange, joined

SETTINGS: dict[str, Any] = {"granularity": "fine", "split": "train", "context": 8, "horizon": 4, "batch_size": 16}
SHARDS = 4  # of the granularity fine


class Counted(MemoryFileSystem):
    """A place that counts what it is asked for, by file."""

    protocol = "counted"
    asked: ClassVar[Counter[str]] = Counter()

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return super()._strip_protocol(path.removeprefix("counted:/"))

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **settings: Any) -> bytes:
        self.asked[path] += 1
        return bytes(super().cat_file(path, start=start, end=end, **settings))


@pytest.fixture
def remote(tiny: Path, request: pytest.FixtureRequest) -> str:
    """The tiny store at a place that counts, which has forgotten what it was asked before."""
    fsspec.register_implementation("counted", Counted, clobber=True)
    place = f"/{request.node.name.partition('[')[0]}.zarr"
    fsspec.filesystem("counted").put(f"{tiny}/", place, recursive=True)
    Counted.asked.clear()
    return f"counted://{place[1:]}"


def states(dataset: Dataset) -> list[np.ndarray]:
    return [batch.state for batch in dataset.windows(**SETTINGS)]


def shard_requests() -> int:
    return sum(count for path, count in Counted.asked.items() if "/state/c/" in path)


def test_workers_ask_for_no_metadata(remote: str) -> None:
    """What the parent has read travels to them: a copy of its windows reads shards and their digests alone."""
    windows = open_store(remote, verify=True).windows(**SETTINGS)
    there = {path for path in Counted.asked if "zarr.json" in path or "/split/" in path or "/status/" in path}
    assert there
    copies = [pickle.loads(pickle.dumps(windows)) for _ in range(3)]
    Counted.asked.clear()
    for copy in copies:
        assert sum(len(batch) for batch in copy) == 390
    assert {path.partition(".zarr/")[2].split("/")[2] for path in Counted.asked} == {"state", "digest"}


def test_a_shard_is_fetched_once_for_all_processes(remote: str, tiny: Path, tmp_path: Path) -> None:
    """The second reader, and the second epoch of one that may keep nothing in memory, ask the remote place for no shard."""
    expected = states(open_store(tiny))
    first = open_store(remote, disk_cache=tmp_path / "disk", cache_bytes=0)
    for dataset in (first, first, pickle.loads(pickle.dumps(first)), open_store(remote, disk_cache=tmp_path / "disk")):
        assert all(np.array_equal(a, b) for a, b in zip(expected, states(dataset), strict=True))
    assert shard_requests() == SHARDS
    assert len(list((tmp_path / "disk").iterdir())) == SHARDS


def test_a_file_that_rots_on_the_disk_is_fetched_again(remote: str, tiny: Path, tmp_path: Path) -> None:
    """It has not the digest that it is named after."""
    states(open_store(remote, disk_cache=tmp_path))
    for file in tmp_path.iterdir():
        file.write_bytes(b"rot" + file.read_bytes()[3:])
    assert all(np.array_equal(a, b) for a, b in zip(states(open_store(tiny)), states(open_store(remote, disk_cache=tmp_path)), strict=True))
    assert shard_requests() == 2 * SHARDS


def test_files_that_another_process_removed_are_fetched_again(remote: str, tiny: Path, tmp_path: Path) -> None:
    """In the middle of an epoch."""
    batches = iter(open_store(remote, disk_cache=tmp_path, cache_bytes=0).windows(**SETTINGS))
    found = [next(batches).state for _ in range(5)]
    for file in tmp_path.iterdir():
        file.unlink()
    found += [batch.state for batch in batches]
    assert all(np.array_equal(a, b) for a, b in zip(states(open_store(tiny)), found, strict=True))


def test_the_disk_cache_stays_within_its_bytes(remote: str, tiny: Path, tmp_path: Path) -> None:
    """With room for one file only; what a killed process was writing goes after an hour, what one is writing now stays."""
    old, new = tmp_path / "abandoned.part", tmp_path / "busy.part"
    for file in (old, new):
        file.write_bytes(b"half")
    os.utime(old, (time.time() - 7200,) * 2)
    size = max(len(fsspec.filesystem("counted").cat_file(path)) for path in Counted.store if "fine/state/c" in path and remote[10:] in path)
    dataset = open_store(remote, disk_cache=tmp_path, disk_bytes=size + 10, cache_bytes=0)
    assert all(np.array_equal(a, b) for a, b in zip(states(open_store(tiny)), states(dataset), strict=True))
    left = sorted(file.name for file in tmp_path.iterdir())
    assert len(left) == 2
    assert "busy.part" in left


def test_a_damaged_remote_shard_is_found_and_not_kept(remote: str, tmp_path: Path) -> None:
    """With a disk cache shards are fetched whole, so that checking them costs nothing more."""
    filesystem = fsspec.filesystem("counted")
    path = f"/{remote.removeprefix('counted://')}/Lorenz/fine/state/c/1/0/0"
    data = bytearray(filesystem.cat_file(path))
    data[30] ^= 1
    filesystem.pipe_file(path, bytes(data))
    with pytest.raises(DamageError, match=r"Lorenz/fine/state/c/1/0/0: damaged: its SHA-256"):
        states(open_store(remote, disk_cache=tmp_path))
    windows = open_store(remote, disk_cache=tmp_path).windows(**SETTINGS, on_error="skip")
    assert sum(batch.left_out for batch in windows) == 39
    assert len(list(tmp_path.iterdir())) == SHARDS - 1


class Busy(MemoryFileSystem):
    """A place that answers some requests with an error."""

    protocol = "busy"
    errors: ClassVar[list[OSError]] = []

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return super()._strip_protocol(path.removeprefix("busy:/"))

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **settings: Any) -> bytes:
        if "/c/" in path and self.errors:
            raise self.errors.pop()
        return bytes(super().cat_file(path, start=start, end=end, **settings))


def test_a_busy_server_is_asked_again_and_not_for_ever(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two answers of 503 change nothing; one that never gives another is named, after the third pause."""
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    fsspec.register_implementation("busy", Busy, clobber=True)
    fsspec.filesystem("busy").put(f"{tiny}/", "/busy.zarr", recursive=True)
    windows = open_store("busy://busy.zarr", threads=0).windows(**SETTINGS)
    Busy.errors[:] = [OSError("503 Slow Down")] * 2
    assert sum(len(batch) for batch in windows) == 390
    assert pauses == [0.1, 0.4]
    dataset = open_store("busy://busy.zarr", threads=0)
    windows = dataset.windows(**SETTINGS)
    Busy.errors[:] = [OSError("503 Slow Down")] * 10_000
    pauses.clear()
    with pytest.raises(StoreError, match=r"busy://busy.zarr/.*: cannot be read: 503 Slow Down"):
        list(windows)
    Busy.errors.clear()
    assert pauses == [0.1, 0.4, 1.6]


def test_a_disk_cache_that_cannot_be_written_is_named(remote: str, tmp_path: Path) -> None:
    """The folder's name is that of a file."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="file: the disk cache cannot be written"):
        states(open_store(remote, disk_cache=tmp_path / "file"))


def test_neighbouring_ranges_are_one_request() -> None:
    """Of one file, where little lies between them; each comes back as it was asked for, also past the file's end."""
    ranges = [
        ByteRange("a", 100, 200),
        ByteRange("b", 0, 10),
        ByteRange("a", 0, 50),
        ByteRange("a", -20, None),
        ByteRange("a", 10**6, 10**6 + 5),
    ]
    asked, places = joined(ranges)
    assert asked == [ByteRange("a", -20, None), ByteRange("a", 0, 200), ByteRange("a", 10**6, 10**6 + 5), ByteRange("b", 0, 10)]
    assert places == [(1, 100, 200), (3, 0, None), (1, 0, 50), (0, 0, None), (2, 0, None)]


def test_shards_elsewhere_of_which_much_is_needed_are_read_whole(remote: str) -> None:
    """The store fits the cache: one request for the index of each shard and one for all of its chunks."""
    drawn = states(open_store(remote, threads=0))
    assert len(drawn) == 25
    assert shard_requests() == 2 * SHARDS


def test_other_shards_elsewhere_are_read_by_the_chunk(remote: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where few chunks of a shard are needed, or the cache does not hold them, no other is fetched."""
    windows = open_store(remote, threads=0).windows(**SETTINGS)
    monkeypatch.setattr("attractory.loader.pool.WHOLE_PART", 1)
    windows.at([0])
    pool = windows.source.reading.pools()[0]
    assert int((pool._place_of > 0).sum()) == 1
