"""Queries over the catalog: {kind: flow, tag: laser} is every flow with that tag."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase

from attractory.catalog.record import SystemRecord
from attractory.errors import CatalogError, nearest

Query = Mapping[str, object]

_VALUES: dict[str, Callable[[SystemRecord], tuple[object, ...]]] = {
    "kind": lambda record: (record.kind,),
    "tag": lambda record: record.tags,
    "behaviour": lambda record: (record.behaviour,),
    "dimension": lambda record: (record.dimension,),
    "name": lambda record: (record.name,),
}


def matching(records: tuple[SystemRecord, ...], query: Query) -> tuple[SystemRecord, ...]:
    """The records that fit every key of a query; a list of values means any of them, and a name may have * and ?.

    Raises:
        CatalogError: an unknown key, a value that no system has, or no system that fits all.
    """
    if not query:
        message = f"the query is empty: expected one of {', '.join(_VALUES)}"
        raise CatalogError(message)
    for key in query:
        if key not in _VALUES:
            message = f"unknown query key {str(key)[:40]!r}, expected one of {', '.join(_VALUES)}.{nearest(str(key), _VALUES)}"
            raise CatalogError(message)
    found = records
    for key, wanted in query.items():
        _refuse_unknown(records, key, wanted)
        found = tuple(record for record in found if _fits(_VALUES[key](record), key, wanted))
    if not found:
        message = f"no system is {_said(query)}"
        raise CatalogError(message)
    return found


def _refuse_unknown(records: Iterable[SystemRecord], key: str, wanted: object) -> None:
    """A value that no system has is a typo, even where others of its list are known."""
    known = {value: None for record in records for value in _VALUES[key](record)}
    for choice in _choices(wanted):
        if not any(_fits((value,), key, choice) for value in known):
            message = f"no system has {key} {choice!r}.{nearest(str(choice), (str(value) for value in known))}"
            raise CatalogError(message)


def _fits(values: tuple[object, ...], key: str, wanted: object) -> bool:
    if key == "name":
        return any(isinstance(choice, str) and fnmatchcase(str(value), choice) for value in values for choice in _choices(wanted))
    return any(value == choice and not isinstance(choice, bool) for value in values for choice in _choices(wanted))


def _choices(wanted: object) -> list[object]:
    return list(wanted) if isinstance(wanted, list | tuple) else [wanted]


def _said(query: Query) -> str:
    return " and ".join(f"{key} {wanted}" for key, wanted in query.items())
