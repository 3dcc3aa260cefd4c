from __future__ import annotations

import numpy as np
import pytest

import attractory
from attractory import System
from attractory.errors import IntegrationError, RequestError
from attractory.invariants.samples import Samples, Sampling, samples_of

FEW = Sampling(trajectories=3, samples=40, dt=0.05)


def test_a_system_an_array_and_a_dataset_are_the_same_samples(lorenz: System) -> None:
    """What the engine returned, given as a Dataset or as its array, is what a method gets from the system itself."""
    dataset = attractory.integrate(lorenz, trajectories=3, samples=40, dt=0.05, tolerance=1e-9)
    from_system = samples_of(lorenz, FEW)
    from_dataset = samples_of(dataset, FEW)
    from_array = samples_of(dataset["state"].values, FEW, dt=0.05)
    assert from_system.states.shape == (3, 40, 3)
    assert np.array_equal(from_dataset.states, from_array.states)
    assert np.array_equal(from_system.states, from_dataset.states)
    assert from_system.period == from_dataset.period == 0.75
    assert from_array.dt == pytest.approx(from_dataset.dt)
    assert from_system.duration == pytest.approx(39 * 0.05)


@pytest.mark.parametrize(("shape", "read"), [((5,), (1, 5, 1)), ((5, 2), (1, 5, 2)), ((4, 5, 2), (4, 5, 2))])
def test_an_array_may_lack_what_there_is_one_of(shape: tuple[int, ...], read: tuple[int, ...]) -> None:
    """One variable, and one trajectory, need no dimension of their own."""
    assert samples_of(np.ones(shape), FEW).states.shape == read


def test_an_angle_becomes_a_point_of_a_circle(lorenz: System) -> None:
    """Just below the upper end of a range is near its lower end, and short distances stay what they are."""
    angles = np.array([[[-np.pi], [np.pi - 1e-3], [-np.pi + 1e-3]]])
    points = Samples(angles, circles={0: (-np.pi, np.pi)}).embedded()[0]
    assert np.linalg.norm(points[1] - points[0]) == pytest.approx(1e-3, rel=1e-6)
    assert np.linalg.norm(points[2] - points[1]) == pytest.approx(2e-3, rel=1e-6)


def test_angles_are_known_from_a_system_and_from_a_dataset() -> None:
    """The ranges that the entry writes, by the place of the variable."""
    dataset = attractory.integrate("DoublePendulum", trajectories=2, samples=5, dt=0.1)
    expected = {0: (-np.pi, np.pi), 1: (-np.pi, np.pi)}
    assert samples_of(dataset, FEW).circles == expected
    assert samples_of("DoublePendulum", FEW).circles == expected


@pytest.mark.parametrize(
    ("array", "dt", "message"),
    [
        (np.ones((2, 2, 2, 2)), 1.0, r"shape \(2, 2, 2, 2\); expected \(time,\), "),
        (np.ones((0, 3)), 1.0, r"shape \(1, 0, 3\)"),
        (np.array([1.0, np.nan]), 1.0, "1 of 2 values are not finite"),
        (np.ones(4), 0.0, "dt=0.0; expected a time above 0"),
    ],
)
def test_what_is_no_trajectory_is_refused(array: np.ndarray, dt: float, message: str) -> None:
    """With what was found and what was expected."""
    with pytest.raises(RequestError, match=message):
        samples_of(array, FEW, dt=dt)


def test_a_system_whose_trajectories_all_fail_is_refused() -> None:
    """There is nothing to measure."""
    escaping = System(name="Escape", equations={"x": "x**2"}, initial={"x": 1.0})
    with pytest.raises(IntegrationError, match="none of 3 trajectories lasted 40 samples"):
        samples_of(escaping, FEW)


def test_sections_have_no_common_times() -> None:
    """A Dataset of crossings is refused by a method that counts in equal times."""
    crossings = attractory.integrate("Lorenz", trajectories=2, samples=4, section={"of": "z", "at": 27, "direction": "up"})
    with pytest.raises(RequestError, match="no common time axis"):
        samples_of(crossings, FEW)
