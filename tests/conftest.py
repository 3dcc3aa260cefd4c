"""What every test shares: draws that repeat, one small finished dataset, and a browser without a window."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.register_profile("thorough", settings.get_profile("repeatable"), max_examples=2000)  # pytest --hypothesis-profile=thorough
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


@pytest.fixture(scope="session", autouse=True)
def kernel_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where this run keeps its kernels, those of the processes that it starts included: never in the user's own cache."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("ATTRACTORY_CACHE", str(folder))
        yield folder / "kernels"


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


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Mapping[str, str]], Path]:
    """(the recipe, the entries of its catalog `mine` by file) -> a finished store beside them, made in this process."""
    from attractory.stages.generate import generate

    def make(recipe: str, entries: Mapping[str, str]) -> Path:
        folder = tmp_path_factory.mktemp("generated")
        (folder / "mine").mkdir()
        for name, text in entries.items():
            (folder / "mine" / f"{name}.yaml").write_text(text)
        (folder / "recipe.yaml").write_text(recipe)
        generate(folder / "recipe.yaml", out=folder / "one.zarr")
        return folder / "one.zarr"

    return make


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium without a window, driven by selenium; nothing is fetched for it."""
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.skip("Chromium and its driver are not installed: make browser")
    if importlib.util.find_spec("selenium") is None:
        pytest.skip("selenium is not installed: make setup")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = program
    arguments = ["--headless=new", "--window-size=1000,700", "--force-prefers-reduced-motion", "--hide-scrollbars"]
    arguments += ["--use-angle=swiftshader", "--enable-unsafe-swiftshader"]  # graphics by the processor
    arguments += ["--no-sandbox", "--disable-dev-shm-usage"]  # as root, in a container
    arguments += ["--disable-background-networking", "--disable-component-update", "--no-first-run"]
    for argument in arguments:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    opened = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield opened
    opened.quit()


@pytest.fixture(scope="session")
def contrast() -> Callable[[Any], list[Any]]:
    """(page) -> how light its ground is, and each text of a contrast below 4.5 (WCAG 2.2, level AA)."""
    return lambda page: page.execute_script(CONTRAST)


@pytest.fixture(scope="session")
def nameless() -> Callable[[Any], list[str]]:
    """(page) -> what is operated and has no name for who does not see it."""
    return lambda page: page.execute_script(NAMELESS)


CONTRAST = """
const light = (colour) => {
  const [red, green, blue] = colour.map((part) => (part /= 255) <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};
const parts = (text) => text.match(/[\\d.]+/g).map(Number);
const ground = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const found = parts(getComputedStyle(at).backgroundColor);
    if (found.length === 3 || found[3] > 0) return found.slice(0, 3);
  }
};
const poor = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let node = walker.nextNode(); node; node = walker.nextNode()) {
  const element = node.parentElement;
  if (!node.data.trim() || !element.checkVisibility() || element.closest("script, noscript, .hidden")) continue;
  const [a, b] = [light(parts(getComputedStyle(element).color)), light(ground(element))];
  const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (contrast < 4.5) poor.push(`${node.data.trim().slice(0, 30)}: ${contrast.toFixed(2)}`);
}
return [light(ground(document.body)), poor];
"""
NAMELESS = """
return [...document.querySelectorAll("a, button, input, select, canvas, [tabindex='0']")]
  .filter((element) => element.checkVisibility())
  .filter((element) => !(element.getAttribute("aria-label") || element.textContent.trim() || element.labels?.length))
  .map((element) => element.outerHTML.slice(0, 80));
"""
