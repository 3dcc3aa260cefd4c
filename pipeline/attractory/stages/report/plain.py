"""Text of strangers: what a store, a recipe or a user's rule says, made safe for a page, an XML file and a terminal."""

from __future__ import annotations

import math
import unicodedata

MOST = 600  # characters of one text: a sentence is shorter, and a page of hundreds of systems stays small
# Control characters, halves of surrogate pairs, what turns the direction of writing or is not shown, and what is no character at all.
_HIDDEN = frozenset({"Cc", "Cs", "Cf", "Cn", "Co"})
_SPACES = frozenset("\t\n\r\v\f\u2028\u2029")


def plain(text: object, *, most: int = MOST) -> str:
    """One line of characters that are seen: spaces for breaks of a line, U+FFFD for what is hidden, an ellipsis where it is too long."""
    cut = str(text)[: most + 1]
    shown = "".join(" " if sign in _SPACES else "\ufffd" if unicodedata.category(sign) in _HIDDEN else sign for sign in cut)
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def number(value: float | None, *, digits: int = 3) -> str:
    """Three digits, as in 0.0012, 4,200 and 1.2e−9; a dash where there is no number."""
    if value is None:
        return "–"
    if 1e3 <= abs(value) < 1e6:
        return f"{value:,.0f}".replace("-", "−").replace(",", "\N{NARROW NO-BREAK SPACE}")
    mantissa, power, exponent = f"{value:.{digits}g}".partition("e")
    return (f"{mantissa}e{int(exponent)}" if power else mantissa).replace("-", "−")


def ends(low: float, high: float) -> tuple[str, str]:
    """Both ends of a range, with as many digits as tell them apart, but five at most."""
    size = max(abs(low), abs(high))
    digits = 3 if high <= low or size == 0.0 else min(5, max(3, 2 + math.ceil(math.log10(size / (high - low)))))
    return number(low, digits=digits), number(high, digits=digits)


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """As in `1 check`, `2 checks`."""
    return f"{count} {noun}" if count == 1 else f"{count:,} {plural or noun + 's'}".replace(",", "\N{NARROW NO-BREAK SPACE}")
