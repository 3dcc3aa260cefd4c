"""The distribution of Lyapunov exponents over finite times, as a histogram."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from attractory.errors import RequestError
from attractory.expressions.doors import as_system
from attractory.expressions.system import System
from attractory.invariants.estimate import Estimate, FloatArray, Setting
from attractory.invariants.growth_rates import Effort, rate_error, swing_error
from attractory.invariants.signals import jackknife
from attractory.invariants.tangent_bundle import advance_bundle, find_interval, first_bundle

METHOD = "QR of the variational equations (Benettin et al., Meccanica 15, 9 (1980)), growth over windows of one length"
_ITERATES = 10  # of a map, where no window is given
_WINDOWS = 256  # where no budget is given
_FEWEST_WINDOWS = 32
_MOST_INTERVALS = 16_384  # where no budget is given: of stiff flows the fastest direction asks for very short ones
_BLOCKS = 16


@dataclass(frozen=True)
class LyapunovTimes:
    """A window as a multiple of the system's annotated Lyapunov time."""

    count: float


def finite_time_exponents(
    system: System | str,
    *,
    window: float | LyapunovTimes | None = None,
    exponents: int | None = None,
    bins: int = 64,
    effort: Effort | None = None,
    seed: int = 0,
) -> Estimate:
    """Means (exponent,) of the exponents over windows, largest first, in 1 / time unit (maps: 1 / iterate), and how they are distributed.

    The exponent i of a window is the growth of the volume of the first i orthonormal vectors less that of the first i - 1, over the
    window's length. Windows follow each other, so their mean is the Lyapunov exponent itself whatever their length; their deviation
    is not. The vectors are those that the past has made, so all but the first depend on the scalar product.

    Args:
        window: in time units (maps: iterates), or LyapunovTimes; None is a period (1 time unit without one), 10 iterates of a map.
        exponents: how many of the largest; None is all.
        bins: of each histogram, between the smallest and the largest that was found.
        effort: `budget` is the time of each trajectory, None is 256 windows or 16,384 intervals; core_seconds is not used here.
    Returns:
        Estimate with value and standard_error (exponent,) as in `lyapunov_spectrum`. settings has the window in time units and, where the
        first exponent is above zero by five errors, in Lyapunov times, and deviation, deviation_error, share_below_zero of each exponent.
        convergence: edges (exponent, edge), counts (exponent, bin), and length (point,), deviation (point, exponent), the deviation over
        one, two, four, … windows; growth (trajectory, block, exponent).
    Raises:
        RequestError: a delay system, an argument is out of range, or a window takes over 512 intervals and no budget is given.
        IntegrationError: no trajectory stayed on the attractor.
    Source: Kuptsov and Parlitz, J. Nonlinear Sci. 22, 727 (2012) for the vectors and what they depend on.
    """
    started = time.perf_counter()
    system, effort = as_system(system), effort or Effort()
    vectors = system.dimension if exponents is None else exponents
    _refuse(system, vectors, bins, effort)
    length = window_length(system, window)
    rates = _window_rates(system, vectors, length, seed=seed, effort=effort)
    rates = rates[:, :, np.argsort(-rates.mean(axis=(0, 1)), kind="stable")]
    blocks = _in_blocks(rates)
    value, errors = rates.mean(axis=(0, 1)), np.maximum(rate_error(blocks), swing_error(rates))
    settings: dict[str, Setting] = {
        "window": length,
        "windows": rates.shape[1],
        "trajectories": len(rates),
        "exponents": vectors,
        **({"window_lyapunov_times": float(length * value[0])} if value[0] > 5.0 * errors[0] else {}),
        **_deviations(rates),
        "tolerance": effort.tolerance,
        "seed": seed,
    }
    convergence = {**_histograms(rates, bins), **_by_length(rates, length), "growth": blocks}
    return Estimate(value, errors, METHOD, settings, time.perf_counter() - started, convergence)


def window_length(system: System, window: float | LyapunovTimes | None) -> float:
    """In time units; whole iterates of a map.

    Raises:
        RequestError: it is not above zero, not whole for a map, or in Lyapunov times of a system that has none.
    """
    if isinstance(window, LyapunovTimes):
        if system.lyapunov_time is None:
            message = f"{system.name} has no annotated Lyapunov time; expected a window in time units (maps: iterates)."
            raise RequestError(message)
        length = window.count * system.lyapunov_time
        length = float(max(round(length), 1)) if system.kind == "map" and length > 0 else length
    elif window is None:
        length = float(_ITERATES) if system.kind == "map" else (system.period or 1.0)
    else:
        length = float(window)
    whole = system.kind != "map" or length == round(length)
    if not (np.isfinite(length) and length > 0.0 and whole):
        message = f"window={window!r}; expected {'a whole number of iterates' if system.kind == 'map' else 'a time'} above 0."
        raise RequestError(message)
    return length


