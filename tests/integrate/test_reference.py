"""`precision: reference`: every sample is the true solution, rounded to a double. Closed forms and mpmath say what is true."""

from __future__ import annotations

from collections.abc import Callable

import mpmath
import numpy as np
import pytest
from mpmath import mp

import attractory
from attractory.errors import RequestError
from attractory.expressions.system import System
from attractory.integrate import Engine, Ensemble, SampleGrid
from attractory.integrate.reference import MOST_WORDS, integrate_reference, proven_samples, run_words
from attractory.kernels import Target
from attractory.layout import Status
from attractory.stages.certify.flow_reference import FlowReference
from attractory.stages.certify.reference import Problem

DT, SAMPLES = 0.3, 41
DIGITS = 60  # of what is compared with: more than twice a double's, since no test here loses more than twenty


@pytest.fixture(autouse=True)
def many_digits():
    """All of mpmath's arithmetic in this file."""
    with mp.workdps(DIGITS):
        yield


def exact(time: int, dt: float = DT) -> mpmath.mpf:
    """The time of a sample: the whole number times the double."""
    return time * mp.mpf(dt)


# equations; initial states; the solution of each variable as a function of the time since the start. Each function of the language.
CLOSED_FORMS: dict[str, tuple[dict[str, str], dict[str, float], dict[str, Callable[[mpmath.mpf], mpmath.mpf]]]] = {
    "decay, constant and time": (
        {"x": "-x", "y": "3", "z": "t"},
        {"x": 0.1, "y": 0.7, "z": 0.2},
        {"x": lambda t: mp.mpf(0.1) * mp.exp(-t), "y": lambda t: mp.mpf(0.7) + 3 * t, "z": lambda t: mp.mpf(0.2) + t * t / 2},
    ),
    "driven": ({"x": "x*cos(t)"}, {"x": 1.3}, {"x": lambda t: mp.mpf(1.3) * mp.exp(mp.sin(t))}),
    "phases, which doubles carry in two parts": (
        {"x": "sin(1.4*t + 0.3)", "y": "cos(z)", "z": "1.4"},
        {"x": 0.0, "y": 0.0, "z": 1000.1},
        {
            "x": lambda t: (mp.cos(mp.mpf(0.3)) - mp.cos(mp.mpf(1.4) * t + mp.mpf(0.3))) / mp.mpf(1.4),
            "y": lambda t: (mp.sin(mp.mpf(1000.1) + mp.mpf(1.4) * t) - mp.sin(mp.mpf(1000.1))) / mp.mpf(1.4),
            "z": lambda t: mp.mpf(1000.1) + mp.mpf(1.4) * t,
        },
    ),
    "exp and log": (
        {"x": "exp(-x)", "y": "-y*log(y)"},
        {"x": 0.5, "y": 0.9},
        {"x": lambda t: mp.log(t + mp.exp(mp.mpf(0.5))), "y": lambda t: mp.exp(mp.log(mp.mpf(0.9)) * mp.exp(-t))},
    ),
    "roots and powers": (
        {"x": "sqrt(x)", "y": "-(y**2.5)", "z": "1/z"},
        {"x": 0.3, "y": 0.8, "z": 0.4},
        {
            "x": lambda t: (t / 2 + mp.sqrt(mp.mpf(0.3))) ** 2,
            "y": lambda t: (mp.mpf(0.8) ** mp.mpf(-1.5) + 1.5 * t) ** (-1 / mp.mpf(1.5)),
            "z": lambda t: mp.sqrt(2 * t + mp.mpf(0.4) ** 2),
        },
    ),
    "tangents": (
        {"x": "1/tan(x)", "y": "1/tanh(y)", "z": "cos(z)"},
        {"x": 1.2, "y": 0.3, "z": 0.1},
        {
            "x": lambda t: mp.acos(mp.cos(mp.mpf(1.2)) * mp.exp(-t)),
            "y": lambda t: mp.acosh(mp.cosh(mp.mpf(0.3)) * mp.exp(t)),
            "z": lambda t: 2 * mp.atan(mp.tanh((t + mp.asinh(mp.tan(mp.mpf(0.1)))) / 2)),
        },
    ),
    "hyperbolic": (
        {"x": "1/cosh(x)", "y": "-tanh(y)", "z": "1/sinh(z)"},
        {"x": 0.2, "y": 1.5, "z": 0.6},
        {
            "x": lambda t: mp.asinh(t + mp.sinh(mp.mpf(0.2))),
            "y": lambda t: mp.asinh(mp.sinh(mp.mpf(1.5)) * mp.exp(-t)),
            "z": lambda t: mp.acosh(t + mp.cosh(mp.mpf(0.6))),
        },
    ),
    "arcs": (  # quadratures of what moves in a known way
        {"x": "atan(t)", "y": "asin(t/20)", "z": "acos(t/20)", "w": "log10(1 + t)", "v": "atan2(t, 2)"},
        {"x": 0.0, "y": 0.0, "z": 0.0, "w": 0.0, "v": 0.0},
        {
            "x": lambda t: t * mp.atan(t) - mp.log(1 + t * t) / 2,
            "y": lambda t: 20 * (t / 20 * mp.asin(t / 20) + mp.sqrt(1 - (t / 20) ** 2) - 1),
            "z": lambda t: 20 * (t / 20 * mp.acos(t / 20) - mp.sqrt(1 - (t / 20) ** 2) + 1),
            "w": lambda t: ((1 + t) * mp.log(1 + t) - t) / mp.log(10),
            "v": lambda t: 2 * (t / 2 * mp.atan(t / 2) - mp.log(1 + (t / 2) ** 2) / 2),
        },
    ),
    "moving exponent": ({"x": "(2 + t)**t*(log(2 + t) + t/(2 + t))"}, {"x": 1.0}, {"x": lambda t: (2 + t) ** t}),
}


