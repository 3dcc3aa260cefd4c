"""The batches of some windows as a tf.data.Dataset."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from attractory.loader.windows import Windows


def tf_dataset(windows: Windows) -> Any:
    """Batches as dicts of tensors, in the loader's order; each iteration is the same epoch from its beginning.

    `position` is what a state needs: {"seed": …, "epoch": …, "position": int(batch["position"])} goes on after that batch, however far
    tf.data has read ahead. The first axis is not known beforehand, as a last batch may be short.
    """
    example = {**windows.batch(0).fields(), "position": np.int64(0)}
    signature = {name: _specification(np.asarray(value), narrow=windows.plan.buckets is not None) for name, value in example.items()}

    def batches() -> Iterator[dict[str, Any]]:
        for batch in windows:
            yield {**batch.fields(), "position": np.int64(batch.position)}

    dataset = tf.data.Dataset.from_generator(batches, output_signature=signature)
    return dataset.apply(tf.data.experimental.assert_cardinality(len(windows))) if not windows.resumes else dataset


def _specification(value: np.ndarray, *, narrow: bool) -> Any:
    shape: list[int | None] = [*value.shape]
    if shape:
        shape[0] = None
    if narrow and len(shape) > 1:
        shape[-1] = None
    return tf.TensorSpec(shape=shape, dtype=tf.as_dtype(value.dtype))
