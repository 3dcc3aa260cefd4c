"""Numbers that do not depend on the trajectory: from a system's equations, each with its standard error. One file a method."""

from attractory.invariants.estimate import Estimate
from attractory.invariants.kaplan_yorke_dimension import kaplan_yorke_dimension
from attractory.invariants.lyapunov_spectrum import lyapunov_spectrum
from attractory.invariants.mean_divergence import mean_divergence

__all__ = ["Estimate", "kaplan_yorke_dimension", "lyapunov_spectrum", "mean_divergence"]
