"""Checks of how errors grow, of the transient, and of the symmetries: what the stored states say of the dynamics as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from attractory.errors import DamageError
from attractory.expressions.circles import difference
from attractory.integrate.starts import start_state
from attractory.stages.validate.extrapolation import Stretches, ends, off
from attractory.stages.validate.report import Check
from attractory.stages.validate.rule import Evidence, Rule
from attractory.stages.validate.stored import FloatArray, StoredGranularity
from attractory.stages.validate.truth import is_stiff, scale_of

# An error is followed from so many roundings to this part of the spread.
_FROM_ROUNDINGS, _UNTIL = 30.0, 1e-2
# Starts of each trajectory, and samples that each is followed for at most.
_STARTS, _LONGEST = 4, 600
# Growths of an error that are needed, each over several e-foldings.
_FEWEST, _FEWEST_FOLDS = 6, 3.0
# How far the rate may be off: standard errors, and a part of the exponent, since few stretches are no long-time mean.
_STANDARD_ERRORS, _PART = 5.0, 0.25
# A start that lies this near to sample 0, in units of the spread, is sample 0: no transient was run.
_SAME = 1e-6
_FOLLOWED, _STRETCHES_PER_PERIOD, _OFFSET, _DRAWS = 16, 4, 1e-12, 8
# How much an error grows in the transient is seen of one direction alone, and each step adds its own: a thousand times the twin's distance
# may be expected, and this part of the spread in any case. Where more than the second part is expected, nothing can be foretold.
_LED, _DOUBT, _TELLS = 1e-2, 1000.0, 0.3
# Draws that are followed: a trajectory that failed was drawn again, which is rare.
_DRAWS_FOLLOWED = 3
# Of extrapolation between two samples, or in a quarter of a period: a system that needs more is stiff, and would cost too much here.
_MOST_STEPS = 8
_SYMMETRIC, _NUDGE = 1e-5, 1e-5


def error_growth(evidence: Evidence) -> Check:
    """From stored states on, the equations leave the stored trajectory as fast as the leading exponent says."""
    exponent = 1.0 / (evidence.stored.system.lyapunov_time or np.inf)
    granularity = _widest(evidence)
    if granularity is None:
        return evidence.not_enough("no granularity has regular samples of a flow or a map", "one that has")
    growths = list(_growths(evidence, granularity))
    if len(growths) < _FEWEST:
        return evidence.not_enough(
            f"{len(growths)} errors grew from rounding to {_UNTIL:g} of the spread within the samples",
            f"{_FEWEST} of them: trajectories of some {np.log(_UNTIL / 1e-6) / exponent:.4g} time units",
        )
    folds, spans = np.array(growths).T
    rate = float(folds.sum() / spans.sum())
    left_out = (folds.sum() - folds) / (spans.sum() - spans)
    error = float(np.sqrt((len(folds) - 1) * np.mean((left_out - left_out.mean()) ** 2)))
    limit = _STANDARD_ERRORS * error + _PART * exponent
    message = f"{len(folds)} errors grow at a rate of {rate:.4g} ± {error:.2g}, the entry's leading exponent is {exponent:.4g}"
    return evidence.measured(abs(rate - exponent), limit, message)


def _widest(evidence: Evidence) -> StoredGranularity | None:
    """The regular granularity whose samples lie furthest apart: the same stretch takes the fewest steps."""
    regular = [one for one in evidence.stored.granularities if not one.is_irregular]
    return max(regular, key=lambda one: one.dt, default=None)


def _growths(evidence: Evidence, granularity: StoredGranularity) -> Iterator[tuple[float, float]]:
    """(e-foldings, time) of each error that was followed."""
    stored, samples = evidence.stored, granularity.samples
    scale = scale_of(stored, evidence.summaries)
    rows: list[int] = []
    firsts: list[int] = []
    states: list[FloatArray] = []
    for row in evidence.sampled().tolist():
        try:
            whole = granularity.read(row).astype(np.float64)
        except DamageError:  # the rule `finite` tells of it
            continue
        for first in np.linspace(0, samples / 2, _STARTS, endpoint=False).astype(int):
            rows.append(row)
            firsts.append(int(first))
            states.append(whole)
    if not rows:
        return
    start = np.array(firsts)
    now = np.array([whole[first] for whole, first in zip(states, firsts, strict=True)])
    rounding = 0.5 * float(np.finfo(granularity.state.dtype).eps) * (np.abs(now) / scale).max(axis=1)
    begun: dict[int, tuple[int, float]] = {}
    for step in range(min(_LONGEST, samples - 1 - int(start.max(initial=0)))):
        times = stored.start_time[rows] + granularity.dt * (start + step)
        stretches = Stretches(stored.system.definition, now, stored.parameters[rows], times, np.full(len(rows), granularity.dt), scale)
        now = ends(stretches, most_steps=_MOST_STEPS)
        there = np.array([whole[first + step + 1] for whole, first in zip(states, firsts, strict=True)])
        with np.errstate(all="ignore"):
            apart = off(stretches, there, now)
        for place, distance in enumerate(apart.tolist()):
            if place not in begun and distance > _FROM_ROUNDINGS * rounding[place]:
                begun[place] = (step, distance)
            elif place in begun and distance > _UNTIL:
                since, first_distance = begun[place]
                folds = float(np.log(distance / first_distance))
                if folds >= _FEWEST_FOLDS and step > since:
                    yield folds, (step - since) * granularity.dt
                rows[place] = -1
        alive = [place for place, row in enumerate(rows) if row >= 0 and np.isfinite(now[place]).all()]
        begun = {new: begun[old] for new, old in enumerate(alive) if old in begun}
        rows, firsts, states = [rows[at] for at in alive], [firsts[at] for at in alive], [states[at] for at in alive]
        start, now, rounding = start[alive], now[alive], rounding[alive]
        if not rows:
            return


def transient(evidence: Evidence) -> Check:
    """Sample 0 is where the transient leads from the start that each trajectory's number draws, as far as that can be foretold."""
    stored = evidence.stored
    asked = _asked_transient(evidence)
    wrong = stored.good & (np.abs(stored.start_time - asked) > 1e-9 * max(asked, 1.0)) if asked is not None else np.zeros(0, dtype=bool)
    different = np.flatnonzero(wrong)
    if len(different):
        row = int(different[0])
        return evidence.failed(
            f"{len(different)} trajectories begin after another transient than the recipe asks for, first trajectory {row}: "
            f"{stored.start_time[row]:.6g}, expected {asked:.6g}"
        )
    if not (stored.start_time > 0.0).any():
        return evidence.passed("the recipe asks for no transient")
    scale = scale_of(stored, evidence.summaries)
    rows = np.flatnonzero(stored.good)
    at_start = [int(row) for row in rows if _is_a_start(evidence, int(row), scale)]
    if at_start:
        message = f"{len(at_start)} trajectories begin where they were drawn, first trajectory {at_start[0]}: their transient is left in"
        return evidence.failed(message)
    if stored.record.kind != "flow" or is_stiff(stored) or not stored.system.period:
        return evidence.passed("no trajectory begins where it was drawn")
    return _followed(evidence, scale)


