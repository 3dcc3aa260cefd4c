"""The site as files: whole, the same each time, and of the catalog's text alone."""

from __future__ import annotations

import re
import tomllib
from html.parser import HTMLParser
from pathlib import Path

import pytest

import attractory
from attractory.errors import CatalogError, RequestError
from attractory.stages.gallery import gallery
from attractory.stages.gallery.site import STATIC, static_files

RUNAWAY = """\
name: Runaway
kind: map
description: Leaves every bound.
equations: {x: x**2 + 2}
initial: {x: 1.0}
"""

ALLOWED = set(
    """
    html head title meta link script body header main nav footer section div span p h1 h2 a b i img button input select option svg path
    ul ol li dl dt dd table thead tbody tr th td small sub sup code pre cite figure noscript form fieldset legend label abbr details
    summary wbr
    """.split()
)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


class Page(HTMLParser):
    """The elements of a page and their attributes, as a browser reads them."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def test_two_runs_write_the_same_bytes(site, strangers, tmp_path):
    """In another order of names, into another folder: every file is equal, and none is left over."""
    gallery(["stranger", "Henon", "Lorenz"], to=tmp_path / "again", folder=strangers)
    assert contents(tmp_path / "again") == contents(site)


def test_a_stopped_run_goes_on_to_the_same_bytes(site, strangers, tmp_path):
    """Stopped after a page there is no first page, which comes last; the next run keeps what is done."""

    def stop(done: int, total: int, note: str) -> None:
        raise KeyboardInterrupt

    folder, names = tmp_path / "site", ["Lorenz", "Henon", "Stranger"]
    with pytest.raises(KeyboardInterrupt):
        gallery(names, to=folder, folder=strangers, progress=stop)
    assert not (folder / "index.html").exists()
    went_on = gallery(names, to=folder, folder=strangers)
    assert (went_on.made, went_on.kept) == (2, 1)
    assert contents(folder) == contents(site)


def test_only_what_changed_is_made_again(strangers, tmp_path):
    """An entry that says something else, a picture that is gone; a page that is no longer of the catalog goes."""
    folder, mine = tmp_path / "site", tmp_path / "mine"
    mine.mkdir()
    (mine / "runaway.yaml").write_text(RUNAWAY)
    names = ["Henon", "Logistic", "Runaway"]
    first = gallery(names, to=folder, folder=mine)
    assert (first.made, first.kept) == (3, 0)
    assert [name for name, _ in first.without] == ["Runaway"]
    again = gallery(names, to=folder, folder=mine)
    assert (again.made, again.kept, again.without) == (0, 3, first.without)
    (mine / "runaway.yaml").write_text(RUNAWAY.replace("every bound", "all bounds"))
    (folder / "pictures/Henon.png").unlink()
    assert gallery(names, to=folder, folder=mine).made == 2
    gallery(["Henon"], to=folder)
    assert [path.name for path in (folder / "systems").iterdir()] == ["Henon.html"]


def test_what_has_no_picture_has_a_page(tmp_path):
    """It says why, and so does the first page's card by its hatching."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/runaway.yaml").write_text(RUNAWAY)
    gallery(["Runaway"], to=tmp_path / "site", folder=tmp_path / "mine")
    assert "There is no picture: Runaway: its trajectory left for infinity" in (tmp_path / "site/systems/Runaway.html").read_text()
    assert "<img" not in (tmp_path / "site/index.html").read_text()


def test_a_folder_with_other_files_is_refused(tmp_path):
    """Nothing of it is touched; nor is a file taken for a folder."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.tex").write_text("years of work")
    with pytest.raises(RequestError, match=r"mine holds files that are not a gallery's. Name another folder"):
        gallery(["Henon"], to=tmp_path / "mine")
    assert list(contents(tmp_path / "mine")) == ["thesis.tex"]
    with pytest.raises(RequestError, match=r"thesis\.tex is a file; expected a folder"):
        gallery(["Henon"], to=tmp_path / "mine/thesis.tex")


def test_an_unknown_system_is_refused_before_anything_is_written(tmp_path):
    """With the nearest name."""
    with pytest.raises(CatalogError, match="Did you mean 'Lorenz'"):
        gallery(["Lorentz"], to=tmp_path / "site")
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize("page", ["index.html", "systems/Stranger.html"])
def test_what_a_stranger_wrote_stays_text(site, page):
    """No element, no handler and no address of a page comes from an entry."""
    read = Page((site / page).read_text())
    assert {tag for tag, _ in read.elements} <= ALLOWED
    assert [name for _, attributes in read.elements for name in attributes if name.startswith("on") or name == "style"] == []
    addresses = [attributes[name] for _, attributes in read.elements for name in ("href", "src") if name in attributes]
    assert [address for address in addresses if re.match(r"\s*(javascript|data):", str(address), re.IGNORECASE)] == []
    scripts = [attributes for tag, attributes in read.elements if tag == "script"]
    assert all("src" in script or script.get("type") == "application/json" for script in scripts)
    assert "<script>window.caught = 1</script>" in read.text


def test_a_page_says_what_the_entry_says(site):
    """Equations as LaTeX for KaTeX, values with their errors beside published ones, steps, the source with its address."""
    read = Page((site / "systems/Lorenz.html").read_text())
    values = ("0.9063(20)", "0.9056", "24.74\xa0…\xa030", "0.0075")
    for part in (r"\dot{x} &= \sigma \left(y - x\right)", *values, "Sprott, J. C. (2003)", "at_rest"):
        assert part in read.text
    addresses = [attributes.get("href") for tag, attributes in read.elements if tag == "a"]
    assert "https://doi.org/10.1175/1520-0469(1963)020%3C0130:DNF%3E2.0.CO;2" in addresses
    assert {"Henon.html", "Stranger.html", "../index.html#tag=geophysics"} <= set(addresses)


def test_every_address_of_the_site_is_one_of_its_files(site):
    """No page asks for what is not there, or for anything of another host but by a link that a reader follows."""
    for page in site.rglob("*.html"):
        for tag, attributes in Page(page.read_text()).elements:
            for address in (attributes.get("src"), attributes.get("href"), attributes.get("data-picture")):
                if address and not (tag == "a" and address.startswith("https://")):
                    target, _, anchor = address.partition("#")
                    assert (page.parent / target).exists() if target else anchor


def test_what_the_styles_name_is_in_the_package():
    """Fonts of KaTeX in woff2 alone; with their licences they are below a megabyte."""
    for sheet in STATIC.rglob("*.css"):
        assert [name for name in re.findall(r"url\(([^)]+)\)", sheet.read_text()) if not (sheet.parent / name).is_file()] == []
    files = static_files()
    assert sum(map(len, files.values())) < 1_000_000
    assert {"site/katex/LICENSE", "site/katex/fonts/OFL.txt"} <= set(files)


def test_the_licences_of_what_is_shipped_are_named(repository):
    """In the metadata of the wheel, which holds every file of the package."""
    project = tomllib.loads((repository / "pyproject.toml").read_text())
    named = {(repository / path).resolve() for path in project["project"]["license-files"]}
    assert {STATIC / "katex/LICENSE", STATIC / "katex/fonts/OFL.txt"} <= named
    assert "pipeline/attractory" in project["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]


def test_the_version_is_on_every_page(site):
    """And that the catalog is under a licence of its own."""
    for page in site.rglob("*.html"):
        assert f"Made by Attractory {attractory.__version__} from its catalog, which is under CC BY 4.0" in page.read_text()
