"""The repository and the package as a whole: doors, documents, what an import costs."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path
from types import FunctionType

import pytest

import attractory
from attractory.catalog import read_system
from attractory.stages.located import read_recipe

ROOT = Path(__file__).parent.parent
HEAVY = {"dask", "distributed", "numba", "llvmlite", "scipy", "torch", "jax", "xarray", "pandas", "pydantic", "matplotlib", "pyarrow"}
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(language: str) -> list[str]:
    """The README's code blocks in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / "README.md").read_text(), flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("number", range(len(blocks("python"))))
def test_python_in_the_readme_runs(project, monkeypatch, number):
    """What a reader copies works, in a folder with the quickstart dataset."""
    monkeypatch.chdir(project)
    exec(compile(blocks("python")[number], f"README.md, block {number}", "exec"), {})


def test_yaml_in_the_readme_is_an_entry_and_a_recipe(tmp_path):
    """What a reader copies is accepted."""
    entry, recipe = blocks("yaml")
    (tmp_path / "entry.yaml").write_text(entry)
    (tmp_path / "recipe.yaml").write_text(recipe)
    assert read_system(tmp_path / "entry.yaml").name == "Lorenz"
    assert read_recipe(tmp_path).recipe.name == "quickstart"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_documents_lead_somewhere(page):
    """A relative link names a file of the checkout."""
    links = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("name", [name for name in attractory.__all__ if name != "__version__"])
def test_every_public_name_is_a_door(name):
    """Each public name opens, and is documented."""
    assert getattr(attractory, name).__doc__


def test_a_package_does_not_hide_the_function_of_its_name():
    """attractory.integrate is the function, also after the package attractory/integrate has been imported."""
    import_module("attractory.integrate")
    assert isinstance(attractory.integrate, FunctionType)


def test_an_unknown_public_name_is_an_attribute_error():
    """A typing error looks like one of Python's own."""
    with pytest.raises(AttributeError, match="has no attribute 'intergrate'"):
        attractory.intergrate  # noqa: B018


def test_loading_imports_nothing_heavy(project):
    """A training node opens a store and draws a batch with numpy, zarr and fsspec alone."""
    code = f"""
import sys, attractory
dataset = attractory.open({str(project / "datasets/quickstart/quickstart.zarr")!r})
batch = next(iter(dataset.windows(granularity="coarse", split="train", context=8, horizon=4, batch_size=2)))
assert batch.state.shape == (2, 12, 3)
print(*({HEAVY!r} & set(sys.modules)))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "\n", "")


def test_a_door_whose_extra_is_missing_says_what_to_install():
    """`except ImportError` catches it, and the message names the extra."""
    code = """
import sys
sys.modules["numba"] = None
import attractory
try:
    attractory.integrate
except ImportError as error:
    sys.exit(str(error))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "attractory.integrate needs the package 'numba'" in ran.stderr
    assert "pip install 'attractory[pipeline]'" in ran.stderr


def test_the_changelog_speaks_of_this_version():
    """A release without a word about it is a mistake."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"\n## {version}" in (ROOT / "CHANGELOG.md").read_text()


@pytest.mark.parametrize("folder", ["pipeline", "catalog", "datasets"])
def test_folders_beside_the_package_are_no_packages(folder):
    """An __init__.py in datasets/ would hide Hugging Face's `datasets` from a script in the root."""
    assert not (ROOT / folder / "__init__.py").exists()


def test_every_target_of_the_makefile_says_what_it_does():
    """`make help` is the list of what a person can type."""
    text = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^([a-z-]+):(?!=)(.*)$", text, flags=re.MULTILINE)
    assert [name for name, rest in targets if "## " not in rest] == []
    phony = re.search(r"^\.PHONY: (.*)$", text, flags=re.MULTILINE)
    assert phony
    assert sorted(phony.group(1).split()) == sorted(name for name, _ in targets)
