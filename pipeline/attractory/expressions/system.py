"""The public System: a record and its mathematics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from attractory.catalog.names import base_name
from attractory.catalog.record import Invariant, Published, Reference, SystemRecord
from attractory.catalog.writing import entry_text
from attractory.errors import RequestError, nearest
from attractory.expressions.circles import circle
from attractory.expressions.definition import KINDS, Definition, Model, definition
from attractory.expressions.derivative import divergence, jacobian
from attractory.expressions.evaluate import evaluate
from attractory.expressions.graph import pruned
from attractory.expressions.parameters import parameter_values, structural_parameters

STANDARD_ERRORS = 5  # a leading exponent counts as positive when it is above zero by so many of its standard errors
CHAOTIC_OR_UNKNOWN = ("chaotic", "hyperchaotic", "conservative_chaotic", "transient_chaotic", "unknown")

Doubles = NDArray[np.float64]


class System:
    """A dynamical system: what its record says, and its equations as functions of states.

    Arrays of states are (n, variable), or (variable,) for one. Two systems are equal when their names and digests are.
    """

    def __init__(
        self,
        *,
        name: str,
        equations: Mapping[str, str | float],
        kind: str = "flow",
        parameters: Mapping[str, Any] | None = None,
        initial: Mapping[str, Any] | None = None,
        **entry: Any,
    ) -> None:
        """A system made in Python; the arguments are the keys of a catalog entry.

        Raises:
            CatalogError: the entry is not a system; one line for each problem.
            ExpressionError: an expression cannot be read.
        """
        keys = {"name": name, "kind": kind, "parameters": parameters or {}, "equations": equations, "initial": initial or {}, **entry}
        self._record = SystemRecord.from_mapping({key: _plain(value) for key, value in keys.items()})
        if self.kind in KINDS:
            self.definition  # noqa: B018  # an expression that cannot be read is refused here, not at the first call

    @classmethod
    def from_record(cls, record: SystemRecord) -> System:
        """The system of a catalog record; its expressions are read when first needed."""
        system = cls.__new__(cls)
        system._record = record
        return system

    def __reduce__(self) -> tuple[Callable[[SystemRecord], System], tuple[SystemRecord]]:
        return System.from_record, (self._record,)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, System) and (self.name, self.digest) == (other.name, other.digest)

    def __hash__(self) -> int:
        return hash((self.name, self.digest))

    def __repr__(self) -> str:
        return f"<System {self.name}: {self.kind}, {', '.join(self._record.equations)}>"

    @property
    def record(self) -> SystemRecord:
        return self._record

    def to_yaml(self) -> str:
        """The text of a catalog file with this system: written into a folder, it is an entry like any other."""
        return entry_text(self._record)

    @cached_property
    def definition(self) -> Definition:
        """The equations as a graph of scalars."""
        return definition(self._record)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what decides the bytes of a trajectory."""
        return self._record.digest

    @property
    def name(self) -> str:
        return self._record.name

    @property
    def kind(self) -> str:
        return self._record.kind

    @property
    def description(self) -> str:
        return self._record.description

    @property
    def behaviour(self) -> str:
        return self._record.behaviour

    @property
    def tags(self) -> tuple[str, ...]:
        return self._record.tags

    @property
    def reference(self) -> Reference | None:
        return self._record.reference

    @property
    def notes(self) -> str:
        return self._record.notes

    @property
    def published(self) -> tuple[Published, ...]:
        return self._record.published

    @property
    def invariants(self) -> dict[str, Invariant]:
        return dict(self._record.invariants)

    @property
    def equations(self) -> dict[str, str]:
        """As written; what is indexed stays so."""
        return dict(self._record.equations)

    @property
    def conserved(self) -> dict[str, str]:
        """Conserved quantities, as written."""
        return dict(self._record.conserved)

    @property
    def symmetries(self) -> tuple[dict[str, str], ...]:
        """Images of the state that obey the same equations, as written; a component that is not named keeps its value."""
        return tuple(dict(symmetry) for symmetry in self._record.symmetries)

    @property
    def ranges(self) -> dict[str, tuple[float, float]]:
        """[low, high) of each coordinate on a circle, by the name of its component."""
        return {self.variables[one.variable]: (one.low, one.high) for one in self.definition.wrap}

    @property
    def variables(self) -> tuple[str, ...]:
        """The state variables, one a component: x0, x1, … where the entry writes x[i]."""
        return self.definition.variables

    @property
    def dimension(self) -> int:
        return len(self.definition.variables)

    @property
    def initial(self) -> Doubles:
        """The catalogued initial state (variable,)."""
        return np.array(self.definition.initial)

    @cached_property
    def parameters(self) -> dict[str, Any]:
        """Each parameter as a float, or a list of floats; those that only give a size are here too."""
        return {name: _listed(value) for name, value in parameter_values(self._record).items()}

    @property
    def period(self) -> float | None:
        """The catalogued period in time units, or None where the entry has no timescale."""
        return self._record.timescale.period if self._record.timescale else None

    @property
    def lyapunov_time(self) -> float | None:
        """1 / leading Lyapunov exponent as annotated; None unless that is above zero by five standard errors and the system may be chaotic.

        Of regular motion an exponent may come out so too, by rounding or by the shear of neighbouring orbits. An annotation of other
        equations than the entry has now says nothing.
        """
        annotated = None if "lyapunov_spectrum" in self._record.stale else self._record.invariants.get("lyapunov_spectrum")
        if self.behaviour not in CHAOTIC_OR_UNKNOWN or annotated is None or annotated.standard_error is None:
            return None
        exponent, error = _leading(annotated.value), _leading(annotated.standard_error)
        return 1 / exponent if exponent > STANDARD_ERRORS * error and exponent > 0 else None

    def rhs(self, states: ArrayLike, t: ArrayLike = 0.0) -> Doubles:
        """Time derivatives (n, variable) at states (n, variable); for a map, the next states."""
        self._refuse_delays()
        return self._values(states, t, lambda points: evaluate(self.definition.graph, self.definition.roots, points, self._defaults, t))

    def jacobian(self, states: ArrayLike, t: ArrayLike = 0.0) -> Doubles:
        """Partial derivatives (n, equation, variable) at states (n, variable)."""
        self._refuse_delays()
        graph, rows = self._jacobian
        flat = [node for row in rows for node in row]
        shape = (self.dimension, self.dimension)
        return self._values(states, t, lambda points: evaluate(graph, flat, points, self._defaults, t).reshape(-1, *shape))

    def divergence(self, states: ArrayLike, t: ArrayLike = 0.0) -> Doubles:
        """The trace of the Jacobian (n,) at states (n, variable)."""
        self._refuse_delays()
        graph, node = self._divergence
        return self._values(states, t, lambda points: evaluate(graph, (node,), points, self._defaults, t)[:, 0])

    def conserved_quantities(self, states: ArrayLike, t: ArrayLike = 0.0) -> dict[str, Doubles]:
        """The value (n,) of each conserved quantity at states (n, variable)."""
        if not self._record.conserved:
            return {}
        graph, roots = self._conserved
        values = self._values(states, t, lambda points: evaluate(graph, roots, points, self._defaults, t))
        return {name: values[..., place] for place, name in enumerate(self._record.conserved)}

    def symmetry_images(self, states: ArrayLike, t: ArrayLike = 0.0) -> list[Doubles]:
        """The image (n, variable) of states (n, variable) under each symmetry."""
        return [self._values(states, t, self._evaluated(graph, roots, t)) for graph, roots in self._symmetries]

    def with_parameters(self, **values: float | str | list[Any]) -> System:
        """The system with other parameter values, of the same name; what the entry derives from them follows.

        Raises:
            RequestError: no parameter has that name.
        """
        for name in values:
            self._check_parameter(name)
        changed = {name: _plain(value) for name, value in values.items()}
        entry = {key: getattr(self._record, key) for key in SystemRecord.model_fields}
        entry["parameters"] = {**self._record.parameters, **changed}
        system = System.from_record(SystemRecord.from_mapping(entry, source=self._record.source))
        system.definition  # noqa: B018  # a size or a value that does not fit is refused here
        return system

    def as_text(self, target: str) -> str:
        """The system as text for another program: `sympy`, `latex`, `scipy`, `julia`, or `yaml` as an entry of the catalog.

        Raises:
            RequestError: there is no such target.
        """
        from attractory.expressions.export import as_text

        return as_text(self._record, target)

    def parameter_rows(self, values: Mapping[str, ArrayLike], trajectories: int) -> Doubles:
        """Parameters (trajectory, parameter) of an ensemble: `values` has a number or an array (trajectory,) for some, the others
        keep the catalogued value or follow from these.

        Raises:
            RequestError: no parameter has that name, an array has another length, or the parameter decides the system's size or a range.
        """
        rows = np.tile(self._defaults, (trajectories, 1))
        if not values:
            return rows
        columns = {name: self._parameter_column(name, value, trajectories) for name, value in values.items()}
        places = {name: place for place, name in enumerate(self.definition.parameters)}
        for row in range(trajectories):
            found = parameter_values(self._record, {name: float(column[row]) for name, column in columns.items()})
            self._check_ranges(found)
            for name, value in found.items():
                if name in places:
                    rows[row, places[name]] = value
        return rows

    @cached_property
    def _defaults(self) -> Doubles:
        return np.array(self.definition.values)

    @cached_property
    def _jacobian(self) -> Any:
        return jacobian(self.definition)

    @cached_property
    def _divergence(self) -> Any:
        return divergence(self.definition)

    @cached_property
    def _conserved(self) -> Any:
        model = Model(self._record)
        roots = tuple(model.number(f"conserved.{name}", text) for name, text in self._record.conserved.items())
        return pruned(model.builder.graph(), roots)

    @cached_property
    def _symmetries(self) -> list[Any]:
        model = Model(self._record)
        kept = [model.builder.variable(place) for place in range(self.dimension)]
        images = [dict(model.assignments(f"symmetries.{number}", texts)) for number, texts in enumerate(self._record.symmetries)]
        roots = [tuple(image.get(name, node) for name, node in zip(self.variables, kept, strict=True)) for image in images]
        graph = model.builder.graph()
        return [pruned(graph, image) for image in roots]

    def _evaluated(self, graph: Any, roots: tuple[int, ...], t: ArrayLike) -> Callable[[Doubles], Doubles]:
        return lambda points: evaluate(graph, roots, points, self._defaults, t)

    def _refuse_delays(self) -> None:
        if self.kind == "delay":
            message = f"{self.name}: a delay system's equations need its past, and states alone do not have it."
            raise RequestError(message)

    def _values(self, states: ArrayLike, t: ArrayLike, function: Callable[[Doubles], Doubles]) -> Doubles:
        points = np.asarray(states, dtype=np.float64)
        if points.ndim not in (1, 2) or points.shape[-1] != self.dimension:
            message = f"{self.name}: found states of shape {points.shape}, expected (n, {self.dimension}) or ({self.dimension},)."
            raise RequestError(message)
        if np.ndim(t) and np.shape(t) != points.shape[:1]:
            message = f"{self.name}: found t of shape {np.shape(t)}, expected a number or one for each of {len(points)} states."
            raise RequestError(message)
        values = function(np.atleast_2d(points))
        return values if points.ndim == 2 else values[0]

    def _check_ranges(self, values: Mapping[str, Any]) -> None:
        """A flow's ranges are the same for all trajectories; a map's are part of its equations."""
        texts = [str(end) for ends in self._record.wrap.values() for end in ends]
        if self.kind != "flow" or not any(name in text for text in texts for name in self._record.parameters):
            return
        for key in self._record.wrap:
            known = [one for one in self.definition.wrap if self.variables[one.variable] in (key, f"{base_name(key)}0")]
            if circle(self._record, key, values, known[0].variable) != known[0]:
                names = [name for name in self._record.parameters if any(name in text for text in texts)]
                message = f"{self._record.where(f'wrap.{key}')} would have another range with other values of {', '.join(names)}: "
                message += f"use system.with_parameters({names[0]}=…)."
                raise RequestError(message)

    def _check_parameter(self, name: str) -> None:
        known = self._record.parameters
        if name not in known:
            message = f"{self.name} has no parameter {name!r}; it has {', '.join(known) or 'none'}.{nearest(name, known)}"
            raise RequestError(message)

    def _parameter_column(self, name: str, value: ArrayLike, trajectories: int) -> Doubles:
        self._check_parameter(name)
        if name in structural_parameters(self._record):
            message = f"{self.name}: {name!r} decides the size of the system; use system.with_parameters({name}=…)."
            raise RequestError(message)
        if isinstance(self._record.parameters[name], tuple):
            message = f"{self.name}: {name!r} is a list; use system.with_parameters({name}=[…])."
            raise RequestError(message)
        column = np.asarray(value, dtype=np.float64)
        if column.shape not in ((), (trajectories,)):
            message = f"{self.name}: found {name} of shape {column.shape}, expected a number or ({trajectories},)."
            raise RequestError(message)
        return np.broadcast_to(column, (trajectories,))


def _plain(value: Any) -> Any:
    """Numpy's arrays and numbers as Python's, lists as tuples, mappings key by key: what a record is made of."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return tuple(_plain(item) for item in value) if isinstance(value, list | tuple) else value


def _listed(value: Any) -> Any:
    return [_listed(item) for item in value] if isinstance(value, tuple) else value


def _leading(value: Any) -> float:
    while isinstance(value, tuple | list):
        value = value[0]
    return float(value)
