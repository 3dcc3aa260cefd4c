"""Other programs on the same work, each in the fastest way that we know of it.

A function here takes the Work, prepares what is done once (compiling), and returns a function without arguments that integrates and
returns a new array (trajectory, time, variable); allocating it is part of the time, for everyone. The equations are the catalog's text
with its parameters as numbers, which a peer's own compiler may fold into its code.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from work import Work

Run = Callable[[], NDArray[np.float64]]


def heyoka_batch(work: Work, *, width: int) -> Run:
    """heyoka's Taylor integrator on `width` trajectories at once, the samples from its own propagate_grid.

    compact_mode off: the straight-line code is its fastest for systems this small. force_avx512, fast_math, slp_vectorize and leaving the
    samples in the order that heyoka gives them changed its rate by less than a tenth, in either direction.
    """
    import heyoka

    initial, samples = work.initial, work.samples
    first_states = np.ascontiguousarray(initial[:width].T)
    integrator = heyoka.taylor_adaptive_batch(heyoka_system(work), first_states, tol=work.tolerance, compact_mode=False)
    grid = np.ascontiguousarray(np.tile((np.arange(samples) * work.dt)[:, None], (1, width)))

    def run() -> NDArray[np.float64]:
        out = np.empty((len(initial), samples, initial.shape[1]))
        for first in range(0, len(initial), width):
            integrator.set_time(0.0)
            integrator.state[:] = initial[first : first + width].T
            out[first : first + width] = integrator.propagate_grid(grid)[1].transpose(2, 0, 1)
        return out

    return run


def reference(work: Work, trajectories: int) -> NDArray[np.float64]:
    """States (trajectory, variable) after one period to 30 digits, rounded to doubles: heyoka in quadruple precision at 1e-30."""
    import heyoka

    quadruple = heyoka.real128
    starts = work.initial[:trajectories]
    first = np.array([quadruple(value) for value in starts[0]], dtype=quadruple)
    integrator = heyoka.taylor_adaptive(heyoka_system(work), first, fp_type=quadruple, tol=quadruple(1e-30))
    out = np.empty_like(starts)
    for trajectory, start in enumerate(starts):
        integrator.time = quadruple(0)
        integrator.state[:] = [quadruple(value) for value in start]
        integrator.propagate_until(quadruple(work.per_period * work.dt))
        out[trajectory] = [float(value) for value in integrator.state]
    return out


def scipy_dop853(work: Work) -> Run:
    """solve_ivp with t_eval, one trajectory after the other; the right-hand side compiled by numba."""
    from numba import njit
    from scipy.integrate import solve_ivp

    derivative, grid = njit(_python_function(work)), np.arange(work.samples) * work.dt
    accuracy = {"rtol": work.tolerance, "atol": work.tolerance}
    return lambda: np.stack([solve_ivp(derivative, (0, grid[-1]), start, "DOP853", grid, **accuracy).y.T for start in work.initial])


def dysts_as_shipped(work: Work) -> Run:
    """make_trajectory of the system of that name with all defaults: its own parameters, initial state, Radau at 1e-12."""
    import dysts.flows

    model = getattr(dysts.flows, work.system.name)()
    return lambda: model.make_trajectory(work.samples, pts_per_period=work.per_period, resample=True)[None]


def heyoka_system(work: Work) -> list[tuple[Any, Any]]:
    """The equations as heyoka's expressions."""
    import heyoka

    variables = dict(zip(work.system.equations, heyoka.make_vars(*work.system.equations), strict=True))
    scope = {"sin": heyoka.sin, "cos": heyoka.cos, "exp": heyoka.exp, **work.system.parameters, **variables}
    return [(variables[name], eval(text, {}, scope)) for name, text in work.system.equations.items()]


def _python_function(work: Work) -> Callable[..., Any]:
    names, rates = ", ".join(work.system.equations), ", ".join(work.system.equations.values())
    scope = {"np": np, "sin": np.sin, "cos": np.cos, "exp": np.exp, **work.system.parameters}
    exec(f"def derivative(t, u):\n    {names} = u\n    return np.array([{rates}])", scope)
    return scope["derivative"]
