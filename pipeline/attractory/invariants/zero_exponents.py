"""Which exponents of a spectrum are zero, by a rule, and whether theory agrees."""

from __future__ import annotations

import numpy as np

from attractory.expressions.system import System
from attractory.invariants.estimate import FloatArray, Setting
from attractory.invariants.growth_rates import KEPT_VOLUMES

# An exponent within so many standard errors of zero is taken for zero.
ERRORS_OF_ZERO = 3.0


def zero_exponents(system: System, value: FloatArray, errors: FloatArray, *, duration: float, resolution: float) -> dict[str, Setting]:
    """Settings: `zero_exponents` is how many lie within three standard errors of zero; `zero_consistent`, whether theory allows that.

    A flow without explicit time moves its own direction with it, and that neither grows nor shrinks where the motion is bounded and does
    not come to rest: at least one exponent is zero, unless all are negative. For each conserved quantity another one is. Maps, delay
    systems cut to their leading exponents and flows that are driven need have none.

    On tori neighbours part in proportion to the time T (`shear_limit`). No more than that is zero there, too.

    Args:
        duration: of each trajectory.
        resolution: what the integration's errors are worth, one tolerance an interval: no less is told from zero, not even where nothing
            scatters.
    Source: Haken, Physics Letters A 94, 71 (1983).
    """
    limit = zero_limit(system, value, errors, duration=duration, resolution=resolution)
    found = int((abs(value) <= limit).sum())
    return {"zero_exponents": found, "zero_consistent": found >= _fewest(system, value, errors)}


def zero_limit(system: System, value: FloatArray, errors: FloatArray, *, duration: float, resolution: float) -> FloatArray:
    """(exponent,): an exponent of at most this size is zero, by the rule of `zero_exponents`."""
    return np.maximum(np.maximum(ERRORS_OF_ZERO * errors, resolution), shear_limit(system, value, duration=duration))


def shear_limit(system: System, value: FloatArray, *, duration: float) -> float:
    """What neighbours that part in proportion to the time T look like: after n periods, an exponent of log(n) / T; 0 where none do.

    No scatter shows it, since all trajectories do the same. They do so on the tori of a system that conserves something: a quantity that
    it names, or volumes (its exponents are all there and add up to zero); and where regular motion has two exponents that are no larger.
    """
    limit = float(np.log(max(duration / (system.period or 1.0), 2.0)) / duration)
    keeps_volumes = len(value) == system.dimension and abs(value.sum()) <= KEPT_VOLUMES * abs(value).sum()
    is_neutral = system.behaviour in ("periodic", "quasiperiodic") and int((abs(value) <= limit).sum()) > 1
    return limit if keeps_volumes or system.conserved or is_neutral else 0.0


def _fewest(system: System, value: FloatArray, errors: FloatArray) -> int:
    """How many exponents must be zero, of those that were measured."""
    rests = value[0] < -ERRORS_OF_ZERO * errors[0]
    partial = len(value) < system.dimension and value[-1] > 0.0  # the zero ones may come later
    if system.kind != "flow" or rests or partial or is_driven(system):
        return 0
    return min((system.behaviour != "fixed_point") + len(system.conserved), len(value))


def is_driven(system: System) -> bool:
    """Whether the equations contain the time."""
    return any(node.op == "time" for node in system.definition.graph.nodes)
