"""What pydantic found, said as a person would: where, what was found, what was expected, the nearest valid name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel, ValidationError

from attractory.catalog.names import LONGEST_NAME
from attractory.errors import nearest

if TYPE_CHECKING:
    from attractory.catalog.record import Source

BRANCHES = 8  # at most so many of pydantic's errors are one problem: a union of types has one for each
LONGEST_PROBLEM = 600  # characters
MOST_PROBLEMS = 20  # of one file: a person mends the first ones and looks again
_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "tuple_type": "a list",
    "string_too_short": "an expression",
    "less_than_equal": "a whole number of at most 2**53",
    "greater_than_equal": "a whole number of at least -2**53",
}
_UNQUOTED = " A comma ends a value between { and }: put quotes around text that has one."


def sentences(error: ValidationError, mapping: Mapping[str, object], source: Source, model: type[BaseModel]) -> list[str]:
    """One sentence for each problem of an entry, in the order of its lines, and for no more than a person reads.

    Args:
        mapping: what was validated, to say what was found.
        model: the record that refused it, to say which keys it has.
    """
    name = str(mapping.get("name", "?"))[:LONGEST_NAME]
    problems: dict[str, list[str]] = {}
    found = error.errors(include_url=False)
    found.sort(key=lambda item: source.lines.get(".".join(_location(item["loc"], mapping)), 0))
    for item in found[: BRANCHES * MOST_PROBLEMS]:
        for key, message in _problems(item, mapping, model):
            problems.setdefault(key, []).append(message)
    ordered = sorted(problems, key=lambda key: source.lines.get(key, 0))
    lines = [f"{source.where(name, key)}: {text}" for key in ordered for text in _joined(problems[key], _found(mapping, key))]
    return few(lines, source.where(name, "") if not source.path else f"{source.path}:1")


def few(problems: list[str], where: str) -> list[str]:
    """The first problems, each on one line, and that there are more."""
    more = [f"{where}: has more problems than these."] if len(problems) > MOST_PROBLEMS else []
    return [*map(_on_one_line, problems[:MOST_PROBLEMS]), *more]


def _on_one_line(problem: str) -> str:
    short = problem if len(problem) <= LONGEST_PROBLEM else problem[:LONGEST_PROBLEM] + "…"
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in short)


def _problems(item: Any, mapping: Mapping[str, object], model: type[BaseModel]) -> Iterable[tuple[str, str]]:
    """The (dotted key, message) pairs of one pydantic error; `=…` marks an expectation that others of the key are joined to."""
    context, kind = item.get("ctx", {}), item["type"]
    if kind == "rules":
        return [(key, message) for key, message in context["problems"]]
    location = _location(item["loc"], mapping)
    key = ".".join(location)
    if kind == "extra_forbidden":
        return [(key, _unknown_key(location, item["input"], model))]
    if kind == "missing":
        return [_missing(item["loc"], location)]
    if kind == "literal_error":
        return [(key, _not_a_choice(item["input"], context["expected"]))]
    if kind in _EXPECTED:
        return [(key, "=" + _EXPECTED[kind])]
    return [(key, _other(kind, context, item))]


def _location(loc: Sequence[str | int], mapping: object) -> list[str]:
    """The part of pydantic's location that stands in the entry: the rest names branches of a union."""
    path: list[str] = []
    value: Any = mapping
    for step in loc:
        if isinstance(value, Mapping) and step in value:
            value = value[step]
        elif isinstance(value, list | tuple) and isinstance(step, int) and step < len(value):
            value = value[step]
        elif step == "parameters" and len(path) == 2 and path[0] == "variants":
            continue  # a variant of parameters alone is written without that word
        else:
            break
        path.append(str(step))
    return path


def _missing(loc: Sequence[str | int], location: list[str]) -> tuple[str, str]:
    absent = loc[len(location)]
    if isinstance(absent, int):
        return ".".join(location), "found too few values, expected 2"  # the only lists of a fixed length are ranges
    return ".".join(location), f"the key {absent!r} is missing"


def _unknown_key(location: list[str], value: object, model: type[BaseModel]) -> str:
    owner = model
    for step in location[:-1]:
        owner = _record_of(owner, step) or owner
    valid = list(owner.model_fields)
    hint = _UNQUOTED if value is None else ""
    return f"unknown key {location[-1][:40]!r}, expected one of {', '.join(valid)}.{nearest(location[-1], valid)}{hint}"


def _record_of(owner: type[BaseModel], step: str) -> type[BaseModel] | None:
    """The record that the values under a key are, if they are records."""
    field = owner.model_fields.get(step)
    return _first_record(field.annotation) if field is not None else None


def _first_record(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _first_record(part))), None)


def _not_a_choice(value: object, expected: str) -> str:
    choices = expected.replace(" or ", ", ").replace("'", "").split(", ")
    return f"found {_shown(value)}, expected one of {', '.join(choices)}.{nearest(str(value), choices)}"


def _other(kind: str, context: Mapping[str, object], item: Any) -> str:
    if kind == "greater_than":
        return f"found {_shown(item['input'])}, expected a number above {context['gt']}"
    if kind == "too_long":
        return f"found {context['actual_length']} values, expected {context['max_length']}"
    return str(item["msg"])


def _joined(messages: list[str], found: str) -> list[str]:
    """Every message once, and the expectations of the branches of a union in one sentence."""
    expected = list(dict.fromkeys(message[1:] for message in messages if message.startswith("=")))
    others = list(dict.fromkeys(message for message in messages if not message.startswith("=")))
    if "a number" in expected and "a whole number" in expected:
        expected.remove("a whole number")
    return others or [f"found {found}, expected {' or '.join(expected)}"]


def _found(mapping: object, key: str) -> str:
    value: Any = mapping
    for step in key.split("."):
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list | tuple) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
    return _shown(value)


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    text = repr(value)
    return text if len(text) <= 60 else text[:60] + "…"
