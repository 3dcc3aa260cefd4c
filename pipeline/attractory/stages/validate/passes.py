"""One pass over stored states, piece by piece in bounded memory: the summary, and what each rule gathers of each piece."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from attractory.errors import AttractoryError, DamageError, InterruptedRunError
from attractory.stages.validate.report import Check, Subject
from attractory.stages.validate.rule import Rule, Settings, ShardStates, sampled_trajectories
from attractory.stages.validate.stored import StoredGranularity, StoredSystem
from attractory.stages.validate.summary import Summary, joined, summary_of, unread

# Decoded states that are in memory at once: a large shard is read in parts.
PIECE_BYTES = 64 * 2**20
# Pieces of one task: opening a system's group costs some ten milliseconds, so a task does a gigabyte.
PIECES_PER_TASK = 16


@dataclass(frozen=True)
class Found:
    """What one pass gave of some pieces of a granularity: their summary, what each rule gathered (by key, a piece each), and the rules that
    broke over it (by key, their verdicts)."""

    summary: Summary
    gathered: Mapping[str, Sequence[Any]]
    broken: Mapping[str, Check]


def pieces_of(granularity: StoredGranularity) -> Iterator[slice]:
    """The trajectories of each piece: a shard, or a part of one that would not fit. They depend on shapes alone."""
    _, samples, variables = granularity.state.shape
    most = max(1, PIECE_BYTES // max(1, samples * variables * granularity.state.dtype.itemsize))
    for shard in granularity.shards():
        for first in range(shard.start, shard.stop, most):
            yield slice(first, min(first + most, shard.stop))


def tasks_of(granularity: StoredGranularity) -> list[tuple[slice, ...]]:
    """The pieces, in batches that are worth a task of their own."""
    pieces = tuple(pieces_of(granularity))
    return [pieces[first : first + PIECES_PER_TASK] for first in range(0, len(pieces), PIECES_PER_TASK)]


def rows_to_read(stored: StoredSystem, settings: Settings) -> npt.NDArray[np.bool_]:
    """(trajectory,): which are read in the pass: every one, or those that were asked for."""
    chosen = np.ones(stored.trajectories, dtype=bool)
    if isinstance(settings.trajectories, int):
        chosen[:] = False
        chosen[sampled_trajectories(stored, seed=settings.seed, look=settings.trajectories)] = True
    return chosen


def look(
    stored: StoredSystem, granularity: StoredGranularity, pieces: Sequence[slice], *, rules: Sequence[Rule], settings: Settings
) -> Found:
    """Reads the pieces once, and gives what the summary and the rules take from them. A piece that cannot be decoded is damage."""
    chosen = rows_to_read(stored, settings)
    summaries: list[Summary] = []
    gathered: dict[str, list[Any]] = {rule.key: [] for rule in rules}
    broken: dict[str, Check] = {}
    for piece in pieces:
        rows = np.arange(piece.start, piece.stop)[chosen[piece]]
        if not len(rows):
            summaries.append(unread(piece.stop - piece.start, stored.system.dimension))
            continue
        try:
            states = granularity.read(piece)
        except DamageError as error:
            summaries.append(unread(piece.stop - piece.start, stored.system.dimension, damage=str(error)))
            continue
        summaries.append(summary_of(states, chosen[piece]))
        shard = ShardStates(stored, granularity, rows, states if len(rows) == len(states) else states[chosen[piece]])
        for rule in rules:
            if rule.gather is not None and rule.key not in broken:
                _gather(rule, shard, gathered[rule.key], broken)
    return Found(joined(summaries), gathered, broken)


def united(parts: Sequence[Found]) -> Found:
    """One of many, in the order of the pieces."""
    keys = parts[0].gathered
    return Found(
        joined([part.summary for part in parts]),
        {key: [item for part in parts for item in part.gathered[key]] for key in keys},
        {key: check for part in reversed(parts) for key, check in part.broken.items()},
    )


def _gather(rule: Rule, shard: ShardStates, into: list[Any], broken: dict[str, Check]) -> None:
    """What the rule takes from one shard; where it breaks, its verdict."""
    try:
        with np.errstate(all="ignore"):
            into.append(rule.gather(shard) if rule.gather is not None else None)
    except InterruptedRunError:
        raise  # a server that does not answer says nothing about the store
    except Exception as error:  # noqa: BLE001  # whatever it is, the referee must go on, and must not say "pass"
        broken[rule.key] = verdict_of_error(Subject(rule.name, rule.group, shard.stored.name, shard.granularity.name), rule, error)


def verdict_of_error(subject: Subject, rule: Rule, error: Exception) -> Check:
    """A mistake that the data made is a failure; any other is one of the rule, and neither a failure nor a pass."""
    return rule.told(subject.failed(str(error)) if isinstance(error, AttractoryError) else subject.broke(error, rule.source))
