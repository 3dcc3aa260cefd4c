"""The DVC stages: `dvc repro` runs what changed and nothing else. Needs the command `dvc`: `make test` names it in the variable DVC."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from attractory.stages.validate import Asked, validate

ROOT = Path(__file__).parent.parent
DVC = os.environ.get("DVC") or shutil.which("dvc")

pytestmark = pytest.mark.skipif(not DVC, reason="dvc is not installed: make test puts it in .venv-dvc")

RECIPE = """
name: {name}
systems: [{system}]
trajectories: {{train: 8, validation: 4, test: 4}}
granularities:
  every: {{every: 1, samples: 256}}
shard_trajectories: 16
"""


@dataclass(frozen=True)
class Project:
    """A checkout of its own, with the repository's stages, package and catalog, and two small datasets."""

    folder: Path

    def repro(self) -> set[str]:
        """The stages that ran."""
        return set(re.findall(r"^Running stage '(.*)':", self.run(DVC, "repro"), flags=re.MULTILINE))

    def run(self, *command: str | None) -> str:
        """What a command prints that succeeds, run in the checkout with its package."""
        scripts = Path(sys.executable).parent
        environment = {**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(self.folder / "pipeline")}
        ran = subprocess.run(list(map(str, command)), cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    def edit(self, path: str, *, old: str, new: str) -> None:
        file = self.folder / path
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("pipeline", "catalog"):
        shutil.copytree(ROOT / name, folder / name)
    for name in ("dvc.yaml", ".dvc/config", ".dvcignore", ".gitignore"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    (folder / "params.yaml").write_text("recipes: [one, two]\n")
    for name, system in (("one", "Henon"), ("two", "Logistic")):
        (folder / "datasets" / name).mkdir(parents=True)
        (folder / "datasets" / name / "recipe.yaml").write_text(RECIPE.format(name=name, system=system))
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    made = Project(folder)
    assert made.repro() == {f"{stage}@{name}" for stage in ("lock", "generate", "validate", "publish") for name in ("one", "two")}
    return made


def test_a_second_repro_does_nothing(project):
    """What is there is found."""
    assert project.repro() == set()


def test_a_comment_reruns_only_the_locks(project):
    """The long stages depend on what decides a byte, and a comment does not."""
    project.edit("catalog/maps/henon.yaml", old="kind: map", new="kind: map  # the next state")
    assert project.repro() == {"lock@one", "lock@two"}


def test_a_changed_system_reruns_only_the_datasets_that_use_it(project):
    """The store of the other dataset is left alone; this one's is replaced."""
    project.edit("catalog/maps/logistic.yaml", old="initial: {x: 0.51}", new="initial: {x: 0.41}")
    assert project.repro() == {"lock@one", "lock@two", "generate@two", "validate@two", "publish@two"}


def test_two_runs_are_compared(project):
    """`dvc metrics diff` says what the second run of the referee found otherwise, `dvc plots diff` draws both beside one another."""
    project.run("git", "add", "--all")
    project.run("git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--message", "first")
    validate(project.folder / "datasets" / "one" / "one.zarr", asked=Asked(trajectories=1))
    changes = json.loads(project.run(DVC, "metrics", "diff", "--json"))["datasets/one/report/metrics.json"]
    nearest = changes["worst.truth.reintegration"]  # of one trajectory in place of two of each split
    assert nearest["new"] <= nearest["old"]
    assert changes["checks.pass"]["diff"] < 0 < changes["checks.not_enough_data"]["diff"]  # one trajectory says nothing of splits
    drawn = json.loads(project.run(DVC, "plots", "diff", "--json", "HEAD"))["data"]
    assert sorted(drawn) == [f"datasets/{name}/report/plots/{table}.csv" for name in ("one", "two") for table in ("exponents", "margins")]
    (plot,) = drawn["datasets/one/report/plots/margins.csv"]
    assert set(plot["revisions"]) == {"HEAD", "workspace"}
    project.run(DVC, "plots", "show", "--out", "drawn")
    assert "truth.reintegration" in (project.folder / "drawn" / "index.html").read_text()
