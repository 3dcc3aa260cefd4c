"""report.html: one file that needs nothing else. Verdicts first, then a row a system, then a section for each check that failed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import attractory
from attractory.stages.gallery.markup import Child, Html, alone, element, joined
from attractory.stages.gallery.page import theme_button
from attractory.stages.gallery.site import STATIC
from attractory.stages.gallery.tables import table
from attractory.stages.report.marks import badge, limit, named, part, verdict_table
from attractory.stages.report.pictures import SystemPictures
from attractory.stages.report.plain import counted, number, plain
from attractory.stages.report.rows import system_rows
from attractory.stages.report.sections import anchor_links, sections
from attractory.stages.report.verdicts import ORDER, STORE, Place, failed_first, places, share, where
from attractory.stages.validate.report import Check, Report

OWN = Path(__file__).parent / "static"

MOST_FAILURES = 300  # sections, and lines of a table of checks; report.json has all of them
_FIRST = 12  # failures that are seen before the others are asked for


@dataclass(frozen=True)
class Shown:
    """What the page is about: the report, the dataset's name, and the pictures of its systems by name."""

    report: Report
    dataset: str
    pictures: Mapping[str, SystemPictures] = field(default_factory=dict)


def page(shown: Shown) -> bytes:
    """The page; the same report and pictures give the same bytes."""
    found = places(shown.report.checks)
    failures = failed_first(shown.report.checks)
    title = f"{shown.report.verdict}: {plain(shown.dataset)}"
    head = [
        element("title", f"{title} · Attractory"),
        element("meta", name="description", content=_sentence(shown.report)),
        element("meta", name="generator", content=f"attractory {attractory.__version__}"),
    ]
    main = element(
        "main",
        _verdict(shown),
        _failures(failures),
        _short(shown.report.checks),
        _left_out(shown.report),
        _groups(shown.report.checks),
        element("h2", "Systems", id="systems"),
        element("p", element("i"), " what the entry says; lines and bars: what is stored", class_="key"),
        _filters(found),
        element("p", _found(found), id="found", role="status"),
        system_rows(found, shown.pictures, dict(anchor_links(failures, MOST_FAILURES))),
        sections(failures, MOST_FAILURES),
        id="content",
        tabindex="-1",
    )
    body = ["\n", _bar(shown), "\n", main, "\n", _footer(), "\n"]
    style = (STATIC / "base.css").read_text("utf-8") + (OWN / "report.css").read_text("utf-8")
    early, late = (STATIC / "theme.js").read_text("utf-8"), (OWN / "report.js").read_text("utf-8")
    return alone(head, body, style=style, early=early, late=late)


def _bar(shown: Shown) -> Html:
    return element(
        "header",
        element("a", "To the verdicts", href="#content", class_="skip"),
        element("span", "Attractory", class_="home"),
        element("span", f"validation of {plain(shown.dataset)}", class_="counted"),
        theme_button(),
        class_="bar",
    )


def _footer() -> Html:
    text = "The same verdicts for programs: report.json, junit.xml, metrics.json and plots/ beside this file."
    return element("footer", f"Made by Attractory {attractory.__version__}. {text}")


def _sentence(report: Report) -> str:
    counts = report.counts
    parts = [f"{counts['pass']} passed", f"{counts['fail']} failed"]
    parts += [f"{counts['not enough data']} had not enough data"] if counts["not enough data"] else []
    parts += [f"{counts['error']} broke"] if counts["error"] else []
    return f"{counted(len(report.checks), 'check')}: {', '.join(parts)}."


def _verdict(shown: Shown) -> Html:
    report = shown.report
    said = [element("p", _sentence(report), class_="lead")]
    if not report.checks:
        said = [element("p", "Nothing was looked at, which is no pass.", class_="lead")]
    said += [element("p", plain(report.looked_at, most=1200), class_="small")] if report.looked_at else []
    return element("div", element("h1", badge(report.verdict), " ", element("span", plain(shown.dataset))), *said, class_="title")


