"""Systems by name: the packaged catalog's, as the public door `attractory.system` gives them."""

from __future__ import annotations

from attractory import catalog
from attractory.errors import RequestError
from attractory.expressions.system import System


def system(name: str, *, variant: str | None = None) -> System:
    """The catalogued system of that name, or a named variant of it.

    Raises:
        CatalogError: the catalog has no such system, or the system no such variant; the nearest name is in the message.
    """
    record = catalog.read_catalog().get(name)
    return System.from_record(record if variant is None else record.variant(variant))


def as_system(named: str | System) -> System:
    """The system itself, or the catalog's of that name: wherever a name stands, a System may.

    Raises:
        CatalogError: the catalog has no such system.
        RequestError: it is neither a name nor a System.
    """
    if isinstance(named, str):
        return system(named)
    if not isinstance(named, System):
        message = f"system is {named!r}; expected a name in the catalog or a System."
        raise RequestError(message)
    return named
