"""What a reader copies works."""

from __future__ import annotations

import pytest

import attractory
from attractory.catalog import Reference
from attractory.stages.gallery.code import bibtex, codes, dataset, python
from attractory.stages.located import read_recipe


@pytest.mark.parametrize("name", ["Henon", "Lorenz"])
def test_the_script_runs(name):
    """As it is on the page."""
    found: dict[str, object] = {}
    exec(compile(python(attractory.system(name)), name, "exec"), found)
    assert found["slope"].shape == (16, attractory.system(name).dimension)


@pytest.mark.parametrize("name", ["Henon", "Lorenz", "MackeyGlass"])
def test_the_recipe_is_one(tmp_path, name):
    """`attractory build` takes it."""
    (tmp_path / "recipe.yaml").write_text(dataset(attractory.system(name)))
    assert read_recipe(tmp_path).recipe.name == name.lower()


def test_a_flow_without_a_period_is_sampled_in_time(tmp_path):
    """Neither the script nor the recipe counts in periods then."""
    system = attractory.System(name="Mine", kind="flow", equations={"x": "-x"}, initial={"x": 1.0})
    assert "dt=0.02" in python(system)
    assert "period" not in dataset(system)


def test_other_programs_stand_beside_ours():
    """In the order of a reader's likely wish; a delay system is left out where another program has none."""
    assert [code.title for code in codes(attractory.system("Lorenz"))] == ["Python", "Dataset", "SciPy", "Julia", "SymPy", "LaTeX", "YAML"]


def test_the_citation_is_bibtex():
    """Authors are joined by `and`, what BibTeX reads as a sign is marked, and braces keep capitals."""
    text = bibtex("Mine", Reference(authors="Sato, Y., Akiyama, E., Farmer, J. D.", year=2002, title="A & B", journal="PNAS 99, 4748"))
    assert text.startswith("@article{Sato2002,\n")
    assert "author = {Sato, Y. and Akiyama, E. and Farmer, J. D.}" in text
    assert r"title = {{A \& B}}" in text
    assert bibtex("Mine", Reference(authors="'t Hooft, G.", year=1990, title="T")).startswith("@misc{tHooft1990,".replace("tHooft", "t"))
