"""What the report shows of one system: a pure function of the store, run wherever the checks run."""

from __future__ import annotations

from dataclasses import dataclass, replace

from attractory.errors import AttractoryError, DamageError
from attractory.stages.gallery.raster import INKS, picture
from attractory.stages.gallery.tables import SPECTRUM, flat
from attractory.stages.gallery.trajectory import Drawing, drawing_of
from attractory.stages.report.growth import Growth, growth
from attractory.stages.report.returns import Returns, returns
from attractory.stages.report.sample import Sample, sample, signals
from attractory.stages.report.spectrum import Spectrum, spectrum
from attractory.stages.validate.stored import StoredSystem

WIDTH, HEIGHT = 240, 180  # of the attractor, in pixels
_POINTS = 12_000  # of a map or a section


@dataclass(frozen=True)
class SystemPictures:
    """Of one system; a text in place of a picture says why there is none.

    period: the entry's; exponent: the entry's leading one and its standard error. attractor: PNG; axes: what it shows.
    """

    name: str
    kind: str
    trajectories: int
    granularity: str
    period: float | None
    exponent: tuple[float, float] | None
    attractor: bytes | str
    axes: tuple[str, ...]
    spectrum: Spectrum | str
    returns: Returns | str
    growth: Growth | str


def system_pictures(stored: StoredSystem) -> SystemPictures:
    """The pictures of a system; whatever stands in the way of one leaves the others."""
    known = SystemPictures(
        name=stored.name,
        kind=stored.record.kind,
        trajectories=stored.trajectories,
        granularity="",
        period=stored.system.period,
        exponent=_exponent(stored),
        attractor="",
        axes=(),
        spectrum="",
        returns="",
        growth="",
    )
    try:
        found = sample(stored)
    except AttractoryError as error:
        return _without(known, str(error))
    except Exception as error:  # noqa: BLE001  # a damaged store can break anything, and a picture must not stop the verdicts
        return _without(known, f"{type(error).__name__}: {error}")
    moving = signals(stored, found)
    power = spectrum(found, moving)
    turning = next((one for one in moving if power is not None and one.name == power.variable), moving[0] if moving else None)
    passages = returns(found, turning)
    drawn = _attractor(stored, found)
    return replace(
        known,
        granularity=found.granularity,
        attractor=drawn if isinstance(drawn, str) else picture(drawn, INKS[stored.record.kind], width=WIDTH, height=HEIGHT),
        axes=() if isinstance(drawn, str) else tuple(drawn.names[place] for place in drawn.axes),
        spectrum=power or ("samples lie at times of their own" if moving else "nothing moves"),
        returns=passages or ("too few passages" if moving else "nothing moves"),
        growth=growth(stored, found),
    )


def _without(known: SystemPictures, reason: str) -> SystemPictures:
    return replace(known, attractor=reason, spectrum=reason, returns=reason, growth=reason)


def _attractor(stored: StoredSystem, found: Sample) -> Drawing | str:
    """One trajectory of a flow; of a map and of a section the points of several."""
    joined = stored.record.kind != "map" and not found.is_section
    states = found.states[0] if joined else found.states.reshape(-1, found.states.shape[2])[:_POINTS]
    try:
        drawn = drawing_of(stored.system, states, dt=found.dt or None)
    except DamageError as error:
        return str(error)
    return replace(drawn, joined=joined)


def _exponent(stored: StoredSystem) -> tuple[float, float] | None:
    """The entry's leading exponent with its error."""
    known = stored.record.invariants.get(SPECTRUM)
    if known is None or not flat(known.value):
        return None
    errors = flat(known.standard_error)
    return flat(known.value)[0], errors[0] if errors else 0.0
