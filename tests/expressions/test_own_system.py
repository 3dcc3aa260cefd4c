"""A system defined in Python goes through every door that a catalogued one does."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

import attractory
from attractory import System, integrate, lyapunov_spectrum
from attractory.errors import CatalogError, RequestError

DECAY = System(name="Decay", equations={"x": "-a*x"}, parameters={"a": 2.0}, initial={"x": 1.0}, variants={"slow": {"a": 1.0}})
DOUBLING = System(name="Doubling", kind="map", equations={"x": "4*x*(1 - x)"}, initial={"x": 0.3})
DELAYED = System(name="Delayed", kind="delay", equations={"x": "-x(t - 1)"}, history={"x": "1"})


def test_a_flow_of_ones_own_is_integrated() -> None:
    """x' = -2x is exp(-2t), to the default tolerance."""
    made = integrate(DECAY, initial=[[1.0]], samples=3, dt=0.5)
    assert made.state.values[0, :, 0] == pytest.approx(np.exp(-2 * made.time.values), rel=1e-13)


def test_a_map_of_ones_own_is_iterated_and_has_its_exponent() -> None:
    """The logistic map at 4 has the exponent ln 2."""
    assert integrate(DOUBLING, initial=[[0.3]], samples=2).state.values[0, 1, 0] == pytest.approx(0.84, rel=1e-15)
    found = lyapunov_spectrum(DOUBLING, seed=0, standard_error=0.01)
    assert abs(found.value[0] - math.log(2)) < 5 * found.standard_error[0]


def test_a_delay_system_of_ones_own_is_integrated() -> None:
    """x'(t) = -x(t - 1) from a constant past of 1 is 1 - t up to t = 1; its history is all that it needs."""
    made = integrate(DELAYED, samples=3, dt=0.5, transient=0.0, trajectories=1, seed=0)
    state = made.state.values[0, :, 0]
    assert state / state[0] == pytest.approx([1.0, 0.5, 0.0], abs=1e-12)


def test_right_hand_side_and_variants_of_ones_own() -> None:
    """Numbers, variants by their records, and other parameters."""
    assert DECAY.rhs([[3.0]])[0] == pytest.approx([-6.0])
    assert DECAY.jacobian([3.0])[0] == pytest.approx([-2.0])
    assert System.from_record(DECAY.record.variant("slow")).rhs([3.0]) == pytest.approx([-3.0])
    assert DECAY.with_parameters(a=5).rhs([3.0]) == pytest.approx([-15.0])


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"equations": {"x": "y", "y": "-x"}}, r"System 'Mine': initial: has no value for x, y"),
        ({"equations": {"x": "y", "y": "-x"}, "initial": {"x": 1}}, r"initial: has no value for y"),
        ({"kind": "delay", "equations": {"x": "-x(t - 1)"}}, r"System 'Mine': history: has no value for x"),
        ({"equations": {}, "initial": {}}, r"System 'Mine': equations: found none, expected one for each state variable"),
        ({"equations": {"x": "-a*x"}, "initial": {"x": 1}}, r"System 'Mine': equations\.x.* 'a'"),
        ({"kind": "flwo", "equations": {"x": "x"}, "initial": {"x": 1}}, r"System 'Mine': kind: .*flow"),
        ({"equations": {"x": "x"}, "initial": {"x": 1}, "paramters": {}}, r"paramters.*Did you mean 'parameters'"),
    ],
)
def test_what_is_no_system_is_refused_in_a_sentence(keys: dict[str, object], message: str) -> None:
    """Where, what was found, what was expected: a forgotten initial state above all."""
    with pytest.raises(CatalogError, match=message):
        System(name="Mine", **keys)  # type: ignore[arg-type]


def test_a_file_stands_where_a_name_does(tmp_path: Path) -> None:
    """What has a slash or ends in .yaml is a path: no name does."""
    path = tmp_path / "decay.yaml"
    path.write_text(DECAY.to_yaml())
    assert attractory.system(path) == attractory.system(str(path)) == DECAY
    assert attractory.system(path, variant="slow").parameters == {"a": 1.0}
    made = integrate(str(path), initial=[[1.0]], samples=3, dt=0.5)
    assert np.array_equal(made.state, integrate(DECAY, initial=[[1.0]], samples=3, dt=0.5).state)


def test_a_folder_adds_its_systems_to_the_catalog(tmp_path: Path) -> None:
    """Its own by name, and the packaged ones; a name that is taken is refused, and so is an empty folder."""
    (tmp_path / "decay.yaml").write_text(DECAY.to_yaml())
    assert attractory.system("Decay", catalog=tmp_path) == DECAY
    assert attractory.system("Lorenz", catalog=tmp_path).name == "Lorenz"
    (tmp_path / "empty").mkdir()
    with pytest.raises(CatalogError, match=r"empty: holds no catalog entry \(\*\.yaml\)"):
        attractory.system("Decay", catalog=tmp_path / "empty")
    (tmp_path / "taken.yaml").write_text(System(name="lorenz", equations={"x": "x"}, initial={"x": 1}).to_yaml())
    with pytest.raises(CatalogError, match=r"taken\.yaml: name: 'lorenz' is taken"):
        attractory.system("Decay", catalog=tmp_path)


@pytest.mark.parametrize(
    ("name", "catalog", "message"),
    [
        (3, None, "name is 3; expected the name of a system or the path of a YAML file"),
        ("nowhere/mine.yaml", None, r"nowhere/mine\.yaml: cannot be read: No such file"),
        ("mine.yaml", "mine", "is the path of a file, which needs no catalog"),
        ("Decay", "nowhere", "nowhere: there is no such folder"),
        ("nul\0.yaml", None, "cannot be read: embedded null byte"),
    ],
)
def test_a_system_that_is_not_there_is_refused(name: object, catalog: str | None, message: str) -> None:
    """A name, a path and a folder each have their sentence."""
    with pytest.raises(RequestError, match=message):
        attractory.system(name, catalog=catalog)  # type: ignore[arg-type]
