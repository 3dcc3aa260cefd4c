"""A small dataset, and the command line in processes of its own, as users run it."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

import attractory

RECIPE = """
name: tiny
seed: 3
systems: [Henon, Lorenz]
trajectories: {train: 5, validation: 2, test: 2}
granularities:
  coarse: {samples_per_period: 8, samples: 20}
  fine: {samples_per_period: 50, samples: 200}
shard_trajectories: 1
"""
COMMAND = (sys.executable, "-c", "from attractory.console import main; main()")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(attractory.__file__).parents[1])}


def _beside(name: str):
    """A module beside this file: with --import-mode=importlib a test imports none by its name."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


single_node_slurm = _beside("single_node_slurm")


def _digests(store: Path) -> dict[str, str]:
    """SHA-256 of every file of a store, manifest included."""
    found = sorted(path for path in store.rglob("*") if path.is_file())
    return {str(path.relative_to(store)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


@pytest.fixture(scope="session")
def digests() -> Callable[[Path], dict[str, str]]:
    """(store) -> SHA-256 of each of its files, by path."""
    return _digests


@pytest.fixture(scope="session")
def recipe_text() -> str:
    """The recipe's text."""
    return RECIPE


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with the recipe alone."""
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    return tmp_path


@pytest.fixture(scope="session")
def made() -> Callable[..., dict[str, str]]:
    """(folder, more arguments) -> the digests of the store that `attractory generate` makes there."""

    def run(folder: Path, *arguments: str, before: tuple[str, ...] = (), environment: Mapping[str, str] = ENVIRONMENT) -> dict[str, str]:
        command = [*before, *COMMAND, "generate", ".", *arguments]
        done = subprocess.run(command, cwd=folder, env=dict(environment), capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, f"{done.stdout}{done.stderr}"
        return _digests(folder / "tiny.zarr")

    return run


@pytest.fixture
def begun() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """(folder, more arguments) -> `attractory generate` there, as a process that goes on; ended with the test."""
    runs: list[subprocess.Popen[str]] = []

    def begin(folder: Path, *arguments: str, environment: Mapping[str, str] = ENVIRONMENT) -> subprocess.Popen[str]:
        command, both = [*COMMAND, "generate", ".", *arguments], {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        runs.append(subprocess.Popen(command, cwd=folder, env=dict(environment), text=True, **both))
        return runs[-1]

    yield begin
    for run in runs:
        run.kill()
        run.wait()


@pytest.fixture(scope="session")
def expected(tmp_path_factory: pytest.TempPathFactory, made) -> dict[str, str]:
    """The digests of the store that one local worker makes."""
    folder = tmp_path_factory.mktemp("expected")
    (folder / "recipe.yaml").write_text(RECIPE)
    return made(folder, "--workers", "1")


@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[single_node_slurm.Slurm]:
    """A SLURM of one node, for all tests."""
    reason = single_node_slurm.missing()
    if reason:
        pytest.skip(reason)
    pytest.importorskip("dask_jobqueue")
    with single_node_slurm.running_slurm(tmp_path_factory.mktemp("slurm"), ENVIRONMENT) as running:
        yield running


@pytest.fixture(scope="session")
def mpiexec() -> str:
    """The starter of MPI runs that fits the library which mpi4py finds: the environment's own first."""
    pytest.importorskip("mpi4py")
    own = Path(sys.prefix) / "bin" / "mpiexec"
    program = str(own) if own.exists() else shutil.which("mpiexec")
    if program is None:
        pytest.skip("mpiexec: not installed (pip install mpich)")
    loads = subprocess.run([program, "-n", "1", sys.executable, "-c", "import mpi4py.MPI"], capture_output=True, timeout=60, check=False)
    if loads.returncode:
        pytest.skip("mpi4py finds no MPI library (pip install mpich)")
    return program