@pytest.mark.parametrize("name", list(CLOSED_FORMS))
def test_samples_are_the_rounded_closed_form(name: str) -> None:
    """Bit for bit, with every function of the language on the right-hand side."""
    equations, initial, solutions = CLOSED_FORMS[name]
    system = System(name="Closed", equations=equations, initial=initial)
    made = attractory.integrate(system, initial=list(initial.values()), samples=SAMPLES, dt=DT, precision="reference")
    assert made.status.item() == Status.OK
    wanted = [[float(solution(exact(k))) for solution in solutions.values()] for k in range(SAMPLES)]
    assert np.array_equal(made.state.values[0], wanted)


def lorenz_coefficients(state: list[mpmath.mpf], time: mpmath.mpf, order: int) -> list[list[mpmath.mpf]]:
    """Taylor coefficients of Lorenz's equations with 10, 28 and the double nearest to 8/3."""
    x, y, z = ([value] for value in state)
    beta = mp.mpf(8 / 3)
    for k in range(order):
        xz, xy = (mp.fsum(x[j] * other[k - j] for j in range(k + 1)) for other in (z, y))
        x, y, z = [*x, 10 * (y[k] - x[k]) / (k + 1)], [*y, (28 * x[k] - xz - y[k]) / (k + 1)], [*z, (xy - beta * z[k]) / (k + 1)]
    return [x, y, z]


def duffing_coefficients(state: list[mpmath.mpf], time: mpmath.mpf, order: int) -> list[list[mpmath.mpf]]:
    """Of x'' = x - x^3 - 0.25 x' + 0.4 cos(t), its decimals being doubles."""
    x, v = ([value] for value in state)
    derivatives = [mp.cos(time), -mp.sin(time), -mp.cos(time), mp.sin(time)]
    squares: list[mpmath.mpf] = []
    for k in range(order):
        squares.append(mp.fsum(x[j] * x[k - j] for j in range(k + 1)))
        cube = mp.fsum(squares[j] * x[k - j] for j in range(k + 1))
        drive = mp.mpf(0.4) * derivatives[k % 4] / mp.factorial(k)
        x, v = [*x, v[k] / (k + 1)], [*v, (x[k] - cube - v[k] / 4 + drive) / (k + 1)]
    return [x, v]


