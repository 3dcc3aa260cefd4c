"""The row of each system: its verdict, its pictures, its worst numbers, and all its checks to be unfolded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from attractory.stages.gallery.markup import Child, Html, breakable, element
from attractory.stages.gallery.tables import table
from attractory.stages.report.marks import against, badge, limit, told, verdict_table
from attractory.stages.report.panels import panels
from attractory.stages.report.pictures import SystemPictures
from attractory.stages.report.plain import counted, number, plain
from attractory.stages.report.verdicts import Place
from attractory.stages.validate.report import Check

# What one page holds at most, so that it opens whatever a store has: some 15 MB. report.json has everything.
MOST_PICTURES = 400  # systems with pictures, those with the worst verdicts first
MOST_PLACES = 2000  # systems
MOST_ROWS = 12_000  # of the tables of all systems together
_FEWEST_ROWS, _USUAL_ROWS = 6, 120  # of one system
_NEAREST = 3  # numbers beside a system's pictures
_LINKS = 12  # to failed checks of one system


def system_rows(found: Sequence[Place], pictures: Mapping[str, SystemPictures], links: Mapping[int, tuple[Check, str]]) -> list[Child]:
    """The rows in the order given; pictures by system, links: the failed checks that have a section, and its name."""
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
        element("p", [[" ", element("a", plain(check.name), href=f"#{anchor}")] for check, anchor in failed[:_LINKS]], class_="links")
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
        rows.append([breakable(name), against(check)])
    return element("div", table(["worst numbers", "of its limit"], rows, numbers=(1,)), class_="worst") if rows else None


def _checks(place: Place, each: int) -> Html:
    rows: list[list[Child]] = [
        [
            breakable(plain(check.name)),
            plain(check.granularity or ""),
            badge(check.verdict),
            number(check.measured),
            limit(check),
            told(check),
        ]
        for check in place.checks[:each]
    ]
    more = len(place.checks) - len(rows)
    text = element("p", f"{counted(more, 'check')} more, with better verdicts, in report.json.", class_="small") if more > 0 else None
    head = ["check", "granularity", "verdict", "measured", "limit", "found"]
    return element("details", element("summary", f"all {counted(len(place.checks), 'check')}"), verdict_table(head, rows), text)
