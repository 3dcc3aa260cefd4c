"""Families are judged: sets are the drawn ones, of the class asked for, and in one split where that was asked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import attractory
from attractory import layout
from attractory.stages.generate import generate
from attractory.stages.publish.reach import reach_sentences
from attractory.stages.validate import validate
from attractory.stages.validate.families import check_family, check_set_behaviour, check_sets_apart
from attractory.stages.validate.report import Subject
from attractory.stages.validate.stored import open_stored

LOGISTIC = """
name: Growth
kind: map
description: The logistic map under a name that the catalog does not have.
parameters: {r: 4.0}
equations: {x: r*x*(1 - x)}
initial: {x: 0.3}
behaviour: chaotic
"""
STORED_ENERGY = """
name: Turning
kind: flow
description: An oscillator whose energy depends on its parameter.
parameters: {k: 1.0}
equations: {x: v, v: -k*x}
initial: {x: 1.0, v: 0.0}
conserved: {energy: v**2 + k*x**2}
timescale: {period: 6.28, definition: one turn}
behaviour: periodic
"""
RECIPE = """
name: drawn
seed: 1
systems: [Growth, Turning]
trajectories: {train: 8, validation: 4, test: 4}
parameters:
  trajectories_per_set: 2
  behaviour: bounded
  systems: {Growth: {r: [3.8, 4.0]}, Turning: {k: [0.5, 2.0]}}
split_by: parameters
transient: {periods: 1, iterates: 100}
granularities:
  fine: {dt: 0.25, samples: 64}
shard_trajectories: 8
catalog: mine
"""


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A store of two families, made once; not to be changed."""
    folder = tmp_path_factory.mktemp("drawn")
    (folder / "mine").mkdir()
    for name, text in (("growth", LOGISTIC), ("turning", STORED_ENERGY)):
        (folder / "mine" / f"{name}.yaml").write_text(text)
    (folder / "recipe.yaml").write_text(RECIPE)
    return generate(folder / "recipe.yaml").store


def growth(store):
    return next(stored for stored in open_stored(store).systems if stored.name == "Growth")


def test_a_sound_store_of_families_passes_every_check(drawn):
    """Parameters, splits and a conserved quantity that depends on the parameter, each judged by the trajectory's own parameters."""
    report = validate(drawn)
    assert [f"{check.name}: {check.message}" for check in report.failures] == []
    judged = {check.name for check in report.checks if check.system == "Growth"}
    assert {"parameters", "behaviour", "sets_apart", "same_measure"} <= judged


def test_a_parameter_that_the_seed_does_not_draw_is_found(drawn):
    """One digit of one trajectory's parameter, another seed, a set with another number, a count of draws that cannot be."""
    stored, subject = growth(drawn), Subject("parameters", "labels", "Growth")
    assert check_family(subject, stored, seed=1).passed
    assert not check_family(subject, stored, seed=2).passed
    moved = stored.parameters.copy()
    moved[5, 0] = np.nextafter(moved[5, 0], 4.0)
    assert "trajectory 5" in check_family(subject, replace(stored, parameters=moved), seed=1).message
    for name, values in (
        (layout.PARAMETER_SET, np.roll(stored.sets[layout.PARAMETER_SET], 1)),
        (layout.PARAMETER_DRAWS, np.zeros(16, "i2")),
    ):
        assert not check_family(subject, replace(stored, sets={**stored.sets, name: values}), seed=1).passed


def test_a_set_of_another_class_is_found(drawn):
    """The logistic map at r = 3.8 and above is not asked to be at rest."""
    stored = growth(drawn)
    wanted = {**stored.attributes, layout.PARAMETER_FAMILY: {**stored.attributes[layout.PARAMETER_FAMILY], "behaviour": "fixed_point"}}
    found = check_set_behaviour(Subject("behaviour", "labels", "Growth"), replace(stored, attributes=wanted))
    assert "asked for was fixed_point" in found.message
    assert not found.passed


def test_a_set_in_two_splits_is_found(drawn):
    """A set's second trajectory moved to the test: by its number, and where the number lies too, by its value."""
    stored, subject = growth(drawn), Subject("sets_apart", "splits", "Growth")
    split = stored.split.copy()
    split[1] = 2
    renumbered = {**stored.sets, layout.PARAMETER_SET: np.arange(16)}
    assert check_sets_apart(subject, stored).passed
    assert not check_sets_apart(subject, replace(stored, split=split)).passed
    assert not check_sets_apart(subject, replace(stored, split=split, sets=renumbered)).passed


def test_the_loader_gives_sets_and_parameters(drawn):
    """Who trains reads which set a trajectory is of, and its parameters, with the loader alone."""
    system = attractory.open(drawn).systems["Growth"]
    assert system.array("parameter_set").tolist() == np.repeat(np.arange(8), 2).tolist()
    assert system.array("parameters").shape == (16, 1)


def test_the_card_tells_of_families(drawn):
    """How many sets, of what, from where to where, and that no split shares one."""
    text = reach_sentences(open_stored(drawn))
    assert "- Growth: 8 parameter sets (uniform), r from 3.8 to 4; each of them bounded" in text
    assert "- Growth: the splits hold different parameter sets." in text
