"""A cluster file to its record; what is wrong with it is said with file, line and key."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from attractory.catalog import read_yaml
from attractory.errors import RequestError, nearest
from attractory.stages.clusters.description import RECORDS, Cluster
from attractory.stages.located import where


def read_cluster(path: str | Path) -> Cluster:
    """The cluster that a YAML file describes.

    Raises:
        RequestError: one line for each problem, each beginning with file, line and key.
    """
    file = Path(path)
    content, lines = read_yaml(file, RequestError)
    if not isinstance(content, Mapping):
        message = f"{file}:1: found no keys, expected those of a cluster: kind, and what that kind has."
        raise RequestError(message)
    record = _record(file, lines, content)
    try:
        return record.model_validate(dict(content))
    except ValidationError as error:
        sentences = (f"{where(file, lines, key)} {problem}" for key, problem in _problems(record, error))
        raise RequestError("\n".join(dict.fromkeys(sentences))) from None


def is_scheduler_file(path: Path) -> bool:
    """Whether it is what a scheduler of Dask writes: JSON with the address where it listens."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and "address" in content and "kind" not in content


def _record(file: Path, lines: Mapping[str, int], content: Mapping[Any, Any]) -> type[Cluster]:
    kind = content.get("kind")
    if "kind" not in content:
        message = f"{file}:1: kind: the key is missing. Expected one of {', '.join(RECORDS)}."
        raise RequestError(message)
    if not isinstance(kind, str) or kind not in RECORDS:
        message = f"{where(file, lines, 'kind')} found {_short(kind)}, expected one of {', '.join(RECORDS)}.{nearest(str(kind), RECORDS)}"
        raise RequestError(message)
    return RECORDS[kind]


def _problems(record: type[BaseModel], error: ValidationError) -> Iterator[tuple[str, str]]:
    for found in error.errors(include_url=False):
        location = tuple(str(part) for part in found["loc"])
        yield ".".join(location), _sentence(record, location, found["type"], found["msg"], found["input"])


def _sentence(record: type[BaseModel], location: tuple[str, ...], kind: str, message: str, value: Any) -> str:
    if kind == "missing":
        return "the key is missing."
    if kind == "extra_forbidden":
        return f"is not a key of this kind of cluster.{nearest(location[-1], _keys(record, location))}"
    if kind == "together":
        return f"{message}."
    return f"found {_short(value)}, expected {message.removeprefix('Input should be ').removeprefix('expected ')}."


def _keys(record: type[BaseModel], location: tuple[str, ...]) -> list[str]:
    from attractory.stages.clusters.description import Adaptive

    return list(Adaptive.model_fields if location[0] == "adaptive" and len(location) > 1 else record.model_fields)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:60] + "…"
