"""How long windows are: in samples, time, periods and Lyapunov times; whole trajectories; several granularities at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from attractory import layout
from attractory.errors import RequestError
from attractory.loader import Dataset
from attractory.loader import open as open_store

SETTINGS: dict[str, Any] = {"granularity": "fine", "split": "train", "batch_size": 16}
SYSTEMS = {"Henon": 2, "Lorenz": 3}
# A period of Henon has 15 samples of fine, one of Lorenz 20; a Lyapunov time 8 and 20.
ANNOTATIONS = {"Henon": {layout.LYAPUNOV_TIME: 0.4}, "Lorenz": {layout.PERIOD: 1.0, layout.LYAPUNOV_TIME: 1.0}}


@pytest.fixture(scope="module")
def dataset(stores: Any, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    written = stores.Written(systems=SYSTEMS, annotations=ANNOTATIONS, granularities={"coarse": 20, "fine": 60}, dt={"coarse": 0.15})
    return open_store(stores.write(tmp_path_factory.mktemp("spans") / "s.zarr", written))


def test_a_window_in_periods_has_other_samples_in_each_system(dataset: Dataset, stores: Any) -> None:
    """Two periods before and half a Lyapunov time after: 30 + 4 samples of Henon, 40 + 10 of Lorenz; the shorter is padded twice."""
    windows = dataset.windows(**SETTINGS, context={"periods": 2}, horizon={"lyapunov_times": 0.5}, stride=3)
    assert windows.window_count == 5 * ((60 - 34) // 3 + 1) + 5 * ((60 - 50) // 3 + 1)
    for batch in windows:
        assert (batch.state.shape[1:], batch.context_samples) == ((50, 3), 40)
        for row, (system, trajectory, start) in enumerate(zip(batch.system, batch.trajectory, batch.start, strict=True)):
            context, horizon = ((30, 4), (40, 10))[system]
            length = context + horizon
            expected = stores.numbers(system, trajectory + 1, start + length, 2 + system)[trajectory, start:]
            begin = 40 - context
            assert np.array_equal(batch.state[row, begin : begin + length, : 2 + system], expected)
            assert np.flatnonzero(batch.time_mask[row]).tolist() == list(range(begin, begin + length))
            assert not batch.state[row, ~batch.time_mask[row]].any()


@pytest.mark.parametrize(
    ("context", "samples"),
    [({"samples": 7}, 7), ({"time": 0.5}, 10), ({"periods": 0.75}, 15), ({"lyapunov_times": 1}, 20), ({"periods": 1e-6}, 1), ("whole", 56)],
)
def test_a_length_is_the_nearest_number_of_samples(dataset: Dataset, context: Any, samples: int) -> None:
    """Of Lorenz, whose samples are 0.05 apart; at least one."""
    windows = dataset.windows(**SETTINGS, context=context, horizon=4, systems=["Lorenz"])
    assert next(iter(windows)).context.shape[1] == samples
    assert next(iter(windows)).time_mask is None


def test_a_stride_in_periods_counts_for_each_system(dataset: Dataset) -> None:
    """A third of a period: 5 samples of Henon, 7 of Lorenz."""
    starts: dict[int, set[int]] = {0: set(), 1: set()}
    for batch in dataset.windows(**SETTINGS, context=30, horizon=0, stride={"periods": 1 / 3}):
        for system, start in zip(batch.system.tolist(), batch.start.tolist(), strict=True):
            starts[system].add(start)
    assert starts == {0: {0, 5, 10, 15, 20, 25, 30}, 1: {0, 7, 14, 21, 28}}


def test_whole_trajectories_are_one_window_each(dataset: Dataset) -> None:
    """Without a horizon: all samples, five trajectories of each system."""
    windows = dataset.windows(**SETTINGS, context="whole", horizon=0)
    assert windows.window_count == 10
    assert next(iter(windows)).state.shape[1] == 60


def test_pairs_are_windows_of_one_and_one(dataset: Dataset, stores: Any) -> None:
    """What a one-step model of a map is trained on: a state and the next."""
    batch = next(iter(dataset.windows(**SETTINGS, context=1, horizon=1, systems=["Henon"])))
    before = stores.numbers(0, 8, 60, 2)[batch.trajectory, batch.start]
    assert np.array_equal(batch.context[:, 0], before)
    assert np.array_equal(batch.horizon[:, 0], before + 10)


def test_several_granularities_cover_the_same_time(dataset: Dataset, stores: Any) -> None:
    """Fine windows of 12 + 6 samples stand for 4 + 2 coarse ones; each begins at its first sample that is not before the window."""
    windows = dataset.windows(**{**SETTINGS, "granularity": ["fine", "coarse"]}, context=12, horizon=6, metadata=["time"])
    for batch in windows:
        coarse = batch.others["coarse"]
        assert (coarse.state.shape[1], coarse.context_samples) == (6, 4)
        assert (coarse.start == -(-batch.start // 3)).all()
        assert (coarse.index == batch.index).all()
        rows = coarse.start[:, None] + np.arange(6)
        for row, (system, trajectory) in enumerate(zip(batch.system, batch.trajectory, strict=True)):
            expected = stores.numbers(system, 8, 20, 2 + system)[trajectory, rows[row]]
            assert np.array_equal(coarse.state[row, :, : 2 + system], expected)
        assert (0.15 * coarse.start >= batch.metadata["time"][:, 0] - 1e-9).all()
    assert windows.window_count == 10 * len([s for s in range(43) if -(-s // 3) + 6 <= 20])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"context": {"period": 2}}, "'period' is none of samples, time, periods, lyapunov_times. Did you mean 'periods'"),
        ({"context": {"periods": 2, "time": 1}}, "expected one length"),
        ({"context": {"periods": 0}}, "expected a number above zero"),
        ({"context": {"time": float("nan")}}, "expected a number above zero"),
        ({"context": "all"}, "context='all': expected a whole number, or a length such as"),
        ({"horizon": {"periods": 4}}, "Henon/fine has 60 samples a trajectory, context 4 . horizon 60 needs 64"),
        ({"context": {"samples": 2.5}}, "expected a whole number"),
    ],
)
def test_lengths_without_meaning_are_refused(dataset: Dataset, settings: dict[str, Any], message: str) -> None:
    """The message says what was expected."""
    with pytest.raises(RequestError, match=message):
        dataset.windows(**{**SETTINGS, "context": 4, "horizon": 1, **settings})


def test_a_system_without_a_lyapunov_time_is_named(stores: Any, tmp_path: Path) -> None:
    """And how to leave it out."""
    store = stores.write(tmp_path / "s.zarr", stores.Written())
    with pytest.raises(RequestError, match=r"context in lyapunov_times: Henon has no Lyapunov time. Leave it out with systems= or where="):
        open_store(store).windows(**SETTINGS, context={"lyapunov_times": 1}, horizon=1)


def test_granularities_of_which_one_is_too_short_are_refused(dataset: Dataset, stores: Any, tmp_path: Path) -> None:
    """The one that ends first is named."""
    granularities = {**SETTINGS, "granularity": ["coarse", "fine"]}
    assert dataset.windows(**granularities, context=20, horizon=0).window_count == 10  # 20 coarse samples take the time of 60 fine ones
    store = stores.write(tmp_path / "s.zarr", stores.Written(granularities={"coarse": 20, "fine": 59}, dt={"coarse": 0.15}))
    with pytest.raises(RequestError, match="Henon/fine has 59 samples a trajectory, which end before a window's time does"):
        open_store(store).windows(**granularities, context=20, horizon=0)
