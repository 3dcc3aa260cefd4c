"""The referee's statistics on a whole store: a good one passes, and each way to spoil it is found by the check that should."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from attractory import System, integrate, layout
from attractory.integrate import BlockSettings, SampleGrid, integrate_block
from attractory.stages.validate import Check
from attractory.stages.validate.rules import RULES
from attractory.stages.validate.run import run_checks
from attractory.stages.validate.stored import StoredDataset, open_stored

Spoiled = Callable[[], Any]
COUNTED = {"trajectories": {"train": 12, "validation": 6, "test": 6}}


def verdicts(dataset: StoredDataset, *keys: str, system: str | None = "Convection") -> dict[str, list[Check]]:
    """By name, what the rules of these keys say of one system, or of the store."""
    alone = dataset if system is None else replace(dataset, systems=tuple(one for one in dataset.systems if one.name == system))
    found: dict[str, list[Check]] = {}
    for check in run_checks(alone, {}, rules=[rule for rule in RULES if rule.key in keys]):
        found.setdefault(check.name, []).append(check)
    return found


def counted(path: Path) -> StoredDataset:
    """The store with a recipe that counts its trajectories."""
    dataset = open_stored(path)
    return replace(dataset, attributes={**dataset.attributes, layout.RECIPE: {**dataset.recipe, **COUNTED}})


def test_good_store_passes_every_statistical_check(good_store: Path) -> None:
    """None fails, none breaks; each says its chance, or how much more data would be enough."""
    keys = [rule.key for rule in RULES if rule.group == "splits"]
    keys += ["truth.fresh", "truth.invariants", "labels.attractor", "labels.stationary"]
    found = verdicts(counted(good_store), *keys, system=None)
    checks = [check for group in found.values() for check in group]
    assert [check.message for check in checks if check.failed] == []
    assert all(check.needed for check in checks if check.verdict == "not enough data")
    assert {"fresh:measure", "fresh:numbers", "windows_apart", "same_measure", "attractor:one_set"} <= {
        check.name for check in checks if check.p_value is not None
    }
    spectrum = next(check for check in found["invariants:lyapunov_spectrum"] if check.system == "Horseshoe")
    assert "95 %" in spectrum.message


def test_two_trajectories_exchanged_between_splits_are_found_with_their_numbers(copied: Path, spoiled: Spoiled) -> None:
    """Samples, initial states and all: only their numbers tell, and no distribution."""
    with spoiled() as root:
        for path in ("Convection/initial", "Convection/coarse/state", "Convection/fine/state"):
            values = np.asarray(root[path][:])
            values[[2, 20]] = values[[20, 2]]
            root[path][:] = values
    found = verdicts(counted(copied), "splits.as_drawn")
    (check,) = found["as_drawn:numbers"]
    assert check.failed
    assert "trajectory 2 does not begin where number 2 of seed 3 does; 2 such trajectories; it is that of number 20 (test)" in check.message
    assert found["as_drawn:splits"][0].passed


def test_split_labels_that_are_exchanged_are_found(copied: Path, spoiled: Spoiled) -> None:
    """The trajectories are where they were, and two of them are called by each other's split."""
    with spoiled() as root:
        root["Convection/split"][2], root["Convection/split"][20] = 2, 0
    (check,) = verdicts(counted(copied), "splits.as_drawn")["as_drawn:splits"]
    assert check.failed
    assert check.message == "trajectory 2 is in test, its number belongs to train; 2 such trajectories"


def test_copy_with_small_noise_is_found_in_the_other_split(copied: Path, spoiled: Spoiled) -> None:
    """No digest sees it, the nearest windows do."""
    with spoiled() as root:
        state = root["Convection/fine/state"]
        original = np.asarray(state[3])
        state[20] = original + (1e-6 * np.random.default_rng(0).normal(size=original.shape)).astype(np.float32)
    found = verdicts(open_stored(copied), "splits.windows_apart", "splits.no_duplicates")
    fine = next(check for check in found["windows_apart"] if check.granularity == "fine")
    assert fine.failed
    assert "trajectory 3 (train)" in fine.message
    assert "trajectory 20 (test)" in fine.message
    assert all(check.passed for check in found["no_duplicates"] if check.granularity == "fine")


def test_another_system_under_this_name_is_found(copied: Path, spoiled: Spoiled) -> None:
    """Trajectories of Rössler's equations in the group of Lorenz's."""
    other = integrate("Rossler", trajectories=24, samples=256, dt=0.06)["state"].values
    with spoiled() as root:
        root["Convection/fine/state"][:] = other.astype(np.float32)
    found = verdicts(open_stored(copied), "truth.fresh")
    failed = {name for name, checks in found.items() for check in checks if check.failed and check.granularity == "fine"}
    assert failed == {"fresh:measure", "fresh:numbers", "fresh:beginning"}


def test_transient_that_was_left_in_is_found(copied: Path, spoiled: Spoiled, systems: list[System]) -> None:
    """Everything else is as good as before: the equations, the parameters, the digests, the numbers of the trajectories."""
    with spoiled() as root:
        grid = SampleGrid(float(root["Convection/fine"].attrs[layout.DT]), 256)
        settings = BlockSettings(seed=3, transient=0.0, tolerance=1e-14, dtype="float32")
        made = integrate_block(systems[0], indices=range(24), grids=[grid], settings=settings)
        root["Convection/fine/state"][:] = made.states[0]
    found = verdicts(open_stored(copied), "truth.fresh")["fresh:beginning"]
    assert [check.granularity for check in found if check.failed] == ["fine"]
    assert "between the first 8 samples and those of fresh trajectories" in next(check.message for check in found if check.failed)


