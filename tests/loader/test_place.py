"""Places in an epoch: any batch at once, parts left out, and states that a person may edit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attractory.errors import RequestError
from attractory.loader import Batch, Dataset, Windows
from attractory.loader import open as open_store
from attractory.loader.place import Kept, merged, place_of

SETTINGS: dict[str, Any] = {"granularity": "fine", "split": "train", "context": 8, "horizon": 4, "batch_size": 16}
# 2 systems of 5 trajectories of 11 windows: small enough for thousands of epochs.
SMALL: dict[str, Any] = {"granularity": "fine", "split": "train", "context": 20, "horizon": 0, "stride": 3, "uneven": "pad"}
ORDERS: dict[str, dict[str, Any]] = {
    "global": {},
    "blocks": {"shuffle": "blocks", "mixing": 3},
    "none": {"shuffle": "none"},
    "buckets": {"buckets": "dimension"},
    "weights": {"weights": {"Henon": 2.0}, "draws": 77},
}
CASES = max(200, settings.default.max_examples if settings.default else 0)  # 2,000 with --hypothesis-profile=thorough


@pytest.fixture(scope="session")
def dataset(tiny: Path) -> Dataset:
    return open_store(tiny)


@pytest.fixture(scope="session")
def mixture(stores: Any, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("mixture")
    parts = [
        stores.write(folder / f"{name}.zarr", stores.Written(systems={name: 2}, splits=(count, 0, 0)))
        for name, count in (("A", 4), ("B", 7))
    ]
    return open_store(parts, weights=[2, 1])


def indices(batches: Any) -> list[int]:
    return [int(index) for batch in batches for index in batch.index if index >= 0]


def with_workers(windows: Windows, workers: int) -> list[Batch]:
    """The batches of one rank as a DataLoader gives them: from its workers in turn."""
    state = windows.state_dict()
    parts = []
    for worker in range(max(1, workers)):
        windows.load_state_dict(state)  # each worker has a copy that begins there
        parts.append(list(windows.batches(worker=worker, workers=max(1, workers))))
    return [part[turn] for turn in range(len(parts[0])) for part in parts if turn < len(part)]


@settings(max_examples=CASES)
@given(
    kind=st.sampled_from([*ORDERS, "stores"]),
    seed=st.integers(0, 10**9),
    epoch=st.integers(0, 10**6),
    batch_size=st.integers(1, 50),
    before=st.tuples(st.integers(1, 9), st.integers(0, 4)),
    after=st.tuples(st.integers(1, 9), st.integers(0, 4)),
    stop=st.integers(0, 30),
)
def test_any_ranks_and_workers_draw_the_order_of_one_process(
    dataset: Dataset, mixture: Dataset, kind: str, seed: int, epoch: int, batch_size: int, before: Any, after: Any, stop: int
) -> None:
    """Also when another number of them goes on after some rounds, for every way to shuffle: nothing is drawn twice, and nothing is lost."""
    opened = mixture if kind == "stores" else dataset
    asked = {**SMALL, **ORDERS.get(kind, {"draws": 90}), "seed": seed, "epoch": epoch, "batch_size": batch_size}
    alone = indices(opened.windows(**asked))
    ranks, workers = before
    parts = [with_workers(opened.windows(**asked, rank=rank, ranks=ranks), workers) for rank in range(ranks)]
    rounds = list(zip(*parts, strict=True))[:stop]
    merged_batches = [batch for batches in rounds for batch in batches]
    state = {"seed": seed, "epoch": epoch, "position": rounds[-1][0].position if rounds else 0}
    ranks, workers = after
    resumed = [opened.windows(**{**asked, "seed": 0, "epoch": 0}, rank=rank, ranks=ranks) for rank in range(ranks)]
    for windows in resumed:
        windows.load_state_dict(json.loads(json.dumps(state)))
    rest = [with_workers(windows, workers) for windows in resumed]
    merged_batches += [batch for batches in zip(*rest, strict=True) for batch in batches]
    assert indices(merged_batches) == alone
    if kind in ("global", "blocks", "none", "buckets"):
        assert sorted(alone) == list(range(110))
    else:
        assert len(alone) == (77 if kind == "weights" else 90)


@settings(max_examples=60)
@given(
    kind=st.sampled_from(list(ORDERS)),
    batch_size=st.integers(1, 12),
    ranks=st.integers(1, 3),
    cuts=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 6)), max_size=4),
    stop=st.integers(0, 12),
)
def test_what_is_skipped_is_left_out_and_nothing_else(
    dataset: Dataset, kind: str, batch_size: int, ranks: int, cuts: list[tuple[int, int]], stop: int
) -> None:
    """Batches before and after a skipped part are what they were; a state remembers the parts, and may be taken up anywhere."""
    asked = {**SMALL, **ORDERS[kind], "batch_size": batch_size}
    kept = [list(dataset.windows(**asked, rank=rank, ranks=ranks)) for rank in range(ranks)]
    windows = [dataset.windows(**asked, rank=rank, ranks=ranks) for rank in range(ranks)]
    for begin, length in cuts:
        cut = range(min(begin, len(windows[0])), min(begin + length, len(windows[0])))
        windows = [one.skip(cut) for one in windows]
        kept = [[batch for number, batch in enumerate(part) if number not in cut] for part in kept]
    for one, part in zip(windows, kept, strict=True):
        assert len(one) == len(part)
        drawn = iter(one)
        for _ in range(min(stop, len(part))):
            next(drawn)
        resumed = dataset.windows(**asked, rank=one.share.rank, ranks=ranks)
        resumed.load_state_dict(json.loads(json.dumps(one.state_dict())))
        assert indices(one) == indices(part)
        assert indices(resumed) == indices(part[stop:])


def test_any_batch_comes_at_once(dataset: Dataset) -> None:
    """Batch k equals the k-th of the iteration, for each rank, from the end as well, and leaves the live iterator where it is."""
    windows = dataset.windows(**SETTINGS, rank=1, ranks=2, uneven="pad", seed=8)
    whole = list(windows)
    batches = iter(windows)
    next(batches)
    for number in (0, 5, len(whole) - 1):
        batch = windows.batch(number)
        assert np.array_equal(batch.state, whole[number].state)
        assert (batch.index.tolist(), batch.position) == (whole[number].index.tolist(), whole[number].position)
    assert windows.batch(-1).index.tolist() == whole[-1].index.tolist()
    assert windows.state_dict()["position"] == 32
    with pytest.raises(IndexError, match="batch 13 of 13"):
        windows.batch(13)


def test_a_batch_far_into_an_epoch_of_many_windows_costs_no_more(dataset: Dataset) -> None:
    """Batch 10**9 of 4 * 10**11 draws: nothing as long as the epoch is ever made."""
    windows = dataset.windows(**SETTINGS, draws=4 * 10**11)
    assert windows.batch(10**9).position == 16 * (10**9 + 1)
    assert len(windows.skip(range(10, 10**10))) == 25 * 10**9 - 10**10 + 10


def test_a_state_with_all_that_it_may_hold_is_short() -> None:
    """At most 1 kB, at the end of an epoch of 10**12 windows; more parts are refused."""
    far = [[10**12 + 10 * n, 10**12 + 10 * n + 1] for n in range(16)]
    state = {"seed": 2**63, "epoch": 10**9, "position": 10**12, "skipped": far}
    place, skipped = place_of(state)
    assert (place.position, len(skipped)) == (10**12, 16)
    assert len(json.dumps(state)) < 1000
    with pytest.raises(RequestError, match="17 separate ranges are left out; a state holds at most 16"):
        place_of({**state, "skipped": [*far, [0, 1]]})


def test_a_person_may_edit_a_state(dataset: Dataset) -> None:
    """Go on at window 100 without windows 160 to 200 of the epoch's order."""
    whole = indices(dataset.windows(**SETTINGS))
    windows = dataset.windows(**SETTINGS)
    windows.load_state_dict({"seed": 0, "epoch": 0, "position": 100, "skipped": [[180, 200], [160, 185]]})
    assert windows.state_dict() == {"seed": 0, "epoch": 0, "position": 100, "skipped": [[160, 200]]}
    assert indices(windows) == whole[100:160] + whole[200:]
    assert indices(windows) == whole[:160] + whole[200:]
    assert indices(windows.with_epoch(0)) == whole