def followed(coefficients: Callable[..., list[list[mpmath.mpf]]], state: list[float], *, dt: float, samples: int) -> np.ndarray:
    """The solution by mpmath's arithmetic, a series of order 60 from each half of a sampling interval to the next, rounded to doubles."""
    now, rows = [mp.mpf(value) for value in state], [list(map(float, state))]
    half = mp.mpf(dt) / 2
    for k in range(2 * (samples - 1)):
        now = [mp.polyval(series, half, asc=True) for series in coefficients(now, k * half, 60)]
        if k % 2:
            rows.append([float(value) for value in now])
    return np.array(rows)


LORENZ = {"x": "10*(y - x)", "y": "x*(28 - z) - y", "z": "x*y - 8/3*z"}
DUFFING = {"x": "v", "v": "x - x**3 - 0.25*v + 0.4*cos(t)"}


@pytest.mark.parametrize(
    ("equations", "coefficients", "start", "dt"),
    [(LORENZ, lorenz_coefficients, [1.0, 1.0, 25.0], 0.08), (DUFFING, duffing_coefficients, [0.3, -0.2], 0.3)],
    ids=["Lorenz", "Duffing"],
)
def test_chaotic_samples_are_those_of_another_integrator(equations, coefficients, start, dt) -> None:
    """Bit for bit against 60 digits; Lorenz goes on for longer than a double remembers, 12 of 40 time units after losing 5 digits."""
    system = System(name="Chaotic", equations=equations, initial=dict(zip(equations, start, strict=True)))
    made = attractory.integrate(system, initial=start, samples=151, dt=dt, precision="reference")
    assert made.status.item() == Status.OK
    assert np.array_equal(made.state.values[0], followed(coefficients, start, dt=dt, samples=151))


def in_another_unit(rate: float) -> System:
    """Lorenz's equations, all of them times a rate."""
    equations = {name: f"rate*({equation})" for name, equation in LORENZ.items()}
    return System(name="Fast", equations=equations, parameters={"rate": rate}, initial={"x": 1.0, "y": 1.0, "z": 25.0})


@pytest.mark.parametrize("rate", [2.0**-60, 2.0**-20, 2.0**20, 2.0**60])
def test_the_unit_of_time_decides_neither_samples_nor_steps(rate: float) -> None:
    """Coefficients of order 76, which go with the rate to this power, are beyond the range of doubles from rates of 2^13 on."""
    start = [[1.0, 1.0, 25.0], [1.5, 1.0, 20.0]]
    made, plain = (
        attractory.integrate(in_another_unit(r), initial=start, samples=101, dt=0.2 / r, precision="reference") for r in (rate, 1.0)
    )
    assert made.status.values.tolist() == [Status.OK, Status.OK]
    assert np.array_equal(made.state.values, plain.state.values)
    assert np.array_equal(made.steps.values, plain.steps.values)


def test_a_first_unit_that_is_wrong_is_mended_at_once() -> None:
    """It is guessed from the samples' distance: too short by 2^60 it grows in some steps, too long by 2^30 it shrinks before the first."""
    system = in_another_unit(1.0)
    ensemble = Ensemble(np.array([system.initial]), np.array([[1.0]]), np.zeros(1))
    grids = [SampleGrid(2.0**-60, 2), SampleGrid(0.5, 11)]
    made = integrate_reference(system.definition, ensemble, grids=grids, engine=Engine())
    plain = integrate_reference(system.definition, ensemble, grids=grids[1:], engine=Engine())
    assert made.status.item() == Status.OK
    assert np.array_equal(made.states[1], plain.states[0])
    assert made.steps.item() < plain.steps.item() + 20
    long = integrate_reference(system.definition, ensemble, grids=[SampleGrid(2.0**30, 2)], engine=Engine(step_budget=50))
    assert (long.status.item(), long.steps.item()) == (Status.STEP_BUDGET, 51)


