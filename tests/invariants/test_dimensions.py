"""Sets and attractors whose dimension is known."""

from __future__ import annotations

import numpy as np
import pytest

import attractory
from attractory import System
from attractory.errors import RequestError
from attractory.invariants import (
    DelayCoordinates,
    Estimate,
    Sampling,
    correlation_dimension,
    dimension_order,
    information_dimension,
    kaplan_yorke_dimension,
)
from attractory.invariants.point_cloud import point_cloud

FEW = Sampling(trajectories=16, samples=625)
BOTH = pytest.mark.parametrize("method", [correlation_dimension, information_dimension])


def drawn() -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=1))


def square() -> np.ndarray:
    return drawn().random((10_000, 2))


def circle() -> np.ndarray:
    angle = 2 * np.pi * drawn().random(10_000)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def torus() -> np.ndarray:
    """In four coordinates, without edges."""
    angle = 2 * np.pi * drawn().random((10_000, 2))
    return np.concatenate([np.cos(angle), np.sin(angle)], axis=1)


def cantor_set() -> np.ndarray:
    """Ternary fractions of 30 digits, each 0 or 2 with the same chance."""
    return drawn().integers(0, 2, (10_000, 30)) @ (2.0 * 3.0 ** -np.arange(1, 31))


def uneven_cantor_set() -> np.ndarray:
    """The same with chances 0.7 and 0.3, its dense end at zero, where floating point tells points apart that are very near."""
    return (drawn().random((10_000, 30)) < 0.3) @ (2.0 * 3.0 ** -np.arange(1, 31))


def sierpinski_triangle() -> np.ndarray:
    corners = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, np.sqrt(0.75)]])
    return np.einsum("nkc,k->nc", corners[drawn().integers(0, 3, (10_000, 40))], 0.5 ** np.arange(1, 41))


# Of the uneven Cantor set, in closed form: D_q = log(p^q + (1 - p)^q) / ((1 - q) log 3) … here q = 2, and its limit q = 1.
UNEVEN = {
    correlation_dimension: -np.log(0.3**2 + 0.7**2) / np.log(3),
    information_dimension: -(0.3 * np.log(0.3) + 0.7 * np.log(0.7)) / np.log(3),
}


def within(estimate: Estimate, expected: float, *, errors: float, absolute: float) -> bool:
    """Near what is expected by its own error and by a fixed one, so that neither a bias nor a large error passes."""
    off = abs(float(estimate.value) - expected)
    return off <= errors * float(estimate.standard_error) and off <= absolute


@BOTH
@pytest.mark.parametrize(
    ("points", "dimension"),
    [
        (square, 2.0),
        (circle, 1.0),
        (torus, 2.0),
        (cantor_set, np.log(2) / np.log(3)),
        (sierpinski_triangle, np.log(3) / np.log(2)),
    ],
)
def test_sets_of_one_scale_have_their_dimension(method, points, dimension) -> None:
    """Within three errors and 3 %, and said to be known to 5 %: the square has an edge, two sets repeat themselves at one factor only."""
    estimate = method(points())
    assert within(estimate, dimension, errors=3.0, absolute=0.03 * dimension)
    assert float(estimate.standard_error) < 0.05 * dimension


@BOTH
@pytest.mark.parametrize("trajectories", [20, 500])
def test_many_short_trajectories_are_as_good_as_one(method, trajectories: int) -> None:
    """Of 500 trajectories of 20 points, as of 20 of 500; thinning ends where trajectories do."""
    estimate = method(square().reshape(trajectories, -1, 2), window=1)
    assert within(estimate, 2.0, errors=3.0, absolute=0.06)


@BOTH
def test_a_limit_cycle_has_dimension_one(method) -> None:
    """Trajectories that follow each other come together in hundreds of pairs at once, at radii where nothing else is."""
    phases = drawn().random((16, 1)) + 0.1237 * np.arange(1250)
    cycle = np.stack([np.cos(2 * np.pi * phases), np.sin(2 * np.pi * phases)], axis=2)
    assert within(method(cycle), 1.0, errors=4.0, absolute=0.06)


@BOTH
def test_a_measure_of_uneven_mass_tells_the_dimensions_apart(method) -> None:
    """D2 = 0.496 and D1 = 0.556 of one set, which box counting would give 0.631."""
    assert within(method(uneven_cantor_set()), UNEVEN[method], errors=3.0, absolute=0.03)


