"""What the tests of the catalog share: the entries' equations as plain Python, independent of the package's own expressions."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from attractory.catalog import SystemRecord
from attractory.catalog.names import index_name

FUNCTIONS: dict[str, Any] = {
    **{name: getattr(math, name) for name in ("sin", "cos", "acos", "exp", "log", "sqrt", "tanh", "sinh", "cosh", "floor", "pi")},
    **{function.__name__: function for function in (abs, max, min, range, sum)},
    "sign": lambda x: float(x > 0) - float(x < 0),
    "heaviside": lambda x, h=0.5: float(x > 0) if x != 0 else h,
    "where": lambda condition, a, b: a if condition else b,
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


class Model:
    """An entry as Python functions. The packaged catalog is ours, so its text may be compiled here; the package never does that."""

    def __init__(self, record: SystemRecord, parameters: Mapping[str, float] | None = None) -> None:
        self.record = record
        self.names: dict[str, Any] = dict(FUNCTIONS)
        for name, written in {**record.parameters, **(parameters or {})}.items():
            self.names[name] = eval(str(written), self.names)
        self._sizes = {index: int(eval(str(size), self.names)) for index, size in record.indices.items()}
        self._indexed = any(map(index_name, record.equations))
        self._compiled: dict[str, Any] = {}
        self.rhs = self._function()  # the time derivative of each variable, or the next state of a map
        self.initial = [number for key, value in record.initial.items() for number in self._started(key, value)]

    def _started(self, key: str, value: Any) -> list[float]:
        return list(map(float, value)) if isinstance(value, tuple) else self._expanded({key: str(value)}, dict(self.names))

    def _function(self) -> Callable[[float, Sequence[float]], list[float]]:
        """The right-hand side as one Python function: an integrator written in Python calls it often."""
        indexed = self._indexed
        cyclic = indexed and any("[i+" in text or "[i-" in text for text in self.record.equations.values())
        names = ", ".join(self.record.state_variables) + ("" if indexed else ",")
        lines = [f"{names} = {'Ring(state)' if cyclic else 'state'}"]
        lines += [f"{name} = {self._python(text)}" for name, text in self.record.definitions.items()]
        repeated = f"*(({{}}) for i in range({self._sizes['i']}))" if indexed else "{}"
        values = [repeated.format(self._python(text)) for text in self.record.equations.values()]
        scope: dict[str, Any] = {**self.names, "Ring": Ring}
        exec("\n    ".join(["def rhs(t, state):", *lines, f"return [{', '.join(values)}]"]), scope)
        function: Callable[[float, Sequence[float]], list[float]] = scope["rhs"]
        return function

    def _python(self, text: str) -> str:
        return ast.unparse(Sums(self._sizes).visit(ast.parse(text, mode="eval")))

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
            scope[self.record.state_variables[0]] = Ring(state)
        else:
            scope.update(zip(self.record.state_variables, state, strict=True))
        for name, text in self.record.definitions.items():
            scope[name] = self._value(text, scope)
        return scope

    def _expanded(self, texts: Mapping[str, str], scope: dict[str, Any]) -> list[float]:
        values = []
        for key, text in texts.items():
            if key.endswith("[i]"):
                values += [self._value(text, {**scope, "i": i}) for i in range(self._sizes["i"])]
            else:
                values.append(self._value(text, scope))
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
