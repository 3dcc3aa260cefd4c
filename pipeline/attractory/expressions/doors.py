"""Systems by name or by file, as the public door `attractory.system` gives them."""

from __future__ import annotations

import os
from pathlib import Path

from attractory.catalog import extended_catalog, read_system
from attractory.catalog.names import is_path
from attractory.errors import RequestError
from attractory.expressions.system import System


def system(name: str | os.PathLike[str], *, variant: str | None = None, catalog: str | os.PathLike[str] | None = None) -> System:
    """The catalogued system of that name, the system of a YAML file, or a named variant of either.

    Args:
        name: of a system, or the path of a file: what has a slash or ends in .yaml or .yml is a path, and no name does.
        catalog: a folder of YAML files with more systems, beside those of the packaged catalog; their names must be new.
    Raises:
        CatalogError: there is no such system, or the system has no such variant; the nearest name is in the message.
        RequestError: a path is given and a catalog too.
    """
    if not isinstance(name, str | os.PathLike):
        message = f"name is {name!r}; expected the name of a system or the path of a YAML file."
        raise RequestError(message)
    if is_path(name):
        if catalog is not None:
            message = f"{name} is the path of a file, which needs no catalog: leave the catalog out, or give a name."
            raise RequestError(message)
        record = read_system(Path(name))
    else:
        record = extended_catalog(None if catalog is None else Path(catalog)).get(str(name))
    return System.from_record(record if variant is None else record.variant(variant))


def as_system(named: str | System) -> System:
    """The system itself, or the catalog's of that name, or that of a YAML file: wherever a name stands, a System may.

    Raises:
        CatalogError: the catalog has no such system, or the file holds none.
        RequestError: it is neither a name nor a path nor a System.
    """
    if isinstance(named, str | os.PathLike):
        return system(named)
    if not isinstance(named, System):
        message = f"system is {named!r}; expected a name in the catalog, the path of a YAML file or a System."
        raise RequestError(message)
    return named
