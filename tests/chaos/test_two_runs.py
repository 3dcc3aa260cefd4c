"""Two runs of one store: the second refuses and says why; the lock goes with its process, whatever ends that."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from attractory.errors import RequestError
from attractory.stages.generate import generate
from attractory.stages.slices import Slice, generate_slice
from attractory.stages.verify import verify
from attractory.store import locked
from attractory.store.files import RUN_FOLDER, partial_folder

HOLDER = """
import sys, time
from pathlib import Path
from attractory.store import locked
with locked(Path(sys.argv[1])):
    sys.stdout.write("held\\n"); sys.stdout.flush()
    time.sleep(600)
"""


@contextmanager
def held(rounds, store):
    """Another process that holds the store, as a run does."""
    command = [sys.executable, "-c", HOLDER, str(store)]
    process = subprocess.Popen(command, env=rounds.ENVIRONMENT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def refused(rounds, dataset, *arguments):
    """What a command says that is refused with 2."""
    command = [*rounds.COMMAND, "generate", ".", *arguments]
    ran = subprocess.run(command, cwd=dataset.folder, env=rounds.ENVIRONMENT, capture_output=True, text=True, check=False)
    assert ran.returncode == 2, ran.stderr
    return ran.stderr


def test_the_second_run_is_refused_and_a_killed_first_is_in_nobodys_way(rounds, quiet, tmp_path):
    """Exit code 2 and a sentence while the first lives, for a run and for a slice; after SIGKILL the next goes on at once."""
    dataset = rounds.Dataset.at(tmp_path / "tiny")
    with held(rounds, dataset.store) as first:
        assert "another run is writing this store. Wait for it, or stop it." in refused(rounds, dataset, "--workers", "2")
        with pytest.raises(RequestError, match="a run of the whole recipe is writing this store"):
            generate_slice(dataset.folder, Slice(1, 2))
        first.kill()
        first.wait()
        began = time.monotonic()
        with locked(dataset.store):
            assert time.monotonic() - began < 10.0  # nothing waits for a lease to end, which may take 30 s
    assert generate_slice(dataset.folder, Slice(1, 1)).made == rounds.BLOCKS
    assert dataset.files() == quiet.files()


def test_a_finished_store_is_not_swept_while_somebody_works_there(copy, quiet):
    """`generate`, a slice and `verify --repair` of a store that another process mends or certifies leave that one's files alone."""
    with locked(copy.store):
        partial_folder(copy.store).mkdir()
        for come in (
            lambda: generate(copy.folder),
            lambda: generate_slice(copy.folder, Slice(1, 2)),
            lambda: verify(copy.store, repair=True),
        ):
            come()
            assert partial_folder(copy.store).is_dir()
    generate(copy.folder)
    assert not (copy.store / RUN_FOLDER).exists()
    assert copy.files() == quiet.files()


def test_what_a_certificate_has_found_is_not_swept(copy):
    """An interrupted `certify` goes on from what it has found, whoever looks at the store meanwhile."""
    found = copy.store / RUN_FOLDER / "certified" / "one.json"
    found.parent.mkdir(parents=True)
    found.write_text("{}")
    generate(copy.folder)
    assert found.exists()
