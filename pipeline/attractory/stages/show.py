"""`attractory show` and `attractory systems`: what the catalog says of a system, for a person and for a program."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from attractory.catalog import Invariant, StateVariable
from attractory.expressions import System
from attractory.expressions.definition import KINDS
from attractory.expressions.export.equations import equations
from attractory.expressions.export.terminal import WIDTH, TerminalWriter, terminal_lines

DIGITS = 2  # of a standard error
MOST_DIGITS = 12  # of a value
SMALLEST = -4  # power of ten of what is written without one
SHOWN = 8  # values of a spectrum


def line(system: System) -> dict[str, Any]:
    """One system of `systems --json`."""
    return {
        "name": system.name,
        "kind": system.kind,
        "dimension": _dimension(system),
        "behaviour": system.behaviour,
        "tags": list(system.tags),
        "period": system.period,
        "lyapunov_time": system.lyapunov_time,
        "lyapunov_exponent": _leading(system),
        "description": system.description,
    }


def columns(system: System) -> tuple[str, ...]:
    """One system of the table that `systems` prints."""
    exponent = _leading(system)
    shown = "" if exponent is None else with_error(exponent["value"] or 0.0, exponent["standard_error"])
    period = "" if system.period is None else f"{system.period:.4g}"
    return system.name, system.kind, str(_dimension(system)), system.behaviour, period, shown, ", ".join(system.tags)


def document(system: System) -> dict[str, Any]:
    """All of an entry as JSON, with what follows from it."""
    written = system.record.model_dump(mode="json")
    meanings = written.pop("variables", {})
    return {**written, **line(system), "variables": list(system.variables), "meanings": meanings, "digest": system.digest}


def page(system: System, *, variant: str | None = None, picture: Sequence[str] = ()) -> list[str]:
    """One page about a system, at most 100 columns wide where words allow it."""
    dimension = _dimension(system)
    counted = "1 variable" if dimension == 1 else f"{dimension} variables"
    lines = [f"{system.name}{f', variant {variant}' if variant else ''}  ({system.kind}, {counted}, {system.behaviour})"]
    lines += _wrapped(system.description)
    if system.record.aliases:
        lines += _wrapped(f"Also called {', '.join(system.record.aliases)}.")
    lines += ["", *_equations(system), *(["", *picture] if picture else [])]
    for title, rows in _sections(system):
        if rows:
            lines += ["", f"{title}:", *rows]
    return lines


def with_error(value: float, error: float | None) -> str:
    """A number with the uncertainty of its last digits in brackets: 0.9047(11) is 0.9047 ± 0.0011."""
    if not error:
        return f"{value:.6g}"
    last = Decimal(f"{error:.{DIGITS - 1}e}").adjusted() - DIGITS + 1  # the power of ten of the last digit shown
    power = Decimal(f"{max(abs(value), error):e}").adjusted()
    if power < SMALLEST:  # so many zeros are not read: the power of ten goes to the end
        return f"{with_error(value / 10.0**power, error / 10.0**power)}e{power}"
    if power - last > MOST_DIGITS:  # more than were kept of the value
        return f"{value:.{MOST_DIGITS}g} ± {error:.{DIGITS}g}"
    if last >= 0:
        return f"{value:.0f}({error:.0f})"
    return f"{value:.{-last}f}({round(error * 10.0**-last)})"


def _dimension(system: System) -> int | None:
    """Also of a kind that is not integrated yet, where the entry says it."""
    return system.dimension if system.kind in KINDS else system.record.dimension


def _equations(system: System) -> list[str]:
    """Typeset; of a kind that is not integrated yet, as written."""
    if system.kind not in KINDS:
        return [f"  {name}: {text}" for name, text in system.equations.items()]
    return [f"  {text}" for text in terminal_lines(equations(system.record), width=WIDTH - 2)]


def _sections(system: System) -> Iterator[tuple[str, list[str]]]:
    record = system.record
    yield "parameters", list(_parameters(system))
    yield "variables", [text for name, known in record.variables.items() for text in _wrapped(_meaning(known), indent=f"  {name}  ")]
    start, written = ("history", record.history) if system.kind == "delay" else ("initial state", record.initial)
    yield start, _wrapped(", ".join(f"{name} = {_number(value)}" for name, value in written.items()), indent="  ")
    if record.timescale is not None:
        yield "period", _wrapped(f"{record.timescale.period} ({record.timescale.definition})", indent="  ")
    yield "on a circle", [f"  {name} in [{low}, {high})" for name, (low, high) in record.wrap.items()]
    yield "conserved", [row for name, text in record.conserved.items() for row in _row(name, text)]
    yield "computed", [text for name, found in record.invariants.items() for text in _row(name, _estimate(found))]
    yield "published", [text for found in record.published for text in _row(found.quantity, f"{_listed(found.value)}   ({found.source})")]
    yield "variants", list(_variants(system))
    yield "notes", _wrapped(record.notes, indent="  ")
    if record.reference is not None:
        parts = record.reference.model_dump()
        yield "reference", _wrapped(", ".join(str(value) for value in parts.values() if value), indent="  ")


def _meaning(known: StateVariable) -> str:
    return f"{known.meaning} [{known.unit}]" if known.unit else known.meaning


def _parameters(system: System) -> Iterator[str]:
    """Each parameter as written, as the equations set it, and the range in which the behaviour stays."""
    record = system.record
    writer = TerminalWriter(equations(record)) if system.kind in KINDS else None
    names = {name: writer.symbol(name) if writer else name for name in record.parameters}
    widest = max(map(len, names.values()), default=0)
    for name, written in record.parameters.items():
        sign = f"{names[name]:{widest}}  {name} = " if any(names[key] != key for key in names) else f"{name} = "
        stays = f"   ({record.behaviour} from {record.ranges[name][0]:g} to {record.ranges[name][1]:g})" if name in record.ranges else ""
        yield from _wrapped(f"{_number(written)}{stays}", indent=f"  {sign}")


def _variants(system: System) -> Iterator[str]:
    for name, variant in system.record.variants.items():
        changed = [f"{key} = {_number(value)}" for key, value in variant.parameters.items()]
        changed += [f"{key}: {text}" for key, text in {**variant.definitions, **variant.equations}.items()]
        behaviour = "" if variant.behaviour == "unknown" else f" ({variant.behaviour})"
        yield from _wrapped(", ".join(changed) + behaviour, indent=f"  {name}: ")


def _row(name: str, text: str) -> list[str]:
    return _wrapped(text, indent=f"  {name} = ")


def _estimate(found: Invariant) -> str:
    """Values with their errors in brackets, the first of many."""
    values = _flat(found.value)
    errors = _flat(found.standard_error) or [0.0] * len(values)
    shown = [with_error(value, error) for value, error in zip(values, errors, strict=False)]
    return _bracketed(shown) if isinstance(found.value, tuple) else shown[0]


def _listed(value: Any) -> str:
    return _bracketed([f"{item:.10g}" for item in _flat(value)]) if isinstance(value, tuple) else f"{value:.10g}"


def _bracketed(texts: list[str]) -> str:
    more = f", … ({len(texts)} in all)" if len(texts) > SHOWN else ""
    return "[" + ", ".join(texts[:SHOWN]) + more + "]"


def _flat(value: Any) -> list[float]:
    if value is None:
        return []
    return [number for item in value for number in _flat(item)] if isinstance(value, tuple) else [float(value)]


def _number(written: Any) -> str:
    return "[" + ", ".join(map(_number, written)) + "]" if isinstance(written, tuple | list) else str(written)


def _leading(system: System) -> dict[str, float | None] | None:
    """The leading Lyapunov exponent as annotated, with its standard error."""
    found = system.record.invariants.get("lyapunov_spectrum")
    values = _flat(found.value) if found else []
    if found is None or not values:
        return None
    errors = _flat(found.standard_error)
    return {"value": values[0], "standard_error": errors[0] if errors else None}


def _wrapped(text: str, *, indent: str = "") -> list[str]:
    """The text in lines of at most 100 columns, the first one after `indent`, the others below it."""
    space = " " * min(len(indent), 24)
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=space, break_long_words=False, break_on_hyphens=False)
