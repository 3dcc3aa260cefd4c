"""Batches of windows: the right samples, each window once, the same order on any number of ranks, and a place to go on from."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attractory.errors import RequestError
from attractory.loader import Batch, Dataset, Windows
from attractory.loader import open as open_store

SETTINGS: dict[str, Any] = {"granularity": "fine", "split": "train", "context": 8, "horizon": 4, "batch_size": 16}


@pytest.fixture(scope="session")
def dataset(tiny: Path) -> Dataset:
    return open_store(tiny)


def indices(windows: Windows) -> list[int]:
    return [int(index) for batch in windows for index in batch.index]


def check(batch: Batch, numbers: Callable[..., np.ndarray], dimensions: tuple[int, ...]) -> None:
    """Every row holds exactly the samples that its codes say, and zeros where mask is False."""
    for row, (system, trajectory, start) in enumerate(zip(batch.system, batch.trajectory, batch.start, strict=True)):
        dimension = dimensions[system]
        expected = numbers(system, trajectory + 1, start + batch.state.shape[1], dimension)[trajectory, start:]
        assert np.array_equal(batch.state[row, :, :dimension], expected)
        assert not batch.state[row, :, dimension:].any()
        assert batch.mask[row].tolist() == [variable < dimension for variable in range(batch.state.shape[2])]


def test_the_first_batch_is_pinned(dataset: Dataset) -> None:
    """The literal order of a store of two systems: a run that is resumed after an update must draw what it would have drawn. To change it,
    see test_order.py."""
    batch = next(iter(dataset.windows(**SETTINGS, seed=3)))
    assert batch.index[:6].tolist() == [241, 155, 40, 288, 195, 235]
    assert batch.system[:6].tolist() == [1, 0, 0, 1, 1, 1]
    assert batch.trajectory[:6].tolist() == [1, 3, 1, 2, 0, 1]
    assert batch.start[:6].tolist() == [7, 38, 1, 15, 0, 1]


@pytest.mark.parametrize("cache_bytes", [0, 2000, 2**30])
@pytest.mark.parametrize("chunk", [(1, 1000), (2, 1000), (1, 7), (2, 5)])
def test_every_row_holds_the_samples_that_it_says(stores: Any, tmp_path: Path, chunk: tuple[int, int], cache_bytes: int) -> None:
    """For chunks of several trajectories or of a part of the time, with room for all, some or one of them."""
    store = stores.write(tmp_path / "s.zarr", stores.Written(systems={"A": 2, "B": 3, "C": 3}, chunk=chunk))
    for batch in open_store(store, cache_bytes=cache_bytes).windows(**SETTINGS):
        check(batch, stores.numbers, (2, 3, 3))


def test_a_batch_has_the_shapes_and_types_of_the_contract(dataset: Dataset) -> None:
    """Contiguous state of the store's dtype; context and horizon are views of it; codes are int64."""
    batch = next(iter(dataset.windows(**SETTINGS)))
    assert (batch.state.shape, batch.state.dtype) == ((16, 12, 3), np.float32)
    assert batch.state.flags["C_CONTIGUOUS"]
    assert batch.state.flags["WRITEABLE"]
    assert np.array_equal(np.concatenate([batch.context, batch.horizon], axis=1), batch.state)
    assert batch.context.shape[1] == 8
    assert batch.context.base is batch.state
    assert (batch.mask.shape, batch.mask.dtype) == ((16, 3), np.bool_)
    assert {getattr(batch, name).dtype for name in ("index", "system", "trajectory", "start")} == {np.dtype(np.int64)}
    assert {getattr(batch, name).shape for name in ("index", "system", "trajectory", "start")} == {(16,)}


def test_float64_stays_float64(stores: Any, tmp_path: Path) -> None:
    """The batch has the store's dtype."""
    store = stores.write(tmp_path / "s.zarr", stores.Written(dtype="float64"))
    assert next(iter(open_store(store).windows(**SETTINGS))).state.dtype == np.float64


def test_every_window_comes_once_an_epoch(dataset: Dataset) -> None:
    """Over all systems and trajectories of the split: 2 systems x 5 trajectories x 39 starts, the last batch partial."""
    windows = dataset.windows(**SETTINGS)
    assert windows.window_count == 2 * 5 * 39
    assert sorted(indices(windows)) == list(range(390))
    assert [len(batch) for batch in windows] == [16] * 24 + [6]
    assert len(windows) == 25


def test_another_epoch_is_the_same_windows_in_another_order(dataset: Dataset) -> None:
    """A window keeps its number."""
    first, second = indices(dataset.windows(**SETTINGS)), indices(dataset.windows(**SETTINGS, epoch=1))
    assert sorted(first) == sorted(second)
    assert first != second
    assert indices(dataset.windows(**SETTINGS).with_epoch(1)) == second


def test_stride_thins_the_starts(dataset: Dataset) -> None:
    """Starts 0, 10, 20, 30 of trajectories of 50 samples, for windows of 12."""
    starts = np.concatenate([batch.start for batch in dataset.windows(**SETTINGS, stride=10)])
    assert np.unique(starts, return_counts=True)[1].tolist() == [10, 10, 10, 10]


def test_splits_share_no_trajectory(dataset: Dataset) -> None:
    """Trajectories 0 to 4 train, 5 and 6 validate, 7 tests; None takes them all."""
    found = {
        split: {int(t) for batch in dataset.windows(**{**SETTINGS, "split": split}) for t in batch.trajectory}
        for split in ("train", "validation", "test", None)
    }
    assert found == {"train": {0, 1, 2, 3, 4}, "validation": {5, 6}, "test": {7}, None: set(range(8))}


