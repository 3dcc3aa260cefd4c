"""The batches as a tf.data.Dataset."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from attractory.loader import Dataset

tf = pytest.importorskip("tensorflow")


def test_tensors_equal_the_arrays(dataset: Dataset, settings: dict[str, Any]) -> None:
    """The same numbers in the same order, types and short last batch included, again in a second iteration."""
    windows = dataset.windows(**settings, metadata=["parameters"])
    expected = list(windows)
    tensors = windows.tf()
    assert int(tensors.cardinality()) == 25
    for _ in range(2):
        batches = list(tensors.prefetch(2))
        assert len(batches) == 25
        for batch, other in zip(batches, expected, strict=True):
            assert (batch["context"].dtype, batch["parameters"].dtype) == (tf.float32, tf.float64)
            assert np.array_equal(batch["horizon"], other.horizon)
            assert np.array_equal(batch["index"], other.index)


def test_a_run_goes_on_after_the_batch_it_used(dataset: Dataset, settings: dict[str, Any]) -> None:
    """tf.data reads ahead, so the place is in the batch."""
    windows = dataset.windows(**settings, seed=4)
    expected = [batch.index.tolist() for batch in windows]
    for number, batch in enumerate(windows.tf().prefetch(4)):
        if number == 6:
            position = int(batch["position"])
            break
    resumed = dataset.windows(**settings)
    resumed.load_state_dict({"seed": 4, "epoch": 0, "position": position})
    assert [batch["index"].numpy().tolist() for batch in resumed.tf()] == expected[7:]


def test_batches_go_through_a_compiled_step(dataset: Dataset, settings: dict[str, Any]) -> None:
    """A tf.function traced once takes full and short batches, and batches of one dimension each."""

    @tf.function(reduce_retracing=True)
    def step(context: Any, horizon: Any) -> Any:
        return tf.reduce_mean((horizon - context[:, -1:]) ** 2)

    for asked in ({}, {"buckets": "dimension"}):
        windows = dataset.windows(**settings, **asked)
        for batch, other in zip(windows.tf(), windows.again(), strict=True):
            expected = np.mean((other.horizon - other.context[:, -1:]) ** 2)
            assert np.isclose(step(batch["context"], batch["horizon"]), expected, rtol=1e-5)  # float32


def test_the_example_beats_persistence(forecasts: Any) -> None:
    """The forecaster of examples/forecast, after a few steps on states that move evenly."""
    own, persistence = forecasts("with_tf.py")
    assert own < persistence