@pytest.mark.parametrize(
    ("offset", "name", "says"),
    [
        (None, "attractor:motion", "trajectory 7 (train) comes to rest, and is annotated as chaotic"),
        (60.0, "attractor:one_set", "trajectory 7"),
    ],
)
def test_trajectory_on_the_wrong_side_of_a_basin_is_found(
    copied: Path, spoiled: Spoiled, offset: float | None, name: str, says: str
) -> None:
    """One that has come to rest where the others are chaotic, and one that is as lively far away from them."""
    with spoiled() as root:
        state = root["Convection/fine/state"]
        state[7] = np.full((256, 3), np.sqrt(72.0), np.float32) if offset is None else np.asarray(state[7]) + np.float32(offset)
    check = next(check for check in verdicts(open_stored(copied), "labels.attractor")[name] if check.granularity == "fine")
    assert check.failed
    assert says in check.message


def test_split_with_chosen_trajectories_is_found(copied: Path, spoiled: Spoiled) -> None:
    """The test split was moved by two spreads: its means and its points are others."""
    with spoiled() as root:
        state = root["Convection/fine/state"]
        state[18:] = np.asarray(state[18:]) + np.float32(20.0)
    check = next(check for check in verdicts(open_stored(copied), "splits.same_measure")["same_measure"] if check.granularity == "fine")
    assert check.failed
    assert "in test" in check.message


def test_system_that_is_held_out_must_be_in_one_split_and_have_no_twin(good_store: Path) -> None:
    """By the recipe, by name; and by its equations, under whatever name."""
    dataset = open_stored(good_store)
    held = replace(dataset, attributes={**dataset.attributes, layout.RECIPE: {**dataset.recipe, "held_out": {"test": ["Horseshoe"]}}})
    (check,) = verdicts(held, "splits.held_out", system=None)["held_out:Horseshoe"]
    assert check.message == "Horseshoe is held out for test, and has trajectories in train and validation and test"
    horseshoe = next(one for one in dataset.systems if one.name == "Horseshoe")
    moved = replace(horseshoe, split=np.full(24, 2, np.int8))
    others = tuple(one for one in dataset.systems if one.name != "Horseshoe")
    (check,) = verdicts(replace(held, systems=(*others, moved)), "splits.held_out", system=None)["held_out:Horseshoe"]
    assert check.passed
    twin = replace(horseshoe, name="Shoe")
    (check,) = verdicts(replace(held, systems=(moved, twin)), "splits.held_out", system=None)["held_out:Horseshoe"]
    assert check.message == "Horseshoe is held out for test, and Shoe has the same equations and parameters in another split"


def test_exponent_that_the_stored_points_do_not_have_is_found_with_its_interval(good_store: Path) -> None:
    """The entry says 0.6 of a map whose tangents grow at 0.42 along the stored points, and so do distances of neighbours."""
    dataset = open_stored(good_store)
    horseshoe = next(one for one in dataset.systems if one.name == "Horseshoe")
    stated = horseshoe.record.invariants["lyapunov_spectrum"].model_copy(update={"value": (0.6,), "standard_error": (0.001,)})
    record = horseshoe.record.model_copy(update={"invariants": {"lyapunov_spectrum": stated}})
    found = verdicts(replace(dataset, systems=(replace(horseshoe, record=record),)), "truth.invariants", system="Horseshoe")
    (check,) = found["invariants:lyapunov_spectrum"]
    assert check.failed
    assert re.match(
        r"exponent 1 of 1 from the stored samples 0\.4\d+ \(95 %: 0\.3\d+ to 0\.4\d+\), the catalog says 0\.6 ± 0\.001", check.message
    )
    assert "attractory annotate" in check.advice


def test_behaviour_that_the_stored_points_contradict_is_found(good_store: Path) -> None:
    """A map that is called periodic, and whose tangents grow."""
    dataset = open_stored(good_store)
    horseshoe = next(one for one in dataset.systems if one.name == "Horseshoe")
    record = horseshoe.record.model_copy(update={"behaviour": "periodic"})
    found = verdicts(replace(dataset, systems=(replace(horseshoe, record=record),)), "truth.invariants", system="Horseshoe")
    (check,) = found["invariants:behaviour"]
    assert check.failed
    assert "annotated as periodic, and tangents grow along the stored points at 0.4" in check.message


def test_trajectory_that_was_lost_and_drawn_again_is_the_one_of_its_number(
    stored: Callable[[Path, list[System]], Path], tmp_path: Path
) -> None:
    """A map with a small gap, through which some leave among the samples: their first draws are not what is stored, and need not be."""
    leaky = System(name="Leaky", kind="map", equations={"x": "4.00001*x*(1 - x)"}, initial={"x": 0.3}, behaviour="transient_chaotic")
    dataset = open_stored(stored(tmp_path / "small.zarr", [leaky]))
    (one,) = dataset.systems
    settings = BlockSettings(seed=3, transient=1000.0, tolerance=1e-14, dtype="float32")
    first = integrate_block(leaky, indices=range(24), grids=[SampleGrid(1.0, 1)], settings=settings)
    assert (first.initial != one.initial)[one.good].any()
    (check,) = verdicts(dataset, "splits.as_drawn", system="Leaky")["as_drawn:numbers"]
    assert check.passed
