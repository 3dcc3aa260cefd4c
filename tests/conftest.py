"""What every test shares: draws that repeat, one small finished dataset, and skips that fail where `--no-skips` asks for it."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import settings

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)

settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.load_profile("repeatable")

RECIPE = """
name: quickstart
description: One flow, small.
seed: 0
systems: [Lorenz]
trajectories: {train: 8, validation: 4, test: 4}
granularities:
  coarse: {samples_per_period: 15, samples: 128}
dtype: float32
shard_trajectories: 4
"""


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return Path(__file__).parent.parent


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with datasets/quickstart, a small dataset that is generated, validated and published; tests only read it."""
    from attractory.stages.build import build

    folder = tmp_path_factory.mktemp("project")
    recipe = folder / "datasets" / "quickstart" / "recipe.yaml"
    recipe.parent.mkdir(parents=True)
    recipe.write_text(RECIPE)
    built = build(recipe)
    assert built.published is not None, built.report.failures
    return folder


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skips", action="store_true", help="a skipped test counts as failed: for a machine that must run them all")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    return _failed(report) if item.config.getoption("no_skips") and not hasattr(report, "wasxfail") else report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    return _failed(report) if collector.config.getoption("no_skips") else report


def _failed(report: Report) -> Report:
    if report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid} was skipped where every test must run: {report.longrepr}"
    return report
