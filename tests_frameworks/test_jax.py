"""The batches as JAX arrays."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from attractory.loader import Dataset


def test_arrays_equal_those_of_numpy(dataset: Dataset, settings: dict[str, Any]) -> None:
    """State and mask are JAX arrays with the same numbers in the same order; the codes beside them stay NumPy int64."""
    windows = dataset.windows(**settings)
    batches = list(windows.jax())
    assert len(batches) == len(windows.jax()) == 25
    for batch, expected in zip(batches, windows, strict=True):
        assert isinstance(batch.state, jax.Array)
        assert isinstance(batch.mask, jax.Array)
        assert batch.state.dtype == jnp.float32
        assert np.array_equal(batch.state, expected.state)
        assert np.array_equal(batch.mask, expected.mask)
        assert (batch.index.dtype, batch.index.tolist()) == (np.int64, expected.index.tolist())


def test_batches_go_through_a_compiled_step(dataset: Dataset, settings: dict[str, Any]) -> None:
    """A jitted function of context and horizon, as a training step is."""
    step = jax.jit(lambda context, horizon: jnp.mean((horizon - context[:, -1:]) ** 2))
    batch = next(iter(dataset.windows(**settings).jax()))
    expected = np.mean((np.asarray(batch.horizon) - np.asarray(batch.context)[:, -1:]) ** 2)
    assert np.isclose(step(batch.context, batch.horizon), expected, rtol=1e-5)  # float32


def test_a_run_goes_on_where_it_stopped(dataset: Dataset, settings: dict[str, Any]) -> None:
    """The state is that of the live iterator."""
    arrays = dataset.windows(**settings).jax()
    batches = iter(arrays)
    for _ in range(3):
        next(batches)
    state = arrays.state_dict()
    assert state == {"seed": 0, "epoch": 0, "position": 48}
    resumed = dataset.windows(**settings).jax()
    resumed.load_state_dict(state)
    assert next(iter(resumed)).index.tolist() == next(batches).index.tolist()
    assert next(iter(arrays.with_epoch(1))).position == 16


def test_any_batch_in_any_type(dataset: Dataset, settings: dict[str, Any]) -> None:
    """Batch k at once, as bfloat16, with the mask of time where windows differ in length."""
    windows = dataset.windows(**{**settings, "context": {"periods": 0.5}}, dtype="bfloat16")
    batch = windows.jax().batch(3)
    plain = dataset.windows(**{**settings, "context": {"periods": 0.5}}).jax().batch(3)
    assert batch.state.dtype == jnp.bfloat16
    assert jnp.array_equal(batch.state, plain.state.astype(jnp.bfloat16))
    assert next(iter(windows.jax().skip(range(3)))).index.tolist() == batch.index.tolist()


def test_the_example_beats_persistence(forecasts: Any) -> None:
    """The forecaster of examples/forecast, after a few steps on states that move evenly."""
    own, persistence = forecasts("with_jax.py")
    assert own < persistence
