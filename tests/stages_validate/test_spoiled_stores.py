"""The referee must be able to say no: each way to spoil a store is found by the check that should, with a message that names it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from attractory import System, layout
from attractory.integrate import Engine, Ensemble, SampleGrid, integrate_ensemble
from attractory.stages.validate import Check, Report
from attractory.stages.validate.rules import RULES
from attractory.stages.validate.run import run_checks
from attractory.stages.validate.stored import open_stored

Spoiled = Callable[[], Any]


# Verdicts that a rule of another name gives.
GIVEN_BY = {"behaviour": "leading_exponent"}


def failures(path: Path, system: str, *names: str) -> list[Check]:
    """What fails of the store and of one system, by the rules that give verdicts of these names."""
    dataset = open_stored(path)
    alone = replace(dataset, systems=tuple(stored for stored in dataset.systems if stored.name == system))
    asked = {GIVEN_BY.get(name, name).partition(":")[0] for name in names}
    rules = [rule for rule in RULES if rule.name in asked]
    return list(Report(str(path), tuple(run_checks(alone, {}, rules=rules))).failures)


def found(path: Path, name: str, *, system: str = "Convection") -> Check:
    """The first failure of that name."""
    checks = failures(path, system, name)
    named = [check for check in checks if check.name == name]
    assert named, f"{name} did not fail; what failed: {[check.name for check in checks]}"
    return named[0]


def test_nan_in_a_sample_is_found_with_its_place(copied: Path, spoiled: Spoiled) -> None:
    """Trajectory 5, sample 17; its status says that all is well."""
    with spoiled() as root:
        root["Convection/fine/state"][5, 17, 1] = np.nan
    assert "1 trajectories hold NaN or infinity, first trajectory 5 at sample 17" in found(copied, "finite").message


def test_truncated_shard_is_found_by_its_size(copied: Path) -> None:
    """The last bytes of a shard are its index, without which nothing can be read; every other check still runs."""
    shard = copied / layout.shard_path("Convection", "fine", 1)
    shard.write_bytes(shard.read_bytes()[:-100])
    checks = {check.name: check for check in failures(copied, "Convection", "digests", "finite", "one_step")}
    assert re.search(r"1 files are damaged: Convection/fine/state/c/1/0/0: is truncated", checks["digests"].message)
    assert "8 trajectories could not be read" in checks["finite"].message


def test_flipped_byte_is_found_by_its_digest(copied: Path) -> None:
    """Whether or not the codec notices."""
    shard = copied / layout.shard_path("Horseshoe", "fine", 0)
    content = bytearray(shard.read_bytes())
    content[200] ^= 1
    shard.write_bytes(content)
    assert re.search(r"Horseshoe/fine/state/c/0/0/0: is changed: SHA-256", found(copied, "digests", system="Horseshoe").message)


def test_scaled_time_axis_is_found(copied: Path, spoiled: Spoiled) -> None:
    """Every time is 1 % too large."""
    with spoiled() as root:
        root["Convection/coarse/time"][:] = root["Convection/coarse/time"][:] * 1.01
    check = found(copied, "time_axis")
    assert (check.system, check.granularity) == ("Convection", "coarse")
    assert re.search(r"sample \d+ is at \S+, expected", check.message)


def test_time_axis_and_step_scaled_together_are_found_by_the_equations(copied: Path, spoiled: Spoiled) -> None:
    """Then the metadata agree with each other, and only the trajectory knows."""
    with spoiled() as root:
        grid = root["Galaxy/fine"]
        grid["time"][:] = np.arange(256) * grid.attrs[layout.DT] * 1.01
        grid.attrs[layout.DT] *= 1.01
        del grid.attrs[layout.SAMPLES_PER_PERIOD]
    assert "leaves the solution of the stated equations" in found(copied, "reintegration", system="Galaxy").message


def test_trajectories_with_another_parameter_are_found_by_the_equations(copied: Path, spoiled: Spoiled, systems: list[System]) -> None:
    """rho = 28.3 where the entry says 28, in the test split alone; mean and spread hardly differ."""
    other = systems[0].with_parameters(rho=28.3)
    with spoiled() as root:
        initial = np.asarray(root["Convection/initial"][18:])
        parameters = np.tile(other.definition.values, (6, 1))
        grids = [SampleGrid(root[f"Convection/{name}"].attrs[layout.DT], samples) for name, samples in (("coarse", 64), ("fine", 256))]
        made = integrate_ensemble(
            other.definition, Ensemble(initial, parameters, np.zeros(6)), grids=grids, engine=Engine(tolerance=1e-14, dtype="float32")
        )
        for name, states in zip(("coarse", "fine"), made.states, strict=True):
            root[f"Convection/{name}/state"][18:] = states
    check = found(copied, "reintegration")
    assert re.match(r"trajectory (18|19|2[0-3]) leaves the solution of the stated equations at", check.message)


def test_split_copied_from_another_is_found(copied: Path, spoiled: Spoiled) -> None:
    """Validation is a copy of the first training trajectories, initial states and all."""
    with spoiled() as root:
        for path in ("Convection/initial", "Convection/coarse/state", "Convection/fine/state"):
            root[path][12:18] = root[path][0:6]
    assert "trajectory 12 (validation) is a copy of trajectory 0 (train)" in found(copied, "no_duplicates").message


def test_energy_drift_is_found(copied: Path, spoiled: Spoiled) -> None:
    """Velocities shrink by 1e-4 over the trajectory, as a solver with too large a tolerance would make them."""
    with spoiled() as root:
        state = root["Galaxy/fine/state"]
        decay = np.linspace(1.0, 1.0 - 1e-4, 256)[None, :, None]
        state[:, :, 2:] = np.asarray(state[:, :, 2:]) * decay
    check = found(copied, "conserved:energy", system="Galaxy")
    assert re.search(r"energy drifts by \S+ along trajectory \d+, the equations keep it", check.message)


def test_first_sample_that_is_not_the_initial_state_is_found(copied: Path, spoiled: Spoiled) -> None:
    """One unit in the last place is enough."""
    with spoiled() as root:
        state = root["Horseshoe/fine/state"]
        state[3, 0, 0] = np.nextafter(np.float32(state[3, 0, 0]), np.float32(np.inf))
    assert (
        "sample 0 differs from `initial` in 1 trajectories, first trajectory 3" in found(copied, "first_sample", system="Horseshoe").message
    )


def test_split_of_another_measure_is_found(copied: Path, spoiled: Spoiled) -> None:
    """Training trajectories lie on one wing of the mirror image; the equations have that symmetry, so only the splits can tell."""
    with spoiled() as root:
        for name in ("coarse", "fine"):
            state = np.asarray(root[f"Convection/{name}/state"][:])
            state[:12, :, :2] = np.abs(state[:12, :, :2])
            state[12:, :, :2] = -np.abs(state[12:, :, :2])
            root[f"Convection/{name}/state"][:] = state
    check = found(copied, "same_measure")
    assert re.search(r"largest difference: mean of [xy] in (train|validation|test)", check.message)


def test_parameters_that_are_not_the_entrys_are_found(copied: Path, spoiled: Spoiled) -> None:
    """The row says what the trajectory was made with."""
    with spoiled() as root:
        root["Convection/parameters"][6, 1] = 28.5
    assert "trajectory 6 was made with rho = 28.5, the entry says 28.0" in found(copied, "parameters").message


def test_wrong_exponent_in_the_entry_is_found(copied: Path, spoiled: Spoiled) -> None:
    """Twice the true one."""
    with spoiled() as root:
        record = dict(root["Horseshoe"].attrs[layout.RECORD])
        record["invariants"]["lyapunov_spectrum"]["value"] = [0.84]
        root["Horseshoe"].attrs[layout.RECORD] = record
    assert "the catalog says 0.84" in found(copied, "leading_exponent", system="Horseshoe").message


def test_chaotic_system_annotated_as_periodic_is_found(copied: Path, spoiled: Spoiled) -> None:
    """Its leading exponent is positive."""
    with spoiled() as root:
        root["Horseshoe"].attrs[layout.RECORD] = {**root["Horseshoe"].attrs[layout.RECORD], "behaviour": "periodic"}
    assert re.search(
        r"annotated as periodic, and its leading exponent is 0.4\d* .*: positive", found(copied, "behaviour", system="Horseshoe").message
    )


def test_trajectory_that_ended_early_is_found(copied: Path, spoiled: Spoiled) -> None:
    """Its status says so, and its samples must say the same."""
    with spoiled() as root:
        root["Convection/status"][2] = layout.Status.DIVERGED
    checks = {check.name: check for check in failures(copied, "Convection", "completed", "status")}
    assert "1 trajectories did not reach their last sample; trajectory 2: left every bound" in checks["completed"].message
    assert "trajectory 2 has all samples, and its status says: left every bound" in checks["status"].message


def test_entry_that_changed_since_is_found(good_store: Path, systems: list[System]) -> None:
    """The catalog now says rho = 30."""
    current = {"Convection": systems[0].with_parameters(rho=30).record}
    rules = [rule for rule in RULES if rule.group == "store"]
    checks = Report("", tuple(run_checks(open_stored(good_store), current, rules=rules))).failures
    assert [(check.name, check.system) for check in checks] == [("catalog_current", "Convection")]
    assert re.search(r"has changed since this store was made: generate it again", checks[0].message)


def test_group_without_its_entry_is_one_failure_and_the_others_are_checked(copied: Path, spoiled: Spoiled) -> None:
    """Every check runs even where an early one fails."""
    with spoiled() as root:
        del root["Horseshoe"].attrs[layout.RECORD]
    checks = run_checks(open_stored(copied), {}, rules=[rule for rule in RULES if rule.group in ("store", "numbers")])
    assert [(check.name, check.system) for check in checks if check.failed] == [("schema", "Horseshoe")]
    assert {check.system for check in checks} == {None, "Horseshoe", "Galaxy", "Convection"}


def test_states_of_another_type_than_the_recipes_are_found(copied: Path) -> None:
    """The recipe asks for float64."""
    root = json.loads((copied / "zarr.json").read_bytes())
    root["attributes"][layout.RECIPE]["dtype"] = "float64"
    (copied / "zarr.json").write_text(json.dumps(root))
    assert found(copied, "dtype", system="Horseshoe").message == "states are stored as float32, the recipe asks for float64"


@pytest.mark.parametrize("name", ["range", "moving"])
def test_numbers_that_cannot_be_of_the_system_are_found(copied: Path, spoiled: Spoiled, name: str) -> None:
    """A value out of every range in the middle of a trajectory, a frozen trajectory."""
    with spoiled() as root:
        state = root["Convection/fine/state"]
        if name == "range":
            state[4, 100, 0] = 1e12
        else:
            state[4] = np.broadcast_to(state[4, 0], state.shape[1:])
    assert found(copied, name).granularity == "fine"
