"""What the report shows of one system: a pure function of the store, run wherever the checks run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from attractory.errors import AttractoryError, DamageError
from attractory.stages.gallery.raster import INKS, picture
from attractory.stages.gallery.tables import SPECTRUM, flat
from attractory.stages.gallery.trajectory import drawing_of
from attractory.stages.report.growth import Growth, growth
from attractory.stages.report.returns import Returns, returns
from attractory.stages.report.sample import Sample, sample, signals
from attractory.stages.report.spectrum import Spectrum, spectrum
from attractory.stages.report.verdicts import places
from attractory.stages.validate.report import Check
from attractory.stages.validate.stored import StoredSystem

T = TypeVar("T")

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
    found = _attempt(lambda: sample(stored))
    known = _Known(stored, found if isinstance(found, Sample) else None)
    reason = found if isinstance(found, str) else ""
    power = _attempt(known.spectrum, reason)
    passages = _attempt(lambda: known.returns(power), reason)
    drawn = _attempt(known.attractor, reason)
    return SystemPictures(
        name=stored.name,
        kind=stored.record.kind,
        trajectories=stored.trajectories,
        granularity="" if isinstance(found, str) else found.granularity,
        period=stored.system.period,
        exponent=_exponent(stored),
        attractor=drawn if isinstance(drawn, str) else drawn[1],
        axes=() if isinstance(drawn, str) else drawn[0],
        spectrum=power,
        returns=passages,
        growth=_attempt(known.growth, reason),
    )


def pictures_of(systems: Iterable[StoredSystem], checks: Iterable[Check], *, most: int) -> dict[str, SystemPictures]:
    """Of the `most` systems with the worst verdicts, in the order of the store."""
    chosen = {place.name for place in places(check for check in checks if check.system is not None)[:most]}
    return {stored.name: system_pictures(stored) for stored in systems if stored.name in chosen}


def _attempt(draw: Callable[[], T | str], without: str = "") -> T | str:
    """What is drawn, or why it is not: numbers of a damaged store can break anything, and a picture must not stop the verdicts."""
    if without:
        return without
    try:
        with np.errstate(all="ignore"):
            return draw()
    except AttractoryError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001
        return f"it could not be drawn: {type(error).__name__}: {error}"


@dataclass(frozen=True)
class _Known:
    """A system and its sample, for one picture after the other."""

    stored: StoredSystem
    sampled: Sample | None

    @property
    def found(self) -> Sample:
        if self.sampled is None:
            raise DamageError("there is no sample")
        return self.sampled

    def spectrum(self) -> Spectrum | str:
        moving = signals(self.stored, self.found)
        if not moving:
            return "nothing moves"
        power = spectrum(self.found, moving)
        if power is None:
            return "samples lie at times of their own"
        return power if np.isfinite(power.power).all() else "numbers too large for a spectrum"

    def returns(self, power: Spectrum | str) -> Returns | str:
        """Of the variable whose spectrum is drawn."""
        moving = signals(self.stored, self.found)
        if not moving and not self.found.is_section:
            return "nothing moves"
        named = [one for one in moving if isinstance(power, Spectrum) and one.name == power.variable]
        return returns(self.found, next(iter(named or moving), None)) or "too few passages"

    def growth(self) -> Growth | str:
        return growth(self.stored, self.found)

    def attractor(self) -> tuple[tuple[str, ...], bytes]:
        """What is across and up, and the PNG: of one trajectory, or of the points of several where order says nothing."""
        joined = self.stored.record.kind != "map" and not self.found.is_section
        in_order = joined or self.stored.system.dimension == 1  # a single variable is drawn against its past
        states = self.found.states[0] if in_order else self.found.states.reshape(-1, self.found.states.shape[2])[:_POINTS]
        drawn = replace(drawing_of(self.stored.system, states, dt=self.found.dt or None), joined=joined)
        image = picture(drawn, INKS[self.stored.record.kind], width=WIDTH, height=HEIGHT)
        return tuple(drawn.names[place] for place in drawn.axes), image


def _exponent(stored: StoredSystem) -> tuple[float, float] | None:
    """The entry's leading exponent with its error."""
    known = stored.record.invariants.get(SPECTRUM)
    if known is None or not flat(known.value):
        return None
    errors = flat(known.standard_error)
    return flat(known.value)[0], errors[0] if errors else 0.0
