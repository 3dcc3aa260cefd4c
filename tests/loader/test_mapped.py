"""Uncompressed stores: windows straight from the mapped files, equal to those that are decoded."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from attractory.errors import DamageError
from attractory.loader import Dataset, mapped
from attractory.loader import open as open_store
from attractory.loader.mapped import MappedPool

SETTINGS: dict[str, Any] = {"granularity": "fine", "split": "train", "context": 8, "horizon": 4, "batch_size": 16}


@pytest.fixture(scope="session")
def plain(stores: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(stores.write(tmp_path_factory.mktemp("plain") / "plain.zarr", stores.Written(codecs={"compressors": None})))


@pytest.fixture
def dataset(plain: Path) -> Dataset:
    return open_store(plain, threads=0)


def kinds(dataset: Dataset, **settings: Any) -> set[bool]:
    return {isinstance(pool, MappedPool) for pool in dataset.windows(**SETTINGS, **settings).source.reading.pools()}


@pytest.mark.parametrize("most", [2**62, 0])
def test_mapped_windows_equal_decoded_ones(tiny: Path, dataset: Dataset, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """Of several systems and shards, at every start, in any order; also where one view cannot span all files; again after a pickle."""
    monkeypatch.setattr(mapped, "MOST_BYTES", most)
    windows = dataset.windows(**SETTINGS)
    expected = list(open_store(tiny).windows(**SETTINGS))
    for copy in (windows, pickle.loads(pickle.dumps(windows))):
        for batch, other in zip(copy, expected, strict=True):
            assert np.array_equal(batch.state, other.state)
            assert batch.state.flags.writeable
    assert dataset._cache._held() == 0


def test_only_what_needs_no_decoding_is_mapped(tiny: Path, dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not compressed chunks, other dtypes, some of the variables, a store whose damage is to be skipped, or more files than may be open."""
    assert kinds(dataset) == {True}
    assert kinds(open_store(tiny)) == {False}
    assert kinds(dataset, dtype="float64") == kinds(dataset, variables=["y"]) == kinds(dataset, on_error="skip") == {False}
    monkeypatch.setattr(mapped, "MOST_FILES", 1)
    assert kinds(open_store(dataset.path)) == {False}


@pytest.mark.parametrize(
    ("cut", "message"), [(1, "Lorenz/fine/state/c/1/0/0: damaged: its SHA-256"), (None, "Lorenz/fine/state/c/1/0/0: .*the file is missing")]
)
def test_damage_is_named(plain: Path, tmp_path: Path, cut: int | None, message: str) -> None:
    """Before a number of the file is used."""
    store = Path(shutil.copytree(plain, tmp_path / "damaged.zarr"))
    file = store / "Lorenz/fine/state/c/1/0/0"
    content = file.read_bytes()
    file.unlink()
    if cut:
        file.write_bytes(content[:-cut])
    with pytest.raises(DamageError, match=message):
        list(open_store(store).windows(**SETTINGS))


def test_a_truncated_file_is_refused_without_digests_too(plain: Path, tmp_path: Path) -> None:
    """Its index says more than there is: nothing is read beyond the end of a mapped file."""
    store = Path(shutil.copytree(plain, tmp_path / "damaged.zarr"))
    file = store / "Lorenz/fine/state/c/0/0/0"
    file.write_bytes(file.read_bytes()[200:])
    with pytest.raises(DamageError, match="Lorenz/fine/state"):
        list(open_store(store, verify=False).windows(**SETTINGS))
