"""Ways to spoil a dataset, each with the check that should find it: writes docs/validation/mutations.md, exit code 1 where one is missed.

    python benchmarks/mutations.py [--keep DIR] [NAME ...]

A small dataset is generated, copied, spoiled in one way, and its digests are renewed, as whoever spoiled it on purpose, or by a mistake
before anything was hashed, would leave it. Then the referee looks at the system that was spoiled. What it must say stands beside each way:
the check, and words of its message. The tests run some of them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from attractory import System, layout, store
from attractory.errors import AttractoryError
from attractory.integrate import BlockSettings, Engine, Ensemble, SampleGrid, integrate_block, integrate_ensemble
from attractory.stages.validate.report import Check
from attractory.stages.validate.rule import Settings
from attractory.stages.validate.rules import RULES
from attractory.stages.validate.run import Demands, Referee, current_entries
from attractory.stages.validate.stored import StoredDataset, open_stored
from attractory.store.files import canonical_json, document
from attractory.store.manifest import manifest_bytes
from attractory.store.template import ROOT

CHECKOUT = Path(__file__).resolve().parent.parent
PAGE = CHECKOUT / "docs" / "validation" / "mutations.md"
RECIPE = """
name: spoiled
description: Three flows and a map, to be spoiled.
seed: 3
systems: [Lorenz, Rossler, HenonHeiles, Henon]
trajectories: {train: 12, validation: 6, test: 6}
granularities:
  coarse: {samples_per_period: 15, samples: 512}
  fine: {samples_per_period: 100, samples: 512}
shard_trajectories: 8
"""
SYSTEMS = "[Lorenz, Rossler, HenonHeiles, Henon]"
GRIDS = ("coarse", "fine")
# Cost most of all: run where they are what should fail.
EXPONENT = "labels.leading_exponent"
_COSTLY = (EXPONENT, "truth.reintegration", "truth.transient", "truth.error_growth")


@dataclass(frozen=True)
class Spoiling:
    """A copy of the store that is open for writing: root, and the folder."""

    root: Any
    path: Path
    system: str

    def states(self, grid: str) -> Any:
        return self.root[f"{self.system}/{grid}/state"]

    def each(self, change: Callable[[np.ndarray], np.ndarray], *, grids: Sequence[str] = GRIDS) -> None:
        """Replaces the states (trajectory, time, variable) of each granularity by what `change` makes of them in doubles."""
        for grid in grids:
            array = self.states(grid)
            array[:] = change(np.asarray(array[:], dtype=np.float64)).astype(array.dtype)

    def initial_too(self, change: Callable[[np.ndarray], np.ndarray]) -> None:
        """The same of `initial`, so that sample 0 is still the initial state."""
        self.each(change)
        array = self.root[f"{self.system}/initial"]
        rounded = change(np.asarray(array[:])[:, None])[:, 0]
        array[:] = rounded

    def original(self) -> System:
        return System(**{key: value for key, value in self.root[self.system].attrs[layout.RECORD].items()})

    def made_again(self, system: System, *, rows: Sequence[int] | None = None, tolerance: float = 1e-14) -> None:
        """States from the stored initial ones by other equations, parameters or another tolerance."""
        initial = np.asarray(self.root[f"{self.system}/initial"][:])
        chosen = np.arange(len(initial)) if rows is None else np.asarray(rows)
        start = np.asarray(self.root[f"{self.system}/start_time"][:])[chosen]
        grids = [SampleGrid(float(self.root[f"{self.system}/{grid}"].attrs[layout.DT]), self.states(grid).shape[1]) for grid in GRIDS]
        parameters = np.tile(np.asarray(system.definition.values, np.float64), (len(chosen), 1))
        ensemble = Ensemble(initial[chosen], parameters, start)
        made = integrate_ensemble(system.definition, ensemble, grids=grids, engine=Engine(tolerance=tolerance, dtype="float32"))
        for grid, states in zip(GRIDS, made.states, strict=True):
            array = self.states(grid)
            for row, own in zip(chosen.tolist(), np.asarray(states), strict=True):
                array[row] = own

    def drawn_again(self, *, transient: float, seed: int = 3) -> None:
        """All trajectories by the engine after another transient, initial states included."""
        count = len(self.root[f"{self.system}/split"][:])
        grids = [SampleGrid(float(self.root[f"{self.system}/{grid}"].attrs[layout.DT]), self.states(grid).shape[1]) for grid in GRIDS]
        settings = BlockSettings(seed=seed, transient=transient, tolerance=1e-14, dtype="float32")
        made = integrate_block(self.original(), indices=range(count), grids=grids, settings=settings)
        self.root[f"{self.system}/initial"][:] = np.asarray(made.initial)
        for grid, states in zip(GRIDS, made.states, strict=True):
            self.states(grid)[:] = np.asarray(states)

    def record(self, **changes: Any) -> None:
        """Changes the entry that the store holds."""
        group = self.root[self.system]
        group.attrs[layout.RECORD] = {**group.attrs[layout.RECORD], **changes}

    def root_attributes(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Changes the root's document by hand: zarr would write it anew."""
        file = self.path / ROOT
        content = json.loads(file.read_bytes())
        change(content["attributes"])
        file.write_bytes(document(content))


