"""Numbers that do not depend on the trajectory, each with its standard error. One file a method.

From a system's equations: lyapunov_spectrum, kaplan_yorke_dimension, mean_divergence. What needs trajectories alone takes a System, a
Dataset or an array (see `samples.py`). Each returns an Estimate.
"""

from attractory.invariants.estimate import Estimate
from attractory.invariants.kaplan_yorke_dimension import kaplan_yorke_dimension
from attractory.invariants.lyapunov_spectrum import lyapunov_spectrum
from attractory.invariants.mean_divergence import mean_divergence
from attractory.invariants.samples import Samples, Sampling, samples_of

__all__ = ["Estimate", "Samples", "Sampling", "kaplan_yorke_dimension", "lyapunov_spectrum", "mean_divergence", "samples_of"]
