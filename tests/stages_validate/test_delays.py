"""Delay systems from a recipe to a verdict: the same bytes for any workers, a second solver that agrees, spoilt samples that are found."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import zarr

from attractory import System
from attractory.stages.generate import generate
from attractory.stages.validate import Report
from attractory.stages.validate.delay_reference import integrate_delays_again, times_from_the_start
from attractory.stages.validate.reference import Problem
from attractory.stages.validate.run import run_checks
from attractory.stages.validate.stored import open_stored

ENTRY = """
name: Feedback
kind: delay
description: Mackey and Glass's equation, at a delay where it is periodic.
behaviour: periodic
parameters: {tau: 8.0}
equations:
  x: 0.2*x(t - tau)/(1 + x(t - tau)**10) - 0.1*x
history: {x: 0.5 + 0.01*t}
timescale: {period: 25.0, definition: 'between maxima, about'}
"""
RECIPE = """
name: delays
seed: 5
systems: [Feedback]
trajectories: {train: 3, validation: 2, test: 2}
transient: {periods: 2, iterates: 10}
granularities:
  coarse: {samples_per_period: 15, samples: 40}
  fine: {dt: 0.1, samples: 100}
shard_trajectories: 2
catalog: mine
"""


@pytest.fixture(scope="module")
def store(generated: Callable[[str, Mapping[str, str]], Path]) -> Path:
    """A finished store, made in this process."""
    return generated(RECIPE, {"feedback": ENTRY})


def failures(path: Path) -> list[str]:
    return [f"{check.granularity} {check.name}" for check in Report(str(path), tuple(run_checks(open_stored(path), {}))).failures]


def files(path: Path) -> dict[str, bytes]:
    return {str(file.relative_to(path)): file.read_bytes() for file in sorted(path.rglob("*")) if file.is_file()}


def test_one_worker_and_two_write_the_same_bytes(store: Path) -> None:
    """Histories are drawn by each trajectory's number, and nothing else decides."""
    other = store.with_name("two.zarr")
    generate(store.parent / "recipe.yaml", out=other, workers=2)
    assert files(other) == files(store)


def test_a_second_solver_agrees_with_a_good_store(store: Path) -> None:
    """Every check passes, and the samples are those of SciPy's method of steps."""
    assert failures(store) == []


def test_spoilt_samples_are_found(store: Path, tmp_path: Path, renewed) -> None:
    """All samples but the first, off by a thousandth: no number says so but the equations."""
    copy = Path(shutil.copytree(store, tmp_path / "spoilt.zarr"))
    state = zarr.open_group(str(copy), mode="r+", use_consolidated=False)["Feedback/fine/state"]
    state[:, 1:] = state[:, 1:] * np.float32(1.001)
    renewed(copy)
    assert "fine reintegration" in failures(copy)


def test_the_second_solver_knows_a_closed_form() -> None:
    """x' = -(pi/2) x(t - 1) with x = cos(pi t / 2) before 0 is that cosine, after a transient of three delays too."""
    system = System(name="Cosine", kind="delay", equations={"x": "-pi/2*x(t - 1)"}, history={"x": "cos(pi/2*t)"})
    problem = Problem(system.definition, np.zeros(1), np.zeros(0), 3.0, np.ones(1), False)
    times = times_from_the_start(3.0, np.linspace(0.0, 4.0, 41))
    reference = integrate_delays_again(problem, times)
    error = np.abs(reference.states[:, 0] - np.cos(np.pi / 2 * (3.0 + times)))
    assert error.max() < 1e-10  # the dense output of seven steps of a delay
    assert reference.parted.max() < 10.0
