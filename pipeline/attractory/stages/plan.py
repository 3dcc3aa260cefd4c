"""From a recipe and its systems to what the store will hold. Pure arithmetic."""

from __future__ import annotations

import math
from dataclasses import asdict
from importlib import metadata
from typing import Any

import attractory
from attractory import layout
from attractory.errors import RequestError
from attractory.expressions.section import Section
from attractory.expressions.system import System
from attractory.integrate import section_grid
from attractory.integrate.families import Family
from attractory.integrate.observation import Observation
from attractory.kernels.precise import NOT_SMOOTH, is_smooth
from attractory.layout import DrawnTimes
from attractory.stages.families import family_attributes, family_of
from attractory.stages.located import LocatedRecipe
from attractory.stages.observation import observation_attributes, observation_of
from attractory.stages.recipe import Granularity, Recipe, recipe_digest
from attractory.stages.splits import check_splits, split_attributes, splits_of, unknown_system
from attractory.stages.starts import box_of_system, start_attributes
from attractory.store import GridPlan, StorePlan, SystemPlan
from attractory.store.files import canonical_json, sha256

# A worker holds a block's states and, while it packs them, up to two more copies of one shard: with 290 MiB of interpreter and libraries
# that stays below 1 GiB.
BLOCK_BYTES = 192 * 2**20
KINDS = ("flow", "map", "delay")
_MANTISSAS = {"float32": 24, "float64": 53}  # binary digits
WRITERS = ("numcodecs", "pyarrow")  # packages whose version may change the bytes of a file, never the values in it


def store_plan(located: LocatedRecipe, systems: tuple[System, ...]) -> StorePlan:
    """What a recipe asks for of these systems.

    Raises:
        RecipeError: time is counted in something that a system does not have, or a system is of a kind that is not generated.
    """
    recipe = located.recipe
    planned = tuple(_system_plan(located, system) for system in systems)
    _check_names(located, planned)
    return StorePlan(planned, recipe.dtype, recipe.shard_trajectories, _root_attributes(recipe, systems))


def check_memory(located: LocatedRecipe, plan: StorePlan) -> None:
    """Nothing where a worker can hold every block.

    Raises:
        RecipeError: a shard is too large; the message says how many trajectories fit.
    """
    for system in plan.systems:
        _check_memory(located, plan, system)


def catalog_digest(systems: tuple[System, ...]) -> str:
    """SHA-256 over the names and digests of the systems used: it changes when one of them gives other numbers."""
    return sha256(canonical_json({system.name: system.digest for system in systems}))


def versions() -> dict[str, str]:
    """What the bytes may depend on beside recipe and catalog."""
    return {"attractory": attractory.__version__, **{name: metadata.version(name) for name in WRITERS}}


def step_between_samples(located: LocatedRecipe, name: str, system: System) -> float:
    """The dt of a granularity for a system, in its own time units (maps: iterates).

    Raises:
        RecipeError: the system has no such measure of time.
    """
    granularity = located.recipe.granularities[name]
    measure, value = granularity.measure, granularity.value
    if system.kind == "map":
        return value if measure == "every" else 1.0
    units = {"samples_per_period": system.period, "samples_per_lyapunov_time": system.lyapunov_time}
    if measure == "every":
        problem = (
            f"counts iterates, and {system.name} is a {system.kind}. Expected one of samples_per_period, samples_per_lyapunov_time or dt."
        )
        raise located.error(("granularities", name, "every"), problem)
    if measure == "dt":
        return value
    unit = units[measure]
    if unit is None:
        raise located.error(("granularities", name, measure), _no_unit(measure, system))
    return unit / value


def _system_plan(located: LocatedRecipe, system: System) -> SystemPlan:
    if system.kind not in KINDS:
        raise located.error("systems", f"{system.name} is of kind {system.kind!r}; this version generates flows, maps and delay systems.")
    if located.recipe.precision == "reference" and system.kind == "delay":
        raise located.error("precision", f"{system.name} is a delay system, and those are integrated in doubles alone.")
    if located.recipe.precision == "reference" and not is_smooth(system.definition):
        raise located.error("precision", f"{system.name} {NOT_SMOOTH}")
    family, observation = family_of_system(located, system), observation_of_system(located, system)
    return SystemPlan(
        name=system.name,
        variables=system.variables,
        parameters=system.definition.parameters,
        transient=_transient(located, system),
        splits=splits_of(located, system),
        grids=tuple(_grid_plan(located, name, system) for name in sorted(located.recipe.granularities)),
        attributes={
            **_system_attributes(system),
            **({layout.PARAMETER_FAMILY: family_attributes(family)} if family is not None else {}),
            **start_attributes(located, box_of_system(located, system)),
            **({layout.OBSERVATION: observation_attributes(observation, system)} if observation is not None else {}),
            **split_attributes(located, system.name, drawn=family is not None),
        },
        sets=family.order if family is not None else None,
        observed=tuple(system.variables[place] for place in observation.places) if observation is not None else (),
    )


