"""What a spectrum says beside its exponents: errors, zeros, convergence, budget; and the orthonormal vectors under it."""

from __future__ import annotations

import numpy as np
import pytest

from attractory import System
from attractory.errors import RequestError
from attractory.invariants import lyapunov_spectrum
from attractory.invariants.estimate import FloatArray
from attractory.invariants.growth_rates import Measurement, rate_error, rate_errors, walk_error
from attractory.invariants.lyapunov_spectrum import Effort, Targets
from attractory.invariants.orthonormal_vectors import orthonormalise


def test_blocks_whose_ends_undo_each_other_do_not_make_the_error_larger() -> None:
    """White noise of variance 1 and differences u(i + 1) - u(i) with a deviation of 3: the mean of 16 still has 1/4, and 3 sqrt(2) / 16."""
    draws = np.random.default_rng(0)
    found = []
    for _ in range(400):
        ends = 3.0 * draws.standard_normal((1, 17, 1))
        found.append(rate_errors(draws.standard_normal((1, 16, 1)) + np.diff(ends, axis=1))[1][0] ** 2)
    # The covariance of 15 pairs scatters, and what is below the floor counts as the floor: half too much. Plain blocks: 3 times
    truth, plain = np.hypot(0.25, 3 * np.sqrt(2) / 16), np.sqrt(19.0 / 16.0)
    assert 0.9 * truth < np.sqrt(np.mean(found)) < 1.7 * truth < 0.6 * plain


def test_a_drift_that_all_trajectories_share_is_seen_between_blocks() -> None:
    """Neighbours that depart to the same side make the error larger, not smaller."""
    drift = np.repeat(np.arange(16.0)[None, :, None], 8, axis=0)
    between_trajectories, between_blocks = rate_errors(drift)
    assert between_trajectories[0] == 0.0
    assert between_blocks[0] > np.arange(16.0).std(ddof=1) / 4.0
    assert rate_error(drift)[0] == between_blocks[0]


def test_both_errors_stand_in_the_settings_and_the_larger_is_used(henon: System) -> None:
    """Of every exponent."""
    found = lyapunov_spectrum(henon, standard_error=1e-2, effort=Effort(trajectories=32))
    both = [found.settings["error_between_trajectories"], found.settings["error_between_blocks"]]
    np.testing.assert_array_equal(np.max(both, axis=0), found.standard_error)


def test_zero_exponents_are_counted_by_the_rule(lorenz: System, henon: System) -> None:
    """One of a flow in motion, none of a map, none of a flow at rest, two of an oscillator with an energy."""
    rest = System(name="Rest", equations={"x": "-x", "y": "-3*y"}, initial={"x": 1.0, "y": 1.0})
    pendulum = System(
        name="Pendulum", equations={"q": "p", "p": "-sin(q)"}, initial={"q": 1.0, "p": 0.0}, conserved={"energy": "p**2/2 - cos(q)"}
    )
    short = Effort(trajectories=16, transient=5.0, budget=300.0)
    for system, count in ((lorenz, 1), (henon, 0), (rest, 0), (pendulum, 2)):
        settings = lyapunov_spectrum(system, standard_error=2e-3, effort=short).settings
        assert (settings["zero_exponents"], settings["zero_consistent"]) == (count, True), system.name


def test_consensus_at_rest_has_the_zero_exponent_of_what_it_keeps() -> None:
    """And no other, since it has no motion whose direction is neutral; rounding, which does not scatter, is told from nothing."""
    agreed = System(
        name="Agreed",
        equations={"x": "3*(y - x)", "y": "x - y"},
        initial={"x": 1.0, "y": 2.0},
        conserved={"mean": "x + 3*y"},
        behaviour="fixed_point",
    )
    found = lyapunov_spectrum(agreed, standard_error=1e-2, effort=Effort(trajectories=8, transient=20.0, budget=50.0))
    np.testing.assert_allclose(found.value, [0.0, -4.0], atol=1e-8)
    assert (found.settings["zero_exponents"], found.settings["zero_consistent"]) == (1, True)


