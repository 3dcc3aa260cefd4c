"""One system to its estimates: which quantities, and how much work each may take."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

from attractory.errors import IntegrationError, RequestError
from attractory.expressions.system import System
from attractory.invariants import (
    Estimate,
    Sampling,
    correlation_dimension,
    information_dimension,
    kaplan_yorke_dimension,
    ks_entropy,
    lyapunov_spectrum,
    mean_divergence,
)
from attractory.invariants.growth_rates import ROUND
from attractory.invariants.lyapunov_spectrum import MOST_OF_DELAYS, Effort, Targets
from attractory.invariants.zero_exponents import is_driven

# Of one spectrum, counted and not measured: it wins over the errors that `Targets` ask.
CORE_SECONDS = 120.0
# A flow whose run ends within fewer periods than this is stiff: of its exponents, as many of the leading ones are measured as let a run go
# through _ENOUGH periods within the budget, as a _TRIAL-th of it tells; the leading one in any case.
_PERIODS, _ENOUGH, _TRIAL, _STIFF_TRAJECTORIES = 8.0, 200.0, 20.0, 16
# A system with more variables gets so many of its leading exponents: the cost grows with the square of their number.
MOST_EXPONENTS = 64
DELAY_EXPONENTS = 6  # of infinitely many, at first: twice as many as long as their sum is positive
_DELAY_TRAJECTORIES = 32
# Many short trajectories cost least, and where some begin on islands of a chaotic sea their number decides. With many variables, and in a
# sea of four or more, few long ones are nearer to the truth: what a neutral direction has gathered in a run is a part of its exponent
# that goes with the inverse time.
_MANY, _FEW, _SMALL, _SMALL_SEA = 128, 16, 6, 3
_DIVERGENCE_SAMPLES = 32_768  # of each trajectory: some 650 periods
# Attractors of a larger dimension are not resolved by the points that dimensions are counted from.
_LARGEST_DIMENSION = 4.0
_SURE = 5.0  # standard errors by which the leading exponent of chaos is above zero
# Of logarithms of lengths in a round: an interval in which a direction is lost has -708; rounds of directions that last had -340 at least.
_LOST = -500.0
_DRIFT = 0.1  # of a leading exponent: by so much at most its halves in time may surely differ


@dataclass(frozen=True)
class Work:
    """How one system is measured: the seed, the errors that are small enough, and the work at which they are given up; and trajectories
    and samples of each whose points tell the dimensions of the set."""

    seed: int
    targets: Targets = field(default_factory=Targets)
    core_seconds: float = CORE_SECONDS
    trajectories: int = 32
    samples: int = 4_096


def estimate_invariants(system: System, work: Work) -> dict[str, Estimate]:
    """Quantity -> estimate; what does not apply to the system, or needs more exponents than were computed, is left out, and so are
    exponents that drift.

    Dimensions of the set itself are counted where it is chaotic, dissipative (the sea of a conserving system has the dimension of the
    surface it fills, and each draw another one), of few dimensions, and not driven (its states at all times are the shadow of a set in one
    dimension more, which the exponents do not count).

    Raises:
        IntegrationError: the system has no bounded trajectory.
    """
    spectrum = _spectrum(system, work)
    estimates = {} if drifts(spectrum) else _of_spectrum(spectrum, work)
    if system.kind == "delay":  # volumes in a space of functions have no divergence
        return estimates
    if not _forgets(spectrum):
        estimates["mean_divergence"] = mean_divergence(system, seed=work.seed, samples=_DIVERGENCE_SAMPLES)
    if _is_strange(system, estimates):
        estimates |= _dimensions(system, work)
    return estimates


def _of_spectrum(spectrum: Estimate, work: Work) -> dict[str, Estimate]:
    estimates = {"lyapunov_spectrum": spectrum}
    for name, computed in (("kaplan_yorke_dimension", kaplan_yorke_dimension), ("ks_entropy", ks_entropy)):
        with suppress(RequestError):  # the sum of the exponents, or the last of them, is still positive
            estimates[name] = computed(spectrum, seed=work.seed)
    return estimates


def drifts(spectrum: Estimate) -> bool:
    """Whether a positive leading exponent is another one in the second half of the run than in the first, by a tenth of it or more and
    five standard errors between trajectories: orbits that wander ever farther off have no measure that they stay in, and no exponents."""
    if not spectrum.value[0] > _SURE * spectrum.standard_error[0]:
        return False
    leading = spectrum.convergence["growth"][:, :, 0]
    half = leading.shape[1] // 2
    change = leading[:, half:].mean(axis=1) - leading[:, :half].mean(axis=1)
    surely = abs(float(change.mean())) > _SURE * float(change.std(ddof=1)) / len(change) ** 0.5
    return surely and abs(float(change.mean())) > _DRIFT * float(spectrum.value[0])


def _forgets(spectrum: Estimate) -> bool:
    """Whether a direction was lost altogether, as where solutions begin to slide: volumes are zero then, and their rate no number."""
    slowest = float(spectrum.convergence["local_edges"].min())
    return slowest * float(spectrum.settings["interval"]) * ROUND < _LOST  # type: ignore[arg-type]


def _is_strange(system: System, estimates: Mapping[str, Estimate]) -> bool:
    """Whether points can show the dimension of the attractor."""
    spectrum, dimension = estimates.get("lyapunov_spectrum"), estimates.get("kaplan_yorke_dimension")
    if spectrum is None:
        return False
    chaotic = spectrum.value[0] > _SURE * spectrum.standard_error[0] and system.behaviour in ("chaotic", "hyperchaotic", "unknown")
    by_itself = system.kind == "map" or not is_driven(system)
    few = dimension is not None and 0.0 < dimension.value <= _LARGEST_DIMENSION
    return bool(chaotic and few and by_itself and not system.conserved)


def _dimensions(system: System, work: Work) -> dict[str, Estimate]:
    methods: dict[str, Callable[..., Estimate]] = {
        "correlation_dimension": correlation_dimension,
        "information_dimension": information_dimension,
    }
    found = {}
    for name, method in methods.items():
        with suppress(RequestError, IntegrationError):  # too few pairs for a range of radii, or points that do not differ
            found[name] = method(system, sampling=Sampling(work.trajectories, work.samples, seed=work.seed), seed=work.seed)
    return found


def _spectrum(system: System, work: Work) -> Estimate:
    exponents, effort = _affordable(system, work.core_seconds)
    found = lyapunov_spectrum(system, seed=work.seed, standard_error=work.targets, exponents=exponents, effort=effort)
    if system.kind == "flow" and float(found.settings["duration"]) < _PERIODS * (system.period or 0.0):  # type: ignore[arg-type]
        effort = replace(effort, trajectories=_STIFF_TRAJECTORIES)
        exponents = _slow_ones(system, exponents, effort)
        return lyapunov_spectrum(system, seed=work.seed, standard_error=work.targets, exponents=exponents, effort=effort)
    return found


def _affordable(system: System, core_seconds: float) -> tuple[int, Effort]:
    """How many exponents of how many trajectories."""
    if system.kind == "delay":
        effort = Effort(trajectories=_DELAY_TRAJECTORIES, core_seconds=core_seconds)
        return _contracting(system, effort), effort
    exponents = min(system.dimension, MOST_EXPONENTS)
    many = system.dimension <= (_SMALL_SEA if system.behaviour == "conservative_chaotic" else _SMALL)
    return exponents, Effort(trajectories=_MANY if many else _FEW, core_seconds=core_seconds)


def _contracting(system: System, effort: Effort) -> int:
    """Exponents of a delay system that make volumes shrink, which the dimension asks for: few, or twice and four times as many."""
    trial, exponents = replace(effort, core_seconds=(effort.core_seconds or CORE_SECONDS) / _TRIAL), DELAY_EXPONENTS
    while 2 * exponents <= MOST_OF_DELAYS:
        found = lyapunov_spectrum(system, standard_error=Targets(leading=0.0, least=0.0), exponents=exponents, effort=trial)
        if found.value.sum() < 0.0:
            break
        exponents *= 2
    return exponents


def _slow_ones(system: System, exponents: int, effort: Effort) -> int:
    """Exponents of a stiff flow that the budget allows: each that contracts faster asks for shorter intervals."""
    trial = replace(effort, core_seconds=(effort.core_seconds or CORE_SECONDS) / _TRIAL)
    wanted = _ENOUGH * (system.period or 1.0) / _TRIAL
    while exponents > 1:
        found = lyapunov_spectrum(system, standard_error=Targets(leading=0.0, least=0.0), exponents=exponents, effort=trial)
        if float(found.settings["duration"]) >= wanted:  # type: ignore[arg-type]
            break
        exponents -= 1
    return exponents
