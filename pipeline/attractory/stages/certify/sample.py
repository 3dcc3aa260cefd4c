"""Which trajectories are looked at, and one of them as a problem."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

from attractory import layout
from attractory.stages.certify.judgement import Samples
from attractory.stages.certify.reference import FloatArray, Problem
from attractory.stages.validate.stored import StoredGranularity, StoredSystem


def sampled(stored: StoredSystem, *, trajectories: int | None, seed: int) -> npt.NDArray[np.intp]:
    """The trajectories asked for, ascending; None is all. Only those that reached their last sample.

    A larger number of the same seed holds the smaller one: the order is that of SHA-256 of seed, name and trajectory.
    """
    good = np.flatnonzero(stored.good)
    if trajectories is None:
        return good
    return np.sort(np.array(sorted(good.tolist(), key=lambda row: _lot(seed, stored.name, row))[:trajectories], dtype=np.intp))


def regular(stored: StoredSystem) -> tuple[StoredGranularity, ...]:
    """The granularities that are compared: those whose times are the same for every trajectory."""
    return tuple(granularity for granularity in stored.granularities if np.ndim(granularity.time) == 1)


def problem_of(stored: StoredSystem, row: int) -> tuple[Problem, Samples]:
    """A stored trajectory, every regular granularity of it.

    Raises:
        DamageError: a shard cannot be decoded.
    """
    grids = regular(stored)
    states = [granularity.read(row).astype(np.float64) for granularity in grids]
    times, places = np.unique(np.concatenate([granularity.time for granularity in grids]), return_inverse=True)
    joined = np.concatenate(states)
    order = np.argsort(places, kind="stable")
    problem = Problem(
        initial=stored.initial[row],
        parameters=stored.parameters[row],
        start_time=float(stored.start_time[row]),
        times=times,
        scale=_scale(joined),
        widths=_widths(stored),
    )
    return problem, Samples(places[order], joined[order])


def _scale(states: FloatArray) -> FloatArray:
    """(variable,) largest magnitude that is finite; 1 for a variable that is always 0."""
    magnitude = np.where(np.isfinite(states), np.abs(states), 0.0).max(axis=0)
    return np.where(magnitude > 0.0, magnitude, 1.0)


def _widths(stored: StoredSystem) -> FloatArray:
    """(variable,) of the circle that a coordinate is stored on."""
    ranges = stored.attributes.get(layout.WRAP) or {}
    ends = [ranges.get(name, (-np.inf, np.inf)) for name in stored.system.variables]
    return np.array([float(high) - float(low) for low, high in ends])


def _lot(seed: int, name: str, row: int) -> bytes:
    return hashlib.sha256(f"{seed}/{name}/{row}".encode()).digest()
