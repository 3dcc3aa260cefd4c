from __future__ import annotations

import re

import numpy as np
import pytest
from scipy.integrate import trapezoid
from scipy.spatial.distance import cdist
from scipy.special import logsumexp
from scipy.stats import norm

from attractory import System
from attractory.errors import RequestError
from attractory.invariants import OccupancyBins, OccupancyMixture, Sampling, samples_of, state_space_divergence
from attractory.invariants.occupancy_mixture import log_sums

# few centres and draws, for tests that need no small error
SMALL = OccupancyMixture(deviation=0.5, centres=600, draws=2000)


def normal(shape: tuple[int, ...], *, seed: int, mean: float = 0.0, deviation: float = 1.0) -> np.ndarray:
    """Independent normal values (trajectory, time, coordinate)."""
    return mean + deviation * np.random.default_rng(seed).standard_normal(shape)


@pytest.mark.parametrize("occupancy", [OccupancyBins(), SMALL])
def test_identical_sets_have_no_divergence(occupancy: OccupancyBins | OccupancyMixture) -> None:
    """Exactly none: the same sums are subtracted."""
    values = normal((4, 200, 2), seed=0)
    assert state_space_divergence(values, values.copy(), occupancy=occupancy).value == 0.0


def test_the_binned_form_is_that_of_the_whole_histogram() -> None:
    """All 15² cells and the one outside, smoothed by 0.01 of a sample, from numpy's histogram; without that one, the published form."""
    reference, other = normal((3, 400, 2), seed=0), normal((2, 500, 2), seed=1, mean=0.3)
    found = state_space_divergence(reference, other, occupancy=OccupancyBins(bins=15, smoothing=0.01))
    flat = reference.reshape(-1, 2)
    margin = 0.1 * flat.std(axis=0)
    edges = np.linspace(flat.min(axis=0) - margin, flat.max(axis=0) + margin, 16).T
    inside = [np.histogramdd(one.reshape(-1, 2), bins=edges)[0].ravel() for one in (reference, other)]
    counts = [np.append(one, size - one.sum()) for one, size in zip(inside, (1200, 1000), strict=True)]
    smoothed = [(one + 0.01) / (one.sum() + 0.01 * one.size) for one in counts]
    assert float(found.value) == pytest.approx(np.sum(smoothed[0] * np.log(smoothed[0] / smoothed[1])), rel=1e-10)
    assert found.settings["outside"] == counts[1][-1] / 1000
    # published: samples outside are dropped, which hides their share
    published = [(one + 0.01) / (one.sum() + 0.01 * one.size) for one in inside]
    dropped = np.sum(published[0] * np.log(published[0] / published[1]))
    assert float(found.value) + np.log(1 - counts[1][-1] / 1000) == pytest.approx(dropped, abs=1e-3)  # smoothing's shares differ a little


@pytest.mark.parametrize(("mean", "deviation"), [(0.5, 1.0), (0.0, 1.5), (0.0, 0.8)])
def test_two_normal_distributions_have_the_divergence_of_the_formula(mean: float, deviation: float) -> None:
    """log s + (1 + m²) / (2 s²) - 1/2 from the standard one, and another the other way round."""
    reference, other = normal((16, 8000, 1), seed=2), normal((16, 8000, 1), seed=3, mean=mean, deviation=deviation)
    expected = np.log(deviation) + (1 + mean**2) / (2 * deviation**2) - 0.5
    found = state_space_divergence(reference, other, occupancy=OccupancyBins(bins=40))
    # within a cell densities are levelled, and cells that one set alone visits cost 11 each
    assert float(found.value) == pytest.approx(expected, abs=3 * float(found.standard_error) + 0.01 * expected)
    assert found.standard_error < 0.1 * expected
    backwards = -np.log(deviation) + (deviation**2 + mean**2) / 2 - 0.5
    mirrored = state_space_divergence(other, reference, occupancy=OccupancyBins(bins=40))
    assert float(mirrored.value) == pytest.approx(backwards, abs=3 * float(mirrored.standard_error) + 0.01 * backwards)


