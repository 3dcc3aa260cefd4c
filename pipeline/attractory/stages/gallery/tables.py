"""The tables of a system's page: parameters, variables, invariants beside published values, granularities, variants."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attractory.catalog import Invariant
from attractory.expressions import System
from attractory.expressions.definition import KINDS
from attractory.expressions.export.equations import Equations
from attractory.expressions.export.latex_text import LatexWriter
from attractory.stages.gallery.markup import Child, Html, element
from attractory.stages.show import with_error

SHOWN = 8  # values of a spectrum, or of a list
GRANULARITIES = {"coarse": 15, "fine": 100}  # samples per period: the field's custom, and the names of the README
ROUNDING = 1e-11  # of a value: an error below it is that of doubles
SPECTRUM = "lyapunov_spectrum"
# How the literature names the whole spectrum or its beginning.
_OF_THE_SPECTRUM = (SPECTRUM, "lyapunov_exponents_leading", "lyapunov_exponent")
_LABELS = {
    "kaplan_yorke_dimension": "Kaplan–Yorke dimension",
    "ks_entropy": "Kolmogorov–Sinai entropy",
    "mean_divergence": "mean divergence",
    "correlation_dimension": "correlation dimension",
    "information_dimension": "information dimension",
}


def formula(latex: str) -> Html:
    """Mathematics that the page's script sets with KaTeX; without it, its LaTeX."""
    return element("span", latex, class_="tex")


def table(head: Iterable[Child], rows: Iterable[Iterable[Child]], *, numbers: Iterable[int] = ()) -> Html:
    """A table whose first column names its rows; `numbers` are the columns that are set to the right."""
    right = set(numbers)
    top = [element("th", cell, scope="col", class_="number" if place in right else None) for place, cell in enumerate(head)]
    body = [
        element(
            "tr",
            [
                element("td" if place else "th", cell, scope=None if place else "row", class_="number" if place in right else None)
                for place, cell in enumerate(row)
            ],
        )
        for row in rows
    ]
    return element("div", element("table", element("thead", element("tr", top)), element("tbody", body)), class_="scroll")


def parameters(system: System, written: Equations | None) -> Html | None:
    """Symbol, name, value, and the range within which the behaviour stays; None where there is no parameter."""
    record = system.record
    if not record.parameters:
        return None
    writer = LatexWriter(written) if written else None
    rows = []
    for name, value in record.parameters.items():
        low, high = record.ranges.get(name, (None, None))
        stays = "" if low is None else _interval((low, high))
        rows.append([_symbol(writer, name), element("code", name), short(value), stays])
    wide = bool(record.ranges)
    head = ["", "name", "value", f"{system.behaviour.replace('_', ' ')} within"]
    return table(head if wide else head[:3], [row if wide else row[:3] for row in rows], numbers=(2, 3))


def variables(system: System, written: Equations | None) -> Html:
    """Symbol, name, meaning, and where a trajectory starts: its initial value or history, and the box of initial states."""
    record = system.record
    writer = LatexWriter(written) if written else None
    start = record.history if system.kind == "delay" else record.initial
    meant, boxed, turned = bool(record.variables), bool(record.basin), bool(record.wrap)
    rows = []
    for name in record.state_variables:
        known = _of(record.variables, name, None)
        meaning = "" if known is None else f"{known.meaning} [{known.unit}]" if known.unit else known.meaning
        row: list[Child] = [_symbol(writer, name), element("code", name), short(_of(start, name, ""))]
        row += [_interval(_of(record.basin, name, None))] if boxed else []
        row += [_interval(_of(record.wrap, name, None))] if turned else []
        rows.append([*row, meaning] if meant else row)
    head: list[Child] = ["", "name", "for t ≤ 0" if system.kind == "delay" else "initial"]
    head += (["initial states"] if boxed else []) + (["on a circle"] if turned else []) + (["meaning"] if meant else [])
    return table(head, rows)


def invariants(system: System) -> tuple[Html, list[str]] | None:
    """What was computed beside what is published, and the sources that the numbers in the table refer to; None where nothing is known."""
    record = system.record
    sources = list(dict.fromkeys(found.source for found in record.published))
    published: dict[str, list[tuple[str, int]]] = {}
    for found in record.published:
        name = SPECTRUM if found.quantity in _OF_THE_SPECTRUM else found.quantity
        for place, value in enumerate(flat(found.value)):
            published.setdefault(_key(name, place), []).append((minus(f"{value:.10g}"), sources.index(found.source) + 1))
    computed = {key: row for name, found in record.invariants.items() for key, row in _computed(name, found, name in record.stale)}
    keys = [*computed, *(key for key in published if key not in computed)]
    if not keys:
        return None
    hidden = len(flat(record.invariants[SPECTRUM].value)) - SHOWN if SPECTRUM in record.invariants else 0
    keys = [key for key in keys if not key.startswith(SPECTRUM) or int(key.rpartition(" ")[2]) < SHOWN]
    rows = [[_label(key), computed.get(key, "–"), _published(published.get(key, []))] for key in keys]
    if hidden > 0:
        place = 1 + max(place for place, key in enumerate(keys) if key.startswith(SPECTRUM))
        rows.insert(place, [f"… {hidden} more", "", ""])
    shown = rows if record.published else [row[:2] for row in rows]
    return table(["", "computed", "published"][: len(shown[0])], shown, numbers=(1, 2)), sources


