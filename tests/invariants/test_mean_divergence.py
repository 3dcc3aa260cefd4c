"""The rate at which volumes grow, between jumps and at them."""

from __future__ import annotations

import numpy as np
import pytest

from attractory import System
from attractory.errors import RequestError
from attractory.integrate import Engine, Ensemble, SampleGrid, integrate_ensemble
from attractory.invariants import lyapunov_spectrum, mean_divergence
from attractory.invariants.lyapunov_spectrum import Effort

# x' jumps by 0.3 at x = 0: det S = (y + 0.1)/(y + 0.4) from left to right, its inverse back, at other speeds.
GATE = System(
    name="Gate",
    equations={"x": "y + where(x > 0, 0.1, 0.4)", "y": "-x - 0.2*y + 0.5*cos(z)", "z": "1"},
    wrap={"z": [0, "2*pi"]},
    initial={"x": 0.5, "y": 0.1, "z": 0.0},
    timescale={"period": 6.3, "definition": "2 pi, rounded"},
)


def test_jumps_change_volumes_by_the_rates_of_the_switch() -> None:
    """-0.2 and the mean of log |det S|, whose form is known, at crossings read from samples; the exponents add up to the same."""
    found = mean_divergence(GATE, trajectories=4, samples=2048)
    dt, samples = 2 * np.pi / 2000, 120_001
    ensemble = Ensemble(np.array([[0.5, 0.1, 0.0]]), np.zeros((1, 0)), np.zeros(1))
    orbit = integrate_ensemble(GATE.definition, ensemble, grids=[SampleGrid(dt, samples)], engine=Engine()).states[0][0, 40_000:]
    places = np.flatnonzero(np.diff(np.sign(orbit[:, 0])))
    share = -orbit[places, 0] / (orbit[places + 1, 0] - orbit[places, 0])
    y = orbit[places, 1] + share * (orbit[places + 1, 1] - orbit[places, 1])
    jumps = np.where(orbit[places, 0] < 0, np.log((y + 0.1) / (y + 0.4)), np.log((y + 0.4) / (y + 0.1)))
    expected = -0.2 + jumps.sum() / (dt * len(orbit))
    assert expected < -0.25  # a quarter comes from the jumps
    assert found.value == pytest.approx(expected, abs=4 * float(found.standard_error) + 1e-4)
    spectrum = lyapunov_spectrum(GATE, standard_error=2e-3, seed=3, effort=Effort(trajectories=4, budget=500.0))
    assert spectrum.value.sum() == pytest.approx(float(found.value), abs=4 * float(found.standard_error) + 1e-4)


def test_running_mean_ends_at_the_value(henon: System) -> None:
    """log 0.3, at every iterate."""
    found = mean_divergence(henon, trajectories=4, samples=64)
    assert found.convergence["running"][-1] == pytest.approx(np.log(0.3))
    assert found.convergence["time"][-1] == 64.0


@pytest.mark.parametrize(
    ("system", "arguments", "message"),
    [
        ("MackeyGlass", {}, "MackeyGlass is a delay system"),
        ("Lorenz", {"samples": 8}, "trajectories=64, samples=8: expected at least 2 and 16"),
    ],
)
def test_what_has_no_divergence_or_no_error_is_refused(system: str, arguments: dict[str, int], message: str) -> None:
    """Before anything is integrated."""
    with pytest.raises(RequestError, match=message):
        mean_divergence(system, **arguments)
