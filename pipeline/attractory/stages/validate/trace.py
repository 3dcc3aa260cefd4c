"""The one loop over stored numbers: what the cheap checks ask of each trajectory, in a compiled pass over its samples."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

_BITS = {np.dtype(np.float32): np.dtype(np.uint32), np.dtype(np.float64): np.dtype(np.uint64)}


def traced(states: npt.NDArray[np.floating]) -> dict[str, npt.NDArray[Any]]:
    """Of states (trajectory, time, variable), by name and as `Summary` describes them."""
    states = np.ascontiguousarray(states)
    trajectories, _, variables = states.shape
    numbers = {name: np.full((trajectories, variables), np.nan) for name in ("mean", "variance", "lowest", "highest")}
    counts = {name: np.zeros((trajectories, variables), dtype=np.int64) for name in ("held", "held_at")}
    found = {
        "finite": np.zeros(trajectories, dtype=np.int64),
        **numbers,
        **counts,
        "still": np.zeros(trajectories, dtype=np.int64),
        "still_at": np.zeros(trajectories, dtype=np.int64),
        "bits": np.zeros((trajectories, variables), dtype=np.uint64),
    }
    _trace(states, states.view(_BITS[states.dtype]), *found.values())
    return found


@numba.njit(cache=True, nogil=True)
def _trace(  # noqa: C901, PLR0913  # one loop, so that every number is read from memory once; what it finds is in its arguments
    states: Any,
    words: Any,
    finite: Any,
    mean: Any,
    variance: Any,
    lowest: Any,
    highest: Any,
    held: Any,
    held_at: Any,
    still: Any,
    still_at: Any,
    bits: Any,
) -> None:
    trajectories, samples, variables = states.shape
    run = np.empty(variables, np.int64)
    for row in range(trajectories):
        end = samples
        for sample in range(samples):
            for variable in range(variables):
                if not np.isfinite(states[row, sample, variable]):
                    end = min(end, sample)
            if end < samples:
                break
        finite[row] = end
        if end == 0:
            continue
        run[:] = 1
        rest = 1
        for variable in range(variables):
            first = np.float64(states[row, 0, variable])
            lowest[row, variable], highest[row, variable], mean[row, variable] = first, first, 0.0
            held[row, variable], held_at[row, variable] = 1, 0
            bits[row, variable] = 0  # not of sample 0, which may be a copy of `initial` that nobody has rounded
        still[row], still_at[row] = 1, 0
        for sample in range(1, end):
            same = True
            for variable in range(variables):
                value = np.float64(states[row, sample, variable])
                word = words[row, sample, variable]
                bits[row, variable] |= word
                if value < lowest[row, variable]:
                    lowest[row, variable] = value
                if value > highest[row, variable]:
                    highest[row, variable] = value
                mean[row, variable] += value - np.float64(states[row, 0, variable])
                if states[row, sample, variable] == states[row, sample - 1, variable]:
                    run[variable] += 1
                    if run[variable] > held[row, variable]:
                        held[row, variable] = run[variable]
                        held_at[row, variable] = sample + 1 - run[variable]
                else:
                    run[variable] = 1
                    same = False
            rest = rest + 1 if same else 1
            if rest > still[row]:
                still[row], still_at[row] = rest, sample + 1 - rest
        for variable in range(variables):
            mean[row, variable] = np.float64(states[row, 0, variable]) + mean[row, variable] / end
            total = 0.0
            centre = mean[row, variable]
            for sample in range(end):
                apart = np.float64(states[row, sample, variable]) - centre
                total += apart * apart
            variance[row, variable] = total / end