@dataclass(frozen=True)
class Mutation:
    """One way: what is done (a sentence), the check that should find it, a pattern of its message, and the system that is spoiled.

    `covered` says whether digests are renewed afterwards; of what is done to the files themselves they are not.
    """

    name: str
    spoil: Callable[[Spoiling], None]
    check: str
    message: str
    system: str = "Lorenz"
    covered: bool = True
    entries: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None


# --- other equations, parameters, tolerances ---------------------------------------------------------------------------------------------


def wrong_parameter_by_a_hundredth(spoiling: Spoiling) -> None:
    spoiling.made_again(spoiling.original().with_parameters(rho=28.28))


def wrong_parameter_by_a_thousandth(spoiling: Spoiling) -> None:
    spoiling.made_again(spoiling.original().with_parameters(sigma=10.01))


def wrong_parameter_of_one_trajectory(spoiling: Spoiling) -> None:
    spoiling.made_again(spoiling.original().with_parameters(rho=28.28), rows=[15])


def wrong_parameter_of_a_map(spoiling: Spoiling) -> None:
    spoiling.made_again(spoiling.original().with_parameters(b=0.297))


def wrong_sign_in_one_term(spoiling: Spoiling) -> None:
    original = spoiling.original()
    equations = {**original.equations, "y": "x - a*y"}
    spoiling.made_again(System(name="Other", equations=equations, parameters=original.parameters, initial=dict.fromkeys("xyz", 1.0)))


def a_term_left_out(spoiling: Spoiling) -> None:
    original = spoiling.original()
    equations = {**original.equations, "y": "x*(rho - z)"}
    spoiling.made_again(System(name="Other", equations=equations, parameters=original.parameters, initial=dict.fromkeys("xyz", 1.0)))


def tolerance_too_loose(spoiling: Spoiling) -> None:
    spoiling.made_again(spoiling.original(), tolerance=1e-5)


def mislabelled_system(spoiling: Spoiling) -> None:
    for name in ("initial", "coarse/state", "fine/state"):
        spoiling.root[f"Lorenz/{name}"][:] = spoiling.root[f"Rossler/{name}"][:]


def energy_drifts(spoiling: Spoiling) -> None:
    places = [spoiling.original().variables.index(name) for name in ("px", "py")]

    def shrunk(states: np.ndarray) -> np.ndarray:
        states[:, :, places] *= np.linspace(1.0, 1.0 - 1e-4, states.shape[1])[None, :, None]
        return states

    spoiling.each(shrunk)


# --- noise, smoothing, digits ------------------------------------------------------------------------------------------------------------


def noise(size: float) -> Callable[[Spoiling], None]:
    def spoil(spoiling: Spoiling) -> None:
        generator = np.random.default_rng(0)
        spoiling.each(lambda states: states + size * states.std(axis=(0, 1)) * generator.standard_normal(states.shape))

    return spoil


