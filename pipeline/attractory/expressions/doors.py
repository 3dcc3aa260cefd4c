"""Systems by name: the packaged catalog's, as the public door `attractory.system` gives them."""

from __future__ import annotations

from attractory import catalog
from attractory.expressions.system import System


def system(name: str) -> System:
    """The catalogued system of that name.

    Raises:
        CatalogError: the catalog has no such system; the nearest name is in the message.
    """
    return System.from_record(catalog.read_catalog().get(name))


def as_system(named: str | System) -> System:
    """The system itself, or the catalog's of that name: wherever a name stands, a System may."""
    return system(named) if isinstance(named, str) else named
