"""Numbers that do not depend on the trajectory, each with its standard error. One file a method.

From a system's equations: lyapunov_spectrum, kaplan_yorke_dimension, ks_entropy, mean_divergence, finite_time_exponents,
covariant_angles. All others need trajectories alone, and take a System, a Dataset or an array (see `samples.py`). Two sets of
trajectories are compared by state_space_divergence and spectral_hellinger_distance. Each returns an Estimate; dimension_order compares
three of them.
"""

from attractory.invariants.autocorrelation_time import autocorrelation_time
from attractory.invariants.conserved_drift import conserved_drift
from attractory.invariants.correlation_dimension import correlation_dimension
from attractory.invariants.covariant_angles import Subspaces, covariant_angles
from attractory.invariants.dimension_order import DimensionOrder, dimension_order
from attractory.invariants.dominant_period import dominant_period
from attractory.invariants.estimate import Estimate
from attractory.invariants.finite_time_exponents import LyapunovTimes, finite_time_exponents
from attractory.invariants.information_dimension import information_dimension
from attractory.invariants.invariant_measure import moments_and_quantiles
from attractory.invariants.kaplan_yorke_dimension import kaplan_yorke_dimension
from attractory.invariants.ks_entropy import ks_entropy
from attractory.invariants.largest_exponent_from_data import largest_exponent_from_data
from attractory.invariants.lyapunov_spectrum import lyapunov_spectrum
from attractory.invariants.mean_divergence import mean_divergence
from attractory.invariants.multiscale_sample_entropy import multiscale_sample_entropy
from attractory.invariants.mutual_information_time import mutual_information_time
from attractory.invariants.neighbour_curves import NeighbourPairs
from attractory.invariants.occupancy_bins import OccupancyBins
from attractory.invariants.occupancy_mixture import OccupancyMixture
from attractory.invariants.permutation_entropy import permutation_entropy
from attractory.invariants.point_cloud import DelayCoordinates
from attractory.invariants.power_spectrum import power_spectrum
from attractory.invariants.recurrence_quantification import RecurrenceSettings, recurrence_quantification
from attractory.invariants.samples import Samples, Sampling, samples_of
from attractory.invariants.spectral_hellinger_distance import SpectralSettings, spectral_hellinger_distance
from attractory.invariants.state_space_divergence import state_space_divergence
from attractory.invariants.symmetry_residual import symmetry_residual
from attractory.invariants.zero_one_test import zero_one_test

__all__ = [
    "DelayCoordinates",
    "DimensionOrder",
    "Estimate",
    "LyapunovTimes",
    "NeighbourPairs",
    "OccupancyBins",
    "OccupancyMixture",
    "RecurrenceSettings",
    "Samples",
    "Sampling",
    "SpectralSettings",
    "Subspaces",
    "autocorrelation_time",
    "conserved_drift",
    "correlation_dimension",
    "covariant_angles",
    "dimension_order",
    "dominant_period",
    "finite_time_exponents",
    "information_dimension",
    "kaplan_yorke_dimension",
    "ks_entropy",
    "largest_exponent_from_data",
    "lyapunov_spectrum",
    "mean_divergence",
    "moments_and_quantiles",
    "multiscale_sample_entropy",
    "mutual_information_time",
    "permutation_entropy",
    "power_spectrum",
    "recurrence_quantification",
    "samples_of",
    "spectral_hellinger_distance",
    "state_space_divergence",
    "symmetry_residual",
    "zero_one_test",
]
