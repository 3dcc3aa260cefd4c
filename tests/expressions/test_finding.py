"""attractory.systems: the catalog as a query's answer, in Python."""

from __future__ import annotations

import pytest

import attractory
from attractory.errors import CatalogError, ExpressionError
from attractory.expressions.conditions import fulfils, read_condition


def names(**asked: object) -> list[str]:
    return [system.name for system in attractory.systems(**asked)]


def test_systems_are_those_that_fit_every_argument():
    """Sorted by name; the arguments are those of the command line."""
    found = attractory.systems(kind="flow", dimension="4+", behaviour="hyperchaotic")
    assert {"HyperRossler", "Lorenz96"} <= {system.name for system in found}
    assert all(system.kind == "flow" and system.dimension >= 4 and system.behaviour == "hyperchaotic" for system in found)
    sprott = names(name="Sprott?", kind=["flow", "map"])
    assert sprott == sorted(sprott)
    assert {len(name) for name in sprott} == {7}


def test_without_a_question_all_systems_are_found(tmp_path):
    """The whole catalog, and a folder of one's own beside it."""
    (tmp_path / "mine.yaml").write_text("name: Mine\nkind: flow\nequations: {x: -x}\ninitial: {x: 1.0}\n")
    assert {"Lorenz", "Henon", "MackeyGlass", "Mine"} <= set(names(catalog=tmp_path))


def test_a_condition_chooses_by_numbers():
    """A number that is not known of a system is no reason to choose it."""
    found = attractory.systems(where="lyapunov_exponent > 0.5 and dimension == 3")
    assert "Lorenz" in [system.name for system in found]
    assert all(system.dimension == 3 and "lyapunov_spectrum" in system.invariants for system in found)
    assert not [system for system in attractory.systems(kind="map", where="period > 0")]  # a map has no period


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("kaplan_yorke_dimension > 2 and kaplan_yorke_dimension < 2.1", True),
        ("lyapunov_time < 1 or mean_divergence > 0", False),
        ("not (abs(mean_divergence + 13.67) > 0.01)", True),
        ("parameters == 3", True),
    ],
)
def test_conditions_are_expressions_of_the_language(condition, holds):
    """Of Lorenz: a dimension of 2.062, an exponent of 0.9047, a divergence of -41/3, three parameters."""
    assert fulfils(attractory.system("Lorenz"), read_condition(condition)) is holds


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        ({"where": "lyapunov > 1"}, ExpressionError, r"where uses 'lyapunov', which is not a number of a system\. Did you mean"),
        ({"where": "dimension"}, ExpressionError, r"where has a number where a condition was expected"),
        ({"where": "__import__('os')"}, ExpressionError, r"where holds|where uses"),
        ({"where": "log(dimension - 3) > 0", "name": "Lorenz"}, ExpressionError, r"not a finite number"),
        ({"tag": "lasr"}, CatalogError, r"Did you mean 'laser'\?"),
    ],
)
def test_a_question_that_cannot_be_read_is_refused(asked, error, message):
    """By the same parser as all expressions: nothing is evaluated as Python."""
    with pytest.raises(error, match=message):
        attractory.systems(**asked)
