"""`attractory.integrate`: an ensemble of one system as an xarray.Dataset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import xarray
from numpy.typing import ArrayLike, NDArray
from xarray.indexes import PandasIndex

from attractory.errors import RequestError
from attractory.expressions.doors import as_system
from attractory.expressions.section import Section, read_section
from attractory.expressions.system import System
from attractory.integrate.block import (
    BlockSettings,
    default_transient,
    finest_step,
    integrate_block,
    moved_histories,
    section_grid,
)
from attractory.integrate.checks import check_engine, check_grids, check_room, doubles, is_number
from attractory.integrate.delays import Pasts, check_lags, integrate_delays
from attractory.integrate.ensemble import Engine, Ensemble, Trajectories, advance
from attractory.integrate.grids import Grid, SampleGrid, SectionGrid
from attractory.integrate.reference import sampled_ensemble
from attractory.integrate.starts import drawn_state
from attractory.kernels.stepping import RESOLUTION
from attractory.layout import Status

Float = NDArray[np.float64]

SAMPLES_PER_PERIOD = 100


def integrate(  # noqa: PLR0913 - the one public door: each argument is a question that a user asks
    system: str | System,
    trajectories: int | None = None,
    *,
    periods: float | None = None,
    samples_per_period: float | None = None,
    samples: int | None = None,
    dt: float | None = None,
    section: Mapping[str, Any] | Section | None = None,
    tolerance: float = 1e-14,
    seed: int = 0,
    initial: ArrayLike | None = None,
    parameters: Mapping[str, ArrayLike] | None = None,
    transient: float | None = None,
    precision: str = "double",
    engine: Engine | None = None,
) -> xarray.Dataset:
    """An ensemble of trajectories, sampled at equal steps or where they cross a section.

    Args:
        trajectories: how many; 1, or as many as `initial` has. periods, samples_per_period: the length, and how finely (100 where neither
        it nor dt is given); for systems whose entry has a period. samples, dt: the same directly, dt in the system's time units. A map
        takes `samples` alone. section: samples are the crossings of a section instead: {"of": "z", "at": 27, "direction": "up"} (or "down",
        "both"), {"maximum_of": "x"} or {"minimum_of": "x"}; "within" is the longest time from one to the next, 1,000 periods if left out.
        initial: (trajectory, variable) or (variable,): sample 0 is t = 0 and equals it. None: drawn from the seed
        around the catalogued
            state and run through the transient. For a delay system `initial` is a constant past, in place of the catalogued history.
        parameters: numbers or arrays (trajectory,) by name, in place of the catalogued values. transient: what is discarded first, in time
        units (maps: iterates). None: 20 periods (1000 iterates; for a flow without a period, as long
            as what is sampled, nothing before a section) where states are drawn, nothing where `initial` is given.
        precision: "reference" makes each sample the true solution through sample 0, rounded to a double, at a cost: docs/precision.md.
        engine: target, lanes and step budget; they change the speed, never the result.
    Returns:
        Dataset with `state` (trajectory, time, variable) in float64, `time` (time) from sample 0 in the system's units (for a section
        `time` (trajectory, time) from the state after the transient), `status`
        (trajectory) with flag meanings, `steps` (trajectory), and how many of them the method for stiff flows made: `stiff_steps`. A
        trajectory that fails has its status and NaN from there on. Coordinates on a circle (`wrap`) are in their ranges.
    Raises:
        RequestError: what is asked for cannot be: an unknown name, a wrong shape, a dt or tolerance out of range, more samples than memory.
    """
    system = as_system(system)
    if section is None:
        grid: Grid = _grid(system, periods=periods, samples_per_period=samples_per_period, samples=samples, dt=dt)
    else:
        grid = _section(system, section, samples, {"periods": periods, "samples_per_period": samples_per_period, "dt": dt})
    starts = None if initial is None else _initial(system, initial)
    parameters = _parameters(parameters)
    count = _count(trajectories, starts, parameters)
    # states; two rows of times on the way to the coordinate; initial states and parameters before and after the transient
    check_room(
        count * grid.samples * (system.dimension + (section is not None)) + 2 * grid.samples + 4 * count * (system.dimension + 4), "float64"
    )
    length = _transient(system, transient, grid, given=starts is not None)
    engine = _engine(engine, tolerance, precision)
    check_grids(system.definition, [grid])
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
        message = f"seed is {seed!r}; expected a whole number."
        raise RequestError(message)
    values = system.parameter_rows(parameters, count)
    if system.kind == "delay":
        check_lags(system.definition, values)
    if starts is None and not parameters:
        settings = BlockSettings(seed, length, tolerance, "float64", precision)
        made = integrate_block(system, indices=range(count), grids=[grid], settings=settings, engine=engine)
    elif system.kind == "delay":
        pasts = _pasts(system, starts, values, count, seed)
        made = integrate_delays(system.definition, pasts, grids=[grid], engine=engine, transient=length)
    else:
        made = _from_states(system, _states(system, starts, count, seed), values, grid, length, engine)
    return _dataset(system, made, grid, tolerance)


def _engine(engine: Engine | None, tolerance: float, precision: str) -> Engine:
    if engine is not None and not isinstance(engine, Engine):
        message = f"engine is {engine!r}; expected an Engine or None."
        raise RequestError(message)
    engine = replace(engine or Engine(), tolerance=tolerance, dtype="float64", quiet=None, precision=precision)
    check_engine(engine)
    return engine


def _parameters(parameters: Mapping[str, ArrayLike] | None) -> dict[str, Float]:
    if parameters is not None and not isinstance(parameters, Mapping):
        message = f"parameters is {parameters!r}; expected a mapping of names to numbers or arrays (trajectory,)."
        raise RequestError(message)
    return {str(name): doubles(f"parameter {name}", value) for name, value in (parameters or {}).items()}


def _grid(system: System, *, periods: float | None, samples_per_period: float | None, samples: int | None, dt: float | None) -> SampleGrid:
    if system.kind == "map":
        if dt is not None or periods is not None or samples_per_period is not None:
            message = f"{system.name} is a map: it takes `samples` (iterates) alone, not dt, periods or samples_per_period."
            raise RequestError(message)
        return SampleGrid(1, _whole("samples", samples))
    if dt is not None and (periods is not None or samples_per_period is not None):
        raise RequestError("dt and periods measure the same: give samples and dt, or periods and samples_per_period.")
    if dt is None:
        per_period = SAMPLES_PER_PERIOD if samples_per_period is None else _positive("samples_per_period", samples_per_period)
        dt = _period(system) / per_period
        if samples is None:
            samples = round(_positive("periods", periods) * per_period)
        elif periods is not None:
            raise RequestError("samples and periods both give the length: give one of them.")
    return SampleGrid(_positive("dt", dt), _whole("samples", samples))


def _section(system: System, section: Mapping[str, Any] | Section, samples: int | None, others: Mapping[str, float | None]) -> SectionGrid:
    given = [name for name, value in others.items() if value is not None]
    if given:
        message = f"section and {given[0]} both say when to sample: a section takes `samples`, the number of crossings, alone."
        raise RequestError(message)
    section = section if isinstance(section, Section) else read_section(section)
    return section_grid(system, section, _whole("samples", samples))


def _period(system: System) -> float:
    if system.period is None:
        message = f"{system.name} has no period: its definition has no `timescale`. Give samples and dt, or add a timescale."
        raise RequestError(message)
    return system.period


def _positive(name: str, value: float | None) -> float:
    if value is None:
        message = f"{name} is missing: give samples and dt, or periods and samples_per_period."
        raise RequestError(message)
    if not is_number(value) or not 0 < value < np.inf:
        message = f"{name} is {value!r}; expected a finite number above zero."
        raise RequestError(message)
    return float(value)


def _whole(name: str, value: int | None) -> int:
    if value is None:
        message = f"{name} is missing: how many samples, at least 1?"
        raise RequestError(message)
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        message = f"{name} is {value!r}; expected a whole number of at least 1."
        raise RequestError(message)
    return int(value)


def _initial(system: System, initial: ArrayLike) -> Float:
    states = doubles("initial", initial)
    states = states[None] if states.ndim == 1 else states
    expected = len(system.variables)
    if states.ndim != 2 or states.shape[1] != expected or not len(states):
        message = f"initial has shape {np.shape(initial)}; {system.name} needs (trajectory, {expected}), the variables being "
        raise RequestError(message + ", ".join(system.variables[:8]) + (", …" if expected > 8 else "") + ".")
    return states


def _count(trajectories: int | None, starts: Float | None, parameters: Mapping[str, Float]) -> int:
    lengths = {len(value) for value in parameters.values() if value.ndim == 1}
    if 0 in lengths:
        message = f"parameter {next(name for name, value in parameters.items() if not value.size)} has no values; expected at least one."
        raise RequestError(message)
    if starts is not None:
        lengths.add(len(starts))
    if trajectories is not None:
        count = _whole("trajectories", trajectories)
    else:
        count = max(lengths, default=1)
    if starts is not None and len(starts) == 1:
        lengths.discard(1)
    if lengths - {count}:
        message = f"{count} trajectories are asked for, but initial or a parameter is given for {max(lengths - {count})}."
        raise RequestError(message)
    return count


def _transient(system: System, transient: float | None, grid: Grid, *, given: bool) -> float:
    if transient is not None:
        if not is_number(transient) or not 0 <= transient < np.inf:
            message = f"transient is {transient!r}; expected a finite number of time units (maps: iterates), zero or more."
            raise RequestError(message)
        if system.kind == "map":
            check_grids(system.definition, [SampleGrid(max(transient, 1), 2)])
        elif RESOLUTION * transient > (step := finest_step([grid])):
            message = f"transient is {transient!r}: at that time doubles lie further apart than dt, {step:g}. Give a shorter one."
            raise RequestError(message)
        return float(transient)
    sampled = grid.dt * (grid.samples - 1) if isinstance(grid, SampleGrid) else 0.0
    return 0.0 if given else default_transient(system, otherwise=sampled)


def _states(system: System, starts: Float | None, count: int, seed: int) -> Float:
    if starts is not None:
        return np.repeat(starts, count, axis=0) if len(starts) == 1 and count > 1 else starts
    return np.array([drawn_state(system, seed=seed, trajectory=index) for index in range(count)])


def _pasts(system: System, starts: Float | None, values: Float, count: int, seed: int) -> Pasts:
    """A delay system's pasts: constant ones where states are given, else the catalogued histories, moved."""
    states = _states(system, starts, count, seed)
    return moved_histories(system, states, values) if starts is None else Pasts(states, np.zeros(count), values)


