"""The windows as an IterableDataset of Hugging Face."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from attractory.loader import Dataset

pytest.importorskip("datasets")


def indices(examples: Any) -> list[int]:
    return [int(example["index"]) for example in examples]


def test_examples_are_the_windows_in_the_loaders_order(dataset: Dataset, settings: dict[str, Any]) -> None:
    """One example a window, each iteration the whole epoch."""
    windows = dataset.windows(**settings)
    expected = [int(index) for batch in windows for index in batch.index]
    examples = windows.huggingface()
    first = next(iter(examples))
    assert np.array_equal(first["context"], windows.batch(0).context[0])
    assert indices(examples) == indices(examples) == expected


def test_nodes_share_the_parts(dataset: Dataset, settings: dict[str, Any]) -> None:
    """`split_dataset_by_node` deals them out: disjoint, together every window once."""
    from datasets.distributed import split_dataset_by_node

    examples = dataset.windows(**settings).huggingface(shards=4)
    parts = [indices(split_dataset_by_node(examples, rank=rank, world_size=2)) for rank in range(2)]
    assert all(len(part) > 150 for part in parts)
    assert sorted(parts[0] + parts[1]) == list(range(390))


def test_it_goes_on_by_its_own_state(dataset: Dataset, settings: dict[str, Any]) -> None:
    """As every dataset of theirs does."""
    examples = dataset.windows(**settings).huggingface()
    whole = indices(examples)
    for number, _ in enumerate(examples):
        if number == 99:
            state = examples.state_dict()
            break
    resumed = dataset.windows(**settings).huggingface()
    resumed.load_state_dict(state)
    assert indices(resumed) == whole[100:]


def test_the_example_beats_persistence(forecasts: Any) -> None:
    """The forecaster of examples/forecast, after a few steps on states that move evenly."""
    own, persistence = forecasts("with_huggingface.py")
    assert own < persistence
