"""Maps in lanes against the same arithmetic in plain Python."""

from __future__ import annotations

import numpy as np

from attractory.expressions.system import System
from attractory.integrate import Engine, Ensemble, SampleGrid, integrate, integrate_ensemble
from attractory.layout import Status

QUADRATIC = System(name="Quadratic", kind="map", equations={"x": "1 - 1.4*x**2 + y", "y": "0.3*x"}, initial={"x": 0.1, "y": 0.1})


def test_iterates_have_the_bits_of_plain_python() -> None:
    """No operation of a map is contracted or reordered."""
    made = integrate(QUADRATIC, initial=[0.1, 0.2], samples=200)
    x, y = 0.1, 0.2
    for n in range(200):
        assert made.state.values[0, n].tolist() == [x, y]
        x, y = (1 - 1.4 * (x * x)) + y, 0.3 * x


def test_every_nth_iterate_is_the_nth_of_all() -> None:
    """A grid of every third iterate beside one of all."""
    ensemble = Ensemble(np.array([[0.1, 0.2], [0.3, 0.1]]), np.zeros((2, 0)), np.zeros(2))
    grids = [SampleGrid(1, 61), SampleGrid(3, 21)]
    made = integrate_ensemble(QUADRATIC.definition, ensemble, grids=grids, engine=Engine())
    np.testing.assert_array_equal(made.states[0][:, ::3], made.states[1])


def test_an_escape_is_a_status_of_its_own_trajectory() -> None:
    """The second initial state leaves to infinity; NaN follows its last finite iterate."""
    made = integrate(QUADRATIC, initial=[[0.1, 0.1], [10.0, 10.0]], samples=40)
    assert made.status.values.tolist() == [Status.OK, Status.DIVERGED]
    finite = np.isfinite(made.state.values[1]).all(1)
    assert finite[:8].all()
    assert np.isnan(made.state.values[1, ~finite]).all()


def test_a_wrapped_coordinate_stays_within_its_range() -> None:
    """The standard map modulo 2 pi."""
    system = System(
        name="Kicked", kind="map", equations={"p": "p + 1.2*sin(q)", "q": "q + p + 1.2*sin(q)"}, initial={"p": 0.5, "q": 1.0},
        wrap={"p": [0, "2*pi"], "q": [0, "2*pi"]},
    )  # fmt: skip
    states = integrate(system, 4, samples=500).state.values
    assert states.min() >= 0
    assert states.max() <= 2 * np.pi


def test_branches_of_a_map_are_those_of_its_conditions() -> None:
    """The tent map by `where`, exact in binary for a few iterates."""
    tent = System(name="Tent", kind="map", equations={"x": "where(x < 0.5, 2*x, 2 - 2*x)"}, initial={"x": 0.3})
    states = integrate(tent, initial=[0.15625], samples=6).state.values[0, :, 0]
    assert states.tolist() == [0.15625, 0.3125, 0.625, 0.75, 0.5, 1.0]