def smoothing_over_three_samples(spoiling: Spoiling) -> None:
    def smooth(states: np.ndarray) -> np.ndarray:
        states[:, 1:-1] = (states[:, :-2] + states[:, 1:-1] + states[:, 2:]) / 3.0
        return states

    spoiling.each(smooth, grids=["fine"])


def every_second_sample_interpolated(spoiling: Spoiling) -> None:
    def interpolate(states: np.ndarray) -> np.ndarray:
        states[:, 1:-1:2] = 0.5 * (states[:, 0:-2:2] + states[:, 2::2])
        return states

    spoiling.each(interpolate, grids=["fine"])


def half_precision(spoiling: Spoiling) -> None:
    spoiling.each(lambda states: states.astype(np.float16).astype(np.float64))


def brain_float(spoiling: Spoiling) -> None:
    spoiling.each(lambda states: (states.astype(np.float32).view(np.uint32) & 0xFFFF0000).astype(np.uint32).view(np.float32))


def three_decimals(spoiling: Spoiling) -> None:
    spoiling.each(lambda states: np.round(states, 3))


def clipped_values(spoiling: Spoiling) -> None:
    def clip(states: np.ndarray) -> np.ndarray:
        states[..., 0] = np.minimum(states[..., 0], np.quantile(states[..., 0], 0.95))
        return states

    spoiling.each(clip)


def scaled_variable(spoiling: Spoiling) -> None:
    spoiling.initial_too(lambda states: states * np.array([1.001, 1.0, 1.0]))


def flipped_variable(spoiling: Spoiling) -> None:
    spoiling.initial_too(lambda states: states * np.array([1.0, 1.0, -1.0]))


def exchanged_variables(spoiling: Spoiling) -> None:
    spoiling.initial_too(lambda states: states[..., [1, 0, 2]])


# --- samples and times -------------------------------------------------------------------------------------------------------------------


def time_axis_off_by_one(spoiling: Spoiling) -> None:
    group = spoiling.root["Lorenz/fine"]
    group["time"][:] = np.asarray(group["time"][:]) + group.attrs[layout.DT]


def time_stretched_with_its_step(spoiling: Spoiling) -> None:
    group = spoiling.root["Lorenz/fine"]
    step = group.attrs[layout.DT] * 1.01
    group["time"][:] = np.arange(len(group["time"][:])) * step
    group.attrs[layout.DT] = step
    for key in (layout.SAMPLES_PER_PERIOD, layout.SAMPLES_PER_LYAPUNOV_TIME):
        if key in group.attrs:
            del group.attrs[key]


def states_shifted_by_a_sample(spoiling: Spoiling) -> None:
    spoiling.each(lambda states: np.concatenate([states[:, 1:], states[:, -1:]], axis=1), grids=["fine"])


def a_sample_left_out(spoiling: Spoiling) -> None:
    spoiling.each(lambda states: np.concatenate([states[:, :40], states[:, 41:], states[:, -1:]], axis=1), grids=["fine"])


def time_runs_backwards(spoiling: Spoiling) -> None:
    spoiling.each(lambda states: states[:, ::-1], grids=["fine"])


def a_repeated_sample(spoiling: Spoiling) -> None:
    array = spoiling.states("fine")
    array[7, 301] = array[7, 300]


def a_gap_filled_forward(spoiling: Spoiling) -> None:
    array = spoiling.states("coarse")
    array[9, 200:210] = np.broadcast_to(np.asarray(array[9, 199]), (10, 3))


def frozen_trajectory(spoiling: Spoiling) -> None:
    for grid in GRIDS:
        array = spoiling.states(grid)
        array[4] = np.broadcast_to(np.asarray(array[4, 0]), array.shape[1:])


def frozen_variable(spoiling: Spoiling) -> None:
    array = spoiling.states("fine")
    array[4, :, 2] = np.full(array.shape[1], np.asarray(array[4, 0])[2])


def variable_frozen_from_the_middle_on(spoiling: Spoiling) -> None:
    array = spoiling.states("coarse")
    array[11, 256:, 1] = np.full(array.shape[1] - 256, np.asarray(array[11, 256])[1])


def not_a_number(spoiling: Spoiling) -> None:
    spoiling.states("fine")[5, 17, 1] = np.nan


