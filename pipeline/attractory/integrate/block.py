"""One block of trajectories of one system, a pure function of the seed and each trajectory's number: draw, settle, sample, redraw what
failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from attractory.expressions.circles import within
from attractory.expressions.section import Section, cut
from attractory.expressions.system import System
from attractory.integrate.delays import Pasts, integrate_delays
from attractory.integrate.ensemble import Engine, Ensemble, Trajectories, advance
from attractory.integrate.families import Family, parameter_sets
from attractory.integrate.grids import Grid, SectionGrid
from attractory.integrate.reference import sampled_ensemble
from attractory.integrate.sample_times import at_drawn_times
from attractory.integrate.starts import Box, start_state
from attractory.layout import Status

Float = NDArray[np.float64]

ATTEMPTS = 8
# What is not drawn again: another draw would need as many digits.
_KEPT = (Status.OK, Status.PRECISION)
# The transient where nobody says another: of flows with a period, and of maps.
TRANSIENT_PERIODS = 20
TRANSIENT_ITERATES = 1000
# The longest time from one crossing of a section to the next where nobody says another, and the longest step where none can be estimated.
PERIODS_PER_CROSSING, STEPS_PER_PERIOD = 1000, 100


@dataclass(frozen=True)
class BlockSettings:
    """What a block shares with all others of its run; the transient in the system's time units (maps: iterates).

    family: the parameter sets of the trajectories; None: all have the catalogued parameters. box: where states are drawn; None: around the
    catalogued one.
    """

    seed: int
    transient: float
    tolerance: float
    dtype: str
    precision: str = "double"
    family: Family | None = None
    box: Box | None = None


@dataclass(frozen=True)
class Members:
    """The trajectories of a block by number, and the parameters (trajectory, parameter) of each."""

    indices: Sequence[int]
    parameters: Float

    def subset(self, places: NDArray[np.int64]) -> Members:
        return Members([self.indices[int(place)] for place in places], self.parameters[places])


def default_transient(system: System, otherwise: float) -> float:
    """In time units (maps: iterates); `otherwise` for a flow that has no period."""
    if system.kind == "map":
        return float(TRANSIENT_ITERATES)
    return otherwise if system.period is None else TRANSIENT_PERIODS * system.period


def section_grid(system: System, section: Section, samples: int) -> SectionGrid:
    """The crossings of a section as samples of a flow.

    Raises:
        RequestError: the section cannot be one of this system, as `cut` says.
    """
    period = system.period
    most = np.inf if period is None else PERIODS_PER_CROSSING * period
    quiet = 1.0 if period is None else period / STEPS_PER_PERIOD
    return SectionGrid(cut(system, section), samples, section.within or most, quiet)


def finest_step(grids: Sequence[Grid]) -> float:
    """The smallest dt that is sampled; where sections alone are, the step that they suggest."""
    measured = [grid.dt for grid in grids if not isinstance(grid, SectionGrid)]
    return min(measured or [grid.quiet for grid in grids if isinstance(grid, SectionGrid)])


def integrate_block(
    system: System, *, indices: Sequence[int], grids: Sequence[Grid], settings: BlockSettings, engine: Engine | None = None
) -> Trajectories:
    """The trajectories of a system with these numbers, from drawn states that are run through the transient, some grids at drawn times.

    A delay system's past is the catalogued history, moved by the same drawn number in all of its length.

    One that fails is drawn again, at most `ATTEMPTS` times in all; after that it keeps its status and a tail of NaN. The transient is run
    in doubles, whatever the precision. A trajectory whose parameter set was not found is not begun.
    """
    engine = replace(engine or Engine(), tolerance=settings.tolerance, dtype=settings.dtype, precision=settings.precision)
    parameters, draws = _parameters(system, indices, settings)
    members = Members(indices, parameters)
    made = _attempt(system, members, grids, settings, engine, attempt=0)
    known = np.isfinite(parameters).all(axis=1)
    for attempt in range(1, ATTEMPTS):
        failed = np.flatnonzero(known & ~np.isin(made.status, _KEPT))
        if not failed.size:
            break
        again = _attempt(system, members.subset(failed), grids, settings, engine, attempt=attempt)
        _replace(made, failed, again)
    return made if draws is None else replace(made, parameter_draws=draws)


def _parameters(system: System, indices: Sequence[int], settings: BlockSettings) -> tuple[Float, NDArray[np.int16] | None]:
    """(the parameters (trajectory, parameter), how many draws each one's set took)."""
    if settings.family is None:
        return np.tile(np.asarray(system.definition.values, np.float64), (len(indices), 1)), None
    numbers, places = np.unique(settings.family.order.of(np.asarray(indices)), return_inverse=True)
    found = parameter_sets(system, settings.family, numbers.tolist(), seed=settings.seed)
    return found.values[places], found.draws[places]


def _attempt(
    system: System, members: Members, grids: Sequence[Grid], settings: BlockSettings, engine: Engine, *, attempt: int
) -> Trajectories:
    indices, parameters = members.indices, members.parameters
    grids = at_drawn_times(grids, seed=settings.seed, system=system.name, indices=indices)
    states = np.array([start_state(system, settings.box, seed=settings.seed, trajectory=index, attempt=attempt) for index in indices])
    if system.kind == "delay":
        made = integrate_delays(
            system.definition, moved_histories(system, states, parameters), grids=grids, engine=engine, transient=settings.transient
        )
        made.attempts[:] = attempt + 1
        return made
    ensemble = Ensemble(states, parameters, np.zeros(len(indices)))
    quiet = replace(engine, quiet=finest_step(grids))
    settled, status, _ = advance(system.definition, ensemble, duration=settings.transient, engine=quiet)
    settled = replace(settled, initial=within(settled.initial, system.definition.wrap))
    made = sampled_ensemble(system.definition, settled, grids=grids, engine=engine)
    lost = status != Status.OK
    made.status[lost] = status[lost]
    made.attempts[:] = attempt + 1
    return made


def moved_histories(system: System, states: Float, parameters: Float) -> Pasts:
    """The catalogued histories, moved so that with the catalogued parameters they end at these states (trajectory, variable)."""
    return Pasts(states - np.asarray(system.definition.initial), np.ones(len(states)), parameters)


def _replace(made: Trajectories, places: NDArray[np.int64], again: Trajectories) -> None:
    """Puts later attempts in their trajectories' places."""
    for target, source in zip(made.states, again.states, strict=True):
        target[places] = source
    for own, found in zip(made.times, again.times, strict=True):
        if own is not None:
            own[places] = found
    for name in ("initial", "parameters", "start_time", "status", "attempts", "steps", "stiff_steps"):
        getattr(made, name)[places] = getattr(again, name)
