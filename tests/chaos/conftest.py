"""The rounds of chaos as a module: with --import-mode=importlib a test imports none by its name."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def rounds():
    """`rounds.py`, which is a script too."""
    spec = importlib.util.spec_from_file_location("rounds", Path(__file__).with_name("rounds.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules["rounds"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def quiet(rounds, tmp_path_factory):
    """The dataset of the rounds, finished in this process; not to be changed."""
    from attractory.stages.slices import Slice, generate_slice

    dataset = rounds.Dataset.at(tmp_path_factory.mktemp("quiet") / "tiny")
    generate_slice(dataset.folder, Slice(1, 1))
    return dataset


@pytest.fixture
def copy(rounds, quiet, tmp_path):
    """A copy of it, to be damaged."""
    import shutil

    return rounds.Dataset(Path(shutil.copytree(quiet.folder, tmp_path / "tiny")))
