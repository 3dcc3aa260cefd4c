"""Checks of how many digits the stored numbers have: no fewer than their type, and enough for the variable that they are of."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from attractory.stages.validate.report import Check
from attractory.stages.validate.rule import Evidence, Rule, ShardStates
from attractory.stages.validate.stored import FloatArray

_MANTISSA = {"float32": 23, "float64": 52}
_KNOWN = {10: "float16", 7: "bfloat16", 23: "float32"}
# Bits that no sample has set: of n random samples one bit is never set with a chance of 2^-n, so four never are where there are some.
_LOST_BITS = 3.0
_FEWEST = 16
# Roundings of a decimal number about a whole multiple of 10^-d, and digits tried.
_ROUNDINGS, _DECIMALS = 2.0, 6
# Half a rounding of the largest value, as part of the spread: beyond, storage is noise that a model can see.
_STORAGE_NOISE = 1e-3


def some_samples(shard: ShardStates) -> npt.NDArray[np.floating]:
    """(sample, variable): one sample of the middle and the last one of each whole trajectory, as stored."""
    kept = shard.states[shard.stored.good[shard.rows]]
    return np.concatenate([kept[:, kept.shape[1] // 2], kept[:, -1]])


def significant_bits(evidence: Evidence) -> Check:
    """Every bit of the type is in use; and no decimal rounding shows."""
    stored, granularity, summary = evidence.stored, evidence.granularity, evidence.summary
    mantissa = _MANTISSA[str(granularity.state.dtype)]
    rows = np.flatnonzero(stored.good & summary.readable & (summary.finite == granularity.samples))
    moving = (summary.variance[rows] > 0.0).any(axis=0) if len(rows) else np.zeros(stored.system.dimension, dtype=bool)
    if not moving.any() or len(rows) * granularity.samples < _FEWEST:
        return evidence.not_enough("too few numbers to tell their digits", f"{_FEWEST} samples of a variable that moves")
    start = _words(stored.initial[rows], str(granularity.state.dtype))
    lost = [
        _zeros(np.bitwise_or.reduce(summary.bits[rows, place]), mantissa) - _zeros(np.bitwise_or.reduce(start[:, place]), mantissa)
        for place in np.flatnonzero(moving)
    ]
    names = [stored.system.variables[place] for place in np.flatnonzero(moving)]
    worst = int(np.argmax(lost))
    message = f"every bit of {granularity.state.dtype} is in use"
    if lost[worst] > _LOST_BITS:
        kept = mantissa - lost[worst]
        message = f"{names[worst]} has {kept + 1} significant bits, {granularity.state.dtype} has {mantissa + 1}"
        message += f": it was rounded to {_KNOWN[kept]}" if kept in _KNOWN else ""
    else:
        decimals = _decimals(evidence, np.flatnonzero(moving))
        if decimals is not None:
            name, digits = decimals
            return evidence.measured(_LOST_BITS + 1.0, _LOST_BITS, f"every {name} is a whole multiple of 1e-{digits}: it was rounded")
    return evidence.measured(float(max(lost[worst], 0)), _LOST_BITS, message)


def _decimals(evidence: Evidence, places: npt.NDArray[np.intp]) -> tuple[str, int] | None:
    """A variable that was rounded to so many decimals, where its type has more."""
    samples = np.concatenate([np.asarray(part) for part in evidence.shards])
    eps = float(np.finfo(evidence.granularity.state.dtype).eps)
    for place in places:
        values = samples[:, place].astype(np.float64)
        for digits in range(_DECIMALS + 1):
            scaled = values * 10.0**digits
            room = _ROUNDINGS * eps * np.abs(scaled)
            if not len(values) or room.max() > 0.02:
                break  # the type itself has no more decimals than that
            if len(values) >= _FEWEST and (np.abs(scaled - np.round(scaled)) <= room).all() and not _rounds(evidence, int(place), digits):
                return evidence.stored.system.variables[place], digits
    return None


def _rounds(evidence: Evidence, place: int, digits: int) -> bool:
    """Whether the initial states have no more decimals: then the system has none."""
    scaled = evidence.stored.initial[evidence.stored.good, place] * 10.0**digits
    return bool((scaled == np.round(scaled)).all())


def _words(states: FloatArray, dtype: str) -> npt.NDArray[np.uint64]:
    with np.errstate(over="ignore"):
        return states.astype(dtype).view("uint32" if dtype == "float32" else "uint64").astype(np.uint64)


def _zeros(word: np.uint64, mantissa: int) -> int:
    """Trailing bits of the mantissa that are not set."""
    value = int(word) & ((1 << mantissa) - 1)
    return mantissa if value == 0 else (value & -value).bit_length() - 1


def storage_noise(evidence: Evidence) -> Check:
    """Half a unit in the last place of the largest value, against how far the variable moves."""
    stored, summary = evidence.stored, evidence.summary
    rows = np.flatnonzero(stored.good & summary.readable & (summary.finite > 1))
    if not len(rows):
        return evidence.not_enough("there is no trajectory to look at", "one whose status is OK and whose shard can be read")
    largest = np.median(np.maximum(np.abs(summary.lowest[rows]), np.abs(summary.highest[rows])), axis=0)
    noise = 0.5 * float(np.finfo(evidence.granularity.state.dtype).eps) * largest / summary.spread
    worst = int(np.argmax(noise))
    name = stored.system.variables[worst]
    message = f"rounding is at most {noise[worst]:.2g} of the spread, of {name}, whose largest value is {largest[worst]:.4g}"
    return evidence.measured(float(noise[worst]), evidence.limit, message)


RULES = (
    Rule(
        "significant_bits",
        "numbers",
        "granularity",
        promise="Stored numbers have all the digits of their type.",
        advice="Numbers went through a shorter type or were printed with few digits: generate the store again from its recipe.",
        run=significant_bits,
        gather=some_samples,
    ),
    Rule(
        "storage_noise",
        "numbers",
        "granularity",
        promise="The rounding of the stored type is small beside how far each variable moves.",
        advice="Ask for dtype: float64 in the recipe.",
        run=storage_noise,
        needs="a system that does not come to rest",
        applies=lambda evidence: not evidence.comes_to_rest,
        limit=_STORAGE_NOISE,
    ),
)
