"""A record's equations as one graph: what kernels compile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from attractory.catalog.names import base_name, index_name
from attractory.catalog.record import SystemRecord
from attractory.errors import CatalogError, ExpressionError, RequestError
from attractory.expressions.circles import Circle, circle
from attractory.expressions.evaluate import evaluate
from attractory.expressions.expansion import Budget, Expander, Scope, Symbol
from attractory.expressions.graph import Graph, GraphBuilder, pruned, reachable
from attractory.expressions.parameters import (
    MAX_VARIABLES,
    Indices,
    Value,
    constant,
    constant_symbol,
    constants,
    index_sizes,
    integer_values,
    number_names,
    out_of_order,
    parameter_values,
    structural_parameters,
)
from attractory.expressions.parser import RESERVED, Expression, Names, parse

KINDS = ("flow", "map", "delay")
# What makes a right-hand side switch; the engine of delay systems has no event location.
SWITCHES = frozenset({"abs", "sign", "floor", "min", "max", "mod", "heaviside", "where"})
_LOOKS = 64  # at so many times of the longest delay, and at 0, a history must be a number


@dataclass(frozen=True)
class Delays:
    """What a delay system reads of its past.

    lags: nodes of the different delays, made of parameters and numbers. reads: (variable, lag) of each past state; read k is the graph's
    variable node of place len(variables) + k. history: a node of t and parameters for each variable, for t <= 0.
    """

    lags: tuple[int, ...]
    reads: tuple[tuple[int, int], ...]
    history: tuple[int, ...]


@dataclass(frozen=True)
class Definition:
    """A system as scalars and a graph.

    Indexed variables are named x0, x1, … and list parameters b[0], b[1], …; `values` and `initial` go with `parameters` and `variables`.
    `roots` are the nodes of the equations, in the order of the variables: time derivatives of a flow, next states of a map.
    `wrap`: coordinates on a circle; a map's equations take them modulo their ranges, a flow's do not.
    vectors: how many tangent vectors are among the variables, behind the system's own (`derivative.variational`).
    delays: what kind delay has; its `initial` is the history at t = 0.
    """

    name: str
    kind: str
    variables: tuple[str, ...]
    parameters: tuple[str, ...]
    values: tuple[float, ...]
    initial: tuple[float, ...]
    graph: Graph
    roots: tuple[int, ...]
    wrap: tuple[Circle, ...] = ()
    vectors: int = 0
    delays: Delays | None = None


def definition(record: SystemRecord) -> Definition:
    """The definition of a flow, a map or a delay system.

    Raises:
        ExpressionError: an expression cannot be read.
        RequestError: the kind is not integrated yet, or the system is too large.
    """
    if record.kind not in KINDS:
        message = f"{record.where('kind')} is {record.kind!r}; this version integrates flows, maps and delay systems."
        raise RequestError(message)
    model = Model(record)
    if record.kind == "delay":
        return _delay_definition(record, model)
    equations = model.assignments("equations", record.equations)
    roots = tuple(model.wrapped(name, node) for name, node in equations) if record.kind == "map" else tuple(node for _, node in equations)
    graph, roots = pruned(model.builder.graph(), roots)
    return Definition(
        name=record.name,
        kind=record.kind,
        variables=model.variables,
        parameters=tuple(model.parameters),
        values=tuple(model.parameters.values()),
        initial=model.initial(),
        graph=graph,
        roots=roots,
        wrap=model.circles(),
    )


def _delay_definition(record: SystemRecord, model: Model) -> Definition:
    if record.wrap:
        message = f"{record.where('wrap')} is for flows and maps; a delay system's samples are not turned back."
        raise CatalogError(message)
    equations = tuple(node for _, node in model.assignments("equations", record.equations))
    lags = tuple(dict.fromkeys(lag for _, lag in model.reads))
    history = model.history()
    graph, live = pruned(model.builder.graph(), (*equations, *lags, *history))
    count, size = len(equations), len(equations) + len(lags)
    delays = Delays(live[count:size], tuple((place, lags.index(lag)) for place, lag in model.reads), live[size:])
    _refuse_switches(record, graph, live[:count], delays.history)
    made = Definition(
        name=record.name,
        kind=record.kind,
        variables=model.variables,
        parameters=tuple(model.parameters),
        values=tuple(model.parameters.values()),
        initial=model.initial(),
        graph=graph,
        roots=live[:count],
        delays=delays,
    )
    _check_delays(record, made, delays)
    return made


def _refuse_switches(record: SystemRecord, graph: Graph, equations: tuple[int, ...], history: tuple[int, ...]) -> None:
    for section, roots in (("equations", equations), ("history", history)):
        found = SWITCHES & {graph.nodes[node].op for node in reachable(graph, roots)}
        if found:
            message = (
                f"{record.where(section)} use {min(found)}; delay systems with switches are not integrated, only smooth functions are."
            )
            raise CatalogError(message)


def lag_values(definition: Definition, parameters: NDArray[np.float64]) -> NDArray[np.float64]:
    """The delays (n, lag) of a delay system for parameters (n, parameter)."""
    return _values(definition, definition.delays.lags if definition.delays else (), parameters, np.zeros(len(parameters)))


def history_values(definition: Definition, parameters: NDArray[np.float64], times: NDArray[np.float64]) -> NDArray[np.float64]:
    """The history (n, variable) of a delay system for parameters (n, parameter) at times (n,)."""
    return _values(definition, definition.delays.history if definition.delays else (), parameters, times)


def _values(
    definition: Definition, roots: tuple[int, ...], parameters: NDArray[np.float64], times: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Nodes without states (n, root)."""
    graph, live = pruned(definition.graph, roots)
    return evaluate(graph, live, np.zeros((len(parameters), 1)), parameters, times)


