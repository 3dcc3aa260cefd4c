"""Queries over the catalog, of recipes, command line and Python: {kind: flow, tag: laser, dimension: 4+} is each flow that fits."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import get_args

from attractory.catalog.record import Behaviour, Kind, SystemRecord
from attractory.errors import CatalogError, nearest

Query = Mapping[str, object]

_VALUES: dict[str, Callable[[SystemRecord], tuple[object, ...]]] = {
    "kind": lambda record: (record.kind,),
    "tag": lambda record: record.tags,
    "behaviour": lambda record: (record.behaviour,),
    "dimension": lambda record: (record.dimension,),
    "name": lambda record: (record.name,),
}
_WORDS: dict[str, tuple[str, ...]] = {"kind": get_args(Kind), "behaviour": get_args(Behaviour)}  # known, whether a system has them or not
_SPAN = re.compile(r"\s*([0-9]{1,6})\s*(?:(\+)|-\s*([0-9]{1,6}))?\s*\Z")


def matching(records: tuple[SystemRecord, ...], query: Query) -> tuple[SystemRecord, ...]:
    """The records that fit every key of a query, at least one; errors as for `fitting`, and where no system fits all."""
    if not query:
        message = f"the query is empty: expected one of {', '.join(_VALUES)}"
        raise CatalogError(message)
    found = fitting(records, query)
    if not found:
        message = f"no system is {_said(query)}"
        raise CatalogError(message)
    return found


def fitting(records: tuple[SystemRecord, ...], query: Query) -> tuple[SystemRecord, ...]:
    """The records that fit every key of a query; all of them where it is empty.

    A list of values means any of them. A name may have * and ?; a dimension may be 3, `4+` or `2-3` (where the size of an index is an
    expression the catalog does not know the dimension, and such a system fits none).

    Raises:
        CatalogError: an unknown key, or a value that is not one: no tag, kind or behaviour that there is, no dimension.
    """
    for key in query:
        if key not in _VALUES:
            message = f"unknown query key {str(key)[:40]!r}, expected one of {', '.join(_VALUES)}.{nearest(str(key), _VALUES)}"
            raise CatalogError(message)
    found = records
    for key, wanted in query.items():
        _refuse_unknown(records, key, wanted)
        found = tuple(record for record in found if _fits(_VALUES[key](record), key, wanted))
    return found


def _refuse_unknown(records: Iterable[SystemRecord], key: str, wanted: object) -> None:
    """A value that no system has is a typo, even where others of its list are known."""
    if key in _WORDS:
        known: Iterable[object] = _WORDS[key]
    else:
        known = {value: None for record in records for value in _VALUES[key](record)}
    for choice in _choices(wanted):
        if key == "dimension" and _span(choice) is not None:
            continue
        if not any(_fits((value,), key, choice) for value in known):
            expected = {
                "dimension": " Write a number, N+ or N-M.",
                **{word: f" Expected one of {', '.join(_WORDS[word])}." for word in _WORDS},
            }
            hint = nearest(str(choice)[:60], (str(value) for value in known))
            message = f"no system has {key} {_shown(choice)}.{expected.get(key, '')}{hint}"
            raise CatalogError(message)


def _fits(values: tuple[object, ...], key: str, wanted: object) -> bool:
    return any(_is(value, key, choice) for value in values for choice in _choices(wanted))


def _is(value: object, key: str, choice: object) -> bool:
    if key == "name":
        return isinstance(choice, str) and fnmatchcase(str(value), choice)
    if key == "dimension":
        span = _span(choice)
        return span is not None and isinstance(value, int) and span[0] <= value <= span[1]
    return value == choice and not isinstance(choice, bool)


def _span(choice: object) -> tuple[int, float] | None:
    """The fewest and the most variables that a dimension stands for, or None where it is none."""
    if isinstance(choice, bool) or not isinstance(choice, int | str):
        return None
    parts = _SPAN.match(str(choice))
    if parts is None:
        return None
    fewest = int(parts[1])
    return fewest, float("inf") if parts[2] else int(parts[3] or fewest)


def _choices(wanted: object) -> list[object]:
    return list(wanted) if isinstance(wanted, list | tuple) else [wanted]


def _said(query: Query) -> str:
    return " and ".join(f"{key} {wanted}" for key, wanted in query.items())


def _shown(choice: object) -> str:
    text = repr(choice)
    return text if len(text) <= 60 else text[:60] + "…"
