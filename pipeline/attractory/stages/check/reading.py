"""What of an entry cannot be read, its variants included."""

from __future__ import annotations

from collections.abc import Iterator

from attractory.catalog import SystemRecord
from attractory.errors import AttractoryError
from attractory.expressions import System
from attractory.expressions.definition import Model


def unreadable(record: SystemRecord) -> tuple[str, ...]:
    """A sentence for every expression of the entry and of its variants that cannot be read."""
    return tuple(_lines(record))


def _lines(record: SystemRecord) -> Iterator[str]:
    for variant in (None, *record.variants):
        try:
            _read(record if variant is None else record.variant(variant))
        except AttractoryError as error:
            yield from str(error).splitlines()


def _read(record: SystemRecord) -> None:
    system = System.from_record(record)
    system.conserved_quantities(system.initial)  # reads every expression of the entry that a trajectory depends on
    model = Model(record)
    for number, text in enumerate(record.avoid):
        model.number(f"avoid.{number}", text)
