"""YAML 1.2 from strangers: plain text, numbers, lists and mappings, with the line of every key, and bounds on everything.

ruamel.yaml scans the file into events; the tree is built here, so nothing of a file can name a class, share a node or nest without end.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from attractory.catalog.messages import few
from attractory.catalog.names import shown_key
from attractory.errors import CatalogError, RequestError

# The largest entry of the catalog has 6 KB; these leave room for a network's matrix and stop everything slower than half a second.
MAX_BYTES = 128 * 1024
MAX_DEPTH = 16
MAX_NODES = 6_000

_INTEGER = re.compile(r"[-+]?[0-9]{1,15}\Z")  # longer ones are read as floating point, which has 15 digits
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,6})?\Z")
_WORDS: dict[str, object] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf"), float("inf")),
    "-.inf": float("-inf"),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}


def read_yaml(path: str | Path, error: type[RequestError] = CatalogError) -> tuple[object, dict[str, int]]:
    """What a YAML file holds, and the line (from 1) of every dotted key, such as `equations.y` or `published.0.value`.

    Args:
        error: what is raised for a file that cannot be read or is refused; the message begins with `path:line`.
    """
    file = Path(path)
    try:
        if not stat.S_ISREG(file.stat().st_mode) and not file.is_dir():  # opening a pipe waits for whoever writes into it
            message = f"{file}: cannot be read: it is a pipe or a device, expected a file."
            raise error(message)
        with file.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
    except OSError as failure:
        message = f"{file}: cannot be read: {failure.strerror or failure}."
        raise error(message) from None
    except ValueError as failure:
        message = f"{str(file)!r}: cannot be read: {failure}."  # a path with a NUL in it
        raise error(message) from None
    if len(content) > MAX_BYTES:
        message = f"{file}: is larger than {MAX_BYTES // 1024} KiB, which no entry needs."
        raise error(message)
    try:
        return parse_yaml(content.decode("utf-8-sig"), str(file), error)
    except UnicodeDecodeError as failure:
        message = f"{file}:{content.count(bytes([10]), 0, failure.start) + 1}: found a byte that is not UTF-8. Save the file as UTF-8."
        raise error(message) from None


def parse_yaml(text: str, path: str, error: type[RequestError] = CatalogError) -> tuple[object, dict[str, int]]:
    """The same of a text; `path` is only for the messages."""
    if (line := _too_deep_line(text)) is not None:
        message = f"{path}:{line}: brackets nest deeper than {MAX_DEPTH} levels."
        raise error(message)
    tree = _Tree(path, error)
    try:
        value = tree.document(YAML(typ="safe", pure=True).parse(text))
    except MarkedYAMLError as failure:
        mark = failure.problem_mark or failure.context_mark
        message = f"{path}:{mark.line + 1 if mark else 1}: is not YAML: {failure.problem or failure.context}."
        raise error(message) from None
    except (YAMLError, ValueError, OverflowError) as failure:  # the last two: an escape such as "\UFFFFFFFF" names no character
        message = f"{path}:1: is not YAML: {str(failure).splitlines()[0]}."
        raise error(message) from None
    if tree.problems:
        raise error("\n".join(few(tree.problems, f"{path}:1")))
    return value, tree.lines


def _too_deep_line(text: str) -> int | None:
    """The first line on which brackets nest too deep; the scanner looks ahead by line, in time quadratic in this depth."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.count("[") + line.count("{") <= MAX_DEPTH:
            continue
        depth = 0
        for bracket in re.findall(r"[\[\]{}]", line):
            depth = depth + 1 if bracket in "[{" else max(depth - 1, 0)
            if depth > MAX_DEPTH:
                return number
    return None


class _Tree:
    """One document being built from the stream of events."""

    def __init__(self, path: str, error: type[RequestError]) -> None:
        self._path = path
        self._error = error
        self._nodes = 0
        self.lines: dict[str, int] = {}
        self.problems: list[str] = []

    def document(self, events: Iterator[Any]) -> object:
        """The value of the only document in the stream; None for an empty file."""
        value: object = None
        documents = 0
        for event in events:
            kind = type(event).__name__
            if kind == "DocumentStartEvent":
                documents += 1
                self._refuse_if(documents > 1, event, "a second document begins, expected one in a file")
                self._refuse_if(bool(event.version or event.tags), event, "found a directive (%YAML, %TAG), expected none")
            elif kind not in ("StreamStartEvent", "DocumentEndEvent", "StreamEndEvent", "CommentEvent"):
                value = self._node(event, events, ())
        return value

    def _node(self, event: Any, events: Iterator[Any], key: tuple[str, ...]) -> object:
        kind = type(event).__name__
        self._nodes += 1
        self._refuse_if(self._nodes > MAX_NODES, event, f"has more than {MAX_NODES:,} values and keys")
        self._refuse_if(kind == "AliasEvent", event, "found an alias (*…), which is refused; quote an expression that begins with *")
        self._refuse_if(event.anchor is not None, event, "found an anchor (&…), which is refused; write the value where it is used")
        self._refuse_if(event.tag is not None, event, "found a tag (!…), which is refused; quote text that begins with !")
        self._refuse_if(len(key) > MAX_DEPTH, event, f"nests deeper than {MAX_DEPTH} levels")
        if kind == "MappingStartEvent":
            return self._mapping(events, key)
        if kind == "SequenceStartEvent":
            return self._sequence(events, key)
        return _scalar(event)

    def _mapping(self, events: Iterator[Any], key: tuple[str, ...]) -> dict[str, object]:
        mapping: dict[str, object] = {}
        while type(event := next(events)).__name__ != "MappingEndEvent":
            name = self._key(event)
            line = event.start_mark.line + 1
            child = (*key, name)
            dotted = ".".join(child)
            if name in mapping:
                where = f"{self._path}:{line}: {shown_key(dotted)}"
                self.problems.append(f"{where}: stands twice, first on line {self.lines[dotted]}: remove one")
            self.lines.setdefault(dotted, line)
            mapping[name] = self._node(next(events), events, child)
        return mapping

    def _key(self, event: Any) -> str:
        """Keys are text as written: `y`, `no` and `1` too."""
        self._refuse_if(type(event).__name__ != "ScalarEvent", event, "found a key that is not plain text")
        self._nodes += 1
        self._refuse_if(event.anchor is not None or event.tag is not None, event, "found an anchor or a tag, expected a plain key")
        return str(event.value)

    def _sequence(self, events: Iterator[Any], key: tuple[str, ...]) -> list[object]:
        items: list[object] = []
        while type(event := next(events)).__name__ != "SequenceEndEvent":
            child = (*key, str(len(items)))
            self.lines[".".join(child)] = event.start_mark.line + 1
            items.append(self._node(event, events, child))
        return items

    def _refuse_if(self, wrong: bool, event: Any, problem: str) -> None:
        if wrong:
            message = f"{self._path}:{event.start_mark.line + 1}: {problem}."
            raise self._error(message)


def _scalar(event: Any) -> object:
    """The value of a scalar by the core schema of YAML 1.2; quoted text is text."""
    text = str(event.value)
    if event.style not in (None, ""):
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.match(text):
        return int(text)
    return float(text) if _FLOAT.match(text) else text
