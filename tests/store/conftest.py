"""A small plan with two systems and two granularities, and made-up states that are a pure function of the block."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from attractory import layout, store
from attractory.store.files import canonical_json, sha256

RECIPE = {"name": "tiny", "seed": 0}


@dataclass(frozen=True)
class Made:
    """States as the engine gives them, (trajectory, time, variable) as a view of variable-major memory."""

    states: tuple[np.ndarray, ...]
    initial: np.ndarray
    parameters: np.ndarray
    start_time: np.ndarray
    status: np.ndarray


def made(plan: store.StorePlan, block: store.Block) -> Made:
    """Sines whose frequency is the trajectory's number: nothing depends on the block that a trajectory is in."""
    system = plan.system(block.system)
    numbers = np.arange(block.first, block.first + block.count, dtype=np.float64)
    states = tuple(_sines(numbers, grid, len(system.variables)).astype(plan.dtype).transpose(0, 2, 1) for grid in system.grids)
    return Made(
        states=states,
        initial=np.ascontiguousarray(states[0][:, 0, :], dtype=np.float64),
        parameters=np.tile(np.arange(float(len(system.parameters))), (block.count, 1)),
        start_time=numbers / 7,
        status=np.zeros(block.count, dtype=np.int8),
    )


def plan(*, shard_trajectories: int = 4, dtype: str = "float32") -> store.StorePlan:
    grids = (_grid("coarse", 0.5, 7), _grid("fine", 0.1, 33))
    systems = (
        store.SystemPlan("Logistic", ("x",), (), 100.0, (5, 1, 1), grids[:1], {layout.NAME: "Logistic", layout.KIND: "map"}),
        store.SystemPlan("Lorenz", ("x", "y", "z"), ("sigma", "rho"), 20.0, (6, 2, 2), grids, {layout.NAME: "Lorenz", layout.KIND: "flow"}),
    )
    attributes = {
        layout.FORMAT: layout.FORMAT_VERSION,
        layout.RECIPE: RECIPE,
        layout.RECIPE_DIGEST: sha256(canonical_json(RECIPE)),
        layout.CONVENTIONS: "CF-1.11",
    }
    return store.StorePlan(systems, dtype, shard_trajectories, attributes)


def build(path: Path, planned: store.StorePlan) -> Path:
    store.create(path, planned)
    for block in planned.blocks():
        store.write_block(path, planned, block, made(planned, block))
    store.finish(path, planned)
    return path


def failed(states: Made, trajectory: int, sample: int) -> Made:
    """The same block, one of its trajectories having diverged at a sample of its last granularity."""
    last = states.states[-1].copy()
    last[trajectory, sample:] = np.nan
    status = states.status.copy()
    status[trajectory] = layout.Status.DIVERGED
    return replace(states, states=(*states.states[:-1], last), status=status)


class Tiny:
    """The functions of this page, for tests that need their own store."""

    plan = staticmethod(plan)
    made = staticmethod(made)
    build = staticmethod(build)
    failed = staticmethod(failed)


@pytest.fixture
def tiny() -> type[Tiny]:
    return Tiny


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """A finished store of the small plan."""
    return build(tmp_path / "tiny.zarr", plan())


def _grid(name: str, dt: float, samples: int) -> store.GridPlan:
    return store.GridPlan(name, dt, samples, {layout.DT: dt})


def _sines(numbers: np.ndarray, grid: store.GridPlan, variables: int) -> np.ndarray:
    times = np.arange(grid.samples) * grid.dt
    return np.stack([np.sin((numbers[:, None] + 1) * times + phase) for phase in range(variables)], axis=1)