def test_spikes_are_those_of_another_program() -> None:
    """A voltage that moves by 100 within a thousandth of the unit of time, through rates that are 0/0 at -25 and at -20: four cells to
    the end of five periods, and one of them bit for bit as heyoka has it with 320 bits."""
    cell = attractory.system("ExcitableCell")
    made = attractory.integrate(cell, 4, samples=89, dt=0.0625, precision="reference")
    assert (made.status.values == Status.OK).all()
    states = made.state.values
    assert np.ptp(states[1, :17, 0]) > 20  # there are spikes
    problem = Problem(states[1, 0], np.array(cell.definition.values), 0.0, 0.0625 * np.arange(17), np.ones(3), np.full(3, np.inf))
    true = np.concatenate([stretch.states for stretch in FlowReference(cell.definition, 320).follow(problem)])
    assert np.array_equal(states[1, :17], true)


def iterated(step: Callable[[tuple[mpmath.mpf, ...]], tuple[mpmath.mpf, ...]], start: list[float], samples: int) -> np.ndarray:
    """A map's iterates with 200 digits, of which none of these loses more than 150."""
    with mp.workdps(200):
        now, rows = tuple(mp.mpf(value) for value in start), []
        for _ in range(samples):
            rows.append([float(value) for value in now])
            now = step(now)
        return np.array(rows)


MAPS = {
    "Henon": (
        {"x": "1 - 1.4*x**2 + y", "y": "0.3*x"},
        [0.1, 0.2],
        lambda u: (1 - mp.mpf(1.4) * u[0] ** 2 + u[1], mp.mpf(0.3) * u[0]),
    ),
    "cat": (
        {"x": "mod(2*x + y, 1)", "y": "mod(x + y, 1)"},
        [0.1, 0.2],
        lambda u: ((2 * u[0] + u[1]) % 1, (u[0] + u[1]) % 1),
    ),
    "bent": (
        {"x": "where(x < 0.3, x/0.3, (1 - x)/0.7) + 0.01*sign(y)*abs(y)", "y": "0.5*sin(3*y) + 0.1*max(x, 0.5) - min(y, 0.2)*floor(2*x)"},
        [0.123, 0.2],
        lambda u: (
            (u[0] / mp.mpf(0.3) if u[0] < mp.mpf(0.3) else (1 - u[0]) / mp.mpf(0.7)) + mp.mpf(0.01) * u[1],
            mp.sin(3 * u[1]) / 2 + mp.mpf(0.1) * max(u[0], mp.mpf(0.5)) - min(u[1], mp.mpf(0.2)) * mp.floor(2 * u[0]),
        ),
    ),
}


@pytest.mark.parametrize("name", list(MAPS))
def test_iterates_of_maps_are_the_rounded_true_ones(name: str) -> None:
    """Bit for bit over 201 iterates, in which a cat map loses 84 digits; `mod`, `floor`, `where` and their like included."""
    equations, start, step = MAPS[name]
    system = System(name="Map", kind="map", equations=equations, initial=dict(zip(equations, start, strict=True)))
    made = attractory.integrate(system, initial=start, samples=201, precision="reference")
    assert made.status.item() == Status.OK
    assert np.array_equal(made.state.values[0], iterated(step, start, 201))


def states(engine: Engine | None = None, trajectories: int = 5) -> bytes:
    """An ensemble that needs three and four words, with functions of several kinds."""
    system = System(
        name="Mixed",
        equations={"x": "10*(y - x)", "y": "x*(28 - z) - y + sin(t)*exp(-x*x)", "z": "x*y - 8/3*z/sqrt(1 + 0.001*x*x)"},
        initial={"x": 1.0, "y": 1.0, "z": 25.0},
    )
    start = np.array(system.initial) + 0.1 * np.arange(trajectories)[:, None]
    made = attractory.integrate(system, initial=start, samples=80, dt=0.2, precision="reference", engine=engine)
    assert (made.status.values == Status.OK).all()
    return np.ascontiguousarray(made.state.values).tobytes()


