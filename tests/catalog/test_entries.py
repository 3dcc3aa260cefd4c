"""Each entry of the packaged catalog: complete, equal to its source, with the symmetries, energies and periods that it claims."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from attractory.catalog import SystemRecord, catalog_folder, entry_files, read_system
from attractory.catalog.names import file_stem
from attractory.expressions import System
from attractory.expressions.definition import lag_values
from attractory.expressions.evaluate import evaluate
from attractory.integrate import integrate
from attractory.invariants.lyapunov_spectrum import Effort, lyapunov_spectrum

RECORDS = {record.name: record for record in map(read_system, entry_files(catalog_folder()))}
FLOWS = [name for name, record in RECORDS.items() if record.kind == "flow"]
STIFF = {"JerkCircuit", "Oregonator", "SeasonalSEIR", "Shinriki", "VilniusOscillator"}  # SEIR: explicit trial steps overflow exp
Solution = Callable[[str], tuple[Any, Any]]

# From the dysts database 0.96 (William Gilpin, Apache-2.0), evaluated at random states with its own parameter values and t = 0.7:
# parameters where ours have other values, state, time derivative (maps: next state).
DYSTS: dict[str, tuple[dict[str, float], list[float], list[float]]] = {
    "ArnoldBeltramiChildress": ({"a": 1.73205, "b": 1.41421}, [1.85, 0.9, 0.16], [0.897557068037, 3.06937202097, 0.393584426666]),
    "Chen": ({}, [-0.19, -1.46, -0.39], [-44.45, -39.6241, 1.4474]),
    "Chua": ({}, [-0.89, -1.36, 1.88], [-23.199426588, 2.35, 38.08]),
    "Duffing": ({}, [1.11, 0.45, 1.67], [0.45, -0.33729536281, 1.4]),
    "ForcedVanDerPol": ({}, [-1.84, 0.11, -0.16], [0.11, -0.589590327937, 0.63]),
    "Halvorsen": ({}, [-0.68, 1.15, -0.79], [-1.8105, 3.6459, -1.2364]),
    "Henon": ({}, [1.45, 1.51], [-0.4335, 0.435]),
    "HenonHeiles": ({}, [-1.75, 0.57, 1.41, 0.37], [1.41, 0.37, 3.745, -3.3076]),
    "HindmarshRose": ({}, [1.01, -1.41, 1.28], [11.8317503333, 0.77515251, -2.82225]),
    "HyperRossler": ({}, [-0.96, 1.36, 0.04, 0.04], [-1.4, -0.58, 2.9616, -0.018]),
    "Logistic": ({}, [0.37], [0.90909]),
    "Lorenz": ({"beta": 2.667}, [0.05, 1.8, -1.42], [17.5, -0.329, 3.87714]),
    "Lorenz96": ({"N": 4, "F": 20}, [1.21, -1.23, -1.67, 1.42], [19.4148, 17.4911, 21.4117, 14.5052]),
    "RabinovichFabrikant": ({}, [-1.19, -0.95, 1.0], [-2.380595, -3.901341, -4.461]),
    "Rossler": ({}, [1.79, -0.75, -0.31], [1.06, 1.64, 1.4121]),
    "SprottA": ({}, [1.31, -0.36, 0.2], [-0.36, -1.382, 0.8704]),
    "SprottB": ({}, [-1.89, 1.01, 0.15], [0.1515, -2.9, 2.9089]),
    "SprottMore": ({}, [0.06, -1.54, 0.49], [-1.54, 1.48, 1.37519352777]),
    "Thomas": ({}, [-0.88, -0.06, 1.92], [1.02835993521, 9.50745473685, -11.259388789]),
    "Torus": ({}, [0.73, 1.15, -1.23], [5.06059879335, 5.3857816107, -2.15507022891]),
}
# Where dysts has no such system, or another one: the equations of the cited publication by hand.
BY_HAND: dict[str, tuple[list[float], list[float]]] = {
    "Antidots": (
        [1.25, 0.0, 1.0, 2.0],
        [1.0, 2.0, 2 * math.sqrt(2) + 20, -math.sqrt(2)],
    ),  # 0.25 from the hill at x = 1, which begins at 0.45
    "Brusselator": ([2.0, 3.0], [1.0 + 12 - 8, 6.0 - 12]),
    "CalciumSpikes": ([1.0, 2.0], [1 + 7.3 * 0.301 - 32.5 + 250 / 1.6561 + 2 - 10, 32.5 - 250 / 1.6561 - 2]),  # 0.9**4 = 0.6561
    "CatMap3D": ([0.5, 0.25, 0.125], [1.625, 2.625, 1.75]),
    "CompetitiveLotkaVolterra": ([1.0, 1.0, 1.0, 1.0], [-2.61, -0.72 * 1.8, -1.53 * 2.8, -1.27 * 2.07]),  # rows sum to 3.61, 2.8, 3.8, 3.07
    "ComplexLorenz": ([1.0, 2.0, 3.0, 4.0, 5.0], [4.0, 4.0, 256.0 - 2 - 5 - 3 - 12, 512.0 + 1 - 10 - 4 + 9, 3.0 + 8 - 4]),
    "DrivenPendulum": ([math.pi / 2, 1.0, 0.0], [1.0, 0.0, 2 / 3]),  # -1/2 - 1 + 1.5
    "DrosophilaPeriod": ([0.5, 2.0, 2.0, 2.0, 1.0], [0.38 - 0.325, 0.19 - 1.6 + 0.79, 0.81 - 1.25, 1.25 - 3.8 + 1.3 - 1.9 / 2.2, 2.5]),
    "FitzHughNagumo": ([1.0, 2.0], [3 * (3 - 1 / 3 - 0.4), -1.9 / 3]),
    "Gissinger": ([1.0, 2.0, 3.0], [0.119 - 6, -0.2 + 3, 0.9 - 3 + 2]),
    "Gopy": ([1.0, 0.0], [3 * math.tanh(1.0), (math.sqrt(5) - 1) / 2]),
    "Hassell": ([1.0], [75 / 2**3.4]),
    "HenonLorenz": ([0.1, 0.2, 0.3], [0.2, 0.3, 0.15]),  # 0.07 + 0.17 - 0.09
    "Kopel": ([0.5, 0.25], [0.15 + 0.7 * 3.9 * 0.1875, 0.075 + 0.7 * 3.9 * 0.25]),
    "KovalevskayaTop": ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [3.0, -1.5 - 3, 5.0, 15.0 - 12, 6.0 - 12, 8.0 - 5]),
    "LearningGame": ([0.5, 0.25, 0.5, 0.25], [0.5 * 0.0625, 0.25 * 0.1875, -0.5 * 0.0625, 0.25 * 0.3125]),  # 0.1875 won and lost
    "LinzSprott": ([-0.5, 0.25, 2.0], [0.25, 2.0, -1.95]),  # -0.6*2 - 0.25 + 0.5 - 1
    "Lyness": ([1.0, 3.0], [3.0, 5.0]),
    "MaaschSaltzman": ([1.0, 2.0, 3.0], [-3.0, -3.0 + 1.6 + 7.2 - 18, -1.2 * 4]),
    "Malasoma": ([2.0, 3.0, 1.0], [3.0, 1.0, -2.028 + 18 - 2]),
    "MayHostParasitoid": ([30.0, 20.0], [30.0, 20.0]),  # a third of the hosts escape, each of whom has three offspring
    "McMillan": ([1.0, 0.5], [0.5, -0.36]),  # 0.8/1.25 - 1
    "MitoticOscillator": ([0.5, 0.5, 0.5], [0.02 - 0.0625 / 0.52, 0.0, 0.0]),  # both switches are half way
    "MuthuswamyChua": ([1.0, 2.0, 3.0], [2.0, -(1 + 1.5 * 8 * 2) / 3, -2 - 1.8 + 6]),
    "Oregonator": ([1.0, 2.0, 3.0], [77.27 * (2 + 1 - 8.375e-6 - 2), -1.0 / 77.27, -0.322]),
    "PeriodicBevertonHolt": ([1.0], [3 * 1.5 * math.cos(0.0) / 3.5]),  # the capacity is 1.5 at t = 0
    "RechargeOscillator": ([0.1, 0.2], [-0.025 - 0.046875, 0.08125 + 0.075 - 3 * 0.475**3]),
    "RestrictedThreeBody": ([0.0, 0.0, 0.25, 0.5], [0.25, 0.5, 1.0, -0.5]),  # at the point itself only the force of Coriolis is left
    "Rulkov": ([-1.0, -2.9], [-0.75, -2.9]),
    "StommelBoxes": ([0.5, 0.2], [0.5 / 6 - 2, 0.8 - 0.8]),  # f = 4
    "Tribolium": ([100.0, 0.0, 0.0], [0.0, 79.45, 0.0]),
    "VilniusOscillator": ([1.0, 2.0, 0.0], [2.0, 0.8 - 1, 32 / 0.13]),
    "WangChen": ([1.0, 2.0, 3.0], [6.006, 1.0 - 2, 1.0 - 4]),
    "WillamowskiRossler": ([1.0, 2.0, 3.0], [30 - 0.25 - 2 + 0.0004 - 3 + 0.001, 2 - 0.0004 - 20 + 0.001, -3 + 0.001 + 49.5 - 4.5]),
    "Windmi": ([0.0, 1.0, -1.0], [1.0, -1.0, 1.2]),  # 0.7 - 1 + 2.5 - 1
}
# The same for delay systems at t = 0: the state now, the past of the variables of which a past is read, time derivative.
DELAYS_BY_HAND: dict[str, tuple[list[float], dict[str, float], list[float]]] = {
    "CheyneStokes": ([40.0], {"x": 40.0}, [0.0]),  # the normal state
    "CookeVectorDisease": ([0.25], {"y": 0.5}, [0.5]),  # 0.75 - 0.25
    "DelayedVanDerPol": ([1.0, 2.0], {"x": 0.5}, [2.0, -1.25]),
    "FrenchDeGrootDelay": ([0.0] * 5, {f"x{i}": i + 1.0 for i in range(5)}, [1.5, 1.8, 3.4, 3.6, 3.0]),
    "GhilZaliapinThompson": ([0.3], {"h": 0.1}, [1.4 - math.tanh(1.1)]),
    "Hutchinson": ([0.5], {"N": 2.0}, [-1.0]),
    "LangKobayashi": ([1.0, 0.0, 0.1], {"x": 0.5, "y": -0.5}, [0.15, 0.45, -0.006]),
    "LewisSomiteClock": ([40.0, 10.0], {"m": 20.0, "p": 40.0}, [80.8, 14.2]),  # 90 - 9.2, 16.5 - 2.3
    "MayDelayedPredation": ([0.5, 0.4], {"N": 0.8}, [-0.1, -0.08]),
    "NicholsonBlowflies": ([2.0], {"N": 1.0}, [8.5 / math.e - 0.35]),
    "OptoelectronicOscillator": ([0.1, 0.2], {"x": 0.3}, [5 * math.cos(0.3 - math.pi / 4) ** 2 - 0.3, 0.02]),
    "PyragasRossler": ([1.0, 2.0, 3.0], {"y": 2.5}, [-5.0, 1.5, -13.9]),
    "SuarezSchopf": ([0.5], {"T": 1.2}, [-0.525]),  # 0.375 - 0.9
}


@pytest.fixture(scope="module")
def solution(model: Any) -> Solution:
    """Times and states over 60 periods from an entry's initial state, 30 samples a period; each is computed once."""

    @cache
    def solved(name: str) -> tuple[Any, Any]:
        entry, period = model(RECORDS[name]), RECORDS[name].timescale.period  # type: ignore[union-attr]
        times = np.arange(0.0, 60 * period, period / 30)
        method = "LSODA" if name in STIFF else "DOP853"
        # In a stirred fluid, a step that is tried must not miss a turn of the stirrers, nor end beyond the walls, where equations overflow.
        limits = {"rtol": 1e-6, "atol": 1e-6, "max_step": period / 15 if "advection" in RECORDS[name].tags else math.inf}
        found: Any = solve_ivp(entry.rhs, (0.0, times[-1]), entry.initial, method=method, t_eval=times, **limits)
        assert found.success
        return times, found.y

    return solved