def granularities(system: System) -> Html | None:
    """What a recipe's granularities mean for this system; None where it has no period."""
    time = system.lyapunov_time
    if system.kind == "map":
        return table(
            ["", "step", "a Lyapunov time"], [["every iterate", "1", _about(time) + (" iterates" if time else "")]], numbers=(1, 2)
        )
    if system.period is None:
        return None
    rows = []
    for name, samples in GRANULARITIES.items():
        step = system.period / samples
        rows.append([element("code", name), str(samples), f"{step:.4g}", _about(None if time is None else time / step)])
    return table(["", "samples a period", "step", "samples a Lyapunov time"], rows, numbers=(1, 2, 3))


def variants(system: System) -> Html | None:
    """Each variant: what it changes, and how it then behaves."""
    rows = []
    for name, variant in system.record.variants.items():
        changed = [f"{key} = {_written(value)}" for key, value in variant.parameters.items()]
        changed += [f"{key}: {text}" for key, text in {**variant.definitions, **variant.equations}.items()]
        changed += [f"{key}(0) = {_written(value)}" for key, value in variant.initial.items()]
        behaviour = "" if variant.behaviour == "unknown" else variant.behaviour.replace("_", " ")
        rows.append([element("code", name), element("code", ", ".join(changed)), behaviour, variant.notes])
    return table(["", "in place of the above", "behaviour", ""], rows) if rows else None


def estimate(found: Invariant) -> list[str]:
    """Each value of an invariant with its error in brackets."""
    values, errors = flat(found.value), flat(found.standard_error)
    return [minus(_with_error(value, error)) for value, error in zip(values, errors or [0.0] * len(values), strict=False)]


def flat(value: Any) -> list[float]:
    if value is None:
        return []
    return [number for item in value for number in flat(item)] if isinstance(value, tuple | list) else [float(value)]


def minus(text: str) -> str:
    """With the sign for minus in place of a hyphen."""
    return text.replace("-", "−")


def short(value: Any) -> Child:
    """A value as written; a list's first numbers, and how many there are."""
    if not isinstance(value, tuple | list):
        return minus(str(value)) if isinstance(value, int | float) else element("code", str(value)) if value != "" else ""
    items = _flattened(value)
    more = f", … ({len(items)} in all)" if len(items) > SHOWN else ""
    return element("span", "[" + ", ".join(minus(str(item)) for item in items[:SHOWN]) + more + "]", class_="list")


def _with_error(value: float, error: float) -> str:
    """An error that is rounding alone says nothing that ten digits do not."""
    return f"{value:.10g}" if error < ROUNDING * abs(value) else with_error(value, error)


def _computed(name: str, found: Invariant, stale: bool) -> Iterator[tuple[str, Child]]:
    for place, text in enumerate(estimate(found)):
        yield _key(name, place), [text, element("abbr", "†", title="computed from an older form of the equations")] if stale else text


def _key(name: str, place: int) -> str:
    return f"{name} {place}" if name == SPECTRUM or place else name


def _label(key: str) -> Child:
    name, _, place = key.partition(" ")
    if name == SPECTRUM:
        first = "Lyapunov exponents " if place == "0" else ""
        return [first, element("i", "λ"), element("sub", str(int(place) + 1))]
    return _LABELS.get(name, name.replace("_", " "))


def _published(found: list[tuple[str, int]]) -> Child:
    return [[", " if place else "", text, element("sup", number)] for place, (text, number) in enumerate(found)]


def _symbol(writer: LatexWriter | None, name: str) -> Child:
    return formula(writer.symbol(name)) if writer else ""


def _of(values: Mapping[str, Any], name: str, otherwise: Any) -> Any:
    """A variable's value, where one of several components may be written as `x[i]`."""
    return next((value for key, value in values.items() if key == name or key.startswith(f"{name}[")), otherwise)


def _interval(ends: Any) -> str:
    return "" if ends is None else f"{_written(ends[0])}\N{NO-BREAK SPACE}…\N{NO-BREAK SPACE}{_written(ends[1])}"


def _written(value: Any) -> str:
    if isinstance(value, tuple | list):
        return "[" + ", ".join(map(_written, value)) + "]"
    return minus(f"{value:g}" if isinstance(value, float) else str(value))


def _flattened(value: Any) -> list[Any]:
    return [item for part in value for item in _flattened(part)] if isinstance(value, tuple | list) else [value]


def _about(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"


def has_equations(system: System) -> bool:
    """Whether the engine knows this kind, so that its equations can be typeset."""
    return system.kind in KINDS
