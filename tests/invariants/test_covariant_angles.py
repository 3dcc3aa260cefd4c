"""Systems whose stable and unstable directions are known, and identities that covariant vectors obey."""

from __future__ import annotations

import numpy as np
import pytest

from attractory import System
from attractory.errors import RequestError
from attractory.invariants import Subspaces, covariant_angles
from attractory.invariants.covariant_angles import smallest_angles
from attractory.invariants.covariant_vectors import covariant_vectors, forward_run
from attractory.invariants.growth_rates import Effort


def iterated_jacobian(system: System, states: np.ndarray, iterates: int) -> np.ndarray:
    """Of some iterates of a map, by the chain rule."""
    product = np.tile(np.eye(system.dimension), (len(states), 1, 1))
    for _ in range(iterates):
        product = system.jacobian(states) @ product
        states = system.rhs(states)
    return product


def sines(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Of the angles between unit vectors (trajectory, variable) and others."""
    second = second / np.linalg.norm(second, axis=1, keepdims=True)
    return np.linalg.norm(first - np.sum(first * second, axis=1, keepdims=True) * second, axis=1)


def test_a_map_of_the_torus_has_the_angle_of_its_eigenvectors() -> None:
    """The same everywhere, in closed form; a right angle for the cat map, whose matrix is symmetric."""
    matrix = np.array([[3.0, 1.0], [2.0, 1.0]])
    skew = System(
        name="SkewCat",
        kind="map",
        equations={"x": "3*x + y", "y": "2*x + y"},
        initial={"x": 0.1, "y": 0.3},
        wrap={"x": [0, 1], "y": [0, 1]},
    )
    vectors = np.linalg.eig(matrix).eigenvectors
    angle = np.arccos(abs(vectors[:, 0] @ vectors[:, 1]))
    for system, expected in ((skew, angle), ("ArnoldCat", np.pi / 2)):
        found = covariant_angles(system, effort=Effort(trajectories=4, budget=400.0))
        np.testing.assert_allclose(found.value, expected, rtol=0.0, atol=1e-12)
        assert found.settings["smallest"][0] == pytest.approx(expected, abs=1e-12)  # type: ignore[index]
        np.testing.assert_allclose(found.settings["covariant_exponents"], found.settings["exponents"], atol=1e-9)


def test_a_linear_flow_has_its_eigenvectors_as_covariant_vectors() -> None:
    """(1, 0) and (4, -3) / 5, with rates of 1/2 and -1; seen at the state of rest, where both are defined as anywhere else."""
    linear = System(name="Linear", equations={"x": "0.5*x + 2*y", "y": "-y"}, initial={"x": 0.0, "y": 0.0})
    found = covariant_angles(linear, effort=Effort(trajectories=2, transient=0.0, budget=120.0))
    np.testing.assert_allclose(
        found.value, np.arctan2(3.0, 4.0), rtol=0.0, atol=1e-7
    )  # the tolerance, 1e-9, grown by the parting in an interval
    np.testing.assert_allclose(found.settings["covariant_exponents"], [0.5, -1.0], atol=1e-6)


def test_henons_directions_are_those_of_iterated_jacobians(henon: System) -> None:
    """Another way to them: any vector carried forwards from the past, and any carried backwards by inverse Jacobians from the future."""
    run = forward_run(henon, intervals=160, fewest=1, seed=0, effort=Effort(trajectories=3))
    found = list(covariant_vectors(run))[::-1]
    jacobians = [iterated_jacobian(henon, each.states, int(run.interval)) for each in found]
    unstable, stable = np.ones((len(found), 3, 2)), np.ones((len(found), 3, 2))
    for time in range(1, len(found)):
        unstable[time] = np.einsum("nij,nj->ni", jacobians[time - 1], unstable[time - 1])
        unstable[time] /= np.linalg.norm(unstable[time], axis=1, keepdims=True)
        back = len(found) - 1 - time
        stable[back] = np.linalg.solve(jacobians[back], stable[back + 1][:, :, None])[:, :, 0]
        stable[back] /= np.linalg.norm(stable[back], axis=1, keepdims=True)
    for time in range(50, len(found) - 50):
        for place, known in ((0, unstable[time]), (1, stable[time])):
            assert sines(found[time].vectors[:, place], known).max() < 1e-12


def test_henon_comes_ever_nearer_to_tangencies(henon: System) -> None:
    """Its angles are as small as their number allows: about in proportion, so twice the angle has twice the share."""
    few, many = (covariant_angles(henon, effort=Effort(trajectories=count)) for count in (2, 64))
    assert 10 * many.settings["smallest"][0] < few.settings["smallest"][0] < 0.01  # type: ignore[index]
    shares = many.convergence["share_below"][0]
    np.testing.assert_allclose(shares[2:8] / shares[3:9], 2.0, rtol=0.2)


def test_growth_along_covariant_vectors_is_the_spectrum(henon: System, lorenz: System) -> None:
    """0.41922 and log(0.3) - 0.41922, 0.9056, 0 and -14.5723: Sprott, Chaos and Time-Series Analysis (2003), pp. 421 and 431."""
    for system, expected in ((henon, [0.41922, np.log(0.3) - 0.41922]), (lorenz, [0.9056, 0.0, -14.5723])):
        settings = covariant_angles(system, effort=Effort(trajectories=16)).settings
        along, errors = np.array(settings["covariant_exponents"]), np.array(settings["covariant_exponent_errors"])
        assert (abs(along - expected) < 4 * errors).all()
        assert (abs(along - settings["exponents"]) < 4 * np.hypot(errors, settings["exponent_errors"])).all()
        assert (errors < 0.02).all()


def test_the_neutral_vector_of_lorenz_points_along_the_flow(lorenz: System) -> None:
    """The tangent of the trajectory itself is covariant and neither grows nor shrinks."""
    found = list(covariant_vectors(forward_run(lorenz, intervals=300, fewest=1, seed=0, effort=Effort(trajectories=4))))
    for each in found[100:]:
        assert sines(each.vectors[:, 1], lorenz.rhs(each.states)).max() < 1e-7  # the tolerance, 1e-9, grown by the parting in an interval


def test_the_stable_direction_of_lorenz_stays_away_from_the_others(lorenz: System) -> None:
    """Singular hyperbolic (Tucker, Found. Comput. Math. 2, 53 (2002)): one angle in a hundred is below 0.39; with tangencies, in
    proportion to the angle, some fifty of 16,384 were below 0.12, and there is none."""
    found = covariant_angles(lorenz, effort=Effort(trajectories=16))
    assert found.settings["pairs"] == "unstable-stable, unstable-neutral, neutral-stable, unstable and neutral-stable"
    assert found.settings["angles"] == 16_384
    assert found.value[3, 0] == pytest.approx(0.39, abs=0.03)
    assert found.settings["smallest"][3] > 0.12  # type: ignore[index]
    assert found.settings["smallest"][1] < 0.02  # type: ignore[index]  # near the origin the flow turns into the unstable direction


def test_angles_of_planes_and_small_angles_have_all_their_digits() -> None:
    """Planes that share a direction have none between them; 1e-9, whose cosine is 1, comes out."""
    axes = np.eye(4)
    tilted = np.cos(1e-9) * axes[0] + np.sin(1e-9) * axes[2]
    assert smallest_angles(axes[None, :1], tilted[None, None])[0] == pytest.approx(1e-9, rel=1e-6)
    assert smallest_angles(axes[None, :2], np.stack([tilted, axes[3]])[None])[0] == pytest.approx(1e-9, rel=1e-6)
    assert smallest_angles(axes[None, :2], axes[None, 1:3])[0] < 1e-15
    assert smallest_angles(axes[None, :1], axes[None, 2:])[0] == pytest.approx(np.pi / 2)


def test_segments_made_again_are_the_way_forwards(lorenz: System) -> None:
    """Their growth, by QR on the way back, has the same bits: backwards and forwards see the same trajectories."""
    run = forward_run(lorenz, intervals=40, fewest=1, seed=3, effort=Effort(trajectories=3))
    found = list(covariant_vectors(run))
    assert len(found) == run.growth.shape[1] == 30
    volumes = np.stack([np.linalg.det(each.vectors) for each in found[::-1]])
    grown = np.stack([each.growth.sum(axis=1) for each in found[::-1]])
    change = np.log(abs(volumes[1:] / volumes[:-1]))
    np.testing.assert_allclose(run.growth.sum(axis=2).T[:-1] - grown[:-1], change, atol=1e-5)  # of a volume, in both ways


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"effort": Effort(trajectories=1)}, "trajectories=1: at least 2"),
        ({"effort": Effort(core_seconds=1.0)}, "core_seconds=1: expected None"),
        ({"subspaces": Subspaces(3), "effort": Effort(2, budget=1.0)}, "3 unstable and 0 neutral of 3 directions; expected an unstable"),
        ({"subspaces": Subspaces(1, 1), "effort": Effort(2, budget=1.0)}, "directions part by .* expected 7 at least. Give a larger"),
    ],
)
def test_what_has_no_angles_is_refused(lorenz: System, arguments: dict[str, object], message: str) -> None:
    """With what was found and what to do."""
    with pytest.raises(RequestError, match=message):
        covariant_angles(lorenz, **arguments)  # type: ignore[arg-type]


def test_one_variable_and_a_delay_system_have_no_angles(logistic: System) -> None:
    """One has one direction, the other functions for vectors."""
    with pytest.raises(RequestError, match="Logistic has one variable and so one direction"):
        covariant_angles(logistic)
    with pytest.raises(RequestError, match="MackeyGlass is a delay system: its covariant vectors are functions"):
        covariant_angles("MackeyGlass")
