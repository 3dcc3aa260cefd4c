"""What is wrong with the mathematics of a catalog entry: what cannot be read, and what is readable but not true.

Readable claims (a symmetry, a conserved quantity) are tried at seeded random states around the initial one, where a wrong claim is off by
about as much as the terms that should cancel, and a right one by their rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attractory.catalog.names import base_name, index_name
from attractory.catalog.record import SystemRecord
from attractory.errors import CatalogError, RequestError
from attractory.expressions.definition import KINDS, Model, definition, expression_names, history_values, lag_values
from attractory.expressions.derivative import sparse_jacobian, tangents
from attractory.expressions.evaluate import evaluate
from attractory.expressions.parameters import Value, constant, index_sizes, number_names, parameter_values
from attractory.expressions.parser import Names, parse

STATES = 32
MOST_CIRCLES = 32  # tried one by one: the coordinates of a ring are alike
SPREAD = 0.1  # of 1 + |initial|: near enough to stay where logarithms and roots have a value
LONGEST_TIME = 10.0
ROUNDING = 2.0**18 * float(np.finfo(np.float64).eps)  # some hundred roundings of terms a thousand times the result: 6e-11

Doubles = NDArray[np.float64]


def problems(record: SystemRecord) -> tuple[str, ...]:
    """One sentence for each expression that cannot be read, or that has no number where one is needed; empty for a readable entry."""
    try:
        values = parameter_values(record)
        index_sizes(record, values)
    except RequestError as error:
        return (str(error),)  # everything else would be misread after this
    found = [message for check in _readings(record, values) if (message := _message(check))]
    if not found and record.kind in KINDS:
        found = [message for check in _meanings(record) if (message := _message(check))]
        if not found and record.kind == "delay":
            found = [message] if (message := _message(lambda: definition(record))) else []
    return tuple(dict.fromkeys(found))


def numerical_failures(record: SystemRecord, *, seed: int = 0) -> tuple[str, ...]:
    """One sentence for each claim of a readable entry that does not hold; empty where all do, and for kinds not integrated yet."""
    if record.kind not in KINDS:
        return ()
    if record.kind == "delay":
        return tuple(_infinite_delayed_rhs(record))
    trial = _trial(record, seed)
    found = (*_infinite_rhs(record, trial), *_broken_symmetries(record, trial), *_not_conserved(record, trial))
    return (*found, *_not_periodic(record, trial))


def circle_failures(record: SystemRecord, *, seed: int = 0) -> tuple[str, ...]:
    """Of these, one for each coordinate under `wrap` that is none on a circle."""
    return tuple(_not_periodic(record, _trial(record, seed))) if record.wrap and record.kind in KINDS else ()


def _message(check: Callable[[], object]) -> str | None:
    try:
        check()
    except RequestError as error:
        return str(error)
    return None


def _readings(record: SystemRecord, values: Mapping[str, Value]) -> Iterator[Callable[[], object]]:
    """A check for each expression on its own, so that one run finds all mistakes."""
    above: set[str] = set()
    for name, text in record.definitions.items():
        yield _reading(
            record,
            f"definitions.{name}",
            text,
            expression_names(record, values, index=None, definitions=set(above), current=f"definitions.{name}"),
        )
        above.add(name)
    sections = [("equations", record.equations), ("conserved", record.conserved)]
    sections += [(f"symmetries.{number}", symmetry) for number, symmetry in enumerate(record.symmetries)]
    for section, texts in sections:
        for key, text in texts.items():
            names = expression_names(record, values, index=index_name(key), definitions=above)
            yield _reading(record, f"{section}.{key}", text, names)
    for key, text in record.history.items():
        numbers = number_names(values, "parameter or t")
        yield _reading(record, f"history.{key}", text, Names({*numbers.scalars, "t"}, numbers.lists, numbers.integers, words=numbers.words))
    for key, (low, high) in record.wrap.items():
        yield _range(record, f"wrap.{key}", values, (low, high))


def _reading(record: SystemRecord, key: str, text: str, names: Names) -> Callable[[], object]:
    return lambda: parse(text, names, where=record.where(key))


def _range(record: SystemRecord, key: str, values: Mapping[str, Value], ends: tuple[Any, Any]) -> Callable[[], object]:
    def check() -> None:
        names = number_names(values, "parameter")
        low, high = (constant(record, key, end, values=values, names=names) for end in ends)
        if not isinstance(low, float) or not isinstance(high, float) or not low < high:
            message = f"{record.where(key)} is the range from {low} to {high}, expected [low, high] with low below high."
            raise CatalogError(message)

    return check


def _meanings(record: SystemRecord) -> Iterator[Callable[[], object]]:
    """Checks of what expressions stand for, once all can be read."""
    try:
        model = Model(record)
    except RequestError as error:
        yield _raising(error)
        return
    yield model.initial
    yield lambda: dict(model.assignments("equations", record.equations))
    for number, symmetry in enumerate(record.symmetries):
        yield _meaning(lambda section, texts: dict(model.assignments(section, texts)), f"symmetries.{number}", symmetry)
    for name, text in record.conserved.items():
        yield _meaning(model.number, f"conserved.{name}", text)


def _meaning(function: Callable[[str, Any], object], key: str, written: Any) -> Callable[[], object]:
    return lambda: function(key, written)


def _raising(error: RequestError) -> Callable[[], object]:
    def check() -> None:
        raise error

    return check


# --- claims, tried -----------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Trial:
    """A model with its equations as nodes, and where to try it: states (n, variable) with finite derivatives, and times (n,)."""

    model: Model
    roots: tuple[int, ...]
    states: Doubles
    times: Doubles

    def values(self, roots: Iterable[int], states: Doubles | None = None) -> Doubles:
        """The nodes' values (n, root) at the states."""
        at = self.states if states is None else states
        return evaluate(self.model.builder.graph(), tuple(roots), at, list(self.model.parameters.values()), self.times)


