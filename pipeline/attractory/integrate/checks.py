"""What can be asked of an integration: each refusal is one sentence, before any work."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from attractory.errors import RequestError
from attractory.expressions.definition import Definition
from attractory.integrate.grids import Grid, SectionGrid, TimedGrid
from attractory.integrate.page_memory import page_memory
from attractory.kernels import Target

if TYPE_CHECKING:
    from attractory.integrate.ensemble import Engine

TOLERANCES = (1e-15, 1e-2)
WIDTHS = (1, 2, 4, 8, 16, 32)
PRECISIONS = ("double", "reference")
# Iterates of one trajectory of a map: some minutes. A map has no steps to count while it runs; how many it takes is known before.
MOST_ITERATES = 10**10
_LINE = 64  # bytes
_SMALL = 2**26  # bytes for which nobody asks whether they are free
_GROUP_MEMORY = "/sys/fs/cgroup/memory."


def is_number(value: object) -> bool:
    """Whether a Python or NumPy number that is real and no truth value; NaN and infinities are numbers too."""
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def doubles(name: str, value: ArrayLike) -> NDArray[np.float64]:
    """The value as doubles.

    Raises:
        RequestError: it holds texts, None, complex numbers or lists of different lengths.
    """
    try:
        array = np.asarray(value)
    except ValueError:
        array = np.array(None)
    if array.dtype.kind not in "biuf":
        message = f"{name} is {_shortened(value)}; expected numbers, in lists of equal lengths or an array."
        raise RequestError(message)
    return array.astype(np.float64)


def _shortened(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def check_engine(engine: Engine) -> None:
    """Nothing, where the tolerance, dtype, precision, target, lane width and step budget can be.

    Raises:
        RequestError: one cannot.
    """
    low, high = TOLERANCES
    if not is_number(engine.tolerance) or not low <= engine.tolerance <= high:
        _refuse("tolerance", engine.tolerance, f"a number between {low:g} and {high:g}")
    if engine.dtype not in ("float32", "float64"):
        _refuse("dtype", engine.dtype, "float32 or float64")
    if engine.precision not in PRECISIONS:
        _refuse("precision", engine.precision, f"{' or '.join(PRECISIONS)}")
    if not isinstance(engine.target, Target):
        _refuse("target", engine.target, "a Target, such as Target('avx2')")
    if engine.lanes is not None and (isinstance(engine.lanes, bool) or engine.lanes not in WIDTHS):
        _refuse("lanes", engine.lanes, f"None or one of {', '.join(map(str, WIDTHS))}")
    if engine.step_budget is not None and not (is_number(engine.step_budget) and engine.step_budget >= 1):
        _refuse("step_budget", engine.step_budget, "None or a number of at least 1")


def check_grids(definition: Definition, grids: Sequence[Grid]) -> None:
    """Nothing, where the samples' times are finite numbers that rise, and a map's iterates can be counted out.

    Raises:
        RequestError: they are not.
    """
    for grid in grids:
        if grid.samples < 1:
            _refuse("samples", grid.samples, "at least 1")
        if isinstance(grid, SectionGrid):  # which was looked at when it was made
            continue
        if not 0 < grid.dt < np.inf:
            _refuse("dt", grid.dt, "a finite number above zero")
        if isinstance(grid, TimedGrid):
            _check_times(definition, grid)
        last = float(grid.times.max(initial=0.0)) if isinstance(grid, TimedGrid) else grid.dt * (grid.samples - 1)
        if not last < sys.float_info.max:
            message = f"the last of {grid.samples} samples at dt {grid.dt:g} lies beyond the largest time that a double holds."
            raise RequestError(message)
        if definition.kind == "map" and last > MOST_ITERATES:
            message = f"{last:.3g} iterates are asked for; expected at most {MOST_ITERATES:.0e} of one trajectory."
            raise RequestError(message)


def _check_times(definition: Definition, grid: TimedGrid) -> None:
    if not (grid.times[:, 0] >= 0.0).all() or not (np.diff(grid.times, axis=1) > 0.0).all():
        message = "sample times do not rise from 0 or later; expected each after the one before."
        raise RequestError(message)
    if definition.kind == "map" and (grid.times != np.floor(grid.times)).any():
        message = f"{definition.name} is a map, which has nothing between two iterates; expected sample times that are whole numbers."
        raise RequestError(message)


def _refuse(name: str, found: Any, expected: str) -> None:
    message = f"{name} is {found!r}; expected {expected}."
    raise RequestError(message)


def check_room(size: int, dtype: str) -> None:
    """Nothing, where the machine has the memory free that `size` numbers take; an operating system that hands out what it lacks would end
    the process.

    Raises:
        RequestError: it has not.
    """
    wanted = size * np.dtype(dtype).itemsize
    if wanted > _SMALL and wanted > (free := _free_bytes()):
        raise _too_large(wanted, f"{free / 2**30:.3g} GiB are free")


def samples_memory(size: int, dtype: str) -> NDArray[np.floating]:
    """Memory for so many samples, from the beginning of a cache line on, so that rows of whole lines share none.

    Raises:
        RequestError: the operating system gives none.
    """
    itemsize = np.dtype(dtype).itemsize
    try:
        memory = page_memory(size * itemsize + _LINE)
    except MemoryError:
        raise _too_large(size * itemsize, "this process may not have so much") from None
    first = -memory.ctypes.data % _LINE
    return memory[first : first + size * itemsize].view(dtype)


def _too_large(wanted: float, why: str) -> RequestError:
    message = f"the samples asked for take {wanted / 2**30:.3g} GiB, and {why}."
    return RequestError(message + " Ask for fewer, or write a store with `attractory generate`.")


def _free_bytes() -> float:
    """Of the machine, or of the container that this process is in, where that is less."""
    try:
        with open("/proc/meminfo") as lines:
            fields = dict(line.split(":", 1) for line in lines)
        free = float(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError):
        return np.inf
    try:
        with open(f"{_GROUP_MEMORY}max") as most, open(f"{_GROUP_MEMORY}current") as used:
            return min(free, float(most.read()) - float(used.read()))
    except (OSError, ValueError):  # no such group, or "max": no limit
        return free
