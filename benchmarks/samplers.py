"""Ways to sample an ensemble, ours and other programs', each the fastest that we know of, behind one signature.

A Program takes a system, prepares what is done once (compiling), and gives for each tolerance a Sampler: (initial, dt, samples) -> a new
array (trajectory, time, variable), sample 0 being the initial states. Allocating it is part of the time, for everyone. The equations are
those of formulas.py, the parameters numbers that a program's own compiler may fold. Packages are imported inside: one that is missing
fails alone.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np
from formulas import rates
from numpy.typing import NDArray

import attractory

Array = NDArray[np.float64]
Sampler = Callable[[Array, float, int], Array]
AtTolerance = Callable[[float], Sampler]
Program = Callable[[attractory.System], AtTolerance]

NAMES = ("sin", "cos", "tan", "exp", "log", "sqrt", "tanh", "sinh", "cosh")


def ours(system: attractory.System) -> AtTolerance:
    """The public door, as a user calls it."""

    def at(tolerance: float) -> Sampler:
        settings = {"tolerance": tolerance}
        return lambda initial, dt, samples: attractory.integrate(system, initial=initial, dt=dt, samples=samples, **settings).state.values

    return at


def heyoka_batch(system: attractory.System, *, width: int) -> AtTolerance:
    """heyoka's Taylor integrator on `width` trajectories at once, the samples from its own propagate_grid.

    compact_mode off: the straight-line code is its fastest for systems this small. force_avx512, fast_math, slp_vectorize and leaving the
    samples in the order that heyoka gives them changed its rate by less than a tenth, in either direction.
    """
    import heyoka

    equations, start = heyoka_system(system), np.zeros((system.dimension, width))

    def at(tolerance: float) -> Sampler:
        integrator = heyoka.taylor_adaptive_batch(equations, start, tol=tolerance, compact_mode=False)

        def sample(initial: Array, dt: float, samples: int) -> Array:
            grid = np.ascontiguousarray(np.tile((np.arange(samples) * dt)[:, None], (1, width)))
            out = np.empty((len(initial), samples, initial.shape[1]))
            for first in range(0, len(initial), width):
                integrator.set_time(0.0)
                integrator.state[:] = initial[first : first + width].T
                out[first : first + width] = integrator.propagate_grid(grid)[1].transpose(2, 0, 1)
            return out

        return sample

    return at


def reference(system: attractory.System, initial: Array, time: float) -> Array:
    """States (trajectory, variable) at `time` to 30 digits, rounded to doubles: heyoka in quadruple precision at 1e-30."""
    import heyoka

    quadruple = heyoka.real128
    first = np.array([quadruple(value) for value in initial[0]], dtype=quadruple)
    integrator = heyoka.taylor_adaptive(heyoka_system(system), first, fp_type=quadruple, tol=quadruple(1e-30))
    out = np.empty_like(initial)
    for trajectory, start in enumerate(initial):
        integrator.time = quadruple(0)
        integrator.state[:] = [quadruple(value) for value in start]
        integrator.propagate_until(quadruple(time))
        out[trajectory] = [float(value) for value in integrator.state]
    return out


def heyoka_system(system: attractory.System) -> list[tuple[Any, Any]]:
    """The equations as heyoka's expressions."""
    import heyoka

    variables = heyoka.make_vars(*system.variables)
    functions = {name: getattr(heyoka, name) for name in NAMES}
    made = rates(system.definition, functions)(heyoka.time, variables)
    return [
        (variable, heyoka.expression(rate) if isinstance(rate, float) else rate) for variable, rate in zip(variables, made, strict=True)
    ]


def diffrax_dopri8(system: attractory.System) -> AtTolerance:
    """Dopri8 under jit and vmap in double precision, dense output at the sample times; compiled anew for a new number of samples."""
    import diffrax
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    slopes = rates(system.definition, {name: getattr(jnp, name) for name in NAMES})
    term = diffrax.ODETerm(lambda t, u, _: jnp.stack([jnp.asarray(rate, jnp.float64) for rate in slopes(t, u)]))

    def one(start: Any, grid: Any, tolerance: Any) -> Any:
        control = diffrax.PIDController(rtol=tolerance, atol=tolerance)
        settings = {"stepsize_controller": control, "max_steps": 10**7, "adjoint": diffrax.ForwardMode()}
        return diffrax.diffeqsolve(term, diffrax.Dopri8(), 0.0, grid[-1], None, start, saveat=diffrax.SaveAt(ts=grid), **settings).ys

    ensemble = jax.jit(jax.vmap(one, in_axes=(0, None, None)))

    def at(tolerance: float) -> Sampler:
        return lambda initial, dt, samples: np.asarray(ensemble(initial, jnp.arange(samples) * dt, tolerance).block_until_ready())

    return at