def test_bits_do_not_depend_on_lanes_neighbours_or_instructions() -> None:
    """Two to sixteen lanes, one trajectory or five, SSE2, AVX2 and the machine's own: since what is proven is the only right answer."""
    plain = states()
    assert states(Engine(lanes=2)) == states(Engine(lanes=16)) == states(Engine(target=Target("avx2"))) == plain
    assert states(trajectories=1) == plain[: len(plain) // 5]
    assert states(Engine(target=Target("sse2")), 1) == states(trajectories=1)


def test_what_needs_more_digits_than_there_are_ends_where_its_proof_does() -> None:
    """x -> 4 x (1 - x) loses a bit an iterate, until no expansion is long enough: what is given is true, the rest is NaN."""
    system = System(name="Parabola", kind="map", equations={"x": "4*x*(1 - x)"}, initial={"x": 0.1})
    made = attractory.integrate(system, initial=[0.1], samples=1000, precision="reference")
    assert made.status.item() == Status.PRECISION
    values = made.state.values[0, :, 0]
    proven = int(np.isfinite(values).sum())
    assert 53 * (MOST_WORDS - 2) < proven < 53 * MOST_WORDS  # the last word and a half are for the rounding and its proof
    assert np.isnan(values[proven:]).all()
    with mp.workdps(400):
        now = mp.mpf(0.1)
        for value in values[:proven]:
            assert value == float(now)
            now = 4 * now * (1 - now)


def test_a_pole_ends_a_trajectory_with_its_own_status() -> None:
    """x' = x^2 from 1 is at infinity at t = 1; what comes before is 1 / (1 - t)."""
    system = System(name="Pole", equations={"x": "x*x"}, initial={"x": 1.0})
    made = attractory.integrate(system, initial=[1.0], samples=20, dt=0.125, precision="reference")
    assert made.status.item() == Status.DIVERGED
    assert np.array_equal(made.state.values[0, :8, 0], [1 / (1 - k / 8) for k in range(8)])
    assert np.isnan(made.state.values[0, 9:]).all()


def test_a_budget_that_is_spent_ends_it_there_and_is_not_spent_again_with_more_words() -> None:
    """Ten steps are some eleven samples of Lorenz at dt = 0.05, which are those of a run without a budget."""
    start = {"initial": [1.0, 1.0, 25.0], "samples": 100, "dt": 0.05, "precision": "reference"}
    made = attractory.integrate("Lorenz", engine=Engine(step_budget=10), **start)
    assert (made.status.item(), made.steps.item()) == (Status.STEP_BUDGET, 11)
    values, free = made.state.values[0], attractory.integrate("Lorenz", **start).state.values[0]
    given = int(np.isfinite(values[:, 0]).sum())
    assert 2 < given < 50
    assert np.array_equal(values[:given], free[:given])
    assert np.isnan(values[given:]).all()


def test_a_beginning_that_is_no_number_has_its_status_and_disturbs_no_other() -> None:
    """NaN in, NaN out, for one trajectory of two."""
    made = attractory.integrate("Lorenz", initial=[[1.0, 1.0, 25.0], [1.0, np.nan, 25.0]], samples=5, dt=0.1, precision="reference")
    assert made.status.values.tolist() == [Status.OK, Status.NOT_STARTED]
    alone = attractory.integrate("Lorenz", initial=[1.0, 1.0, 25.0], samples=5, dt=0.1, precision="reference")
    assert np.array_equal(made.state.values[0], alone.state.values[0])
    assert np.isnan(made.state.values[1]).all()


def test_what_is_drawn_starts_where_the_doubles_start() -> None:
    """The transient is run in doubles, so sample 0 is the same in both precisions; later ones agree as long as doubles are good."""
    double, reference = (attractory.integrate("Rossler", 3, samples=20, dt=0.1, seed=4, precision=name) for name in ("double", "reference"))
    assert np.array_equal(double.state.values[:, 0], reference.state.values[:, 0])
    assert np.allclose(double.state.values, reference.state.values, rtol=0, atol=1e-12)  # 2 time units at rounding errors of 1e-15
    assert not np.array_equal(double.state.values, reference.state.values)


def test_switches_in_a_flow_and_unknown_precisions_are_refused() -> None:
    """One sentence each, before any work."""
    system = System(name="Bent", equations={"x": "-abs(x)"}, initial={"x": 1.0})
    with pytest.raises(RequestError, match=r"Bent has switches \(abs, .*precision 'reference' is for smooth flows and for maps"):
        attractory.integrate(system, samples=3, dt=0.1, precision="reference")
    with pytest.raises(RequestError, match=r"precision is 'triple'; expected double or reference\."):
        attractory.integrate("Lorenz", samples=3, dt=0.1, precision="triple")


def elapsed(x: mpmath.mpf) -> mpmath.mpf:
    """The time that x' = 1 + tanh(2000 (x - 1)) / 2 takes from 1 to x, by separation."""
    u = 2000 * (x - 1)
    return (u - mp.log(mp.cosh(u) + mp.sinh(u) / 2) / 2) * 4 / 3 / 2000


def test_what_no_coefficient_foresees_is_not_stepped_over() -> None:
    """This is a straight line to the last bit of two words, until it is another: already these two words follow it round the corner."""
    system = System(name="Bend", equations={"x": "1 + tanh(2000*(x - 1))/2"}, initial={"x": 0.5})
    ensemble = Ensemble(np.array([[0.5]]), np.zeros((1, 0)), np.zeros(1))
    made = run_words(system.definition, ensemble, [SampleGrid(0.25, 8)], Engine(), 2)
    with mp.workdps(1000):  # cosh(1000) takes 435 digits
        for k, (value, rest) in enumerate(made.samples[0][0, 0]):
            late = elapsed(mp.mpf(value) + mp.mpf(rest)) - elapsed(mp.mpf(0.5)) - exact(k, 0.25)
            assert abs(late) < 1e-26  # in doubles 1e-12, and 0.1 for a step over the corner


def test_coordinates_on_circles_are_true_in_their_ranges() -> None:
    """A clock of three hands after up to 30,000 turns: 2 pi is 2 pi, and not the double nearest to it; what is in its range stays there."""
    system = System(
        name="Clock",
        equations={"x": "1", "y": "-2", "z": "x - x"},
        initial={"x": 0.25, "y": 1.0, "z": 3.0},
        wrap={"x": ["0", "2*pi"], "y": ["-pi", "pi"], "z": ["0", "2*pi"]},
    )
    dt = 4711.123
    made = attractory.integrate(system, initial=[0.25, 1.0, 3.0], samples=41, dt=dt, precision="reference")
    assert made.status.item() == Status.OK
    for k, (x, y, z) in enumerate(made.state.values[0]):
        assert x == float((mp.mpf(0.25) + exact(k, dt)) % (2 * mp.pi))
        assert y == float((1 - 2 * exact(k, dt) + mp.pi) % (2 * mp.pi) - mp.pi)
        assert z == 3.0


def test_a_sample_is_proven_only_if_the_difference_cannot_round_it_to_another() -> None:
    """Trusted to a millionth of the difference: 2^-60 + 2^-54 of rest is near enough to half a unit in the last place to be doubted where
    the shorter one is off by 2^-30, and not where by 2^-45; what was far apart once is not trusted more later."""
    long = np.array([[[[1.0, 2.0**-54], [1.0, 2.0**-53 - 2.0**-60], [1.0, 2.0**-54]]]])
    near, far = (long.copy() for _ in range(2))
    near[0, 0, :, 0] += 2.0**-45
    far[0, 0, 1:, 0] += 2.0**-30
    assert proven_samples(near, long) == [3]
    assert proven_samples(far, long) == [1]
    far[0, 0, 2, 0] = 1.0
    far[0, 0, 1, 0] = 1.0 + 2.0**-10
    assert proven_samples(far, long) == [1]
