"""What a card says of a certified store: until when its trajectories are the true solutions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attractory import layout
from attractory.stages.validate.stored import StoredDataset
from attractory.store import finished_document

HEADER = ("system", "certified", "shortest", "median", "shortest / Lyapunov time", "median / Lyapunov time")
TEXT = (
    "An independent integration in many digits found until when the stored samples of a trajectory are the true solution through its "
    f"`initial`, to {layout.CERTIFIED_TOLERANCE:g} of each variable's largest magnitude; `accurate_until` (trajectory) in the store has "
    "these times, in the system's own units. Beyond, a trajectory is still a typical one of its system, good for statistics and for "
    "learning the dynamics, but not the one that begins there. `≥`: the samples, or the reference's digits, end first."
)


def accuracy(dataset: StoredDataset) -> list[tuple[str, ...]]:
    """A row for each certified system; empty where none is."""
    members: Mapping[str, Any] = finished_document(dataset.path)["consolidated_metadata"]["metadata"]
    found = ((stored, members.get(f"{stored.name}/{layout.ACCURATE_UNTIL}")) for stored in dataset.systems)
    return [_row(stored.name, stored.trajectories, member["attributes"]) for stored, member in found if member is not None]


def _row(name: str, trajectories: int, attributes: Mapping[str, Any]) -> tuple[str, ...]:
    keys = ("shortest", "median", "shortest_lyapunov_times", "median_lyapunov_times")
    return (name, f"{attributes['certified']} of {trajectories}", *(_number(attributes, key) for key in keys))


def _number(attributes: Mapping[str, Any], key: str) -> str:
    mark = "≥ " if attributes.get(f"{key.split('_')[0]}_is_lower_bound") else ""
    return f"{mark}{attributes[key]:.4g}" if key in attributes else ""
