"""What depends on the time explicitly: its phase after millions of periods, and everywhere that equations with t may stand."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable

import mpmath
import numpy as np
import pytest

from attractory.expressions.system import System
from attractory.integrate import Engine, Ensemble, SampleGrid, integrate, integrate_ensemble
from attractory.invariants import lyapunov_spectrum
from attractory.invariants.lyapunov_spectrum import Effort
from attractory.kernels import flow_kernel
from attractory.layout import Status

OMEGA, PHI = 1.234567, 0.3
MILLION = 2 * np.pi / OMEGA * 1e6  # of periods
# Round-off of a solution of size one; sin of omega*t as one double is off by 2e-10 there.
ROUND_OFF = 5e-16
W, P = mpmath.mpf(OMEGA), mpmath.mpf(PHI)
# Each rate of x, and its integral.
DRIVES: dict[str, Callable[[mpmath.mpf], mpmath.mpf]] = {
    "cos(omega*t + phi)": lambda t: mpmath.sin(W * t + P) / W,
    "sin(phi - t/omega)": lambda t: mpmath.cos(P - t / W) * W,
    "sin(-(omega*(t - 7)))": lambda t: mpmath.cos(W * (t - 7)) / W,
    "1 + tan(omega*t/20)**2": lambda t: mpmath.tan(W * t / 20) * 20 / W,
}


@pytest.fixture(params=[False, True], ids=["straight", "loops"])
def both_kinds_of_code(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Kernels of straight-line code and of loops, however small the system."""
    module = importlib.import_module("attractory.integrate.ensemble")
    monkeypatch.setattr(module, "flow_kernel", functools.partial(flow_kernel, loops=request.param))
    return bool(request.param)


def samples(system: System, initial: list[float], start: float, *, dt: float = 0.037, count: int = 30) -> np.ndarray:
    """(time, variable) of one trajectory that begins at the time `start`."""
    ensemble = Ensemble(np.array([initial]), np.array([system.definition.values]), np.array([start]))
    made = integrate_ensemble(system.definition, ensemble, grids=[SampleGrid(dt, count)], engine=Engine(lanes=2))
    assert made.status.tolist() == [Status.OK]
    return made.states[0][0]


@pytest.mark.usefixtures("both_kinds_of_code")
@pytest.mark.parametrize("rate", list(DRIVES))
@pytest.mark.parametrize("start", [0.0, MILLION, 123456789.1234])
def test_a_drive_has_its_phase_after_millions_of_periods(rate: str, start: float) -> None:
    """x' = cos(omega*t) and its like from late times: errors are those of the first period."""
    system = System(name="Driven", equations={"x": rate}, parameters={"omega": OMEGA, "phi": PHI}, initial={"x": 0.0})
    found = samples(system, [0.0], start)[:, 0]
    with mpmath.workdps(40):
        begin = mpmath.mpf(start)
        exact = [float(DRIVES[rate](begin + mpmath.mpf(0.037 * n)) - DRIVES[rate](begin)) for n in range(30)]
    limit = ROUND_OFF if "tan" not in rate else 1e-12  # near its poles the tangent grows: relative to that
    np.testing.assert_allclose(found, exact, rtol=limit, atol=limit)


@pytest.mark.usefixtures("both_kinds_of_code")
def test_a_clock_has_its_phase_after_a_million_turns() -> None:
    """q' = omega, x' = cos q from q = 2 pi 10^6: what q loses to rounding is carried beside it, and cos takes both."""
    system = System(name="Clock", equations={"q": "omega", "x": "cos(q)"}, parameters={"omega": OMEGA}, initial={"q": 0.0, "x": 0.0})
    found = samples(system, [2e6 * np.pi, 0.0], 0.0, dt=1.7)[:, 1]
    with mpmath.workdps(40):
        begin = mpmath.mpf(2e6 * np.pi)
        exact = [float((mpmath.sin(begin + W * mpmath.mpf(1.7 * n)) - mpmath.sin(begin)) / W) for n in range(30)]
    np.testing.assert_allclose(found, exact, rtol=0, atol=20 * ROUND_OFF)  # some sixty steps


def test_right_hand_sides_have_the_phase_too() -> None:
    """system.rhs at an array of late times, against mpmath."""
    equations = {"x": "sin(omega*t + phi)", "y": "cos(phi - t/omega)", "z": "exp(phi*(t - 5e6))", "w": "tan(omega*t)"}
    system = System(name="Driven", equations=equations, parameters={"omega": OMEGA, "phi": PHI}, initial=dict.fromkeys("xyzw", 0.0))
    times = 5e6 + np.linspace(-9.7, 9.1, 50)
    with mpmath.workdps(40):
        exact = [
            [float(value) for value in (mpmath.sin(W * t + P), mpmath.cos(P - t / W), mpmath.exp(P * (t - 5_000_000)), mpmath.tan(W * t))]
            for t in map(mpmath.mpf, times)
        ]
    np.testing.assert_allclose(system.rhs(np.zeros((50, 4)), t=times), exact, rtol=1e-15)


