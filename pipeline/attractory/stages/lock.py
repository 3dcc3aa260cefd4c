"""recipe.lock beside a recipe: all of the recipe and of the catalog that decides a byte, so that a build depends on one file.

A comment, the order of keys or a new annotation in the catalog leaves it as it is.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from attractory import layout
from attractory.expressions.system import System
from attractory.stages.located import LocatedRecipe, read_recipe, systems_of
from attractory.stages.place import disk_errors
from attractory.stages.plan import store_plan
from attractory.stages.recipe import Recipe
from attractory.store import SystemPlan


def lock(recipe: str | Path | LocatedRecipe) -> Path:
    """The lock file of a recipe, rewritten only where it says something else now.

    Raises:
        RecipeError, CatalogError: the recipe cannot be generated.
    """
    located = read_recipe(recipe)
    path, text = located.path.with_name("recipe.lock"), lock_text(located, systems_of(located))
    with disk_errors(path):
        if not path.is_file() or path.read_text() != text:
            path.write_text(text)
    return path


def lock_text(located: LocatedRecipe, systems: tuple[System, ...]) -> str:
    """The lock's text: JSON, sorted, the same for equal requests."""
    plan = store_plan(located, systems)
    attributes = plan.attributes
    content = {
        "format": attributes[layout.FORMAT],
        "recipe": attributes[layout.RECIPE],
        "recipe_digest": attributes[layout.RECIPE_DIGEST],
        "systems": {system.name: _system(located.recipe, system, plan.system(system.name)) for system in systems},
    }
    return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _system(recipe: Recipe, system: System, planned: SystemPlan) -> dict[str, Any]:
    """Only a granularity counted in Lyapunov times makes an annotation decide bytes, only what is drawn from an entry's ranges those."""
    counted = any(granularity.measure == "samples_per_lyapunov_time" for granularity in recipe.granularities.values())
    annotated = {"lyapunov_time": system.lyapunov_time} if counted and system.kind != "map" else {}
    drawn = {key: planned.attributes[key] for key in (layout.PARAMETER_FAMILY, layout.START_BOX) if key in planned.attributes}
    return {"digest": system.digest, **annotated, **drawn}
