"""How random a shuffle is: where in an epoch windows come, beside the shuffle buffers of others.

    python benchmarks/loader_shuffle.py [--epochs 40]

100,000 elements. Of each order, three numbers:
- chi-square: elements and positions in 100 equal parts each, a table of 100 x 100 counts over all epochs against equal counts, divided by
  its 99 x 99 degrees of freedom: 1 for a random order, with a standard deviation of 0.014.
- neighbours: how often elements that are stored next to each other come within 256 positions of each other, over how often they would at
  random.
- displacement: the mean distance from an element's place in the store to its place in the epoch, over a third of the length.
Buffers read one store in order. Those that are not installed are left out.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from importlib.util import find_spec

import numpy as np
from table import table

from attractory.loader.epochs import EqualBlocks
from attractory.loader.order import Order

COUNT, PARTS, BATCH = 100_000, 100, 256


def ours(epoch: int) -> np.ndarray:
    return Order(COUNT, 0, epoch)(np.arange(COUNT))


def blocks(epoch: int) -> np.ndarray:
    return EqualBlocks(COUNT // 100, 100, 256, 0, epoch)(np.arange(COUNT))


def permuted(epoch: int) -> np.ndarray:
    return np.random.default_rng(epoch).permutation(COUNT)


def webdataset_buffer(epoch: int) -> np.ndarray:
    import random

    from webdataset.filters import _shuffle

    return np.fromiter(_shuffle(iter(range(COUNT)), bufsize=1000, initial=100, rng=random.Random(epoch)), np.int64, COUNT)


def huggingface_buffer(epoch: int) -> np.ndarray:
    from datasets import IterableDataset

    def numbers() -> Iterator[dict[str, int]]:
        yield from ({"number": number} for number in range(COUNT))

    found = IterableDataset.from_generator(numbers).shuffle(seed=epoch, buffer_size=1000)
    return np.fromiter((example["number"] for example in found), np.int64, COUNT)


def grain_shuffle(epoch: int) -> np.ndarray:
    import grain

    found = grain.MapDataset.range(COUNT).shuffle(seed=epoch)
    return np.fromiter((found[number] for number in range(COUNT)), np.int64, COUNT)


ORDERS: dict[str, tuple[Callable[[int], np.ndarray], str]] = {
    "Attractory, global": (ours, "numpy"),
    "Attractory, blocks of 100 windows, 256 mixed": (blocks, "numpy"),
    "NumPy's permutation": (permuted, "numpy"),
    "grain, shuffle": (grain_shuffle, "grain"),
    "webdataset, shuffle(1000)": (webdataset_buffer, "webdataset"),
    "HF datasets, shuffle(buffer_size=1000)": (huggingface_buffer, "datasets"),
}


def measured(order: Callable[[int], np.ndarray], epochs: int) -> tuple[float, float, float]:
    """Chi-square over its degrees of freedom, neighbours, displacement."""
    counts = np.zeros((PARTS, PARTS))
    near, moved = 0.0, 0.0
    for epoch in range(epochs):
        elements = order(epoch)
        place = np.empty(COUNT, np.int64)
        place[elements] = np.arange(COUNT)
        part = COUNT // PARTS
        np.add.at(counts, (np.arange(COUNT) // part, place // part), 1)
        near += float((np.abs(np.diff(place)) <= BATCH).mean())
        moved += float(np.abs(place - np.arange(COUNT)).mean())
    expected = epochs * COUNT / PARTS**2
    chi_square = float(((counts - expected) ** 2 / expected).sum()) / (PARTS - 1) ** 2
    # Of two random places, the chance to be at most BATCH apart.
    chance = 1 - (1 - BATCH / COUNT) ** 2
    return chi_square, near / epochs / chance, moved / epochs / (COUNT / 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=40)
    epochs = parser.parse_args().epochs
    rows = []
    for name, (order, package) in ORDERS.items():
        if find_spec(package) is None:
            continue
        count = epochs if package == "numpy" else min(epochs, 10)
        rows.append([name, str(count), *(f"{value:.3g}" for value in measured(order, count))])
    print(table(["order", "epochs", "chi-square", "neighbours", "displacement"], rows))


if __name__ == "__main__":
    main()
