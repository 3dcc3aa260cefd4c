"""The pictures of one system as figures: drawings of lines in SVG, words and numbers beside them in HTML, so that they keep their size."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from attractory.stages.gallery.markup import Child, Html, element
from attractory.stages.report.growth import Growth
from attractory.stages.report.pictures import HEIGHT, WIDTH, SystemPictures
from attractory.stages.report.plain import counted, ends, number, plain
from attractory.stages.show import with_error

Float = NDArray[np.float64]

ACROSS, DOWN = 240, 120  # of a drawing's own units


def panels(shown: SystemPictures) -> Html:
    """Attractor, spectrum, histogram of periods, and how the leading exponent settles."""
    return element("div", _attractor(shown), _spectrum(shown), _returns(shown), _growth(shown), class_=f"panels {shown.kind}")


def _attractor(shown: SystemPictures) -> Html:
    if isinstance(shown.attractor, str):
        return _figure("attractor", "", _without(shown.attractor))
    label = f"{shown.name} in {', '.join(shown.axes)}"
    data = b64encode(shown.attractor).decode("ascii")
    image = element("img", src=f"data:image/png;base64,{data}", alt=plain(label), width=WIDTH, height=HEIGHT, class_="ink", loading="lazy")
    return _figure("attractor", plain(", ".join(shown.axes)), image)


def _spectrum(shown: SystemPictures) -> Html:
    found = shown.spectrum
    if isinstance(found, str):
        return _figure("power spectrum", "", _without(found))
    low, high = float(found.frequency[0]), float(found.frequency[-1])
    depth = max(1.0, float(np.ceil(-found.power.min())))
    points = _points((found.frequency - low) / max(high - low, 1e-9), 1.0 + found.power / depth)
    marks = [_mark((np.log10(1.0 / shown.period) - low) / max(high - low, 1e-9))] if shown.period else []
    peak = "no peak" if not np.isfinite(found.period) else f"peak at period {number(found.period)}"
    label = f"power spectrum of {plain(found.variable)}: {peak}; {number(found.fast)} of the power above half of the highest frequency"
    axis = (number(10**low, digits=2), "frequency", number(10**high, digits=2))
    return _figure("power spectrum", plain(found.variable), _drawing(label, [*marks, _line(points)]), axis, (peak, f"{depth:.0f} decades"))


def _returns(shown: SystemPictures) -> Html:
    found = shown.returns
    if isinstance(found, str):
        return _figure("periods", "", _without(found))
    tallest = max(1, int(found.counts.max()))
    edges = np.linspace(0.0, 1.0, len(found.counts) + 1) * ACROSS
    bars = "".join(_bar(*pair) for pair in zip(edges[:-1], edges[1:], found.counts / tallest, strict=True) if pair[2])
    place = None if shown.period is None else (shown.period - found.low) / (found.high - found.low)
    marks = [] if place is None else [_mark(place)]
    label = f"times {plain(found.what)}: {found.number}, mean {number(found.mean)}"
    shortest, longest = ends(found.low, found.high)
    axis = (shortest, "time" if shown.kind != "map" else "iterates", longest)
    entry = "" if shown.period is None else f"entry {number(shown.period)}"
    drawn = _drawing(label, [element("path", d=bars, class_="bars"), *marks])
    return _figure("periods", counted(found.number, "passage"), drawn, axis, (f"mean {number(found.mean)}", entry))


def _bar(left: float, right: float, height: float) -> str:
    top = DOWN - height * (DOWN - 4)
    return f"M{left + 0.4:.1f} {DOWN}V{top:.1f}H{right - 0.4:.1f}V{DOWN}Z"


def _growth(shown: SystemPictures) -> Html:
    found = shown.growth
    if isinstance(found, str):
        return _figure("leading exponent", "", _without(found))
    low, high = _between(found, shown.exponent)

    def up(values: Float | float) -> Float:
        return np.clip((np.asarray(values, np.float64) - low) / (high - low), 0.0, 1.0)

    across = np.log(found.time / found.time[0]) / max(float(np.log(found.time[-1] / found.time[0])), 1e-9)
    band = [*_points(across, up(found.rate + found.error)), *reversed(_points(across, up(found.rate - found.error)))]
    drawn = [_level(up(shown.exponent[0]).item())] if shown.exponent else []
    drawn += [element("path", d=_path(band) + "Z", class_="band"), _line(_points(across, up(found.rate)))]
    last = with_error(float(found.rate[-1]), float(found.error[-1])).replace("-", "−")
    entry = "" if shown.exponent is None else f"entry {with_error(*shown.exponent)}".replace("-", "−")
    label = f"leading exponent by the length of {found.trajectories} trajectories: {last} at the end; {entry}"
    axis = (number(float(found.time[0])), "iterates" if shown.kind == "map" else "time", number(float(found.time[-1])))
    return _figure("leading exponent", "", _drawing(label, drawn), axis, (last, entry))


def _between(found: Growth, exponent: tuple[float, float] | None) -> tuple[float, float]:
    """The range of rates that is drawn: of the later half and of the entry, with room."""
    later = slice(len(found.rate) // 3, None)
    shown = [found.rate[later] - found.error[later], found.rate[later] + found.error[later]]
    values = np.concatenate([*shown, [exponent[0]] if exponent else []])
    low, high = float(values.min()), float(values.max())
    room = 0.15 * (high - low) or 0.1 * abs(high) or 1.0
    return low - room, high + room


def _figure(title: str, note: str, drawn: Child, span: tuple[str, str, str] | None = None, below: tuple[str, str] | None = None) -> Html:
    axis = element("p", [element("span", end) for end in span], class_="axis", aria_hidden="true") if span else None
    facts = element("p", [element("span", fact) for fact in below if fact], class_="facts") if below else None
    caption = element("figcaption", element("b", title), element("span", note) if note else None)
    return element("figure", caption, element("div", drawn, class_="drawn"), axis, facts)


def _without(reason: str) -> Html:
    return element("p", f"None: {plain(reason, most=160)}.", class_="without")


def _drawing(label: str, drawn: Iterable[Child]) -> Html:
    box = f"0 0 {ACROSS} {DOWN}"
    return element("svg", list(drawn), viewBox=box, preserveAspectRatio="none", role="img", aria_label=label)


def _points(across: Float, up: Float) -> list[tuple[str, str]]:
    right, down = across * ACROSS, (1.0 - up) * (DOWN - 4) + 2
    return [(f"{x:.1f}", f"{y:.1f}") for x, y in zip(right, down, strict=True)]


def _path(points: Iterable[tuple[str, str]]) -> str:
    return "M" + "L".join(f"{x} {y}" for x, y in points)


def _line(points: Iterable[tuple[str, str]]) -> Html:
    return element("path", d=_path(points), class_="line")


def _mark(across: float) -> Html | None:
    """A line from top to bottom; nothing where it lies outside."""
    return element("path", d=f"M{across * ACROSS:.1f} 0V{DOWN}", class_="mark-line") if 0.0 <= across <= 1.0 else None


def _level(up: float) -> Html:
    """A line from side to side."""
    return element("path", d=f"M0 {(1.0 - up) * (DOWN - 4) + 2:.1f}H{ACROSS}", class_="mark-line")
