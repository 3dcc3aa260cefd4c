"""Rule: each trajectory is the one that its number draws, and lies in the split that the recipe gives that number."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from attractory import __version__, layout
from attractory.integrate import BlockSettings, SampleGrid, Trajectories, integrate_block
from attractory.stages.validate.chosen import IntArray, chosen_rows
from attractory.stages.validate.families import family_of_store
from attractory.stages.validate.fresh import transient_of
from attractory.stages.validate.report import Check
from attractory.stages.validate.rule import Evidence, Rule
from attractory.stages.validate.stored import FloatArray, StoredSystem

_MOST = 512  # drawn again, unless every one is asked for
# Of those that differ, so many are made with all their samples at once, and so many numbers.
_TOGETHER, _NUMBERS = 32, 6_000_000


def check_drawn(evidence: Evidence) -> Iterator[Check]:
    """Two verdicts of one system."""
    yield _splits(evidence)
    yield _numbers(evidence)


def _splits(evidence: Evidence) -> Check:
    """Splits as the recipe counts them: train first, then validation, then test."""
    stored, subject = evidence.stored, evidence.subject("splits")
    expected = expected_splits(evidence)
    if expected is None:
        return subject.passed("not asked: the recipe in the store does not count trajectories")
    if len(expected) != stored.trajectories:
        return subject.failed(f"{stored.trajectories} trajectories are stored, the recipe asks for {len(expected)}")
    wrong = np.flatnonzero(stored.split != expected)
    message = f"each of {stored.trajectories} trajectories is in the split of its number"
    if len(wrong):
        row = int(wrong[0])
        belongs = layout.SPLITS[int(expected[row])]
        message = f"trajectory {row} is in {_split(stored, row)}, its number belongs to {belongs}; {len(wrong)} such trajectories"
    return subject.measured(float(len(wrong)), 0.0, message)


def expected_splits(evidence: Evidence) -> IntArray | None:
    """(trajectory,) codes; None where the recipe does not say."""
    recipe, name = evidence.dataset.recipe, evidence.stored.name
    asked = recipe.get("trajectories")
    if not isinstance(asked, dict):
        return None
    counts = [int(asked.get(split, 0)) for split in layout.SPLITS]
    for code, split in enumerate(layout.SPLITS):
        if name in (recipe.get("held_out") or {}).get(split, ()):
            return np.full(sum(counts), code, np.int64)
    return np.repeat(np.arange(len(counts)), counts)


def _numbers(evidence: Evidence) -> Check:
    """The state after the transient, to the last bit."""
    stored, subject = evidence.stored, evidence.subject("numbers")
    most = stored.trajectories if evidence.settings.trajectories == "all" else _MOST
    rows = chosen_rows(stored, most=most)
    if not len(rows):
        return subject.not_enough("no trajectory reached its last sample", "1 trajectory")
    made = _made(evidence, rows, samples=1)
    same = _same(stored, rows, made)
    wrong, ours = _surely(evidence, rows[~same]), str(evidence.dataset.attributes.get(layout.VERSIONS, {}).get("attractory")) == __version__
    if not same.any() and not ours:
        return subject.not_enough("another version of the program made these, and its draws are others", "its own version")
    message = f"{len(rows)} trajectories are those that their numbers draw"
    if len(wrong):
        row = int(wrong[0])
        message = f"trajectory {row} does not begin where number {row} of seed {evidence.recipe_seed} does; {len(wrong)} such trajectories"
        message += _whose(stored, made.initial, rows, row)
    return subject.measured(float(len(wrong)), 0.0, message)


def _made(evidence: Evidence, rows: IntArray, *, samples: int | None) -> Trajectories:
    """The trajectories of these numbers, with so many samples of each granularity, or all of them."""
    stored = evidence.stored
    grids = [SampleGrid(one.dt, samples or one.samples) for one in stored.granularities]
    return integrate_block(stored.system, indices=rows.tolist(), grids=grids, settings=_settings(evidence, stored))


def _same(stored: StoredSystem, rows: IntArray, made: Trajectories) -> npt.NDArray[np.bool_]:
    """(row,) whether the state after the transient and its time are those that are stored."""
    return np.asarray((made.initial == stored.initial[rows]).all(axis=1) & (made.start_time == stored.start_time[rows]))


def _surely(evidence: Evidence, rows: IntArray) -> IntArray:
    """Those of the rows that differ when their samples are made too: a trajectory that is lost on its way was drawn again. It ends with the
    first few that do."""
    stored = evidence.stored
    each = sum(one.samples for one in stored.granularities) * stored.system.dimension
    count = max(1, min(_TOGETHER, _NUMBERS // each))
    for first in range(0, len(rows), count):
        part = rows[first : first + count]
        wrong = part[~_same(stored, part, _made(evidence, part, samples=None))]
        if len(wrong):
            return wrong
    return rows[:0]


def _whose(stored: StoredSystem, drawn: FloatArray, rows: IntArray, row: int) -> str:
    """Which number's trajectory it is, where it is another's."""
    owners = rows[(drawn == stored.initial[row]).all(axis=1)]
    if not len(owners):
        return ""
    owner = int(owners[0])
    return f"; it is that of number {owner} ({_split(stored, owner)})"


def _split(stored: StoredSystem, row: int) -> str:
    code = int(stored.split[row])
    return layout.SPLITS[code] if 0 <= code < len(layout.SPLITS) else f"split {code}"


def _settings(evidence: Evidence, stored: StoredSystem) -> BlockSettings:
    recipe = evidence.dataset.recipe
    family = None if stored.family is None else family_of_store(stored.family, stored.system.record.parameters)
    return BlockSettings(
        seed=evidence.recipe_seed,
        transient=transient_of(evidence.dataset, stored),
        tolerance=float(recipe.get("tolerance", 1e-14)),
        dtype="float64",
        family=family,
        box=stored.start_box,
    )


RULES = (
    Rule(
        name="as_drawn",
        group="splits",
        scope="system",
        promise="Every trajectory is the one that the recipe's seed and its number draw, in the split of that number.",
        advice="Generate the system again: trajectories have been exchanged, or begin at another time than the recipe says.",
        run=check_drawn,
        needs="samples at regular times",
        applies=lambda evidence: not any(one.is_irregular for one in evidence.stored.granularities),
    ),
)