def test_mixtures_have_the_divergence_of_their_densities() -> None:
    """The integral of p log(p/q) over a fine grid, p and q means of 300 normal densities: the draws' error is 0.6 / sqrt(20,000)."""
    reference, other = normal((2, 150, 1), seed=4), normal((2, 150, 1), seed=5, mean=0.7)
    found = state_space_divergence(reference, other, occupancy=OccupancyMixture(deviation=0.4, centres=600, draws=20000))
    grid = np.linspace(-8, 8, 4001)
    width = 0.4 * reference.std()
    densities = [norm.pdf(grid[:, None], loc=one.ravel(), scale=width).mean(axis=1) for one in (reference, other)]
    expected = trapezoid(densities[0] * np.log(densities[0] / densities[1]), grid)
    assert float(found.value) == pytest.approx(expected, abs=0.017)  # four of the draws' errors


def test_mixtures_of_normal_samples_have_the_divergence_of_wider_ones() -> None:
    """A Gaussian at each sample of a normal distribution makes one of variance 1 + 1: m² / 4 for a shift of m."""
    mixture = OccupancyMixture(deviation=1.0)
    found = state_space_divergence(normal((8, 512, 3), seed=6), normal((8, 512, 3), seed=7, mean=0.6), occupancy=mixture)
    expected = 3 * 0.6**2 / 4
    assert float(found.value) == pytest.approx(expected, abs=3 * float(found.standard_error))
    assert found.standard_error < 0.2 * expected


def test_sums_of_gaussians_are_those_of_scipy() -> None:
    """By part, and without underflow 60 deviations away; a part without centres has none."""
    drawn, centres, part = normal((5, 2), seed=11), normal((40, 2), seed=12), np.arange(40) % 3
    drawn[4] += 60.0
    found = log_sums(drawn, centres, part, 4)
    exponents = -0.5 * cdist(drawn, centres, "sqeuclidean")
    expected = np.stack([logsumexp(exponents[:, part == one], axis=1) for one in range(3)], axis=1)
    np.testing.assert_allclose(found[:, :3], expected, rtol=1e-12)
    assert (found[:, 3] == -np.inf).all()


def test_a_far_set_has_a_finite_divergence() -> None:
    """By mixtures half the squared distance over the Gaussians' variance, to the last draw; by bins what smoothing allows."""
    reference, other = normal((2, 300, 1), seed=8, deviation=1e-3), np.full((2, 300, 1), 1.0)
    mixed = state_space_divergence(reference, other, occupancy=OccupancyMixture(deviation=2.0, centres=600, draws=2000))
    assert float(mixed.value) == pytest.approx(0.5 * (1.0 / (2 * reference.std())) ** 2, rel=0.01)
    binned = state_space_divergence(reference, other)
    assert binned.settings["outside"] == 1.0
    counts = np.histogram(reference, bins=30, range=(reference.min() - 1e-4, reference.max() + 1e-4))[0] / 600
    entropy = -np.sum(counts[counts > 0] * np.log(counts[counts > 0]))
    assert float(binned.value) == pytest.approx(-entropy - np.log(1e-5 / 600), abs=0.05)  # edges a little elsewhere


def test_units_of_the_coordinates_do_not_matter() -> None:
    """All is measured against the reference: by powers of two, to the last bit."""
    reference, other, units = normal((4, 100, 2), seed=9), normal((4, 100, 2), seed=10, mean=0.5), np.array([8.0, 0.25])
    for occupancy in (OccupancyBins(), SMALL):
        found = state_space_divergence(reference, other, occupancy=occupancy)
        assert found == state_space_divergence(reference * units, other * units, occupancy=occupancy)


def test_the_error_says_how_much_the_divergence_scatters() -> None:
    """The deviation over 24 pairs of sets, within two fifths of the error; the jackknife's variance is rather too large."""
    found = [
        state_space_divergence(normal((8, 250, 1), seed=2 * seed), normal((8, 250, 1), seed=2 * seed + 1, mean=0.7)) for seed in range(24)
    ]
    scatter = np.std([float(one.value) for one in found], ddof=1)
    error = np.sqrt(np.mean([float(one.standard_error) ** 2 for one in found]))
    assert 0.7 * scatter < error < 2.0 * scatter


