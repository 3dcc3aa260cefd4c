"""How long a window is: in samples, in time, in periods or in Lyapunov times, which are other numbers of samples for each system."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from dataclasses import dataclass

from attractory.errors import RequestError, nearest
from attractory.loader.metadata import StoredGranularity, StoredSystem

Length = int | str | Mapping[str, float]
UNITS = ("samples", "time", "periods", "lyapunov_times")
WHOLE = "whole"


@dataclass(frozen=True)
class Span:
    """A length as it was asked for; the unit is one of UNITS, or "whole": all of a trajectory that is left."""

    name: str  # of the argument that it comes from, for messages
    unit: str
    amount: float

    def samples(self, system: StoredSystem, granularity: StoredGranularity, *, least: int) -> int:
        """The nearest number of samples, at least `least`; of a length in periods or Lyapunov times at least one where it is above zero.

        Raises:
            RequestError: the system has no period or Lyapunov time, or its samples have no fixed step.
        """
        if self.unit == "samples":
            return int(self.amount)
        seconds = self.amount * self._unit_time(system)
        if granularity.dt is None:
            message = (
                f"{self.name} in {self.unit}: the samples of {system.name}/{granularity.name} are no fixed time apart. Give it in samples."
            )
            raise RequestError(message)
        return max(least, 1 if self.amount > 0 else 0, round(seconds / granularity.dt))

    def _unit_time(self, system: StoredSystem) -> float:
        if self.unit == "time":
            return 1.0
        found = system.period if self.unit == "periods" else system.lyapunov_time
        if found is None:
            word = "period" if self.unit == "periods" else "Lyapunov time"
            message = f"{self.name} in {self.unit}: {system.name} has no {word}. Leave it out with systems= or where=, or give samples."
            raise RequestError(message)
        return found


def span(name: str, value: Length, *, least: int) -> Span:
    """A length as a caller writes it: 512, {"periods": 4}, {"lyapunov_times": 1.5}, {"time": 2.5}, {"samples": 512}; a context: "whole".

    Raises:
        RequestError: none of these, or shorter than `least` samples.
    """
    if value == WHOLE and name == "context":
        return Span(name, WHOLE, math.inf)
    if isinstance(value, Mapping):
        return _in_units(name, value, least=least)
    return Span(name, "samples", _whole(name, value, least=least))


def _in_units(name: str, value: Mapping[str, float], *, least: int) -> Span:
    if len(value) != 1:
        message = f"{name}={dict(value)!r}: expected one length, such as {{'periods': 4}}."
        raise RequestError(message)
    unit, amount = next(iter(value.items()))
    if unit not in UNITS:
        message = f"{name}={dict(value)!r}: {unit!r} is none of {', '.join(UNITS)}.{nearest(str(unit), UNITS)}"
        raise RequestError(message)
    if unit == "samples":
        return Span(name, unit, _whole(name, amount, least=least))
    if (
        isinstance(amount, bool)
        or not isinstance(amount, int | float)
        or not math.isfinite(amount)
        or amount < 0
        or (least and amount == 0)
    ):
        message = f"{name}={dict(value)!r}: expected a number {'above' if least else 'not below'} zero."
        raise RequestError(message)
    return Span(name, unit, float(amount))


def _whole(name: str, value: object, *, least: int) -> int:
    """A whole number that a caller gave, as a plain int."""
    try:
        number = operator.index(value)  # type: ignore[arg-type]  # what has no index is refused
    except TypeError as error:
        message = f"{name}={value!r}: expected a whole number, or a length such as {{'periods': 4}}."
        raise RequestError(message) from error
    if number < least:
        message = f"{name}={number}: expected at least {least}."
        raise RequestError(message)
    return number
