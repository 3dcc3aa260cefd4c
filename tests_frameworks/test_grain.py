"""The batches and the windows as data sources of grain."""

from __future__ import annotations

from typing import Any

import grain
import numpy as np
import pytest

from attractory.loader import Dataset

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # inside grain and what it imports


def test_a_source_has_the_batches_in_the_loaders_order(dataset: Dataset, settings: dict[str, Any]) -> None:
    """Element k is batch k, by number or in an iteration."""
    windows = dataset.windows(**settings)
    source = windows.grain()
    assert isinstance(source, grain.sources.RandomAccessDataSource)
    batches = list(grain.MapDataset.source(source))
    assert len(source) == len(batches) == 25
    assert all(np.array_equal(a["context"], b.context) for a, b in zip(batches, windows, strict=True))


def test_grain_goes_on_by_its_own_state(dataset: Dataset, settings: dict[str, Any]) -> None:
    """An iterator that is set to another one's state gives what that one would."""
    source = dataset.windows(**settings).grain()
    batches = iter(grain.MapDataset.source(source).to_iter_dataset())
    for _ in range(5):
        next(batches)
    state = batches.get_state()
    resumed = iter(grain.MapDataset.source(source).to_iter_dataset())
    resumed.set_state(state)
    assert next(resumed)["index"].tolist() == next(batches)["index"].tolist() == source[5]["index"].tolist()


def test_grain_may_draw_windows_itself(dataset: Dataset, settings: dict[str, Any]) -> None:
    """Its shuffle over single windows gives each once."""
    windows = dataset.windows(**settings).grain().items()
    batches = list(grain.MapDataset.source(windows).shuffle(seed=1).batch(13))
    assert (batches[0]["context"].shape, batches[0]["mask"].shape) == ((13, 8, 3), (13, 3))
    assert sorted(int(i) for batch in batches for i in batch["index"]) == list(range(390))


def test_the_example_beats_persistence(forecasts: Any) -> None:
    """The forecaster of examples/forecast, after a few steps on states that move evenly."""
    own, persistence = forecasts("with_grain.py")
    assert own < persistence
