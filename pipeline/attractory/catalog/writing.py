"""A record as the text of a catalog file: what reads back as an equal record, laid out as a person would."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attractory.catalog.names import INDEXED
from attractory.catalog.variants import FULL_KEYS
from attractory.errors import CatalogError

if TYPE_CHECKING:
    from attractory.catalog.record import SystemRecord

WIDTH = 120
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
_BEGINNING = re.compile(r"-?[^\W\d_]|-?\(")  # of text that needs no quotes in a line of its own
_LINE_EACH = frozenset(("definitions", "equations", "history", "invariants"))
# What some reader of YAML, 1.1 or 1.2, takes for a truth value, nothing or a number.
_WORDS = frozenset("y n yes no on off true false null nan inf".split())


def entry_text(record: SystemRecord) -> str:
    """The text of a file that holds this entry; what is empty is left out, keys stand in the order of the schema."""
    written = record.model_dump(exclude_defaults=True)
    if record.variants:
        written["variants"] = {name: _short(variant) for name, variant in written["variants"].items()}
    return "".join(f"{line}\n" for key, value in written.items() for line in _lines(key, value))


def flow(value: object) -> str:
    """A value on one line. Floats keep all their digits, and have a dot, so that a YAML 1.1 reader takes them for numbers too.

    Raises:
        CatalogError: it holds something that YAML has no word for.
    """
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(str(key))}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, str):
        return value if _PLAIN.match(value) and len(value) > 5 else _quoted(value)  # short words may be no, on or null
    if isinstance(value, Sequence):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    if value is None or isinstance(value, bool | int):
        return json.dumps(value)
    if isinstance(value, float):
        return _float(value)
    if hasattr(value, "tolist"):  # NumPy's numbers and arrays
        return flow(value.tolist())
    message = f"found {type(value).__name__}, expected numbers, text, lists and mappings"
    raise CatalogError(message)


def _short(variant: Mapping[str, Any]) -> Mapping[str, Any]:
    """A variant of parameters alone is written without that word, unless one has the name of a key."""
    parameters: Mapping[str, Any] = variant.get("parameters", {})
    return parameters if set(variant) == {"parameters"} and not FULL_KEYS & set(parameters) else variant


def _lines(key: str, value: object, indent: str = "") -> Iterator[str]:
    head = f"{indent}{key if INDEXED.match(key) else _key(key)}:"
    if isinstance(value, str):
        yield f"{head} {value if _is_plain(value) else _quoted(value)}"
    elif not (isinstance(value, Mapping | list | tuple) and value):
        yield f"{head} {flow(value)}"
    elif key not in _LINE_EACH and len(line := f"{head} {flow(value)}") <= WIDTH:
        yield line
    elif isinstance(value, Mapping):
        yield head
        for name, item in value.items():
            yield from _lines(str(name), item, indent + "  ")
    else:
        yield head
        yield from (f"{indent}  - {flow(item)}" for item in value)


def _is_plain(text: str) -> bool:
    """Whether the text needs no quotes in a line of its own."""
    quoted = ": " in text or " #" in text or text.endswith((":", " ")) or text.lower() in _WORDS
    return text.isprintable() and bool(_BEGINNING.match(text)) and not quoted


def _key(key: str) -> str:
    # `y` and `no` are the names of variables here, and every file of the catalog writes them plainly.
    return key if _PLAIN.match(key) and key.lower() not in ("true", "false", "null") else _quoted(key)


def _quoted(text: str) -> str:
    """Quoted as JSON is, which YAML reads alike, with what no printer shows as an escape."""
    return "".join(sign if sign.isprintable() else _escape(sign) for sign in json.dumps(text, ensure_ascii=False))


def _escape(sign: str) -> str:
    return f"\\U{ord(sign):08x}" if ord(sign) > 0xFFFF else f"\\u{ord(sign):04x}"


def _float(value: float) -> str:
    if not math.isfinite(value):
        return ".nan" if math.isnan(value) else f"{'-' if value < 0 else ''}.inf"
    digits, exponent, power = repr(float(value)).partition("e")
    return digits + ("" if "." in digits else ".0") + exponent + power
