"""A site of a flow, a map and an entry of a stranger's, made once; and a browser without a window."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from attractory.stages.gallery import gallery

SYSTEMS = ("Lorenz", "Henon", "Stranger")
# Whatever text an entry has: tags that would run, ends of the elements that it stands in, addresses that are none.
STRANGER = """\
name: Stranger
kind: map
description: '<script>window.caught = 1</script> & "quotes" </title></p>'
reference:
  authors: '"><img src=x onerror="window.caught = 2">'
  year: 1999
  title: '</script><script>window.caught = 3</script>'
  journal: 'A & B'
  doi: '10.1/<b>&"'
  url: 'javascript:window.caught = 4'
tags: ['"onmouseover="window.caught = 5', '</option></select><script>window.caught = 6</script>']
variables: {x: {meaning: '<svg onload="window.caught = 7">', unit: '<b>'}}
parameters: {r: 4.0}
equations: {x: r*x*(1 - x)}
initial: {x: 0.3}
conserved: {}
variants: {other: {parameters: {r: 3.9}, notes: '</td></table><iframe src="javascript:1">'}}
published:
  - {quantity: '<i>entropy</i>', value: 0.69, source: '<a href="javascript:window.caught = 8">here</a>'}
notes: '</section><object data="javascript:1">'
"""


@pytest.fixture(scope="session")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the stranger's entry."""
    folder = tmp_path_factory.mktemp("strangers")
    (folder / "stranger.yaml").write_text(STRANGER)
    return folder


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, strangers: Path) -> Path:
    """The site of SYSTEMS; tests only read it."""
    folder = tmp_path_factory.mktemp("gallery") / "site"
    gallery(SYSTEMS, to=folder, folder=strangers)
    return folder


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