def test_a_singular_density_is_off_by_no_more_than_its_error() -> None:
    """The logistic map at r = 4 has D2 = 1, which its slopes near as slowly as 1 / log r: 0.91 is what is seen of 16,384 points.

    D1 has no such drift. Both are known to 5 %, which is less than what the plain slope is off.
    """
    few = Sampling(trajectories=32, samples=512)
    correlation, information = (method("Logistic", sampling=few) for method in (correlation_dimension, information_dimension))
    assert float(correlation.settings["plain_slope"]) < 0.93
    assert within(correlation, 1.0, errors=2.5, absolute=0.08)
    assert within(information, 1.0, errors=2.5, absolute=0.05)
    assert max(float(correlation.standard_error), float(information.standard_error)) < 0.05


@pytest.mark.parametrize(
    ("name", "kaplan_yorke", "correlation"),
    [
        # D_KY: 4,000,000 time units of SciPy's DOP853 at a tolerance of 1e-10. D2: 1.991 ± 0.065, Sprott's list of common chaotic systems.
        ("Rossler", 2.01322, 1.991),
        # The exponents of these parameters are 0.43086, 0 and -4.2231. Nobody has a D2 of them.
        ("Chua", 2.1020, None),
    ],
)
def test_flows_that_converge_slowly_have_honest_errors(name: str, kaplan_yorke: float, correlation: float | None) -> None:
    """Kaplan and Yorke's conjecture gives D1: within 2.5 errors of it, below 5 %; D2 of what is published, and in the order of theory."""
    few = Sampling(trajectories=32, samples=512, dt=0.1236 * float(attractory.system(name).period or 1.0))
    two, one = (method(name, sampling=few) for method in (correlation_dimension, information_dimension))
    top = Estimate(np.array(kaplan_yorke), np.array(1e-4), "given", {}, 0.0)
    assert within(one, kaplan_yorke, errors=2.5, absolute=0.2)
    assert correlation is None or within(two, correlation, errors=2.5, absolute=0.2)
    assert dimension_order(two, one, top).holds
    assert max(float(two.standard_error), float(one.standard_error)) < 0.1


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # 1.21 ± 0.01: Grassberger and Procaccia, Phys. Rev. Lett. 50, 346 (1983), 15,000 points
        ("Henon", 1.21),
        # 1.42 ± 0.02: Grassberger and Procaccia, Physica D 9, 189 (1983)
        ("KaplanYorke", 1.42),
    ],
)
def test_maps_have_their_published_correlation_dimension(name: str, expected: float) -> None:
    """Within three errors and 0.03, from 10,000 points."""
    assert within(correlation_dimension(name, sampling=FEW), expected, errors=3.0, absolute=0.03)


def test_lorenz_has_its_published_correlation_dimension(lorenz: System) -> None:
    """2.05 ± 0.01 (Grassberger and Procaccia, Physica D 9, 189 (1983)), from 10,000 points 0.1 time units apart."""
    estimate = correlation_dimension(lorenz, sampling=Sampling(trajectories=16, samples=625, dt=0.1))
    assert within(estimate, 2.05, errors=3.0, absolute=0.06)
    assert estimate.settings["takens"] == pytest.approx(2.05, abs=0.1)  # up to radii that feel the attractor's size


def test_kaplan_yorke_map_has_its_exact_information_dimension() -> None:
    """1 + log 2 / log 5: its map stretches one way by two and shrinks the other by five everywhere (Kaplan and Yorke 1979)."""
    assert within(information_dimension("KaplanYorke", sampling=FEW), 1 + np.log(2) / np.log(5), errors=3.0, absolute=0.03)


def test_one_variable_and_its_past_have_the_dimension_of_the_state(henon: System) -> None:
    """The second variable of Henon's map is the first, one iterate before and scaled: to a factor, these are the same points."""
    states = attractory.integrate(henon, trajectories=4, samples=2000, seed=1)["state"].values
    delayed = correlation_dimension(states[:, :, :1], delays=DelayCoordinates(dimension=2, delay=1))
    whole = correlation_dimension(states)
    assert float(delayed.value) == pytest.approx(float(whole.value), abs=0.02)


