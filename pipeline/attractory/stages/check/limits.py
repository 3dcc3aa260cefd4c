"""How much an entry may cost. Everything is counted (nodes, steps, iterates), nothing is measured by a clock, so that a verdict does not
depend on the machine; the one promise about time, in `look`, is apart."""

from __future__ import annotations

from attractory.catalog import SystemRecord
from attractory.expressions.definition import Definition

# Beyond these a kernel takes seconds to compile, and a trajectory a second for each period.
MOST_VARIABLES = 2_000
MOST_NODES = 20_000
# Microseconds of one core for a step of the driver, and for each node of the graph in it, as measured: 0.3 for the Oregonator's nineteen.
_STEP, _NODE = 0.2, 0.03
SECOND = 1.0e6


def size_problem(record: SystemRecord, definition: Definition) -> str | None:
    """Why a system is too large to be tried, in a sentence; None where it is not."""
    variables, nodes = len(definition.variables), len(definition.graph.nodes)
    if variables <= MOST_VARIABLES and nodes <= MOST_NODES:
        return None
    found = f"{variables:,} variables and {nodes:,} operations"
    expected = f"at most {MOST_VARIABLES:,} variables and {MOST_NODES:,} operations"
    return f"{record.where('equations')} are {found}, too many to be tried: expected {expected}. Give the entry a smaller size."


def step_cost(definition: Definition) -> float:
    """What a step (of a map: an iterate) of a few trajectories side by side takes, in microseconds of one core, roughly."""
    return _STEP + _NODE * len(definition.graph.nodes)