def look_times(longest: float) -> NDArray[np.float64]:
    """Times in [-longest, 0] at which a history is looked at before any work."""
    return np.linspace(-longest, 0.0, _LOOKS + 1)


def _check_delays(record: SystemRecord, made: Definition, delays: Delays) -> None:
    """Nothing, where with the catalogued parameters each delay is above zero and the history is a number over the longest.

    Raises:
        CatalogError: one is not.
    """
    if not delays.reads:
        message = f"{record.where('equations')} read no past state. Write x(t - tau), or kind: flow."
        raise CatalogError(message)
    parameters = np.array([made.values])
    lags = lag_values(made, parameters)[0]
    for lag in lags:
        if not 0 < lag < np.inf:
            message = f"{record.where('equations')} have a delay of {lag:g} with these parameters; expected a finite number above zero."
            raise CatalogError(message)
    times = look_times(float(lags.max()))
    values = history_values(made, np.repeat(parameters, len(times), axis=0), times)
    for place, name in enumerate(made.variables):
        wrong = np.flatnonzero(~np.isfinite(values[:, place]))
        if len(wrong):
            message = (
                f"{record.where('history')} gives {name} the value {values[wrong[0], place]} at t = {times[wrong[0]]:g}; expected a finite"
            )
            raise CatalogError(message + f" number for every t from {times[0]:g} to 0.")


