"""Trajectories whose samples are the true solution's, rounded to doubles: as many digits as that takes, and a proof for each sample.

Each trajectory is computed with expansions of two words, of three, and so on: other digits, another order and other steps each time. Two
neighbours differ by the error of the shorter one, and the longer one carries 53 bits more; it is taken to be better by 20 only. A sample
is proven where a change of the longer one's value by that much rounds to the same double. A trajectory is done when all samples are
proven, else it goes on with one word more; beyond the longest expansion it ends at the first sample that is not. See docs/precision.md."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from attractory.errors import RequestError
from attractory.expressions.circles import as_stored, turn_back
from attractory.expressions.definition import Definition
from attractory.integrate.checks import check_engine, check_grids, check_room
from attractory.integrate.ensemble import Engine, Ensemble, Trajectories, integrate_ensemble, step_limits
from attractory.integrate.grids import Grid, SampleGrid, SectionGrid
from attractory.integrate.reference_driver import FlowFunctions, WideSampling, run_wide_flow, run_wide_map, wide_lanes, wide_limits
from attractory.kernels.precise import KEPT_WORDS, precise_flow_kernel, precise_map_kernel, precise_width
from attractory.layout import Status

Float = NDArray[np.float64]

FEWEST_WORDS, MOST_WORDS = 2, 16
# What the longer expansion is trusted to be better by: it carries 53 bits more than the one that it is compared with.
TRUST = 2.0**-20
# Samples of one batch, both expansions and two words each; a batch is never less than one trajectory.
_BATCH_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Wide:
    """One expansion's trajectories: samples (trajectory, variable, time, word) of each grid, status and steps (trajectory,)."""

    samples: tuple[Float, ...]
    status: NDArray[np.int8]
    steps: NDArray[np.int64]

    def subset(self, chosen: NDArray[np.int64]) -> Wide:
        return Wide(tuple(samples[chosen] for samples in self.samples), self.status[chosen], self.steps[chosen])


def sampled_ensemble(definition: Definition, ensemble: Ensemble, *, grids: Sequence[Grid], engine: Engine) -> Trajectories:
    """`integrate_ensemble` in the precision that the engine asks for."""
    if engine.precision != "reference":
        return integrate_ensemble(definition, ensemble, grids=grids, engine=engine)
    regular = [grid for grid in grids if isinstance(grid, SampleGrid)]
    if len(regular) < len(grids):
        cut = any(isinstance(grid, SectionGrid) for grid in grids)
        what = "cut by a section, which" if cut else "sampled at times of each trajectory's own, which"
        message = f"{definition.name} is to be {what} precision 'reference' does not find. Ask for precision 'double'."
        raise RequestError(message)
    return integrate_reference(definition, ensemble, grids=regular, engine=engine)


def integrate_reference(definition: Definition, ensemble: Ensemble, *, grids: Sequence[SampleGrid], engine: Engine) -> Trajectories:
    """As `integrate_ensemble`, each sample the rounded true solution through the initial state; a trajectory that needs more digits than
    the longest expansion has ends with a tail of NaN and the status `PRECISION`.

    Raises:
        RequestError: as there; and for a flow with switches.
    """
    check_engine(engine)
    check_grids(definition, grids)
    total, variables = ensemble.initial.shape
    check_room(total * variables * sum(grid.samples for grid in grids), engine.dtype)
    states = tuple(np.full((total, variables, grid.samples), np.nan, engine.dtype).transpose(0, 2, 1) for grid in grids)
    status, steps = np.full(total, int(Status.NOT_STARTED), np.int8), np.zeros(total, np.int64)
    runnable = np.isfinite(ensemble.initial).all(1) & np.isfinite(ensemble.parameters).all(1) & np.isfinite(ensemble.start_time)
    _prepare(definition, total, engine)
    for batch in _batches(np.flatnonzero(runnable), variables, grids):
        for places, made in _proven(definition, ensemble, batch, grids, engine):
            status[places], steps[places] = made.status, made.steps
            for target, samples in zip(states, made.samples, strict=True):
                target[places] = as_stored(samples[..., 0].transpose(0, 2, 1), definition.wrap, engine.dtype)
    starts = (ensemble.initial, ensemble.parameters, ensemble.start_time)
    return Trajectories(states, *starts, status, np.ones(total, np.int64), steps, np.zeros(total, np.int64))


def _prepare(definition: Definition, trajectories: int, engine: Engine) -> None:
    """Refuses what cannot be done, also where there is nothing to do."""
    if definition.kind == "flow":
        precise_flow_kernel(definition, FEWEST_WORDS, engine.lanes or precise_width(FEWEST_WORDS, trajectories), engine.target)


