"""Checks of the crossings of a section: each lies on it, goes its way and comes after the one before, and none is missing or too many."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy.integrate import solve_ivp

from attractory import layout
from attractory.expressions.evaluate import evaluate
from attractory.expressions.section import KEYS, Cut, Section, cut, read_section
from attractory.stages.validate.reference import Problem, scalar_function
from attractory.stages.validate.report import Check, Subject
from attractory.stages.validate.rule import Evidence, Rule
from attractory.stages.validate.stored import FloatArray, StoredGranularity, StoredSystem

_EPSILON = float(np.finfo(np.float64).eps)
# Roundings that the engine may make where it finds a crossing, of the state's size and of the section's function.
_ROUNDINGS = 16.0
# Second opinion: a crossing is off by less than this part of the mean time between two, up to half of the horizon of predictability.
_OFF = 1e-5
_CORNERS = frozenset({"abs", "sign", "floor", "min", "max", "mod", "heaviside", "where"})
# A start so near to a crossing, as part of the time between two, that either method may count it or not.
_AT_THE_START = 1e-9


def stored_section(granularity: StoredGranularity) -> Section:
    """The section as the store says it.

    Raises: RequestError where it is none.
    """
    said = granularity.attributes.get(layout.SECTION, {})
    return read_section({key: value for key, value in said.items() if key in KEYS} if isinstance(said, dict) else said)


def spacing_text(granularity: StoredGranularity) -> str:
    """Where samples lie, in the middle of a sentence."""
    if granularity.drawn is not None:
        return granularity.drawn.text
    return f"at {stored_section(granularity).text}" if granularity.is_irregular else f"{granularity.dt:g} apart"


def crossing_times(subject: Subject, stored: StoredSystem, granularity: StoredGranularity) -> Check:
    """Times are numbers above zero that increase along each trajectory."""
    time, shape = granularity.time, granularity.state.shape[:2]
    if time.dtype != np.float64 or time.shape != shape:
        return subject.failed(f"time is {time.dtype} {time.shape}, expected float64 {shape}")
    steps = np.diff(time, axis=1, prepend=0.0)
    wrong = np.flatnonzero(stored.good & ~(steps > 0.0).all(axis=1))
    message = "times increase from crossing to crossing"
    if len(wrong):
        row = int(wrong[0])
        message = (
            f"{len(wrong)} trajectories have times that do not increase, trajectory {row} at sample {int(np.argmin(steps[row] > 0.0))}"
        )
    return subject.measured(float(len(wrong)), 0.0, message)


def on_section(evidence: Evidence) -> list[Check]:
    """The section's function at each stored state, in units of what rounding the state changes, and the way that it goes."""
    stored, granularity = evidence.stored, evidence.granularity
    subject = evidence.subject()
    way = replace(subject, name="direction")
    section = stored_section(granularity)
    found = cut(stored.system, section)
    if found.extremum and any(node.op in _CORNERS for node in stored.system.definition.graph.nodes):
        why = "not asked of an extremum of a system with switches, at which a derivative may jump over zero"
        return [subject.passed(why), way.passed(why)]
    worst, where, wrong = 0.0, (0, 0), 0
    for rows in granularity.shards():
        good = np.arange(rows.start, rows.stop)[stored.good[rows]]
        if not len(good):
            continue
        ratio, against = _ratios(stored, granularity, found, good)
        wrong += int(against.sum())
        row, sample = np.unravel_index(int(np.argmax(ratio)), ratio.shape)
        if not ratio[row, sample] <= worst:
            worst, where = float(ratio[row, sample]), (int(good[row]), int(sample))
    message = f"every sample lies on {section.text}, to rounding; worst is trajectory {where[0]} at sample {where[1]}"
    if not worst <= 1.0:
        message = f"trajectory {where[0]} is not on {section.text} at sample {where[1]}"
    goes = f"{wrong} crossings go the other way" if wrong else "every crossing goes the section's way"
    return [subject.measured(worst, 1.0, message), way.measured(float(wrong), 0.0, goes)]


