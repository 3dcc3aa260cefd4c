"""A folder with a site in it: every file is whole, what is not of this site is refused, what is no longer of it goes at the end."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from attractory.errors import RequestError
from attractory.store.files import write_whole

STATIC = Path(__file__).parent / "static"
# Begins every site, so that a folder with other files in it is never taken for one.
MARKER = "gallery.txt"
MARKED = "A site that `attractory gallery` made. Files here that are not of the catalog are removed when it runs again.\n"
_PARTIAL = ".partial"


@dataclass(frozen=True)
class Site:
    """The folder of a site."""

    folder: Path

    def write(self, path: str, content: bytes) -> None:
        """A file in place of the one there was, in one step."""
        write_whole(self.folder / path, content, partial=self.folder / _PARTIAL)

    def read(self, path: str) -> bytes | None:
        """A file's content; None where there is no such file."""
        file = self.folder / path
        return file.read_bytes() if file.is_file() else None

    def finish(self, paths: Iterable[str]) -> None:
        """Removes every file but these."""
        kept = {self.folder / path for path in paths}
        shutil.rmtree(self.folder / _PARTIAL)
        for file in [file for file in self.folder.rglob("*") if file.is_file() and file not in kept]:
            file.unlink()

    def size(self, paths: Iterable[str]) -> int:
        return sum((self.folder / path).stat().st_size for path in paths)


def open_site(folder: Path) -> Site:
    """The site of a folder: a new one, or one that an earlier run began.

    Raises:
        RequestError: the folder holds something else.
    """
    if folder.exists() and not folder.is_dir():
        message = f"{folder} is a file; expected a folder, or a name that is free."
        raise RequestError(message)
    known = folder / MARKER
    if (
        folder.is_dir()
        and any(folder.iterdir())
        and not (known.is_file() and known.read_text(encoding="utf-8", errors="replace") == MARKED)
    ):
        message = f"{folder} holds files that are not a gallery's. Name another folder, or an empty one."
        raise RequestError(message)
    (folder / _PARTIAL).mkdir(parents=True, exist_ok=True)
    site = Site(folder)
    site.write(MARKER, MARKED.encode())
    return site


def static_files() -> Mapping[str, bytes]:
    """Styles, scripts and fonts, as they lie in the package, by their path in a site."""
    files = sorted(file for file in STATIC.rglob("*") if file.is_file())
    return {f"site/{file.relative_to(STATIC).as_posix()}": file.read_bytes() for file in files}
