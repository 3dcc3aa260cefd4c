"""A drawing as a picture: how much of the trajectory passes each pixel, as ink of that density on nothing.

Sums, products and comparisons alone make it, so that one drawing gives the same bytes on every machine (but for zlib, whose releases may
pack the same pixels differently).
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attractory.stages.gallery.trajectory import Drawing

Float = NDArray[np.float64]

LEVELS = 64  # of ink: more are not seen, and do not pack well
JUMP = 1.0  # of a coordinate on a circle: half of its range
_FULL = 1.6  # passages over a pixel that give half of the ink
_SPACING = 0.5  # pixels between the dots that make a line
# Seen from the side and a little from above, as the page's script does at first: cosine and sine of 35 and of 20 degrees.
_TURN = (0.8191520442889918, 0.573576436351046)
_TILT = (0.9396926207859084, 0.3420201433256687)
_POINT = 1.5  # ink of a map's point
_SPOT = 0.011  # radius of a spot, in heights of the picture
_MARGIN = 0.05  # of the picture's height, left free on every side


@dataclass(frozen=True)
class Ink:
    """Colours of faint and of dense ink."""

    faint: tuple[int, int, int]
    dense: tuple[int, int, int]


INKS = {
    "flow": Ink((86, 122, 214), (24, 34, 110)),
    "map": Ink((46, 150, 140), (4, 66, 72)),
    "delay": Ink((196, 106, 130), (110, 18, 62)),
}


def picture(drawn: Drawing, ink: Ink, *, width: int, height: int) -> bytes:
    """PNG of the drawing on a transparent ground."""
    points = _fitted(projected(drawn), width, height)
    if drawn.joined:
        dots, weights = _line(points, _unbroken(drawn))
        amount = _splat(dots, weights, width, height) * _gain(float(weights.sum()) / width)
    elif drawn.is_sparse:
        amount = _splat(*_spots(points, height * _SPOT), width, height)
    else:
        amount = _splat(points, np.full(len(points), _POINT), width, height)
    levels = np.rint(amount / (amount + _FULL) * (LEVELS - 1) * 1.25).clip(0, LEVELS - 1).astype(np.uint8)
    return _png(levels, ink)


def projected(drawn: Drawing) -> Float:
    """(sample, 2): across and up; of two coordinates they themselves."""
    coordinates = [drawn.values[:, place] for place in drawn.axes]
    if len(coordinates) == 2:
        return np.column_stack(coordinates)
    x, y, z = coordinates
    across = x * _TURN[0] + y * _TURN[1]
    away = y * _TURN[0] - x * _TURN[1]
    return np.column_stack([across, z * _TILT[0] + away * _TILT[1]])


def _fitted(flat: Float, width: int, height: int) -> Float:
    """In pixels from the upper left corner, as large as fits."""
    low, high = flat.min(axis=0), flat.max(axis=0)
    room = np.array([width, height]) - 2 * _MARGIN * height
    extent = high - low
    size = float(min(room[place] / extent[place] for place in (0, 1) if extent[place] > 0)) if extent.any() else 1.0
    middle = (flat - (low + high) / 2) * size
    return np.column_stack([width / 2 + middle[:, 0], height / 2 - middle[:, 1]])


def _unbroken(drawn: Drawing) -> NDArray[np.bool_]:
    """(sample - 1,): whether a line leads to the next sample: not from one end of a circle to the other."""
    step = np.abs(np.diff(drawn.values, axis=0))
    broken = [step[:, place] > JUMP for place in drawn.axes if drawn.circles[place]]
    return ~np.logical_or.reduce(broken) if broken else np.ones(len(step), dtype=bool)


def _line(points: Float, unbroken: NDArray[np.bool_]) -> tuple[Float, Float]:
    """Dots along the segments, and how much of the line each stands for, in pixels."""
    start, step = points[:-1][unbroken], np.diff(points, axis=0)[unbroken]
    length = np.sqrt(step[:, 0] * step[:, 0] + step[:, 1] * step[:, 1])
    counts = np.maximum(np.ceil(length / _SPACING), 1).astype(np.int64)
    first = np.repeat(np.cumsum(counts) - counts, counts)
    share = (np.arange(counts.sum()) - first + 0.5) / np.repeat(counts, counts)
    dots = np.repeat(start, counts, axis=0) + np.repeat(step, counts, axis=0) * share[:, None]
    return dots, np.repeat(length / counts, counts)


def _gain(crossings: float) -> float:
    """A line that crosses the picture a few times alone is drawn stronger."""
    return 1 + 2 / (1 + crossings * crossings / 50)


def _spots(points: Float, radius: float) -> tuple[Float, Float]:
    """Each point as a disc of dots, those that fall into one pixel together once."""
    once = np.unique(np.rint(points), axis=0)
    reach = np.arange(-radius, radius + 0.5, 0.5)
    around = np.array([(right, down) for right in reach for down in reach if right * right + down * down <= radius * radius])
    dots = (once[:, None, :] + around[None, :, :]).reshape(-1, 2)
    return dots, np.full(len(dots), _FULL)


def _splat(dots: Float, weights: Float, width: int, height: int) -> Float:
    """(height, width): each dot shared by the four pixels around it."""
    places = dots - 0.5
    corner = np.floor(places)
    part = places - corner
    column, row = corner.astype(np.int64).T
    total = np.zeros(height * width)
    for right, down in ((0, 0), (1, 0), (0, 1), (1, 1)):
        inside = (column + right >= 0) & (column + right < width) & (row + down >= 0) & (row + down < height)
        share = weights * (part[:, 0] if right else 1 - part[:, 0]) * (part[:, 1] if down else 1 - part[:, 1])
        places_in = ((row + down) * width + column + right)[inside]
        total += np.bincount(places_in, weights=share[inside], minlength=height * width)
    return total.reshape(height, width)


def _png(levels: NDArray[np.uint8], ink: Ink) -> bytes:
    """An indexed PNG whose colours are `LEVELS` strengths of one ink, the first of them nothing."""
    height, width = levels.shape
    strength = [level / (LEVELS - 1) for level in range(LEVELS)]
    colours = bytes(round(faint + (dense - faint) * part) for part in strength for faint, dense in zip(ink.faint, ink.dense, strict=True))
    alphas = bytes(round(255 * min(1.0, part * (1.6 - 0.6 * part))) for part in strength)
    rows = np.zeros((height, width + 1), dtype=np.uint8)  # each begins with the number of its filter: none
    rows[:, 1:] = levels
    parts = [(b"IHDR", struct.pack(">2I5B", width, height, 8, 3, 0, 0, 0)), (b"PLTE", colours), (b"tRNS", alphas)]
    parts += [(b"IDAT", zlib.compress(rows.tobytes(), 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, content) for name, content in parts)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