def observation_of_system(located: LocatedRecipe, system: System) -> Observation | None:
    """What a recipe stores as observed of a system; None where it stores states alone.

    Raises:
        RecipeError: it cannot be observed so.
    """
    asked = located.recipe.observation
    return None if asked is None else observation_of(asked, system, located.error)


def family_of_system(located: LocatedRecipe, system: System) -> Family | None:
    """The parameter sets that a recipe draws of a system; None where all trajectories have the catalogued parameters.

    Raises:
        RecipeError: they cannot be drawn so.
    """
    recipe = located.recipe
    if recipe.parameters is None:
        return None
    total = sum(recipe.trajectories.counts)
    together = recipe.split_by == "parameters"
    return family_of(recipe.parameters, system, trajectories=total, together=together, refuse=located.error)


def _check_names(located: LocatedRecipe, systems: tuple[SystemPlan, ...]) -> None:
    """Nothing, where every system and granularity that a key names can be meant."""
    recipe, names = located.recipe, [system.name for system in systems]
    asked = recipe.parameters.systems if recipe.parameters is not None else None
    for name in asked or {}:
        if name not in names:
            raise located.error(("parameters", "systems", name), unknown_system(name, names))
    for name in recipe.initial.box if not isinstance(recipe.initial, str) else ():
        if name not in names:
            raise located.error(("initial", "box", name), unknown_system(name, names))
    for name in recipe.observation.systems if recipe.observation is not None else ():
        if name not in names:
            raise located.error(("observation", "variables", name), unknown_system(name, names))
    arrays: tuple[str, ...] = layout.FAMILY_ARRAYS if recipe.parameters is not None else ()
    arrays += layout.OBSERVATION_ARRAYS if recipe.observation is not None else ()
    for name in recipe.granularities:
        if name.casefold() in arrays:
            raise located.error(("granularities", name), "is the name of an array of each system, expected another name.")
    check_splits(located, names, drawn=[system.name for system in systems if system.sets is not None])


def _transient(located: LocatedRecipe, system: System) -> float:
    transient = located.recipe.transient
    if system.kind == "map":
        return float(transient.iterates)
    if transient.periods and system.period is None:
        raise located.error("transient.periods", _no_unit("periods", system))
    return transient.periods * (system.period or 0.0)


def _grid_plan(located: LocatedRecipe, name: str, system: System) -> GridPlan:
    granularity = located.recipe.granularities[name]
    if granularity.section is not None:
        return _section_plan(located, name, system, granularity.section.record)
    dt = step_between_samples(located, name, system)
    drawn = granularity.drawn(dt)
    if drawn is None:
        return GridPlan(name, dt, granularity.samples, _grid_attributes(granularity, system, dt))
    return _drawn_plan(located, name, system, drawn)


def _drawn_plan(located: LocatedRecipe, name: str, system: System, drawn: DrawnTimes) -> GridPlan:
    granularity, place = located.recipe.granularities[name], ("granularities", name, "times")
    if located.recipe.precision == "reference":
        problem = "are not sampled with precision reference, whose samples lie at regular times. Leave one of the two out."
        raise located.error(place, problem)
    if system.kind == "map" and drawn.drawn != "dropped":
        problem = f"asks for {drawn.drawn} times, and {system.name} is a map, which has nothing between two iterates. Expected dropped."
        raise located.error(place, problem)
    attributes = _grid_attributes(granularity, system, drawn.mean)
    if drawn.drawn == "dropped" and granularity.measure in attributes:
        attributes[granularity.measure] = granularity.value * (1.0 - drawn.part)  # of what is left
    del attributes[layout.DT]
    told = {key: value for key, value in asdict(drawn).items() if value or key != "part"}
    return GridPlan(name, None, granularity.samples, {**attributes, layout.TIMES: told}, drawn=drawn)


