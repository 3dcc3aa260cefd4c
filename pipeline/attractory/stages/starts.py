"""The recipe's key `initial`: where trajectories start before the transient."""

from __future__ import annotations

from typing import Any

from attractory import layout
from attractory.errors import nearest
from attractory.expressions.system import System
from attractory.integrate.starts import Box, box_of
from attractory.stages.located import LocatedRecipe


def box_of_system(located: LocatedRecipe, system: System) -> Box | None:
    """The box in which a system's trajectories start; None where they start around the entry's state.

    Raises:
        RecipeError: the entry has no basin, or a variable is unknown.
    """
    asked = located.recipe.initial
    if asked == "attractor":
        return None
    if asked == "basin":
        if not system.record.basin:
            problem = f"found basin, and the entry of {system.name} has none. Leave it out, or give a box: {{box: {{{system.name}: …}}}}."
            raise located.error("initial", problem)
        return box_of(system, system.record.basin)
    named = asked.box.get(system.name)
    if named is None:
        return None
    known = [*system.record.state_variables, *system.variables]
    for name in named:
        if name not in known:
            problem = f"{system.name} has no variable {name!r}; it has {', '.join(system.variables[:8])}.{nearest(name, known)}"
            raise located.error(("initial", "box", system.name, name), problem)
    return box_of(system, named)


def start_attributes(located: LocatedRecipe, box: Box | None) -> dict[str, Any]:
    """What a system's group says of where its trajectories start; nothing where that is around the entry's state."""
    if box is None:
        return {}
    source = "basin" if located.recipe.initial == "basin" else "box"
    return {layout.START_BOX: {"from": source, "ranges": {name: [low, high] for name, low, high in box.ranges}}}
