"""The references: true where the solution is known in closed form, and silent where they cannot follow."""

from __future__ import annotations

import numpy as np
import pytest

import attractory
from attractory.expressions.circles import difference
from attractory.stages.certify import flow_reference, map_reference
from attractory.stages.certify.flow_reference import FlowReference
from attractory.stages.certify.map_reference import MapReference
from attractory.stages.certify.reference import NoReferenceError, Problem, offset

BITS = 160
# The states are rounded to doubles, and nothing else is lost.
ROUNDED = 2 * np.finfo(float).eps


def flow(equations, initial, **entry):
    return attractory.System(name="Known", kind="flow", equations=equations, initial=initial, **entry)


def problem(system, times, *, start_time=0.0):
    count = system.dimension
    values = np.array(system.definition.values, dtype=float)
    return Problem(system.initial, values, start_time, np.asarray(times, dtype=float), np.ones(count), np.full(count, np.inf))


def followed(system, times, *, start_time=0.0):
    """States (time, variable) and the twin's distances (time,)."""
    reference = (MapReference if system.kind == "map" else FlowReference)(system.definition, BITS)
    stretches = list(reference.follow(problem(system, times, start_time=start_time)))
    return np.concatenate([stretch.states for stretch in stretches]), np.concatenate([stretch.twin for stretch in stretches])


def test_growth_is_the_exponential_function():
    """x' = k x to the last digit over several stretches, with the parameter as stored; an error grows as the solution does."""
    times = np.arange(300) / 64
    states, twin = followed(flow({"x": "k*x"}, {"x": 1.0}, parameters={"k": 1.0}), times)
    np.testing.assert_allclose(states[:, 0], np.exp(times), rtol=ROUNDED)
    np.testing.assert_allclose(twin, offset(BITS) * np.exp(times), rtol=1e-6)  # the twin's own tolerance is 2^-30 of its offset


def test_a_driven_flow_begins_at_its_own_time():
    """x' = cos t from t = 100: the stored start_time is the equations' t."""
    times = np.arange(100) / 8
    states, _ = followed(flow({"x": "cos(t)"}, {"x": 0.0}), times, start_time=100.0)
    np.testing.assert_allclose(states[:, 0], np.sin(100 + times) - np.sin(100.0), atol=1e-15)


def test_a_particle_between_two_hills_is_a_chain_of_parabolas():
    """x'' = -sign(x) from rest at 1 has period 4 sqrt(2): forty crossings, each located to the last digit."""
    quarter = np.sqrt(2.0)
    places = np.arange(0, 80, 2)
    states, _ = followed(flow({"x": "v", "v": "-sign(x)"}, {"x": 1.0, "v": 0.0}), quarter * places)
    expected = np.stack([np.where(places % 4 == 0, 1.0, -1.0), np.zeros(len(places))], axis=1)
    # The times are rounded to doubles: up to 112 time units, by 7e-15 each; the speed there is at most that late, too.
    np.testing.assert_allclose(states, expected, atol=2e-14)


@pytest.mark.parametrize(
    ("rate", "integral"),
    [
        ("abs(t - 1)", 1.015625),
        ("sign(t - 1)", 0.25),
        ("heaviside(t - 1)", 1.125),
        ("floor(t)", 1.25),
        ("-floor(-t)", 3.25),
        ("mod(t, 0.5)", 0.5),
        ("min(t, 1)", 1.6171875),
        ("max(t, 1)", 2.6328125),
        ("where(t < 1, 1, 3)", 4.25),
        ("where(t > 0.5 and t < 1, 1, 0)", 0.5),
        ("where(t < 0.5 or not t < 1, 1, 0)", 1.5),
        ("where(t >= 1, 1/sqrt(t - 1 + 1), 1/sqrt(-t + 9/8 + 1/8))", None),
    ],
)
def test_what_switches_has_the_integral_that_it_has(rate, integral):
    """Each function that is not analytic, from t = 1/8 to 17/8, against its integral by hand."""
    if integral is None:  # (2 sqrt(17/8) - 2) + 2 (sqrt(9/8) - sqrt(1/4)), without the branch that has no value there
        integral = 2 * np.sqrt(17 / 8) - 2 + 2 * (np.sqrt(9 / 8) - np.sqrt(1 / 4))
    states, _ = followed(flow({"x": rate}, {"x": 0.0}), [0.0, 0.5, 2.0], start_time=0.125)
    assert states[-1, 0] == pytest.approx(integral, rel=1e-14)