def _section_plan(located: LocatedRecipe, name: str, system: System, section: Section) -> GridPlan:
    granularity = located.recipe.granularities[name]
    if located.recipe.precision == "reference":
        problem = "is not found with precision reference, whose samples lie at regular times. Leave one of the two out."
        raise located.error(("granularities", name, "section"), problem)
    try:
        grid = section_grid(system, section, granularity.samples)
    except RequestError as error:
        raise located.error(("granularities", name, "section"), str(error)) from None
    within = {} if grid.within == math.inf else {"within": grid.within}
    asked = granularity.model_dump(mode="json", exclude_none=True)
    attributes = {layout.SECTION: {**asked["section"], **within}, layout.REQUESTED: asked}
    return GridPlan(name, None, granularity.samples, attributes, section)


def _grid_attributes(granularity: Granularity, system: System, dt: float) -> dict[str, Any]:
    asked = {layout.DT: dt, layout.REQUESTED: granularity.model_dump(mode="json", exclude_none=True)}
    rates = {layout.SAMPLES_PER_PERIOD: system.period, layout.SAMPLES_PER_LYAPUNOV_TIME: system.lyapunov_time}
    asked.update({key: unit / dt for key, unit in rates.items() if unit is not None})
    if system.kind == "map" and granularity.measure != "every":
        asked[layout.NOTE] = f"every iterate: a map has nothing between two of them, so {granularity.measure} does not apply"
    elif granularity.measure in rates:
        asked[granularity.measure] = granularity.value  # as written: the quotient may differ in its last digit
    return asked


def _system_attributes(system: System) -> dict[str, Any]:
    record = system.record.model_dump(mode="json")
    optional = {layout.PERIOD: system.period, layout.LYAPUNOV_TIME: system.lyapunov_time, layout.CONSERVED: record["conserved"] or None}
    optional[layout.WRAP] = {name: list(ends) for name, ends in system.ranges.items()} or None
    return {
        layout.NAME: system.name,
        layout.KIND: system.kind,
        layout.BEHAVIOUR: system.behaviour,
        layout.TAGS: record["tags"],
        layout.REFERENCE: record["reference"],
        layout.VARIABLES: list(system.variables),
        layout.EQUATIONS: record["equations"],
        layout.PARAMETERS: list(system.definition.parameters),
        layout.PARAMETER_VALUES: list(system.definition.values),
        layout.INVARIANTS: record["invariants"],
        **{key: value for key, value in optional.items() if value is not None},
        layout.SYSTEM_DIGEST: system.digest,
        layout.RECORD: record,
    }


def _root_attributes(recipe: Recipe, systems: tuple[System, ...]) -> dict[str, Any]:
    canonical = recipe.canonical(tuple(system.name for system in systems))
    return {
        layout.FORMAT: layout.FORMAT_VERSION,
        layout.CONVENTIONS: "CF-1.11",
        layout.LICENCE: recipe.licence,
        layout.AUTHORS: [author.model_dump(exclude_none=True) for author in recipe.authors],
        layout.RECIPE: canonical,
        layout.RECIPE_DIGEST: recipe_digest(canonical),
        layout.CATALOG_DIGEST: catalog_digest(systems),
        layout.VERSIONS: versions(),
        **_precision(recipe),
    }


def _precision(recipe: Recipe) -> dict[str, Any]:
    if recipe.precision == "double":
        return {}
    return {layout.PRECISION: recipe.precision, layout.PROVEN_BITS: _MANTISSAS[recipe.dtype]}


def _check_memory(located: LocatedRecipe, plan: StorePlan, system: SystemPlan) -> None:
    needed = plan.block_bytes(system)
    if needed <= BLOCK_BYTES:
        return
    one = needed // min(plan.shard_trajectories, system.trajectories)
    advice = f"Lower it to {BLOCK_BYTES // one}." if one <= BLOCK_BYTES else "Even one trajectory is too long: ask for fewer samples."
    problem = f"one shard of {system.name} takes {needed / 2**20:,.0f} MiB of memory, at most {BLOCK_BYTES // 2**20} are allowed. {advice}"
    raise located.error("shard_trajectories", problem)


def _no_unit(measure: str, system: System) -> str:
    if "period" in measure:
        return f"counts periods, and {system.name} has none: its catalog entry has no timescale. Use dt (and transient: {{periods: 0}})."
    return (
        f"counts Lyapunov times, and {system.name}, which is {system.behaviour}, has none: that takes a chaotic system whose leading "
        "exponent is annotated above zero by five standard errors. Use samples_per_period or dt."
    )
