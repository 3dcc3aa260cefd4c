"""Memory for samples: where it begins, who uses it again, and how much is kept."""

from __future__ import annotations

import mmap

import numpy as np
import pytest

from attractory.integrate import page_memory as module
from attractory.integrate.page_memory import KEPT_BYTES, page_memory

pytestmark = pytest.mark.skipif(not hasattr(mmap, "MADV_HUGEPAGE"), reason="large pages are Linux's")
SIZE, LARGE_PAGE = 9_000_001, 2**21


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """What other tests have left behind is not looked at."""
    monkeypatch.setattr(module, "_kept", [])


def _address(memory: np.ndarray) -> int:
    return memory.ctypes.data


def test_a_large_array_begins_at_a_large_page() -> None:
    """Of any size from 4 MiB on; its bytes can be written."""
    memory = page_memory(SIZE)
    memory[:] = 7
    assert (len(memory), _address(memory) % LARGE_PAGE, int(memory[-1])) == (SIZE, 0, 7)


def test_memory_that_is_let_go_is_used_again() -> None:
    """By an array of that size, and by one that is a little smaller."""
    memory = page_memory(SIZE)
    first = _address(memory)
    del memory
    memory = page_memory(SIZE)
    assert _address(memory) == first
    del memory
    assert _address(page_memory(SIZE - LARGE_PAGE // 2)) == first


def test_memory_in_use_is_nobody_elses() -> None:
    """A view of a view keeps it, the array itself being gone."""
    memory = page_memory(SIZE)
    view = memory.view(np.int8)[10:20].reshape(2, 5).T
    view[:] = 3
    del memory
    others = [page_memory(SIZE) for _ in range(4)]
    for other in others:
        other[:] = 9
    assert (view == 3).all()
    assert len({_address(other) for other in others}) == len(others)


def test_a_bounded_amount_is_kept() -> None:
    """However many arrays are let go at once, and however large one is: the system has the rest."""
    before = _mapped_bytes()
    several = [page_memory(KEPT_BYTES // 4) for _ in range(12)]
    largest = page_memory(4 * KEPT_BYTES)
    assert _mapped_bytes() - before > 6 * KEPT_BYTES
    del several, largest
    assert _mapped_bytes() - before <= KEPT_BYTES


def _mapped_bytes() -> int:
    with open("/proc/self/statm") as sizes:
        return int(sizes.read().split()[0]) * mmap.PAGESIZE