def infinite_tail(spoiling: Spoiling) -> None:
    spoiling.states("coarse")[20, 500:] = np.inf


def one_spike(spoiling: Spoiling) -> None:
    spoiling.states("fine")[3, 100, 0] = 90.0


# --- trajectories, splits, transients ----------------------------------------------------------------------------------------------------


def exchanged_samples_of_two_splits(spoiling: Spoiling) -> None:
    for grid in GRIDS:
        array = spoiling.states(grid)
        array[0], array[20] = np.asarray(array[20]), np.asarray(array[0])


def exchanged_trajectories_of_two_splits(spoiling: Spoiling) -> None:
    exchanged_samples_of_two_splits(spoiling)
    array = spoiling.root["Lorenz/initial"]
    array[0], array[20] = np.asarray(array[20]), np.asarray(array[0])


def copied_trajectory(spoiling: Spoiling) -> None:
    for name in ("initial", "coarse/state", "fine/state"):
        array = spoiling.root[f"Lorenz/{name}"]
        array[12] = np.asarray(array[0])


def copied_trajectory_that_begins_later(spoiling: Spoiling) -> None:
    array = spoiling.root["Lorenz/initial"]
    array[12] = np.asarray(spoiling.states("coarse")[0, 20], dtype=np.float64)
    spoiling.made_again(spoiling.original(), rows=[12])


def split_of_another_measure(spoiling: Spoiling) -> None:
    for grid in GRIDS:
        array = spoiling.states(grid)
        states = np.asarray(array[:])
        states[:12, :, :2] = np.abs(states[:12, :, :2])
        states[12:, :, :2] = -np.abs(states[12:, :, :2])
        array[:] = states


def transient_left_in(spoiling: Spoiling) -> None:
    spoiling.drawn_again(transient=0.0)


def transient_cut_short(spoiling: Spoiling) -> None:
    spoiling.drawn_again(transient=float(spoiling.root["Lorenz/start_time"][0]) * 0.9)


def another_seed(spoiling: Spoiling) -> None:
    spoiling.drawn_again(transient=float(spoiling.root["Lorenz/start_time"][0]), seed=4)


def another_start_time(spoiling: Spoiling) -> None:
    spoiling.root["Lorenz/start_time"][:] = np.zeros(24)


# --- what is written about them ----------------------------------------------------------------------------------------------------------


def wrong_parameters_beside_the_states(spoiling: Spoiling) -> None:
    spoiling.root["Lorenz/parameters"][6, 1] = 28.5


def a_status_that_is_not_true(spoiling: Spoiling) -> None:
    spoiling.root["Lorenz/status"][2] = layout.Status.DIVERGED


def a_twice_too_large_exponent(spoiling: Spoiling) -> None:
    record = dict(spoiling.root[spoiling.system].attrs[layout.RECORD])
    record["invariants"]["lyapunov_spectrum"]["value"][0] *= 2
    spoiling.record(invariants=record["invariants"])


def chaos_called_periodic(spoiling: Spoiling) -> None:
    spoiling.record(behaviour="periodic")


def a_symmetry_that_is_none(spoiling: Spoiling) -> None:
    spoiling.record(symmetries=[{"x": "-x", "y": "-y", "z": "-z"}])


def names_of_other_variables(spoiling: Spoiling) -> None:
    spoiling.root["Lorenz"].attrs[layout.VARIABLES] = ["x", "z", "y"]


def another_type_than_asked_for(spoiling: Spoiling) -> None:
    spoiling.root_attributes(lambda attributes: attributes[layout.RECIPE].update(dtype="float64"))


def a_system_that_is_missing(spoiling: Spoiling) -> None:
    spoiling.root_attributes(lambda attributes: attributes[layout.RECIPE]["systems"].append("Thomas"))


def a_trajectory_in_another_split(spoiling: Spoiling) -> None:
    spoiling.root["Lorenz/split"][5] = 2


# --- files -------------------------------------------------------------------------------------------------------------------------------

SHARD = layout.shard_path("Lorenz", "fine", 1)


