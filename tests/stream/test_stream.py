"""Windows of trajectories that are integrated while they are drawn."""

from __future__ import annotations

import json
import pickle
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import attractory
from attractory.errors import IntegrationError, RequestError
from attractory.integrate import BlockSettings, SampleGrid, integrate_block
from attractory.layout import Status
from attractory.loader.transforms import Standardise
from attractory.stream import Stream, door
from attractory.stream import generated as generated_module

RECIPE = """
name: small
seed: 3
systems: [Henon, Lorenz]
trajectories: {train: TRAIN, validation: 2}
transient: {periods: 1, iterates: 10}
granularities:
  coarse: {samples_per_period: 5, samples: 8}
  fine: {samples_per_period: 20, samples: 30}
dtype: float32
shard_trajectories: 5
"""
SETTINGS: dict[str, Any] = {"granularity": "fine", "context": 8, "horizon": 4, "batch_size": 16}


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("stream") / "recipe.yaml"
    path.write_text(RECIPE.replace("TRAIN", "8"))
    return path


@pytest.fixture
def small(recipe: Path, monkeypatch: pytest.MonkeyPatch) -> Stream:
    """Blocks of three trajectories, so that there are several."""
    monkeypatch.setattr(door, "BLOCK_ROWS", 3)
    return attractory.stream(recipe, threads=0)


def drawn(batches: Any, count: int) -> list[list[int]]:
    return [batch.index.tolist() for batch in islice(batches, count)]


def test_trajectories_are_those_that_a_store_would_have_further_on(small: Stream) -> None:
    """Epoch e begins after the recipe's own trajectories and e epochs, with the bits that `generate` would store under these numbers."""
    system = attractory.system("Lorenz")
    grids = (SampleGrid(system.period / 5, 8), SampleGrid(system.period / 20, 30))
    made = integrate_block(system, indices=range(26), grids=grids, settings=BlockSettings(3, system.period, 1e-14, "float32"))
    held = dict(zip(("coarse", "fine"), made.states, strict=True))
    windows = small.windows(**{**SETTINGS, "granularity": ["coarse", "fine"], "context": 2, "horizon": 0}, systems=["Lorenz"])
    for epoch in (0, 1):
        batch = windows.with_epoch(epoch).batch(0)
        for state, trajectory, start in zip(batch.state, batch.trajectory, batch.start, strict=True):
            assert np.array_equal(state, held["coarse"][10 + 8 * epoch + trajectory, start : start + 2])
        fine = batch.others["fine"]
        for state, trajectory, start in zip(fine.state, fine.trajectory, fine.start, strict=True):
            assert np.array_equal(state, held["fine"][10 + 8 * epoch + trajectory, start : start + 8])


def test_windows_by_number_are_of_the_epoch(small: Stream) -> None:
    """As its batches are."""
    windows = small.windows(**SETTINGS)
    batch = windows.with_epoch(2).batch(0)
    assert np.array_equal(windows.with_epoch(2).at(batch.index).state, batch.state)
    assert not np.array_equal(windows.at(batch.index).state, batch.state)


def test_it_never_ends_and_never_repeats(small: Stream) -> None:
    """Three epochs in a row: each window once an epoch, no state twice."""
    windows = small.windows(**SETTINGS)
    batches = list(islice(windows, 3 * len(windows)))
    for epoch in range(3):
        part = batches[epoch * len(windows) : (epoch + 1) * len(windows)]
        assert sorted(int(index) for batch in part for index in batch.index) == list(range(2 * 8 * 19))
    first = np.concatenate([batch.state[:, 0] for batch in batches])
    assert len(np.unique(first, axis=0)) == len(first)


@pytest.mark.parametrize(("before", "after"), [((1, 1), (2, 2)), ((3, 2), (1, 3))])
def test_ranks_and_workers_draw_one_order_and_go_on(small: Stream, before: tuple[int, int], after: tuple[int, int]) -> None:
    """Over the end of an epoch, and from a state with another number of them."""
    asked = {**SETTINGS, "batch_size": 7, "uneven": "drop"}
    alone = [index for batch in islice(small.windows(**asked), 60) for index in batch.index.tolist()]
    windows = [small.windows(**asked, rank=rank, ranks=before[0]) for rank in range(before[0])]
    first = merged(windows, before[1], rounds=5)
    state = json.loads(json.dumps(windows[0].state_dict() | {"position": first[-1].position}))
    resumed = [small.windows(**asked, seed=9, rank=rank, ranks=after[0]) for rank in range(after[0])]
    for one in resumed:
        one.load_state_dict(state)
    rest = merged(resumed, after[1], rounds=3)
    together = [index for batch in first + rest for index in batch.index.tolist()]
    assert together == alone[: len(together)]


