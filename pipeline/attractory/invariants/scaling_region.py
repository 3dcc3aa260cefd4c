"""With which power of the radius a mass grows at short radii, and how well that is known: the one rule for every dimension here.

A dimension is a limit of short radii that no finite set of points reaches. So the slopes that are seen are continued to where the mass is
zero, and the error has in it how sure that is:

- From the shortest radius that is measured well the range is cut into pieces, each a factor of four in mass and an octave of radius at
  least, with a slope each.
- The slopes are taken for D + a / L, with L the negative logarithm of the mass in the middle of the piece, and a scatter of one size
  about it. That is how they drift where a density has square-root singularities, as the fold of a map or a flow makes them: the mass is
  r^D log(1/r) there, which is what makes convergence slow. Before anything is seen, a is 0 with a deviation of 0.3 D, and the scatter is
  1.5 % of D, as if from three pieces. So D hardly leaves the mean slope where there is no drift to be seen, and follows it where there is.
- The error of D has three parts: that of resampling (blocks left out), the scatter, and what the deviation of a leaves open.
- This is done from the shortest radius up to the end of each piece from the second on. The value is the mean over these ranges, weighted
  by the inverse fourth power of their errors. How far they disagree is the fourth part of the error, and half of what the continuation has
  added to the mean slope is the fifth, because its form is a guess.

Continuing to zero size: Sprott and Rowlands, Int. J. Bifurcation Chaos 11, 1865 (2001). Weighted mean over ranges: Deshmukh et al., Chaos
31, 123102 (2021). This form of both is ours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from attractory.errors import RequestError
from attractory.invariants.estimate import FloatArray

FEWEST_OCTAVES = 2.0
FEWEST_PIECES = 2
PIECE_MASS = np.log(4.0)  # of a piece, from its lower end to its upper: in two dimensions an octave, in one two of them
_OCTAVE = np.log(2.0)
_SLACK = 1e-9  # of rounding
# Of the slope of the first piece: so well must the shortest radii be measured.
_WELL = 0.03
_MASS_WELL = 0.1  # and so well the mass within the shortest, or to twice the smallest error there is
# What is taken for the deviation of a and for the scatter of the slopes before anything is seen, relative to the slope, and for how many
# pieces the latter counts: without it, the shortest ranges would win whose few slopes agree by chance. Chosen, with the next number, so
# that what is known of the sets and attractors of benchmarks/dimension_panel.py is off by 0.8 errors (root mean square) and 2.4 at most.
_DRIFT, _SCATTER, _WEIGHT = 0.3, 0.015, 3.0
_GUESSED = 0.5  # of what the continuation adds
_LEAST_SCATTER = 0.5  # of what is taken before
_LEAST_SLOPE = 1e-3  # no scale at all is less
_ROUNDS = 20  # scatter and fit depend on each other; after so many they have settled

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ScalingCurve:
    """Logarithms of radii and of the masses within them (radius,), rising, and the same without one block each (block, radius)."""

    log_radius: FloatArray
    log_mass: FloatArray
    log_radius_without: FloatArray
    log_mass_without: FloatArray

    def part(self, first: int, last: int) -> ScalingCurve:
        """From radius number `first` to `last`, both included."""
        cut = slice(first, last + 1)
        return ScalingCurve(self.log_radius[cut], self.log_mass[cut], self.log_radius_without[:, cut], self.log_mass_without[:, cut])


@dataclass(frozen=True)
class Pieces:
    """Slopes (piece,) from short radii to long ones, with the inverse of L (piece,) and the covariance of resampling (piece, piece)."""

    slope: FloatArray
    inverse: FloatArray
    covariance: FloatArray

    def shortest(self, count: int) -> Pieces:
        return Pieces(self.slope[:count], self.inverse[:count], self.covariance[:count, :count])


@dataclass(frozen=True)
class ScalingRegion:
    """A slope at short radii with its errors.

    Attributes:
        slope: as continued to zero radius.
        plain_slope: the mean of what was seen, not continued.
        fit_error: of scatter, of the drift that is left open, and of the choice of the range.
        resampling_error: of blocks left out.
        first, last: the numbers of the radii between which the range with the smallest error lies.
    """

    slope: float
    plain_slope: float
    fit_error: float
    resampling_error: float
    first: int
    last: int

    @property
    def standard_error(self) -> float:
        return float(np.hypot(self.fit_error, self.resampling_error))


def scaling_region(curve: ScalingCurve) -> ScalingRegion:
    """The slope at short radii.

    Raises:
        RequestError: the curve is shorter than two octaves, or than two pieces.
    """
    edges = _edges(curve, _first(curve))
    pieces = _pieces(curve, edges)
    fits = [_fit(pieces.shortest(count)) for count in range(FEWEST_PIECES, len(pieces.slope) + 1)]
    slopes, plain, fit, resampling = np.array(fits).T
    errors = np.hypot(fit, resampling)
    weights = errors**-4 / np.sum(errors**-4)
    slope, plain_slope = float(weights @ slopes), float(weights @ plain)
    fit_error = float(np.sqrt(weights @ (fit**2 + (slopes - slope) ** 2) + (_GUESSED * (slope - plain_slope)) ** 2))
    best = int(np.argmin(errors))
    last = int(edges[best + FEWEST_PIECES])
    return ScalingRegion(slope, plain_slope, fit_error, float(np.sqrt(weights @ resampling**2)), int(edges[0]), last)


def _first(curve: ScalingCurve) -> int:
    """The number of the shortest radius that is measured well, or of the best measured one with two pieces above it."""
    octaves = float(curve.log_radius[-1] - curve.log_radius[0]) / _OCTAVE
    begins = [first for first in range(len(curve.log_radius)) if len(_edges(curve, first)) > FEWEST_PIECES]
    if octaves < FEWEST_OCTAVES - _SLACK or not begins:
        found = max(len(_edges(curve, first)) - 1 for first in range(len(curve.log_radius)))
        message = (
            f"{octaves:.1f} octaves of radii hold pairs enough, with {found} pieces of an octave and a factor of {np.exp(PIECE_MASS):.0f} "
            f"in mass; expected at least {FEWEST_OCTAVES:g} octaves and {FEWEST_PIECES} pieces for a slope: give more samples"
        )
        raise RequestError(message)
    lowest = [_pieces(curve, _edges(curve, first)[:2]) for first in begins]
    slopes = np.array([piece.slope[0] for piece in lowest])
    errors = np.sqrt([piece.covariance[0, 0] for piece in lowest])
    # On a cycle, pairs of two trajectories come together in hundreds: between two such radii the slope is zero, and so is its error.
    blocks = len(curve.log_mass_without)
    masses = np.sqrt(blocks - 1) * np.std(curve.log_mass_without[:, begins], axis=0)
    errors[masses > max(_MASS_WELL, 2.0 * float(masses.min()))] = np.inf
    return begins[int(np.argmax(errors <= max(float(errors.min()), _WELL * float(np.median(slopes)))))]


def _edges(curve: ScalingCurve, first: int) -> IntArray:
    """The numbers of the radii between which the pieces lie, from `first` on; what is left at the end is no piece."""
    edges = [first]
    while True:
        radius = np.searchsorted(curve.log_radius, curve.log_radius[edges[-1]] + _OCTAVE - _SLACK)
        mass = np.searchsorted(curve.log_mass, curve.log_mass[edges[-1]] + PIECE_MASS - _SLACK)
        if max(radius, mass) >= len(curve.log_radius):
            return np.array(edges)
        edges.append(int(max(radius, mass)))


def _pieces(curve: ScalingCurve, edges: IntArray) -> Pieces:
    radius, mass = curve.log_radius[edges], curve.log_mass[edges]
    without = np.diff(curve.log_mass_without[:, edges], axis=1) / np.diff(curve.log_radius_without[:, edges], axis=1)
    apart, blocks = without - without.mean(axis=0), len(without)
    covariance = (blocks - 1) / blocks * (apart.T @ apart)  # the jackknife's
    return Pieces(np.diff(mass) / np.diff(radius), -2.0 / (mass[1:] + mass[:-1]), covariance)


def _fit(pieces: Pieces) -> tuple[float, float, float, float]:
    """The slope as continued to zero radius, the mean slope, the error of the fit and that of resampling."""
    scale = max(float(np.median(pieces.slope)), _LEAST_SLOPE)
    taken, deviation = (_SCATTER * scale) ** 2, _DRIFT * scale
    measured, scatter = np.diag(pieces.covariance), taken
    columns = np.stack([np.ones_like(pieces.inverse), pieces.inverse], axis=1)
    for _ in range(_ROUNDS):
        weights = 1.0 / (measured + scatter)
        # (2, piece): what each slope contributes to D and to a, by least squares with a held near 0.
        shares = np.linalg.solve(columns.T @ (weights[:, None] * columns) + np.diag([0.0, deviation**-2.0]), columns.T * weights)
        off = pieces.slope - columns @ (shares @ pieces.slope)
        seen = (scatter * weights) ** 2  # how much of each slope's deviation is scatter
        free = _WEIGHT + max(float(seen.sum()) - 1.5, 0.0)  # two numbers are fitted, one of them half
        scatter = max((_WEIGHT * taken + float(seen @ np.maximum(off**2 - measured, 0.0))) / free, _LEAST_SCATTER**2 * taken)
    share = shares[0]
    continued, plain = float(share @ pieces.slope), float(weights @ pieces.slope / weights.sum())
    fit = np.sqrt(scatter * float(share @ share) + (deviation * float(share @ pieces.inverse)) ** 2)
    resampling = np.sqrt(max(float(share @ pieces.covariance @ share), 0.0))  # rounding may make it negative
    return continued, plain, float(fit), float(resampling)