def truncated_shard(spoiling: Spoiling) -> None:
    file = spoiling.path / SHARD
    file.write_bytes(file.read_bytes()[:-100])


def flipped_byte(spoiling: Spoiling) -> None:
    file = spoiling.path / SHARD
    content = bytearray(file.read_bytes())
    content[200] ^= 1
    file.write_bytes(content)


def missing_shard(spoiling: Spoiling) -> None:
    (spoiling.path / SHARD).unlink()


def shards_exchanged(spoiling: Spoiling) -> None:
    first, second = spoiling.path / SHARD, spoiling.path / layout.shard_path("Lorenz", "fine", 2)
    contents = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(contents)


def manifest_of_another_run(spoiling: Spoiling) -> None:
    file = spoiling.path / layout.MANIFEST
    file.write_bytes(file.read_bytes()[:-1] + b"x")


def unfinished(spoiling: Spoiling) -> None:
    (spoiling.path / layout.MANIFEST).unlink()
    spoiling.root_attributes(lambda attributes: attributes.pop(layout.MANIFEST_DIGEST))


def another_version(spoiling: Spoiling) -> None:
    spoiling.root_attributes(lambda attributes: attributes.update({layout.FORMAT: 99}))


def lost_root(spoiling: Spoiling) -> None:
    (spoiling.path / ROOT).write_text("{")


def emptied(spoiling: Spoiling) -> None:
    shutil.rmtree(spoiling.path)
    spoiling.path.mkdir()


def nothing(spoiling: Spoiling) -> None:
    """For what is not of the store."""


def changed_catalog(entries: Mapping[str, Any]) -> dict[str, Any]:
    """The catalog in which rho is 30 now."""
    return {**dict(entries.items()), "Lorenz": System.from_record(entries["Lorenz"]).with_parameters(rho=30).record}


