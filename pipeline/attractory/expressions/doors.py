"""Systems by name: the packaged catalog's, as the public door `attractory.system` gives them."""

from __future__ import annotations

from collections.abc import Sequence

from attractory import catalog
from attractory.errors import RequestError
from attractory.expressions.conditions import fulfils, read_condition
from attractory.expressions.system import System

Words = str | Sequence[str] | None


def system(name: str, *, variant: str | None = None) -> System:
    """The catalogued system of that name, or a named variant of it.

    Raises:
        CatalogError: the catalog has no such system, or the system no such variant; the nearest name is in the message.
    """
    record = catalog.read_catalog().get(name)
    return System.from_record(record if variant is None else record.variant(variant))


def systems(
    *,
    kind: Words = None,
    tag: Words = None,
    dimension: int | str | Sequence[int | str] | None = None,
    behaviour: Words = None,
    name: Words = None,
    where: str | None = None,
) -> tuple[System, ...]:
    """The systems of the catalog that fit all that is asked, sorted by name; all of them where nothing is.

    Args:
        kind, tag, behaviour: as an entry has them; a list means any of its values.
        dimension: how many variables: 3, "4+" or "2-3".
        name: with * and ? for any characters: "Sprott*".
        where: a condition on dimension, parameters (how many), period, lyapunov_exponent (the leading one), lyapunov_time,
            kaplan_yorke_dimension and mean_divergence: "lyapunov_exponent > 0.5 and dimension == 3". A system of which one of these is
            not known does not fit.
    Raises:
        CatalogError: there is no such kind, tag, behaviour or name, or the dimension is none; the nearest is in the message.
        ExpressionError: the condition cannot be read.
    """
    asked = {"kind": kind, "tag": tag, "dimension": dimension, "behaviour": behaviour, "name": name}
    query = {key: value for key, value in asked.items() if value is not None}
    condition = None if where is None else read_condition(where)
    found = map(System.from_record, catalog.read_catalog().find(query))
    return tuple(system for system in found if condition is None or fulfils(system, condition))


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
