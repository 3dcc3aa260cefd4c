"""The record of one system, as its YAML file says it: expressions stay text here, the package `expressions` gives them meaning."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from attractory.catalog.messages import MOST_PROBLEMS, sentences
from attractory.catalog.names import base_name, index_name, shown_key
from attractory.catalog.rules import record_problems
from attractory.catalog.variants import in_full, variant_mapping, variant_source
from attractory.errors import CatalogError, nearest

Kind = Literal["flow", "map", "delay", "stochastic", "field", "network"]
Behaviour = Literal[
    "chaotic",  # one positive exponent, on an attractor
    "transient_chaotic",  # chaotic for many periods, then something else: a fixed point, a cycle, infinity
    "hyperchaotic",  # two or more positive exponents
    "conservative_chaotic",  # a chaotic sea: volume is conserved and there is no attractor
    "periodic",
    "quasiperiodic",
    "fixed_point",
    "unknown",
]


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise PydanticCustomError("not_finite", "found {value}, expected a finite number", {"value": str(value)})
    return value


def _expression(value: object) -> object:
    """A bare number is an expression too: `y: 0` in YAML."""
    return repr(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


# Whole numbers are kept exactly where float64 has them; larger ones are read as floating point.
Integer = Annotated[int, Field(strict=True, ge=-(2**53), le=2**53)]
Number = Annotated[float, Field(strict=True), AfterValidator(_finite)]
Text = Annotated[str, Field(strict=True)]
Expression = Annotated[str, Field(strict=True, min_length=1), BeforeValidator(_expression, json_schema_input_type=str | float)]
Scalar = Integer | Number | Text
ScalarList = tuple[Scalar, ...]
Numbers = Number | tuple[Number, ...] | tuple[tuple[Number, ...], ...]
Range = tuple[Number, Number]
ParameterValues = dict[str, Scalar | ScalarList | tuple[ScalarList, ...]]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Reference(_Record):
    """Where a system was first written down."""

    authors: Text
    year: Integer
    title: Text
    journal: Text | None = None
    doi: Text | None = None
    isbn: Text | None = None
    url: Text | None = None


class Timescale(_Record):
    """What granularities and transients are counted in; by hand, rounded."""

    period: Annotated[Number, Field(gt=0)]
    definition: Text


class Published(_Record):
    """A value of the literature with its source; never written by a program."""

    quantity: Text
    value: Numbers
    source: Text


class Invariant(_Record):
    """A value that `attractory annotate` computed; never written by hand."""

    value: Numbers
    standard_error: Numbers | None = None
    method: Text
    settings: dict[str, Any] = Field(default_factory=dict)
    computed_with: Text | dict[str, Any]
    digest: Text | None = None  # the first digits of that of the record it was computed from


class StateVariable(_Record):
    """What a state variable stands for, and its unit where it has one."""

    meaning: Text
    unit: Text | None = None


class Variant(_Record):
    """What a variant of a system has in place of the entry's: values of parameters, equations, an initial state."""

    parameters: ParameterValues = Field(default_factory=dict)
    definitions: dict[str, Expression] = Field(default_factory=dict)
    equations: dict[str, Expression] = Field(default_factory=dict)
    initial: dict[str, Scalar | ScalarList] = Field(default_factory=dict)
    timescale: Timescale | None = None
    behaviour: Behaviour = "unknown"
    notes: Text = ""


@dataclass(frozen=True)
class Source:
    """Where a record was read: the file and the line of every dotted key (both empty for a record made in Python)."""

    path: str = ""
    lines: Mapping[str, int] = field(default_factory=dict)

    def where(self, name: str, key: str) -> str:
        """`catalog/flows/lorenz.yaml:14: equations.y`, or `System 'Mine': equations.y`; an absent key takes its parent's line."""
        shown = f": {shown_key(key)}" if key else ""
        if not self.path:
            return f"System {name!r}{shown}"
        line = next((self.lines[parent] for parent in _parents(key) if parent in self.lines), 1)
        return f"{self.path}:{line}{shown}"


WrittenVariant = Annotated[Variant, BeforeValidator(in_full, json_schema_input_type=Variant | ParameterValues)]


def _optional(empty: type) -> Any:
    """A key that is left out where it is empty: the stored form of an entry without it is what it was before there was such a key."""
    return Field(default_factory=empty, exclude_if=lambda value: not value)