def test_trajectories_that_failed_are_left_out(stores: Any, tmp_path: Path) -> None:
    """Their status is not OK, and their tail is NaN."""
    store = stores.write(tmp_path / "s.zarr", stores.Written(failed=(0, 3, 6)))
    drawn = {int(t) for batch in open_store(store).windows(**{**SETTINGS, "split": None}) for t in batch.trajectory}
    assert drawn == {1, 2, 4, 5, 7}


def test_one_system_alone_is_not_padded(dataset: Dataset) -> None:
    """Its code stays its place among all systems of the store."""
    batch = next(iter(dataset.windows(**SETTINGS, systems=["Henon"])))
    assert batch.state.shape == (16, 12, 2)
    assert batch.mask.all()
    batch = next(iter(dataset.windows(**SETTINGS, systems=["Lorenz"])))
    assert dataset.system_names[batch.system[0]] == "Lorenz"


@given(
    ranks=st.integers(1, 9),
    other=st.integers(1, 9),
    batch_size=st.integers(1, 50),
    seed=st.integers(0, 10**9),
    stop=st.integers(0, 30),
)
def test_ranks_merge_to_the_order_of_one_process(dataset: Dataset, ranks: int, other: int, batch_size: int, seed: int, stop: int) -> None:
    """Batches of all ranks, round by round, are those of one process, also when another number of ranks goes on after a while."""
    settings = {**SETTINGS, "batch_size": batch_size, "seed": seed, "context": 20, "horizon": 0, "stride": 3}
    alone = indices(dataset.windows(**settings))
    parts = [dataset.windows(**settings, rank=rank, ranks=ranks, uneven="pad") for rank in range(ranks)]
    merged: list[int] = []
    for number, batches in enumerate(zip(*parts, strict=True)):
        if number == stop:
            break
        merged += [int(index) for batch in batches for index in batch.index if index >= 0]
    state = parts[0].state_dict() if merged else {"seed": seed, "epoch": 0, "position": 0}
    resumed = [dataset.windows(**settings, rank=rank, ranks=other, uneven="pad") for rank in range(other)]
    for windows in resumed:
        windows.load_state_dict({**state, "position": len(merged)})
    merged += [int(index) for batches in zip(*resumed, strict=True) for batch in batches for index in batch.index if index >= 0]
    assert merged == alone


def test_padded_rows_are_empty(dataset: Dataset) -> None:
    """390 windows in rounds of 2 x 100: the last rank's last batch holds 90 and ten rows that the mask hides."""
    batch = list(dataset.windows(**{**SETTINGS, "batch_size": 100}, rank=1, ranks=2, uneven="pad"))[-1]
    assert (len(batch), (batch.index >= 0).sum()) == (100, 90)
    assert not batch.mask[90:].any()
    assert not batch.state[90:].any()
    assert batch.mask[:90].any(axis=1).all()


def test_a_state_goes_on_at_the_next_window(dataset: Dataset) -> None:
    """It is a small JSON document of three numbers, and another process may load it."""
    windows = dataset.windows(**SETTINGS, seed=5, epoch=2)
    batches = iter(windows)
    drawn = [next(batches) for _ in range(7)]
    text = json.dumps(windows.state_dict())
    assert json.loads(text) == {"seed": 5, "epoch": 2, "position": 7 * 16}
    rest = [int(index) for batch in batches for index in batch.index]
    resumed = pickle.loads(pickle.dumps(dataset)).windows(**SETTINGS)
    resumed.load_state_dict(json.loads(text))
    assert resumed.state_dict() == json.loads(text)
    assert indices(resumed) == rest
    assert drawn[-1].position == 7 * 16


def test_a_loaded_state_counts_for_one_iteration(dataset: Dataset) -> None:
    """The iteration after it is the whole epoch again; at the end of an epoch nothing is left."""
    windows = dataset.windows(**SETTINGS)
    whole = indices(windows)
    end = windows.state_dict()
    assert end["position"] == 390
    windows.load_state_dict({**end, "position": 380})
    assert indices(windows) == whole[380:]
    assert indices(windows) == whole
    windows.load_state_dict(end)
    assert indices(windows) == []


def test_two_iterators_do_not_disturb_each_other(dataset: Dataset) -> None:
    """The state is that of the later one."""
    windows = dataset.windows(**SETTINGS)
    first = iter(windows)
    next(first)
    second = iter(windows)
    assert np.array_equal(next(second).index, next(iter(dataset.windows(**SETTINGS))).index)
    next(first)
    assert windows.state_dict()["position"] == 16


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"seed": 0, "epoch": 0}, "is not a loader's state"),
        ({"seed": 0, "epoch": 0, "position": "3"}, "is not a loader's state"),
        ({"seed": 0, "epoch": 0, "position": 391}, "position 391 is not in an epoch of 390 windows"),
    ],
)
def test_a_wrong_state_is_refused(dataset: Dataset, state: dict[str, Any], message: str) -> None:
    """Before anything is drawn."""
    with pytest.raises(RequestError, match=message):
        dataset.windows(**SETTINGS).load_state_dict(state)


def test_a_batch_can_be_mapped(dataset: Dataset) -> None:
    """Every array, and nothing else, goes through the function."""
    batch = next(iter(dataset.windows(**SETTINGS))).mapped(lambda values: values[:2])
    assert (batch.state.shape, batch.mask.shape, batch.index.shape, batch.context_samples) == ((2, 12, 3), (2, 3), (2,), 8)