@pytest.mark.parametrize("name", RECORDS)
def test_an_entry_is_complete(name: str) -> None:
    """Description, reference, tags and behaviour are there, all but maps have a period, and the file is where name and kind say."""
    record = RECORDS[name]
    assert record.description.endswith(".")
    assert record.reference is not None
    assert record.tags
    assert record.behaviour != "unknown"
    assert (record.timescale is not None) == (record.kind != "map")
    assert record.source.path.endswith(f"{record.kind}s/{file_stem(name)}.yaml")


@pytest.mark.parametrize("path", entry_files(catalog_folder()), ids=lambda path: path.stem)
def test_an_editor_finds_the_schema(path: Any) -> None:
    """The first line tells editors where the schema is; keys stand in its order."""
    text = path.read_text()
    assert text.startswith("# yaml-language-server: $schema=../schema.json\n")
    keys = [key for key in re.findall(r"^(\w+):", text, re.MULTILINE) if key in SystemRecord.model_fields]
    assert keys == sorted(keys, key=list(SystemRecord.model_fields).index)


@pytest.mark.parametrize("name", [name for name, record in RECORDS.items() if record.ranges])
def test_a_range_holds_the_catalogued_value(name: str, model: Any) -> None:
    """The behaviour that the entry names is the one inside of its ranges."""
    values = model(RECORDS[name]).names
    assert all(low <= values[key] <= high for key, (low, high) in RECORDS[name].ranges.items())


