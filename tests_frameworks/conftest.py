"""Stores for the tests that need torch or JAX; these and those of SymPy run in an environment of their own, one framework a process."""

from __future__ import annotations

import importlib.util
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from attractory.loader import Dataset
from attractory.loader import open as open_store

SETTINGS: dict[str, Any] = {"granularity": "fine", "split": "train", "context": 8, "horizon": 4, "batch_size": 16}


def _writer() -> ModuleType:
    """The page of the loader's tests that writes small stores with zarr-python."""
    path = Path(__file__).parent.parent / "tests/loader/conftest.py"
    spec = importlib.util.spec_from_file_location("small_stores", path)
    if spec is None or spec.loader is None:
        message = f"{path} cannot be loaded"
        raise ImportError(message)
    module = importlib.util.module_from_spec(spec)
    sys.modules["small_stores"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def stores() -> Any:
    return _writer().Stores


@pytest.fixture(scope="session")
def tiny(stores: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two systems of 2 and 3 variables, 5 training trajectories of 50 samples each."""
    return Path(stores.write(tmp_path_factory.mktemp("stores") / "tiny.zarr"))


@pytest.fixture
def forecasts(tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[float, float]]:
    """(a file of examples/forecast) -> the mean errors that it prints after 60 steps on the tiny store: its own and that of persistence."""
    folder = Path(__file__).parent.parent / "examples/forecast"
    lengths = ["--context", "8", "--horizon", "16", "--samples-per-lyapunov-time", "8"]

    def run(name: str) -> tuple[float, float]:
        monkeypatch.setattr(sys, "argv", [name, str(tiny), "--granularity", "fine", "--steps", "60", *lengths])
        monkeypatch.syspath_prepend(folder)
        runpy.run_path(str(folder / name), run_name="__main__")
        lines = [line for line in capsys.readouterr().out.splitlines() if "valid for" in line]
        own, persistence = (float(line.split("mean error ")[1].split(",")[0]) for line in lines)
        return own, persistence

    return run


@pytest.fixture
def dataset(tiny: Path) -> Dataset:
    return open_store(tiny)


@pytest.fixture
def settings() -> dict[str, Any]:
    return dict(SETTINGS)