STEP, DIGEST = "truth.one_step", "store.digests"
MUTATIONS = (
    Mutation("a parameter is wrong by 1 %", wrong_parameter_by_a_hundredth, STEP, r"as if rho were 28\.28, where 28 is stated"),
    Mutation("a parameter is wrong by 1 ‰", wrong_parameter_by_a_thousandth, STEP, r"as if sigma were 10\.01, where 10 is stated"),
    Mutation(
        "a parameter of one trajectory is wrong by 1 %", wrong_parameter_of_one_trajectory, STEP, r"trajectory 15 .* as if rho were 28\.28"
    ),
    Mutation("a map's parameter is wrong by 1 %", wrong_parameter_of_a_map, STEP, r"as if b were 0\.297, where 0\.3 is stated", "Henon"),
    Mutation("one term has the wrong sign", wrong_sign_in_one_term, STEP, "not what the stated equations give", "Rossler"),
    Mutation("one term is left out", a_term_left_out, STEP, "not what the stated equations give"),
    Mutation("the tolerance is too loose, 1e-5", tolerance_too_loose, "truth.reintegration", "leaves the solution of the stated equations"),
    Mutation("another system under this name", mislabelled_system, STEP, "They are steps of Rossler"),
    Mutation("the energy drifts by 1e-4", energy_drifts, "truth.conserved", r"energy drifts by", "HenonHeiles"),
    Mutation("noise of 1e-3 of the spread", noise(1e-3), "truth.residual", "do not move as the stated equations do"),
    Mutation("noise of 1e-5 of the spread", noise(1e-5), STEP, "not what the stated equations give"),
    Mutation("smoothing over three samples", smoothing_over_three_samples, "truth.residual", "do not move as the stated equations do"),
    Mutation("every second sample is interpolated", every_second_sample_interpolated, STEP, "not what the stated equations give"),
    Mutation("rounded to float16", half_precision, "numbers.significant_bits", "it was rounded to float16"),
    Mutation("cut to bfloat16", brain_float, "numbers.significant_bits", "it was rounded to bfloat16"),
    Mutation("rounded to three decimals", three_decimals, "numbers.significant_bits", "a whole multiple of 1e-3"),
    Mutation("values are clipped at a quantile of 95 %", clipped_values, "numbers.clipped", "x = .* is cut off"),
    Mutation("a variable is scaled by 1.001", scaled_variable, STEP, "not what the stated equations give"),
    Mutation("a variable has the other sign", flipped_variable, STEP, "not what the stated equations give"),
    Mutation("two variables are exchanged", exchanged_variables, STEP, "not what the stated equations give"),
    Mutation("the time axis is off by one", time_axis_off_by_one, "numbers.time_axis", "sample 0 is at"),
    Mutation("times and step are stretched by 1 %", time_stretched_with_its_step, STEP, "not what the stated equations give"),
    Mutation("states are shifted by one sample", states_shifted_by_a_sample, "numbers.first_sample", "sample 0 differs from `initial`"),
    Mutation("a sample is left out", a_sample_left_out, "truth.reintegration", "leaves the solution of the stated equations"),
    Mutation("time runs backwards", time_runs_backwards, STEP, "not what the stated equations give"),
    Mutation("one sample is repeated", a_repeated_sample, "numbers.repeated_samples", "2 samples of trajectory 7, from sample 300"),
    Mutation("a gap is filled forward", a_gap_filled_forward, "numbers.repeated_samples", "11 samples of trajectory 9, from sample 199"),
    Mutation("a trajectory stands still", frozen_trajectory, "numbers.moving", "first trajectory 4"),
    Mutation("a variable stands still", frozen_variable, "numbers.frozen_variable", "z = .* 512 samples of trajectory 4"),
    Mutation(
        "a variable stands still from the middle on",
        variable_frozen_from_the_middle_on,
        "numbers.frozen_variable",
        "256 samples of trajectory 11",
    ),
    Mutation("one number is none", not_a_number, "numbers.finite", "first trajectory 5 at sample 17"),
    Mutation("a tail is infinite", infinite_tail, "numbers.finite", "first trajectory 20 at sample 500"),
    Mutation("one value lies far out", one_spike, "numbers.measure_range", "x reaches 90 in trajectory 3"),
    Mutation(
        "the samples of two splits are exchanged",
        exchanged_samples_of_two_splits,
        "numbers.first_sample",
        "2 trajectories, first trajectory 0",
    ),
    Mutation(
        "two trajectories are exchanged, initial states and all",
        exchanged_trajectories_of_two_splits,
        "truth.transient",
        r"no draw of trajectory (0|20) leads to its sample 0",
    ),
    Mutation(
        "a trajectory is copied to another split", copied_trajectory, "splits.no_duplicates", "trajectory 12 .* is a copy of trajectory 0"
    ),
    Mutation(
        "a copied trajectory begins later",
        copied_trajectory_that_begins_later,
        "truth.transient",
        "no draw of trajectory 12 leads to its sample 0",
    ),
    Mutation("a split has another measure", split_of_another_measure, "splits.same_measure", "largest difference: mean of [xy]"),
    Mutation("the transient is left in", transient_left_in, "truth.transient", "their transient is left in"),
    Mutation("the transient is a tenth too short", transient_cut_short, "truth.transient", "leads to its sample 0 in the stated transient"),
    Mutation("the random numbers are of another seed", another_seed, "truth.transient", "leads to its sample 0 in the stated transient"),
    Mutation(
        "start_time says that there was no transient", another_start_time, "truth.transient", "another transient than the recipe asks for"
    ),
    Mutation("the stored parameters are others", wrong_parameters_beside_the_states, "labels.parameters", "rho = 28.5, the entry says 28"),
    Mutation("a status is not true", a_status_that_is_not_true, "labels.status", "trajectory 2 has all samples"),
    Mutation("the entry's exponent is twice too large", a_twice_too_large_exponent, EXPONENT, "the catalog says 0.84", "Henon"),
    Mutation("a chaotic system is called periodic", chaos_called_periodic, "labels.behaviour", "annotated as periodic", "Henon"),
    Mutation("the entry has a symmetry that is none", a_symmetry_that_is_none, "truth.symmetry", "symmetry 0 does not hold"),
    Mutation("variables have the names of others", names_of_other_variables, "store.schema", "the equations have"),
    Mutation("another type than the recipe's", another_type_than_asked_for, "numbers.dtype", "the recipe asks for float64"),
    Mutation("a system is missing", a_system_that_is_missing, "store.asked_for", "asks for the systems .*Thomas"),
    Mutation(
        "a trajectory is moved to another split", a_trajectory_in_another_split, "store.asked_for", "Lorenz has 11 trajectories in train"
    ),
    Mutation("a shard is cut short", truncated_shard, DIGEST, "is truncated", covered=False),
    Mutation("a byte is flipped", flipped_byte, DIGEST, "is changed: SHA-256", covered=False),
    Mutation("a shard is missing", missing_shard, DIGEST, "is missing", covered=False),
    Mutation("two shards are exchanged", shards_exchanged, DIGEST, "2 files are damaged", covered=False),
    Mutation("the manifest is altered", manifest_of_another_run, "store.manifest", "the manifest is damaged", covered=False),
    Mutation(
        "the catalog has changed since", nothing, "store.catalog_current", "has changed since this store was made", entries=changed_catalog
    ),
    Mutation("the store is half-written", unfinished, "StoreError", "the store is not finished", covered=False),
    Mutation("the store is of another version", another_version, "StoreError", "has format version 99", covered=False),
    Mutation("the root's document is damaged", lost_root, "DamageError", "1 damaged file", covered=False),
    Mutation("the folder is empty", emptied, "StoreError", "the folder is empty", covered=False),
)


