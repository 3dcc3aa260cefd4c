"""Large shards are used while they are checked: damage ends the iteration soon after, and no epoch ends before its checks have."""

from __future__ import annotations

import os
import pickle
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from attractory.errors import DamageError
from attractory.loader import arrays
from attractory.loader import open as open_store
from attractory.loader.late_checks import LateChecks

SETTINGS: dict[str, Any] = {"granularity": "fine", "split": "train", "context": 8, "horizon": 4, "batch_size": 16}
SHARD = "Lorenz/fine/state/c/1/0/0"
MESSAGE = rf"{SHARD}: damaged: its SHA-256 is .* It was in use while it was checked: go on from a state"


@pytest.fixture
def large(stores: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store without compression, in which a flipped bit is a number as good as another, and whose every shard counts as large."""
    monkeypatch.setattr(arrays, "LARGE_BYTES", 0)
    return Path(stores.write(tmp_path / "large.zarr", stores.Written(codecs={"compressors": None})))


def damage(store: Path) -> None:
    content = bytearray((store / SHARD).read_bytes())
    content[1] ^= 0x80
    (store / SHARD).write_bytes(content)


def test_batches_come_before_the_check_and_the_error_after_it(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first batch does not wait; once the check is done, the next call ends with the file's name, and so does every later one."""
    damage(large)
    go_on = threading.Event()
    check = arrays.StoredArray._check

    def held(array: Any, shard: Any) -> None:
        go_on.wait(10)
        check(array, shard)

    monkeypatch.setattr(arrays.StoredArray, "_check", held)
    windows = open_store(large, threads=0).windows(**SETTINGS)
    batches = iter(windows)
    assert len(next(batches)) == 16
    go_on.set()
    with pytest.raises(DamageError, match=MESSAGE):
        list(batches)
    with pytest.raises(DamageError, match=MESSAGE):
        windows.batch(0)


def test_no_epoch_ends_before_its_checks(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow they are."""
    damage(large)
    check = arrays.StoredArray._check

    def slow(array: Any, shard: Any) -> None:
        time.sleep(0.2)
        check(array, shard)

    monkeypatch.setattr(arrays.StoredArray, "_check", slow)
    with pytest.raises(DamageError, match=MESSAGE):
        list(open_store(large, threads=0).windows(**SETTINGS))


@pytest.mark.parametrize("settings", [{"verify": True}, {"on_error": "skip"}])
def test_who_asks_for_certainty_has_it_before(large: Path, settings: dict[str, Any]) -> None:
    """verify=True and on_error="skip" check before the first use."""
    damage(large)
    verify, on_error = settings.get("verify"), settings.get("on_error", "raise")
    windows = open_store(large, verify=verify, threads=0).windows(**SETTINGS, on_error=on_error)
    if on_error == "skip":
        assert sum(batch.left_out for batch in windows) == 39
    else:
        with pytest.raises(DamageError, match=r"its SHA-256 is [^.]*bytes. Run `attractory verify --repair`, or copy the file again.$"):
            list(windows)


def test_a_sound_store_is_read_as_ever(large: Path) -> None:
    """And a pickled copy begins its checks anew."""
    windows = open_store(large, threads=0).windows(**SETTINGS)
    expected = [batch.state for batch in windows]
    assert all(np.array_equal(a.state, b) for a, b in zip(pickle.loads(pickle.dumps(windows)), expected, strict=True))


def test_a_forked_child_checks_what_was_open_in_its_parent() -> None:
    """Its parent's thread does not go on there."""
    checks, go_on = LateChecks(), threading.Event()

    def waiting() -> None:
        go_on.wait(10)

    def refused() -> None:
        raise DamageError("a file")

    checks.later("first", waiting)
    checks.later("second", refused)
    child = os.fork()
    if child == 0:
        go_on.set()
        try:
            checks.found(wait=True)
        except DamageError:
            os._exit(7)
        os._exit(0)
    go_on.set()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    with pytest.raises(DamageError, match="a file"):
        checks.found(wait=True)


def test_a_check_that_cannot_be_done_is_an_error_too() -> None:
    """Whatever it is; those after it are done."""
    checks, done = LateChecks(), threading.Event()

    def broken() -> None:
        raise OSError("no such disk")

    checks.later("first", broken)
    checks.later("second", done.set)
    with pytest.raises(OSError, match="no such disk"):
        checks.found(wait=True)
    assert done.wait(10)
