"""The leading exponent of x''' = -0.8 x'' - x' - x + sign(x), without anything of the engine: why 0.080 and not 0.076.

Runge and Kutta's fourth order at steps of 0.02, crossings of x = 0 by bisection, tangent vectors with the jump condition; and the distance
of nearby trajectories, without any tangent vector. A crossing is looked for at the ends of stretches: where these are long, an excursion
that begins and ends within one is missed, and with it the largest growth, near a graze.

    python benchmarks/double_scroll.py          some two minutes
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

DAMPING = 0.8
STEP = 0.02
TRANSIENT, DURATION = 1000.0, 100_000.0
STARTS = ((0.01, 0.0, 0.0), (0.011, 0.0, 0.0), (0.3, 0.2, -0.1), (-0.2, 0.4, 0.1))
STRETCHES = (0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.02)
DISTANCE = 1e-8  # of nearby trajectories, small beside 1 and large beside rounding


@njit
def rates(state: NDArray[np.float64], side: float) -> NDArray[np.float64]:
    """Rows: the state, then tangent vectors, which know nothing of the constant."""
    made = np.empty_like(state)
    made[:, 0], made[:, 1] = state[:, 1], state[:, 2]
    made[:, 2] = -DAMPING * state[:, 2] - state[:, 1] - state[:, 0]
    made[0, 2] += side
    return made


@njit
def flowed(state: NDArray[np.float64], side: float, duration: float) -> NDArray[np.float64]:
    steps = int(np.ceil(duration / STEP))
    for _ in range(steps):
        h = duration / steps
        a = rates(state, side)
        b = rates(state + 0.5 * h * a, side)
        c = rates(state + 0.5 * h * b, side)
        state = state + h / 6 * (a + 2 * b + 2 * c + rates(state + h * c, side))
    return state


@njit
def crossed(state: NDArray[np.float64], side: float, stretch: float) -> tuple[NDArray[np.float64], float, float]:
    """(the state at the end of a stretch, or at the crossing within it; the side; how far it went)."""
    end = flowed(state, side, stretch)
    if end[0, 0] * side >= 0:
        return end, side, stretch
    low, high = 0.0, stretch
    for _ in range(60):
        middle = 0.5 * (low + high)
        if flowed(state, side, middle)[0, 0] * side < 0:
            high = middle
        else:
            low = middle
    end = flowed(state, side, low)
    for row in range(1, len(end)):  # the jump condition: rates differ by -2 side in the third variable, x' is the speed across
        end[row, 2] -= 2 * side * end[row, 0] / end[0, 1]
    return end, -side, low


@njit
def by_tangents(start: NDArray[np.float64], stretch: float) -> float:
    state = np.vstack((start.reshape(1, 3), np.array([[1.0, 0.0, 0.0]])))
    side, time, grown, begun = np.sign(start[0]), 0.0, 0.0, 0.0
    while time < DURATION:
        state, side, passed = crossed(state, side, stretch)
        time += passed
        length = np.sqrt((state[1] ** 2).sum())
        state[1] /= length
        if time > TRANSIENT:
            grown += np.log(length)
        else:
            begun = time
    return grown / (time - begun)


@njit
def alone(state: NDArray[np.float64], duration: float) -> NDArray[np.float64]:
    """One state (1, 3), a whole duration later: each crossing is found within stretches of one step."""
    side = np.sign(state[0, 0])
    while duration > 0:
        state, side, passed = crossed(state, side, min(STEP, duration))
        duration -= passed
    return state


@njit
def by_neighbours(start: NDArray[np.float64], interval: float) -> float:
    state = alone(start.reshape(1, 3).copy(), TRANSIENT)
    shift, grown, turns = np.array([DISTANCE, 0.0, 0.0]), 0.0, int(DURATION / interval)
    for _ in range(turns):
        near = alone(state + shift, interval)
        state = alone(state, interval)
        shift = near[0] - state[0]
        length = np.sqrt((shift**2).sum())
        grown += np.log(length / DISTANCE)
        shift *= DISTANCE / length
    return grown / (turns * interval)


def said(values: list[float]) -> str:
    return f"{np.mean(values):.4f} ± {np.std(values, ddof=1) / np.sqrt(len(values)):.4f}"


def main() -> None:
    starts = [np.array(start) for start in STARTS]
    print("nearby trajectories, renewed every time unit:", said([by_neighbours(start, 1.0) for start in starts]))
    for stretch in STRETCHES:
        print(
            f"tangent vectors, crossings looked for every {stretch:g}:", said([by_tangents(start, stretch) for start in starts]), flush=True
        )


if __name__ == "__main__":
    main()
