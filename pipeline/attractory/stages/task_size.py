"""How many trajectories a shard should have, so that a task is neither too short for a scheduler nor too long to lose.

A task makes whole shards, and `shard_trajectories` decides which files a store has. So a rate that was measured on one machine must not
choose it: it is said before a run, and whoever writes the recipe decides. What a task takes in memory is refused where it is too much."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

# Below, what a scheduler and a file system do for each task is a part of the time that shows; above, much is lost with a worker.
SHORTEST, LONGEST = 0.3, 60.0  # seconds
# So few tasks cost a scheduler less than a worker's start, however short they are.
FEW = 100


@dataclass(frozen=True)
class Cost:
    """Of one system: its trajectories; seconds and bytes of one of them."""

    trajectories: int
    seconds: float
    bytes: float


def better_shards(costs: Sequence[Cost], now: int, *, most_bytes: int) -> int | None:
    """The `shard_trajectories` with which tasks last as long as they should; None where they do, or where no other number is better."""
    most = max(1, min(_fitting(cost, most_bytes) for cost in costs))
    if now > most and _longest(costs, now) > LONGEST:
        return int(most)
    tasks = _tasks(costs, now)
    mean = sum(cost.trajectories * cost.seconds for cost in costs) / tasks
    if tasks < FEW or mean >= SHORTEST:
        return None
    wanted = int(min(math.ceil(now * SHORTEST / max(mean, 1e-9)), most, max(cost.trajectories for cost in costs)))
    return wanted if wanted > now else None


def _fitting(cost: Cost, most_bytes: int) -> float:
    """The most trajectories of a task that is short and small enough; infinity where all of the system together are."""
    most = min(LONGEST / cost.seconds if cost.seconds > 0 else math.inf, most_bytes / cost.bytes)
    return math.inf if most >= cost.trajectories else math.floor(most)


def _longest(costs: Sequence[Cost], shard: int) -> float:
    return max(cost.seconds * min(shard, cost.trajectories) for cost in costs)


def _tasks(costs: Sequence[Cost], shard: int) -> int:
    return sum(math.ceil(cost.trajectories / shard) for cost in costs)
