"""Whether a store is still the one that was opened: its manifest's digest is its version."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field

from attractory import layout
from attractory.errors import StoreError
from attractory.loader.files import Files

ROOT = "zarr.json"


@dataclass
class Guard:
    """The version of a store when it was opened."""

    files: Files
    digest: str
    _stamp: tuple[int, int, int] | None = field(default=None, repr=False)  # of the root's document, when it was last read

    def check(self, *, reread: bool = False) -> None:
        """Nothing, while the store is what it was. On this machine that costs one system call; elsewhere one is made only to `reread`.

        Raises:
            StoreError: the store was replaced.
        """
        if not self.files.is_local:
            if reread:
                self._compare()
            return
        stamp = self._present()
        if reread or stamp != self._stamp:
            self._compare()
            self._stamp = stamp

    def _present(self) -> tuple[int, int, int] | None:
        try:
            found = os.stat(self.files.name(ROOT))
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def _compare(self) -> None:
        found = self.files.read([ROOT])[0]
        try:
            digest = json.loads(found or b"{}").get("attributes", {}).get(layout.MANIFEST_DIGEST)
        except (ValueError, AttributeError):
            digest = None
        if digest != self.digest:
            what = f"its manifest's digest is {digest[:16]}…" if digest else "it is gone or unfinished"
            message = f"{self.files.name('')} has changed since it was opened: {what}, it was {self.digest[:16]}…. Open it again."
            raise StoreError(message)