def test_the_same_seed_gives_the_same_estimate(henon: System) -> None:
    """Whatever the threads do: counts are integers."""
    few = Sampling(trajectories=4, samples=500)
    assert correlation_dimension(henon, sampling=few) == correlation_dimension(henon, sampling=few)
    assert information_dimension(henon, sampling=few) == information_dimension(henon, sampling=few)


def test_neighbours_in_time_are_no_pairs() -> None:
    """A random walk sampled finely looks like its path, a curve; the window leaves out what is near only because it is near in time."""
    corners = np.cumsum(drawn().standard_normal((200, 3)), axis=0)
    times = np.arange(0, 199, 0.04)
    path = np.stack([np.interp(times, np.arange(200), corners[:, k]) for k in range(3)], axis=1)
    near, apart = (float(correlation_dimension(path, window=window).value) for window in (0, 50))
    assert near < 1.4 < 2.0 < apart


def test_the_window_is_a_period_or_what_the_autocorrelation_needs() -> None:
    """Of a sine of 100 samples 1/e is reached after 20 (acos(1/e) of a radian is 19.0); a known period wins where it is longer."""
    sine = np.sin(2 * np.pi * np.arange(5000) / 100)
    cloud = point_cloud(sine, delays=None, window=None, sampling=None, dt=1.0, seed=0)
    assert cloud.window == 20
    known = attractory.integrate("Lorenz", trajectories=2, samples=1000, dt=0.01)
    assert point_cloud(known, delays=None, window=None, sampling=None, dt=None, seed=0).window >= round(known.attrs["period"] / 0.01)


def test_dimensions_are_in_the_order_of_theory() -> None:
    """D2 <= D1 <= D_KY of Henon's map, whose exponents are 0.419 and -1.623 (Sprott 2003); the other way round is found out."""
    spectrum = Estimate(np.array([0.41922, -1.62319]), np.array([1e-4, 1e-4]), "published", {}, 0.0)
    kaplan_yorke = kaplan_yorke_dimension(spectrum)
    correlation, information = (method("Henon", sampling=FEW) for method in (correlation_dimension, information_dimension))
    assert dimension_order(correlation, information, kaplan_yorke).holds
    low = Estimate(np.array(0.9), np.array(0.01), "made up", {}, 0.0)
    order = dimension_order(correlation, information, low)
    assert not order.holds
    assert order.information_over_kaplan_yorke == pytest.approx(float(information.value) - 0.9)
    assert not dimension_order(kaplan_yorke, low, kaplan_yorke).holds


@BOTH
@pytest.mark.parametrize(
    ("points", "arguments", "message"),
    [
        (np.ones((1000, 2)), {}, "1000 points are one and the same: expected points that differ"),
        (np.arange(100.0), {}, "100 points: expected at least 500"),
        (np.tile([0.0, 1.0, 3.0], 400), {}, "expected points that differ .a periodic orbit of a map has dimension 0"),
        (np.arange(1000.0), {"window": 600}, "window=600: expected a number of samples from 0 to below half of the 1000"),
        (np.arange(1000.0), {"delays": DelayCoordinates(2, 1, variable=1)}, "variable=1: expected one of the 1 variables"),
        (np.arange(1000.0), {"delays": DelayCoordinates(3, 500)}, "leave 0 of 1000 samples"),
        ("MackeyGlass", {}, "a delay system are not its state: expected delays="),
    ],
)
def test_what_has_no_dimension_is_refused(method, points, arguments, message) -> None:
    """With what was found and what was expected."""
    with pytest.raises(RequestError, match=message):
        method(points, **arguments)


def test_a_window_that_leaves_no_partners_is_refused() -> None:
    """Half of the samples on both sides of a point are all of them."""
    with pytest.raises(RequestError, match="window=499 leaves 1 partners of some point; expected more"):
        information_dimension(np.arange(1000.0), window=499)


def test_too_few_octaves_are_refused() -> None:
    """600 points in ten dimensions are all about as far from each other."""
    with pytest.raises(
        RequestError, match=r"octaves of radii hold pairs enough, with 0 pieces .*; expected at least 2 octaves and 2 pieces"
    ):
        correlation_dimension(drawn().standard_normal((600, 10)))
