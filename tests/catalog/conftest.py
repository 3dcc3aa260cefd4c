"""What the tests of the catalog share: the entries' equations as plain Python, independent of the package's own expressions."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from attractory.catalog import SystemRecord
from attractory.catalog.names import base_name, index_name

FUNCTIONS: dict[str, Any] = {
    **{name: getattr(math, name) for name in ("sin", "cos", "acos", "atan", "exp", "log", "sqrt", "tanh", "sinh", "cosh", "floor", "pi")},
    **{function.__name__: function for function in (abs, float, map, max, min, range, sum)},
    "sign": lambda x: float(x > 0) - float(x < 0),
    "heaviside": lambda x, h=0.5: float(x > 0) if x != 0 else h,
    "where": lambda condition, a, b: a if condition else b,
    "mod": lambda a, b: a - b * math.floor(a / b),
    "__builtins__": {},
}


class Ring(list[float]):
    """A list whose index is cyclic, as that of `x[i]` is."""

    def __getitem__(self, place: Any) -> Any:
        return super().__getitem__(place % len(self))


class Sums(ast.NodeTransformer):
    """`sum(x[j], j)` as Python's `sum(x[j] for j in range(size of j))`."""

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self.sizes = sizes

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "sum":
            term, index = node.args
            assert isinstance(index, ast.Name)
            text = f"sum({ast.unparse(term)} for {index.id} in range({self.sizes[index.id]}))"
            return ast.parse(text, mode="eval").body
        return node


class Elements(ast.NodeTransformer):
    """An expression at one value of its index: `x[i+1]` at i = 3 is the name `x_4`, and sums are written out."""

    def __init__(self, model: Model, bound: Mapping[str, int]) -> None:
        self.model, self.bound = model, bound

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        if not (isinstance(node.value, ast.Name) and node.value.id in self.model.lists):
            return self.generic_visit(node)
        element = eval(ast.unparse(node.slice), {**self.model.names, **self.bound})
        return ast.Name(f"{node.value.id}_{element % self.model.lists[node.value.id]}")

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Constant(self.bound[node.id]) if node.id in self.bound else node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if not (isinstance(node.func, ast.Name) and node.func.id == "sum"):
            return self.generic_visit(node)
        term, index = (ast.unparse(argument) for argument in node.args)
        bounds = [{**self.bound, index: value} for value in range(self.model.sizes[index])]
        terms = [ast.unparse(Elements(self.model, bound).visit(ast.parse(term, mode="eval"))) for bound in bounds]
        return ast.parse(" + ".join(f"({text})" for text in terms), mode="eval").body


class Model:
    """An entry as Python functions. The packaged catalog is ours, so its text may be compiled here; the package never does that."""

    def __init__(self, record: SystemRecord, parameters: Mapping[str, float] | None = None) -> None:
        self.record = record
        self.names: dict[str, Any] = dict(FUNCTIONS)
        for name, written in {**record.parameters, **(parameters or {})}.items():
            self.names[name] = self._number(written)
        self.sizes = {index: int(eval(str(size), self.names)) for index, size in record.indices.items()}
        self._indexed = any(map(index_name, record.equations))
        self.lists = {base_name(key): self.sizes[index] for key in record.equations if (index := index_name(key))}
        self._compiled: dict[str, Any] = {}
        self.rhs = self._function()  # the time derivative of each variable, or the next state of a map
        started = record.initial or record.history  # of a delay system, where its history ends
        self.initial = [number for key, value in started.items() for number in self._started(key, value)]

    def _number(self, written: Any) -> Any:
        return [self._number(item) for item in written] if isinstance(written, tuple | list) else eval(str(written), self.names)

    def _started(self, key: str, value: Any) -> list[float]:
        return list(map(float, value)) if isinstance(value, tuple) else self._expanded({key: str(value)}, {**self.names, "t": 0.0})

    def _function(self) -> Callable[[float, Sequence[float]], list[float]]:
        """The right-hand side as one Python function: an integrator written in Python calls it often."""
        names = ", ".join(self.record.state_variables) + ","
        lines = [self._taken_apart() if self._indexed else f"{names} = state"]
        lines += [f"{name} = {self._written_out(name, text)[0]}" for name, text in self.record.definitions.items()]
        values = [text for key, written in self.record.equations.items() for text in self._written_out(key, written)]
        scope: dict[str, Any] = {**self.names, "Ring": Ring}
        exec("\n    ".join(["def rhs(t, state):", *lines, f"return [{', '.join(values)}]"]), scope)
        function: Callable[[float, Sequence[float]], list[float]] = scope["rhs"]
        return function

    def _places(self) -> dict[str, slice | int]:
        """Where each variable of an entry with indices lies in the state: a part of it, or one place."""
        places: dict[str, slice | int] = {}
        start = 0
        for key in self.record.equations:
            index = index_name(key)
            stop = start + (1 if index is None else self.sizes[index])
            places[base_name(key)] = start if index is None else slice(start, stop)
            start = stop
        return places

    def _taken_apart(self) -> str:
        """A line that gives each element of the state a name of its own."""
        names = [
            f"{name}_{element}" if isinstance(place, slice) else name
            for name, place in self._places().items()
            for element in range(self.lists.get(name, 1))
        ]
        return f"{', '.join(names)}, = map(float, state)"

    def _written_out(self, key: str, text: str) -> list[str]:
        """An equation for each value of its index."""
        index = index_name(key)
        if not self._indexed:
            return [self._python(text)]
        bounds = [{}] if index is None else [{index: value} for value in range(self.sizes[index])]
        return [ast.unparse(Elements(self, bound).visit(ast.parse(text, mode="eval"))) for bound in bounds]

    def _python(self, text: str) -> str:
        return ast.unparse(Sums(self.sizes).visit(ast.parse(text, mode="eval")))

    def image(self, symmetry: Mapping[str, str], state: Sequence[float]) -> list[float]:
        """The state that a symmetry takes this one to."""
        return self._expanded({key: symmetry.get(key, key) for key in self.record.equations}, self._scope(0.0, state))

    def conserved(self, state: Sequence[float]) -> list[float]:
        return self._expanded(self.record.conserved, self._scope(0.0, state))

    def avoided(self) -> list[float]:
        """The expressions of `avoid` at the catalogued state."""
        scope = self._scope(0.0, self.initial)
        return [self._value(text, scope) for text in self.record.avoid]

    def _scope(self, t: float, state: Sequence[float]) -> dict[str, Any]:
        scope = {**self.names, "t": t}
        if self._indexed:
            for name, place in self._places().items():
                scope[name] = Ring(state[place]) if isinstance(place, slice) else state[place]
        else:
            scope.update(zip(self.record.state_variables, state, strict=True))
        for name, text in self.record.definitions.items():
            scope[name] = self._value(text, scope)
        return scope

    def _expanded(self, texts: Mapping[str, str], scope: dict[str, Any]) -> list[float]:
        values = []
        for key, text in texts.items():
            index = index_name(key)
            if index is None:
                values.append(self._value(text, scope))
            else:
                values += [self._value(text, {**scope, index: i}) for i in range(self.sizes[index])]
        return values

    def _value(self, text: str, scope: dict[str, Any]) -> float:
        if text not in self._compiled:
            self._compiled[text] = compile(self._python(text), "entry", "eval")
        return float(eval(self._compiled[text], scope))


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """A function that writes an entry's text into a file of a folder of the test's own."""

    def write_entry(text: str, name: str = "mine.yaml") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8"))
        return path

    return write_entry


@pytest.fixture(scope="session")
def model() -> type[Model]:
    """Entries as Python functions."""
    return Model
