"""The rules of a catalog entry that no single key can show: which names fit together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import TYPE_CHECKING

from attractory.catalog.names import INDEXED, base_name, declared_name_problem, index_name, name_problem
from attractory.errors import nearest

if TYPE_CHECKING:
    from attractory.catalog.record import SystemRecord

Problem = tuple[str, str]  # dotted key, what is wrong


def record_problems(record: SystemRecord, *, most: int) -> list[Problem]:
    """The broken rules of a record, as (dotted key, sentence); looking ends with number `most`."""
    rules = (_system_name, _aliases, _declared_names, _clashes, _indices, _states, _conserved, _ranges, _variants)
    return list(islice(chain.from_iterable(rule(record) for rule in rules), most))


def _system_name(record: SystemRecord) -> Iterator[Problem]:
    if problem := name_problem(record.name):
        yield "name", problem
    elif record.name.casefold() == "all":
        yield "name", f"{record.name!r} means every system in a recipe: expected another name"


def _aliases(record: SystemRecord) -> Iterator[Problem]:
    taken = {record.name.casefold(): "the name of the system"}
    for number, alias in enumerate(record.aliases):
        key = f"aliases.{number}"
        if problem := name_problem(alias):
            yield key, problem
        elif alias.casefold() == "all":
            yield key, f"{alias!r} means every system in a recipe: expected another name"
        elif alias.casefold() in taken:
            yield key, f"{alias!r} is {taken[alias.casefold()]} already, ignoring case: remove it"
        taken.setdefault(alias.casefold(), "an alias")


def _declarations(record: SystemRecord) -> Iterator[tuple[str, str]]:
    """Every name that an entry declares, as (section, key)."""
    for section in ("parameters", "definitions", "indices", "equations"):
        for key in getattr(record, section):
            yield section, key


def _declared_names(record: SystemRecord) -> Iterator[Problem]:
    for section, key in _declarations(record):
        name = base_name(key) if section == "equations" else key
        if problem := declared_name_problem(name):
            yield f"{section}.{key}", problem
    if not record.equations:
        yield "equations", "found none, expected one for each state variable"


def _clashes(record: SystemRecord) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for section, key in _declarations(record):
        name = base_name(key)
        if name in first:
            yield f"{section}.{key}", f"{name!r} is declared already, under {first[name]}: expected another name"
        first.setdefault(name, section)
    indexed = {base_name(key): key for key in record.equations if INDEXED.match(key)}
    for name, section in first.items():
        for base in _numbered(name):
            if base in indexed:
                problem = f"stands for {base}0, {base}1, …, and {name!r} is declared under {section}: rename one of them"
                yield f"equations.{indexed[base]}", problem


def _numbered(name: str) -> Iterator[str]:
    """Names of which this may be an element, written out: x12 of x and of x1."""
    for length in range(len(name.rstrip("0123456789")), len(name)):
        yield name[:length]


def _indices(record: SystemRecord) -> Iterator[Problem]:
    for section in ("equations", "initial", "history"):
        for key in getattr(record, section):
            index = index_name(key)
            if index is not None and index not in record.indices:
                yield f"{section}.{key}", f"the index {index!r} is not declared under indices.{nearest(index, record.indices)}"
    for index, count in record.indices.items():
        if isinstance(count, int) and count < 1:
            yield f"indices.{index}", f"found {count}, expected a number of at least 1"


def _states(record: SystemRecord) -> Iterator[Problem]:
    """Each section about state variables names only those, and the one that starts the system names all of them."""
    start = "history" if record.kind == "delay" else "initial"
    if not record.equations:
        return
    for section in ("initial", "history", "wrap", "variables", "basin"):
        yield from _only_variables(record, section, getattr(record, section))
    for number, symmetry in enumerate(record.symmetries):
        yield from _only_variables(record, f"symmetries.{number}", symmetry)
    for number, name in enumerate(record.unbounded):
        yield from _only_variables(record, "unbounded", {name: number})
    given = {base_name(key) for key in getattr(record, start)}
    missing = [key for key in record.equations if base_name(key) not in given]
    if missing:
        yield start, f"has no value for {_listed(missing)}"
    if record.history and record.kind != "delay":
        yield "history", f"is for delay systems, and this is a {record.kind}: use initial"


def _only_variables(record: SystemRecord, section: str, keys: Mapping[str, object]) -> Iterator[Problem]:
    variables = record.state_variables if keys else ()
    known = set(variables)
    for key in keys:
        if base_name(key) not in known:
            yield f"{section}.{key}", f"{key!r} is not a state variable (those are {_listed(variables)}).{nearest(key, variables)}"


def _conserved(record: SystemRecord) -> Iterator[Problem]:
    for section in ("conserved", "invariants"):
        for key in getattr(record, section):
            if problem := name_problem(key):
                yield f"{section}.{key}", problem


def _ranges(record: SystemRecord) -> Iterator[Problem]:
    for key in record.ranges:
        yield from _only_parameters(record, "ranges", key)
    for section in ("ranges", "basin"):
        for key, (low, high) in getattr(record, section).items():
            if not low < high:
                yield f"{section}.{key}", f"found [{low:g}, {high:g}], expected [low, high] with low below high"


def _variants(record: SystemRecord) -> Iterator[Problem]:
    """A variant changes what the entry has; other equations may bring parameters of their own."""
    for name, variant in record.variants.items():
        here = f"variants.{name}"
        if problem := name_problem(name):
            yield here, problem
        if not (variant.equations or variant.definitions):
            for key in variant.parameters:
                yield from _only_parameters(record, here, key)
        for key in variant.equations:
            if key not in record.equations:
                near = nearest(key, record.equations)
                yield f"{here}.equations.{key}", f"{key!r} is not an equation of the entry (it has {_listed(record.equations)}).{near}"
        yield from _only_variables(record, f"{here}.initial", variant.initial)


def _only_parameters(record: SystemRecord, section: str, key: str) -> Iterator[Problem]:
    if key not in record.parameters:
        known = _listed(record.parameters) or "none"
        yield f"{section}.{key}", f"{key!r} is not a parameter (those are {known}).{nearest(key, record.parameters)}"


def _listed(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(listed[:8]) + (", …" if len(listed) > 8 else "")
