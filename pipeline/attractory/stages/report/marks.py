"""A verdict, its numbers and what is said of it, as they stand in the page's tables."""

from __future__ import annotations

import math
from collections.abc import Sequence

from attractory.stages.gallery.markup import Child, Html, breakable, element, joined
from attractory.stages.gallery.tables import table
from attractory.stages.report.plain import number, plain
from attractory.stages.report.verdicts import SIGNS, share
from attractory.stages.validate.report import OURS, Check, Verdict


def badge(verdict: Verdict, text: Child = None) -> Html:
    """A verdict as a sign and a word, in its colour."""
    sign = element("span", SIGNS[verdict], aria_hidden="true")
    return element("span", sign, " ", verdict if text is None else text, class_=f"verdict {verdict.replace(' ', '-')}")


def named(check: Check) -> Html:
    """Group and name."""
    return joined([f"{check.group} · ", breakable(plain(check.name))])


def limit(check: Check) -> str:
    """With a word where a recipe has tightened it."""
    return number(check.limit) + (" (recipe)" if check.limit_from == "recipe" else "")


def verdict_table(head: Sequence[Child], rows: Sequence[Sequence[Child]]) -> Html:
    """A table whose fourth and fifth columns are what was measured and its limit."""
    return table(head, rows, numbers=(3, 4))


def part(check: Check) -> str:
    """What was measured beside its limit, in words."""
    near = share(check)
    if near is None:
        return ""
    return "beyond a limit of 0" if near == math.inf else f"{number(100 * near)} % of it" if near < 10 else f"{number(near)} times it"


def told(check: Check) -> str:
    """The message, how much would be enough, and whose check it is where it is none of ours."""
    needed = f" Needed: {plain(check.needed, most=160)}." if check.needed else ""
    return plain(check.message, most=240) + needed + (f" (By {plain(check.source, most=80)}.)" if check.source != OURS else "")


def against(check: Check) -> str:
    """The number and its limit; of a statistical check its p-value, which says more."""
    return f"p = {number(check.p_value)}" if check.p_value is not None else f"{number(check.measured)} of {number(check.limit)}"
