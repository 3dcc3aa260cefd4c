"""Records of arrays that compiled code uses without counting references."""

from __future__ import annotations

import sys
from collections import namedtuple
from typing import Any

import numpy as np
from numba import njit

from attractory.integrate.borrowed import borrowed

Pair = namedtuple("Pair", "numbers factor")


@njit
def _scaled(pair: Any) -> Any:
    pair = borrowed(pair)
    for place in range(pair.numbers.shape[0]):
        pair.numbers[place] *= pair.factor
    return pair.numbers.sum()


def test_a_borrowed_array_is_the_callers_own() -> None:
    """What compiled code writes is in the array that was passed, numbers in the record stay, and no reference is left behind."""
    numbers = np.arange(5.0)
    count = sys.getrefcount(numbers)
    assert _scaled(Pair(numbers, 2.0)) == 20.0
    np.testing.assert_array_equal(numbers, [0.0, 2.0, 4.0, 6.0, 8.0])
    assert sys.getrefcount(numbers) == count