class Model:
    """One record's names in one builder: variables, parameters and definitions as nodes, ready for any expression of the record."""

    def __init__(self, record: SystemRecord) -> None:
        self.record = record
        self.builder = GraphBuilder()
        self.values = parameter_values(record)
        self.sizes = index_sizes(record, self.values)
        self.shapes = _shapes(record, self.sizes)
        self.variables = tuple(name for names in self.shapes.values() for name in names)
        structural = structural_parameters(record)
        self.parameters = dict(_flat({name: value for name, value in self.values.items() if name not in structural}))
        self._symbols: dict[str, Symbol] = {"t": self.builder.time(), **self._variable_symbols(), **self._parameter_symbols(structural)}
        self.reads: dict[tuple[int, int], int] = {}  # (variable, node of the lag) -> number of the read
        delayed = self._read if record.kind == "delay" else None
        scope = Scope(self._symbols, frozenset(self.shapes), self.sizes, integer_values(self.values), delayed)
        self._budget = Budget()
        self._expander = Expander(self.builder, scope, self._budget)
        self._numbers = number_names(self.values, "parameter", indices=set(self.sizes), unusable=self._state_in_number)
        self._indexed = _indexed(record)
        self._names = expression_names(record, self.values, index=None, definitions=set())  # grows by the definitions
        for name, text in record.definitions.items():
            self._symbols[name] = self.number(f"definitions.{name}", text)
            self._names.scalars.add(name)  # type: ignore[attr-defined]  # a set, made by expression_names

    def number(self, key: str, text: str) -> int:
        """The node of an expression without free indices, written under a dotted key."""
        return self._expander.node(self._parsed(key, text, None))

    def assignments(self, section: str, texts: Mapping[str, str]) -> Iterator[tuple[str, int]]:
        """(variable, node) of each line such as `y: x*z` or `x[i]: x[i+1] - x[i]`, one for each value of its index."""
        for key, text in texts.items():
            base, index = base_name(key), index_name(key)
            expression = self._parsed(f"{section}.{key}", text, index)
            bindings = self._bindings(f"{section}.{key}", base, index)
            yield from zip(self.shapes[base], self._expander.nodes(expression, bindings), strict=True)

    def wrapped(self, variable: str, node: int) -> int:
        """The node taken modulo the variable's range, where it has one."""
        key = self._wrapped_by.get(variable)
        if key is None:
            return node
        where = self.record.where(f"wrap.{key}")
        names = number_names(self.values, "parameter")
        ends = [self._expander.node(parse(str(end), names, where=where)) for end in self.record.wrap[key]]
        return self._modulo(node, *ends, where=where)

    @cached_property
    def _wrapped_by(self) -> dict[str, str]:
        """The key of `wrap` for each variable that has a range; the first, where there are two."""
        return {name: key for key in reversed(self.record.wrap) for name in self.shapes[base_name(key)]}

    def circles(self) -> tuple[Circle, ...]:
        """The coordinates on a circle, in the order of the variables."""
        place = {name: number for number, name in enumerate(self.variables)}
        found: list[Circle] = []
        for key in self.record.wrap:
            one = circle(self.record, key, self.values, 0)
            found += [one._replace(variable=place[name]) for name in self.shapes[base_name(key)]]
        return tuple(sorted(found))

    def _modulo(self, node: int, low: int, high: int, *, where: str) -> int:
        builder = self.builder
        width = builder.add("sub", high, low)
        known = builder.value(width)
        if known is not None and known <= 0:
            message = f"{where} is a range of width {known:g}, expected [low, high] with low below high."
            raise CatalogError(message)
        if builder.value(low) == 0:
            found = builder.add("mod", node, width)
        else:
            found = builder.add("add", low, builder.add("mod", builder.add("sub", node, low), width))
        # A rounding may lead to the upper end, or below the lower one, which are the same point of the circle; NaN stays.
        found = builder.add("where", builder.add("ge", found, high), low, found)
        return builder.add("where", builder.add("lt", found, low), low, found)

    def _read(self, variable: int, lag: int) -> int:
        """The node of a variable's past: a variable beyond the system's own."""
        number = self.reads.setdefault((self.builder.nodes[variable].place, lag), len(self.reads))
        return self.builder.variable(len(self.variables) + number)

    def history(self) -> tuple[int, ...]:
        """The nodes of the history, one for each variable."""
        found: dict[str, int] = {}
        numbers = number_names(self.values, "parameter or t")
        for key, text in self.record.history.items():
            base, index, dotted = base_name(key), index_name(key), f"history.{key}"
            bindings = self._bindings(dotted, base, index) if index else [{}] * len(self.shapes[base])
            bound = {index} if index else set()
            names = Names({*numbers.scalars, "t"}, numbers.lists, numbers.integers, set(self.sizes), bound, words=numbers.words)
            expression = parse(text, names, where=self.record.where(dotted))
            found.update(zip(self.shapes[base], self._expander.nodes(expression, bindings), strict=True))
        return tuple(found[name] for name in self.variables)

    def initial(self) -> tuple[float, ...]:
        """The initial state, evaluated: one number for each variable; of a delay system, its history at t = 0."""
        if self.record.kind == "delay":
            history = self.history()  # makes nodes of the graph
            graph, live = pruned(self.builder.graph(), history)
            values = evaluate(graph, live, np.zeros((1, 1)), list(self.parameters.values()))
            return tuple(float(value) for value in values[0])
        found: dict[str, float] = {}
        for key, written in self.record.initial.items():
            base, index = base_name(key), index_name(key)
            found.update(zip(self.shapes[base], self._initial_values(key, written, index), strict=True))
        missing = [name for name in self.variables if name not in found]
        if missing:
            message = f"{self.record.where('initial')} has no value for {', '.join(missing[:8])}."
            raise CatalogError(message)
        return tuple(found[name] for name in self.variables)

    def _initial_values(self, key: str, written: object, index: str | None) -> list[float]:
        base, dotted = base_name(key), f"initial.{key}"
        bindings = self._bindings(dotted, base, index) if index else [{}]
        names = replace(self._numbers, bound={index} if index else set())
        size = len(self.shapes[base])
        if isinstance(written, str):
            indices = Indices(self.sizes, bindings, self._budget)
            values = constants(self.record, dotted, written, values=self.values, names=names, indices=indices)
            return values if index else values * size
        value = constant(self.record, dotted, written, values=self.values, names=names)  # type: ignore[arg-type]
        items = list(value) if isinstance(value, tuple) else [value] * size
        if len(items) != size or not all(isinstance(item, float) for item in items):
            message = f"{self.record.where(dotted)} has {len(items)} values, expected {size}."
            raise CatalogError(message)
        return [item for item in items if isinstance(item, float)]

    def _state_in_number(self, name: str) -> str | None:
        return "which is a state variable; an initial value is made of numbers and parameters." if name in self.shapes else None

    def _bindings(self, key: str, base: str, index: str | None) -> list[dict[str, int]]:
        indexed = base in self._indexed
        size = len(self.shapes[base])
        if (index is None) == indexed or (index and self.sizes[index] != size):
            wanted = f"{base}[…] with an index of {size} values" if indexed else base
            message = f"{self.record.where(key)} does not fit the equations, which have {wanted}."
            raise CatalogError(message)
        return [{index: place} for place in range(size)] if index else [{}]

    def _parsed(self, key: str, text: str, index: str | None) -> Expression:
        section, _, name = key.partition(".")
        above = partial(out_of_order, name, texts=self.record.definitions) if section == "definitions" else self._names.unusable
        names = replace(self._names, bound={index} if index else set(), unusable=above)
        return parse(text, names, where=self.record.where(key))

    def _variable_symbols(self) -> dict[str, Symbol]:
        place = {name: number for number, name in enumerate(self.variables)}
        indexed = _indexed(self.record)
        nodes = {base: tuple(self.builder.variable(place[name]) for name in names) for base, names in self.shapes.items()}
        return {base: symbol if base in indexed else symbol[0] for base, symbol in nodes.items()}

    def _parameter_symbols(self, structural: frozenset[str]) -> dict[str, Symbol]:
        place = {name: number for number, name in enumerate(self.parameters)}

        def symbol(name: str, value: Value) -> Symbol:
            if isinstance(value, tuple):
                return tuple(symbol(f"{name}[{number}]", item) for number, item in enumerate(value))
            return self.builder.parameter(place[name])

        return {
            name: constant_symbol(self.builder, value) if name in structural else symbol(name, value) for name, value in self.values.items()
        }


