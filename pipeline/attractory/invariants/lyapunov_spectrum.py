"""Lyapunov exponents from the equations, by QR of the variational equations of many trajectories at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from attractory.errors import RequestError
from attractory.expressions.doors import as_system
from attractory.expressions.system import System
from attractory.invariants.estimate import Estimate, FloatArray, Setting
from attractory.invariants.growth_rates import FEWEST_ROUNDS, ROUND, Effort, Measurement, both_errors, convergence
from attractory.invariants.tangent_bundle import Bundle, advance_bundle, find_interval, first_bundle, work
from attractory.invariants.targets import Targets, reached
from attractory.invariants.zero_exponents import ERRORS_OF_ZERO, is_driven, shear_limit, zero_exponents

__all__ = ["DELAY_METHOD", "METHOD", "MOST_OF_DELAYS", "Effort", "Measurement", "Targets", "lyapunov_spectrum", "measure_growth"]

METHOD = "QR of the variational equations (Benettin et al., Meccanica 15, 9 (1980))"
DELAY_METHOD = "QR of tangent functions over the longest delay (Farmer, Physica D 4, 366 (1982))"
MOST_OF_DELAYS = 32

_FEWEST_PERIODS = 8
_MOST_ROUNDS = 256  # where no budget is given
_FEWEST_BY_WORK = 8
_MOST_PARTING = 12.0  # of logarithms of lengths in an interval, which `find_interval` keeps below; more is a direction that was lost
Enough = Callable[[Measurement], bool]


def lyapunov_spectrum(
    system: System | str,
    *,
    seed: int = 0,
    standard_error: float | Targets = 1e-3,
    exponents: int | None = None,
    effort: Effort | None = None,
) -> Estimate:
    """Lyapunov exponents, largest first, in 1 / time unit (maps: 1 / iterate), natural logarithms.

    Runs until every exponent's standard error is below `standard_error`, or below that part of its own size where it is larger than one,
    or until the budget is spent; `settings["reached"]` says which, and so does `settings["budget_reached"]`. A zero exponent comes out as
    a number of the order of its error, and `settings["zero_exponents"]` counts them. Where the right-hand side of a flow jumps (sign,
    floor, mod, heaviside, where) tangent vectors jump too, by the saltation matrix; where solutions slide along a surface, the direction
    across it is lost, and its exponent is minus infinity, kept finite.

    A delay system has infinitely many exponents: its tangent vectors are functions over the longest delay (`delay_exponents`).

    Args:
        standard_error: one number for every exponent, or Targets relative to what is found.
        exponents: how many of the largest; None is all of them, of a delay system as many as variables.
    Returns:
        Estimate with value and standard_error (exponent,), the larger of the between-trajectory and the between-block estimate, which
        are both in the settings; `convergence` as in `growth_rates.convergence`.
    Raises:
        RequestError: an argument is out of range.
        IntegrationError: no trajectory stayed on the attractor.
    Source: Benettin et al., Meccanica 15, 9 (1980); the interval and the error estimate are ours, see docs/invariants/lyapunov_spectrum.md.
    """
    started = time.perf_counter()
    system, effort = as_system(system), effort or Effort()
    vectors = system.dimension if exponents is None else exponents
    _refuse(system, vectors, standard_error=standard_error, effort=effort)
    # Within a period the tangents of a relaxation oscillator grow and shrink by many orders: less than some periods says nothing.
    shortest = 0.0 if system.kind == "delay" else _FEWEST_PERIODS * (system.period or 0.0)
    enough = _enough(system, standard_error, shortest)
    if system.kind == "delay":
        from attractory.invariants.delay_exponents import measure_until  # here: only these need the drivers of delays

        measurement = measure_until(system, vectors, seed=seed, enough=enough, effort=effort)
    else:
        measurement = measure_growth(system, vectors, seed=seed, enough=enough, effort=effort)
    done = enough(measurement)
    settings = _settings(system, measurement) | {"tolerance": effort.tolerance, "seed": seed, "reached": done, "budget_reached": not done}
    return _estimate(system, measurement, settings, seconds=time.perf_counter() - started)


def _enough(system: System, standard_error: float | Targets, shortest: float) -> Enough:
    if not isinstance(standard_error, Targets):
        return lambda measurement: measurement.reached(standard_error, shortest=shortest)
    has_zero = system.kind == "delay" or (system.kind == "flow" and not is_driven(system))
    period = system.period or 1.0
    return lambda measurement: measurement.duration >= shortest and reached(measurement, standard_error, period=period, has_zero=has_zero)


def _refuse(system: System, vectors: int, *, standard_error: float | Targets, effort: Effort) -> None:
    """Raises RequestError where an argument is out of range."""
    if system.kind == "delay":
        if not 1 <= vectors <= MOST_OF_DELAYS:
            message = f"exponents={vectors}: of a delay system, from 1 to {MOST_OF_DELAYS} of the largest exponents are measured"
            raise RequestError(message)
    elif not 1 <= vectors <= system.dimension:
        message = f"exponents={vectors}: {system.name} has {system.dimension} variables, so from 1 to {system.dimension} exponents"
        raise RequestError(message)
    if effort.trajectories < 2:
        message = f"trajectories={effort.trajectories}: at least 2 are needed for a standard error"
        raise RequestError(message)
    if effort.core_seconds is not None and not effort.core_seconds > 0.0:
        message = f"core_seconds={effort.core_seconds}: expected a number above 0"
        raise RequestError(message)
    if not isinstance(standard_error, Targets) and not standard_error > 0.0:
        message = f"standard_error={standard_error}: expected a number above 0"
        raise RequestError(message)


def measure_growth(system: System, vectors: int, *, seed: int, enough: Enough, effort: Effort) -> Measurement:
    """Growth rates of `vectors` tangent vectors of a flow or a map, in rounds of intervals until it is enough or the budget is spent.

    Raises:
        IntegrationError: no trajectory stayed on the attractor.
    """
    interval, bundle = find_interval(system, first_bundle(system, vectors, seed=seed, effort=effort))
    first = bundle = replace(bundle, row=np.arange(len(bundle.row)))
    rounds: list[FloatArray] = []
    while True:
        total = np.zeros((len(first.row), vectors))
        for _ in range(ROUND):
            bundle, growth = advance_bundle(bundle, interval)
            _add(total, bundle.row, growth)
        rounds.append(total / (interval * ROUND))
        if _is_spent(rounds, bundle, interval, effort):
            return _lasting(rounds, first, bundle, interval)
        if _is_looked_at(len(rounds)):
            measurement = _lasting(rounds, first, bundle, interval)
            if enough(measurement):
                return measurement


def _add(total: FloatArray, row: npt.NDArray[np.intp], growth: FloatArray) -> None:
    """Adds growth to the rows of the trajectories that it belongs to."""
    if len(row) == len(total):  # none is lost: they are all rows in order
        total += growth
    else:
        total[row] += growth


def _is_spent(rounds: list[FloatArray], bundle: Bundle, interval: float, effort: Effort) -> bool:
    if effort.core_seconds is not None and len(rounds) >= _FEWEST_BY_WORK and work(bundle) >= effort.core_seconds:
        return True
    if effort.budget is not None:
        return len(rounds) >= max(int(effort.budget / (interval * ROUND)), FEWEST_ROUNDS)
    return effort.core_seconds is None and len(rounds) >= _MOST_ROUNDS


def _is_looked_at(rounds: int) -> bool:
    """Every eight rounds, and of long runs ever more rarely: a look reads all rounds."""
    every = max(8, 8 * (rounds // 512))
    return rounds >= FEWEST_ROUNDS and rounds % every == 0


def _lasting(rounds: list[FloatArray], first: Bundle, last: Bundle, interval: float) -> Measurement:
    """The rounds of the trajectories that are in the last bundle too."""
    kept = last.row
    growth = np.stack([part[kept] for part in rounds], axis=1)
    return Measurement(growth, interval, len(first.row) - len(kept), last.steps, last.engine.tolerance)


def _settings(system: System, measurement: Measurement) -> dict[str, Setting]:
    trajectories, _, exponents = measurement.growth.shape
    return {
        "dimension": "infinite" if system.kind == "delay" else system.dimension,
        "exponents": exponents,
        "trajectories": trajectories,
        "lost": measurement.lost,
        "duration": measurement.duration,
        "interval": measurement.interval,
    } | ({} if system.kind == "delay" else {"steps": measurement.steps})


def _estimate(system: System, measurement: Measurement, settings: dict[str, Setting], *, seconds: float) -> Estimate:
    """Exponents in descending order; QR leaves them so except where two are equal within their errors."""
    order = np.argsort(-measurement.value, kind="stable")
    value, errors = measurement.value[order], measurement.errors[order]
    # A map's Jacobian is exact to the last digit.
    tolerance = float(np.finfo(np.float64).eps if system.kind == "map" else settings["tolerance"])  # type: ignore[arg-type]
    errors = np.maximum(errors, _integration_error(value, tolerance=tolerance, interval=measurement.interval))
    shear = shear_limit(system, value, duration=measurement.duration)
    errors = np.where(abs(value) <= shear, np.maximum(errors, shear / ERRORS_OF_ZERO), errors)
    zero = zero_exponents(system, value, errors, duration=measurement.duration, resolution=tolerance / measurement.interval)
    settings = settings | zero | both_errors(measurement, order)
    method = DELAY_METHOD if system.kind == "delay" else METHOD
    return Estimate(value, errors, method, settings, seconds, convergence(measurement, order))


def _integration_error(value: FloatArray, *, tolerance: float, interval: float) -> FloatArray:
    """(exponent,): a tolerance of the fastest vector's length, in an interval, is so much of a slower one's. Where nothing scatters, as at
    rest, it is the same in every interval, and all the error there is."""
    parting = np.exp(np.minimum((value[0] - value) * interval, _MOST_PARTING))
    error: FloatArray = tolerance * parting / interval
    return error