def _asked_transient(evidence: Evidence) -> float | None:
    """In the system's own time; None where the store does not say."""
    asked = evidence.dataset.recipe.get("transient")
    if not isinstance(asked, dict):
        return None
    if evidence.stored.record.kind == "map":
        return float(asked.get("iterates", 1000))
    return float(asked.get("periods", 20.0)) * (evidence.stored.system.period or 0.0)


def _start(evidence: Evidence, row: int, attempt: int) -> FloatArray:
    stored = evidence.stored
    return start_state(stored.system, stored.start_box, seed=evidence.recipe_seed, trajectory=row, attempt=attempt)


def _is_a_start(evidence: Evidence, row: int, scale: FloatArray) -> bool:
    near = (np.abs(_start(evidence, row, attempt) - evidence.stored.initial[row]) / scale for attempt in range(_DRAWS))
    return any(float(distance.max()) < _SAME for distance in near)


def _followed(evidence: Evidence, scale: FloatArray) -> Check:
    """The transient of some trajectories of each split, run again."""
    stored = evidence.stored
    rows = evidence.sampled(_FOLLOWED)
    nearest = np.full(len(rows), np.inf)
    # Those whose first draw can be followed to the end of the transient: it did not fail there, and is hardly ever drawn again.
    judged = np.ones(len(rows), dtype=bool)
    for attempt in range(_DRAWS_FOLLOWED):
        left = np.flatnonzero(judged & (nearest > _LED))
        if not len(left):
            break
        starts = np.array([_start(evidence, int(row), attempt) for row in rows[left]])
        reached, parted = _run(evidence, rows[left], starts, scale)
        error = (np.abs(difference(reached, stored.initial[rows[left]], stored.system.definition.wrap)) / scale).max(axis=1)
        told = _DOUBT * _OFFSET * parted < _TELLS
        expected = np.maximum(_DOUBT * _OFFSET * parted[told] / _LED, 1.0)
        nearest[left[told]] = np.minimum(nearest[left[told]], error[told] / expected)
        if attempt == 0:
            judged[left[~told]] = False
    if not judged.any():
        return evidence.not_enough("the transient cannot be foretold: an error grows too much in it", "a shorter transient, or less chaos")
    worst = int(np.argmax(np.where(judged, nearest, -1.0)))
    message = f"the transients of {int(judged.sum())} trajectories, run again from where they were drawn, lead to sample 0"
    if nearest[worst] > _LED:
        off_by = f"{nearest[worst] / _LED:.2g} times what errors grow to"
        message = f"no draw of trajectory {rows[worst]} leads to its sample 0 in the stated transient: off by {off_by}"
    return evidence.measured(float(nearest[worst]), _LED, message)


