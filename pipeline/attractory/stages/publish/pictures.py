"""A picture of each system: its attractor from the side, and one variable in time."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from attractory.stages.validate.sections import stored_section
from attractory.stages.validate.stored import StoredGranularity, StoredSystem

_SAMPLES = 4000  # of one trajectory: more makes a blot
_CURVE_SAMPLES = 600
_POINTS = 20_000  # of a map, from several trajectories
_INK = "#1f4e79"


def picture(stored: StoredSystem) -> bytes:
    """PNG, 900 x 340 pixels; the same numbers give the same bytes under one version of Matplotlib."""
    timed = [grid for grid in stored.granularities if not grid.is_section]
    granularity = min(timed, key=_distance) if timed else stored.granularities[0]
    figure = Figure(figsize=(9.0, 3.4), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    projection, curve = figure.subplots(1, 2, width_ratios=[1, 1.5])
    if granularity.is_section:
        _draw_section(projection, stored, granularity)
        _draw_return(curve, stored, granularity)
    else:
        draw = _draw_points if stored.record.kind == "map" else _draw_orbit
        draw(projection, stored, granularity)
        _draw_curve(curve, stored, granularity)
    figure.suptitle(stored.name, fontsize=11)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _draw_orbit(axes: Axes, stored: StoredSystem, granularity: StoredGranularity) -> None:
    """The first variable against the third, or the last there is: flows are drawn as a line."""
    states = _states(stored, granularity, rows=1)[0, :_SAMPLES]
    other = min(2, states.shape[1] - 1)
    axes.plot(states[:, 0], states[:, other], color=_INK, linewidth=0.4)
    axes.set(xlabel=stored.system.variables[0], ylabel=stored.system.variables[other])


def _draw_points(axes: Axes, stored: StoredSystem, granularity: StoredGranularity) -> None:
    """The first two variables of a map, or a single one against its next value."""
    samples = granularity.state.shape[1]
    states = _states(stored, granularity, rows=max(1, _POINTS // samples))
    names = stored.system.variables
    if len(names) > 1:
        first, second, label = states[..., 0], states[..., 1], names[1]
    else:
        first, second, label = states[:, :-1, 0], states[:, 1:, 0], f"next {names[0]}"
    axes.plot(first.ravel()[:_POINTS], second.ravel()[:_POINTS], ",", color=_INK)
    axes.set(xlabel=names[0], ylabel=label)


def _draw_section(axes: Axes, stored: StoredSystem, granularity: StoredGranularity) -> None:
    """The two variables that move most from crossing to crossing."""
    states = _states(stored, granularity, rows=max(1, _POINTS // granularity.samples))
    first, second = sorted(_most_moving(states)[:2]) if states.shape[2] > 1 else (0, 0)
    axes.plot(states[..., first].ravel()[:_POINTS], states[..., second].ravel()[:_POINTS], ".", color=_INK, markersize=1)
    axes.set(xlabel=stored.system.variables[first], ylabel=stored.system.variables[second], title=_title(granularity))


def _draw_return(axes: Axes, stored: StoredSystem, granularity: StoredGranularity) -> None:
    """The variable that moves most against its value at the next crossing."""
    states = _states(stored, granularity, rows=max(1, _POINTS // granularity.samples))
    variable = _most_moving(states)[0]
    name, values = stored.system.variables[variable], states[..., variable]
    axes.plot(values[:, :-1].ravel()[:_POINTS], values[:, 1:].ravel()[:_POINTS], ".", color=_INK, markersize=1)
    axes.set(xlabel=name, ylabel=f"next {name}")


def _most_moving(states: npt.NDArray[np.floating]) -> list[int]:
    """Variables by their spread, the largest first."""
    return [int(place) for place in np.argsort(-np.nanstd(states.astype(np.float64), axis=(0, 1)), kind="stable")]


def _title(granularity: StoredGranularity) -> str:
    return stored_section(granularity).text


def _draw_curve(axes: Axes, stored: StoredSystem, granularity: StoredGranularity) -> None:
    count = 100 if stored.record.kind == "map" else _CURVE_SAMPLES
    states = _states(stored, granularity, rows=1)[0, :count, 0]
    style = {"marker": ".", "markersize": 3} if stored.record.kind == "map" else {}
    axes.plot(granularity.times_of(_rows(stored, 1)[0])[:count], states, color=_INK, linewidth=0.8, **style)  # type: ignore[arg-type]
    axes.set(xlabel="iterate" if stored.record.kind == "map" else "time", ylabel=stored.system.variables[0])


def _states(stored: StoredSystem, granularity: StoredGranularity, *, rows: int) -> npt.NDArray[np.floating]:
    """(row, time, variable) of the first good trajectories; of any where none is good."""
    return np.stack([granularity.read(row) for row in _rows(stored, rows)])


def _rows(stored: StoredSystem, most: int) -> list[int]:
    """The first good trajectories; any where none is good."""
    good = np.flatnonzero(stored.good)[:most]
    chosen = good if len(good) else np.arange(min(most, stored.trajectories))
    return [int(row) for row in chosen]


def _distance(granularity: StoredGranularity) -> tuple[bool, float]:
    """Regular times come first, the finest of them before others; then times of each trajectory's own."""
    drawn = granularity.drawn
    return (False, granularity.dt) if drawn is None else (True, drawn.mean)
