"""Does what lies at a path belong to this plan? Asked before a run goes on with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from attractory import layout
from attractory.errors import RequestError
from attractory.store import GridPlan, StorePlan, SystemPlan, is_finished
from attractory.store.begun import begun_attributes, recorded
from attractory.store.files import Place

_WAY_OUT = "Choose another place with --out, or start anew with --replace."


def disagreement(store: Place, root: Mapping[str, Any], plan: StorePlan) -> str | None:
    """Why the store at a path is not the one that the plan makes; None where it is."""
    held, wanted = root["attributes"], plan.attributes
    if held.get(layout.RECIPE_DIGEST) != wanted[layout.RECIPE_DIGEST]:
        return f"was made from another recipe ({_changed_keys(held.get(layout.RECIPE, {}), wanted[layout.RECIPE])})."
    if held.get(layout.CATALOG_DIGEST) != wanted[layout.CATALOG_DIGEST]:
        return f"was made from another catalog ({_changed_systems(store, plan)})."
    record = {} if is_finished(dict(root)) else recorded(store)
    drawn = [system.name for system in plan.systems if _drawn(_begun(store, system, record)) != _drawn(system.attributes)]
    if drawn:
        return f"was made with other ranges or another basin of {', '.join(drawn[:3])}: their entries have changed since."
    if is_finished(dict(root)):
        return None
    if held.get(layout.VERSIONS) != wanted[layout.VERSIONS]:
        return f"was begun with {_listed(held.get(layout.VERSIONS, {}))} and is not finished; here are {_listed(wanted[layout.VERSIONS])}."
    moved = [
        f"{system.name}/{grid.name}"
        for system in plan.systems
        for grid in system.grids
        if _dt(begun_attributes(store, f"{system.name}/{grid.name}", grid.attributes, record)) != _spacing(grid)
    ]
    return f"was begun with another dt of {', '.join(moved[:3])}: the annotated Lyapunov time has changed since." if moved else None


def check_agreement(store: Place, root: Mapping[str, Any], plan: StorePlan) -> None:
    """Nothing, where the store at a path is the one that the plan makes.

    Raises:
        RequestError: it is another one.
    """
    reason = disagreement(store, root, plan)
    if reason:
        message = f"{store}: the store there {reason} {_WAY_OUT}"
        raise RequestError(message)


def _changed_keys(held: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    changed = sorted(key for key in {*held, *wanted} if held.get(key) != wanted.get(key))
    return f"it differs in {', '.join(changed)}"


def _changed_systems(store: Place, plan: StorePlan) -> str:
    changed = [
        system.name
        for system in plan.systems
        if _begun(store, system, {}).get(layout.SYSTEM_DIGEST) != system.attributes.get(layout.SYSTEM_DIGEST)
    ]
    return f"the entries of {', '.join(changed)} have changed"


def _drawn(attributes: Mapping[str, Any]) -> Any:
    """What an entry says beside its digest that decides bytes, in its form in a file."""
    return json.loads(json.dumps([attributes.get(key) for key in (layout.PARAMETER_FAMILY, layout.START_BOX)]))


def _dt(attributes: Mapping[str, Any]) -> Any:
    return attributes.get(layout.DT, attributes.get(layout.TIMES, {}).get("spacing"))


def _spacing(grid: GridPlan) -> float | None:
    """What times are counted in: the annotated Lyapunov time may decide it."""
    return grid.dt if grid.drawn is None else grid.drawn.spacing


def _begun(store: Place, system: SystemPlan, record: Mapping[str, str]) -> dict[str, Any]:
    return begun_attributes(store, system.name, system.attributes, record)


def _listed(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