@pytest.mark.parametrize("name", [name for name, record in RECORDS.items() if record.avoid])
def test_the_initial_state_is_not_where_it_should_not_be(name: str, model: Any) -> None:
    """An invariant set without the entry's behaviour vanishes in none of its expressions there."""
    assert all(value != 0 for value in model(RECORDS[name]).avoided())


def test_names_become_file_names() -> None:
    """Words of a name are parted by underscores, and numbers stay with their word."""
    stems = {"HenonHeiles": "henon_heiles", "SprottA": "sprott_a", "Lorenz96": "lorenz96", "HyperRossler": "hyper_rossler"}
    assert {name: file_stem(name) for name in stems} == stems


@pytest.mark.parametrize("name", DYSTS)
def test_equations_are_those_of_dysts(name: str, model: Any) -> None:
    """A user of dysts finds the same vector field under the same name, with the same names of parameters."""
    parameters, state, derivative = DYSTS[name]
    assert model(RECORDS[name], parameters).rhs(0.7, state) == pytest.approx(derivative, rel=1e-10)  # printed with 12 digits


@pytest.mark.parametrize("name", [name for name, record in RECORDS.items() if record.kind == "delay"])
def test_a_delay_system_stays_where_it_is(name: str) -> None:
    """Forty periods from the catalogued history: bounded, or a walk of bounded steps, and no trajectory is lost."""
    made = integrate(name, trajectories=2, periods=40, samples_per_period=15, transient=0.0, tolerance=1e-9)
    assert made.status.values.tolist() == [0, 0]
    assert np.abs(np.diff(made.state.values, axis=1)).max() < 1000.0


