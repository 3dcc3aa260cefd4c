"""The catalog as a whole: a folder of entries, or the packaged one, as a mapping from name to record."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from attractory.catalog.query import Query, fitting, matching
from attractory.catalog.reading import MAX_BYTES, read_yaml
from attractory.catalog.record import Source, SystemRecord
from attractory.errors import CatalogError, nearest

_NAME_LINE = re.compile(rb"^name:[ \t]+([A-Za-z][A-Za-z0-9_]*)[ \t]*(?:#[^\r\n]*)?\r?$", re.MULTILINE)
_ALIASES_LINE = re.compile(rb"^aliases:[ \t]+\[([A-Za-z0-9_, \t]*)\][ \t]*(?:#[^\r\n]*)?\r?$", re.MULTILINE)
_ENDINGS = (".yaml", ".yml")
# Ten times the packaged catalog, read in a second or two; more is a home folder named by mistake.
MAX_FILES = 2_000
_MAX_LISTED = 20_000  # names of any kind in one folder


@dataclass(frozen=True)
class Entry:
    """What a catalog knows of a file before it is read: its system's name and other names."""

    name: str
    file: Path
    aliases: tuple[str, ...] = ()


def catalog_folder() -> Path:
    """The packaged catalog: `_catalog` beside the package in a wheel, `catalog/` of the checkout otherwise."""
    package = Path(__file__).parent.parent
    packaged = package / "_catalog"
    return packaged if packaged.is_dir() else package.parent.parent / "catalog"


def entry_files(folder: str | Path) -> list[Path]:
    """The entries of a folder, sorted by path: YAML files in it and in its folders (one for each kind), no deeper, none that is hidden.

    Raises:
        CatalogError: there is no such folder, it cannot be listed or holds too much, or a symbolic link leads out of it.
    """
    root = Path(folder)
    if not root.is_dir():
        message = f"{root}: there is no such folder, expected one with catalog entries."
        raise CatalogError(message)
    listed = _visible(root)
    for below in [path for path in listed if path.is_dir()]:
        listed += _visible(below)
        _refuse_if(len(listed) > _MAX_LISTED, f"{root}: holds more than {_MAX_LISTED:,} files")
    files = sorted(path for path in listed if path.suffix in _ENDINGS and path.is_file())
    _refuse_if(len(files) > MAX_FILES, f"{root}: holds {len(files):,} YAML files, more than {MAX_FILES:,}")
    _check_inside(root, files)
    return files


def read_system(path: str | Path) -> SystemRecord:
    """The record of one file.

    Raises:
        CatalogError: one line for every problem, each beginning with `path:line`.
    """
    value, lines = read_yaml(path)
    if not isinstance(value, dict):
        message = f"{path}:1: found {'nothing' if value is None else 'no mapping'}, expected a system: name, kind, equations, initial."
        raise CatalogError(message)
    return SystemRecord.from_mapping(value, source=Source(str(path), lines))


def read_catalog(folder: str | Path | None = None) -> Catalog:
    """The catalog of a folder, or the packaged one; an entry's content is read when it is first asked for."""
    files = entry_files(catalog_folder() if folder is None else folder)
    return Catalog(_without_duplicates(list(map(_entry_of, files))))


def extended_catalog(folder: str | Path | None = None) -> Catalog:
    """The packaged catalog and, where one is given, the entries of a folder, whose names must be new ignoring case.

    Raises:
        CatalogError: the folder cannot be used, holds no entry, or has a name that is taken.
    """
    if folder is None:
        return read_catalog()
    if not entry_files(folder):
        raise CatalogError(_holds_none(folder))
    return read_catalog().extended(folder)


def check_entries(paths: Iterable[str | Path] = ()) -> tuple[tuple[SystemRecord, ...], tuple[str, ...]]:
    """The entries of files and folders that can be read, in order of path, and a sentence for every problem of the others.

    Args:
        paths: files or folders; none means the packaged catalog.
    """
    records: list[SystemRecord] = []
    problems: list[str] = []
    for file in _files_of(list(paths) or [catalog_folder()], problems):
        try:
            records.append(read_system(file))
        except CatalogError as error:
            problems += str(error).splitlines()
    return tuple(records), (*problems, *_duplicates(Entry(record.name, Path(record.source.path), record.aliases) for record in records))