def _ratios(
    stored: StoredSystem, granularity: StoredGranularity, found: Cut, rows: npt.NDArray[np.intp]
) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """(trajectory, time): the function over its limit; whether it goes the other way by more than rounding."""
    states = np.stack([granularity.read(int(row)) for row in rows])
    samples, dtype = states.shape[1], states.dtype
    times = granularity.time[rows]
    values = evaluate(
        found.definition.graph,
        found.definition.roots[1:],
        states.reshape(-1, states.shape[2]).astype(np.float64),
        np.repeat(stored.parameters[rows], samples, axis=0),
        (stored.start_time[rows, None] + times).ravel(),
    )
    function, rate, sensitivity = (values[:, column].reshape(len(rows), samples) for column in range(3))
    between = (times[:, -1] / samples)[:, None]
    moved = np.abs(rate) * between
    limit = (np.finfo(dtype).eps + _ROUNDINGS * _EPSILON) * (sensitivity + np.abs(function)) + _ROUNDINGS * _EPSILON * moved
    ratio = np.abs(function) / np.maximum(limit, np.finfo(np.float64).tiny)
    rounding = 1e3 * np.finfo(dtype).eps * float(np.median(moved))
    against = found.sign * rate * between < -rounding
    return np.where(np.isfinite(ratio), ratio, np.inf), against


def check_crossings(stored: StoredSystem, granularity: StoredGranularity, problems: dict[int, Problem], *, longest: float) -> Check:
    """SciPy finds the same crossings of some trajectories at the same times.

    Args:
        problems: by trajectory. longest: until when they are followed.
    """
    subject = Subject("crossings", "truth", stored.name, granularity.name)
    found = cut(stored.system, stored_section(granularity))
    worst, compared = 0.0, 0
    for row, problem in problems.items():
        times = granularity.time[row]
        between = float(times[-1] / len(times))
        end = min(longest, float(times[-1]) + 0.25 * float(times[-1] - times[-2] if len(times) > 1 else times[-1]))
        events = _events(problem, found, end)
        own, other = (values[values > _AT_THE_START * between] for values in (times[times <= end], events))
        # one that lies at the very end may fall on either side of it
        own, other = (values[values < end - _OFF * between] for values in (own, other[: len(times)]))
        if len(own) != len(other):
            message = f"trajectory {row} has {len(own)} crossings until {end:.4g}, {problem.method} finds {len(other)}"
            return subject.failed(message)
        compared += len(own)
        if len(own):
            worst = max(worst, float(np.abs(own - other).max()) / between)
    if not compared:
        return subject.not_enough(
            "no crossing lies within half of the horizon of predictability", "a section that is crossed at least once in that time"
        )
    message = f"{compared} crossings of {len(problems)} trajectories found again; worst is off by {worst:.2g} of the time between two"
    return subject.measured(worst, _OFF, message)


def _events(problem: Problem, found: Cut, end: float) -> FloatArray:
    """The times of the crossings in (0, end] by SciPy."""
    right_hand_side = scalar_function(problem.definition, problem.parameters.tolist())
    functions = scalar_function(found.definition, problem.parameters.tolist())

    def rates(t: float, state: FloatArray) -> list[float]:
        return right_hand_side(problem.start_time + t, state.tolist())

    def event(t: float, state: FloatArray) -> float:
        return functions(problem.start_time + t, state.tolist())[1]

    event.direction = found.sign  # type: ignore[attr-defined]  # how SciPy is told which way
    tolerance = 1e-12 if problem.stiff else 1e-13
    with np.errstate(all="ignore"):
        solution = solve_ivp(
            rates, (0.0, end), problem.initial, method=problem.method, rtol=tolerance, atol=tolerance * problem.scale, events=event
        )
    return np.asarray(solution.t_events[0], dtype=np.float64)


RULES = (
    Rule(
        "on_section",
        "numbers",
        "granularity",
        promise="Every crossing lies on its section and goes through it the way that was asked for.",
        advice="The states were altered, or were made with another section or other equations: generate the store again.",
        run=on_section,
        needs="a granularity that is a section",
        applies=lambda evidence: evidence.granularity.is_section,
    ),
)
