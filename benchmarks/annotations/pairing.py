"""Whether exponents come in pairs of one sum: the equations keep a symplectic form, or let it shrink at one rate everywhere.

With the Jacobian A of a flow, a constant antisymmetric matrix W that is not singular, and A'W + WA = c W at every state, the exponents add
up in pairs, the first with the last and so on, to c: c = 0 for Hamilton's equations, below 0 where friction is the same for all momenta.
Of a map J'WJ = s W, and c = log |s|. W is looked for, so that neither names nor order of the variables matter.

Source: Dressler, Physical Review A 38, 2103 (1988), for friction.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from attractory import System
from attractory.invariants.estimate import FloatArray
from attractory.invariants.mean_divergence import jumps

STATES, STATES_OF_MANY, MANY = 12, 3, 8  # by the number of variables: two Jacobians at random would do but for equations in pieces
ALIKE = 1e-9  # of the largest term: rounding
LARGEST = 40  # variables: of more the search takes minutes


def pair_sum(system: System) -> float | None:
    """What pairs of exponents add up to, by the equations; None where no constant form was found."""
    size = system.dimension
    if system.kind == "delay" or size % 2 or size > LARGEST or jumps(system):
        return None
    jacobians = _jacobians(system)
    if len(jacobians) < 2:
        return None
    if system.kind == "map":
        for factor in _factors(jacobians):
            if _keeps(jacobians, factor, is_map=True):
                return _rounded(float(np.log(abs(factor))))
        return None
    rates = 2.0 * np.trace(jacobians, axis1=1, axis2=2) / size
    if np.ptp(rates) > ALIKE * (1.0 + np.abs(jacobians).max()) or not _keeps(jacobians, float(rates.mean()), is_map=False):
        return None
    return _rounded(float(rates.mean()))


def _rounded(rate: float) -> float:
    """0 where it is zero but for the rounding of a trace or a determinant."""
    return 0.0 if abs(rate) < 1e-14 else rate


def _jacobians(system: System) -> FloatArray:
    """(state, row, column) at random states around the initial one and at random times, where they are finite."""
    draw, near = np.random.default_rng(0), system.initial
    count = STATES if len(near) <= MANY else STATES_OF_MANY
    states = near + 0.3 * (0.1 + np.abs(near)) * draw.uniform(-1, 1, (count, len(near)))
    with np.errstate(all="ignore"):
        found = system.jacobian(states, t=draw.uniform(0, 10, count))
    return np.asarray(found[np.isfinite(found).all(axis=(1, 2))])


def _factors(jacobians: FloatArray) -> Iterator[float]:
    """What a map may multiply its form by: the determinant is its (size / 2)-th power, and has to be one number."""
    determinants = np.linalg.det(jacobians)
    power = jacobians.shape[1] // 2
    if np.ptp(determinants) > ALIKE * (1.0 + np.abs(jacobians).max() ** (2 * power)) or determinants.mean() == 0.0:
        return
    size = abs(float(determinants.mean())) ** (1.0 / power)
    yield from (size, -size)


def _keeps(jacobians: FloatArray, factor: float, *, is_map: bool) -> bool:
    """Whether there is a form W, not singular, with A'W + WA = factor W, or J'WJ = factor W, at all states."""
    size = jacobians.shape[1]
    basis = _antisymmetric(size)
    if is_map:
        images = np.einsum("nji,pjk,nkl->npil", jacobians, basis, jacobians, optimize=True)
    else:
        images = np.einsum("nji,pjk->npik", jacobians, basis) + np.einsum("pij,njk->npik", basis, jacobians)
    equations = (images - factor * basis).transpose(0, 2, 3, 1).reshape(-1, len(basis))
    _, sizes, directions = np.linalg.svd(equations, full_matrices=False)
    scale = max(float(np.abs(images).max()), abs(factor), 1e-300)
    free = directions[sizes <= ALIKE * scale * len(equations) ** 0.5]
    if not len(free):
        return False
    mixed = np.tensordot(np.random.default_rng(1).standard_normal(len(free)) @ free, basis, axes=1)
    return bool(np.linalg.cond(mixed) < 1.0 / ALIKE)


def _antisymmetric(size: int) -> FloatArray:
    """A basis (pair, row, column) of the antisymmetric matrices."""
    pairs = list(combinations(range(size), 2))
    basis = np.zeros((len(pairs), size, size))
    for place, (row, column) in enumerate(pairs):
        basis[place, row, column], basis[place, column, row] = 1.0, -1.0
    return basis
