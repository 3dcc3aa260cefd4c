"""What is in a batch beside the states: types, labels, other threads that decode."""

from __future__ import annotations

import multiprocessing
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from attractory import layout
from attractory.errors import RequestError, StoreError
from attractory.loader import Dataset
from attractory.loader import open as open_store
from attractory.loader.asked import bfloat16_bits

SETTINGS: dict[str, Any] = {"granularity": "fine", "split": "train", "context": 8, "horizon": 4, "batch_size": 16}
ANNOTATIONS = {
    "A": {layout.INVARIANTS: {"ks_entropy": {"value": 0.4}}, layout.LYAPUNOV_TIME: 2.5},
    "B": {layout.INVARIANTS: {"lyapunov_spectrum": {"value": [0.9, 0.0]}}},
}


@pytest.fixture(scope="module")
def dataset(stores: Any, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    written = stores.Written(systems={"A": 3, "B": 2}, annotations=ANNOTATIONS)
    return open_store(stores.write(tmp_path_factory.mktemp("batches") / "s.zarr", written))


def test_labels_come_with_each_window(dataset: Dataset) -> None:
    """A row a window; NaN where a system has none."""
    names = ["parameters", "initial", "start_time", "time", "dt", "dimension", "period", "lyapunov_time", "lyapunov_spectrum", "ks_entropy"]
    for batch in dataset.windows(**SETTINGS, metadata=names):
        found, first = batch.metadata, batch.system == 0
        assert list(found) == names
        assert all(len(values) == len(batch) for values in found.values())
        assert (found["parameters"] == 1.5).all()
        assert np.allclose(found["time"], (batch.start[:, None] + np.arange(12)) * 0.05, rtol=0, atol=1e-12)
        assert (found["initial"][first, 2] == 3 + 1000 * batch.trajectory[first]).all()
        assert np.isnan(found["initial"][~first, 2]).all()
        assert ((found["dt"] == 0.05) & (found["period"] == 0.75) & (found["start_time"] == 0)).all()
        assert (found["dimension"] == 3 - batch.system).all()
        assert np.array_equal(found["lyapunov_time"], np.where(first, 2.5, np.nan), equal_nan=True)
        assert np.array_equal(found["ks_entropy"], np.where(first, 0.4, np.nan), equal_nan=True)
        assert np.array_equal(found["lyapunov_spectrum"][~first], np.full(((~first).sum(), 2), [0.9, 0.0]))


def test_an_unknown_label_is_refused(dataset: Dataset) -> None:
    """With the nearest."""
    with pytest.raises(StoreError, match=r"there is no label 'lyapunov_spectra'.* Did you mean 'lyapunov_spectrum'"):
        dataset.windows(**SETTINGS, metadata=["lyapunov_spectra"])


@pytest.mark.parametrize("chunk", [(1, 1000), (2, 1000), (1, 7)])
@pytest.mark.parametrize(("stored", "asked"), [("float32", "float64"), ("float64", "float32"), ("float32", "float32")])
def test_batches_have_the_type_that_is_asked_for(stores: Any, tmp_path: Path, stored: str, asked: str, chunk: tuple[int, int]) -> None:
    """The same numbers, rounded where the type is shorter."""
    opened = open_store(stores.write(tmp_path / "s.zarr", stores.Written(dtype=stored, chunk=chunk)))
    for batch, plain in zip(opened.windows(**SETTINGS, dtype=asked), opened.windows(**SETTINGS), strict=True):
        assert batch.state.dtype == asked
        assert np.array_equal(batch.state, plain.state.astype(asked))


def test_bfloat16_is_the_nearest_number_ties_to_even() -> None:
    """1 + 2**-8 lies between 1 and 1 + 2**-7, and goes to the even one; three of them are nearer to 1 + 2**-6; NaN stays NaN."""
    values = np.array([1.0, 1 + 2**-8, 1 + 3 * 2**-8, -2.5, 3.4e38, np.nan, np.inf, 0.0], np.float32)
    bits = bfloat16_bits(values)
    back = (bits.astype(np.uint32) << np.uint32(16)).view(np.float32)
    assert np.array_equal(back, np.array([1.0, 1.0, 1 + 2**-6, -2.5, np.inf, np.nan, np.inf, 0.0], np.float32), equal_nan=True)


def test_bfloat16_without_its_package_says_so(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """NumPy has no such type; the bits are there without it."""
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    windows = dataset.windows(**SETTINGS, dtype="bfloat16")
    with pytest.raises(RequestError, match="needs the package 'ml_dtypes'"):
        next(iter(windows))
    batch = windows.batch(0, bits=True)
    plain = dataset.windows(**SETTINGS).batch(0)
    assert np.array_equal(batch.state, np.where(plain.mask[:, None, :], bfloat16_bits(plain.state), 0))


@pytest.mark.parametrize("dtype", ["float16", "int32"])
def test_other_types_are_refused(dataset: Dataset, dtype: str) -> None:
    """What there is, is said."""
    with pytest.raises(RequestError, match=f"dtype='{dtype}' is none of float32, float64, bfloat16"):
        dataset.windows(**SETTINGS, dtype=dtype)


@pytest.mark.parametrize("cache_bytes", [0, 3000, "1GB"])
@pytest.mark.parametrize("chunk", [(1, 1000), (2, 1000), (1, 7)])
def test_threads_change_nothing_but_the_time(stores: Any, tmp_path: Path, chunk: tuple[int, int], cache_bytes: int | str) -> None:
    """With room for all, some or one chunk: the batches of a reader without threads."""
    store = stores.write(tmp_path / "s.zarr", stores.Written(systems={"A": 2, "B": 3}, chunk=chunk))
    plain = open_store(store, threads=0)
    threaded = open_store(store, threads=3, cache_bytes=cache_bytes)
    for _ in range(2):
        pairs = zip(threaded.windows(**SETTINGS), plain.windows(**SETTINGS), strict=True)
        assert all(np.array_equal(a.state, b.state) for a, b in pairs)


def _sums(dataset: Dataset) -> list[float]:
    return [float(batch.state.sum()) for batch in dataset.windows(**SETTINGS)]


@pytest.mark.parametrize("cache_bytes", [3000, 2**30])
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_forked_while_threads_decode_ends(stores: Any, tmp_path: Path, cache_bytes: int) -> None:
    """The parent has read, and its threads are at work: the child waits for none of them, and reads what they had begun itself."""
    store = stores.write(tmp_path / "s.zarr", stores.Written(systems={"A": 2, "B": 3}, chunk=(1, 7)))
    expected = _sums(open_store(store, threads=0))
    dataset = open_store(store, threads=2, cache_bytes=cache_bytes)
    batches = iter(dataset.windows(**SETTINGS))
    next(batches)
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply_async(_sums, (dataset,)).get(timeout=60) == expected
    process = multiprocessing.get_context("fork").Process(target=lambda: sys.exit(_sums(dataset) != expected))
    process.start()
    process.join(60)
    assert process.exitcode == 0
    assert [float(batch.state.sum()) for batch in batches] == expected[1:]
    assert _sums(pickle.loads(pickle.dumps(dataset))) == expected


@pytest.mark.parametrize(("text", "size"), [("8GB", 8 * 10**9), ("1.5 MiB", 1_572_864), ("300", 300), (77, 77)])
def test_a_cache_may_be_said_in_words(tiny: Path, text: str | int, size: int) -> None:
    """A number, or a number with a unit."""
    assert open_store(tiny, cache_bytes=text)._cache.limit == size


@pytest.mark.parametrize("text", ["8 GBytes", "much", "-1GB", -1, 1.5])
def test_a_cache_of_no_size_is_refused(tiny: Path, text: Any) -> None:
    """What was expected is said."""
    with pytest.raises(RequestError, match=r"cache_bytes=.*expected"):
        open_store(tiny, cache_bytes=text)
