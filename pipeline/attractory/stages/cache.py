"""`attractory cache`: the compiled kernels that are kept on the disk, and their end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from attractory.errors import RequestError
from attractory.kernels.cache import LIMIT_BYTES, Entry, KernelCache, kernel_cache


@dataclass(frozen=True)
class KeptKernels:
    """What is kept; `folder` is None where the cache is off; `freed` is (kernels, bytes) where it was cleared."""

    folder: Path | None
    entries: tuple[Entry, ...] = ()
    freed: tuple[int, int] | None = None

    @property
    def bytes(self) -> int:
        return sum(entry.bytes for entry in self.entries)

    def document(self) -> dict[str, Any]:
        """As plain JSON; times in UTC."""
        found: dict[str, Any] = {
            "folder": None if self.folder is None else str(self.folder),
            "kernels": len(self.entries),
            "bytes": self.bytes,
            "limit_bytes": LIMIT_BYTES,
            "oldest": _time(min((entry.made for entry in self.entries), default=None)),
            "newest": _time(max((entry.made for entry in self.entries), default=None)),
            "systems": [{"name": name, "kernels": kernels, "bytes": size} for name, kernels, size in self.systems()],
        }
        if self.freed is not None:
            found["freed"] = {"kernels": self.freed[0], "bytes": self.freed[1]}
        return found

    def systems(self) -> Iterator[tuple[str, int, int]]:
        """(name, kernels, bytes) of each system, by name."""
        kernels, size = Counter[str](), Counter[str]()
        for entry in self.entries:
            kernels[entry.system] += 1
            size[entry.system] += entry.bytes
        return ((name, kernels[name], size[name]) for name in sorted(kernels))

    def lines(self) -> list[str]:
        """The same for a person, without the systems."""
        if self.folder is None:
            return ["The cache is off: no kernel is kept."]
        if self.freed is not None:
            return [f"{self.folder}: {_counted(*self.freed)} freed"]
        lines = [f"{self.folder}: {_counted(len(self.entries), self.bytes)}, of at most {LIMIT_BYTES // 2**20} MiB"]
        if self.entries:
            document = self.document()
            lines.append(f"made from {document['oldest']} to {document['newest']}")
        return lines


def cache(*, clear: bool = False) -> KeptKernels:
    """What the cache of this user holds, or what clearing it freed.

    Raises:
        RequestError: the folder is somebody else's or open to others, so it is left alone; or ATTRACTORY_CACHE is no path.
    """
    kept = kernel_cache()
    if kept is None:
        return KeptKernels(None, freed=(0, 0) if clear else None)
    try:
        return KeptKernels(kept.folder, freed=kept.clear()) if clear else _found(kept)
    except OSError as error:
        message = f"{kept.folder}: {error.strerror}. Remove it, or name another folder in ATTRACTORY_CACHE."
        raise RequestError(message) from error


def _found(kept: KernelCache) -> KeptKernels:
    return KeptKernels(kept.folder, tuple(kept.entries()))


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _counted(kernels: int, size: int) -> str:
    return f"{kernels} {'kernel' if kernels == 1 else 'kernels'}, {size / 2**20:.2f} MiB"
