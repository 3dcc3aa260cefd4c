"""A small good store, made by the engine, and ways to spoil a copy of it that its digests do not give away."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import zarr

from attractory import System, layout, store
from attractory.integrate import BlockSettings, SampleGrid, integrate_block
from attractory.invariants import lyapunov_spectrum
from attractory.invariants.lyapunov_spectrum import Effort
from attractory.stages.plan import catalog_digest
from attractory.store.files import canonical_json, document
from attractory.store.manifest import manifest_bytes
from attractory.store.template import ROOT

RECIPE = {"name": "small", "seed": 3, "dtype": "float32", "tolerance": 1e-14, "description": "Three systems for tests."}
SPLITS = (12, 6, 6)

# The equations of Lorenz, Hénon-Heiles and Hénon under names that the catalog does not have.
LORENZ = {
    "name": "Convection",
    "equations": {"x": "sigma*(y - x)", "y": "x*(rho - z) - y", "z": "x*y - beta*z"},
    "parameters": {"sigma": 10, "rho": 28, "beta": "8/3"},
    "initial": {"x": 1.0, "y": 1.0, "z": 25.0},
    "timescale": {"period": 0.75, "definition": "mean time between maxima of z"},
    "behaviour": "chaotic",
}
HENON_HEILES = {
    "name": "Galaxy",
    "equations": {"x": "u", "y": "v", "u": "-x - 2*x*y", "v": "-y - x**2 + y**2"},
    "initial": {"x": 0.0, "y": -0.25, "u": 0.42, "v": 0.0},
    "conserved": {"energy": "(u**2 + v**2 + x**2 + y**2)/2 + x**2*y - y**3/3"},
    "timescale": {"period": 6.0, "definition": "2 pi of the linear part, rounded"},
    "behaviour": "unknown",
}
HENON = {
    "name": "Horseshoe",
    "kind": "map",
    "equations": {"x": "1 - a*x**2 + y", "y": "b*x"},
    "parameters": {"a": 1.4, "b": 0.3},
    "initial": {"x": 0.1, "y": 0.1},
    "behaviour": "chaotic",
}


def annotated(entry: dict[str, Any]) -> System:
    """The system with the leading exponent that the equations give."""
    system = System(**entry)
    estimate = lyapunov_spectrum(system, standard_error=5e-3, exponents=1, effort=Effort(trajectories=64, budget=500.0))
    invariant = {
        "value": [float(estimate.value[0])],
        "standard_error": [float(estimate.standard_error[0])],
        "method": estimate.method,
        "computed_with": "tests",
    }
    return System(**entry, invariants={"lyapunov_spectrum": invariant})


def planned(system: System) -> store.SystemPlan:
    if system.kind == "map":
        grids = (store.GridPlan("fine", 1, 128, {layout.DT: 1}),)
    else:
        steps = {name: system.period / count for name, count in (("coarse", 15), ("fine", 100))}
        grids = tuple(
            store.GridPlan(name, dt, samples, {layout.DT: dt, layout.SAMPLES_PER_PERIOD: round(system.period / dt)})
            for (name, dt), samples in zip(steps.items(), (64, 256), strict=True)
        )
    attributes = {
        layout.NAME: system.name,
        layout.KIND: system.kind,
        layout.VARIABLES: list(system.variables),
        layout.SYSTEM_DIGEST: system.digest,
        layout.RECORD: system.record.model_dump(mode="json", exclude_none=True),
    }
    names = system.definition.parameters
    return store.SystemPlan(system.name, system.variables, names, 20.0 * (system.period or 50), SPLITS, grids, attributes)


def build(path: Path, systems: list[System]) -> Path:
    """A finished store of the systems, through the engine and the writer."""
    attributes = {
        layout.FORMAT: layout.FORMAT_VERSION,
        layout.RECIPE: RECIPE,
        layout.RECIPE_DIGEST: hashlib.sha256(canonical_json(RECIPE)).hexdigest(),
        layout.CATALOG_DIGEST: catalog_digest(tuple(systems)),
        layout.VERSIONS: {"attractory": "0.1.0"},
        layout.LICENCE: "CC-BY-4.0",
        layout.CONVENTIONS: "CF-1.11",
    }
    ordered = sorted(systems, key=lambda system: system.name)
    plan = store.StorePlan(tuple(planned(system) for system in ordered), "float32", 8, attributes)
    store.create(path, plan)
    for block in plan.blocks():
        system = next(system for system in systems if system.name == block.system)
        own = plan.system(block.system)
        made = integrate_block(
            system,
            indices=range(block.first, block.first + block.count),
            grids=[SampleGrid(grid.dt, grid.samples) for grid in own.grids],
            settings=BlockSettings(seed=3, transient=own.transient, tolerance=1e-14, dtype="float32"),
        )
        store.write_block(path, plan, block, made)
    store.finish(path, plan)
    return path


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
    rows = [replace(row, bytes=(path / row.path).stat().st_size, sha256=digest(path / row.path)) for row in held.rows]
    for array in path.glob("*/*/digest/c/0/0"):
        own = sorted((row for row in rows if (path / row.path).is_relative_to(array.parents[3])), key=lambda row: row.first_trajectory)
        array.write_bytes(b"".join(bytes.fromhex(row.sha256) for row in own))
    shards = {row.path for row in rows} | {layout.MANIFEST}
    files = {file.path: digest(path / file.path) for file in held.files if file.path not in shards}
    content = manifest_bytes(rows, files=files)
    (path / layout.MANIFEST).write_bytes(content)
    root["attributes"][layout.MANIFEST_DIGEST] = hashlib.sha256(content).hexdigest()
    (path / ROOT).write_bytes(document(root))


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


Spoil = Callable[[], Any]


@pytest.fixture(scope="session")
def stored() -> Callable[[Path, list[System]], Path]:
    """How a store is made: stored(path, systems)."""
    return build


@pytest.fixture(scope="session")
def renewed() -> Callable[[Path], None]:
    """How who spoiled a store covers it up: renewed(path)."""
    return renew_digests


@pytest.fixture(scope="session")
def systems() -> list[System]:
    return [annotated(LORENZ), annotated(HENON_HEILES), annotated(HENON)]


@pytest.fixture(scope="session")
def good_store(tmp_path_factory: pytest.TempPathFactory, systems: list[System]) -> Path:
    return build(tmp_path_factory.mktemp("good") / "small.zarr", systems)


@pytest.fixture
def copied(good_store: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(good_store, tmp_path / "small.zarr"))


@pytest.fixture
def spoiled(copied: Path) -> Callable[[], Any]:
    """`with spoiled() as root:` opens the copy for writing, and renews its digests afterwards."""

    @contextmanager
    def opened() -> Iterator[zarr.Group]:
        yield zarr.open_group(str(copied), mode="r+", use_consolidated=False)
        renew_digests(copied)

    return opened
