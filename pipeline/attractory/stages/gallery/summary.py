"""What a gallery came to, for the last screen of the command."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_NAMED = 12  # entries without a picture that are named on the screen


@dataclass(frozen=True)
class GallerySummary:
    """Pages made and kept, files and bytes of the whole site, and why which entry has no picture."""

    folder: Path
    made: int
    kept: int
    files: int
    bytes: int
    without: tuple[tuple[str, str], ...]
    seconds: float = field(compare=False)

    def lines(self) -> list[str]:
        """One screen for a person."""
        count = self.made + self.kept
        head = f"{self.folder / 'index.html'}: {count} page{'s' if count != 1 else ''}, {self.made} made and {self.kept} kept"
        size = f"  {self.files} files, {self.bytes / 1e6:.1f} MB, {self.seconds:.1f} s"
        more = len(self.without) - _NAMED
        named = [f"  no picture of {name}: {why}" for name, why in self.without[:_NAMED]]
        return [head, size, *named, *([f"  and of {more} more"] if more > 0 else [])]

    def document(self) -> dict[str, Any]:
        """The summary as JSON."""
        return {
            "folder": str(self.folder),
            "made": self.made,
            "kept": self.kept,
            "files": self.files,
            "bytes": self.bytes,
            "without_picture": dict(self.without),
            "seconds": round(self.seconds, 3),
        }
