"""A disk that fills up in the middle of a run: a clear error, nothing half-written, and the same store once there is room."""

from __future__ import annotations

import json
import os
import subprocess
import time

import pytest

# So long a transient that each block of the flow takes a second or so: there is a middle to fill the disk in.
LONG = "transient: {periods: 20000}\n"
MIB = 2**20


@pytest.fixture
def small_disk(place):
    """A folder with the recipe, on a disk of four MiB."""
    disk = place / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)], capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted, which takes root: {mounted.stderr.strip()}")
    (disk / "recipe.yaml").write_text((place / "recipe.yaml").read_text() + LONG)
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def fill(path):
    """Take all the room that there is."""
    with path.open("wb", buffering=0) as file:
        for size in (MIB, 4096, 1):
            try:
                while file.write(b"\0" * size):
                    pass
            except OSError:
                continue


@pytest.mark.parametrize("arguments", [("--workers", "2"), ("--array", "1/1")], ids=["two workers", "a slice"])
def test_a_disk_that_fills_up(small_disk, made, begun, digests, arguments):
    """Exit code 3, and a sentence that says what to do; all that lies there is whole; with room again, every byte is the same."""
    run = begun(small_disk, *arguments)
    folder = small_disk / "tiny.zarr" / ".attractory-run"
    deadline = time.monotonic() + 120
    while not list((folder / "rows").glob("Lorenz-*")) and run.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    fill(small_disk / "filler")
    output, _ = run.communicate(timeout=120)
    assert run.returncode == 3, output
    assert "the disk is full. What is done is kept: make room, and the same command goes on from there." in output
    assert "Traceback" not in output
    assert list((folder / "partial").iterdir()) == []
    assert sorted(os.listdir(small_disk)) == ["filler", "recipe.yaml", "tiny.zarr"]
    for row in (folder / "rows").iterdir():
        for shard in json.loads(row.read_bytes())["shards"]:
            assert (small_disk / "tiny.zarr" / shard["path"]).stat().st_size == shard["bytes"]
    (small_disk / "filler").unlink()
    resumed = made(small_disk, *arguments)
    subprocess.run(["rm", "-r", str(small_disk / "tiny.zarr")], check=True)
    assert made(small_disk, "--workers", "1") == resumed


def test_a_disk_that_is_full_from_the_start(small_disk, begun):
    """Refused before anything is written."""
    fill(small_disk / "filler")
    run = begun(small_disk, "--workers", "1")
    output, _ = run.communicate(timeout=120)
    assert run.returncode == 2, output
    assert "the disk has 0 B free" in output or "No space left on device" in output
    assert sorted(os.listdir(small_disk)) == ["filler", "recipe.yaml"]
