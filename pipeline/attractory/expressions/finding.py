"""Systems by what they are: the public door `attractory.systems`."""

from __future__ import annotations

import os
from collections.abc import Sequence

from attractory.catalog import extended_catalog
from attractory.expressions.conditions import fulfils, read_condition
from attractory.expressions.system import System

Words = str | Sequence[str] | None


def systems(  # noqa: PLR0913 - the public door to the catalog: each argument is a question that a user asks
    *,
    kind: Words = None,
    tag: Words = None,
    dimension: int | str | Sequence[int | str] | None = None,
    behaviour: Words = None,
    name: Words = None,
    where: str | None = None,
    catalog: str | os.PathLike[str] | None = None,
) -> tuple[System, ...]:
    """The systems of the catalog that fit all that is asked, sorted by name; all of them where nothing is.

    Args:
        kind, tag, behaviour: as an entry has them; a list means any of its values.
        dimension: how many variables: 3, "4+" or "2-3".
        name: with * and ? for any characters: "Sprott*".
        where: a condition on dimension, parameters (how many), period, lyapunov_exponent (the leading one), lyapunov_time,
            kaplan_yorke_dimension and mean_divergence: "lyapunov_exponent > 0.5 and dimension == 3". A system of which one of these is
            not known does not fit.
        catalog: a folder with more systems, beside those of the packaged catalog.
    Raises:
        CatalogError: there is no such kind, tag, behaviour or name, or the dimension is none; the nearest is in the message.
        ExpressionError: the condition cannot be read.
    """
    condition = None if where is None else read_condition(where)
    asked = {"kind": kind, "tag": tag, "dimension": dimension, "behaviour": behaviour, "name": name}
    known = extended_catalog(None if catalog is None else os.fspath(catalog))
    found = map(System.from_record, known.find({key: value for key, value in asked.items() if value is not None}))
    return tuple(system for system in found if condition is None or fulfils(system, condition))
