from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from attractory import layout
from attractory.stages import build as stage
from attractory.stages.build import build
from attractory.stages.validate import Report
from attractory.stages.validate.report import Subject


@pytest.fixture
def own_recipe(made_store: Path, tmp_path: Path) -> Path:
    """The folder of the recipe with its catalog and its finished store."""
    folder = tmp_path / "tiny"
    shutil.copytree(made_store.parent, folder, ignore=shutil.ignore_patterns("report"))
    return folder / "recipe.yaml"


def test_build_makes_checks_and_publishes_beside_the_recipe(own_recipe: Path) -> None:
    """The store is there already, so generate makes nothing; the version carries the report."""
    built = build(own_recipe)
    assert built.generated.made == 0
    assert [check.message for check in built.report.failures] == []
    assert built.published is not None
    version = own_recipe.parent / "published" / built.published.version
    assert json.loads((version / "report.json").read_text())["verdict"] == "pass"
    assert built.document()["published"]["version"] == built.published.version


def test_build_publishes_nothing_that_failed_a_check(own_recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And says which check it was."""
    failed = Report("s", (Subject("digests", "store").failed("damaged"),))
    monkeypatch.setattr(stage, "validate", lambda store, **asked: failed)
    built = build(own_recipe)
    assert built.published is None
    assert built.document()["failures"][0]["message"] == "damaged"
    assert not (own_recipe.parent / "published").exists()
    assert layout.MANIFEST in {path.name for path in built.generated.store.iterdir()}
