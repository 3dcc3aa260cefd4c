"""Memory for samples in large pages, some of it kept when it is let go: fresh pages cost as much as the samples of a small flow.

The system hands out memory page by page, each filled with zeros when it is first written to: 12 GB/s at best, in pages of 4 KiB a third
of that, where small flows are sampled at 5 GB/s. So large arrays begin at a large page's boundary, and up to KEPT_BYTES of what earlier
arrays leave behind are used again. The system may take these back when it is short of memory."""

from __future__ import annotations

import mmap
import weakref
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

_LARGE_PAGE = 2**21
# Below this NumPy's own allocation is as good: what it lets go is used again by the C library.
_LEAST = 2**22
KEPT_BYTES = 2**26

_kept: list[mmap.mmap] = []  # the oldest first; nobody else has them


def page_memory(size: int) -> NDArray[np.uint8]:
    """So many bytes with any content; a large array begins at a multiple of 2 MiB.

    Raises:
        MemoryError: the operating system gives none.
    """
    if size < _LEAST or not hasattr(mmap, "MADV_HUGEPAGE"):
        return np.empty(size, np.uint8)
    pages = _taken(size) or _mapped(size)
    whole = np.frombuffer(pages, np.uint8)
    weakref.finalize(whole, _keep, pages).atexit = False  # whole lives as long as any view of it
    first = -whole.ctypes.data % _LARGE_PAGE
    return whole[first : first + size]


def _mapped(size: int) -> mmap.mmap:
    try:
        pages = mmap.mmap(-1, (size // _LARGE_PAGE + 2) * _LARGE_PAGE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    except (OSError, ValueError, OverflowError) as error:
        raise MemoryError(size) from error
    with suppress(OSError):  # a system without large pages
        pages.madvise(mmap.MADV_HUGEPAGE)
    return pages


def _taken(size: int) -> mmap.mmap | None:
    """Memory that was kept and is not much larger than needed."""
    for pages in _kept:
        if size + _LARGE_PAGE <= len(pages) <= 2 * size + 2 * _LARGE_PAGE:
            try:
                _kept.remove(pages)
            except ValueError:  # another thread has just taken it
                continue
            return pages
    return None


def _keep(pages: mmap.mmap) -> None:
    """Keeps what nobody uses any more, in place of older memory where it would be too much."""
    if len(pages) > KEPT_BYTES:
        return
    with suppress(OSError):  # a system older than that
        pages.madvise(mmap.MADV_FREE)
    _kept.append(pages)
    while sum(map(len, _kept)) > KEPT_BYTES:
        _kept.pop(0)
