"""Ensembles of trajectories, in vector lanes.

integrate             the public door: a system's trajectories as an xarray.Dataset
integrate_block       trajectories by number: what a store is made of, a pure function of seed and number
integrate_ensemble    from given initial states, on several sampling grids in one pass
integrate_delays      the same for delay systems, from their histories
section_grid          the crossings of a Poincaré section as such a grid
advance               states of any Definition, moved on by a duration or a number of iterates
"""

from attractory.integrate.block import (
    ATTEMPTS,
    TRANSIENT_ITERATES,
    TRANSIENT_PERIODS,
    BlockSettings,
    default_transient,
    integrate_block,
    moved_histories,
    section_grid,
)
from attractory.integrate.delays import Pasts, integrate_delays
from attractory.integrate.door import integrate
from attractory.integrate.ensemble import Engine, Ensemble, Trajectories, advance, integrate_ensemble
from attractory.integrate.grids import DrawnGrid, Grid, SampleGrid, SectionGrid, TimedGrid
from attractory.integrate.sample_times import sample_times
from attractory.integrate.starts import drawn_state

__all__ = [
    "ATTEMPTS",
    "TRANSIENT_ITERATES",
    "TRANSIENT_PERIODS",
    "BlockSettings",
    "DrawnGrid",
    "Engine",
    "Ensemble",
    "Grid",
    "Pasts",
    "SampleGrid",
    "SectionGrid",
    "TimedGrid",
    "Trajectories",
    "advance",
    "default_transient",
    "drawn_state",
    "integrate",
    "integrate_block",
    "integrate_delays",
    "integrate_ensemble",
    "moved_histories",
    "sample_times",
    "section_grid",
]
