"""Angles between the unstable, the neutral and the stable directions of a system: how far from tangent they are."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import islice

import numpy as np

from attractory.errors import RequestError
from attractory.expressions.doors import as_system
from attractory.expressions.system import System
from attractory.invariants.covariant_vectors import ForwardRun, covariant_vectors, forward_run
from attractory.invariants.estimate import Estimate, FloatArray, Setting
from attractory.invariants.growth_rates import Effort, rate_error, swing_error
from attractory.invariants.orthonormal_vectors import orthonormalise
from attractory.invariants.signals import trajectory_groups
from attractory.invariants.zero_exponents import zero_limit

METHOD = "covariant Lyapunov vectors by Ginelli et al., Phys. Rev. Lett. 99, 130601 (2007); smallest principal angles of their subspaces"
LEVELS = (0.01, 0.1, 0.5)
_INTERVALS = 2048  # where no budget is given; half of them are settling, a quarter at each end
_FEWEST_INTERVALS = 128
_TRAJECTORIES = 32
_SETTLED = 7.0  # directions differ by less than a thousandth from what they tend to
_BINS = 90
_OCTAVES = 24
_BLOCKS = 16


@dataclass(frozen=True)
class Subspaces:
    """How many of the exponents, largest first, are unstable and how many neutral; the others are stable."""

    unstable: int
    neutral: int = 0


def covariant_angles(system: System | str, *, subspaces: Subspaces | None = None, effort: Effort | None = None, seed: int = 0) -> Estimate:
    """Quantiles (pair, level) of the angles between subspaces, in radians from 0 to pi/2, at the levels 0.01, 0.1 and 0.5.

    The pairs are unstable and stable and, where there are neutral directions, unstable and neutral, neutral and stable, and both of the
    former together and stable (`settings["pairs"]`). The angle of two subspaces is the smallest between a vector of each. It is
    Euclid's in the system's own variables: other units have other angles, and only whether they come near to zero is the system's.

    Args:
        subspaces: None finds them by the rule of `zero_exponents`: neutral is what is within three standard errors of zero.
        effort: `budget` is the time of each trajectory, settling included; None is 2,048 intervals. None at all is 32 trajectories.
    Returns:
        Estimate; standard errors by leaving out trajectories or blocks of time, the larger. settings: the smallest angle of each pair,
        the exponents by QR and of the covariant vectors with their errors, and settling_e_foldings: by how many factors of e directions
        of neighbouring subspaces parted while vectors settled. convergence: edges (edge,), counts (pair, bin); angle (octave,),
        share_below (pair, octave), the part of the angles below pi/2, pi/4, pi/8, …; growth (trajectory, block, exponent) along the
        covariant vectors.
    Raises:
        RequestError: a delay system, no unstable or no stable direction, or a budget in which the vectors do not settle.
        IntegrationError: no trajectory stayed on the attractor.
    """
    started = time.perf_counter()
    system, effort = as_system(system), effort or Effort(trajectories=_TRAJECTORIES)
    _refuse(system, effort)
    run = forward_run(system, intervals=_INTERVALS, fewest=_FEWEST_INTERVALS, seed=seed, effort=effort)
    rates = run.growth / run.interval
    exponents, errors = rates.mean(axis=(0, 1)), np.maximum(rate_error(_in_blocks(rates)), swing_error(rates))
    limit = zero_limit(system, exponents, errors, duration=run.interval * rates.shape[1], resolution=effort.tolerance / run.interval)
    spaces = subspaces or Subspaces(int((exponents > limit).sum()), int((np.abs(exponents) <= limit).sum()))
    pairs = _pairs(system, spaces)
    settled = _e_foldings(system, exponents, spaces, run.settling * run.interval)
    angles, growth = _along(run, list(pairs.values()))
    blocks = _in_blocks(growth / run.interval)
    settings: dict[str, Setting] = {
        "pairs": ", ".join(pairs),
        "levels": LEVELS,
        "smallest": tuple(angles.min(axis=(0, 1)).tolist()),
        "unstable": spaces.unstable,
        "neutral": spaces.neutral,
        "exponents": tuple(exponents.tolist()),
        "exponent_errors": tuple(errors.tolist()),
        "covariant_exponents": tuple(blocks.mean(axis=(0, 1)).tolist()),
        "covariant_exponent_errors": tuple(np.maximum(rate_error(blocks), swing_error(growth / run.interval)).tolist()),
        "settling_e_foldings": settled,
        "trajectories": len(angles),
        "angles": int(angles.shape[0] * angles.shape[1]),
        "interval": run.interval,
        "tolerance": effort.tolerance,
        "seed": seed,
    }
    value, error = _quantiles(angles)
    return Estimate(value, error, METHOD, settings, time.perf_counter() - started, {**_distribution(angles), "growth": blocks})


def _refuse(system: System, effort: Effort) -> None:
    """Raises RequestError where there are no covariant vectors to be had."""
    if system.kind == "delay":
        message = f"{system.name} is a delay system: its covariant vectors are functions; expected a flow or a map."
        raise RequestError(message)
    if system.dimension < 2:
        message = f"{system.name} has one variable and so one direction; expected at least two variables."
        raise RequestError(message)
    if effort.trajectories < 2:
        message = f"trajectories={effort.trajectories}: at least 2 are needed for a standard error"
        raise RequestError(message)
    if effort.core_seconds is not None:
        message = f"core_seconds={effort.core_seconds:g}: expected None; give the time of each trajectory as budget."
        raise RequestError(message)


def _pairs(system: System, spaces: Subspaces) -> dict[str, tuple[slice, slice]]:
    """The vectors of both subspaces of each pair by its name.

    Raises:
        RequestError: one of them would be empty.
    """
    unstable, neutral = spaces.unstable, spaces.neutral
    if unstable < 1 or neutral < 0 or unstable + neutral >= system.dimension:
        message = (
            f"{system.name} has {unstable} unstable and {neutral} neutral of {system.dimension} directions; expected an unstable and a "
            "stable one at least"
        )
        raise RequestError(message)
    first, middle, last = slice(unstable), slice(unstable, unstable + neutral), slice(unstable + neutral, None)
    pairs = {"unstable-stable": (first, last)}
    if neutral:
        together = slice(unstable + neutral)
        pairs |= {"unstable-neutral": (first, middle), "neutral-stable": (middle, last), "unstable and neutral-stable": (together, last)}
    return pairs


def _e_foldings(system: System, exponents: FloatArray, spaces: Subspaces, duration: float) -> float:
    """By how many factors of e neighbouring subspaces part in a time.

    Raises:
        RequestError: by less than seven.
    """
    ends = {spaces.unstable, spaces.unstable + spaces.neutral}
    gap = min(float(exponents[end - 1] - exponents[end]) for end in ends)
    if gap * duration < _SETTLED:
        message = (
            f"{system.name}: directions part by {max(gap, 0.0) * duration:.1f} factors of e while the vectors settle, in {duration:g} time "
            f"units; expected {_SETTLED:g} at least. Give a larger budget: the gap between the exponents is {gap:.2g}"
        )
        raise RequestError(message)
    return gap * duration


def _along(run: ForwardRun, pairs: list[tuple[slice, slice]]) -> tuple[FloatArray, FloatArray]:
    """Angles (trajectory, time, pair) and growth (trajectory, time, vector) where the vectors have settled on the way back, too."""
    angles, growth = [], []
    for found in islice(covariant_vectors(run), run.settling, None):
        angles.append(np.stack([smallest_angles(found.vectors[:, first], found.vectors[:, last]) for first, last in pairs], axis=1))
        growth.append(found.growth)
    return np.stack(angles[::-1], axis=1), np.stack(growth[::-1], axis=1)


def smallest_angles(first: FloatArray, last: FloatArray) -> FloatArray:
    """The smallest principal angle (trajectory,) of the subspaces that vectors (trajectory, vector, variable) span.

    From sine and cosine, so that small angles and those near pi/2 have all their digits (Björck and Golub, Math. Comp. 27, 579 (1973)).
    """
    first, last = _basis(first), _basis(last)
    products = last @ first.transpose(0, 2, 1)
    sine = np.linalg.svd(last - products @ first, compute_uv=False)[:, -1]
    cosine = np.linalg.svd(products, compute_uv=False)[:, 0]
    angles: FloatArray = np.arctan2(sine, cosine)
    return angles


def _basis(vectors: FloatArray) -> FloatArray:
    basis = vectors.copy()
    orthonormalise(basis, np.empty(basis.shape[:2]))
    return basis


def _in_blocks(rates: FloatArray) -> FloatArray:
    """(trajectory, block, exponent)."""
    return np.stack([part.mean(axis=1) for part in np.array_split(rates, _BLOCKS, axis=1)], axis=1)


def _quantiles(angles: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(pair, level) of angles (trajectory, time, pair), and their standard errors: the larger of two jackknives."""
    value = np.quantile(angles, LEVELS, axis=(0, 1)).T
    groups, times = trajectory_groups(len(angles)), np.arange(angles.shape[1]) * _BLOCKS // angles.shape[1]
    by_trajectory = [angles[groups != group].reshape(-1, angles.shape[2]) for group in range(groups[-1] + 1)]
    by_time = [angles[:, times != block].reshape(-1, angles.shape[2]) for block in range(_BLOCKS)]
    return value, np.maximum(*(_jackknife_error(parts) for parts in (by_trajectory, by_time)))


def _jackknife_error(parts: list[FloatArray]) -> FloatArray:
    quantiles = np.stack([np.quantile(part, LEVELS, axis=0).T for part in parts])
    error: FloatArray = np.sqrt((len(parts) - 1) * quantiles.var(axis=0))
    return error


def _distribution(angles: FloatArray) -> dict[str, FloatArray]:
    edges = np.linspace(0.0, 0.5 * np.pi, _BINS + 1)
    octaves = 0.5 * np.pi * 2.0 ** -np.arange(_OCTAVES)
    pairs = range(angles.shape[2])
    return {
        "edges": edges,
        "counts": np.stack([np.histogram(angles[:, :, pair], bins=edges)[0] for pair in pairs]).astype(np.float64),
        "angle": octaves,
        "share_below": np.stack([[(angles[:, :, pair] < octave).mean() for octave in octaves] for pair in pairs]),
    }
