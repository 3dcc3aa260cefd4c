"""Named variants of an entry: other values of its parameters, and, where another source has them, other equations.

Written as `periodic_window: {rho: 99.65}` where only parameters change, and in full where more does:
`dysts: {parameters: {…}, equations: {…}, notes: …}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from attractory.catalog.record import Source, SystemRecord

FULL_KEYS = frozenset(("parameters", "definitions", "equations", "initial", "timescale", "behaviour", "notes"))
_CHANGED = ("parameters", "definitions", "equations", "initial")
# What was found or said of the entry itself holds for it alone.
_ENTRY_ONLY = frozenset(("aliases", "ranges", "basin", "variants", "published", "invariants"))
_OF_THE_EQUATIONS = frozenset(("symmetries", "conserved", "avoid"))


def in_full(written: object) -> object:
    """A variant in its full form: a mapping without any of the full form's keys is one of parameter values."""
    if isinstance(written, Mapping) and not FULL_KEYS & set(written):
        return {"parameters": written}
    return written


def variant_mapping(record: SystemRecord, name: str) -> dict[str, Any]:
    """The keys of the entry that a variant is by itself."""
    variant = record.variants[name]
    dropped = _ENTRY_ONLY | (_OF_THE_EQUATIONS if variant.equations or variant.definitions else frozenset())
    entry = {key: getattr(record, key) for key in type(record).model_fields if key not in dropped}
    for section in _CHANGED:
        entry[section] = {**getattr(record, section), **getattr(variant, section)}
    notes = " ".join(text for text in (variant.notes, record.notes) if text)
    return {**entry, "timescale": variant.timescale or record.timescale, "behaviour": variant.behaviour, "notes": notes}


def variant_source(source: Source, name: str) -> Source:
    """Where the keys of a variant stand: those that it changes at their own lines."""
    below = f"variants.{name}."
    own = {key.removeprefix(below): line for key, line in source.lines.items() if key.startswith(below)}
    bare = {f"parameters.{key}": line for key, line in own.items() if key.partition(".")[0] not in FULL_KEYS}
    return replace(source, lines={**source.lines, **own, **bare})