def expression_names(
    record: SystemRecord, values: Mapping[str, Value], *, index: str | None, definitions: set[str], current: str = ""
) -> Names:
    """What an equation, a definition or a conserved quantity may use; `definitions` are those that have a value already."""
    numbers = number_names(values, "")
    indexed = _indexed(record)
    section, _, name = current.partition(".")
    return Names(
        scalars={"t", *numbers.scalars, *definitions, *(base for base in record.state_variables if base not in indexed)},
        lists={*numbers.lists, *indexed},
        integers=numbers.integers,
        indices=set(record.indices),
        bound={index} if index else set(),
        states=set(record.state_variables),
        delays=record.kind == "delay",
        unusable=lambda found: out_of_order(name, found, record.definitions) if section == "definitions" else None,
    )


def _indexed(record: SystemRecord) -> set[str]:
    return {base_name(key) for key in record.equations if index_name(key)}


def _shapes(record: SystemRecord, sizes: Mapping[str, int]) -> dict[str, tuple[str, ...]]:
    """The scalar names of each declared variable: x0, x1, … of `x[i]`, and y of `y`."""
    total = sum(sizes[index] if (index := index_name(key)) else 1 for key in record.equations)
    if total > MAX_VARIABLES:
        message = f"{record.where('equations')} stands for {total:,} variables; a system has at most {MAX_VARIABLES:,}."
        raise RequestError(message)
    shapes = {}
    for key in record.equations:
        base, index = base_name(key), index_name(key)
        if base in RESERVED:
            message = f"{record.where(f'equations.{key}')} hides {base!r}, a function or time. Choose another name."
            raise ExpressionError(message)
        shapes[base] = tuple(f"{base}{place}" for place in range(sizes[index])) if index else (base,)
    return shapes


def _flat(values: Mapping[str, Value]) -> Iterator[tuple[str, float]]:
    for name, value in values.items():
        if isinstance(value, tuple):
            yield from _flat({f"{name}[{place}]": item for place, item in enumerate(value)})
        else:
            yield name, value
