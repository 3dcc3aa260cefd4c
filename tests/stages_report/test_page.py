"""report.html: what stands in it, and that it stays small and harmless whatever a store says."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

from attractory.stages.report.page import MOST_FAILURES, Shown, page
from attractory.stages.validate.report import Report, Subject

VOID = {"br", "img", "input", "link", "meta", "wbr"}


class Elements(HTMLParser):
    """What a page is made of: each element with its attributes, and that each is closed where it should be."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def elements(text: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = Elements()
    parser.feed(text)
    assert parser.open == []
    return parser.found


def test_the_page_is_one_file(folder):
    """No element of it leads elsewhere: pictures are data, style and scripts are inside and known by their digests."""
    found = elements((folder / "report.html").read_text("utf-8"))
    assert [tag for tag, _ in found if tag in ("link", "iframe", "object", "embed", "base", "form action")] == []
    assert all("src" not in held for tag, held in found if tag == "script")
    assert all(held["src"].startswith("data:image/png;base64,") for tag, held in found if tag == "img")
    assert all(held["href"].startswith("#") for tag, held in found if tag == "a")
    policy = next(held["content"] for _, held in found if held.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy


def test_whatever_a_store_says_is_text(folder):
    """None of the stranger's elements is one, none of what would run is an attribute, and nothing hidden is passed on."""
    text = (folder / "report.html").read_text("utf-8")
    found = elements(text)
    assert not any(key.startswith("on") or "caught" in key for _, held in found for key in held)
    assert sum(tag == "script" for tag, _ in found) == 2
    assert "window.caught = 1" in text
    assert not re.search("[\x00-\x08\x1b\u202e]", text)


def test_each_failed_check_has_a_section_that_says_what_to_do(folder):
    """Linked from the first table and from its system; with promise, measured, limit and advice."""
    text = (folder / "report.html").read_text("utf-8")
    found = elements(text)
    targets = {held["id"] for tag, held in found if "id" in held}
    links = [held["href"][1:] for tag, held in found if tag == "a"]
    sections = [held["id"] for tag, held in found if tag == "section" and held.get("class") == "failed"]
    assert set(links) <= targets
    assert len(sections) == 3
    assert all(links.count(name) >= 2 for name in sections)
    assert "check-truth-reintegration-fourfold-fine" in sections
    section = text[text.index('id="check-truth-reintegration-fourfold-fine"') :]
    for words in (
        "What is stored solves the equations.",
        "0.003, 3\u202f000 times the limit",
        "1e−6 (from the recipe)",
        "Make the store again.",
    ):
        assert words in section[: section.index("</section>")]


def test_too_few_data_say_how_much_is_needed(folder):
    """Beside the failures, and among the checks of the system; there a check says whose it is, and a limit that it is the recipe's."""
    text = (folder / "report.html").read_text("utf-8")
    assert "1 check had not enough data" in text
    assert text.count("8,192 samples") == 2
    assert "1e−6 (recipe)" in text
    assert "(By mine" in text


def test_verdicts_come_first_and_the_worst_system_before_others(folder):
    """The sentence of all, then what failed, then the rows: the one that broke, the one that failed, the store."""
    text = (folder / "report.html").read_text("utf-8")
    assert "7 checks: 3 passed, 2 failed, 1 had not enough data, 1 broke." in text
    assert text.index("7 checks:") < text.index("What failed") < text.index('id="places"') < text.index("Each failed check")
    names = [held["data-name"] for tag, held in elements(text) if tag == "li" and "data-name" in held]
    assert names == ["Oscillator", "Fourfold", "the store"]


def test_a_report_without_failures_says_so():
    """And has no empty section; a report of nothing at all is no pass."""
    passed = page(Shown(Report("s", (Subject("range", "numbers", "A", "fine").measured(1.0, 2.0, "fine"),)), "s")).decode()
    assert "No check failed." in passed
    assert "Each failed check" not in passed
    assert "Nothing was looked at, which is no pass." in page(Shown(Report("s", ()), "s")).decode()


def test_a_page_of_a_thousand_systems_stays_small(pictures):
    """8 checks of each, all failed, with messages of a megabyte: every system is there, and the first failures, in 15 MB."""
    long = "x" * 1_000_000
    names = [f"System{number}" for number in range(1000)]
    kinds = [f"check{number}" for number in range(8)]
    checks = tuple(Subject(kind, "numbers", name, "fine").measured(2.0, 1.0, long) for name in names for kind in kinds)
    drawn = dict.fromkeys(names, pictures["Oscillator"])
    made = page(Shown(Report("large", checks), "large", drawn))
    assert len(made) < 15e6
    text = made.decode()
    assert text.count("data-name=") == 1000
    assert text.count('class="failed"') == MOST_FAILURES
    assert f"{8_000 - MOST_FAILURES:,} failed checks more: report.json has all of them.".replace(",", "\u202f") in text


def test_the_same_verdicts_give_the_same_bytes(folder, report, pictures):
    """Nothing of a clock or a machine is in the page, the metrics or report.json."""
    again = page(Shown(report, f"two {report.store[3:-5]}", pictures))
    assert again == (folder / "report.html").read_bytes()


def test_report_json_is_unicode_though_a_store_is_not(folder):
    """Half of a surrogate pair in a message is replaced."""
    document = json.loads((folder / "report.json").read_text("utf-8"))
    assert document["verdict"] == "fail"
    assert len(document["checks"]) == 7