def _refuse(system: System, vectors: int, bins: int, effort: Effort) -> None:
    """Raises RequestError where an argument is out of range."""
    if system.kind == "delay":
        message = f"{system.name} is a delay system: expected a flow or a map; `lyapunov_spectrum` has local exponents of delay systems."
        raise RequestError(message)
    if not 1 <= vectors <= system.dimension:
        message = f"exponents={vectors}: {system.name} has {system.dimension} variables, so from 1 to {system.dimension} exponents"
        raise RequestError(message)
    if not 1 <= bins <= 10_000:
        message = f"bins={bins}; expected from 1 to 10000."
        raise RequestError(message)
    if effort.trajectories < 2:
        message = f"trajectories={effort.trajectories}: at least 2 are needed for a standard error"
        raise RequestError(message)


def _window_rates(system: System, vectors: int, length: float, *, seed: int, effort: Effort) -> FloatArray:
    """Growth rates (trajectory, window, exponent) of the trajectories that last, once the vectors have settled for an eighth as long.

    Raises:
        RequestError: no budget is given, and windows are too long beside what the vectors may grow for.
    """
    interval, bundle = find_interval(system, first_bundle(system, vectors, seed=seed, effort=effort))
    parts = int(np.ceil(length / interval * (1.0 - 1e-12)))
    while system.kind == "map" and length % parts:
        parts += 1
    count = _windows(system, effort, length, parts)
    bundle = replace(bundle, row=np.arange(len(bundle.row)))
    trajectories = len(bundle.row)
    rates = []
    for number in range(-(-count // 8) + count):
        total = np.zeros((trajectories, vectors))
        for _ in range(parts):
            bundle, growth = advance_bundle(bundle, length / parts)
            total[bundle.row] += growth
        if number >= -(-count // 8):
            rates.append(total / length)
    return np.stack([part[bundle.row] for part in rates], axis=1)


def _windows(system: System, effort: Effort, length: float, parts: int) -> int:
    """How many of so many intervals each are measured."""
    if effort.budget is not None:
        return max(int(effort.budget / length), _FEWEST_WINDOWS)
    if parts * _FEWEST_WINDOWS > _MOST_INTERVALS:
        message = (
            f"{system.name}: a window of {length:g} takes {parts} intervals, so fast do its directions part; expected at most "
            f"{_MOST_INTERVALS // _FEWEST_WINDOWS}. Give a shorter window, fewer exponents or a budget"
        )
        raise RequestError(message)
    return min(_WINDOWS, _MOST_INTERVALS // parts)


def _in_blocks(rates: FloatArray) -> FloatArray:
    """(trajectory, block, exponent)."""
    return np.stack([part.mean(axis=1) for part in np.array_split(rates, _BLOCKS, axis=1)], axis=1)


def _deviations(rates: FloatArray) -> dict[str, Setting]:
    """The standard deviation over windows with its jackknife error, and the part of the windows with an exponent below zero."""
    squares = _in_blocks((rates - rates.mean(axis=(0, 1))) ** 2)
    deviation, error = jackknife(squares, np.sqrt)
    return {
        "deviation": tuple(deviation.tolist()),
        "deviation_error": tuple(error.tolist()),
        "share_below_zero": tuple((rates < 0.0).mean(axis=(0, 1)).tolist()),
    }


def _histograms(rates: FloatArray, bins: int) -> dict[str, FloatArray]:
    """Edges and counts; exponents that are all the same have bins of some width too."""
    edges, counts = [], []
    for place in range(rates.shape[2]):
        low, high = float(rates[:, :, place].min()), float(rates[:, :, place].max())
        margin = 1e-6 * max(abs(low), abs(high), 1e-6)
        counted, edge = np.histogram(rates[:, :, place], bins=bins, range=(low - margin, high + margin))
        edges.append(edge)
        counts.append(counted.astype(np.float64))
    return {"edges": np.stack(edges), "counts": np.stack(counts)}


def _by_length(rates: FloatArray, length: float) -> dict[str, FloatArray]:
    """How the deviation falls with the window: over one, two, four, … of them, as long as each trajectory has eight."""
    lengths, deviations = [], []
    together = 1
    while rates.shape[1] // together >= 8:
        whole = rates.shape[1] // together * together
        means = rates[:, :whole].reshape(len(rates), -1, together, rates.shape[2]).mean(axis=2)
        lengths.append(together * length)
        deviations.append(means.std(axis=(0, 1)))
        together *= 2
    return {"length": np.array(lengths), "deviation": np.stack(deviations)}
