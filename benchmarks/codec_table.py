"""Codecs on real trajectories: bits a number, and raw megabytes a second of one core packed and unpacked.

    python benchmarks/codec_table.py [--quick] [--json FILE]

Chunks as a store has them (variable-major, some 64 KiB) of five systems at two granularities, float32 and float64. Byte shuffle (b) and bit
shuffle (B) are blosc's; delta forms take the difference of the bits of neighbours in time, as integers; pcodec finds its own delta order,
and is left out where it is not installed. All are lossless: each chunk is compared after it was unpacked. The default of stores is
blosc-lz4, level 5, byte shuffle.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numcodecs import blosc, zstd
from one_core import pin_to_one_core
from table import number, options, table, write

import attractory
from attractory.integrate import BlockSettings, SampleGrid, integrate_block

SYSTEMS = ("Lorenz", "HenonHeiles", "Thomas", "HyperRossler", "Lorenz96")
PER_PERIOD = {"coarse": 15, "fine": 100}
TRAJECTORIES, SAMPLES = 6, 4096
CHUNK_BYTES = 64 * 1024
TRIES = 3

Chunk = np.ndarray  # (variable, time)


@dataclass(frozen=True)
class Codec:
    """A lossless codec of one chunk; `unpack` is given the packed bytes and a chunk of the right shape to be like."""

    name: str
    pack: Callable[[Chunk], bytes]
    unpack: Callable[[bytes, Chunk], Chunk]


@dataclass(frozen=True)
class Line:
    codec: str
    dtype: str
    granularity: str
    bits: float
    pack: float
    unpack: float

    def cells(self) -> list[str]:
        return [self.codec, f"{self.bits:.1f}", number(self.pack), number(self.unpack)]


def _blosc(name: str, level: int, shuffle: int) -> Codec:
    label = f"blosc-{name} {level}{' bB'[shuffle]}".rstrip()
    return Codec(
        label,
        lambda chunk: blosc.compress(chunk, name.encode(), level, shuffle, 0, chunk.dtype.itemsize),
        lambda packed, like: np.frombuffer(blosc.decompress(packed), like.dtype).reshape(like.shape),
    )


def _deltas(chunk: Chunk) -> np.ndarray:
    bits = chunk.view(f"u{chunk.itemsize}")
    out = bits.copy()
    out[:, 1:] -= bits[:, :-1]
    return out


def _delta(inner: Codec) -> Codec:
    def unpack(packed: bytes, like: Chunk) -> Chunk:
        deltas = inner.unpack(packed, like.view(f"u{like.itemsize}"))
        return np.cumsum(deltas, axis=1, dtype=deltas.dtype).view(like.dtype)

    return Codec(f"delta, {inner.name}", lambda chunk: inner.pack(_deltas(chunk)), unpack)


def _zstd(level: int) -> Codec:
    return Codec(
        f"zstd {level}",
        lambda chunk: zstd.compress(chunk, level),
        lambda packed, like: np.frombuffer(zstd.decompress(packed), like.dtype).reshape(like.shape),
    )


def _pcodec(level: int) -> Iterator[Codec]:
    """Nothing where pcodec is not installed."""
    try:
        from pcodec import ChunkConfig, standalone
    except ImportError:
        return

    def unpack(packed: bytes, like: Chunk) -> Chunk:
        return np.asarray(standalone.simple_decompress(packed)).reshape(like.shape)

    yield Codec(
        f"pcodec {level}",
        lambda chunk: standalone.simple_compress(np.ascontiguousarray(chunk).ravel(), ChunkConfig(compression_level=level)),
        unpack,
    )


def codecs() -> list[Codec]:
    plain = [
        _blosc("lz4", 5, blosc.SHUFFLE),
        _blosc("lz4", 5, blosc.BITSHUFFLE),
        _blosc("zstd", 1, blosc.SHUFFLE),
        _blosc("zstd", 5, blosc.SHUFFLE),
    ]
    plain += [_blosc("zstd", 1, blosc.BITSHUFFLE), _blosc("zstd", 5, blosc.BITSHUFFLE), _zstd(3)]
    deltas = [
        _delta(_blosc("lz4", 5, blosc.SHUFFLE)),
        _delta(_blosc("zstd", 1, blosc.SHUFFLE)),
        _delta(_blosc("zstd", 1, blosc.BITSHUFFLE)),
    ]
    return [*plain, *deltas, *_pcodec(4), *_pcodec(8)]


def chunks(dtype: str, granularity: str, trajectories: int) -> list[Chunk]:
    """Of every system the same number of bytes, so that none outweighs the others."""
    found = []
    for name in SYSTEMS:
        system = attractory.system(name)
        period = system.period or 1.0
        grid = SampleGrid(period / PER_PERIOD[granularity], SAMPLES)
        settings = BlockSettings(seed=0, transient=20 * period, tolerance=1e-14, dtype=dtype)
        states = integrate_block(
            system, indices=range(max(1, 3 * trajectories // system.dimension)), grids=(grid,), settings=settings
        ).states[0]
        pieces = -(-states[0].nbytes // CHUNK_BYTES)
        for trajectory in states:
            found += [np.ascontiguousarray(piece.T) for piece in np.array_split(trajectory, pieces)]
    return found


def line(codec: Codec, given: list[Chunk], dtype: str, granularity: str) -> Line:
    packed = [codec.pack(chunk) for chunk in given]
    for one, chunk in zip(packed, given, strict=True):
        if codec.unpack(one, chunk).tobytes() != chunk.tobytes():
            message = f"{codec.name} is not lossless"
            raise RuntimeError(message)
    size = sum(chunk.nbytes for chunk in given)
    numbers = sum(chunk.size for chunk in given)
    packing = _least(lambda: [codec.pack(chunk) for chunk in given])
    unpacking = _least(lambda: [codec.unpack(one, chunk) for one, chunk in zip(packed, given, strict=True)])
    return Line(codec.name, dtype, granularity, 8 * sum(map(len, packed)) / numbers, size / 1e6 / packing, size / 1e6 / unpacking)


def _least(act: Callable[[], object]) -> float:
    taken = []
    for _ in range(TRIES):
        began = time.process_time()
        act()
        taken.append(time.process_time() - began)
    return min(taken)


def lines(trajectories: int) -> Iterator[Line]:
    for dtype in ("float32", "float64"):
        for granularity in PER_PERIOD:
            given = chunks(dtype, granularity, trajectories)
            yield from map(partial(line, given=given, dtype=dtype, granularity=granularity), codecs())


def tables(rows: list[Line]) -> str:
    heads = ["codec", "bits a number", "pack MB/s", "unpack MB/s"]
    kinds = dict.fromkeys((row.dtype, row.granularity) for row in rows)
    parts = []
    for dtype, granularity in kinds:
        own = [row.cells() for row in rows if (row.dtype, row.granularity) == (dtype, granularity)]
        parts.append(f"{dtype}, {PER_PERIOD[granularity]} samples a period:\n\n{table(heads, own)}")
    return "\n\n".join(parts)


def main() -> None:
    asked = options(__doc__).parse_args()
    blosc.use_threads = False
    rows = list(lines(2 if asked.quick else TRAJECTORIES))
    print(f"{tables(rows)}\n")
    write(asked.json, rows, [])


if __name__ == "__main__":
    pin_to_one_core()
    main()
