"""The catalog as a whole: a folder of entries, or the packaged one, as a mapping from name to record."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path

from attractory.catalog.query import Query, fitting, matching
from attractory.catalog.reading import MAX_BYTES, read_yaml
from attractory.catalog.record import Source, SystemRecord
from attractory.errors import CatalogError, nearest

_NAME_LINE = re.compile(rb"^name:[ \t]+([A-Za-z][A-Za-z0-9_]*)[ \t]*(?:#[^\r\n]*)?\r?$", re.MULTILINE)
_ENDINGS = (".yaml", ".yml")
# Ten times the packaged catalog, read in a second or two; more is a home folder named by mistake.
MAX_FILES = 2_000
_MAX_LISTED = 20_000  # names of any kind in one folder


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
    return Catalog(_named_files(entry_files(catalog_folder() if folder is None else folder)))


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
    return tuple(records), (*problems, *_duplicates((record.name, Path(record.source.path)) for record in records))


class Catalog(Mapping[str, SystemRecord]):
    """Records by name, sorted by name; a file is parsed when its record is first asked for, so one system costs one file."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = dict(sorted(files.items()))
        self._records: dict[str, SystemRecord] = {}

    def __getitem__(self, name: str) -> SystemRecord:
        if name not in self._records:
            self._records[name] = _checked_name(read_system(self._files[name]), name)
        return self._records[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def __contains__(self, name: object) -> bool:
        return name in self._files

    def get(self, name: str) -> SystemRecord:  # type: ignore[override]  # a name that is not there is a user's mistake, never None
        """The record of that name.

        Raises:
            CatalogError: there is none; the message names the nearest.
        """
        if name not in self._files:
            message = f"the catalog has no system {name[:60]!r}.{nearest(name[:60], self._files)}"
            raise CatalogError(message)
        return self[name]

    def select(self, systems: str | Iterable[str] | Query) -> tuple[SystemRecord, ...]:
        """The records that a recipe's `systems` means, sorted by name.

        Args:
            systems: names, or "all", or a query such as {kind: flow, tag: laser}.
        Raises:
            CatalogError: an unknown name or query key, a name given twice, or nothing found.
        """
        if isinstance(systems, Mapping):
            return matching(tuple(self.values()), systems)
        names = [systems] if isinstance(systems, str) else list(systems)
        if names == ["all"]:
            names = list(self._files)
        twice = sorted({name for name in names if names.count(name) > 1})
        if not names or twice:
            message = f"names {twice[0]!r} twice" if twice else "names no system: expected at least one"
            raise CatalogError(message)
        return tuple(self.get(name) for name in sorted(names))

    def find(self, query: Query) -> tuple[SystemRecord, ...]:
        """The records that fit every key of a query, sorted by name; none may be found, and an empty query finds all.

        Raises:
            CatalogError: an unknown key, or a value that no system has.
        """
        return fitting(tuple(self.values()), query)

    def extended(self, folder: str | Path) -> Catalog:
        """This catalog and the entries of another folder, whose names must be new ignoring case."""
        added = _named_files(entry_files(folder))
        problems = _duplicates([*self._files.items(), *added.items()])
        if problems:
            raise CatalogError("\n".join(problems))
        return Catalog({**self._files, **added})


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


def _named_files(files: Iterable[Path]) -> dict[str, Path]:
    named = [(_name_of(file), file) for file in files]
    problems = _duplicates(named)
    if problems:
        raise CatalogError("\n".join(problems))
    return dict(named)


def _name_of(file: Path) -> str:
    """The name in an entry: from its `name:` line where that is plain, which is 100 times faster than reading all of it."""
    try:
        with file.open("rb") as opened:
            found = _NAME_LINE.findall(opened.read(MAX_BYTES))
    except OSError:
        found = []  # reading it says why
    return found[0].decode("ascii") if len(found) == 1 else read_system(file).name


def _checked_name(record: SystemRecord, name: str) -> SystemRecord:
    if record.name != name:
        message = f"{record.where('name')}: found {record.name!r}, and a line of this file says {name!r}: write the name once, unquoted."
        raise CatalogError(message)
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


def _duplicates(named: Iterable[tuple[str, Path]]) -> list[str]:
    first: dict[str, tuple[str, Path]] = {}
    problems = []
    for name, path in named:
        earlier, place = first.setdefault(name.casefold(), (name, path))
        if place.resolve() != path.resolve():
            problems.append(f"{path}: name: {name!r} is taken: {place} is {earlier!r}, and names are unique ignoring case.")
    return problems
