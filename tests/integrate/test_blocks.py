"""Blocks of numbered trajectories: random numbers, redraws, independence of the blocks' borders."""

from __future__ import annotations

import numpy as np

from attractory.expressions.system import System
from attractory.integrate import BlockSettings, SampleGrid, drawn_state, integrate_block
from attractory.integrate.random_numbers import bell_shaped_draws, uniform, words
from attractory.layout import Status

LORENZ = System(
    name="Lorenz",
    equations={"x": "10*(y - x)", "y": "x*(28 - z) - y", "z": "x*y - 8/3*z"},
    initial={"x": 1.0, "y": 1.0, "z": 25.0},
)
SETTINGS = BlockSettings(seed=0, transient=5.0, tolerance=1e-12, dtype="float32")
GRIDS = [SampleGrid(0.05, 20), SampleGrid(0.01, 40)]


def test_random_words_are_pinned() -> None:
    """Everything drawn rests on these: a change changes every dataset, so it needs a new format number."""
    assert [int(word) for word in words(2, seed=0, system="Lorenz", trajectory=0)] == [14717844273551022008, 615184538655746862]
    assert [int(word) for word in words(1, seed=0, system="Lorenz", trajectory=0, attempt=1)] == [260099115477623243]


def test_uniform_and_bell_shaped_numbers_have_their_moments() -> None:
    """Means and variances over 20,000 numbers, within four standard errors."""
    numbers = uniform(words(20_000, seed=1, system="Test", trajectory=0))
    assert abs(numbers.mean() - 0.5) < 4 * (1 / 12 / 20_000) ** 0.5
    draws = bell_shaped_draws(20_000, seed=1, system="Test", trajectory=0)
    assert abs(draws.mean()) < 4 / 20_000**0.5
    assert abs(draws.var() - 1) < 4 * (2 / 20_000) ** 0.5


def test_a_block_is_the_same_however_it_is_cut() -> None:
    """Trajectories 0 to 6 at once, or 0 to 2 and 3 to 6."""
    whole = integrate_block(LORENZ, indices=range(7), grids=GRIDS, settings=SETTINGS)
    parts = [integrate_block(LORENZ, indices=indices, grids=GRIDS, settings=SETTINGS) for indices in (range(3), range(3, 7))]
    for grid in range(2):
        np.testing.assert_array_equal(whole.states[grid], np.concatenate([part.states[grid] for part in parts]))
    np.testing.assert_array_equal(whole.initial, np.concatenate([part.initial for part in parts]))


def test_sample_zero_of_every_grid_is_the_stored_initial_state() -> None:
    """The state after the transient, kept in double precision."""
    made = integrate_block(LORENZ, indices=range(4), grids=GRIDS, settings=SETTINGS)
    for states in made.states:
        np.testing.assert_array_equal(states[:, 0], made.initial.astype(np.float32))
    assert made.start_time.tolist() == [5.0] * 4


def test_a_trajectory_that_fails_is_drawn_again() -> None:
    """x' = x^2 - x^3/9 escapes to a pole on one side only: draws around zero that fail are replaced, the others kept."""
    system = System(name="HalfStable", equations={"x": "x*x"}, initial={"x": -0.01})
    settings = BlockSettings(seed=3, transient=0.0, tolerance=1e-10, dtype="float64")
    spread = System(name="HalfStable", equations={"x": "x*x + 0*y", "y": "-y"}, initial={"x": -0.01, "y": 10.0})
    made = integrate_block(spread, indices=range(12), grids=[SampleGrid(1.0, 30)], settings=settings)
    assert (made.status == Status.OK).all()
    assert made.attempts.max() > 1
    for index, attempts in enumerate(made.attempts):
        np.testing.assert_array_equal(made.initial[index], drawn_state(spread, seed=3, trajectory=index, attempt=int(attempts) - 1))
    assert (integrate_block(system, indices=range(3), grids=[SampleGrid(1.0, 5)], settings=settings).attempts == 1).all()


def test_what_fails_eight_times_keeps_its_status_and_nan() -> None:
    """Every draw of x' = x^2 near 1 has its pole near t = 1."""
    system = System(name="Pole", equations={"x": "x*x"}, initial={"x": 1.0})
    settings = BlockSettings(seed=0, transient=0.0, tolerance=1e-10, dtype="float64")
    made = integrate_block(system, indices=range(2), grids=[SampleGrid(0.5, 10)], settings=settings)
    assert (made.status == Status.DIVERGED).all()
    assert (made.attempts == 8).all()
    assert np.isfinite(made.states[0][:, 0]).all()
    assert np.isnan(made.states[0][:, -1]).all()
