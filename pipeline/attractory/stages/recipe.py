"""The recipe of a dataset: its keys, their defaults, and the sentences about what is wrong with one.

The keys are fixed: a later need may add optional ones, and never changes the meaning of these.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from attractory import layout
from attractory.errors import RequestError
from attractory.expressions.section import EXTREMA, read_section
from attractory.expressions.section import Section as SectionRecord
from attractory.stages.families import Parameters
from attractory.stages.observation import Observations
from attractory.stages.part import MOST, Count, Number, Part, Positive, Text, rising
from attractory.store.files import canonical_json, sha256

DATASET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z")
GRANULARITY_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}\Z")
MEASURES = ("samples_per_period", "dt", "samples_per_lyapunov_time", "every", "section")
# Below 1e-15 a double cannot tell; above 1e-3 a chaotic trajectory is noise after a few steps.
TOLERANCES = (1e-15, 1e-3)
# Of a hundred regular times at least one is kept: an integration is not to be a hundred times as long as its samples say.
MOST_DROPPED = 0.99


class Trajectories(Part):
    """How many trajectories of each system are in each split; a split that is left out has none."""

    train: Count | None = None
    validation: Count | None = None
    test: Count | None = None

    @property
    def counts(self) -> tuple[int, int, int]:
        return self.train or 0, self.validation or 0, self.test or 0

    @model_validator(mode="after")
    def _has_some(self) -> Self:
        if not sum(self.counts):
            raise PydanticCustomError("empty", "expected at least one of train, validation and test")
        return self


class HeldOut(Part):
    """Systems whose trajectories are all in one split, so that no other split holds any of them."""

    train: tuple[Text, ...] = ()
    validation: tuple[Text, ...] = ()
    test: tuple[Text, ...] = ()

    def split_of(self, system: str) -> int | None:
        """The code of the split that holds the system out."""
        return next((code for code, name in enumerate(layout.SPLITS) if system in getattr(self, name)), None)

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.train, *self.validation, *self.test)

    @model_validator(mode="after")
    def _names_each_once(self) -> Self:
        if not self.names:
            raise PydanticCustomError("empty", "expected at least one of train, validation and test, with names of systems")
        twice = next((name for name in self.names if self.names.count(name) > 1), None)
        if twice is not None:
            raise PydanticCustomError("measure", "names {name} twice", {"name": repr(twice)})
        return self


class StartBoxes(Part):
    """Boxes of initial states, by system and variable; other systems start around the entry's state."""

    box: dict[str, dict[str, tuple[Number, Number]]]

    @model_validator(mode="after")
    def _has_some(self) -> Self:
        if not self.box or not all(self.box.values()):
            raise PydanticCustomError("empty", "expected a range of at least one variable of each system named")
        for ranges in self.box.values():
            for ends in ranges.values():
                rising(*ends)
        return self


class Transient(Part):
    """What is thrown away before sample 0: periods for flows, iterates for maps."""

    periods: Annotated[Number, Field(ge=0)] = 20.0
    iterates: Annotated[int, Field(strict=True, ge=0, le=MOST)] = 1000


class Section(Part):
    """Where trajectories are cut: `of` goes through `at` in a direction, or an expression is largest or smallest."""

    of: Text | None = None
    at: Number | Text | None = None
    direction: Literal["up", "down", "both"] | None = None
    maximum_of: Text | None = None
    minimum_of: Text | None = None
    within: Positive | None = None

    @property
    def record(self) -> SectionRecord:
        return read_section(self.model_dump(exclude_none=True))

    @model_validator(mode="before")
    @classmethod
    def _says_its_defaults(cls, value: Any) -> Any:
        """Left out or spelled out, they are the same request."""
        if isinstance(value, Mapping) and value.get("of") is not None and not any(key in value for key in EXTREMA):
            return {"at": 0.0, "direction": "up", **value}
        return value

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        try:
            read_section(self.model_dump(exclude_none=True))
        except RequestError as error:
            raise PydanticCustomError("measure", "{problem}", {"problem": str(error).rstrip(".")}) from None
        return self


