"""The file that `attractory new` writes: a small system that works, with a word about each key, to be replaced key by key."""

from __future__ import annotations

import os
from pathlib import Path

from attractory.catalog.folder import catalog_folder, entry_files, read_catalog, read_system
from attractory.catalog.names import file_stem, name_problem
from attractory.errors import CatalogError, RequestError, nearest

_HEAD = """\
# yaml-language-server: $schema={schema}
# A small system that works, so that `attractory check` passes: replace it key by key, then delete these comments and what you do not need.
name: {name}
kind: {kind}                  # {kinds}
"""
_WORDS = "# One or two sentences for a physicist, in your own words."
_CITATION = "# The original publication, not a copy of a copy; journal, doi, isbn and url are optional."
_TAGS = "# Words that a recipe can ask for: the field it comes from, and what it is (dissipative, conservative, driven, stiff …)."
_BEHAVIOUR = "# chaotic, hyperchaotic, conservative_chaotic, transient_chaotic, periodic, quasiperiodic or fixed_point"
_PARAMETERS = "# Numbers, lists, or expressions of numbers and of the parameters above: beta: 8/3"
_END = """\
# Where it applies, in this order: basin, avoid, wrap, unbounded, symmetries, conserved, variants, published, notes.
# What each means, and the functions that an expression may use, stand in docs/catalog.md. Numbers are written 1.0e-9.
# What the literature says: published: [{quantity: lyapunov_spectrum, value: [0.9056, 0, -14.5723], source: 'who, year, page'}]
# `invariants` is written by `attractory annotate`, never by hand.
"""
_KINDS = {
    "flow": "an equation is the time derivative of its variable",
    "map": "an equation is the next value of its variable",
    "delay": "an equation is the time derivative, and may read the past: x(t - tau)",
}
_BODIES = {
    "flow": f"""\
{_WORDS}
description: An oscillator whose friction turns negative at small swings, so that every motion settles on one cycle.
{_CITATION}
reference: {{authors: 'van der Pol, B.', year: 1926, title: On relaxation-oscillations, journal: 'Philosophical Magazine 2, 978'}}
{_TAGS}
tags: [electronics, dissipative]
{_BEHAVIOUR}
behaviour: periodic
variables: {{x: {{meaning: current}}, y: {{meaning: its rate of change}}}}   # unit: …, where there is one
{_PARAMETERS}
parameters: {{mu: 1.0}}
ranges: {{mu: [0.1, 4]}}        # where the behaviour stays the same kind
equations:
  x: y
  y: mu*(1 - x**2)*y - x
initial: {{x: 2.0, y: 0.0}}     # on the attractor or near it
# What samples and transients are counted in: measured, rounded, with a word on what it is.
timescale: {{period: 6.66, definition: 'one turn of the cycle'}}
""",
    "map": f"""\
{_WORDS}
description: A population whose growth its own size limits, at a rate where two years of plenty and of want take turns.
{_CITATION}
reference:
  {{authors: 'May, R. M.', year: 1976, title: Simple mathematical models with very complicated dynamics, journal: 'Nature 261, 459'}}
{_TAGS}
tags: [ecology, dissipative]
{_BEHAVIOUR}
behaviour: periodic
variables: {{x: {{meaning: population in parts of the largest}}}}   # unit: …, where there is one
{_PARAMETERS}
parameters: {{r: 3.2}}
ranges: {{r: [3.05, 3.44]}}     # where the behaviour stays the same kind
equations:
  x: r*x*(1 - x)
initial: {{x: 0.5}}             # on the attractor or near it
""",
    "delay": f"""\
{_WORDS}
description: A population whose growth is limited by its size some time ago, so that it overshoots and falls without end.
{_CITATION}
reference:
  {{authors: 'Hutchinson, G. E.', year: 1948, title: Circular causal systems in ecology, journal: 'Ann. N. Y. Acad. Sci. 50, 221'}}
{_TAGS}
tags: [ecology, delay, dissipative]
{_BEHAVIOUR}
behaviour: periodic
variables: {{x: {{meaning: population in parts of what its food can keep}}}}   # unit: …, where there is one
{_PARAMETERS}
parameters: {{r: 1.8, tau: 1.0}}
ranges: {{r: [1.65, 2.4]}}      # where the behaviour stays the same kind
equations:
  x: r*x*(1 - x(t - tau))
history: {{x: 0.5}}             # the past up to time 0, in place of initial: expressions in t
# What samples and transients are counted in: measured, rounded, with a word on what it is.
timescale: {{period: 4.18, definition: 'mean time between maxima of x'}}
""",
}


def new_entry(name: str, *, kind: str, folder: str | Path = ".") -> Path:
    """The file of a new entry, written into a folder that is made where it is missing; nothing that is there is written over.

    Raises:
        RequestError: there is no such kind, or the folder cannot be written.
        CatalogError: the name is none, is taken in the packaged catalog or in the folder, or the file is there already.
    """
    if kind not in _KINDS:
        message = f"--kind is {kind!r}; expected one of {', '.join(_KINDS)}.{nearest(kind, _KINDS)}"
        raise RequestError(message)
    place = Path(folder)
    _check_name(name, place)
    path = place / f"{file_stem(name)}.yaml"
    try:
        place.mkdir(exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(skeleton(name, kind, schema=schema_place(place)))
    except FileExistsError:
        message = f"{path}: is there already: choose another name or folder."
        raise CatalogError(message) from None
    except OSError as failure:
        message = f"{path}: cannot be written: {failure.strerror or failure}."
        raise RequestError(message) from None
    return path


def skeleton(name: str, kind: str, *, schema: str) -> str:
    """The text of the file; `schema` is where editors find the format."""
    head = _HEAD.format(schema=schema, name=name, kind=kind, kinds=_KINDS[kind])
    return head + _BODIES[kind] + _END


def _check_name(name: str, folder: Path) -> None:
    if problem := name_problem(name):
        message = f"the name {problem}."
        raise CatalogError(message)
    if name.casefold() == "all":
        message = f"the name {name!r} means every system in a recipe: expected another name."
        raise CatalogError(message)
    taken = {known.casefold(): (known, catalog_folder()) for known in read_catalog()} | _names_in(folder)
    if name.casefold() in taken:
        known, place = taken[name.casefold()]
        message = f"the name {name!r} is taken: {place} has {known!r}, and names are unique ignoring case."
        raise CatalogError(message)


def _names_in(folder: Path) -> dict[str, tuple[str, Path]]:
    """Names of the entries of a folder; other YAML files may lie there too, such as recipes, and have none."""
    names: dict[str, tuple[str, Path]] = {}
    for file in entry_files(folder) if folder.is_dir() else ():
        try:
            name = read_system(file).name
        except CatalogError:
            continue
        names[name.casefold()] = name, file
    return names


def schema_place(folder: Path) -> str:
    """Where the schema is, seen from a file in the folder: a relative path inside of the catalog, an address elsewhere."""
    schema, home = (catalog_folder() / "schema.json").resolve(), folder.resolve()
    return os.path.relpath(schema, home) if home.is_relative_to(schema.parent) else schema.as_uri()
