"""How a recipe's trajectories are dealt to train, validation and test: by trajectory, by parameter set, or by system."""

from __future__ import annotations

from collections.abc import Iterable

from attractory import layout
from attractory.errors import nearest
from attractory.expressions.system import System
from attractory.stages.located import LocatedRecipe


def splits_of(located: LocatedRecipe, system: System) -> tuple[int, int, int]:
    """Trajectories of a system in train, validation and test; all of them in one where it is held out.

    Raises:
        RecipeError: a parameter set would lie in two splits.
    """
    recipe = located.recipe
    counts = recipe.trajectories.counts
    held = recipe.held_out.split_of(system.name) if recipe.held_out is not None else None
    if held is not None:
        first, second, third = (sum(counts) if code == held else 0 for code in range(len(layout.SPLITS)))
        return first, second, third
    if recipe.split_by == "parameters" and recipe.parameters is not None:
        for name, count in zip(layout.SPLITS, counts, strict=True):
            if count % recipe.parameters.trajectories_per_set:
                problem = (
                    f"found {count}, which is not a multiple of {recipe.parameters.trajectories_per_set} trajectories_per_set: "
                    "split_by is parameters, so no set may lie in two splits."
                )
                raise located.error(("trajectories", name), problem)
    return counts


def check_splits(located: LocatedRecipe, names: Iterable[str], *, drawn: Iterable[str]) -> None:
    """Nothing, where the recipe can be split as it says; `drawn` are the systems whose parameters are drawn.

    Raises:
        RecipeError: a system that is held out is none of the recipe's, or one has a single parameter set for all splits.
    """
    recipe, known, drawn = located.recipe, list(names), set(drawn)
    held = recipe.held_out.names if recipe.held_out is not None else ()
    for split in layout.SPLITS if recipe.held_out is not None else ():
        for place, name in enumerate(getattr(recipe.held_out, split)):
            if name not in known:
                raise located.error(("held_out", split, place), unknown_system(name, known))
    if recipe.split_by != "parameters":
        return
    if recipe.parameters is None:
        raise located.error("split_by", "found parameters, and all trajectories have the same ones: expected the key parameters too.")
    for name in known:
        if name not in drawn and name not in held:
            problem = f"found parameters, and {name} has one parameter set for all. Name it under parameters.systems or held_out."
            raise located.error("split_by", problem)


def split_attributes(located: LocatedRecipe, name: str, *, drawn: bool) -> dict[str, str]:
    """What a system's group says of its splits; nothing where they are by trajectory."""
    recipe = located.recipe
    if recipe.held_out is not None and recipe.held_out.split_of(name) is not None:
        return {layout.SPLIT_BY: "system"}
    return {layout.SPLIT_BY: "parameters"} if drawn and recipe.split_by == "parameters" else {}


def unknown_system(name: str, known: Iterable[str]) -> str:
    return f"no system of this recipe is called {name!r}.{nearest(name, list(known))}"
