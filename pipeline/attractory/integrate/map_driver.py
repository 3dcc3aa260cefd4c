"""The generic driver of maps: groups of lanes iterated in step, every n-th iterate kept. Compiled once by numba and cached on disk."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from attractory.layout import Status

_OK, _DIVERGED = int(Status.OK), int(Status.DIVERGED)


@njit(cache=True, error_model="numpy", nogil=True)
def run_map(  # noqa: PLR0913 - called once an ensemble, with arrays only
    iterate: Any, initial: Any, parameters: Any, start: Any, grids: Any, out: Any, work: Any, status: Any
) -> None:  # pragma: no cover - compiled
    """Iterates all trajectories and fills `out`; as `run_flow`, with the number of iterates between samples in the place of dt."""
    offsets, everies, counts = grids
    total, variables = initial.shape
    columns, width, kinds = parameters.shape[1], work.shape[1], everies.shape[0]
    now = work[0]
    y = work[1 : 1 + variables]
    z = work[1 + variables : 1 + 2 * variables]
    p = work[1 + 2 * variables : 1 + 2 * variables + max(columns, 1)]
    finite = np.empty(width)
    last = 0
    for g in range(kinds):
        last = max(last, (counts[g] - 1) * everies[g])
    for first in range(0, total, width):
        held = min(width, total - first)
        _load(initial, parameters, first, held, y, p)
        finite[:] = 0.0
        for n in range(last + 1):
            for g in range(kinds):
                if n % everies[g] == 0 and n // everies[g] < counts[g]:
                    _keep(y, out, offsets[g] + first * variables * counts[g] + n // everies[g], counts[g], held)
                    _add_zeros(y, finite)
            if n < last:
                for lane in range(width):
                    now[lane] = start[first + min(lane, held - 1)] + n
                iterate(p.ctypes, y.ctypes, now.ctypes, z.ctypes)
                y, z = z, y
        for lane in range(held):
            status[first + lane] = _OK if finite[lane] == 0.0 else _DIVERGED
    _blank(offsets, counts, out, status, variables)


@njit(cache=True, error_model="numpy", nogil=True)
def _load(initial: Any, parameters: Any, first: int, held: int, y: Any, p: Any) -> None:  # pragma: no cover - compiled
    """A group of trajectories; lanes beyond its end repeat the last one."""
    for lane in range(y.shape[1]):
        i = first + min(lane, held - 1)
        for v in range(initial.shape[1]):
            y[v, lane] = initial[i, v]
        for q in range(parameters.shape[1]):
            p[q, lane] = parameters[i, q]


@njit(cache=True, error_model="numpy", nogil=True)
def _keep(y: Any, out: Any, first: int, count: int, held: int) -> None:  # pragma: no cover - compiled
    """One sample of the group's trajectories."""
    variables = y.shape[0]
    for lane in range(held):
        place = first + lane * variables * count
        for v in range(variables):
            out[place + v * count] = y[v, lane]


@njit(cache=True, error_model="numpy", nogil=True)
def _add_zeros(y: Any, finite: Any) -> None:  # pragma: no cover - compiled
    """What stays zero as long as all is finite: an infinity may come back to a number (1/x), and is no sample."""
    for v in range(y.shape[0]):
        for lane in range(y.shape[1]):
            finite[lane] += y[v, lane] * 0.0


@njit(cache=True, error_model="numpy", nogil=True)
def _blank(offsets: Any, counts: Any, out: Any, status: Any, variables: int) -> None:  # pragma: no cover - compiled
    """From the first sample that is not finite in any variable, all variables of a trajectory that diverged are NaN."""
    for i in range(status.shape[0]):
        if status[i] == _OK:
            continue
        for g in range(counts.shape[0]):
            start = offsets[g] + i * variables * counts[g]
            gone = False
            for n in range(counts[g]):
                for v in range(variables):
                    if not np.isfinite(out[start + v * counts[g] + n]):
                        gone = True
                if gone:
                    for v in range(variables):
                        out[start + v * counts[g] + n] = np.nan