def test_a_floor_may_go_down_as_well_as_up():
    """x' = -1 - floor(x) from 2.5: speeds 3, 2, 1 until x = 0, which is reached after 1/6 + 1/2 + 1 time units."""
    states, _ = followed(flow({"x": "-1 - floor(x)"}, {"x": 2.5}), [0.0, 1 / 6, 2 / 3, 1.0])
    np.testing.assert_allclose(states[:, 0], [2.5, 2.0, 1.0, 2 / 3], rtol=1e-15)


def test_constants_have_all_their_digits():
    """Constants are folded in many digits, not in doubles: log10(e) ln(10) is 1, and x' = x of it is the exponential function."""
    states, _ = followed(flow({"x": "x*log10(exp(1))*log(10)"}, {"x": 1.0}), [0.0, 1.0, 10.0])
    np.testing.assert_allclose(states[:, 0], np.exp([0.0, 1.0, 10.0]), rtol=ROUNDED)


@pytest.mark.parametrize("name", ["Chua", "DoublePendulum", "Duffing", "Lorenz96", "Thomas", "Windmi"])
def test_catalogued_flows_are_the_ones_that_the_engine_integrates(name):
    """Two methods with nothing in common but the graph agree over a period, before chaos takes over."""
    system = attractory.system(name)
    made = attractory.integrate(system, initial=system.initial[None], samples=65, dt=system.period / 64)
    states, _ = followed(system, made["time"].values)
    scale = np.abs(states).max(axis=0)
    off = difference(
        made["state"].values[0], states, system.definition.wrap
    )  # the engine's angles lie in their ranges, the reference's do not
    # Steps of a tolerance of 1e-14, grown some hundredfold within the one period where the double pendulum is most unstable (2e-12).
    np.testing.assert_allclose(off / scale, 0.0, atol=1e-11)


def test_an_orbit_is_followed_with_all_its_digits():
    """x -> 4 x (1 - x) is sin^2: after 60 iterates a double has forgotten everything, the reference nothing."""
    angle = 0.3
    start = float(np.sin(angle) ** 2)
    system = attractory.System(name="Quadratic", kind="map", equations={"x": "4*x*(1 - x)"}, initial={"x": start})
    states, twin = followed(system, np.arange(61))
    from mpmath import mp, mpf

    with mp.workprec(BITS):
        exact = float(mp.sin(mp.asin(mp.sqrt(mpf(start))) * 2**60) ** 2)
    assert states[60, 0] == pytest.approx(exact, rel=1e-12)  # the formula itself loses 60 of its bits
    assert offset(BITS) * 2**50 < twin[60] < offset(BITS) * 2**62  # a factor of 2 an iterate, or little more and less


@pytest.mark.parametrize(
    ("equations", "reason"),
    [
        ({"x": "sign(x)"}, "begins exactly on a switching surface"),
        ({"x": "sign(floor(x + 0.25) - 0.5)"}, r"another one that jumps \(floor\)"),
        ({"x": "x**2 + 1"}, "no number any more|more than 50,000 steps"),
    ],
)
def test_what_cannot_be_followed_is_said(monkeypatch, equations, reason):
    """No reference is better than a wrong one: each reason is a sentence's end."""
    monkeypatch.setattr(flow_reference, "MOST_STEPS", 2_000)  # the pole at pi / 2 is never reached
    with pytest.raises(NoReferenceError, match=reason.replace("50,000", "2,000")):
        followed(flow(equations, {"x": 0.0}), [0.0, 1.0, 4.0])


def test_a_map_without_a_value_is_said():
    """sqrt of a negative number has no real value."""
    system = attractory.System(name="Root", kind="map", equations={"x": "sqrt(x) - 1"}, initial={"x": 0.25})
    with pytest.raises(NoReferenceError, match="sqrt has no real value"):
        followed(system, [0, 1, 2])


def test_a_map_is_followed_so_far_and_no_further(monkeypatch):
    """The work is bounded, by counts and not by a clock."""
    monkeypatch.setattr(map_reference, "MOST_ITERATES", 10)
    system = attractory.System(name="Still", kind="map", equations={"x": "x"}, initial={"x": 0.25})
    with pytest.raises(NoReferenceError, match="10 iterates are the most"):
        followed(system, [0, 11])


def test_angles_differ_around_the_circle():
    """A turn more or less is no difference, a number that is none is the largest."""
    one = Problem(np.zeros(2), np.zeros(0), 0.0, np.zeros(1), np.array([2.0, 4.0]), np.array([2 * np.pi, np.inf]))
    np.testing.assert_allclose(one.distance(np.array([[2 * np.pi + 0.5, 1.0], [-0.25, 0.0], [0.0, np.nan]])), [0.25, 0.125, np.inf])
