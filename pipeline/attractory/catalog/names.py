"""What may be a name in a catalog entry, and what a name may stand for."""

from __future__ import annotations

import keyword
import os
import re

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
INDEXED = re.compile(r"([A-Za-z][A-Za-z0-9_]*)\[([A-Za-z][A-Za-z0-9_]*)\]\Z")
LONGEST_NAME = 64  # a name becomes a folder and a zarr group: every file system takes this many

# The functions of the expression language: no declared name may hide one, or an equation would mean two things.
FUNCTIONS = frozenset(
    "sin cos tan asin acos atan atan2 sinh cosh tanh exp log log10 sqrt abs sign min max floor mod heaviside where sum".split()
)
TIME = "t"
CONSTANTS = ("pi", "e")  # these a declared name may shadow


def is_path(named: str | os.PathLike[str]) -> bool:
    """Whether this is the path of a file and no name: names have neither slashes nor dots."""
    return isinstance(named, os.PathLike) or "/" in named or named.endswith((".yaml", ".yml"))


def base_name(key: str) -> str:
    """The variable that a key of `equations` or `initial` declares: `x` for both `x` and `x[i]`."""
    indexed = INDEXED.match(key)
    return indexed.group(1) if indexed else key


def index_name(key: str) -> str | None:
    """The index of a key such as `x[i]`, or None for a plain name."""
    indexed = INDEXED.match(key)
    return indexed.group(2) if indexed else None


def name_problem(name: str) -> str | None:
    """What is wrong with a name as a name, or None."""
    if not NAME.match(name):
        return f"{_short(name)} is not a name: expected a letter, then letters, digits and underscores"
    if len(name) > LONGEST_NAME:
        return f"{_short(name)} has {len(name)} characters: expected at most {LONGEST_NAME}"
    return None


def declared_name_problem(name: str) -> str | None:
    """What is wrong with the name of a variable, parameter, definition or index, or None."""
    if problem := name_problem(name):
        return problem
    if name == TIME:
        return "'t' is time: expected another name"
    if name in FUNCTIONS:
        return f"{name!r} is a function of the expression language: expected another name"
    if keyword.iskeyword(name):
        return f"{name!r} is a reserved word of the expression language: expected another name"
    return None


def shown_key(key: str) -> str:
    """A dotted key as it stands in a message: on one line, and no longer than a person reads."""
    shown = key[:101] if key.isprintable() else repr(key[:101])[1:-1]
    return shown if len(shown) <= 100 else shown[:100] + "…"


def file_stem(name: str) -> str:
    """The name of a system's file, without its ending: HenonHeiles -> henon_heiles, SprottA -> sprott_a, Lorenz96 -> lorenz96."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return spaced.lower()


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "…")
