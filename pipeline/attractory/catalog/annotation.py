"""Writing the `invariants:` of an entry: the one thing that a program may write there. Every other byte of the file stays.

The block is cut out and put in as text. A round trip through a YAML library would keep the comments, but not each space and quote.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.events import NodeEvent

from attractory.catalog.folder import read_system
from attractory.catalog.reading import parse_yaml
from attractory.catalog.record import Source, SystemRecord
from attractory.catalog.writing import flow
from attractory.errors import CatalogError

_KEY = "invariants"
# Hexadecimal digits of the digest that an annotation keeps: two entries that agree in them by chance are not met.
ANNOTATION_DIGITS = 16
_HEADER = re.compile(r"invariants:[ \t]*(#.*)?\Z")


def write_invariants(path: str | Path, invariants: Mapping[str, Mapping[str, object]]) -> SystemRecord:
    """Give an entry these invariants in place of those it has, and return the entry as it now is.

    Args:
        invariants: quantity -> {value, standard_error, method, settings, computed_with, digest}; none takes the whole block away.
    Raises:
        CatalogError: the entry cannot be read or written, or is written in a way that has no line of its own for `invariants:`.
    """
    file = Path(path)
    before = read_system(file)
    text = file.read_bytes().decode("utf-8")
    changed = _replaced(text, _block(invariants), file)
    after = _reread(changed, file)
    if after.model_copy(update={_KEY: {}}) != before.model_copy(update={_KEY: {}}):
        message = f"{before.where(_KEY)}: cannot be replaced without changing other keys: give it lines of its own."
        raise CatalogError(message)
    _write(file, changed)
    return after


def _reread(text: str, file: Path) -> SystemRecord:
    value, lines = parse_yaml(text.removeprefix("\ufeff"), str(file))
    return SystemRecord.from_mapping(value if isinstance(value, dict) else {}, source=Source(str(file), lines))


def _replaced(text: str, block: list[str], file: Path) -> str:
    """The text with the lines of its block exchanged, or with a block at the end where it had none."""
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = text.split("\n")
    place = _block_lines(text)
    if place is None:
        if not block:
            return text
        end = "" if text.endswith("\n") else newline
        return text + end + newline.join(block) + newline
    first, last = place
    if not lines[first].startswith(_KEY):
        message = f"{file}:{first + 1}: {_KEY}: expected it at the beginning of a line."
        raise CatalogError(message)
    header = lines[first].rstrip("\r")
    kept = [header, *block[1:]] if block and _HEADER.match(header) else block
    return "\n".join([*lines[:first], *(line + newline.removesuffix("\n") for line in kept), *lines[last + 1 :]])


def _block_lines(text: str) -> tuple[int, int] | None:
    """First and last line (from 0) of the top-level key and its value; comments after the value are outside."""
    nodes = _top_level_nodes(text)
    for (name, first, _), (_, _, last) in zip(nodes[::2], nodes[1::2], strict=True):
        if name == _KEY:
            return first, max(first, last)
    return None


def _top_level_nodes(text: str) -> list[tuple[str | None, int, int]]:
    """Of each key and each value of the document's mapping in turn: its text, the line it begins on, the last line with something on it."""
    nodes: list[tuple[str | None, int, int]] = []
    in_flow: list[bool] = []  # of each collection that is open
    for event in YAML(typ="safe", pure=True).parse(text):
        kind = type(event).__name__
        closes = kind in ("MappingEndEvent", "SequenceEndEvent")
        ends_here = in_flow.pop() if closes else kind == "ScalarEvent"  # a block collection ends where the next thing begins
        if len(in_flow) == 1 and isinstance(event, NodeEvent):
            nodes.append((getattr(event, "value", None), event.start_mark.line, event.start_mark.line))
        if in_flow and ends_here:
            name, first, _ = nodes[-1]
            nodes[-1] = name, first, event.end_mark.line
        if kind in ("MappingStartEvent", "SequenceStartEvent"):
            in_flow.append(bool(event.flow_style))
    return nodes


def _block(invariants: Mapping[str, Mapping[str, object]]) -> list[str]:
    """The lines of the block, without their ends."""
    if not invariants:
        return []
    lines = [f"{_KEY}:"]
    for quantity, entry in invariants.items():
        lines.append(f"  {quantity}:")
        lines += [f"    {key}: {flow(value)}" for key, value in entry.items() if value is not None]
    return lines


def _write(file: Path, text: str) -> None:
    """In one step: a reader sees the old file or the new one."""
    try:
        with tempfile.NamedTemporaryFile(dir=file.parent, prefix=f".{file.name}.", delete=False) as temporary:
            temporary.write(text.encode("utf-8"))
            temporary.flush()
            os.fsync(temporary.fileno())
        Path(temporary.name).chmod(file.stat().st_mode)
        Path(temporary.name).replace(file)
    except OSError as failure:
        Path(temporary.name).unlink(missing_ok=True)
        message = f"{file}: cannot be written: {failure.strerror or failure}."
        raise CatalogError(message) from None