def test_a_system_twice_is_two_sets_of_one_measure(henon: System) -> None:
    """The second is sampled with the next seed: a small divergence that falls with more samples, and that of the arrays."""
    sampling = Sampling(trajectories=4, samples=2000, seed=3)
    found = state_space_divergence(henon, henon, sampling=sampling)
    others = samples_of(henon, Sampling(trajectories=4, samples=2000, seed=4)).states
    assert found == state_space_divergence(samples_of(henon, sampling).states, others)
    growth = found.convergence["divergence"]
    assert 0.0 < float(found.value) == growth[-1] < 0.3 * growth[0]


def test_angles_beside_a_system_are_points_of_its_circles() -> None:
    """An array is read with the ranges of the System that it is compared with: half a turn apart is far, a whole turn is not."""
    turning = System(name="Turning", kind="map", equations={"a": "a + 1"}, wrap={"a": [0, "2*pi"]}, initial={"a": 0.1})
    angles = samples_of(turning, Sampling(trajectories=4, samples=500)).states
    sampling = Sampling(trajectories=4, samples=500)
    assert state_space_divergence(turning, angles + 2 * np.pi, sampling=sampling).value < 1e-3
    assert state_space_divergence(turning, angles * 0.1, sampling=sampling).value > 1.0


@pytest.mark.parametrize(("coordinates", "form"), [(2, "bins"), (6, "mixture")])
def test_more_than_five_coordinates_are_mixtures(coordinates: int, form: str) -> None:
    """Cells are for few dimensions; Gaussians are wider in more."""
    found = state_space_divergence(normal((4, 128, coordinates), seed=0), normal((4, 128, coordinates), seed=1))
    assert found.settings["form"] == form
    assert found.settings.get("deviation", np.sqrt(6) / 2) == np.sqrt(6) / 2


VALUES = normal((4, 100, 2), seed=0)
RESTING = np.concatenate([VALUES[:, :, :1], np.ones((4, 100, 1))], axis=2)


@pytest.mark.parametrize(
    ("reference", "other", "occupancy", "message"),
    [
        (VALUES, VALUES[:, :, :1], None, "the reference has 2 variables and the other set 1; expected as many in both"),
        (VALUES, VALUES[:, :50], None, "the smaller set has 200 samples; expected at least 256 in each"),
        (VALUES, VALUES.reshape(100, 4, 2), None, "the trajectories have 4 samples; expected at least 8"),
        (RESTING, VALUES, None, "coordinate 1 of the reference has one value only; expected one that changes"),
        (VALUES, VALUES, OccupancyBins(bins=2000), "4e+06 cells of 2 coordinates, smoothed by 1e-05 of a sample each, against 400 samples"),
        (VALUES, VALUES, OccupancyBins(smoothing=0.0), "smoothing=0.0; expected a part of a sample above 0"),
        (VALUES, VALUES, OccupancyBins(bins=1), "bins=1; expected 2 or more"),
        (VALUES, VALUES, OccupancyMixture(deviation=0.0), "deviation=0.0; expected a width above 0"),
        (VALUES, VALUES, OccupancyMixture(draws=100), "draws=100; expected 512 or more"),
    ],
)
def test_sets_that_cannot_be_compared_are_refused(
    reference: np.ndarray, other: np.ndarray, occupancy: OccupancyBins | OccupancyMixture | None, message: str
) -> None:
    """What was found, what was expected."""
    with pytest.raises(RequestError, match=re.escape(message)):
        state_space_divergence(reference, other, occupancy=occupancy)


def test_a_system_beside_an_array_is_sampled_as_finely(henon: System) -> None:
    """By default too; the times of two arrays do not matter."""
    found = state_space_divergence(VALUES, henon, sampling=Sampling(trajectories=4, samples=100), dt=2.0)
    assert (found.settings["dt"], found.settings["other_dt"]) == (2.0, 2.0)
