"""A published dataset for tests of other people's readers, which run where Attractory is not installed.

The variable PUBLISHER names the Python of an environment that has it: `make test-readers` sets it.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session", autouse=True)
def offline(tmp_path_factory: pytest.TempPathFactory) -> None:
    """No reader may ask the network for anything, nor write into a user's caches."""
    os.environ.update(HF_DATASETS_OFFLINE="1", HF_HUB_OFFLINE="1", HF_HOME=str(tmp_path_factory.mktemp("hub")))


@pytest.fixture(scope="session")
def version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a published version."""
    folder = tmp_path_factory.mktemp("small")
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'pipeline'}{os.pathsep}{os.environ.get('PUBLISHER_PATH', '')}"}
    command = [os.environ["PUBLISHER"], str(Path(__file__).parent / "small_dataset.py"), str(folder)]
    subprocess.run(command, env=environment, check=True)
    shelf = folder / "shelf"
    return shelf / (shelf / "latest").read_text().strip()


@pytest.fixture(scope="session")
def states(version: Path) -> dict[str, npt.NDArray[np.float32]]:
    """Split -> states (trajectory, time, variable) of Lorenz at the coarse granularity, as plain Parquet has them."""
    found = {}
    for split in ("train", "validation", "test"):
        files = sorted((version / "parquet/Lorenz/coarse").glob(f"{split}*.parquet"))
        rows = [row for file in files for row in pq.read_table(file)["state"].to_pylist()]
        found[split] = np.array(rows, dtype=np.float32)
    return found


@pytest.fixture(scope="session")
def recipe(version: Path) -> dict[str, object]:
    return dict(json.loads((version / "recipe.json").read_text())["recipe"])