DELAYS_WITH_MAXIMA = [name for name, record in RECORDS.items() if record.kind == "delay" and "maxima of" in record.timescale.definition]  # type: ignore[union-attr]


@pytest.mark.parametrize("name", DELAYS_WITH_MAXIMA)
def test_a_period_of_a_delay_system_is_the_mean_time_between_maxima(name: str) -> None:
    """After sixty periods and sixty of the longest delay, which VossDelay needs to forget its history."""
    system = System.from_record(RECORDS[name])
    assert system.period is not None
    longest = lag_values(system.definition, np.array([system.definition.values])).max()
    begin = 60 * max(longest, system.period)
    made = integrate(system, trajectories=16, periods=200, samples_per_period=30, transient=begin, tolerance=1e-9)
    place = system.variables.index(RECORDS[name].timescale.definition.split()[-1])  # type: ignore[union-attr]
    measured = np.mean([mean_time_between_maxima(float(made.time[1]), values) for values in made.state.values[:, :, place]])
    assert measured == pytest.approx(system.period, rel=0.15)


@pytest.mark.parametrize("name", BY_HAND)
def test_equations_are_those_of_the_publication(name: str, model: Any) -> None:
    """Systems that dysts does not have, at one state."""
    state, derivative = BY_HAND[name]
    assert model(RECORDS[name]).rhs(0.0, state) == pytest.approx(derivative, rel=1e-14)


