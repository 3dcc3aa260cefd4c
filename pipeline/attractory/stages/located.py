"""A recipe together with the file that it was read from: what a message about it begins with, and the systems that it means."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from attractory.catalog import Catalog, SystemRecord, extended_catalog, read_yaml
from attractory.errors import CatalogError, RecipeError, nearest
from attractory.expressions.system import System
from attractory.stages.families import Parameters, ParameterSpread
from attractory.stages.observation import Noise, Observations
from attractory.stages.recipe import Granularity, HeldOut, OwnTimes, Recipe, Section, Transient, Validation
from attractory.store.files import Place


@dataclass(frozen=True)
class LocatedRecipe:
    """A recipe, its file, the line of every dotted key, and the folder of more systems that whoever runs it has named."""

    recipe: Recipe
    path: Path
    lines: Mapping[str, int]
    more_systems: Path | None = None

    def error(self, key: str | tuple[str | int, ...], problem: str) -> RecipeError:
        """The error about a key, dotted or as the parts of one."""
        dotted = key if isinstance(key, str) else ".".join(str(part) for part in key)
        return RecipeError(f"{where(self.path, self.lines, dotted)} {problem}")

    @property
    def store(self) -> Path:
        """Where its dataset is written unless another place is asked for."""
        return self.path.parent / f"{self.recipe.name}.zarr"


def read_recipe(path: str | Path | LocatedRecipe, *, catalog: str | Path | None = None) -> LocatedRecipe:
    """The recipe in a file, or in the `recipe.yaml` of a folder; one that has been read already is given back.

    Args:
        catalog: a folder of more systems, relative to the working directory. It is no part of the request: a store has the entries
            that it was made of, so the place where they lay decides nothing.
    Raises:
        RecipeError: one line for each problem, each beginning with file, line and key.
    """
    if isinstance(path, LocatedRecipe):
        return path
    file = Path(path) / "recipe.yaml" if Path(path).is_dir() else Path(path)
    if not file.is_file():
        message = f"{file}: there is no such recipe."
        raise RecipeError(message)
    content, lines = read_yaml(file, RecipeError)
    if not isinstance(content, Mapping):
        message = f"{file}:1: found no keys, expected a recipe: name, systems, trajectories, granularities."
        raise RecipeError(message)
    try:
        recipe = Recipe.model_validate(dict(content))
    except ValidationError as error:
        sentences = (f"{where(file, lines, key)} {problem}" for key, problem in problems(error))
        raise RecipeError("\n".join(dict.fromkeys(sentences))) from None
    return LocatedRecipe(recipe, file, lines, Path(catalog) if catalog is not None else None)


def systems_of(located: LocatedRecipe) -> tuple[System, ...]:
    """The systems that a recipe means, sorted by name.

    Raises:
        RecipeError: one is unknown, none is meant, or the folder of its own catalog is not one inside the recipe's folder.
        CatalogError: its own catalog cannot be read.
    """
    catalog = _catalog_of(located)
    chosen = located.recipe.systems
    if isinstance(chosen, tuple):
        for place, name in enumerate(chosen):
            if catalog.meant(name) is None:
                elsewhere = " Systems of your own are in a folder: --catalog FOLDER, or the key catalog."
                problem = f"no system is called {name!r}.{nearest(name, catalog.known()) or elsewhere}"
                raise located.error(("systems", place), problem)
    return tuple(System.from_record(record) for record in _selected(located, catalog))


def _selected(located: LocatedRecipe, catalog: Catalog) -> tuple[SystemRecord, ...]:
    for name in catalog if not isinstance(located.recipe.systems, tuple) else ():
        catalog.get(name)  # an entry that cannot be read has its own file and line, and is no mistake of the recipe
    try:
        return catalog.select(located.recipe.systems)
    except CatalogError as error:
        raise located.error("systems", f"{error}.") from None


def where(path: Path, lines: Mapping[str, int], key: str) -> str:
    """`datasets/mine/recipe.yaml:7: transient.periods:`; a key that is absent takes its parent's line."""
    parts = key.split(".")
    parents = (".".join(parts[:count]) for count in range(len(parts), 0, -1))
    line = next((lines[parent] for parent in parents if parent in lines), 1)
    return f"{path}:{line}: {key}:" if key else f"{path}:{line}:"


def problems(error: ValidationError) -> Iterator[tuple[str, str]]:
    """Dotted key and sentence of each problem that pydantic found."""
    for found in error.errors(include_url=False):
        location = tuple(str(part) for part in found["loc"])
        yield ".".join(location), _sentence(found["type"], location, found["input"], found["msg"])


def _catalog_of(located: LocatedRecipe) -> Catalog:
    catalog, own = extended_catalog(located.more_systems), located.recipe.catalog
    if own is None:
        return catalog
    folder = folder_inside(located.path.parent, own)
    if folder is None:
        raise located.error("catalog", f"found {_short(own)}, expected a folder inside the recipe's own folder.")
    if not folder.is_dir():
        raise located.error("catalog", f"there is no folder {own!r} beside the recipe.")
    return catalog.extended(folder)


def entries_beside(store: Place, own: str | None) -> Catalog:
    """The catalog as it is now: the packaged one, and the recipe's own where that lies beside the store, in a folder of this machine."""
    entries = extended_catalog(None)
    folder = folder_inside(store.resolve().parent, own) if own and isinstance(store, Path) else None
    return entries.extended(folder) if folder and folder.is_dir() else entries


def folder_inside(home: Path, named: str) -> Path | None:
    """The folder of that name inside of another; None where it leads out. Symbolic links are followed first: a recipe from a stranger must
    not read what lies elsewhere."""
    try:
        outer, folder = home.resolve(), (home / named).resolve()
        folder.is_dir()
    except (OSError, ValueError):  # a name that is too long, or has a NUL
        return None
    return folder if folder.is_relative_to(outer) and folder != outer else None


_VALID = {
    "transient": Transient,
    "granularities": Granularity,
    "section": Section,
    "times": OwnTimes,
    "parameters": Parameters,
    "systems": ParameterSpread,  # below `parameters`
    "held_out": HeldOut,
    "observation": Observations,
    "noise": Noise,
    "validation": Validation,
}


def _sentence(kind: str, location: tuple[str, ...], value: Any, message: str) -> str:
    if kind == "missing":
        return "the key is missing."
    if kind == "extra_forbidden":
        return f"is not a key of a recipe.{nearest(location[-1], _valid_keys(location))}"
    if kind in ("measure", "empty"):
        return f"{message}."
    expectation = message.removeprefix("Input should be ").removeprefix("expected ")
    if kind in ("systems", "granularities") and not message.startswith("expected "):
        return f"{message}."
    return f"found {_short(value)}, expected {expectation}."


def _valid_keys(location: tuple[str, ...]) -> Iterable[str]:
    fields: Any = Recipe.model_fields
    for part in location[:-1]:
        if part in fields:
            kind = fields[part].annotation
            fields = getattr(_VALID.get(part, kind), "model_fields", fields)
    return [field.alias or name for name, field in fields.items()]


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:60] + "…"
