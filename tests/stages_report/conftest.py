"""Systems as a store holds them, in memory; and a report with every verdict, half of it a stranger's text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from attractory import System, layout
from attractory.stages.report.files import write_report
from attractory.stages.report.pictures import SystemPictures, system_pictures
from attractory.stages.validate.report import Check, LeftOut, Report, Subject
from attractory.stages.validate.stored import StoredGranularity, StoredSystem

WHEN = "2026-01-02T03:04:05"
WICKED = '</p></script><script>window.caught = 1</script><img src=x onerror="window.caught = 2">&\x1b[31m\x00\u202e\ud800'

OSCILLATOR = {"name": "Oscillator", "equations": {"x": "v", "v": "-x"}, "initial": {"x": 1.0, "v": 0.0}}
DOUBLING = {"name": "Fourfold", "kind": "map", "equations": {"x": "4*x*(1 - x)"}, "initial": {"x": 0.3}}


def stored_system(entry: dict[str, Any], states: np.ndarray, *, dt: float, record: dict[str, Any] | None = None) -> StoredSystem:
    """States (trajectory, time, variable) as one granularity of a store; record: more keys of the entry."""
    system = System(**entry, **(record or {}))
    count, samples = states.shape[:2]
    array = zarr.array(states.astype(np.float32), chunks=(1, *states.shape[1:]))
    granularity = StoredGranularity("fine", array, dt * np.arange(samples), {layout.DT: dt})
    return StoredSystem(
        name=system.name,
        record=system.record,
        system=system,
        attributes={},
        initial=states[:, 0].astype(np.float64),
        parameters=np.zeros((count, 0)),
        start_time=np.zeros(count),
        split=np.zeros(count, np.int8),
        status=np.zeros(count, np.int8),
        granularities=(granularity,),
        certified={},
    )


def oscillation(count: int = 4, samples: int = 1024, dt: float = 0.1) -> np.ndarray:
    """Solutions of the oscillator at several phases."""
    phase = np.arange(count)[:, None] + dt * np.arange(samples)
    return np.stack([np.cos(phase), -np.sin(phase)], axis=2)


def orbit(count: int = 8, samples: int = 1024) -> np.ndarray:
    """Orbits of the map, whose exponent is ln 2."""
    states = np.empty((count, samples, 1))
    state = 0.1 + 0.07 * np.arange(count)
    for place in range(samples):
        states[:, place, 0] = state
        state = 4.0 * state * (1.0 - state)
    return states


@pytest.fixture(scope="session")
def oscillator() -> StoredSystem:
    return stored_system(OSCILLATOR, oscillation(), dt=0.1, record={"timescale": {"period": 6.283, "definition": "2 pi"}})


@pytest.fixture(scope="session")
def fourfold() -> StoredSystem:
    return stored_system(DOUBLING, orbit(), dt=1.0)


@pytest.fixture(scope="session")
def stored() -> Callable[..., StoredSystem]:
    """(entry, states, dt=…) -> a system as a store holds it."""
    return stored_system


@pytest.fixture(scope="session")
def pictures(oscillator: StoredSystem, fourfold: StoredSystem) -> dict[str, SystemPictures]:
    return {one.name: system_pictures(one) for one in (oscillator, fourfold)}


def every_verdict() -> tuple[Check, ...]:
    """Of two systems and the store; what the stranger says is wicked."""
    oscillator, fourfold = "Oscillator", "Fourfold"
    failed = Subject("reintegration", "truth", fourfold, "fine").measured(3e-3, 1e-6, f"trajectory 3 leaves the solution: {WICKED}")
    broke = Subject(f"mine:{WICKED}", "numbers", oscillator, "fine").broke(ValueError(WICKED), f"mine{WICKED}.py")
    tested = Subject("same_measure", "splits", oscillator).tested(1e-7, 1e-4, "train and test are unlike")
    return (
        Subject("digests", "store").measured(0.0, 0.0, "every file is what the manifest says"),
        Subject("range", "numbers", oscillator, "fine").measured(1.4, 1000.0, "the largest excursion is of x"),
        replace(broke, promise=f"Whatever {WICKED}", advice=f"Do `this` {WICKED}", source=f"mine{WICKED}.py"),
        replace(tested, promise="Each split has the same measure.", advice="Draw the splits again."),
        Subject("dimension", "labels", oscillator).not_enough("1,024 samples", "8,192 samples"),
        Subject("range", "numbers", fourfold, "fine").measured(1.7, 1000.0, "the largest excursion is of x"),
        replace(failed, promise="What is stored solves the equations.", advice="Make the store again.", limit_from="recipe"),
    )


@pytest.fixture(scope="session")
def report() -> Report:
    left = (LeftOut(f"truth.{WICKED}", "the recipe leaves it out"),)
    return Report(f"two{WICKED}.zarr", every_verdict(), left, "every stored number in one pass")


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory, report: Report, pictures: dict[str, SystemPictures]) -> Path:
    """The report's folder, written once; tests only read it."""
    from datetime import datetime

    made = tmp_path_factory.mktemp("written") / "report"
    write_report(made, report, dataset=f"two {WICKED}", pictures=pictures, when=datetime.fromisoformat(WHEN))
    return made
