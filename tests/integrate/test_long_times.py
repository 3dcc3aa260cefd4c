"""What is left of a solution after very many steps: invariants, closed forms, digits of the time."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

import attractory
from attractory.expressions.system import System
from attractory.integrate import Engine, Ensemble, SampleGrid, integrate, integrate_ensemble

CUBE = "(x*x + y*y)**1.5"
KEPLER = System(name="Kepler", equations={"x": "u", "y": "v", "u": f"-x/{CUBE}", "v": f"-y/{CUBE}"}, initial=dict.fromkeys("xyuv", 1.0))


# What was measured: 2.6e-11 and 5.5e-13, both growing with the time.
@pytest.mark.parametrize(("tolerance", "limit"), [(1e-12, 1e-9), (1e-14, 1e-12)])
def test_energy_stays_over_ten_thousand_periods(tolerance: float, limit: float) -> None:
    """HenonHeiles from eight states; the largest relative change of the energy at any of 200 times."""
    system = attractory.system("HenonHeiles")
    initial = np.asarray(system.initial) * (1 + 0.005 * np.arange(8)[:, None])
    made = integrate(system, initial=initial, samples=201, dt=50 * system.period, tolerance=tolerance)
    x, y, px, py = np.moveaxis(made.state.values, 2, 0).astype(np.longdouble)
    energy = (px**2 + py**2 + x**2 + y**2) / 2 + x**2 * y - y**3 / 3
    assert np.abs(energy / energy[:, :1] - 1).max() < limit


def ellipse(x: float, v: float, t: float) -> np.ndarray:
    """Position on the orbit that begins at (x, 0), its nearest point, with velocity (0, v): Kepler's equation with 30 digits."""
    with mpmath.workdps(30):
        axis = 1 / (2 / mpmath.mpf(x) - mpmath.mpf(v) ** 2)
        eccentricity = 1 - mpmath.mpf(x) / axis
        mean = mpmath.mpf(t) / axis ** mpmath.mpf(1.5)
        angle = mpmath.findroot(lambda e: e - eccentricity * mpmath.sin(e) - mean, mean)
        return np.array([axis * (mpmath.cos(angle) - eccentricity), axis * mpmath.sqrt(1 - eccentricity**2) * mpmath.sin(angle)], float)


# What was measured: position 4e-8, energy 2e-11, angular momentum 5e-11; 1e-9, 5e-13, 1.3e-12. An error of the energy grows into one of the
# position in proportion to the time: 100 revolutions times 3 pi make it a thousand times larger.
@pytest.mark.parametrize(("tolerance", "position", "conserved"), [(1e-12, 2e-7, 3e-10), (1e-14, 3e-9, 4e-12)])
def test_an_eccentric_orbit_closes_a_hundred_times(tolerance: float, position: float, conserved: float) -> None:
    """Kepler's problem with eccentricities around 0.9 over a hundred revolutions, against the closed form at quarters of each."""
    eccentricity = np.linspace(0.895, 0.905, 8)
    initial = np.stack([1 - eccentricity, 0 * eccentricity, 0 * eccentricity, np.sqrt((1 + eccentricity) / (1 - eccentricity))], 1)
    made = integrate(KEPLER, initial=initial, samples=401, dt=np.pi / 2, tolerance=tolerance)
    x, y, u, v = np.moveaxis(made.state.values, 2, 0).astype(np.longdouble)
    for invariant in ((u * u + v * v) / 2 - 1 / np.hypot(x, y), x * v - y * u):
        assert np.abs(invariant / invariant[:, :1] - 1).max() < conserved
    for trajectory, start in enumerate(initial):
        for n in (1, 40, 399, 400):
            exact = ellipse(start[0], start[3], float(made.time[n]))
            assert np.hypot(*(made.state.values[trajectory, n, :2] - exact)) < position


DRIVEN = {
    "x' = cos t": ("cos(t)", mpmath.sin, 1e-12),
    "x' = -x + sin t": ("-x + sin(t)", lambda t: (mpmath.sin(t) - mpmath.cos(t)) / 2, 1e-14),
    "x' = x cos t": ("x*cos(t)", lambda t: mpmath.exp(mpmath.sin(t)), 3e-10),  # the series' own errors
}


@pytest.mark.parametrize("name", list(DRIVEN))
@pytest.mark.parametrize("start", [0.0, 15.1])
def test_a_million_steps_lose_no_digit_of_the_time(name: str, start: float) -> None:
    """A driven variable follows its drive at t = 1,500,000 as at the beginning, though doubles there are 2e-10 apart."""
    rate, solution, limit = DRIVEN[name]
    with mpmath.workdps(30):
        exact = np.array([solution(mpmath.mpf(start) + 150_000 * n) for n in range(11)], float)
    definition = System(name="Driven", equations={"x": rate}, initial={"x": 1.0}).definition
    ensemble = Ensemble(exact[:1, None], np.zeros((1, 0)), np.array([start]))
    made, early = (
        integrate_ensemble(definition, ensemble, grids=[SampleGrid(dt, 11)], engine=Engine(lanes=2)) for dt in (150_000.0, 150.0)
    )
    np.testing.assert_allclose(made.states[0][0, :, 0], exact, rtol=0, atol=limit)
    assert 1_000_000 < made.steps < 1010 * early.steps  # and no step was taken back because the time had been rounded


def test_an_oscillator_keeps_its_phase_for_a_million_steps() -> None:
    """x'' = -x at t = 1,500,000: 4e-17 of it a step."""
    system = System(name="Oscillator", equations={"x": "y", "y": "-x"}, initial={"x": 1.0, "y": 0.0})
    made = integrate(system, initial=[1.0, 0.0], samples=101, dt=15_000.0)
    assert made.attrs["steps"] > 1_000_000
    np.testing.assert_allclose(made.state.values[0, :, 0], np.cos(made.time.values), rtol=0, atol=1e-10)


@pytest.mark.parametrize("rate", ["0*x", "2", "-x", "cos(t)"])
@pytest.mark.parametrize("start", [0.0, 15.1, 2000.3, -7.7])
def test_the_last_sample_is_taken_wherever_the_step_before_it_ends(rate: str, start: float) -> None:
    """Steps of exactly dt, at fixed points and on straight lines, end a rounding before or behind a sample; both are well."""
    definition = System(name="Quiet", equations={"x": rate}, initial={"x": 0.0}).definition
    ensemble = Ensemble(np.zeros((1, 1)), np.zeros((1, 0)), np.array([start]))
    for dt in (0.1, 0.3, 1 / 3, 0.01, 0.7, 7.0):
        for samples in (2, 11, 100, 1001):
            made = integrate_ensemble(definition, ensemble, grids=[SampleGrid(dt, samples)], engine=Engine(lanes=2))
            assert made.status[0] == 0
