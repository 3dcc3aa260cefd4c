"""A system's annotations in the dysts database beside ours, and why some are not compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from attractory.expressions.system import STANDARD_ERRORS

CHAOTIC = ("chaotic", "hyperchaotic", "conservative_chaotic")
# Their column -> our quantity, of which the first number is meant.
QUANTITIES = {
    "spectrum": "lyapunov_spectrum",
    "maximum": "lyapunov_spectrum",
    "D_KY": "kaplan_yorke_dimension",
    "D2": "correlation_dimension",
}


@dataclass(frozen=True)
class Ours:
    """What is compared: the entry or its variant, what it does, and quantity -> value and standard_error."""

    of: str
    behaviour: str
    invariants: Mapping[str, Any]


@dataclass(frozen=True)
class Cell:
    """One number beside the other; None where one of them is missing."""

    value: float | None
    error: float | None
    theirs: float | None

    @property
    def relative(self) -> float | None:
        """(theirs - ours) / |ours|."""
        if self.value is None or self.theirs is None or self.value == 0.0:
            return None
        return (self.theirs - self.value) / abs(self.value)


@dataclass(frozen=True)
class Row:
    """One system: what is compared, why it is left out ("" where it is not), whether it is regular here, and the cells by their columns."""

    name: str
    of: str
    left_out: str
    regular: str
    cells: Mapping[str, Cell]


def compared(name: str, theirs: Mapping[str, Any], ours: Ours | None) -> Row:
    """The row of one system of dysts."""
    if ours is None:
        return Row(name, "", "not in the catalog", "", {})
    motion = theirs.get("motion", "")
    behaviour = motion or "chaotic" if ours.behaviour == "unknown" else ours.behaviour
    if "lyapunov_spectrum" not in ours.invariants:
        return Row(name, ours.of, f"the {ours.of} is not annotated yet", "", {})
    if motion and ours.of == "entry" and behaviour in CHAOTIC:
        return Row(name, ours.of, f"from the initial state that dysts has the motion is {motion.replace('_', ' ')}", "", {})
    cells = {column: _cell(ours.invariants, quantity, theirs.get(column)) for column, quantity in QUANTITIES.items()}
    leading = cells["spectrum"]
    zero = leading.value is not None and leading.value < STANDARD_ERRORS * (leading.error or 0.0)
    regular = behaviour.replace("_", " ") if behaviour not in CHAOTIC else ("not above zero" if zero else "")
    return Row(name, ours.of, "", regular, cells)


def _cell(invariants: Mapping[str, Any], quantity: str, theirs: float | None) -> Cell:
    found = invariants.get(quantity)
    if found is None or found["standard_error"] is None:
        return Cell(None, None, theirs)
    value, error = np.ravel(found["value"]), np.ravel(found["standard_error"])
    return Cell(float(value[0]), float(error[0]), theirs)
