"""The annotations of a catalog as arrays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from attractory import System
from attractory.catalog import SystemRecord, read_catalog
from attractory.invariants.estimate import FloatArray

CHAOTIC = ("chaotic", "hyperchaotic", "conservative_chaotic")


@dataclass(frozen=True)
class Annotated:
    """An entry and its annotations; each quantity is (number,) with its errors."""

    record: SystemRecord

    @property
    def name(self) -> str:
        return self.record.name

    @cached_property
    def system(self) -> System:
        return System.from_record(self.record)

    def has(self, *quantities: str) -> bool:
        """Whether all of these are annotated, with errors, from the equations that the entry has now."""
        found = [self.record.invariants.get(quantity) for quantity in quantities if quantity not in self.record.stale]
        return len(found) == len(quantities) and all(one is not None and one.standard_error is not None for one in found)

    def value(self, quantity: str) -> FloatArray:
        return np.atleast_1d(np.asarray(self.record.invariants[quantity].value, np.float64))

    def error(self, quantity: str) -> FloatArray:
        return np.atleast_1d(np.asarray(self.record.invariants[quantity].standard_error, np.float64))

    def setting(self, quantity: str, name: str, default: Any = None) -> Any:
        return self.record.invariants[quantity].settings.get(name, default)

    @property
    def is_chaotic(self) -> bool:
        """Whether the entry says that its motion is chaotic and stays so."""
        return self.record.behaviour in CHAOTIC

    @property
    def is_whole(self) -> bool:
        """Whether all exponents are annotated that there are."""
        return (
            self.has("lyapunov_spectrum") and self.record.kind != "delay" and len(self.value("lyapunov_spectrum")) == self.system.dimension
        )


def entries(folder: Path | None) -> Iterator[Annotated]:
    """Every entry of a catalog, in the order of its names; None is the checkout's."""
    catalog = read_catalog(folder)
    for name in sorted(catalog):
        yield Annotated(catalog.get(name))