def _failures(failures: Sequence[Check]) -> Html:
    if not failures:
        return element("section", element("p", "No check failed."), class_="none-failed")
    rows = [_failure(check, anchor) for check, anchor in anchor_links(failures, MOST_FAILURES).values()]
    head = ["check", "where", "verdict", "measured", "limit", "found"]
    more = None
    if len(rows) > _FIRST:
        rest = element("details", element("summary", f"{len(rows) - _FIRST} more"), verdict_table(head, rows[_FIRST:]))
        more = [rest, _beyond(len(failures) - len(rows))]
    return element("section", element("h2", "What failed"), verdict_table(head, rows[:_FIRST]), more, id="failures")


def _failure(check: Check, anchor: str) -> list[Child]:
    name = element("a", named(check), href=f"#{anchor}")
    return [name, where(check), badge(check.verdict), number(check.measured), limit(check), plain(check.message, most=220)]


def _beyond(count: int) -> Html | None:
    return element("p", f"{counted(count, 'failed check')} more: report.json has all of them.") if count > 0 else None


def _short(checks: Iterable[Check]) -> Html | None:
    """What had not enough data, and how much would be enough."""
    found = [check for check in checks if check.verdict == "not enough data"]
    if not found:
        return None
    rows: list[list[Child]] = [
        [named(check), where(check), plain(check.needed or "–", most=160), plain(check.message, most=220)]
        for check in found[:MOST_FAILURES]
    ]
    summary = element("summary", f"{counted(len(found), 'check')} had not enough data")
    return element("details", summary, table(["check", "where", "needed", "found"], rows), class_="short")


def _left_out(report: Report) -> Html | None:
    if not report.left_out:
        return None
    items = [element("li", element("code", plain(left.name)), ": ", plain(left.reason)) for left in report.left_out[:MOST_FAILURES]]
    return element("details", element("summary", f"{counted(len(report.left_out), 'check')} left out"), element("ul", items))


def _groups(checks: Sequence[Check]) -> Html:
    """How many verdicts of each kind a group of checks has, and its number nearest to a limit."""
    rows: list[list[Child]] = []
    for group in dict.fromkeys(check.group for check in checks):
        place = Place(group, tuple(sorted((check for check in checks if check.group == group), key=_by_share)))
        nearest = next((check for check in place.nearest(1) if share(check)), None)
        counts = [str(place.counts[verdict]) if place.counts[verdict] else "–" for verdict in reversed(ORDER)]
        rows.append([group, *counts, "" if nearest is None else f"{plain(nearest.name)}, {where(nearest)}: {part(nearest)}"])
    head = ["group", *reversed(ORDER), "nearest to its limit"]
    return element("section", element("h2", "All checks"), table(head, rows, numbers=(1, 2, 3, 4)), class_="groups")


def _by_share(check: Check) -> float:
    near = share(check)
    return 0.0 if near is None else -near


def _filters(found: Sequence[Place]) -> Html:
    search = element(
        "input",
        type="search",
        id="search",
        placeholder="Search systems, checks, words",
        autocomplete="off",
        spellcheck="false",
        aria_label="search",
        aria_keyshortcuts="/",
    )
    boxes = [
        element("label", element("input", type="checkbox", name="verdict", value=verdict), element("span", badge(verdict), _count(rows)))
        for verdict in ORDER
        if (rows := sum(place.worst == verdict for place in found))
    ]
    sorts = {"verdict": "worst verdict first", "name": "name"}
    sort = element("select", [element("option", text, value=key) for key, text in sorts.items()], id="sort")
    return element(
        "form",
        search,
        element("fieldset", element("legend", "worst verdict"), boxes),
        element("label", element("span", "order"), sort),
        element("button", "Clear", type="reset"),
        id="filters",
        class_="filters",
        role="search",
    )


def _count(value: int) -> Html:
    return joined([" ", element("small", value)])


def _found(found: Sequence[Place]) -> str:
    systems = sum(place.name != STORE for place in found)
    return f"{counted(systems, 'system')} and {STORE}" if systems < len(found) else counted(systems, "system")
