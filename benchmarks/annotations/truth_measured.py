"""What the rows of truth.json are compared with: spectra, dimensions, divergences and a period, with their errors."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from truth_systems import TRANSIENT, called, system_of

import attractory
from attractory import System
from attractory.invariants import Estimate, kaplan_yorke_dimension, lyapunov_spectrum, mean_divergence
from attractory.invariants.lyapunov_spectrum import Effort, Targets

# A hundredth of what `attractory annotate` asks: most runs end with the budget.
TARGETS = Targets(leading=5e-5, zero=1e-5, dimension=5e-5, least=1e-6)
TRAJECTORIES = {"few": 128, "many": 16}  # by the number of variables, as in `attractory annotate`
MANY = 6
DELAY_TRAJECTORIES = 32
SAMPLES = 16384  # of each of 64 trajectories, for the mean divergence


def measure(key: str, data: Mapping[str, Any], *, quantities: Mapping[str, int], budget: float, seed: int) -> dict[str, Any]:
    """Quantity -> value, standard_error and settings, for the quantities that the rows of a system have.

    Args:
        quantities: name -> how many exponents the longest row has.
        budget: core seconds of the spectrum, counted and not measured.
    """
    begun = time.process_time()
    system = system_of(key, data)
    exponents = max((count for name, count in quantities.items() if "lyapunov" in name), default=0)
    found: dict[str, Estimate] = {"lyapunov_spectrum": _spectrum(system, data, exponents, budget=budget, seed=seed)}
    if "kaplan_yorke_dimension" in quantities:
        found["kaplan_yorke_dimension"] = kaplan_yorke_dimension(found["lyapunov_spectrum"], seed=seed)
    if "mean_divergence" in quantities:
        found["mean_divergence"] = mean_divergence(system, seed=seed, samples=SAMPLES)
    measured: dict[str, Any] = {name: _plain(estimate) for name, estimate in found.items()}
    if "period" in quantities:
        measured["period"] = period(system)
    return measured | {"as": called(data), "budget": budget, "seed": seed, "core_seconds": round(time.process_time() - begun, 1)}


def _spectrum(system: System, data: Mapping[str, Any], exponents: int, *, budget: float, seed: int) -> Estimate:
    if system.kind == "delay":
        effort = Effort(DELAY_TRAJECTORIES, core_seconds=budget, transient=data.get("transient"))
        return lyapunov_spectrum(system, seed=seed, standard_error=TARGETS, exponents=exponents, effort=effort)
    trajectories = data.get("trajectories", TRAJECTORIES["few" if system.dimension <= MANY else "many"])
    transient = None if "entry" in data else data.get("transient", TRANSIENT)
    effort = Effort(trajectories, core_seconds=budget, transient=transient)
    return lyapunov_spectrum(system, seed=seed, standard_error=TARGETS, effort=effort)


def period(system: System) -> dict[str, Any]:
    """The time of a turn of a limit cycle, from maxima of the first variable; the error is the scatter of 64 turns."""
    cut = attractory.integrate(system, 4, section={"maximum_of": system.variables[0]}, samples=65, tolerance=1e-13)
    turns = np.diff(np.asarray(cut["time"].values, np.float64), axis=1)
    return {"value": float(turns.mean()), "standard_error": float(turns.std() / np.sqrt(turns.size)), "settings": {"turns": turns.size}}


def _plain(estimate: Estimate) -> dict[str, Any]:
    kept = {"trajectories", "duration", "interval", "lost", "budget_reached", "zero_exponents", "zero_consistent"}
    return {
        "value": estimate.value.tolist(),
        "standard_error": estimate.standard_error.tolist(),
        "settings": {name: value for name, value in estimate.settings.items() if name in kept},
    }
