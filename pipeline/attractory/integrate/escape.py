"""When a trajectory has left for infinity: what the drivers of flows, of delay systems and of expansions look at."""

from __future__ import annotations

from typing import Any

from numba import njit

# A trajectory that has grown by this factor in so many steps is leaving for infinity, as an unstable spiral does whose turns get faster.
ESCAPE, ESCAPE_STEPS, ESCAPE_LOOK = 1.0e6, 500_000, 65_536
POLE = 1e10  # a state beyond this whose steps vanish has met a pole in finite time; below, a stiff spot


@njit(cache=True, error_model="numpy", nogil=True)
def largest(y: Any, lane: int) -> float:  # pragma: no cover - compiled
    """The size of a lane's largest variable."""
    found = 0.0
    for v in range(y.shape[0]):
        found = max(found, abs(y[v, lane]))
    return found