@dataclass(frozen=True)
class Outcome:
    """Whether a mutation was found by its check with its message; what that check said, and which others failed."""

    mutation: Mutation
    caught: bool
    said: str
    others: tuple[str, ...]


def make_dataset(folder: Path, systems: str = SYSTEMS) -> Path:
    """The good store, generated in `folder`; of fewer systems where fewer are spoiled."""
    from attractory.stages.generate import generate

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recipe.yaml").write_text(RECIPE.replace(SYSTEMS, systems))
    path = folder / "spoiled.zarr"
    generate(folder / "recipe.yaml", out=path)
    return path


def outcome_of(mutation: Mutation, good: Path, folder: Path, *, only: str | None = None) -> Outcome:
    """Spoils a copy of the good store in an empty folder, and asks the referee; only: one check in place of all."""
    path = Path(shutil.copytree(good, folder / good.name))
    mutation.spoil(Spoiling(zarr.open_group(str(path), mode="r+", use_consolidated=False), path, mutation.system))
    if mutation.covered:
        renew_digests(path)
    try:
        failures = _failures(mutation, path, only)
    except AttractoryError as error:
        kinds = {kind.__name__ for kind in type(error).__mro__}
        return Outcome(mutation, mutation.check in kinds and re.search(mutation.message, str(error)) is not None, str(error), ())
    named = [check for check in failures if check.key == mutation.check]
    right = [check for check in named if re.search(mutation.message, check.message) and check.verdict == "fail"]
    said = (right or named or failures or [None])[0]
    others = sorted({check.key for check in failures} - {mutation.check})
    return Outcome(mutation, bool(right), said.message if said else "nothing failed", tuple(others))


def _failures(mutation: Mutation, path: Path, only: str | None) -> list[Check]:
    dataset: StoredDataset = open_stored(path)
    entries = current_entries(dataset) if mutation.entries else {}
    alone = replace(dataset, systems=tuple(stored for stored in dataset.systems if stored.name == mutation.system))
    whole = {"store.asked_for", "store.manifest", "store.systems"}
    wanted = EXPONENT if mutation.check == "labels.behaviour" else mutation.check
    about = (rule for rule in RULES if rule.key not in _COSTLY or rule.key == wanted)
    rules = tuple(rule for rule in about if rule.key not in whole and only in (None, rule.key))
    settings = Settings(entries=mutation.entries(entries) if mutation.entries else entries)
    found = list(Referee(settings, Demands(), (), rules).checks(alone))
    found += Referee(settings, Demands(), (), [rule for rule in RULES if rule.key in whole and only in (None, rule.key)]).checks(dataset)
    return [check for check in found if check.failed]


