"""Which systems, granularities and trajectories of a store are wanted. Pure arithmetic on its documents and small arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from attractory import layout
from attractory.errors import RequestError, nearest

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Wish:
    """What a person asks for; None is all of it."""

    systems: tuple[str, ...] | None = None
    granularities: tuple[str, ...] | None = None
    splits: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Selection:
    """Granularities by name, and of each system the numbers of its trajectories, ascending."""

    granularities: tuple[str, ...]
    rows: Mapping[str, Rows]


@dataclass(frozen=True)
class Sharded:
    """A sharded array of a store: its path, and how many of its trajectories a shard holds."""

    path: str
    trajectories: int
    per_shard: int

    def shards(self, rows: Rows) -> list[int]:
        """The shards that hold some trajectories."""
        return sorted({int(shard) for shard in np.unique(rows // self.per_shard)})

    def shard_path(self, shard: int, *, axes: int) -> str:
        return f"{self.path}/c/{shard}" + "/0" * (axes - 1)

    def whole(self, rows: Rows) -> int | None:
        """The shard that holds exactly these trajectories, so that its file can be taken as it is; None where there is none."""
        shard = int(rows[0]) // self.per_shard
        held = np.arange(shard * self.per_shard, min((shard + 1) * self.per_shard, self.trajectories))
        return shard if np.array_equal(rows, held) else None


def members_of(root: Mapping[str, Any]) -> Mapping[str, Any]:
    """Path of each group and array below the root -> its document."""
    members: Mapping[str, Any] = root["consolidated_metadata"]["metadata"]
    return members


def named(root: Mapping[str, Any], wish: Wish) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Systems and granularities of a store that a wish means, each in the store's order.

    Raises:
        RequestError: it has none of that name.
    """
    groups = [path for path, member in members_of(root).items() if member["node_type"] == "group"]
    systems = sorted(path for path in groups if "/" not in path)
    granularities = sorted({path.partition("/")[2] for path in groups if "/" in path})
    return _chosen("system", wish.systems, systems), _chosen("granularity", wish.granularities, granularities)


def select(root: Mapping[str, Any], wish: Wish, splits: Mapping[str, npt.NDArray[np.int8]]) -> Selection:
    """The trajectories that a wish means; `splits` has the codes (trajectory,) of each system that it means.

    Raises:
        RequestError: there is no such split, or no trajectory in it.
    """
    codes = [layout.SPLITS.index(name) for name in _chosen("split", wish.splits, layout.SPLITS)]
    _, granularities = named(root, wish)
    rows = {system: np.flatnonzero(np.isin(held, codes)) for system, held in splits.items()}
    kept = {system: numbers for system, numbers in rows.items() if len(numbers)}
    if not kept:
        message = f"no trajectory of {', '.join(splits)} is in the split {' or '.join(layout.SPLITS[code] for code in codes)}."
        raise RequestError(message)
    return Selection(granularities, kept)


def sharded_arrays(root: Mapping[str, Any], system: str, granularities: Iterable[str]) -> Iterator[Sharded]:
    """Those of some granularities of a system: states, times of its own, what is observed."""
    members = members_of(root)
    for granularity in granularities:
        for name in layout.DIGESTS:
            member = members.get(f"{system}/{granularity}/{name}")
            if member is not None and member["codecs"][0]["name"] == "sharding_indexed":
                cut = member["chunk_grid"]["configuration"]["chunk_shape"]
                yield Sharded(f"{system}/{granularity}/{name}", member["shape"][0], cut[0])


def runs(rows: Rows) -> list[tuple[int, int]]:
    """Ascending numbers as (first, one past the last) of each stretch without a gap."""
    ends = np.flatnonzero(np.diff(rows) != 1)
    firsts, lasts = [0, *(ends + 1)], [*ends, len(rows) - 1]
    return [(int(rows[first]), int(rows[last]) + 1) for first, last in zip(firsts, lasts, strict=True)]


def _chosen(what: str, asked: Sequence[str] | None, there: Sequence[str]) -> tuple[str, ...]:
    for name in asked or ():
        if name not in there:
            message = f"there is no {what} {name!r}.{nearest(name, there) or ' There are: ' + ', '.join(there[:20]) + '.'}"
            raise RequestError(message)
    return tuple(name for name in there if asked is None or name in asked)
