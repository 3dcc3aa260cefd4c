"""The catalog against the systems of other collections: one right-hand side, or a variant that has theirs and a note why.

The equations of others and their evaluation are in `differences.py`, which writes docs/differences.md.
"""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

OTHERS: Any = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("differences.py"))))
VARIANTS = [name for name in OTHERS.DYSTS if "dysts" in OTHERS.CATALOG.get(name).variants]


@pytest.mark.parametrize("name", OTHERS.DYSTS)
def test_the_right_hand_side_is_that_of_dysts(name: str) -> None:
    """At twenty states, of delay systems with as many past ones, to a few roundings of the largest component.

    State variables have the same names; where a map is taken modulo a range here, whole ranges do not count.
    """
    ours, data = OTHERS.as_dysts_has_it(name), OTHERS.DYSTS[name]
    assert "indexed" in data or list(ours.variables) == data["states"]
    assert OTHERS.disagreement(ours, data) <= 1


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_of_dysts_differs_from_the_entry(name: str) -> None:
    """A variant that says nothing new would hide that the entry is not what the publication has."""
    assert OTHERS.as_dysts_has_it(name).digest != OTHERS.system(name).digest


@pytest.mark.parametrize("name", [name for name in OTHERS.DYSTS if OTHERS.differences(name)])
def test_what_differs_from_dysts_is_explained(name: str) -> None:
    """The notes of the entry, or of its variant, say what dysts or the publication has."""
    assert OTHERS.reason(OTHERS.CATALOG.get(name))


@pytest.mark.parametrize("name", OTHERS.OTHER_MAPS)
def test_a_map_of_another_collection_is_an_entry_or_a_variant(name: str) -> None:
    """The next state at twenty states is the same; its name there finds the entry, unless it is one of a family."""
    data = OTHERS.OTHER_MAPS[name]
    assert OTHERS.disagreement(OTHERS.as_others_have_it(name), data) <= 1
    assert OTHERS.CATALOG.meant(name) == data["entry"] or "variant" in data


@pytest.mark.parametrize(("first", "second"), OTHERS.ONE_FIELD)
def test_two_names_of_dysts_have_one_vector_field(first: str, second: str) -> None:
    """With the parameters of the second, the first is the second."""
    values, called = OTHERS.system(second).parameters, OTHERS.ONE_FIELD[first, second]
    ours = OTHERS.system(first)
    taken = ours.with_parameters(**{key: values[called.get(key, key)] for key in ours.parameters})
    assert OTHERS.disagreement(taken, {**OTHERS.DYSTS[second], "parameters": values, "states": list(ours.variables)}) <= 1


def test_an_equation_that_is_not_theirs_is_found() -> None:
    """The comparison can fail: Lorenz with beta = 8/3 is not that of dysts, nor is a delay system with another function of its past."""
    assert OTHERS.disagreement(OTHERS.system("Lorenz"), OTHERS.DYSTS["Lorenz"]) > 1
    assert OTHERS.disagreement(OTHERS.system("MackeyGlass"), {**OTHERS.DYSTS["MackeyGlass"], "rhs": ["0.2*past - 0.1*x"]}) > 1


def test_the_page_of_differences_is_current(repository: Path) -> None:
    """After a change of an entry or of the data: python tests/catalog/differences.py > docs/differences.md"""
    assert (repository / "docs" / "differences.md").read_text(encoding="utf-8") == OTHERS.page()