class SystemRecord(_Record):
    """One system of the catalog, as written; what each key means is in `schema.py`, where editors show it from."""

    name: Text
    kind: Kind
    aliases: tuple[Text, ...] = _optional(tuple)
    description: Text = ""
    reference: Reference | None = None
    tags: tuple[Text, ...] = ()
    behaviour: Behaviour = "unknown"
    variables: dict[str, StateVariable] = _optional(dict)
    parameters: ParameterValues = Field(default_factory=dict)
    ranges: dict[str, Range] = _optional(dict)
    definitions: dict[str, Expression] = Field(default_factory=dict)
    indices: dict[str, Integer | Text] = Field(default_factory=dict)
    equations: dict[str, Expression]
    initial: dict[str, Scalar | ScalarList] = Field(default_factory=dict)
    basin: dict[str, Range] = _optional(dict)
    avoid: tuple[Expression, ...] = _optional(tuple)
    history: dict[str, Expression] = Field(default_factory=dict)
    wrap: dict[str, tuple[Scalar, Scalar]] = Field(default_factory=dict)
    unbounded: tuple[Text, ...] = _optional(tuple)
    symmetries: tuple[dict[str, Expression], ...] = ()
    conserved: dict[str, Expression] = Field(default_factory=dict)
    timescale: Timescale | None = None
    variants: dict[str, WrittenVariant] = _optional(dict)
    published: tuple[Published, ...] = ()
    notes: Text = ""
    invariants: dict[str, Invariant] = Field(default_factory=dict)

    _source: Source = PrivateAttr(default_factory=Source)

    @model_validator(mode="after")
    def _obeys_the_rules(self) -> Self:
        problems = record_problems(self, most=MOST_PROBLEMS + 1)
        if problems:
            raise PydanticCustomError("rules", "the names do not fit together", {"problems": problems})
        return self

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, object], *, source: Source | None = None) -> SystemRecord:
        """The record of a mapping with the keys of a catalog file.

        Raises:
            CatalogError: with one line for every problem, each beginning with where it is.
        """
        source = source or Source()
        try:
            record = cls.model_validate(dict(mapping))
        except ValidationError as error:
            raise CatalogError("\n".join(sentences(error, mapping, source, cls))) from None
        record._source = source
        return record

    @property
    def source(self) -> Source:
        """Where the record was read; no part of equality, of the digest or of the file."""
        return self._source

    @property
    def state_variables(self) -> tuple[str, ...]:
        """Names of the state variables as declared, in order: `x` for `x[i]` (what it expands to is for `expressions`)."""
        return tuple(base_name(key) for key in self.equations)

    @property
    def dimension(self) -> int | None:
        """Number of state variables; None where the size of an index is more than a number or the name of a parameter."""
        counts = [self._count(key) for key in self.equations]
        return None if None in counts else sum(count for count in counts if count is not None)

    def _count(self, key: str) -> int | None:
        index = index_name(key)
        if index is None:
            return 1
        size = self.indices[index]
        number = self.parameters.get(size) if isinstance(size, str) else size
        return int(number) if isinstance(number, int | float) else None

    def variant(self, name: str) -> SystemRecord:
        """The record of a named variant: a system of its own, of the same name, with its own digest and nothing published or computed.

        Raises:
            CatalogError: there is no such variant, or what it changes does not fit.
        """
        if name not in self.variants:
            known = ", ".join(self.variants) or "none"
            message = f"{self.name} has no variant {name[:60]!r}; it has {known}.{nearest(name[:60], self.variants)}"
            raise CatalogError(message)
        return SystemRecord.from_mapping(variant_mapping(self, name), source=variant_source(self._source, name))

    @property
    def digest(self) -> str:
        """SHA-256, in hexadecimal, of what decides the bytes of a trajectory; annotations and prose do not."""
        text = json.dumps(_canonical(self), ensure_ascii=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode("ascii")).hexdigest()

    @property
    def stale(self) -> tuple[str, ...]:
        """The invariants that were computed from other equations, parameters or initial states than the entry has now."""
        return tuple(name for name, item in self.invariants.items() if item.digest is not None and not self.digest.startswith(item.digest))

    @property
    def unsigned(self) -> tuple[str, ...]:
        """The invariants that do not say what they were computed from."""
        return tuple(name for name, item in self.invariants.items() if item.digest is None)

    def where(self, key: str = "") -> str:
        """The beginning of a message about a dotted key: `catalog/flows/lorenz.yaml:14: equations.y`."""
        return self._source.where(self.name, key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SystemRecord) and self.model_dump() == other.model_dump()

    def __hash__(self) -> int:
        return hash((self.name, self.digest))


DIGESTED = ("kind", "equations", "definitions", "indices", "parameters", "initial", "history", "wrap", "timescale")


def _canonical(record: SystemRecord) -> list[object]:
    """Pairs in place of mappings, because the order of variables and parameters is the order in the store; what is empty is left out."""
    written = record.model_dump(include=set(DIGESTED), exclude_none=True)
    return [[key, _pairs(written[key])] for key in DIGESTED if written.get(key)]


def _pairs(value: object) -> object:
    if isinstance(value, Mapping):
        return [[key, _pairs(item)] for key, item in value.items()]
    if isinstance(value, tuple | list):
        return [_pairs(item) for item in value]
    return float(value) if isinstance(value, int) else value  # 10 and 10.0 are the same number


def _parents(key: str) -> list[str]:
    parts = key.split(".")
    return [".".join(parts[:count]) for count in range(len(parts), 0, -1)]
