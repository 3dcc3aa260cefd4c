"""All trajectories of an ensemble to their end, each by the method that suits it, which may change on the way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attractory.expressions.definition import Definition
from attractory.integrate.flow_driver import Controls, Kernel, Problem, lane_arrays, run_flow, switch_layout
from attractory.integrate.handover import LOOK_FROM, METHOD, STIFF, TAYLOR
from attractory.integrate.own_times import Sampling
from attractory.integrate.sections import Sections
from attractory.integrate.stiff_driver import StiffControls, StiffFunctions, run_stiff, stiff_lane_arrays
from attractory.kernels import FlowKernel, Target
from attractory.kernels.stiff import fits_straight_line, stiff_kernel, taylor_cost

Float = NDArray[np.float64]

# Errors of the method for stiff flows are relative to each variable by itself; no less is asked for than this part of the largest variable
# (or of 1): a few roundings of sums in which the largest takes part, below which the estimates are noise.
_ROUND_OFF = 1.0e-15
# Nor is less than this part of a variable itself: its stages are sums with factors up to a hundred.
_FINEST = 4.0e-14


@dataclass(frozen=True)
class Settings:
    """What both methods need beside their functions: limits as for `emit_bound`, tolerance, target; sections, where something is cut."""

    limits: Float
    tolerance: float
    target: Target
    sections: Sections | None = None


def run_methods(definition: Definition, kernel: FlowKernel, problem: Problem, sampling: Sampling, settings: Settings) -> None:
    """Fills `sampling.out` and `problem`: Taylor's steps first; what proves stiff goes over, and comes back where that pays.

    The method for stiff flows is compiled when the first trajectory asks for it. Whether it is has no part in any decision.
    """
    parked, kinds = problem.parked, len(sampling.counts)
    functions = Kernel(*(kernel.code.functions[name] for name in Kernel._fields))
    lanes = lane_arrays(kernel.width, (kernel.variables, kernel.parameters, len(kernel.switches), kinds), kernel.rows)
    switches = switch_layout(lanes, kernel.switches, kernel.order, kernel.vectors)
    controls = Controls(kernel.order, settings.limits)
    if settings.sections is not None:
        parked[:, LOOK_FROM] = np.inf  # sections are cut from Taylor's polynomials
    while len(problem.queue):
        run_flow(functions, problem, sampling, lanes, switches, controls, settings.sections)
        handed = np.flatnonzero(parked[:, METHOD] == STIFF)
        if len(handed) and fits_straight_line(definition):
            _run_stiff(definition, kernel, problem._replace(queue=handed), sampling, settings)
        else:
            parked[handed, METHOD], parked[handed, LOOK_FROM] = TAYLOR, np.inf
        problem = problem._replace(queue=np.flatnonzero(parked[:, METHOD] == TAYLOR))


def _run_stiff(definition: Definition, kernel: FlowKernel, problem: Problem, sampling: Sampling, settings: Settings) -> None:
    # the type of its samples matters to coordinates on a circle alone: one compiled kernel serves all others
    dtype = str(sampling.out.dtype) if definition.wrap else "float64"
    stiff = stiff_kernel(definition, kernel.width, settings.target, dtype)
    named = {**stiff.code.functions, "coefficients": kernel.code.functions["coefficients"]}
    quiet, last, budget = settings.limits
    tolerance = max(settings.tolerance, _FINEST)
    limits = np.array([last, budget, tolerance, _ROUND_OFF / tolerance])
    controls = StiffControls(limits, quiet, float(taylor_cost(definition, kernel.order)), float(stiff.cost))
    lanes = stiff_lane_arrays(kernel.width, (kernel.variables, kernel.parameters, len(sampling.counts)), kernel.rows)
    run_stiff(StiffFunctions(*(named[name] for name in StiffFunctions._fields)), problem, sampling, lanes, controls)