def _batches(chosen: NDArray[np.int64], variables: int, grids: Sequence[SampleGrid]) -> Iterator[NDArray[np.int64]]:
    one = 2 * 8 * KEPT_WORDS * variables * sum(grid.samples for grid in grids)
    size = max(1, _BATCH_BYTES // one)
    return (chosen[first : first + size] for first in range(0, len(chosen), size))


def _proven(
    definition: Definition, ensemble: Ensemble, batch: NDArray[np.int64], grids: Sequence[SampleGrid], engine: Engine
) -> Iterator[tuple[NDArray[np.int64], Wide]]:
    """(numbers, trajectories) as they are proven, with more words from round to round; the last round gives what is left, cut off."""
    shorter = run_words(definition, ensemble.subset(batch), grids, engine, FEWEST_WORDS)
    for words in range(FEWEST_WORDS + 1, MOST_WORDS + 1):
        longer = run_words(definition, ensemble.subset(batch), grids, engine, words)
        good = [proven_samples(short, long) for short, long in zip(shorter.samples, longer.samples, strict=True)]
        done = np.logical_and.reduce([(held >= _reached(long)) for held, long in zip(good, longer.samples, strict=True)])
        last = words == MOST_WORDS
        spent = longer.status == Status.STEP_BUDGET  # more words would only take longer to spend it
        ended = np.flatnonzero(done | spent | last)
        if len(ended):
            kept = longer.subset(ended)
            yield batch[ended], _cut(kept, [held[ended] for held in good], (done | spent)[ended], grids)
        going = np.flatnonzero(~(done | spent | last))
        if not len(going):
            return
        batch, shorter = batch[going], longer.subset(going)


def _reached(samples: Float) -> NDArray[np.int64]:
    """How many samples of each trajectory there are before it failed: all, of one that did not."""
    return _leading(np.isfinite(samples[..., 0]))


def _leading(good: NDArray[np.bool_]) -> NDArray[np.int64]:
    """How many samples of each trajectory are good in all variables before the first that is not; good is (trajectory, variable, time)."""
    everywhere = np.asarray(good.all(axis=1), np.bool_)
    found: NDArray[np.int64] = np.where(everywhere.all(axis=1), everywhere.shape[1], np.argmin(everywhere, axis=1)).astype(np.int64)
    return found


def proven_samples(short: Float, long: Float) -> NDArray[np.int64]:
    """How many samples of each trajectory, from the first on, round to the same double in all variables whatever the longer one's error."""
    difference = np.abs((short[..., 0] - long[..., 0]) + (short[..., 1] - long[..., 1]))
    # The largest so far: where two solutions happen to cross, they are no better than before.
    error = TRUST * np.maximum.accumulate(difference, axis=-1)
    value, rest = long[..., 0], long[..., 1]
    return _leading((value + (rest - error) == value) & (value + (rest + error) == value))


def _cut(made: Wide, good: Sequence[NDArray[np.int64]], known: NDArray[np.bool_], grids: Sequence[SampleGrid]) -> Wide:
    """Without the samples of any grid from the first time on at which one is not proven; known: whose own status says how it ended."""
    until = np.full(len(made.status), np.inf)
    for held, samples, grid in zip(good, made.samples, grids, strict=True):
        until = np.where(held < samples.shape[2], np.minimum(until, held * grid.dt), until)
    for samples, grid in zip(made.samples, grids, strict=True):
        late = np.arange(grid.samples) * grid.dt >= until[:, None]
        samples[np.broadcast_to(late[:, None, :], late.shape[:1] + samples.shape[1:3])] = np.nan
    return replace(made, status=np.where(known, made.status, int(Status.PRECISION)).astype(np.int8))


def run_words(definition: Definition, ensemble: Ensemble, grids: Sequence[SampleGrid], engine: Engine, words: int) -> Wide:
    """All trajectories on expansions of so many words."""
    total, variables = ensemble.initial.shape
    counts, dts = np.array([grid.samples for grid in grids], np.int64), np.array([[float(grid.dt)] for grid in grids])
    sizes = total * variables * counts
    out = np.full((int(sizes.sum()), KEPT_WORDS), np.nan)
    status, steps = np.zeros(total, np.int8), np.zeros(total, np.int64)
    initial, parameters = np.ascontiguousarray(ensemble.initial), np.ascontiguousarray(ensemble.parameters)
    problem = (initial, parameters, ensemble.start_time, status, steps)
    offsets = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    sampling = WideSampling(offsets, counts, dts, out)
    width = engine.lanes or precise_width(words, total)
    make = precise_map_kernel if definition.kind == "map" else precise_flow_kernel
    kernel = make(definition, words, width, engine.target)
    lanes = wide_lanes(width, words, (variables, parameters.shape[1], kernel.rows))
    if definition.kind == "map":
        run_wide_map(kernel.code.functions["iterate"], problem, sampling, lanes)
    else:
        last = float(((counts - 1) * dts[:, 0]).max())
        # quiet / words: where nothing can be estimated, two expansions shall not take the same steps either
        quiet, _, budget = step_limits(engine, float(dts.min()), last)
        functions = FlowFunctions(*(kernel.code.functions[name] for name in FlowFunctions._fields))
        run_wide_flow(functions, problem, sampling, lanes, wide_limits(quiet / words, budget, last, kernel.order))
    pieces = np.split(out, np.cumsum(sizes)[:-1])
    samples = tuple(piece.reshape(total, variables, count, KEPT_WORDS) for piece, count in zip(pieces, counts, strict=True))
    for grid_samples in samples:
        _keep_on_circles(grid_samples, definition)
    return Wide(samples, status, steps)


def _keep_on_circles(samples: Float, definition: Definition) -> None:
    """Takes whole turns off a flow's coordinates on circles; a map's equations do so themselves."""
    for circle in definition.wrap if definition.kind == "flow" else ():
        turn_back(samples[:, circle.variable], circle)
