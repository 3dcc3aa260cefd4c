"""What a recipe demands of the referee: limits that are tightened, rules that are left out, files of rules that it would like to be run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from attractory.errors import RequestError, nearest
from attractory.stages.located import read_recipe
from attractory.stages.validate.report import Check, LeftOut
from attractory.stages.validate.rule import Rule
from attractory.stages.validate.stored import StoredDataset

_RECIPE = "recipe.yaml"


@dataclass(frozen=True)
class Demands:
    """The key `validation` of a recipe, and where it stands. limits: by `group.name`."""

    limits: Mapping[str, float] = field(default_factory=dict)
    leave_out: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    where: str = "the recipe"


def demands_of(dataset: StoredDataset, recipe: Path | None) -> Demands:
    """The demands of a recipe that was named; else of `recipe.yaml` beside the store, where that is of this dataset.

    They decide no byte of a store, so they are no part of what it holds of its recipe.

    Raises:
        RecipeError: the recipe cannot be read.
        RequestError: the recipe that was named is another dataset's.
    """
    # Nothing is read beside a store at a URL.
    beside = dataset.path.resolve().parent / _RECIPE if isinstance(dataset.path, Path) else None
    file = beside if recipe is None else recipe
    if file is None or (recipe is None and not file.is_file()):
        return Demands()
    located = read_recipe(file)
    if located.recipe.name != dataset.name:
        if recipe is None:
            return Demands()
        message = f"{located.path}: is the recipe of {located.recipe.name!r}, and the store {dataset.path} is of {dataset.name!r}."
        raise RequestError(message)
    asked = located.recipe.validation
    return Demands(asked.limits, asked.leave_out, asked.checks, str(located.path)) if asked else Demands()


def known_keys(demands: Demands, rules: Sequence[Rule], names: Sequence[str]) -> None:
    """Nothing, where every key of the demands is a rule's; names: further keys, of rules that give verdicts of several names.

    Raises: RequestError where one is not.
    """
    valid = sorted({rule.key for rule in rules} | set(names))
    for part, keys in (("limits", demands.limits), ("leave_out", demands.leave_out)):
        for key in keys:
            if key not in valid:
                known = f"{nearest(key, valid)} Known are: {', '.join(valid)}."
                message = f"{demands.where}: validation.{part}: there is no check {key!r}.{known}"
                raise RequestError(message)


def left_out(demands: Demands, named: Sequence[str]) -> tuple[LeftOut, ...]:
    """What is not run: rules that the recipe leaves out, and files that it names and the person who runs this did not.

    A recipe may come from a stranger, so no file is ever run because a recipe names it.
    """
    rules = [LeftOut(key, f"{demands.where} leaves it out") for key in demands.leave_out]
    given = {Path(name).name for name in named}
    files = [
        LeftOut(file, f"{demands.where} names it; a file is run only where the command line names it too: --checks {file}")
        for file in demands.files
        if Path(file).name not in given
    ]
    return (*rules, *files)


def judged(check: Check, demands: Demands) -> Check:
    """The verdict with the recipe's limit, where that is below the check's own."""
    limit = demands.limits.get(check.key)
    if limit is None or check.measured is None or check.limit is None or limit >= check.limit:
        return check
    failed = check.failed or check.measured > limit
    return replace(
        check,
        verdict="fail" if failed else check.verdict,
        limit=limit,
        margin=1.0 - check.measured / limit if limit else None,
        limit_from="recipe",
        message=check.message if check.failed or not failed else f"{check.message}; the recipe allows {limit:g}",
    )
