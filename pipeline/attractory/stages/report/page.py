"""report.html: one file that needs nothing else. Verdicts first, then a row a system, then a section for each check that failed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import attractory
from attractory.stages.gallery.markup import Child, Html, alone, breakable, element, joined
from attractory.stages.gallery.page import theme_button
from attractory.stages.gallery.site import STATIC
from attractory.stages.gallery.tables import table
from attractory.stages.report.panels import panels
from attractory.stages.report.pictures import SystemPictures
from attractory.stages.report.plain import counted, number, plain
from attractory.stages.report.sections import anchor_links, sections
from attractory.stages.report.verdicts import ORDER, SIGNS, STORE, Place, failed_first, places, share, where
from attractory.stages.validate.report import OURS, Check, Report

OWN = Path(__file__).parent / "static"

# What one page holds at most, so that it opens whatever a store has: some 15 MB. report.json has everything.
MOST_FAILURES = 300  # sections, and rows of the first table
MOST_PICTURES = 400  # systems with pictures, those with the worst verdicts first
MOST_PLACES = 2000  # systems
MOST_ROWS = 12_000  # of the tables of all systems together
_FEWEST_ROWS, _USUAL_ROWS = 6, 120  # of one system
_NEAREST = 3  # numbers beside a system's pictures
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
        _rows(found, shown.pictures, dict(anchor_links(failures, MOST_FAILURES))),
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


def badge(verdict: str, text: Child = None) -> Html:
    """A verdict as a sign and a word, in its colour."""
    sign = element("span", SIGNS[verdict], aria_hidden="true")  # type: ignore[index]
    return element("span", sign, " ", verdict if text is None else text, class_=f"verdict {_class(verdict)}")


def _class(verdict: str) -> str:
    return verdict.replace(" ", "-")


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
        rest = element("details", element("summary", f"{len(rows) - _FIRST} more"), _table(head, rows[_FIRST:]))
        more = [rest, _beyond(len(failures) - len(rows))]
    return element("section", element("h2", "What failed"), _table(head, rows[:_FIRST]), more, id="failures")


def _failure(check: Check, anchor: str) -> list[Child]:
    name = element("a", _named(check), href=f"#{anchor}")
    return [name, where(check), badge(check.verdict), number(check.measured), _limit(check), plain(check.message, most=220)]


def _named(check: Check) -> Html:
    return joined([f"{check.group} · ", breakable(plain(check.name))])


def _limit(check: Check) -> str:
    """With a word where a recipe has tightened it."""
    return number(check.limit) + (" (recipe)" if check.limit_from == "recipe" else "")


def _beyond(count: int) -> Html | None:
    return element("p", f"{counted(count, 'failed check')} more: report.json has all of them.") if count > 0 else None


def _table(head: Sequence[Child], rows: Sequence[Sequence[Child]]) -> Html:
    return table(head, rows, numbers=(3, 4))


def _short(checks: Iterable[Check]) -> Html | None:
    """What had not enough data, and how much would be enough."""
    found = [check for check in checks if check.verdict == "not enough data"]
    if not found:
        return None
    rows: list[list[Child]] = [
        [_named(check), where(check), plain(check.needed or "–", most=160), plain(check.message, most=220)]
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


def part(check: Check) -> str:
    """What was measured beside its limit, in words."""
    near = share(check)
    if near is None:
        return ""
    return "beyond a limit of 0" if near == float("inf") else f"{number(100 * near)} % of it" if near < 10 else f"{number(near)} times it"


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


def _rows(found: Sequence[Place], pictures: Mapping[str, SystemPictures], links: Mapping[int, tuple[Check, str]]) -> list[Child]:
    known = {id(check): anchor for check, anchor in links.values()}
    each = max(_FEWEST_ROWS, min(_USUAL_ROWS, MOST_ROWS // max(1, len(found))))
    drawn = [place.name for place in found if place.name in pictures][:MOST_PICTURES]
    chosen = set(drawn)
    rows = [_row(place, pictures.get(place.name) if place.name in chosen else None, known, each) for place in found[:MOST_PLACES]]
    more = len(found) - len(rows)
    text = element("p", f"{counted(more, 'system')} more, whose verdicts are better: report.json has them.") if more else None
    return [element("ul", rows, id="places", class_="places", tabindex="-1"), text]


def _row(place: Place, shown: SystemPictures | None, links: Mapping[int, str], each: int) -> Html:
    words = " ".join(dict.fromkeys(plain(word, most=60) for check in place.checks for word in (check.name, check.group)))
    facts: list[Child] = []
    if shown:
        drawn = f", drawn from {shown.granularity}" if shown.granularity else ""
        facts = [element("span", shown.kind, class_=f"mark {shown.kind}")]
        facts += [element("span", counted(shown.trajectories, "trajectory", "trajectories") + plain(drawn), class_="mark")]
    failed = [(check, links[id(check)]) for check in place.checks if id(check) in links]
    return element(
        "li",
        element("h3", breakable(plain(place.name)), tabindex="-1"),
        element("p", badge(place.worst, _counted(place)), facts, class_="line"),
        element("p", [[" ", element("a", plain(check.name), href=f"#{anchor}")] for check, anchor in failed[:_FIRST]], class_="links")
        if failed
        else None,
        panels(shown) if shown else None,
        _numbers(place.nearest(_NEAREST)),
        _checks(place, each),
        data_verdict=place.worst,
        data_name=plain(place.name),
        data_words=words[:2000],
    )


def _counted(place: Place) -> str:
    counts = place.counts
    if place.worst == "pass":
        return f"{len(place.checks)} passed"
    said = {"error": "broke", "fail": "failed", "not enough data": "had not enough data"}
    return ", ".join(f"{counts[verdict]} {word}" for verdict, word in said.items() if counts[verdict]) + f" of {len(place.checks)}"


def _numbers(nearest: Iterable[Check]) -> Html | None:
    rows: list[list[Child]] = []
    for check in nearest:
        name = " / ".join(plain(text, most=40) for text in (check.name, check.granularity) if text)
        rows.append([breakable(name), _against(check)])
    return element("div", table(["worst numbers", "of its limit"], rows, numbers=(1,)), class_="worst") if rows else None


def _told(check: Check) -> str:
    """The message, how much would be enough, and whose check it is where it is none of ours."""
    needed = f" Needed: {plain(check.needed, most=160)}." if check.needed else ""
    return plain(check.message, most=240) + needed + (f" (By {plain(check.source, most=80)}.)" if check.source != OURS else "")


def _against(check: Check) -> str:
    """The number and its limit; of a statistical check its p-value, which says more."""
    return f"p = {number(check.p_value)}" if check.p_value is not None else f"{number(check.measured)} of {number(check.limit)}"


def _checks(place: Place, each: int) -> Html:
    rows: list[list[Child]] = [
        [
            breakable(plain(check.name)),
            plain(check.granularity or ""),
            badge(check.verdict),
            number(check.measured),
            _limit(check),
            _told(check),
        ]
        for check in place.checks[:each]
    ]
    more = len(place.checks) - len(rows)
    text = element("p", f"{counted(more, 'check')} more, with better verdicts, in report.json.", class_="small") if more > 0 else None
    head = ["check", "granularity", "verdict", "measured", "limit", "found"]
    return element("details", element("summary", f"all {counted(len(place.checks), 'check')}"), _table(head, rows), text)