@pytest.mark.parametrize("name", DELAYS_BY_HAND)
def test_delayed_equations_are_those_of_the_publication(name: str) -> None:
    """The time derivative from the graph that is compiled, where a past is a variable more."""
    now, past, derivative = DELAYS_BY_HAND[name]
    made = System.from_record(RECORDS[name]).definition
    assert made.delays is not None
    states = [*now, *(past[made.variables[place]] for place, _ in made.delays.reads)]
    found = evaluate(made.graph, made.roots, np.array([states]), np.array([made.values]), np.zeros(1))[0]
    assert found == pytest.approx(derivative, rel=1e-12, abs=1e-12)


def test_a_controlled_orbit_needs_no_control_in_the_end() -> None:
    """What PyragasRossler feeds back vanishes, but for the digits of its delay."""
    made = integrate("PyragasRossler", trajectories=1, samples=400, dt=5.8811 / 200, transient=2000.0)
    y = made.state.values[0, :, 1]
    assert np.abs(y[200:] - y[:200]).max() < 1e-3


def test_five_people_come_to_the_opinion_of_the_speaker() -> None:
    """Whatever they thought before, once half of a difference is gone forty times."""
    made = integrate("FrenchDeGrootDelay", initial=[[-3.0, 2.0, 0.5, 8.0, -1.0]], samples=2, dt=12.0, transient=480.0)
    assert made.state.values[0] == pytest.approx(1.0, abs=1e-9)


def test_the_double_pendulum_obeys_the_equations_of_newton(model: Any) -> None:
    """The momenta's rates follow from the accelerations in the textbook's form in angles and angular velocities."""
    th1, th2, w1, w2 = 0.4, -1.1, 1.3, -0.7
    a1, a2 = -4.444541734681145, 10.742905174570195  # of that form for rods and masses of one and g = 9.81, at this state
    cd, sd = math.cos(th1 - th2), math.sin(th1 - th2)
    turning = sd * (w1 - w2)
    rates = [w1, w2, 2 * a1 + a2 * cd - w2 * turning, a2 + a1 * cd - w1 * turning]
    assert model(RECORDS["DoublePendulum"]).rhs(0.0, [th1, th2, 2 * w1 + w2 * cd, w2 + w1 * cd]) == pytest.approx(rates, rel=1e-12)


SYMMETRIES = [(name, number) for name, record in RECORDS.items() for number in range(len(record.symmetries))]


@pytest.mark.parametrize(("name", "number"), [(name, number) for name, number in SYMMETRIES if RECORDS[name].kind != "delay"])
def test_a_symmetry_takes_solutions_to_solutions(name: str, number: int, model: Any) -> None:
    """The velocity of the image is the image of the velocity, to first order in a small step."""
    entry, symmetry = model(RECORDS[name]), RECORDS[name].symmetries[number]
    state = np.array(entry.initial) + np.random.default_rng(0).uniform(-0.3, 0.3, len(entry.initial))
    step = 1e-6
    velocity = np.array(entry.rhs(0.0, state))
    moved = (np.array(entry.image(symmetry, state + step * velocity)) - entry.image(symmetry, state - step * velocity)) / (2 * step)
    assert moved == pytest.approx(entry.rhs(0.0, entry.image(symmetry, state)), rel=1e-7, abs=1e-7)  # the symmetries are linear


