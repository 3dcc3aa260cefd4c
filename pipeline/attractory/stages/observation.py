"""The recipe's key `observation`: which variables are observed, and with how much noise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from attractory.errors import nearest
from attractory.expressions.system import System
from attractory.integrate.observation import Observation
from attractory.stages.families import Refuse
from attractory.stages.part import Part, Positive, Text

Names = Annotated[tuple[Text, ...], Field(min_length=1)]


class Noise(Part):
    """Nearly Gaussian noise on each sample, of a part of each variable's standard deviation on the attractor, or in its own unit."""

    relative: Positive | None = None
    absolute: Positive | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.relative is None) == (self.absolute is None):
            raise PydanticCustomError("measure", "expected exactly one of relative and absolute")
        return self


class Observations(Part):
    """What is stored beside the states, as it is observed: variables of all systems, or by system (the others whole), and noise."""

    variables: Names | dict[str, Names] | None = None
    noise: Noise | None = None

    @model_validator(mode="after")
    def _is_something(self) -> Self:
        if not self.variables and self.noise is None:
            raise PydanticCustomError("empty", "expected variables, noise or both")
        return self

    @property
    def systems(self) -> tuple[str, ...]:
        """The systems that are named."""
        return tuple(self.variables) if isinstance(self.variables, Mapping) else ()


def observation_of(asked: Observations, system: System, refuse: Refuse) -> Observation:
    """What is observed of one system.

    Raises:
        RecipeError: a variable is unknown or named twice, or noise is relative for a flow without a period.
    """
    named: Any = asked.variables
    key: tuple[str, ...] = ("observation", "variables")
    if isinstance(named, Mapping):
        named, key = named.get(system.name), (*key, system.name)
    names = named or system.variables
    for name in names:
        if name not in system.variables:
            problem = f"{system.name} has no variable {name!r}; it has {', '.join(system.variables[:8])}.{nearest(name, system.variables)}"
            raise refuse(key, problem)
    if len(set(names)) < len(names):
        raise refuse(key, f"names a variable of {system.name} twice.")
    noise = asked.noise
    if noise is not None and noise.relative and system.kind != "map" and system.period is None:
        problem = f"is measured over periods, and {system.name} has none: its entry has no timescale. Use absolute."
        raise refuse(("observation", "noise", "relative"), problem)
    places = tuple(system.variables.index(name) for name in names)
    if noise is None:
        return Observation(places, 0.0, "absolute")
    return Observation(places, noise.relative or noise.absolute or 0.0, "deviation" if noise.relative else "absolute")


def observation_attributes(observation: Observation, system: System) -> dict[str, Any]:
    """What is observed, as a store says it to a stranger."""
    noise = {"distribution": "sum of twelve uniform numbers", "level": observation.level, "relative_to": observation.relative_to}
    return {"variables": [system.variables[place] for place in observation.places], "noise": noise if observation.level else None}