def _from_states(system: System, states: Float, values: Float, grid: Grid, length: float, engine: Engine) -> Trajectories:
    ensemble = Ensemble(states, values, np.zeros(len(states)))
    settled, status, _ = advance(system.definition, ensemble, duration=length, engine=replace(engine, quiet=finest_step([grid])))
    made = sampled_ensemble(system.definition, settled, grids=[grid], engine=engine)
    lost = status != Status.OK
    made.status[lost] = status[lost]
    return made


def _dataset(system: System, made: Trajectories, grid: Grid, tolerance: float) -> xarray.Dataset:
    flags = {"flag_values": [int(status) for status in Status], "flag_meanings": " ".join(status.name.lower() for status in Status)}
    attributes: dict[str, Any] = {
        "system": system.name,
        "kind": system.kind,
        "equations": "; ".join(f"{name}: {text}" for name, text in system.equations.items()),
        "tolerance": tolerance,
        "steps": int(made.steps.sum()),
    }
    if system.period is not None:
        attributes["period"] = system.period
    if system.ranges:
        attributes["wrap"] = "; ".join(f"{name}: [{low}, {high})" for name, (low, high) in system.ranges.items())
    return xarray.Dataset(
        {
            "state": _variable(("trajectory", "time", "variable"), made.states[0]),
            "status": _variable(("trajectory",), made.status, flags),
            "steps": _variable(("trajectory",), made.steps),
            "stiff_steps": _variable(("trajectory",), made.stiff_steps),
            "parameters": _variable(("trajectory", "parameter"), made.parameters),
            "start_time": _variable(("trajectory",), made.start_time),
        },
        coords=_coordinates(np.arange(grid.samples) * float(grid.dt) if isinstance(grid, SampleGrid) else made.times[0], system),
        attrs=attributes,
    )


