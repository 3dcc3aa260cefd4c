"""The divergence of the occupancy of state space by one set of trajectories from that by another."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from attractory.errors import RequestError
from attractory.expressions.system import System
from attractory.invariants.estimate import Estimate
from attractory.invariants.occupancy_bins import OccupancyBins, binned_divergence
from attractory.invariants.occupancy_mixture import OccupancyMixture, mixture_divergence
from attractory.invariants.point_cloud import default_sampling
from attractory.invariants.samples import Sampling
from attractory.invariants.signals import BLOCKS
from attractory.invariants.two_sets import Comparison, TwoSets, resampled, two_sets

if TYPE_CHECKING:
    import xarray

BINNED = (
    "Kullback-Leibler divergence of binned occupancies (Brenner et al., Proc. Mach. Learn. Res. 162, 2292 (2022); cells of Hess et al., "
    "ibid. 202, 13017 (2023), and one for what lies outside), errors by leaving out trajectories and blocks of time"
)
MIXED = (
    "Kullback-Leibler divergence of Gaussian mixtures by Monte Carlo (Koppe et al., PLoS Comput. Biol. 15, e1007263 (2019); Hershey and "
    "Olsen, ICASSP (2007)), errors by leaving out trajectories and blocks of time"
)
# In more coordinates cells are mostly empty: the same number as in the program of Hess et al.
_MOST_BINNED = 5
_FEWEST = 256  # samples of a set


def state_space_divergence(
    reference: System | str | ArrayLike | xarray.Dataset,
    other: System | str | ArrayLike | xarray.Dataset,
    *,
    occupancy: OccupancyBins | OccupancyMixture | None = None,
    sampling: Sampling | None = None,
    dt: float | None = None,
    seed: int = 0,
) -> Estimate:
    """The Kullback-Leibler divergence, in nats, of where `other` is from where `reference` is: 0 where they are in the same places.

    Args:
        reference, other: as `samples_of` takes them, with the same variables; of two Systems the second is sampled with the next seed.
        occupancy: None is 30 bins along each of up to 5 coordinates, and a mixture of Gaussians in more.
        sampling: of a System; None is 32 trajectories of 8,192 samples, of a flow 8.1 a period of the reference.
        dt: of an array, in time units.
    Returns:
        Estimate of one number, not symmetric in the sets, and above 0 for finite samples of one measure; by a mixture it may be below 0 by
        its error. convergence has divergence (share,) of the first share (share,) of each trajectory.
    Raises:
        RequestError: sets that cannot be compared, fewer than 256 samples in either or 8 in a trajectory, or a setting out of range.
    """
    started = time.perf_counter()
    # beside data, whatever they are, a System is sampled as finely as they are
    sets = two_sets(reference, other, sampling=sampling or default_sampling(reference, seed), dt=dt, fewest=BLOCKS)
    _require_enough(sets)
    chosen = occupancy or _default(sets.reference.shape[2])
    comparison = _comparison(sets, chosen, seed)
    found = resampled(comparison)
    method = BINNED if isinstance(chosen, OccupancyBins) else MIXED
    settings = {**sets.settings, **comparison.settings, "seed": seed}
    convergence = {"share": found.shares, "divergence": found.growth}
    seconds = time.perf_counter() - started
    return Estimate(np.array(found.value), np.array(found.standard_error), method, settings, seconds, convergence)


def _default(coordinates: int) -> OccupancyBins | OccupancyMixture:
    return OccupancyBins() if coordinates <= _MOST_BINNED else OccupancyMixture()


def _comparison(sets: TwoSets, chosen: OccupancyBins | OccupancyMixture, seed: int) -> Comparison:
    return binned_divergence(sets, chosen) if isinstance(chosen, OccupancyBins) else mixture_divergence(sets, chosen, seed)


def _require_enough(sets: TwoSets) -> None:
    fewest = min(sets.reference.size, sets.other.size) // sets.reference.shape[2]
    if fewest < _FEWEST:
        message = f"the smaller set has {fewest} samples; expected at least {_FEWEST} in each."
        raise RequestError(message)
