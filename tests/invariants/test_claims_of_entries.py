"""Drift of conserved quantities and residuals of symmetries."""

from __future__ import annotations

from math import erf

import numpy as np
import pytest

import attractory
from attractory import System
from attractory.errors import RequestError
from attractory.invariants import Sampling, conserved_drift, symmetry_residual
from attractory.invariants.symmetry_residual import mean_distances, residual

OSCILLATOR = System(
    name="Oscillator",
    equations={"x": "v", "v": "-x"},
    initial={"x": 1.0, "v": 0.0},
    conserved={"energy": "(x**2 + v**2)/2"},
    symmetries=[{"x": "-x", "v": "-v"}],
)


def circles(growth: float) -> np.ndarray:
    """Orbits of the oscillator whose amplitude grows by a share per sample, (trajectory, time, variable)."""
    times = np.arange(100)
    angles = 0.3 * times + np.arange(8.0)[:, None]
    return (1 + growth * times)[None, :, None] * np.stack([np.cos(angles), -np.sin(angles)], axis=2)


def test_energy_that_grows_has_the_drift_of_its_growth() -> None:
    """The energy (1 + 99 g)^2 / 2 at the end, less that at the start, over its deviation at independent coordinates."""
    found = conserved_drift(circles(1e-4), system=OSCILLATOR)
    change = ((1 + 99e-4) ** 2 - 1) / 2
    # Independent x and v on the circle: x^2 / 2 has the deviation 1 / sqrt(32), the sum of two 1/4.
    assert found.value[0] == pytest.approx(change / 0.25, rel=0.05)  # the deviation of 800 points in all
    assert found.settings["quantities"] == "energy"


def test_the_engine_keeps_the_energy_of_henon_heiles() -> None:
    """To the tolerance of 1e-9 times the hundred turns."""
    found = conserved_drift("HenonHeiles", sampling=Sampling(trajectories=2, samples=500))
    assert 0.0 <= found.value[0] < 1e-7
    assert found.convergence["drift"].shape == (500, 1)


def test_trajectories_and_their_system_give_what_the_system_gives() -> None:
    """A Dataset of the same trajectories has the same drift."""
    dataset = attractory.integrate("HenonHeiles", trajectories=2, samples=200, dt=0.1, tolerance=1e-9)
    sampling = Sampling(trajectories=2, samples=200, dt=0.1)
    from_system = conserved_drift("HenonHeiles", sampling=sampling)
    from_dataset = conserved_drift(dataset, system="HenonHeiles")
    np.testing.assert_array_equal(from_system.value, from_dataset.value)


def test_a_quantity_that_depends_on_time_is_refused() -> None:
    """Samples do not say when they began."""
    falling = System(name="Falling", equations={"v": "-1"}, initial={"v": 0.0}, conserved={"start": "v + t"})
    with pytest.raises(RequestError, match="start depends on time"):
        conserved_drift(np.arange(20.0), system=falling)


@pytest.mark.parametrize(
    ("source", "system", "message"),
    [
        (np.ones((4, 10, 2)), None, "expected their system as system="),
        ("Lorenz", "Lorenz", "expected one of them"),
        ("Lorenz", None, "declares no conserved quantity"),
    ],
)
def test_a_source_without_what_is_asked_is_refused(source: object, system: str | None, message: str) -> None:
    """With what was found and what was expected."""
    with pytest.raises(RequestError, match=message):
        conserved_drift(source, system=system)


def test_lorenz_is_symmetric_and_half_of_it_is_not() -> None:
    """The measure agrees with its image; the points with x > 0 do not overlap with theirs in x."""
    sampling = Sampling(trajectories=32, samples=1024)
    found = symmetry_residual("Lorenz", sampling=sampling)
    assert abs(found.value[0]) < 4 * found.standard_error[0] + 1e-3
    assert found.standard_error[0] < 0.02
    states = attractory.integrate("Lorenz", trajectories=32, samples=64)["state"].values.copy()
    states[:, :, :2] *= np.sign(states[:, :, :1])
    half = symmetry_residual(states, system="Lorenz")
    assert half.value[0] > 10 * half.standard_error[0]
    assert half.value[0] > 0.1


def test_the_residual_of_two_distant_points_is_one() -> None:
    """Trajectories at rest at the same place, images far from it."""
    points = np.zeros((4, 3, 1))
    assert residual(mean_distances(points, points + 5.0)) == 1.0


def test_the_residual_of_shifted_normal_clouds_has_its_closed_form() -> None:
    """E|X - X'| = 2 / sqrt(pi), and of normals one apart E|X - Y| = 2 / sqrt(pi) e^(-1/4) + erf(1/2), the mean of a folded normal."""
    draw = np.random.default_rng(0)
    clouds = mean_distances(draw.standard_normal((64, 32, 1)), 1.0 + draw.standard_normal((64, 32, 1)))
    expected = 1 - (2 / np.sqrt(np.pi)) / (2 / np.sqrt(np.pi) * np.exp(-0.25) + erf(0.5))
    assert residual(clouds) == pytest.approx(expected, abs=0.015)  # 2,048 points


def test_angles_are_mirrored_on_their_circle() -> None:
    """The double pendulum's mirror image is the same sea, though -(-pi) is no angle of the range."""
    found = symmetry_residual("DoublePendulum", sampling=Sampling(trajectories=16, samples=256))
    assert abs(found.value[0]) < 5 * found.standard_error[0] + 1e-3


def test_images_are_what_the_entry_writes() -> None:
    """A component that is not named keeps its value."""
    image = attractory.system("Lorenz").symmetry_images(np.array([[1.0, 2.0, 3.0]]))
    assert [one.tolist() for one in image] == [[[-1.0, -2.0, 3.0]]]


def test_few_trajectories_have_no_residual() -> None:
    """Pairs of different trajectories, one left out at a time, need four."""
    with pytest.raises(RequestError, match="3 trajectories; expected at least 4"):
        symmetry_residual(circles(0.0)[:3], system=OSCILLATOR)