def renew_digests(path: Path) -> None:
    """Digests, manifest and root agree with the files again: whoever spoiled the store covered it up."""
    held = store.contents(path)
    root = json.loads((path / ROOT).read_bytes())
    members = root["consolidated_metadata"]["metadata"]
    for file in path.rglob(ROOT):
        if file.parent != path:
            key = str(file.parent.relative_to(path))
            members[key] = json.loads(file.read_bytes()) | (
                {"consolidated_metadata": members[key]["consolidated_metadata"]} if "consolidated_metadata" in members[key] else {}
            )
            file.write_bytes(document({name: part for name, part in members[key].items() if name != "consolidated_metadata"}))
    rows = [replace(row, bytes=(path / row.path).stat().st_size, sha256=_digest(path / row.path)) for row in held.rows]
    for array in path.glob("*/*/digest/c/0/0"):
        own = sorted((row for row in rows if (path / row.path).is_relative_to(array.parents[3])), key=lambda row: row.first_trajectory)
        array.write_bytes(b"".join(bytes.fromhex(row.sha256) for row in own))
    shards = {row.path for row in rows} | {layout.MANIFEST}
    files = {file.path: _digest(path / file.path) for file in held.files if file.path not in shards}
    content = manifest_bytes(rows, files=files)
    (path / layout.MANIFEST).write_bytes(content)
    root["attributes"][layout.MANIFEST_DIGEST] = hashlib.sha256(content).hexdigest()
    if layout.RECIPE_DIGEST in root["attributes"]:
        root["attributes"][layout.RECIPE_DIGEST] = hashlib.sha256(canonical_json(root["attributes"][layout.RECIPE])).hexdigest()
    (path / ROOT).write_bytes(document(root))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def outcomes(good: Path, mutations: Iterable[Mutation]) -> Iterator[Outcome]:
    """Each in a folder of its own, which is removed again."""
    for mutation in mutations:
        with tempfile.TemporaryDirectory() as folder:
            yield outcome_of(mutation, good, Path(folder))


def page(found: Sequence[Outcome], seconds: float) -> str:
    """The table as Markdown."""
    caught = sum(outcome.caught for outcome in found)
    rows = [
        f"| {number} | {outcome.mutation.name} | `{outcome.mutation.check}` | {'yes' if outcome.caught else '**no**'} | "
        f"{_cell(outcome.said)} | {', '.join(f'`{key}`' for key in outcome.others)} |"
        for number, outcome in enumerate(found, start=1)
    ]
    return "\n".join(
        [
            "# Ways to spoil a dataset",
            "",
            f"{caught} of {len(found)} are found by the check that should find them, with a message that says what is wrong.",
            f"Written by `python benchmarks/mutations.py` ({seconds:.0f} seconds of one core). Each way is done to a copy of a small",
            "dataset of Lorenz, Rossler, HenonHeiles and Henon; where it changes numbers or attributes, the digests are renewed",
            "afterwards, so that they give nothing away. The four checks that cost most are run only where they should fail:",
            f"{', '.join(f'`{key}`' for key in _COSTLY)}.",
            "",
            "| | what was done | check that should | found | what it said | others that failed |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _cell(text: str) -> str:
    one_line = re.sub(r"/\S*/(spoiled\.zarr)", r"\1", " ".join(text.split())).replace(f"{CHECKOUT}/", "")
    return (one_line if len(one_line) <= 220 else one_line[:220] + "…").replace("|", "\\|")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="functions or words of the names; default: all, and the page is written")
    parser.add_argument("--keep", type=Path, help="where the good dataset is made, and found again")
    asked = parser.parse_args()
    chosen = [one for one in MUTATIONS if not asked.names or any(name in (one.spoil.__name__, one.name) for name in asked.names)]
    begun = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        good = make_dataset(asked.keep or Path(folder))
        found = []
        for outcome in outcomes(good, chosen):
            found.append(outcome)
            print(f"{'found ' if outcome.caught else 'MISSED'} {outcome.mutation.name}: {outcome.said[:300]}", flush=True)
    if not asked.names:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(page(found, time.process_time() - begun), encoding="utf-8")
    missed = [outcome for outcome in found if not outcome.caught]
    print(f"{len(found) - len(missed)} of {len(found)} found")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
