"""How fast a store elsewhere is read: an S3 server on this machine that waits 20 ms before it answers.

    python benchmarks/loader_remote.py [--rounds 5]

1,000 trajectories of 4,096 samples of 3 float32, lz4, 100 a shard. The ceiling: the same chunks by range requests of s3fs, 16 at a time. An
epoch has a window at every 512th sample, and needs every chunk. "Small cache": of 500 trajectories; each chunk is fetched by itself then.
The server is a process of its own, which takes turns with the reader where cores are few.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import re
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import zarr
from zarr.codecs import BloscCodec, TransposeCodec

import attractory
from attractory import layout
from attractory.loader.arrays import StoredArray

DELAY, TRAJECTORIES, SAMPLES, ROWS = 0.02, 1000, 4096, 100
SETTINGS: dict[str, Any] = {"granularity": "fine", "split": "train", "context": 384, "horizon": 128, "batch_size": 256, "stride": 512}
SMALL = 500 * SAMPLES * 3 * 4
MISSING = b'<?xml version="1.0"?><Error><Code>NoSuchKey</Code><Message>none</Message></Error>'


async def answer(root: Path, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers GET and HEAD of one connection, ranges included, each after the delay."""
    while head := await _head(reader):
        method, path = head.split()[:2]
        await asyncio.sleep(DELAY)
        file = root / path.split("?")[0].lstrip("/")
        body, status, about = MISSING, "404 Not Found", ""
        if file.is_file():
            body, status = file.read_bytes(), "200 OK"
            if found := re.search(r"\nrange: bytes=(\d*)-(\d*)", head, re.IGNORECASE):
                size, first, last = len(body), *found.groups()
                begin, end = (int(first), min(int(last or size - 1), size - 1) + 1) if first else (max(0, size - int(last)), size)
                body, status, about = body[begin:end], "206 Partial Content", f"Content-Range: bytes {begin}-{end - 1}/{size}\r\n"
        writer.write(f'HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nETag: "1"\r\n{about}\r\n'.encode())
        writer.write(b"" if method == "HEAD" else body)
        await writer.drain()
    writer.close()


async def _head(reader: asyncio.StreamReader) -> str:
    try:
        return (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except (asyncio.IncompleteReadError, ConnectionResetError):
        return ""


def serve(root: Path, port: Any) -> None:
    """The server, until its process ends."""

    async def run() -> None:
        server = await asyncio.start_server(lambda reader, writer: answer(root, reader, writer), "127.0.0.1", 0)
        port.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


def write(path: Path) -> None:
    """The store, of random walks: their bytes are what counts."""
    root = zarr.open_group(str(path), mode="w", attributes={layout.FORMAT: layout.FORMAT_VERSION, layout.MANIFEST_DIGEST: "00"})
    group = root.create_group("Walk", attributes={layout.KIND: "flow", layout.VARIABLES: ["x", "y", "z"], layout.PARAMETERS: []})
    small = {"initial": np.zeros((TRAJECTORIES, 3)), "parameters": np.zeros((TRAJECTORIES, 1)), "start_time": np.zeros(TRAJECTORIES)}
    codes = {name: np.zeros(TRAJECTORIES, np.int8) for name in ("split", "status")}
    for name, values in {**small, **codes}.items():
        group.create_array(name, data=values, chunks=values.shape, config={"write_empty_chunks": True})
    part = group.create_group("fine", attributes={layout.DT: 0.01})
    part.create_array("time", data=np.arange(SAMPLES) * 0.01)
    part.create_array("digest", data=np.zeros((TRAJECTORIES // ROWS, 32), np.uint8), config={"write_empty_chunks": True})
    state = part.create_array(
        "state",
        shape=(TRAJECTORIES, SAMPLES, 3),
        dtype="f4",
        shards=(ROWS, SAMPLES, 3),
        chunks=(1, SAMPLES, 3),
        filters=TransposeCodec(order=(0, 2, 1)),
        compressors=BloscCodec(cname="lz4", shuffle="shuffle"),
    )
    state[:] = np.cumsum(np.random.default_rng(0).normal(size=(TRAJECTORIES, SAMPLES, 3)), axis=1).astype(np.float32)
    members = {
        str(file.parent.relative_to(path)): json.loads(file.read_text()) for file in sorted(path.rglob("zarr.json")) if file.parent != path
    }
    document = json.loads((path / "zarr.json").read_text())
    document["consolidated_metadata"] = {"kind": "inline", "must_understand": False, "metadata": members}
    (path / "zarr.json").write_text(json.dumps(document))


def raw_seconds(url: str, options: dict[str, Any]) -> tuple[float, int]:
    """Seconds of the same chunks by 16 range requests at a time, and their bytes."""
    import s3fs

    array: StoredArray = attractory.open(url, storage_options=options).systems["Walk"].granularities["fine"].state
    ranges = [part for part in array.ranges([(block, 0, 0) for block in range(TRAJECTORIES)]) if part is not None]
    files = s3fs.S3FileSystem(**options)
    paths, starts, stops = ([f"{url}/{part.path}" for part in ranges], [part.start for part in ranges], [part.stop for part in ranges])
    begin = time.perf_counter()
    found = files.cat_ranges(paths, starts, stops, batch_size=16)
    return time.perf_counter() - begin, sum(map(len, found))


def our_seconds(url: str, options: dict[str, Any], *, cache: int = 2**30, **settings: Any) -> float:
    """Seconds of an epoch, its first batch and the metadata included."""
    begin = time.perf_counter()
    for batch in attractory.open(url, storage_options=options, cache_bytes=cache).windows(**SETTINGS, **settings):
        batch.state.sum()
    return time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / "bucket/store.zarr")
        spawned = multiprocessing.get_context("spawn")
        port = spawned.Queue()
        server = spawned.Process(target=serve, args=(Path(folder), port), daemon=True)
        server.start()
        options = {"anon": True, "endpoint_url": f"http://127.0.0.1:{port.get()}", "config_kwargs": {"max_pool_connections": 64}}
        url, seen = "s3://bucket/store.zarr", []
        for _ in range(rounds):
            raw, size = raw_seconds(url, options)
            blocks = {"shuffle": "blocks", "mixing": 128}
            ours = (our_seconds(url, options), our_seconds(url, options, **blocks), our_seconds(url, options, cache=SMALL, **blocks))
            seen.append((raw, *ours))
            print("raw {:.2f} s; global order {:.2f} s, blocks {:.2f} s, blocks with a small cache {:.2f} s".format(*seen[-1]), flush=True)
        raw, *ours = (median(times) for times in zip(*seen, strict=True))
        rates = [raw / seconds for seconds in ours]
        print(f"{size / 1e6:.0f} MB; of the rate of 16 range requests at a time:", end=" ")
        print("global order {:.2f}, blocks {:.2f}, blocks with a small cache {:.2f}".format(*rates))
        server.terminate()


if __name__ == "__main__":
    main()