def test_a_map_sees_the_number_of_its_iterate() -> None:
    """x -> x + sin(omega*t) from two start times, the second a million periods late."""
    system = System(name="Kicked", kind="map", equations={"x": "x + sin(omega*t)"}, parameters={"omega": OMEGA}, initial={"x": 0.0})
    starts = np.array([3.0, 5_000_000.5])
    ensemble = Ensemble(np.zeros((2, 1)), np.full((2, 1), OMEGA), starts)
    made = integrate_ensemble(system.definition, ensemble, grids=[SampleGrid(1, 20), SampleGrid(3, 7)], engine=Engine())
    with mpmath.workdps(40):
        kicks = np.array([[float(mpmath.sin(W * (mpmath.mpf(start) + n))) for n in range(19)] for start in starts])
    np.testing.assert_allclose(made.states[0][:, 1:, 0], np.cumsum(kicks, axis=1), rtol=0, atol=20 * ROUND_OFF)
    np.testing.assert_array_equal(made.states[0][:, ::3], made.states[1])


def test_each_trajectory_of_a_driven_flow_has_its_own_start() -> None:
    """Three trajectories at three times are what each is alone."""
    system = System(name="Driven", equations={"x": "-x + cos(omega*t)"}, parameters={"omega": OMEGA}, initial={"x": 0.0})
    starts = [0.0, 17.3, MILLION]
    together = Ensemble(np.ones((3, 1)), np.full((3, 1), OMEGA), np.array(starts))
    made = integrate_ensemble(system.definition, together, grids=[SampleGrid(0.037, 30)], engine=Engine())
    for states, start in zip(made.states[0], starts, strict=True):
        np.testing.assert_array_equal(states, samples(system, [1.0], start))


@pytest.mark.parametrize("phase", ["omega*t", "q"])
def test_a_stiff_flow_follows_its_drive_at_late_times(phase: str) -> None:
    """Prothero and Robinson's problem a million periods on, by the method for stiff flows, whose derivative by time matters here: the
    phase a function of the time, or a variable of constant rate."""
    equations = {"x": f"-1e6*(x - sin({phase})) + omega*cos({phase})", "q": "omega"}
    system = System(name="Driven", equations=equations, parameters={"omega": OMEGA}, initial={"x": 0.0, "q": 0.0})
    begin = MILLION if phase != "q" else 0.0
    with mpmath.workdps(40):
        angle = W * mpmath.mpf(MILLION) if phase != "q" else mpmath.mpf(2e6 * np.pi)
        exact = np.array([float(mpmath.sin(angle + W * mpmath.mpf(0.2 * n))) for n in range(6)])
    ensemble = Ensemble(np.array([[exact[0], float(angle)]]), np.array([[OMEGA]]), np.array([begin]))
    made = integrate_ensemble(system.definition, ensemble, grids=[SampleGrid(0.2, 6)], engine=Engine(tolerance=1e-10))
    assert made.stiff_steps[0] > 0
    np.testing.assert_allclose(made.states[0][0, :, 0], exact, rtol=0, atol=1e-10)


def test_driven_linear_systems_have_their_exponents() -> None:
    """x' = -x/2 + cos(1.3 t), and the map x -> x/3 + sin(1.3 t): a drive does not count."""
    flow = System(name="Driven", equations={"x": "-0.5*x + cos(1.3*t)"}, initial={"x": 0.1})
    kicked = System(name="Kicked", kind="map", equations={"x": "x/3 + sin(1.3*t)"}, initial={"x": 0.1})
    for system, exact in ((flow, -0.5), (kicked, -np.log(3))):
        found = lyapunov_spectrum(system, effort=Effort(trajectories=4, budget=300.0))
        assert found.value[0] == pytest.approx(exact, abs=1e-9)


def test_a_phase_that_grows_with_the_time_is_no_escape() -> None:
    """q' = 1 beside x' = cos q for half a million steps: q grows by more than a million, and is where it should be."""
    system = System(name="Clock", equations={"q": "1", "x": "cos(q)"}, initial={"q": 0.0, "x": 0.0})
    made = integrate(system, initial=[0.0, 0.0], samples=2, dt=1_500_000.0, engine=Engine(lanes=2))
    assert made.status.values.tolist() == [Status.OK]
    assert made.steps.values[0] > 530_000  # the look at 524,288 steps found a million in q
    assert made.state.values[0, 1] == pytest.approx([1_500_000.0, np.sin(1_500_000.0)], abs=1e-12)
