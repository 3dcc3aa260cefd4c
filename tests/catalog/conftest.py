"""What the tests of the catalog share: the entries' equations as plain Python, independent of the package's own expressions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from attractory.catalog import SystemRecord

FUNCTIONS: dict[str, Any] = {
    **{name: getattr(math, name) for name in ("sin", "cos", "exp", "sqrt", "pi")},
    "abs": abs,
    "sign": lambda x: float(x > 0) - float(x < 0),
    "__builtins__": {},
}


class Ring(list[float]):
    """A list whose index is cyclic, as that of `x[i]` is."""

    def __getitem__(self, place: Any) -> Any:
        return super().__getitem__(place % len(self))


class Model:
    """An entry as Python functions. The packaged catalog is ours, so its text may be compiled here; the package never does that."""

    def __init__(self, record: SystemRecord, parameters: Mapping[str, float] | None = None) -> None:
        self.record = record
        self.names: dict[str, Any] = dict(FUNCTIONS)
        for name, written in {**record.parameters, **(parameters or {})}.items():
            self.names[name] = eval(str(written), self.names)
        self._compiled: dict[str, Any] = {}
        self.initial = self._expanded({key: str(value) for key, value in record.initial.items()}, dict(self.names))

    def rhs(self, t: float, state: Sequence[float]) -> list[float]:
        """The time derivative of each variable, or the next state of a map."""
        return self._expanded(self.record.equations, self._scope(t, state))

    def image(self, symmetry: Mapping[str, str], state: Sequence[float]) -> list[float]:
        """The state that a symmetry takes this one to."""
        return self._expanded({key: symmetry.get(key, key) for key in self.record.equations}, self._scope(0.0, state))

    def conserved(self, state: Sequence[float]) -> list[float]:
        return self._expanded(self.record.conserved, self._scope(0.0, state))

    def _scope(self, t: float, state: Sequence[float]) -> dict[str, Any]:
        scope = {**self.names, "t": t}
        if self.record.indices:
            scope["x"] = Ring(state)
        else:
            scope.update(zip(self.record.state_variables, state, strict=True))
        for name, text in self.record.definitions.items():
            scope[name] = self._value(text, scope)
        return scope

    def _expanded(self, texts: Mapping[str, str], scope: dict[str, Any]) -> list[float]:
        values = []
        for key, text in texts.items():
            if key.endswith("[i]"):
                values += [self._value(text, {**scope, "i": i}) for i in range(int(self.names["N"]))]
            else:
                values.append(self._value(text, scope))
        return values

    def _value(self, text: str, scope: dict[str, Any]) -> float:
        if text not in self._compiled:
            self._compiled[text] = compile(text, "entry", "eval")
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
