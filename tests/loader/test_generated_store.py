"""The loader on a store that `generate` made: the one place where writer and reader meet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from attractory.loader import Dataset
from attractory.loader import open as open_store

OSCILLATOR = """
name: Oscillator
kind: flow
description: A damped oscillator that is driven by its own size, with a limit cycle.
parameters: {mu: 1.5}
equations:
  x: y
  y: mu*(1 - x**2)*y - x
initial: {x: 1.0, y: 0.5}
timescale: {period: 7.0, definition: 'one turn'}
"""
QUADRATIC = """
name: Quadratic
kind: map
description: The logistic map where it covers the interval.
parameters: {r: 4.0}
equations: {x: r*x*(1 - x)}
initial: {x: 0.3}
"""
ROTOR = """
name: Rotor
kind: flow
description: A pendulum that turns over.
equations: {q: p, p: -sin(q)}
initial: {q: 0.5, p: 2.5}
wrap: {q: [-pi, pi]}
timescale: {period: 3.0, definition: 'one turn'}
"""
# Long trajectories of the flow are cut in time (80 kB each), short ones are packed several to a chunk.
RECIPE = """
name: small
seed: 1
systems: [Oscillator, Quadratic, Rotor]
trajectories: {train: 5, validation: 2, test: 2}
transient: {periods: 1, iterates: 10}
granularities:
  short: {samples_per_period: 8, samples: 40}
  long: {dt: 0.05, samples: 10000}
shard_trajectories: 4
catalog: mine
"""


@pytest.fixture(scope="module")
def made(generated: Callable[[str, Mapping[str, str]], Path]) -> Path:
    return generated(RECIPE, {"oscillator": OSCILLATOR, "quadratic": QUADRATIC, "rotor": ROTOR})


@pytest.fixture(scope="module")
def states(made: Path) -> dict[str, np.ndarray]:
    """The states of the same store as xarray reads them, by path."""
    tree = open_store(made).to_xarray()
    return {f"{group}/{part}": tree[f"{group}/{part}/state"].values for group in tree.children for part in ("short", "long")}


@pytest.mark.parametrize("granularity", ["short", "long"])
@pytest.mark.parametrize("cache_bytes", [100_000, 2**30])
def test_windows_equal_what_xarray_reads(made: Path, states: dict[str, np.ndarray], granularity: str, cache_bytes: int) -> None:
    """Bit by bit, with room for one chunk or for all of them."""
    dataset = open_store(made, cache_bytes=cache_bytes)
    for batch in dataset.windows(granularity=granularity, split="train", context=20, horizon=5, batch_size=50, stride=7):
        for row, (system, trajectory, start) in enumerate(zip(batch.system, batch.trajectory, batch.start, strict=True)):
            expected = states[f"{dataset.system_names[system]}/{granularity}"][trajectory, start : start + 25]
            assert np.array_equal(batch.state[row, :, : expected.shape[1]], expected)


def test_annotations_reach_the_training_script(made: Path) -> None:
    """What a script asks for first."""
    dataset: Dataset = open_store(made)
    assert (dataset.system_names, dataset.granularities) == (("Oscillator", "Quadratic", "Rotor"), ("long", "short"))
    assert (dataset.splits, len(dataset)) == (("train", "validation", "test"), 27)
    assert dataset.recipe["name"] == "small"
    oscillator = dataset.systems["Oscillator"]
    assert (oscillator.kind, oscillator.variables, oscillator.period) == ("flow", ("x", "y"), 7.0)
    assert dict(oscillator.parameters) == {"mu": 1.5}
    assert dict(oscillator.invariants) == {}
    assert dict(oscillator.wrap) == {}
    assert dataset.systems["Quadratic"].granularities["long"].dt == 1.0
    assert np.array_equal(dataset.systems["Quadratic"].array("initial")[:, 0] > 0, np.ones(9, bool))


def test_angles_are_in_the_ranges_that_the_store_says(made: Path, states: dict[str, np.ndarray]) -> None:
    """As real numbers: -pi in single precision is below -pi."""
    rotor = open_store(made).systems["Rotor"]
    assert dict(rotor.wrap) == {"q": (-np.pi, np.pi)}
    for granularity in ("short", "long"):
        angle = states[f"Rotor/{granularity}"][..., 0].astype(np.float64)
        assert -np.pi <= angle.min()
        assert angle.max() < np.pi
        assert np.ptp(angle) > 6
    assert np.abs(rotor.array("initial")[:, 0]).max() < np.pi
