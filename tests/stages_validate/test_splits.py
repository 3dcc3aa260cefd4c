from __future__ import annotations

import numpy as np

from attractory.stages.validate.splits import _by_permutation, _screen, distances

CODES = np.repeat(np.arange(3, dtype=np.int8), (40, 20, 20))


def features(seed: int, *, shift: float = 0.0) -> np.ndarray:
    """Skewed numbers with a heavy tail, as means of intermittent trajectories are; the last split is moved by `shift`."""
    draws = np.random.default_rng(seed).lognormal(sigma=1.0, size=(80, 6))
    return draws + shift * (CODES == 2)[:, None]


def test_distance_of_a_group_from_the_rest_has_unit_variance() -> None:
    """Standardised, also for a finite population: over many deals its mean square is one."""
    generator = np.random.default_rng(0)
    dealt = generator.permuted(np.broadcast_to(CODES, (4000, 80)), axis=1)
    squares = distances(features(1), np.stack([dealt == code for code in range(3)], axis=1).astype(float)) ** 2
    np.testing.assert_allclose(squares.mean(axis=(0, 2)), 1.0, rtol=0.05)  # 24,000 squares, each of relative deviation below two


def test_good_splits_fail_no_more_often_than_stated() -> None:
    """Of 100 good datasets, some five have a probability below 0.05, as a probability should."""
    chances = [_by_permutation(features(seed), CODES, range(3), draws=400, seed=seed) for seed in range(100)]
    assert 0 < np.sum(np.array(chances) < 0.05) < 13  # binomial(100, 0.05): 13 or more in one of a thousand


def test_split_that_is_moved_by_two_deviations_is_seen() -> None:
    """The screen names the split, the permutations give the smallest probability that their number allows."""
    moved = features(3, shift=3.0)
    _, _, code = _screen(moved, CODES, range(3))
    assert code == 2
    assert _by_permutation(moved, CODES, range(3), draws=2000, seed=0) < 0.01
