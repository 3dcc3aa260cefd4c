"""A section for each check that failed: what it promises, what was measured, the limit, and what to do."""

from __future__ import annotations

import math
from collections.abc import Sequence

from attractory.stages.gallery.markup import Child, Html, element
from attractory.stages.report.plain import counted, number, plain
from attractory.stages.report.verdicts import SIGNS, anchors, share, where
from attractory.stages.validate.report import OURS, Check

# Said where a check itself says nothing of what to do.
_ADVICE = "Look at the place named above; `attractory verify` tells whether files have changed since they were made."
_BROKEN = "The check came to no verdict: the data may be good or bad. Report it with the message above."


def anchor_links(failures: Sequence[Check], most: int) -> dict[int, tuple[Check, str]]:
    """The failed checks that have a section, with its name in the page, by their place in the list."""
    return {place: pair for place, pair in enumerate(zip(failures[:most], anchors(failures[:most]), strict=True))}


def sections(failures: Sequence[Check], most: int) -> list[Child]:
    """All sections, in the order of the list of what failed."""
    links = list(anchor_links(failures, most).values())
    if not links:
        return []
    following = [anchor for _, anchor in links[1:]] + [""]
    made = [_section(check, anchor, after) for (check, anchor), after in zip(links, following, strict=True)]
    more = len(failures) - len(made)
    text = element("p", f"{counted(more, 'failed check')} more: report.json has all of them.") if more else None
    return [element("h2", "Each failed check"), *made, text]


def _section(check: Check, anchor: str, following: str) -> Html:
    short = [("where", where(check)), *_measured(check)]
    long: list[tuple[str, Child]] = [("promise", plain(check.promise, most=1200))] if check.promise else []
    long += [("found", plain(check.message, most=1200))]
    long += [("needed", plain(check.needed))] if check.needed else []
    long += [("what to do", _coded(plain(check.advice, most=1200) or (_BROKEN if check.verdict == "error" else _ADVICE)))]
    short += [("whose check", plain(check.source))] if check.source != OURS else []
    sign = element("span", SIGNS[check.verdict], aria_hidden="true", class_=f"verdict {check.verdict}")
    links = [element("a", "back to the verdicts", href="#content")]
    links += [element("a", "the next failed check", href=f"#{following}")] if following else []
    return element(
        "section",
        element("h3", sign, f" {check.group} · {plain(check.name)}"),
        element("dl", [_said(*item) for item in short], [_said(*item, wide=True) for item in long]),
        element("p", [[link, " "] for link in links], class_="links"),
        id=anchor,
        class_="failed",
        tabindex="-1",
    )


def _said(name: str, value: Child, *, wide: bool = False) -> Html:
    return element("div", element("dt", name), element("dd", value), class_="wide" if wide else None)


def _coded(text: str) -> list[Child]:
    """What stands between backticks as code."""
    return [element("code", part) if place % 2 else part for place, part in enumerate(text.split("`"))]


def _measured(check: Check) -> list[tuple[str, str]]:
    """What was measured and its limit; nothing where the check has no number."""
    if check.limit is None and check.measured is None:
        return []
    near = share(check)
    times = f", {number(near)} times the limit" if near is not None and 1.0 < near < math.inf else ""
    said = [("measured", "no finite number" if check.measured is None else number(check.measured) + times)]
    origin = " (from the recipe)" if check.limit_from == "recipe" else ""
    said += [("limit", number(check.limit) + origin)] if check.limit is not None else []
    said += [("p-value", number(check.p_value))] if check.p_value is not None else []
    return said
