"""Systems by name: the packaged catalog's, as the public door `attractory.system` gives them."""

from __future__ import annotations

from attractory import catalog
from attractory.errors import RequestError
from attractory.expressions.system import System


def system(name: str) -> System:
    """The catalogued system of that name.

    Raises:
        CatalogError: the catalog has no such system; the nearest name is in the message.
    """
    return System.from_record(catalog.read_catalog().get(name))


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
