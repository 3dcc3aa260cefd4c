"""The generic driver of maps: groups of lanes iterated in step, every n-th iterate kept. Compiled once by numba and cached on disk."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from attractory.layout import Status

_OK, _DIVERGED = int(Status.OK), int(Status.DIVERGED)


@njit(cache=True, error_model="numpy", nogil=True)
def run_map(  # noqa: PLR0913 - called once an ensemble, with arrays only
    iterate: Any, initial: Any, parameters: Any, grids: Any, out: Any, work: Any, status: Any
) -> None:  # pragma: no cover - compiled
    """Iterates all trajectories and fills `out`; as `run_flow`, with the number of iterates between samples in the place of dt."""
    offsets, everies, counts = grids
    total, variables = initial.shape
    columns, width, kinds = parameters.shape[1], work.shape[1], everies.shape[0]
    now = work[0]
    y = work[1 : 1 + variables]
    z = work[1 + variables : 1 + 2 * variables]
    p = work[1 + 2 * variables : 1 + 2 * variables + max(columns, 1)]
    last = 0
    for g in range(kinds):
        last = max(last, (counts[g] - 1) * everies[g])
    for first in range(0, total, width):
        held = min(width, total - first)
        for lane in range(width):
            i = first + min(lane, held - 1)
            for v in range(variables):
                y[v, lane] = initial[i, v]
            for q in range(columns):
                p[q, lane] = parameters[i, q]
        for n in range(last + 1):
            for g in range(kinds):
                if n % everies[g] == 0 and n // everies[g] < counts[g]:
                    for lane in range(held):
                        place = offsets[g] + (first + lane) * variables * counts[g] + n // everies[g]
                        for v in range(variables):
                            out[place + v * counts[g]] = y[v, lane]
            if n < last:
                now[:] = n
                iterate(p.ctypes, y.ctypes, now.ctypes, z.ctypes)
                for v in range(variables):
                    for lane in range(width):
                        y[v, lane] = z[v, lane]
        for lane in range(held):
            finite = 0.0
            for v in range(variables):
                finite += y[v, lane] * 0.0
            status[first + lane] = _OK if finite == 0.0 else _DIVERGED
    _blank(offsets, counts, out, status, variables)


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
