"""The windows of an epoch as an IterableDataset of Hugging Face."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from datasets import IterableDataset  # type: ignore[attr-defined]  # the checkout has a folder of that name

from attractory.loader.windows import Windows


def hf_dataset(windows: Windows, *, shards: int) -> Any:
    """One example a window, a dict of NumPy arrays, in the loader's order.

    `shards`: the parts that `split_dataset_by_node` and DataLoader's workers deal out: part s has every `shards`-th batch, beginning with
    number s. The dataset says where it is by its own `state_dict()`.
    """
    parts = {"windows": windows, "parts": list(range(shards)), "shards": shards}
    return IterableDataset.from_generator(_examples, gen_kwargs=parts)


def _examples(windows: Windows, parts: list[int], shards: int) -> Iterator[dict[str, Any]]:
    for part in parts:
        for batch in windows.again().batches(worker=part, workers=shards):
            fields = batch.fields()
            for row in range(len(batch)):
                yield {name: values[row] for name, values in fields.items()}
