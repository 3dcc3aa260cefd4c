"""A site of a flow, a map and an entry of a stranger's, made once."""

from __future__ import annotations

from pathlib import Path

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
