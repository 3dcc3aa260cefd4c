"""A stored array as a training script asked for it: some of the variables, in another floating-point type.

Both are done once, when a chunk is decoded: what is kept in memory is what batches are made of, and nothing more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import import_module
from typing import Any

import numpy as np

from attractory.errors import RequestError, nearest
from attractory.loader.arrays import ArrayLayout, StoredArray

BFLOAT16 = "bfloat16"
DTYPES = ("float32", "float64", BFLOAT16)


@dataclass(frozen=True)
class AskedArray:
    """An array (trajectory, time, variable) with some columns of its last axis, as `dtype`; bfloat16 is held as its bits, uint16."""

    array: StoredArray
    columns: tuple[int, ...] | None
    dtype: str | None

    @cached_property
    def layout(self) -> ArrayLayout:
        """As the stored array's, but for variables and dtype."""
        layout = self.array.layout
        if self.columns is not None:
            count = (len(self.columns),)
            layout = replace(layout, shape=layout.shape[:2] + count, chunk=layout.chunk[:2] + count, shard=layout.shard[:2] + count)
        return layout if self.dtype is None else replace(layout, dtype=np.dtype("uint16" if self.dtype == BFLOAT16 else self.dtype))

    @property
    def shape(self) -> tuple[int, ...]:
        return self.layout.shape

    @property
    def is_far(self) -> bool:
        return self.array.is_far

    def of_epoch(self, epoch: int) -> AskedArray:
        """The array of an epoch, likewise asked for."""
        return replace(self, array=self.array.of_epoch(epoch))

    def chunks(self, places: Sequence[tuple[int, ...]]) -> Iterator[np.ndarray]:
        """The decoded chunks at places, as asked for; of float64 kept as float32, the numbers are rounded when they are stored."""
        for values in self.array.chunks(places):
            some = values if self.columns is None else values[..., list(self.columns)]
            yield bfloat16_bits(some) if self.dtype == BFLOAT16 else some


def asked_array(array: StoredArray, *, columns: tuple[int, ...] | None, dtype: str | None) -> StoredArray | AskedArray:
    """The array itself where nothing else is asked for."""
    if dtype is not None and dtype != BFLOAT16 and np.dtype(dtype) == array.layout.dtype:
        dtype = None
    return array if columns is None and dtype is None else AskedArray(array, columns, dtype)


def bfloat16_bits(values: np.ndarray) -> np.ndarray:
    """The nearest bfloat16 of each number, ties to even, as bits: uint16. NaN stays NaN; what is too large is infinite."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    rounded = (bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))) >> np.uint32(16)
    found: np.ndarray = np.where(np.isnan(values), np.uint32(0x7FC0), rounded).astype(np.uint16)
    return found


def as_bfloat16(bits: np.ndarray) -> np.ndarray:
    """Bits as NumPy's numbers, by the package that knows this type.

    Raises:
        RequestError: ml_dtypes is not installed.
    """
    try:
        ml_dtypes = import_module("ml_dtypes")
    except ImportError as error:
        message = "bfloat16 in NumPy needs the package 'ml_dtypes', which is not installed; windows.torch() needs it not."
        raise RequestError(message) from error
    found: np.ndarray = bits.view(ml_dtypes.bfloat16)
    return found


def checked_dtype(dtype: Any) -> str | None:
    """The name of a dtype that batches may have.

    Raises:
        RequestError: they may not.
    """
    if dtype is None:
        return None
    name = str(dtype) if isinstance(dtype, str) else np.dtype(dtype).name
    if name not in DTYPES:
        message = f"dtype={name!r} is none of {', '.join(DTYPES)}.{nearest(name, DTYPES)}"
        raise RequestError(message)
    return name


def columns_of(name: str, variables: Sequence[str], wanted: Sequence[str] | None) -> tuple[int, ...] | None:
    """The places of the wanted variables of a system; None where all are wanted.

    Raises:
        RequestError: the system has no such variable.
    """
    if wanted is None:
        return None
    for one in wanted:
        if one not in variables:
            message = f"variables: {name} has no variable {one!r}; it has {', '.join(variables)}.{nearest(str(one), variables)}"
            raise RequestError(message)
    return tuple(variables.index(one) for one in wanted)