class OwnTimes(Part):
    """How the times of each trajectory leave regular ones: moved late by up to a part of their distance, or left out with a chance."""

    jitter: Annotated[Number, Field(gt=0, le=1)] | None = None
    dropped: Annotated[Number, Field(gt=0, le=MOST_DROPPED)] | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.jitter is None) == (self.dropped is None):
            raise PydanticCustomError("measure", "expected exactly one of jitter and dropped")
        return self


class Granularity(Part):
    """How densely trajectories are sampled, measured in exactly one way, and how many samples are kept; `times` where each trajectory has
    its own, for which the measure is the mean rate (poisson), or that before times are moved or left out."""

    samples_per_period: Positive | None = None
    dt: Positive | None = None
    samples_per_lyapunov_time: Positive | None = None
    every: Count | None = None
    section: Section | None = None
    times: Literal["poisson"] | OwnTimes | None = None
    samples: Count

    @property
    def measure(self) -> str:
        return next(name for name in MEASURES if getattr(self, name) is not None)

    @property
    def value(self) -> float:
        return float(getattr(self, self.measure))

    def drawn(self, spacing: float) -> layout.DrawnTimes | None:
        """How times are drawn where regular ones would be `spacing` apart; None where they are regular."""
        if self.times is None or isinstance(self.times, str):
            return None if self.times is None else layout.DrawnTimes(self.times, spacing)
        name = "jitter" if self.times.jitter is not None else "dropped"
        return layout.DrawnTimes(name, spacing, getattr(self.times, name))

    @field_validator("times", mode="before")
    @classmethod
    def _names_times(cls, value: object) -> object:
        """Told apart here, so that a mistake gets one sentence."""
        if value is None or value == "poisson" or isinstance(value, OwnTimes):
            return value
        if isinstance(value, Mapping):
            return OwnTimes.model_validate(dict(value))
        raise PydanticCustomError("times", "expected poisson, {jitter: 0.5} or {dropped: 0.2}; without this key times are regular")

    @model_validator(mode="after")
    def _has_one_measure(self) -> Self:
        given = [name for name in MEASURES if getattr(self, name) is not None]
        if len(given) != 1:
            raise PydanticCustomError(
                "measure",
                "found {given}, expected exactly one of {names}",
                {"given": " and ".join(given) or "none", "names": ", ".join(MEASURES)},
            )
        if self.section is not None and self.times is not None:
            raise PydanticCustomError("measure", "found times beside section, expected one of the two: crossings have times of their own")
        return self


class Validation(Part):
    """What the referee is to do beside its own: limits by check, checks that are left out, and files of further ones, which are run only
    where the command line names them too. It decides no byte of a store."""

    limits: dict[str, Annotated[Number, Field(ge=0)]] = Field(default_factory=dict)
    leave_out: tuple[Text, ...] = ()
    checks: tuple[Text, ...] = ()


class Author(Part):
    name: Text
    orcid: Text | None = None