@pytest.mark.parametrize(("name", "number"), [(name, number) for name, number in SYMMETRIES if RECORDS[name].kind == "delay"])
def test_a_symmetry_of_a_delay_equation_moves_the_past_as_well(name: str, number: int, model: Any) -> None:
    """The velocity at the image of state and past is the image of the velocity, which a shift leaves as it is."""
    entry, symmetry = model(RECORDS[name]), RECORDS[name].symmetries[number]
    made = System.from_record(RECORDS[name]).definition
    assert made.delays is not None
    reads = [place for place, _ in made.delays.reads]
    now, past = np.random.default_rng(0).uniform(-1.0, 1.0, (2, len(entry.initial)))
    moved_now, moved_past = (np.array(entry.image(symmetry, state)) for state in (now, past))
    states = np.array([[*now, *past[reads]], [*moved_now, *moved_past[reads]]])
    velocity, moved = evaluate(made.graph, made.roots, states, np.array([made.values] * 2), np.zeros(2))
    turned = np.array(entry.image(symmetry, velocity)) - entry.image(symmetry, np.zeros(len(now)))  # the linear part alone
    assert moved == pytest.approx(turned, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("name", [name for name, record in RECORDS.items() if record.conserved and record.kind == "map"])
def test_a_conserved_quantity_is_the_same_an_iterate_later(name: str, model: Any) -> None:
    """To rounding, at states off the catalogued one too."""
    entry = model(RECORDS[name])
    state = np.array(entry.initial) + np.random.default_rng(1).uniform(-0.3, 0.3, len(entry.initial))
    assert entry.conserved(entry.rhs(0.0, state)) == pytest.approx(entry.conserved(state), rel=1e-13)


@pytest.mark.parametrize("name", [name for name, record in RECORDS.items() if record.conserved and record.kind == "flow"])
def test_a_conserved_quantity_does_not_change_along_the_flow(name: str, model: Any) -> None:
    """Its gradient is orthogonal to the velocity, at states off the catalogued one too."""
    entry = model(RECORDS[name])
    state = np.array(entry.initial) + np.random.default_rng(1).uniform(-0.3, 0.3, len(entry.initial))
    step = 1e-5 * np.array(entry.rhs(0.0, state))
    change = np.subtract(entry.conserved(state + step), entry.conserved(state - step))
    assert change / 2e-5 == pytest.approx(0.0, abs=1e-6)  # the second order of the step


def test_three_bodies_go_around_the_figure_eight(model: Any) -> None:
    """After the published period each mass is where it was, and after a third of it where another one was."""
    record = RECORDS["ThreeBody"].variant("figure_eight")
    entry, period = model(record), record.timescale.period
    found = solve_ivp(entry.rhs, (0.0, period), entry.initial, method="DOP853", t_eval=[period / 3, period], rtol=1e-10, atol=1e-10)
    assert found.y[:, 1] == pytest.approx(entry.initial, abs=1e-3)  # the period is given to five digits, and velocities are up to two
    before, after = (three_places(state) for state in (entry.initial, found.y[:, 0]))
    turned = min(max(abs(after[k] - before[k - shift]) for k in range(3)) for shift in (1, 2))
    assert turned < 1e-3


def three_places(state: Any) -> list[complex]:
    """Where the three equal masses are, as complex numbers around their common centre."""
    apart, third = complex(*state[:2]), complex(*state[2:4])
    return [-third / 3 - apart / 2, -third / 3 + apart / 2, 2 * third / 3]


def test_henon_heiles_is_at_the_energy_that_it_says(model: Any) -> None:
    """An eighth: mostly chaotic, and below the sixth at which trajectories can escape."""
    entry = model(RECORDS["HenonHeiles"])
    assert entry.conserved(entry.initial) == pytest.approx([0.125], abs=1e-15)


@pytest.mark.parametrize("name", FLOWS)
def test_the_initial_state_stays_where_it_is(name: str, solution: Solution) -> None:
    """After 60 periods every coordinate that is not an angle is within three times the range that it had in the first thirty."""
    _, states = solution(name)
    early, late = np.array_split(states, 2, axis=1)
    record = RECORDS[name]
    for place in range(len(states)):
        if record.state_variables[place % len(record.state_variables)] in {*record.wrap, *record.unbounded}:
            continue
        centre, reach = np.mean(early[place]), np.ptp(early[place])
        assert np.all(np.abs(late[place] - centre) < 3 * reach + 1e-6)


# One trajectory of 60 periods says little where solutions linger in parts of their attractor, and differs with SciPy's last digits.
LINGERING = ("SprottTorus", "ThomasLabyrinth")


def mean_time_between_maxima(step: float, values: Any) -> float:
    """Of samples at equal steps."""
    peaks = np.flatnonzero((values[1:-1] > values[:-2]) & (values[1:-1] >= values[2:])) + 1
    return float(step * (peaks[-1] - peaks[0]) / (len(peaks) - 1))


@pytest.mark.parametrize("name", [name for name in FLOWS if "maxima of" in RECORDS[name].timescale.definition])  # type: ignore[union-attr]
def test_a_period_is_the_mean_time_between_maxima(name: str, solution: Solution) -> None:
    """To the number of maxima that 60 periods hold: a few per cent."""
    record = RECORDS[name]
    place = System.from_record(record).variables.index(record.timescale.definition.split()[-1])  # type: ignore[union-attr]
    if name in LINGERING:
        made = integrate(name, trajectories=16, periods=60, samples_per_period=60, tolerance=1e-9)
        measured = np.mean([mean_time_between_maxima(float(made.time[1]), values) for values in made.state.values[:, :, place]])
    else:
        times, states = solution(name)
        measured = mean_time_between_maxima(times[1], states[place])
    assert measured == pytest.approx(record.timescale.period, rel=0.15)  # type: ignore[union-attr]


def test_the_oregonator_returns_after_a_period(solution: Solution) -> None:
    """The catalogued state is on the limit cycle."""
    times, states = solution("Oregonator")
    first = np.array(states[:, 0])
    assert states[:, 30] == pytest.approx(first, rel=1e-3)
    assert times[30] == pytest.approx(302.86)


def test_the_forced_van_der_pol_oscillator_is_locked_to_its_force(model: Any) -> None:
    """After eight periods of the force, x and y are back: it is periodic, not chaotic."""
    entry, periods = model(RECORDS["ForcedVanDerPol"]), 2 * math.pi / 0.63 * np.array([24.0, 32.0])
    found = solve_ivp(entry.rhs, (0.0, periods[-1]), entry.initial, method="DOP853", t_eval=periods, rtol=1e-7, atol=1e-7)
    assert found.y[:2, 1] == pytest.approx(found.y[:2, 0], abs=0.01)  # 0.2 shrunk by exp(-0.014 * 240) from the rounded initial state


def test_the_torus_starts_on_its_torus(solution: Solution) -> None:
    """The distance from the circle inside of the tube is the tube's radius, always."""
    _, (x, y, z) = solution("Torus")
    assert np.hypot(np.hypot(x, y) - 1.0, z) == pytest.approx(0.5, abs=1e-4)  # 200 tolerances


@pytest.mark.parametrize("name", [name for name, record in RECORDS.items() if record.kind == "map"])
def test_a_map_stays_bounded(name: str, model: Any) -> None:
    """Ten thousand iterates from the catalogued state."""
    record, entry = RECORDS[name], model(RECORDS[name])
    ends = {key: [float(eval(str(end), dict(entry.names))) for end in ends] for key, ends in record.wrap.items()}
    circles = [(list(record.state_variables).index(key), low, high - low) for key, (low, high) in ends.items()]
    state = entry.initial
    for _ in range(10_000):
        state = entry.rhs(0.0, state)
        for place, low, width in circles:
            state[place] = low + (state[place] - low) % width
    assert np.all(np.isfinite(state))
    bounded = np.repeat([key not in record.unbounded for key in record.state_variables], len(state) // len(record.state_variables))
    assert np.all(np.abs(state)[bounded] < 250)


EXACT = [(name, tuple(said.value)) for name, record in RECORDS.items() for said in record.published if said.source.startswith("exact:")]  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "exponents"), EXACT, ids=[name for name, _ in EXACT])
def test_exponents_that_are_known_exactly_are_those_of_the_equations(name: str, exponents: tuple[float, ...]) -> None:
    """Of maps whose stretching is the same everywhere, or whose invariant density is known."""
    found = lyapunov_spectrum(name, standard_error=1e-3, effort=Effort(trajectories=32))
    assert found.value == pytest.approx(exponents, abs=5e-3)  # five of the errors asked for