def _run(evidence: Evidence, rows: npt.NDArray[np.intp], starts: FloatArray, scale: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(states after the transient, by how much an error has grown in it)."""
    stored, period = evidence.stored, evidence.stored.system.period or 1.0
    duration = float(np.median(stored.start_time))
    count = max(1, int(np.ceil(duration / period * _STRETCHES_PER_PERIOD)))
    states = np.concatenate([starts, starts + _OFFSET * scale])
    parameters = np.concatenate([stored.parameters[rows], stored.parameters[rows]])
    spans = np.full(len(states), duration / count)
    parted = np.zeros(len(rows))
    for number in range(count):
        times = np.full(len(states), duration * (number / count))
        states = ends(Stretches(stored.system.definition, states, parameters, times, spans, scale), most_steps=_MOST_STEPS)
        distance = (np.abs(states[len(rows) :] - states[: len(rows)]) / scale).max(axis=1) / _OFFSET
        parted = np.where(np.isfinite(distance), np.maximum(parted, distance), np.inf)
        if (_DOUBT * _OFFSET * parted > _TELLS).all():
            break  # nothing can be foretold any more
    return states[: len(rows)], parted


def symmetries(evidence: Evidence) -> list[Check]:
    """At stored states the equations have the symmetries that the entry states."""
    stored = evidence.stored
    rows = np.flatnonzero(stored.good)[:64]
    states, parameters, times = stored.initial[rows], stored.parameters[rows], stored.start_time[rows]
    scale = scale_of(stored, evidence.summaries)
    stretches = Stretches(stored.system.definition, states, parameters, times, np.ones(len(rows)), scale)
    rates = stretches.rates(states, times)
    images = stored.system.symmetry_images(states, times)
    checks = []
    for number, image in enumerate(images):
        at_image = stretches.rates(image, times)
        carried = _carried(evidence, number, (states, rates, times), scale)
        size = np.maximum(np.abs(at_image) + np.abs(carried), 1e-300).max(axis=1)
        apart = replace(stretches, scale=np.ones_like(scale))
        error = off(apart, at_image, carried) if stored.record.kind == "map" else np.abs(at_image - carried).max(axis=1)
        worst = int(np.argmax(error / size))
        message = f"symmetry {number} holds at {len(rows)} stored states"
        if error[worst] > _SYMMETRIC * size[worst]:
            message = f"symmetry {number} does not hold at sample 0 of trajectory {rows[worst]}: the equations at its image are others"
        checks.append(evidence.subject(str(number)).measured(float((error / size)[worst]), _SYMMETRIC, message))
    return checks


def _carried(evidence: Evidence, number: int, at: tuple[FloatArray, FloatArray, FloatArray], scale: FloatArray) -> FloatArray:
    """What the symmetry makes of the equations' value: the image of a map's next state, or of a flow's direction."""
    (states, rates, times), system = at, evidence.stored.system
    if evidence.stored.record.kind == "map":
        return system.symmetry_images(rates, times)[number]
    step = _NUDGE * float(np.min(scale)) / max(float(np.abs(rates).max()), 1e-300)
    ahead, behind = (system.symmetry_images(states + sign * step * rates, times)[number] for sign in (1.0, -1.0))
    moved: FloatArray = (ahead - behind) / (2.0 * step)
    return moved


RULES = (
    Rule(
        "error_growth",
        "truth",
        "system",
        promise="Errors grow along the stored trajectories as fast as the leading exponent says.",
        advice="The samples are of other equations, or the entry's exponent is not theirs: see one_step and leading_exponent.",
        run=error_growth,
        needs="a flow or a map with an annotated positive exponent, without drawn parameters",
        applies=lambda evidence: (
            evidence.stored.record.kind != "delay"
            and evidence.stored.family is None
            and evidence.stored.system.lyapunov_time is not None
            and not is_stiff(evidence.stored)
        ),
    ),
    Rule(
        "transient",
        "truth",
        "system",
        promise="Sample 0 comes after the transient that the recipe asks for.",
        advice="The transient is left in, or is another one: generate the store again from its recipe.",
        run=transient,
        needs="a flow or a map",
        applies=lambda evidence: evidence.stored.record.kind != "delay",
    ),
    Rule(
        "symmetry",
        "truth",
        "system",
        promise="The equations have the symmetries that the entry states, at stored states.",
        advice="Correct the entry's `symmetries`, or its equations.",
        run=symmetries,
        needs="an entry with `symmetries`, not a delay system, without drawn parameters",
        applies=lambda evidence: (
            bool(evidence.stored.record.symmetries) and evidence.stored.record.kind != "delay" and evidence.stored.family is None
        ),
    ),
)