def scipy_stacked(system: attractory.System) -> AtTolerance:
    """SciPy's DOP853 on all trajectories as one long state: they share each step, and NumPy does the arithmetic."""
    from scipy.integrate import solve_ivp

    slopes = rates(system.definition, {name: getattr(np, name) for name in NAMES})

    def derivative(t: float, u: Array) -> Array:
        states = u.reshape(system.dimension, -1)
        out = np.empty_like(states)
        for row, rate in zip(out, slopes(t, states), strict=True):
            row[:] = rate
        return out.ravel()

    def at(tolerance: float) -> Sampler:
        def sample(initial: Array, dt: float, samples: int) -> Array:
            grid = np.arange(samples) * dt
            made = solve_ivp(derivative, (0, grid[-1]), initial.T.ravel(), "DOP853", grid, rtol=tolerance, atol=tolerance)
            return made.y.reshape(*initial.T.shape, samples).transpose(1, 2, 0)

        return sample

    return at


def scipy_dop853(system: attractory.System) -> AtTolerance:
    """SciPy's DOP853, one trajectory after the other; the right-hand side compiled by numba."""
    from numba import njit
    from scipy.integrate import solve_ivp

    derivative = njit(rates(system.definition, {"np": np, **{name: getattr(np, name) for name in NAMES}}, result="np.array([{}])"))

    def at(tolerance: float) -> Sampler:
        accuracy = {"rtol": tolerance, "atol": tolerance}

        def sample(initial: Array, dt: float, samples: int) -> Array:
            grid = np.arange(samples) * dt
            return np.stack([solve_ivp(derivative, (0, grid[-1]), start, "DOP853", grid, **accuracy).y.T for start in initial])

        return sample

    return at


def jitcode_compiled(system: attractory.System, *, method: str) -> AtTolerance:
    """jitcode: one trajectory after the other, a call of `integrate` for each sample.

    Raises:
        RuntimeError: this machine has no C compiler.
    """
    ode = jitcode_model(system, jacobian=method == "lsoda")

    def at(tolerance: float) -> Sampler:
        def sample(initial: Array, dt: float, samples: int) -> Array:
            ode.set_integrator(method, rtol=tolerance, atol=tolerance, nsteps=10**7)
            out = np.empty((len(initial), samples, initial.shape[1]))
            for trajectory, start in enumerate(initial):
                ode.set_initial_value(start, 0.0)
                out[trajectory, 0] = start
                for place in range(1, samples):
                    out[trajectory, place] = ode.integrate(place * dt)
            return out

        return sample

    return at


def jitcode_model(system: attractory.System, *, jacobian: bool) -> Any:
    """jitcode's object of a system, the right-hand side (and the Jacobian, for methods that ask for it) compiled from C.

    Raises:
        RuntimeError: this machine has no C compiler.
    """
    import symengine
    from jitcode import jitcode, t, y

    if not any(shutil.which(name) for name in ("cc", "gcc", "clang")):
        raise RuntimeError("no C compiler here")
    slopes = rates(system.definition, {name: getattr(symengine, name) for name in NAMES})(
        t, [y(place) for place in range(system.dimension)]
    )
    ode = jitcode([symengine.sympify(rate) for rate in slopes], wants_jacobian=jacobian, verbose=False)
    # Not simplified: that takes SymEngine up to a minute, and the C compiler finds equal parts by itself.
    ode.generate_f_C(simplify=False, do_cse=True)
    if jacobian:
        ode.generate_jac_sym(simplify=False)
        ode.generate_jac_C(do_cse=True)
    # In an empty folder, because setuptools would read the pyproject.toml of the one that we are in; and said aloud: without compile_C a
    # compiler that fails is only a warning, and Python takes over.
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        ode.compile_C()
    return ode


def dysts_as_shipped(name: str, dt: float, samples: int) -> Callable[[], Array]:
    """make_trajectory of dysts' class of that name with all defaults but the sampling, which is the nearest to dt that it takes (a whole
    number a period of its own): its own parameters, initial state, Radau at 1e-12."""
    import dysts.flows

    model = getattr(dysts.flows, name)()
    per_period = max(round(model.period / dt), 1)
    return lambda: model.make_trajectory(samples, pts_per_period=per_period, resample=True)[None]