@given(total=st.integers(1, 60), pairs=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=5))
def test_kept_positions_are_those_between_the_gaps(total: int, pairs: list[tuple[int, int]]) -> None:
    """Forwards and backwards."""
    skipped = merged([(min(pair[0], total), min(pair[1], total)) for pair in pairs])
    kept = Kept(total, skipped)
    expected = [p for p in range(total) if not any(begin <= p < end for begin, end in skipped)]
    assert kept.at(np.arange(len(kept))).tolist() == expected
    assert [kept.before(p) for p in expected] == list(range(len(expected)))
    assert [kept.after(n) for n in range(len(expected) + 1)] == [*expected, total]


@pytest.mark.parametrize(
    ("settings", "state", "message"),
    [
        ({}, {"seed": 0, "epoch": 0, "position": 0, "skipped": [[3]]}, "is not a loader's state"),
        ({}, {"seed": 0, "epoch": 0, "position": 0, "skipped": [[5, 3]]}, "is not a loader's state"),
        ({}, {"seed": 0, "epoch": 0, "position": 0, "skipped": [[380, 400]]}, "position 400 is not in an epoch of 390 windows"),
        ({}, {"seed": 0, "epoch": 0, "position": True}, "is not a loader's state"),
        ({}, {"seed": 0, "epoch": 0, "position": 0, "more": 1}, "is not a loader's state"),
        ({"buckets": "dimension"}, {"seed": 0, "epoch": 0, "position": 3}, "positions are multiples of batch_size, 16"),
    ],
)
def test_states_without_meaning_are_refused(dataset: Dataset, settings: dict[str, Any], state: dict[str, Any], message: str) -> None:
    """Before anything is drawn."""
    with pytest.raises(RequestError, match=message):
        dataset.windows(**SETTINGS, **settings).load_state_dict(state)


@pytest.mark.parametrize("numbers", [range(0, 4, 2), range(20, 30), 3])
def test_only_a_range_of_batches_is_skipped(dataset: Dataset, numbers: Any) -> None:
    """In steps of one, within the epoch."""
    with pytest.raises(RequestError, match=r"expected a range of batches in steps of one, within range\(25\)"):
        dataset.windows(**SETTINGS).skip(numbers)
