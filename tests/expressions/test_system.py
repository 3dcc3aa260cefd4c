"""The public System."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from attractory.catalog.record import SystemRecord
from attractory.errors import CatalogError, ExpressionError, RequestError
from attractory.expressions import System


@pytest.fixture
def pendulum() -> System:
    return System(
        name="Pendulum",
        kind="flow",
        parameters={"g": 4.0, "l": 2, "k": "g/l"},
        equations={"theta": "p", "p": "-k*sin(theta)"},
        initial={"theta": 1.0, "p": 0.0},
        conserved={"energy": "p**2/2 - k*cos(theta)"},
        timescale={"period": 4.8, "definition": "by eye"},
    )


@pytest.fixture
def ring() -> System:
    return System(
        name="Ring",
        kind="flow",
        parameters={"F": 8, "N": 4},
        indices={"i": "N"},
        equations={"x[i]": "F - x[i-1]"},
        initial={"x[i]": "i"},
    )


def test_system_shows_its_record(pendulum: System) -> None:
    """The properties that the documentation names."""
    assert (pendulum.name, pendulum.kind, pendulum.variables, pendulum.dimension) == ("Pendulum", "flow", ("theta", "p"), 2)
    assert pendulum.equations == {"theta": "p", "p": "-k*sin(theta)"}
    assert pendulum.parameters == {"g": 4.0, "l": 2.0, "k": 2.0}
    assert pendulum.initial.tolist() == [1.0, 0.0]
    assert pendulum.period == 4.8
    assert (pendulum.reference, pendulum.invariants, pendulum.published, pendulum.tags) == (None, {}, (), ())
    assert repr(pendulum) == "<System Pendulum: flow, theta, p>"


def test_functions_of_states_take_many_or_one(pendulum: System) -> None:
    """(n, variable) gives n values, (variable,) gives one."""
    states = np.array([[0.0, 1.0], [np.pi / 2, -1.0]])
    assert pendulum.rhs(states).tolist() == [[1.0, 0.0], [-1.0, -2.0]]
    assert pendulum.rhs(states[1]).tolist() == [-1.0, -2.0]
    assert pendulum.jacobian(states)[0].tolist() == [[0.0, 1.0], [-2.0, 0.0]]
    assert pendulum.jacobian(states[0]).shape == (2, 2)
    assert pendulum.divergence(states).tolist() == [0.0, 0.0]
    assert pendulum.conserved_quantities(states)["energy"] == pytest.approx([-1.5, 0.5])


def test_other_parameters_make_another_system(pendulum: System) -> None:
    """What is derived from a parameter follows it; the name stays, the digest does not."""
    heavier = pendulum.with_parameters(g=8.0)
    assert heavier.parameters == {"g": 8.0, "l": 2.0, "k": 4.0}
    assert heavier.name == pendulum.name
    assert heavier != pendulum
    assert heavier.with_parameters(g=4.0) == pendulum


def test_size_may_change(ring: System) -> None:
    """A system written with indices is rebuilt with another dimension."""
    assert ring.with_parameters(N=7).initial.tolist() == [0, 1, 2, 3, 4, 5, 6]
    with pytest.raises(RequestError, match=r"indices\.i is 2\.5, expected an integer"):
        ring.with_parameters(N=2.5)


def test_parameters_of_an_ensemble_follow_those_given(pendulum: System) -> None:
    """Rows for trajectories: given, derived and catalogued values together."""
    rows = pendulum.parameter_rows({"g": [2.0, 6.0]}, 2)
    assert rows.tolist() == [[2.0, 2.0, 1.0], [6.0, 2.0, 3.0]]
    assert pendulum.parameter_rows({}, 2).tolist() == [[4.0, 2.0, 2.0]] * 2


def test_wrong_requests_are_refused_in_words(pendulum: System, ring: System) -> None:
    """Shapes and names, each with what was expected."""
    with pytest.raises(RequestError, match=r"Pendulum has no parameter 'G'; it has g, l, k\. Did you mean 'g'\?"):
        pendulum.with_parameters(G=1)
    with pytest.raises(RequestError, match=r"found states of shape \(3,\), expected \(n, 2\) or \(2,\)"):
        pendulum.rhs([1, 2, 3])
    with pytest.raises(RequestError, match=r"found t of shape \(3,\)"):
        pendulum.rhs([[1, 2]], t=[0, 1, 2])
    with pytest.raises(RequestError, match=r"found g of shape \(2,\), expected a number or \(3,\)"):
        pendulum.parameter_rows({"g": [1, 2]}, 3)
    with pytest.raises(RequestError, match=r"'N' decides the size of the system"):
        ring.parameter_rows({"N": 3}, 1)


def test_system_travels_as_its_record(pendulum: System) -> None:
    """A pickled system is equal to itself, hash included, and holds no graph."""
    fresh = System.from_record(pendulum.record)
    size = len(pickle.dumps(fresh))
    pendulum.rhs([0, 0])
    travelled = pickle.loads(pickle.dumps(pendulum))
    assert {travelled, pendulum} == {pendulum}
    assert len(pickle.dumps(pendulum)) == size


def test_mistake_in_a_system_made_in_python_is_found_at_once() -> None:
    """A wrong expression or an unknown key is refused where it is written."""
    with pytest.raises(ExpressionError, match=r"System 'Mine': equations\.x uses 'b'"):
        System(name="Mine", kind="flow", equations={"x": "b*x"}, initial={"x": 1.0})
    with pytest.raises(CatalogError, match="equation"):
        System(name="Mine", kind="flow", equations={"x": "x"}, initial={"x": 1.0}, equation={})


def test_numpy_values_are_taken_as_numbers() -> None:
    """Arrays and numpy's numbers come from a user's own computation."""
    system = System(
        name="Mine", kind="flow", parameters={"b": np.array([1.0, 2.0])}, equations={"x": "b[1]*x"}, initial={"x": np.float64(3.0)}
    )
    assert system.rhs(system.initial).tolist() == [6.0]
    assert system.period is None


@pytest.mark.parametrize(
    ("value", "error", "expected"), [([0.5, 0.0], [0.01, 0.01], 2.0), ([0.04, 0.0], [0.01, 0.01], None), ([-1.0], [0.0], None)]
)
def test_lyapunov_time_needs_an_exponent_that_is_surely_positive(value: list[float], error: list[float], expected: float | None) -> None:
    """Five standard errors above zero, or there is no such time."""
    annotated = {"value": value, "standard_error": error, "method": "closed form", "computed_with": "by hand"}
    entry = {"name": "Mine", "kind": "flow", "equations": {"x": "x"}, "initial": {"x": 1}, "invariants": {"lyapunov_spectrum": annotated}}
    assert System.from_record(SystemRecord.from_mapping(entry)).lyapunov_time == expected


@pytest.mark.parametrize("behaviour", ["fixed_point", "periodic", "quasiperiodic"])
def test_regular_motion_has_no_lyapunov_time(behaviour: str) -> None:
    """Rounding and shear make its exponent positive by many standard errors, as the free motion of y' = x would."""
    annotated = {"value": [5.4e-4], "standard_error": [0.9e-4], "method": "tangent vectors", "computed_with": "by hand"}
    entry = {"name": "Mine", "kind": "flow", "equations": {"x": "0", "y": "x"}, "initial": {"x": 1, "y": 0}}
    entry |= {"behaviour": behaviour, "invariants": {"lyapunov_spectrum": annotated}}
    assert System.from_record(SystemRecord.from_mapping(entry)).lyapunov_time is None
    chaotic = SystemRecord.from_mapping(entry | {"behaviour": "chaotic"})
    assert System.from_record(chaotic).lyapunov_time == pytest.approx(1 / 5.4e-4)


def test_delay_system_has_no_function_of_its_state_alone() -> None:
    """Its rate depends on the past too, which an array of states does not hold."""
    delay = System(name="Mine", kind="delay", parameters={"tau": 2}, equations={"x": "-x(t - tau)"}, history={"x": "1"})
    assert delay.kind == "delay"
    assert delay.initial.tolist() == [1.0]
    with pytest.raises(RequestError, match="a delay system's equations need its past"):
        delay.rhs([1.0])
