"""Some of the ways to spoil a dataset of benchmarks/mutations.py: those of the numbers and of the equations, on one system."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "mutations.py"
LOOKED_AT = (
    "a parameter is wrong by 1 ‰",
    "a parameter of one trajectory is wrong by 1 %",
    "noise of 1e-5 of the spread",
    "smoothing over three samples",
    "rounded to float16",
    "rounded to three decimals",
    "values are clipped at a quantile of 95 %",
    "one sample is repeated",
    "a variable stands still from the middle on",
    "one value lies far out",
    "two trajectories are exchanged, initial states and all",
    "the transient is left in",
    "the entry has a symmetry that is none",
    "a trajectory is moved to another split",
    "the manifest is altered",
)


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("mutations", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["mutations"] = module  # where dataclasses look up the types of their fields
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def mutations() -> Iterator[ModuleType]:
    yield script()
    del sys.modules["mutations"]


@pytest.fixture(scope="module")
def good(mutations: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return mutations.make_dataset(tmp_path_factory.mktemp("mutations"), "[Lorenz]")


@pytest.mark.parametrize("name", LOOKED_AT)
def test_a_spoiled_dataset_is_found_by_the_check_that_should(mutations: Any, good: Path, tmp_path: Path, name: str) -> None:
    """That check alone is run; the script runs all of them on every way."""
    (mutation,) = (one for one in mutations.MUTATIONS if one.name == name)
    outcome = mutations.outcome_of(mutation, good, tmp_path, only=mutation.check)
    assert outcome.caught, outcome.said


def test_a_good_dataset_fails_none_of_these(mutations: Any, good: Path, tmp_path: Path) -> None:
    """Not spoiled, none of the checks that are looked at here finds anything."""
    checks = {one.check for one in mutations.MUTATIONS if one.name in LOOKED_AT}
    for check in sorted(checks):
        nothing = mutations.Mutation("nothing", mutations.nothing, check, "")
        assert mutations.outcome_of(nothing, good, tmp_path / check, only=check).said == "nothing failed"


def test_there_are_forty_ways_and_no_two_of_one_name(mutations: Any) -> None:
    """What the page counts."""
    names = [one.name for one in mutations.MUTATIONS]
    assert len(names) == len(set(names)) >= 40