def test_shear_on_tori_is_a_part_of_the_error() -> None:
    """Neighbouring orbits of a pendulum part in proportion to the time; all do the same, and no scatter shows it."""
    pendulum = System(
        name="Pendulum", equations={"q": "p", "p": "-sin(q)"}, initial={"q": 1.5, "p": 0.0}, conserved={"energy": "p**2/2 - cos(q)"}
    )
    found = lyapunov_spectrum(pendulum, standard_error=1.0, effort=Effort(trajectories=8, transient=5.0, budget=2000.0))
    duration = float(found.settings["duration"])  # type: ignore[arg-type]
    np.testing.assert_allclose(found.standard_error, np.log(duration) / duration / 3.0)  # without a period the time unit counts
    assert (np.abs(found.value) < 3.0 * found.standard_error).all()
    assert found.value[0] > 5.0 * found.settings["error_between_trajectories"][0]  # type: ignore[index]


def test_errors_are_not_below_what_the_ends_are_worth() -> None:
    """Growth that goes up and down with the blocks' own period has no scatter between blocks, and yet an end."""
    rounds = np.tile(np.array([1.0, -1.0]), 128)[None, :, None]
    measurement = Measurement(np.repeat(rounds, 4, axis=0), 1.0, 0)
    assert rate_error(measurement.blocks)[0] == 0.0
    assert measurement.errors[0] == pytest.approx(np.sqrt(2.0) * 0.5 / 224)  # the course swings between 0 and 1, over 224 rounds


def test_convergence_ends_at_the_value(lorenz: System) -> None:
    """The running mean at the last time is the estimate, the mean of `growth` too, and every local exponent is in a bin."""
    found = lyapunov_spectrum(lorenz, standard_error=1e-2, effort=Effort(trajectories=64))
    kept = found.convergence
    np.testing.assert_allclose(kept["running"][-1], found.value, atol=1e-12)
    np.testing.assert_allclose(kept["growth"].mean(axis=(0, 1)), found.value, rtol=0.05, atol=0.02)  # blocks differ by a round in length
    assert len(kept["time"]) == len(kept["running_error"])
    assert kept["local_counts"].sum(axis=1).tolist() == [64.0 * len(kept["time"])] * 3


def test_counted_work_ends_a_run_and_says_so(lorenz: System) -> None:
    """Half a core second, counted: the same rounds on every machine, and the error that they give."""
    effort = Effort(trajectories=16, core_seconds=0.05)
    first, again = (lyapunov_spectrum(lorenz, standard_error=1e-6, effort=effort) for _ in range(2))
    assert first == again
    assert first.settings["budget_reached"] is True
    assert first.settings["reached"] is False
    assert 0.0 < first.standard_error[0] < 0.1


def test_targets_end_a_run_when_leading_zero_and_dimension_are_known_well_enough(lorenz: System) -> None:
    """One part in two hundred of the leading exponent, the zero one within a hundredth of it."""
    found = lyapunov_spectrum(lorenz, standard_error=Targets(leading=5e-3, zero=1e-2), effort=Effort(trajectories=128))
    assert found.settings["reached"]
    assert found.standard_error[0] <= 5e-3 * found.value[0]
    assert found.standard_error[1] <= 1e-2 * found.value[0]


@pytest.mark.parametrize("vectors", [1, 3, 5])
def test_orthonormal_vectors_are_those_of_householder(vectors: int) -> None:
    """NumPy's QR up to signs, for vectors that part by a factor of 1e5."""
    draws = np.random.default_rng(vectors).standard_normal((7, vectors, 5)) * np.logspace(0, -5, 5)
    mine, diagonal = draws.copy(), np.empty((7, vectors))
    orthonormalise(mine, diagonal)
    wanted, upper = np.linalg.qr(draws.transpose(0, 2, 1))
    np.testing.assert_allclose(diagonal, np.abs(np.diagonal(upper, axis1=1, axis2=2)), rtol=1e-9)  # 1e-16 times the parting
    np.testing.assert_allclose(np.abs(mine.transpose(0, 2, 1)), np.abs(wanted), atol=1e-9)
    np.testing.assert_allclose(mine @ mine.transpose(0, 2, 1), np.tile(np.eye(vectors), (7, 1, 1)), atol=1e-14)