def merged(windows: list[Any], workers: int, rounds: int) -> list[Any]:
    """Batches as the DataLoaders of all ranks give them, side by side."""
    state = windows[0].state_dict()
    streams = []
    for one in windows:
        for worker in range(workers):
            one.load_state_dict(state)
            streams.append(one.batches(worker=worker, workers=workers))
    by_rank = [[next(streams[rank * workers + turn % workers]) for turn in range(rounds)] for rank in range(len(windows))]
    return [batch for batches in zip(*by_rank, strict=True) for batch in batches]


def test_workers_go_on_in_turn_over_the_end_of_an_epoch(small: Stream) -> None:
    """Also where its batches are no multiple of theirs."""
    windows = small.windows(**SETTINGS, uneven="drop")
    assert len(windows) % 4
    alone = drawn(windows.again(), 3 * len(windows))
    streams = [windows.batches(worker=worker, workers=4) for worker in range(4)]
    assert [next(streams[turn % 4]).index.tolist() for turn in range(len(alone))] == alone


def test_each_process_integrates_its_own_part(recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With `processes`, the blocks that two ranks integrate are disjoint; each window still comes once at most."""
    monkeypatch.setattr(door, "BLOCK_ROWS", 2)
    made: list[tuple[str, int]] = []

    def spied(system: Any, *, indices: Any, **settings: Any) -> Any:
        made.append((system.name, min(indices)))
        return integrate_block(system, indices=indices, **settings)

    monkeypatch.setattr(generated_module, "integrate_block", spied)
    blocks = []
    indices: list[int] = []
    for rank in range(2):
        made.clear()
        windows = attractory.stream(recipe, threads=0, processes=2).windows(**SETTINGS, mixing=4, rank=rank, ranks=2)
        indices += [index for batch in islice(windows, len(windows)) for index in batch.index.tolist()]
        blocks.append(set(made))
    assert blocks[0]
    assert not blocks[0] & blocks[1]
    assert len(indices) == len(set(indices)) > 200


def test_a_thread_integrates_ahead_with_the_same_result(recipe: Path, small: Stream) -> None:
    """And a pickled copy, as of a worker process, draws the same."""
    expected = [batch.state for batch in islice(small.windows(**SETTINGS), 25)]
    windows = small.windows(**SETTINGS)
    windows.source.reading.cache.decoders.threads = 1
    for copy in (windows, pickle.loads(pickle.dumps(windows))):
        assert all(np.array_equal(a.state, b) for a, b in zip(copy, expected, strict=False))


def test_statistics_of_a_stream_are_of_its_first_block(small: Stream) -> None:
    """Enough to bring numbers to order one, without integrating an epoch."""
    batch = next(iter(small.windows(**SETTINGS, transforms=[Standardise()], metadata=["parameters", "time"])))
    assert 0.2 < batch.state[batch.system == 1].std() < 3
    assert batch.metadata["parameters"].shape == (16, 3)


def test_a_trajectory_that_fails_is_another_one(small: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbered where no other is; where those fail too, the error says how."""
    failing = {10, 10 + generated_module.RESERVE}

    def spoilt(system: Any, *, indices: Any, **settings: Any) -> Any:
        made = integrate_block(system, indices=indices, **settings)
        for place, index in enumerate(indices):
            if index in failing:
                made.status[place] = Status.DIVERGED
                made.states[0][place] = np.nan
        return made

    monkeypatch.setattr(generated_module, "integrate_block", spoilt)
    batches = list(islice(small.windows(**SETTINGS), 19))
    assert all(np.isfinite(batch.state).all() for batch in batches)
    failing.update(10 + number * generated_module.RESERVE for number in range(20))
    with pytest.raises(IntegrationError, match=r"8 trajectories in place of number 10 failed as well; the last one left every bound"):
        list(islice(small.windows(**SETTINGS), 19))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"split": "test"}, "a stream has split='train' and shuffle='blocks', not 'test'"),
        ({"shuffle": "global"}, "not 'train' and 'global'"),
        ({"context": 40}, "Henon/fine has 30 samples a trajectory"),
    ],
)
def test_what_a_stream_does_not_have_is_refused(small: Stream, settings: dict[str, Any], message: str) -> None:
    """Before anything is integrated."""
    with pytest.raises(RequestError, match=message):
        small.windows(**{**SETTINGS, **settings})


def test_recipes_that_cannot_be_streamed_are_refused(tmp_path: Path, small: Stream) -> None:
    """Without training trajectories, with times of their own; and a stream has no store to look at."""
    (tmp_path / "recipe.yaml").write_text(RECIPE.replace("train: TRAIN, ", ""))
    with pytest.raises(RequestError, match=r"no trajectories.train: a stream is for training"):
        attractory.stream(tmp_path)
    (tmp_path / "recipe.yaml").write_text(
        RECIPE.replace("TRAIN", "2").replace("Henon, ", "").replace("samples: 8", "samples: 8, times: poisson")
    )
    with pytest.raises(RequestError, match=r"granularities.coarse has samples at times of their own"):
        attractory.stream(tmp_path)
    with pytest.raises(RequestError, match="attributes of a stream: it has no store"):
        small.attributes  # noqa: B018