def _trial(record: SystemRecord, seed: int) -> _Trial:
    model = Model(record)
    equations = model.assignments("equations", record.equations)
    roots = tuple(model.wrapped(name, node) if record.kind == "map" else node for name, node in equations)
    initial = np.array(model.initial())
    random = np.random.Generator(np.random.Philox(seed))
    states = initial + SPREAD * (1 + np.abs(initial)) * random.uniform(-1, 1, (STATES, len(initial)))
    trial = _Trial(model, roots, states, random.uniform(0, LONGEST_TIME, STATES))
    finite = np.isfinite(trial.values(roots)).all(axis=1)
    return _Trial(model, roots, states[finite], trial.times[finite])


def _infinite_rhs(record: SystemRecord, trial: _Trial) -> Iterator[str]:
    initial = np.array([trial.model.initial()])
    values = evaluate(trial.model.builder.graph(), trial.roots, initial, list(trial.model.parameters.values()))[0]
    for name, value in zip(trial.model.variables, values, strict=True):
        if not np.isfinite(value):
            meaning = "next state" if record.kind == "map" else "time derivative"
            yield f"{record.where('initial')} gives {name} the {meaning} {value}; expected a finite number."


def _infinite_delayed_rhs(record: SystemRecord) -> Iterator[str]:
    """As `_infinite_rhs`, with the past as the history has it. Symmetries and conserved quantities of delay systems are not tried."""
    made = definition(record)
    parameters, delays = np.array([made.values]), made.delays
    lags = lag_values(made, parameters)[0]
    past = [history_values(made, parameters, np.array([-lags[lag]]))[0, variable] for variable, lag in (delays.reads if delays else ())]
    values = evaluate(made.graph, made.roots, np.array([[*made.initial, *past]]), list(made.values))[0]
    for name, value in zip(made.variables, values, strict=True):
        if not np.isfinite(value):
            yield f"{record.where('history')} gives {name} the time derivative {value} at t = 0; expected a finite number."


def _broken_symmetries(record: SystemRecord, trial: _Trial) -> Iterator[str]:
    for number, symmetry in enumerate(record.symmetries):
        section = f"symmetries.{number}"
        difference, scale = _symmetry_difference(record, trial, dict(trial.model.assignments(section, symmetry)))
        worst = _worst(difference, scale)
        if worst is None:
            yield f"{record.where(section)} cannot be tried: the equations have no value at any image of states near the initial one."
        elif difference[worst] > ROUNDING * scale[worst]:
            yield (
                f"{record.where(section)} is not a symmetry: at {_shown(trial, worst)} the equations at the image and the image of the"
                f" equations differ by {difference[worst]:.3g}, of {scale[worst]:.3g}."
            )


def _symmetry_difference(record: SystemRecord, trial: _Trial, image: Mapping[str, int]) -> tuple[Doubles, Doubles]:
    """How far f(S x) is from S'(x) f(x), for a map from S(f(x)), and the size (n,) of what is compared."""
    model = trial.model
    builder = model.builder
    nodes = [image.get(name, builder.variable(place)) for place, name in enumerate(model.variables)]
    there = trial.values(trial.roots, trial.values(nodes))
    if record.kind == "map":
        carried = trial.values(nodes, trial.values(trial.roots))
    else:
        zero = builder.const(0.0)
        moved = tangents(builder, nodes, {builder.variable(place): root for place, root in enumerate(trial.roots)})
        carried = trial.values([zero if tangent is None else tangent for tangent in moved])
    difference = np.abs(_around(record, model, there - carried)).max(axis=1)
    return difference, 1 + np.abs(there).max(axis=1) + np.abs(carried).max(axis=1)