class Recipe(Part):
    """A recipe as written, with its defaults filled in; `systems` are names, `all`, or a query such as {kind: flow, tag: laser}."""

    name: Text
    description: Text = ""
    seed: Annotated[int, Field(strict=True, ge=0, lt=2**63)] = 0
    systems: tuple[str, ...] | Literal["all"] | dict[str, Any]
    trajectories: Trajectories
    parameters: Parameters | None = None
    split_by: Literal["trajectories", "parameters"] = "trajectories"
    held_out: HeldOut | None = None
    initial: Literal["attractor", "basin"] | StartBoxes = "attractor"
    transient: Transient = Transient()
    granularities: dict[str, Granularity]
    observation: Observations | None = None
    tolerance: Number = 1e-14
    precision: Literal["double", "reference"] = "double"
    dtype: Literal["float32", "float64"] = "float32"
    shard_trajectories: Count = 64
    compression: Literal["lz4", "none"] = "lz4"
    catalog: Text | None = None
    licence: Text = "CC-BY-4.0"
    authors: tuple[Author, ...] = ()
    validation: Validation | None = None

    def canonical(self, names: tuple[str, ...]) -> dict[str, Any]:
        """The recipe as JSON in which equal requests are equal: defaults filled in, systems by name, sorted, without what is empty
        and without what decides no byte."""
        plain = self.model_dump(mode="json", exclude_none=True, by_alias=True, exclude={"validation"})
        plain["systems"] = sorted(names)
        for key in ("precision", "split_by", "initial", "compression"):
            if getattr(self, key) == type(self).model_fields[key].default:
                del plain[key]  # recipes from before there was a choice keep their digest
        return {key: value for key, value in plain.items() if value not in ("", [], None)}

    @field_validator("name")
    @classmethod
    def _is_a_file_name(cls, value: str) -> str:
        if not DATASET_NAME.match(value):
            raise PydanticCustomError("name", "expected letters, digits, '_', '-' and '.', a letter or digit first, at most 64")
        return value

    @field_validator("tolerance")
    @classmethod
    def _is_in_range(cls, value: float) -> float:
        if not TOLERANCES[0] <= value <= TOLERANCES[1]:
            raise PydanticCustomError("range", "expected a number from 1.0e-15 to 1.0e-3")
        return value

    @field_validator("initial", mode="before")
    @classmethod
    def _names_a_start(cls, value: object) -> object:
        """Told apart here, so that a mistake in a box gets one sentence and its own key."""
        if value in ("attractor", "basin") or isinstance(value, StartBoxes):
            return value
        if isinstance(value, Mapping) and set(value) == {"box"}:
            return StartBoxes.model_validate(dict(value))
        raise PydanticCustomError("initial", "expected attractor, basin, or {box: {Lorenz: {x: [-1, 1]}}}")

    @field_validator("systems", mode="before")
    @classmethod
    def _names_systems(cls, value: object) -> object:
        """One shape of three, told apart here so that a mistake gets one sentence and not three."""
        if value == "all":
            return value
        if isinstance(value, Mapping) and value:
            return dict(value)
        if isinstance(value, list | tuple) and all(isinstance(name, str) for name in value):
            return _distinct(tuple(value))
        raise PydanticCustomError("systems", "expected a list of names, 'all', or a query such as {kind: flow, tag: laser}")

    @field_validator("granularities")
    @classmethod
    def _names_granularities(cls, value: dict[str, Granularity]) -> dict[str, Granularity]:
        if not value:
            raise PydanticCustomError("granularities", "expected at least one granularity")
        for name in value:
            _check_granularity_name(name)
        if len({name.casefold() for name in value}) < len(value):
            raise PydanticCustomError(
                "granularities", "two granularities differ in nothing but capitals, which some file systems do not tell apart"
            )
        return value


def recipe_digest(canonical: Mapping[str, Any]) -> str:
    return sha256(canonical_json(canonical))


def _distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    if not names:
        raise PydanticCustomError("systems", "names no system, expected at least one")
    folded = [name.casefold() for name in names]
    twice = next((name for name in names if folded.count(name.casefold()) > 1), None)
    if twice is not None:
        raise PydanticCustomError("systems", "names {name} twice", {"name": repr(twice)})
    return names


def _check_granularity_name(name: str) -> None:
    if not GRANULARITY_NAME.match(name):
        problem = "{name} is not a name for a folder: expected a letter, then letters, digits, '_' and '-', at most 64"
        raise PydanticCustomError("granularities", problem, {"name": repr(name[:64])})
    if name.casefold() in (*layout.SYSTEM_ARRAYS, *layout.CERTIFICATE_ARRAYS):
        raise PydanticCustomError(
            "granularities", "{name} is the name of an array of each system, expected another name", {"name": repr(name)}
        )