def test_a_direction_of_which_nothing_is_left_is_made_anew() -> None:
    """Two equal vectors, and a vector of zeros: still an orthonormal basis, whose diagonal is 0 for the lost ones."""
    vectors = np.array([[[1.0, 2.0, 2.0], [1.0, 2.0, 2.0], [0.0, 0.0, 0.0]]])
    diagonal = np.empty((1, 3))
    orthonormalise(vectors, diagonal)
    np.testing.assert_allclose(vectors[0] @ vectors[0].T, np.eye(3), atol=1e-15)
    assert diagonal[0, 0] == pytest.approx(3.0)
    assert (diagonal[0, 1:] < 1e-15).all()


@pytest.mark.parametrize("count", [1, 5, 16, 17, 50])
def test_orthonormal_vectors_have_the_same_bits_whatever_is_beside_them(count: int) -> None:
    """Any number of trajectories side by side, lost directions among them: each as by itself."""
    draws = np.random.default_rng(0).standard_normal((count, 4, 5)) * np.logspace(0, -5, 5)
    draws[::3, 2] = draws[::3, 1]
    draws[1::7, 0] = 0.0
    together, diagonal = draws.copy(), np.empty((count, 4))
    orthonormalise(together, diagonal)
    alone, own = draws.copy(), np.empty((count, 4))
    for place in range(count):
        orthonormalise(alone[place : place + 1], own[place : place + 1])
    assert together.tobytes() == alone.tobytes()
    assert diagonal.tobytes() == own.tobytes()


def test_work_that_is_no_number_above_zero_is_refused(lorenz: System) -> None:
    """Before anything is integrated."""
    with pytest.raises(RequestError, match=r"core_seconds=0\.0: expected a number above 0"):
        lyapunov_spectrum(lorenz, effort=Effort(core_seconds=0.0))


def _walking_pair(drift: float, depth: float = np.inf, rounds: int = 4000) -> FloatArray:
    """Growth (trajectory, round, exponent) of four vectors, the middle two of which share out a random walk of unit steps as tangent
    vectors do, which forget what lies deeper than `depth` below the maximum."""
    steps = np.random.default_rng(4).standard_normal((64, rounds))
    second, third, below = np.empty_like(steps), np.empty_like(steps), np.zeros(len(steps))
    for place in range(rounds):
        moved = np.maximum(below, -depth) + steps[:, place]
        second[:, place] = np.maximum(moved, 0.0) + drift
        third[:, place] = steps[:, place] - second[:, place]  # the area is what it is
        below = np.minimum(moved, 0.0)
    return np.stack([5.0 - second, second, third, -5.0 - third], axis=2)


def test_two_zero_exponents_that_share_out_a_random_walk_are_zero_within_their_errors() -> None:
    """The scatter between trajectories alone would tell both from zero: what their order makes of them belongs to the error."""
    growth = _walking_pair(drift=0.0)
    value, scatter = growth.mean(axis=(0, 1)), growth.mean(axis=1).std(axis=0, ddof=1) / 8.0
    errors = walk_error(growth, duration=4000.0, tolerance=1e-300)
    assert (abs(value[1:3]) > 5.0 * scatter[1:3]).all()
    assert (abs(value[1:3]) < 2.0 * errors[1:3]).all()
    assert errors[1] == pytest.approx(np.sqrt(2.0 / np.pi / 4000.0), rel=0.3)  # of a walk of unit steps; 64 deviations tell it to 9 %
    assert (errors[[0, 3]] == 0.0).all()


def test_a_walk_deeper_than_the_tolerance_makes_a_rate_that_no_length_of_run_takes_away() -> None:
    """What lies deeper than -log(tolerance) is forgotten, so that the maximum grows on for ever."""
    growth = _walking_pair(drift=0.0, depth=-np.log(1e-4), rounds=20_000)
    value, errors = growth.mean(axis=(0, 1)), walk_error(growth, duration=20_000.0, tolerance=1e-4)
    expected = 1.0 / (2.0 * -np.log(1e-4))
    assert value[1] == pytest.approx(expected, rel=0.15)  # steps of one against a depth of nine: reflection is not quite at the edge
    assert errors[1] == pytest.approx(expected, rel=0.5)  # a variance by 64 trajectories: 18 %


def test_a_pair_that_parts_at_a_rate_has_no_error_of_a_walk() -> None:
    """A positive exponent and its negative are what they are, however much their sum scatters."""
    assert (walk_error(_walking_pair(drift=0.2), duration=4000.0, tolerance=1e-300) == 0.0).all()