def _around(record: SystemRecord, model: Model, difference: Doubles) -> Doubles:
    """Differences of a map's coordinates on a circle, taken the short way around."""
    if record.kind != "map":
        return difference
    names = number_names(model.values, "parameter")
    for key, ends in record.wrap.items():
        low, high = (constant(record, f"wrap.{key}", end, values=model.values, names=names) for end in ends)
        width = np.float64(high) - np.float64(low)  # type: ignore[arg-type]
        places = [model.variables.index(name) for name in model.shapes[base_name(key)]]
        difference[:, places] -= width * np.round(difference[:, places] / width)
    return difference


def _not_periodic(record: SystemRecord, trial: _Trial) -> Iterator[str]:
    """Equations and conserved quantities are the same after a whole turn of each coordinate on a circle."""
    model = trial.model
    kept = tuple(model.number(f"conserved.{name}", text) for name, text in record.conserved.items())
    for one in model.circles()[:MOST_CIRCLES]:
        turned = trial.states.copy()
        turned[:, one.variable] += one.width[0]
        change = _around(record, model, trial.values(trial.roots, turned) - trial.values(trial.roots))
        change = np.concatenate([change, trial.values(kept, turned) - trial.values(kept)], axis=1)
        sizes = np.abs(np.concatenate([trial.values(trial.roots), trial.values(kept)], axis=1))
        difference, scale = np.abs(change).max(axis=1), 1 + sizes.max(axis=1)
        worst = _worst(difference, scale)
        if worst is not None and difference[worst] > ROUNDING * scale[worst]:
            name = model.variables[one.variable]
            yield (
                f"{record.where('wrap')} says that {name} is on a circle, but a turn of {one.width[0]:.6g} changes the equations or a"
                f" conserved quantity by {difference[worst]:.3g}, of {scale[worst]:.3g}, at {_shown(trial, worst)}."
            )


def _not_conserved(record: SystemRecord, trial: _Trial) -> Iterator[str]:
    for name, text in record.conserved.items():
        key = f"conserved.{name}"
        change, scale = _change(record, trial, trial.model.number(key, text))
        worst = _worst(change, scale)
        if worst is None:
            yield f"{record.where(key)} has no value at any state near the initial one."
        elif scale[worst] == 0:
            yield f"{record.where(key)} does not depend on the state."
        elif change[worst] > ROUNDING * scale[worst]:
            rate = "from one state to the next" if record.kind == "map" else "in unit time"
            yield (
                f"{record.where(key)} is not conserved: it changes by {change[worst]:.3g} {rate} at {_shown(trial, worst)},"
                f" by terms of size {scale[worst]:.3g}."
            )


def _change(record: SystemRecord, trial: _Trial, node: int) -> tuple[Doubles, Doubles]:
    """How much a quantity changes (n,), and the size (n,) of the terms that should cancel."""
    builder = trial.model.builder
    (gradient,) = sparse_jacobian(builder, (node,))
    slopes = np.abs(trial.values(gradient.values()))
    places = list(gradient)
    if record.kind == "map":
        following = trial.values(trial.roots)
        change = trial.values((node,), following)[:, 0] - trial.values((node,))[:, 0]
        return np.abs(change), (slopes * (np.abs(trial.states) + np.abs(following))[:, places]).sum(axis=1)
    seeds = {builder.variable(place): root for place, root in enumerate(trial.roots)} | {builder.time(): builder.const(1.0)}
    (moved,) = tangents(builder, (node,), seeds)
    terms = (slopes * np.abs(trial.values(trial.roots))[:, places]).sum(axis=1)
    return (np.zeros(len(terms)) if moved is None else np.abs(trial.values((moved,))[:, 0])), terms


def _worst(difference: Doubles, scale: Doubles) -> int | None:
    """The state with the largest relative difference among those that have one."""
    relative = np.where(np.isfinite(difference) & np.isfinite(scale), difference / np.maximum(scale, 1e-300), -1.0)
    return int(relative.argmax()) if relative.size and relative.max() >= 0 else None


def _shown(trial: _Trial, row: int) -> str:
    named = [f"{name} = {value:.4g}" for name, value in zip(trial.model.variables, trial.states[row], strict=True)]
    return ", ".join(named[:6]) + (", …" if len(named) > 6 else "")
