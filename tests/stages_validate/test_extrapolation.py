from __future__ import annotations

import numpy as np

from attractory import System
from attractory.stages.validate.extrapolation import Stretches, ends, off


def stretches(system: System, states: np.ndarray, spans: np.ndarray, times: np.ndarray | None = None) -> Stretches:
    parameters = np.tile(np.asarray(system.definition.values, dtype=np.float64), (len(states), 1))
    begin = np.zeros(len(states)) if times is None else times
    return Stretches(system.definition, states, parameters, begin, spans, np.ones(states.shape[1]))


def test_oscillator_comes_out_as_its_cosine() -> None:
    """A fifth of a turn and ten turns, to a hundred roundings: the long one is cut in steps by itself."""
    oscillator = System(name="Oscillator", equations={"q": "p", "p": "-q"}, initial={"q": 1.0, "p": 0.0})
    spans = np.array([1.2, 20 * np.pi])
    reached = ends(stretches(oscillator, np.tile([1.0, 0.0], (2, 1)), spans))
    np.testing.assert_allclose(reached[:, 0], np.cos(spans), atol=1e-11)  # ten turns of an error of 1e-12 a step
    np.testing.assert_allclose(reached[0, 1], -np.sin(spans[0]), atol=1e-14)


def test_time_and_parameters_are_each_stretchs_own() -> None:
    """x' = a t from t0 to t0 + h is a (t0 h + h^2 / 2)."""
    driven = System(name="Driven", equations={"x": "a*t"}, parameters={"a": 2.0}, initial={"x": 0.0})
    one = stretches(driven, np.zeros((2, 1)), np.array([1.0, 2.0]), np.array([0.0, 3.0]))
    np.testing.assert_allclose(ends(one)[:, 0], [1.0, 16.0], rtol=1e-14)


def test_stiff_stretch_is_given_up_and_not_guessed() -> None:
    """64 steps of 16 substeps are far from enough for a rate of 1e7."""
    stiff = System(name="Stiff", equations={"x": "-1e7*(x - cos(t))"}, initial={"x": 1.0})
    assert np.isnan(ends(stretches(stiff, np.full((1, 1), 2.0), np.array([1.0])))).all()


def test_map_is_iterated_as_often_as_its_span_says() -> None:
    """x' = 2x three times and once."""
    doubling = System(name="Doubling", kind="map", equations={"x": "2*x"}, initial={"x": 1.0})
    assert ends(stretches(doubling, np.ones((2, 1)), np.array([3.0, 1.0])))[:, 0].tolist() == [8.0, 2.0]


def test_difference_on_a_circle_is_the_short_way_around() -> None:
    """0.1 and 2 pi - 0.1 are 0.2 apart."""
    turning = System(name="Turning", equations={"a": "1"}, initial={"a": 0.0}, wrap={"a": [0, "2*pi"]})
    one = stretches(turning, np.array([[0.1]]), np.array([1.0]))
    np.testing.assert_allclose(off(one, np.array([[0.1]]), np.array([[2 * np.pi - 0.1]])), 0.2, rtol=1e-12)
