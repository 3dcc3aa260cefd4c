"""Which positions a rank draws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attractory.errors import RequestError
from attractory.loader.rounds import Share, share


def drawn(part: Share, *, windows: int, begin: int = 0) -> list[int]:
    """Positions of all batches of one rank, in order."""
    numbers = np.arange(part.batches(windows - begin))
    return part.positions(numbers, begin=begin, windows=windows).ravel().tolist()


def test_ranks_of_a_round_draw_neighbouring_slices() -> None:
    """Batch g of rank r of R is the slice [(g R + r) B, (g R + r + 1) B)."""
    assert drawn(Share(2, 0, 3, "drop"), windows=12) == [0, 1, 6, 7]
    assert drawn(Share(2, 2, 3, "drop"), windows=12) == [4, 5, 10, 11]


@pytest.mark.parametrize(
    ("uneven", "second"),
    [("drop", [2, 3]), ("pad", [2, 3, 6, -1]), ("wrap", [2, 3, 6, 0])],
)
def test_the_last_round_ends_as_asked(uneven: str, second: list[int]) -> None:
    """Of seven windows the second of two ranks, two a batch, gets the seventh, which ends the second round."""
    assert drawn(Share(2, 1, 2, uneven), windows=7) == second


def test_wrapping_goes_round_more_than_once() -> None:
    """Fewer windows than a round: they are repeated in turn."""
    assert drawn(Share(4, 0, 2, "wrap"), windows=3) + drawn(Share(4, 1, 2, "wrap"), windows=3) == [0, 1, 2, 0, 1, 2, 0, 1]


@given(
    windows=st.integers(1, 300),
    batch_size=st.integers(1, 40),
    ranks=st.integers(1, 9),
    uneven=st.sampled_from(["drop", "pad", "wrap"]),
    other=st.integers(1, 9),
    stop=st.integers(0, 20),
)
def test_ranks_together_draw_every_position_once(windows: int, batch_size: int, ranks: int, uneven: str, other: int, stop: int) -> None:
    """Also when they stop after some rounds and another number of ranks goes on from there."""
    rounds = min(stop, windows // (batch_size * ranks))
    begin = rounds * batch_size * ranks
    before = [p for rank in range(ranks) for p in drawn(Share(batch_size, rank, ranks, uneven), windows=windows)[: rounds * batch_size]]
    after = [drawn(Share(batch_size, rank, other, uneven), windows=windows, begin=begin) for rank in range(other)]
    assert len(set(map(len, after))) == 1
    real = sorted(before + [p for positions in after for p in positions if p >= 0])
    whole = begin + (windows - begin) // (batch_size * other) * batch_size * other
    if uneven == "wrap":
        assert sorted(set(real)) == list(range(windows))
    else:
        assert real == list(range(whole if uneven == "drop" else windows))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rank": 2, "ranks": 2, "uneven": None, "drop_last": False}, "rank=2 is not one of 2 rank"),
        ({"rank": 0, "ranks": 2, "uneven": "keep", "drop_last": False}, "different numbers of batches"),
        ({"rank": 0, "ranks": 1, "uneven": "warp", "drop_last": False}, "Did you mean 'wrap'"),
        ({"rank": 0, "ranks": 1, "uneven": "pad", "drop_last": True}, "contradict"),
    ],
)
def test_contradicting_settings_are_refused(settings: dict[str, object], message: str) -> None:
    """The message says which setting, and what is possible."""
    with pytest.raises(RequestError, match=message):
        share(4, **settings)  # type: ignore[arg-type]


def test_defaults_keep_all_for_one_rank_and_whole_rounds_for_several() -> None:
    """A partial last batch is kept unless several ranks must draw the same number."""
    assert share(4, rank=0, ranks=1, uneven=None, drop_last=False).uneven == "keep"
    assert share(4, rank=0, ranks=1, uneven=None, drop_last=True).uneven == "drop"
    assert share(4, rank=1, ranks=2, uneven=None, drop_last=False).uneven == "drop"