class Catalog(Mapping[str, SystemRecord]):
    """Records by name, sorted by name; a file is parsed when its record is first asked for, so one system costs one file.

    As a mapping it has exact names. `get` and `select` ignore case and know aliases.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._entries = {entry.name: entry for entry in sorted(entries, key=lambda entry: entry.name)}
        self._meant = {name.casefold(): entry.name for entry in self._entries.values() for name in (*entry.aliases, entry.name)}
        self._records: dict[str, SystemRecord] = {}

    def __getitem__(self, name: str) -> SystemRecord:
        if name not in self._records:
            self._records[name] = _checked_names(self._entries[name])
        return self._records[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def meant(self, name: str) -> str | None:
        """The name of the entry that a name or an alias means, ignoring case, or None."""
        return self._meant.get(name.casefold())

    def known(self) -> tuple[str, ...]:
        """Every name and alias, for messages about an unknown one."""
        return tuple(name for entry in self._entries.values() for name in (entry.name, *entry.aliases))

    def get(self, name: str) -> SystemRecord:  # type: ignore[override]  # a name that is not there is a user's mistake, never None
        """The record that a name or an alias means, ignoring case.

        Raises:
            CatalogError: there is none; the message names the nearest.
        """
        meant = self.meant(name)
        if meant is None:
            message = f"the catalog has no system {name[:60]!r}.{nearest(name[:60], self.known())}"
            raise CatalogError(message)
        return self[meant]

    def select(self, systems: str | Iterable[str] | Query) -> tuple[SystemRecord, ...]:
        """The records that a recipe's `systems` means, sorted by name.

        Args:
            systems: names, or "all", or a query such as {kind: flow, tag: laser}.
        Raises:
            CatalogError: an unknown name or query key, a system named twice, or nothing found.
        """
        if isinstance(systems, Mapping):
            return matching(tuple(self.values()), systems)
        names = [systems] if isinstance(systems, str) else list(systems)
        records = tuple(self.values()) if names == ["all"] else tuple(self.get(name) for name in names)
        found = [record.name for record in records]
        twice = sorted({name for name in found if found.count(name) > 1})
        if not records or twice:
            message = f"names {twice[0]!r} twice" if twice else "names no system: expected at least one"
            raise CatalogError(message)
        return tuple(sorted(records, key=lambda record: record.name))

    def find(self, query: Query) -> tuple[SystemRecord, ...]:
        """The records that fit every key of a query, sorted by name; none may be found, and an empty query finds all.

        Raises:
            CatalogError: an unknown key, or a value that no system has.
        """
        return fitting(tuple(self.values()), query)

    def extended(self, folder: str | Path) -> Catalog:
        """This catalog and the entries of another folder, whose names and aliases must be new ignoring case."""
        entries = [*self._entries.values(), *map(_entry_of, entry_files(folder))]
        return Catalog(_without_duplicates(entries))


def _visible(folder: Path) -> list[Path]:
    """What a folder holds that is not hidden."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in islice(entries, _MAX_LISTED + 1)]
    except OSError as failure:
        message = f"{folder}: cannot be listed: {failure.strerror or failure}."
        raise CatalogError(message) from None
    _refuse_if(len(names) > _MAX_LISTED, f"{folder}: holds more than {_MAX_LISTED:,} files")
    return [folder / name for name in names if not name.startswith(".")]


def _check_inside(root: Path, files: Iterable[Path]) -> None:
    """A folder from a stranger must not read what lies elsewhere. The packaged catalog is ours, and some installers link its files."""
    if root == catalog_folder():
        return
    home = root.resolve()
    outside = [path for path in files if not path.resolve().is_relative_to(home)]
    if outside:
        raise CatalogError("\n".join(f"{path}: leads out of {root}, to {path.resolve()}: copy the file." for path in outside))


def _refuse_if(too_much: bool, found: str) -> None:
    if too_much:
        message = f"{found}, expected a folder of catalog entries."
        raise CatalogError(message)


def _holds_none(folder: str | Path) -> str:
    return f"{folder}: holds no catalog entry (*.yaml)."


def _without_duplicates(entries: list[Entry]) -> list[Entry]:
    problems = _duplicates(entries)
    if problems:
        raise CatalogError("\n".join(problems))
    return entries


def _entry_of(file: Path) -> Entry:
    """The names in an entry: from their lines where these are plain, which is 100 times faster than reading all of it."""
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_BYTES)
    except OSError:
        content = b""  # reading it says why
    names, aliases = _NAME_LINE.findall(content), _ALIASES_LINE.findall(content)
    if len(names) != 1 or len(aliases) != int(b"aliases" in content):
        record = read_system(file)
        return Entry(record.name, file, record.aliases)
    found = aliases[0].decode("ascii").split(",") if aliases else []
    return Entry(names[0].decode("ascii"), file, tuple(alias.strip() for alias in found if alias.strip()))


def _checked_names(entry: Entry) -> SystemRecord:
    record = read_system(entry.file)
    if record.name != entry.name:
        message = (
            f"{record.where('name')}: found {record.name!r}, and a line of this file says {entry.name!r}: write the name once, unquoted."
        )
        raise CatalogError(message)
    if record.aliases != entry.aliases:
        message = f"{record.where('aliases')}: found {', '.join(record.aliases)}, and a line of this file says {', '.join(entry.aliases)}: "
        raise CatalogError(message + "write the aliases once, unquoted.")
    return record


def _files_of(paths: Iterable[str | Path], problems: list[str]) -> Iterator[Path]:
    for path in map(Path, paths):
        if not path.is_dir():
            yield path
            continue
        files = entry_files(path)
        if not files:
            problems.append(_holds_none(path))
        yield from files


def _duplicates(entries: Iterable[Entry]) -> list[str]:
    first: dict[str, tuple[str, Path]] = {}
    problems = []
    for entry in entries:
        for key, name in (("name", entry.name), *(("aliases", alias) for alias in entry.aliases)):
            earlier, place = first.setdefault(name.casefold(), (name, entry.file))
            if place.resolve() != entry.file.resolve():
                problems.append(f"{entry.file}: {key}: {name!r} is taken: {place} is {earlier!r}, and names are unique ignoring case.")
    return problems
