"""Stored samples against the true solution: until when they agree, and whether they part as rounding errors do or far sooner."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from attractory.layout import CERTIFIED_TOLERANCE, Certificate
from attractory.stages.certify.reference import BITS, SURE, FloatArray, NoReferenceError, Problem, Reference, offset

# A trajectory is spoilt where errors of this many tolerances in every step would still be below the limit. The engine's own are a tenth
# of one; the rest is for what the twin cannot see, whose offset is one direction of many. At the default tolerance this speaks up to
# some 12 Lyapunov times, half of what a good trajectory reaches.
_MARGIN = 100.0
# The twin's distance passes near zero where both paths cross, which is no contraction.
_LEAST_PARTED = 1e-6


@dataclass(frozen=True)
class Samples:
    """One trajectory's stored samples at all granularities together: sample k has states[k] (variable,) at problem.times[places[k]]."""

    places: npt.NDArray[np.intp]
    states: FloatArray


@dataclass(frozen=True)
class Judgement:
    """What is known of one trajectory; `reason` is a sentence's end where there is no reference."""

    certificate: Certificate
    accurate_until: float = math.nan
    reason: str = ""


def judge(problem: Problem, samples: Samples, reference: Callable[[int], Reference], *, tolerance: float) -> Judgement:
    """The judgement of one trajectory, by a reference of as many bits as it takes.

    Args:
        reference: from a number of bits.
        tolerance: of the recipe.
    """
    found = Judgement(Certificate.NO_REFERENCE)
    for bits in BITS:
        try:
            found = _judged(problem, samples, reference(bits), bits=bits, tolerance=tolerance)
        except NoReferenceError as error:
            return Judgement(Certificate.NO_REFERENCE, reason=str(error))
        if found.certificate is not Certificate.AT_LEAST:
            break
    return found


def _judged(problem: Problem, samples: Samples, reference: Reference, *, bits: int, tolerance: float) -> Judgement:
    """The judgement by one reference; AT_LEAST where it gave out before the stored numbers did."""
    twin: list[FloatArray] = []
    done = steps = 0
    for stretch in reference.follow(problem):
        twin.append(stretch.twin)
        steps = stretch.steps
        unsure = _first(~(stretch.twin <= SURE))
        off = _first_off(problem, samples, stretch.states, done)
        if off is not None and (unsure is None or off < unsure):
            place = done + off
            early = place == 0 or _grown(np.concatenate(twin), bits, steps)[place] * _local(tolerance) < CERTIFIED_TOLERANCE
            return _until(problem, place, Certificate.SPOILT if early else Certificate.UNTIL)
        if unsure is not None:
            return _until(problem, done + unsure, Certificate.AT_LEAST)
        done += len(stretch.states)
    return _until(problem, done, Certificate.WHOLE)


def _first_off(problem: Problem, samples: Samples, truth: FloatArray, done: int) -> int | None:
    """The first place of a stretch with a sample that is off; places count from the stretch's beginning."""
    first, last = np.searchsorted(samples.places, [done, done + len(truth)])
    places = samples.places[first:last] - done
    off = _first(~(problem.distance(samples.states[first:last] - truth[places]) <= CERTIFIED_TOLERANCE))
    return None if off is None else int(places[off])


def _first(marked: npt.NDArray[np.bool_]) -> int | None:
    return int(np.argmax(marked)) if marked.any() else None


def _until(problem: Problem, place: int, certificate: Certificate) -> Judgement:
    """Everything before this place is right."""
    return Judgement(certificate, float(problem.times[place - 1]) if place else math.nan)


def _local(tolerance: float) -> float:
    """The largest error of one step that a good trajectory may have."""
    return _MARGIN * max(tolerance, float(np.finfo(np.float64).eps))


def _grown(twin: FloatArray, bits: int, steps: int) -> FloatArray:
    """(time,) what an error of 1 in every step has grown to: each from its own time on, as the twin's did."""
    parted = np.maximum(twin / offset(bits), _LEAST_PARTED)
    grown = np.maximum.accumulate(parted * np.cumsum(1.0 / parted))
    return np.asarray(grown * max(1.0, steps / len(twin)))
