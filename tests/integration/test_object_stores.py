"""The command line into an object store of this machine: killed at random moments, and twice at once; always the bytes of a folder."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest

import attractory
from attractory.store.files import LEASE_FOLDER, RUN_FOLDER

ROUNDS, SEED = 5, 11
# So long a transient that each block of the flow takes a second or so: there is a middle to be killed in.
LONG = "transient: {periods: 100000}\n"


@pytest.fixture(scope="session")
def server():
    """(environment of a user of it, what it holds below a prefix of its bucket)."""
    from moto.s3.models import s3_backends
    from moto.server import ThreadedMotoServer

    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    _, port = running.get_host_and_port()
    source = str(Path(attractory.__file__).parents[1])
    environment = {
        **os.environ,
        "PYTHONPATH": source,
        "AWS_ACCESS_KEY_ID": "a-key",
        "AWS_SECRET_ACCESS_KEY": "a-secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
    }
    backend = s3_backends["123456789012"]["aws"]
    backend.create_bucket("shelf", "us-east-1")

    def held(prefix):
        found = dict(backend.buckets["shelf"].keys.items())
        return {name.removeprefix(f"{prefix}/"): key.value for name, key in found.items() if name.startswith(f"{prefix}/")}

    yield environment, held
    running.stop()


@pytest.fixture(scope="session")
def long_place(tmp_path_factory, recipe_text, made):
    """The recipe with a middle, and the files of its store in a folder, made in one go."""
    place = tmp_path_factory.mktemp("long")
    (place / "recipe.yaml").write_text(recipe_text + LONG)
    made(place, "--workers", "2")
    store = place / "tiny.zarr"
    return place, {str(path.relative_to(store)): path.read_bytes() for path in store.rglob("*") if path.is_file()}


@pytest.fixture
def begin(server, begun):
    """(folder, store) -> a process that makes the store there with two workers."""
    environment, _ = server
    return lambda place, name: begun(place, "--workers", "2", "--out", f"s3://shelf/{name}", environment=environment)


def await_object(process, prefix, held):
    """Returns once there is an object below the prefix; the process must not have ended before."""
    while not any(name.startswith(prefix) for name in held()):
        assert process.poll() is None
        time.sleep(0.1)


def test_killed_in_rounds(long_place, begin, server):
    """SIGKILL to the command at seeded moments, again and again: the next one waits for the lease that is left, at most half a minute, and
    at the end every object is as the file of an undisturbed run."""
    (place, expected), (_, held), moments = long_place, server, random.Random(SEED)
    for _ in range(ROUNDS):
        process = begin(place, "killed.zarr")
        time.sleep(moments.uniform(2.0, 32.0))
        process.send_signal(signal.SIGKILL)
        process.wait(30)
        process.stdout.close()
    process = begin(place, "killed.zarr")
    said, _ = process.communicate(timeout=240)
    assert process.returncode == 0, said
    assert held("killed.zarr") == expected


def test_two_at_once(long_place, begin, server):
    """The second one waits for the first, and finds what that has made."""
    (place, expected), (_, held) = long_place, server
    first = begin(place, "both.zarr")
    await_object(first, f"{RUN_FOLDER}/{LEASE_FOLDER}/", lambda: held("both.zarr"))
    second = begin(place, "both.zarr")
    ends = [process.communicate(timeout=240)[0] for process in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0), ends
    assert "waiting for the run of " in ends[1]
    assert "made 0, kept 18 of 18 blocks" in ends[1]
    assert held("both.zarr") == expected


def test_stopped_by_a_signal_nothing_is_waited_for(long_place, begin, server):
    """SIGTERM frees the lease: exit code 3, and the same command goes on at once."""
    (place, expected), (_, held) = long_place, server
    process = begin(place, "stopped.zarr")
    await_object(process, f"{RUN_FOLDER}/rows/", lambda: held("stopped.zarr"))
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 3
    process.stdout.close()
    assert not any(name.startswith(f"{RUN_FOLDER}/{LEASE_FOLDER}/") for name in held("stopped.zarr"))
    process = begin(place, "stopped.zarr")
    said, _ = process.communicate(timeout=240)
    assert (process.returncode, "waiting for the run of" in said) == (0, False), said
    assert held("stopped.zarr") == expected


def test_slices_of_which_one_is_killed(long_place, begun, server):
    """Three processes that begin together; SIGKILL to one of them, which is run again when the others have ended: it makes what is missing,
    waits for what the killed one held, and finishes the store."""
    (place, expected), (environment, held) = long_place, server

    def begin(number):
        return begun(place, "--array", f"{number}/3", "--out", "s3://shelf/slices.zarr", environment=environment)

    killed, *others = [begin(number) for number in (1, 2, 3)]
    await_object(killed, f"{RUN_FOLDER}/rows/", lambda: held("slices.zarr"))
    killed.send_signal(signal.SIGKILL)
    killed.wait(30)
    killed.stdout.close()
    ends = [other.communicate(timeout=240)[0] for other in others]
    assert [other.returncode for other in others] == [0, 0], ends
    again = begin(1)
    said, _ = again.communicate(timeout=240)
    assert (again.returncode, "the store is finished" in said) == (0, True), said
    assert held("slices.zarr") == expected
