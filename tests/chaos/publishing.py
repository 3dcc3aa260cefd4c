"""Publishing that is killed at random moments, into a folder or a loopback S3 server that fails 5 % of its requests, while a reader polls.

    python tests/chaos/publishing.py --kills 20 --seed 0 --to folder
    python tests/chaos/publishing.py --kills 20 --seed 0 --to s3

The place holds a first version. A process publishes a second one and is killed with SIGKILL, again and again, each time from what the last
one left. Meanwhile a reader in a process of its own asks for `latest` and for every file of the version that it names, and compares their
digests: it must never see anything but whole versions. Exit code 1 where it does.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

RECIPE = "name: tiny\nsystems: [Henon]\ntrajectories: {{train: {train}, test: 4}}\ngranularities: {{every: {{every: 1, samples: 256}}}}\n"
VERSIONS = 6  # where a run ends before it is killed, the next one publishes another version
FAILING = 0.05


@dataclass
class Seen:
    """What the reader saw: how often each version whole, and what was not whole."""

    whole: dict[str, int] = field(default_factory=dict)
    mixed: list[str] = field(default_factory=list)


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--kills", type=int, default=20)
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--to", choices=("folder", "s3"), default="folder")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        stores = [make_store(Path(folder) / str(train), train) for train in range(8, 8 + VERSIONS)]
        url = str(Path(folder) / "shelf") if given.to == "folder" else serve()
        return report(*attacked(stores, url, kills=given.kills, draws=random.Random(given.seed)))


def make_store(folder: Path, train: int) -> Path:
    from attractory.stages.located import read_recipe
    from attractory.stages.slices import generate_slice, read_slice

    folder.mkdir()
    (folder / "recipe.yaml").write_text(RECIPE.format(train=train))
    generate_slice(read_recipe(folder), read_slice("1/1"))
    return folder / "tiny.zarr"


def serve() -> str:
    """The URL of an empty bucket: a server of S3 in a process of its own, behind a proxy that fails."""
    ours, theirs = multiprocessing.Pipe()
    multiprocessing.get_context("spawn").Process(target=run_server, args=(theirs,), daemon=True).start()
    endpoint = ours.recv()
    os.environ |= {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL": endpoint}
    return "s3://shelf/published"


def run_server(answer: Connection) -> None:
    import http.client
    import logging
    import threading

    from moto.server import ThreadedMotoServer

    spec = importlib.util.spec_from_file_location("proxy", Path(__file__).parents[1] / "stages" / "objects" / "conftest.py")
    proxies = importlib.util.module_from_spec(spec)
    sys.modules["proxy"] = proxies
    spec.loader.exec_module(proxies)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("PUT", "/shelf", headers={"Authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/s3/aws4_request"})
    connection.getresponse().read()
    proxy = proxies._Proxy(port)
    proxy.faults = proxies.Faults(failing=FAILING, seed=1)
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    answer.send(f"http://127.0.0.1:{proxy.server_address[1]}")
    threading.Event().wait()


def publish_one(store: Path, url: str) -> None:
    from attractory.stages.publish import Asked, publish

    publish(store, to=url, asked=Asked(unvalidated=True))


def timed(store: Path, url: str) -> float:
    """Publishes in a process of its own, to its end; seconds."""
    started = time.perf_counter()
    process = multiprocessing.Process(target=publish_one, args=(store, url))
    process.start()
    process.join()
    if process.exitcode:
        message = f"publishing ended with {process.exitcode}"
        raise RuntimeError(message)
    return time.perf_counter() - started


def attacked(stores: list[Path], url: str, *, kills: int, draws: random.Random) -> tuple[list[int], float, Seen]:
    """(exit code of each run, seconds of an undisturbed one, what the reader saw)."""
    import attractory.stages.publish  # noqa: F401  # once, for all processes that are forked from this one

    seconds = timed(stores[0], url)
    stop, (ours, theirs) = stores[0].parent / "stop", multiprocessing.Pipe()
    multiprocessing.get_context("spawn").Process(target=watch, args=(url, stop, theirs), daemon=True).start()
    ours.recv()
    codes: list[int] = []
    while codes.count(-signal.SIGKILL) < kills and codes.count(0) < len(stores) - 1:
        process = multiprocessing.Process(target=publish_one, args=(stores[1 + codes.count(0)], url))
        process.start()
        time.sleep(seconds * draws.uniform(0.0, 0.9))
        with suppress(ProcessLookupError):
            os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
        codes.append(process.exitcode or 0)
    timed(stores[min(1 + codes.count(0), len(stores) - 1)], url)
    time.sleep(2 * seconds)
    stop.touch()
    return codes, seconds, ours.recv()


def watch(url: str, stop: Path, answer: Connection) -> None:
    """Polls until it is told to stop; then says what it has seen."""
    from attractory.stages.publish.destination import open_destination

    place, seen, told = open_destination(url), Seen(), False
    while not stop.exists():
        latest = (place.read("latest") or "").strip()
        problem = trouble(place, latest)
        if problem is None:
            seen.whole[latest] = seen.whole.get(latest, 0) + 1
        else:
            seen.mixed.append(f"{latest}: {problem}")
        if not told:
            answer.send("watching")
            told = True
    answer.send(seen)


def trouble(place: object, version: str) -> str | None:
    """Why a version is not whole; None where every file of it has its digest."""
    sums = place.read(f"{version}/SHA256SUMS")  # type: ignore[attr-defined]
    if not version or sums is None:
        return "has no SHA256SUMS"
    for line in sums.splitlines():
        digest, path = line.split("  ", 1)
        content = place.read_bytes(f"{version}/{path}")  # type: ignore[attr-defined]
        if content is None or hashlib.sha256(content).hexdigest() != digest:
            return f"{path} is not the one that its SHA256SUMS names"
    return None


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def report(codes: list[int], seconds: float, seen: Seen) -> int:
    killed, ended = codes.count(-signal.SIGKILL), codes.count(0)
    say(f"{killed} runs killed, {ended} ended before, other exits: {[code for code in codes if code not in (0, -signal.SIGKILL)]}")
    say(f"an undisturbed run takes {seconds:.1f} s; the reader saw whole versions {seen.whole}, {len(seen.mixed)} times none")
    for problem in seen.mixed:
        say(f"MIXED: {problem}")
    return 0 if len(seen.whole) > 1 and not seen.mixed else 1


if __name__ == "__main__":
    sys.exit(main())