def _variable(dimensions: tuple[str, ...], values: NDArray[Any], attributes: dict[str, Any] | None = None) -> xarray.Variable:
    """An array of NumPy's as it is: to see whether it is one of Dask's, xarray would import dask.array, a quarter of a second."""
    return xarray.Variable(dimensions, values, attributes, fastpath=True)


def _coordinates(times: NDArray[np.floating] | None, system: System) -> xarray.Coordinates:
    """times: (time,), or (trajectory, time), which is no index of the dimension `time`."""
    if times is not None and times.ndim == 2:
        coordinates = xarray.Coordinates({"time": _variable(("trajectory", "time"), times)}, indexes={})
    else:
        coordinates = _indexed("time", np.asarray(times))
    for dimension, names in (("variable", system.variables), ("parameter", system.definition.parameters)):
        coordinates = coordinates.merge(_named(dimension, names)).coords
    return coordinates


@lru_cache(maxsize=64)
def _named(dimension: str, names: tuple[str, ...]) -> xarray.Coordinates:
    """Names along a dimension; an index of texts takes longer to make than a short trajectory."""
    return _indexed(dimension, np.array(names, dtype=np.str_))


def _indexed(dimension: str, values: NDArray[Any]) -> xarray.Coordinates:
    return xarray.Coordinates.from_xindex(PandasIndex(values, dimension, coord_dtype=values.dtype))
