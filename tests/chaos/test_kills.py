"""Killed at moments that nobody chose: the short form of `make test-chaos`."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path
from signal import SIGKILL, SIGTERM

import pytest

from attractory.stages.slices import Slice, generate_slice

HERE = Path(__file__).parent
TRIES = 3


def in_the_middle(rounds, folder, quiet, kill):
    """What is told of a run that was struck before its end; where this process was kept waiting for longer than a run takes, of another."""
    for number in range(TRIES):
        dataset = rounds.Dataset.at(folder / f"{number}" / "tiny")
        one = rounds.Round(0, "workers", (rounds.Kill(*kill),))
        (told,) = rounds.play(one, dataset, quiet.files(), resume=partial(kept_by_one_more, dataset))
        if kill[0] == "worker" or f"{rounds.BLOCKS} blocks" not in told:
            return told
    return pytest.fail(f"{TRIES} runs were over before they were struck: {told}")


def kept_by_one_more(dataset):
    """The blocks that a run in this process finds done."""
    return generate_slice(dataset.folder, Slice(1, 1)).kept


@pytest.mark.parametrize(
    ("kill", "code"),
    [
        (("worker", SIGKILL, "rows", 20, 0.0), "exit 0"),
        (("client", SIGKILL, "rows", 10, 0.01), "exit -9"),
        (("client", SIGTERM, "rows", 5, 0.0), "exit 3"),
    ],
    ids=["a worker", "the scheduler, which is the command", "SIGTERM to the command"],
)
def test_a_run_that_was_killed_goes_on(rounds, quiet, tmp_path, kill, code):
    """Two workers; a run outlives one of them. Ended by SIGTERM it says so with 3. What was done is kept, and every byte is the same."""
    told = in_the_middle(rounds, tmp_path, quiet, kill)
    assert told.startswith(f"{kill[1].name} to the {kill[0]}")
    assert code in told


def test_a_round_is_the_same_whenever_it_is_asked_for(rounds):
    """A failure's number and seed are enough to see it again; fifty rounds have every kind, every victim and both signals."""
    asked = [rounds.planned(0, number) for number in range(50)]
    assert asked == [rounds.planned(0, number) for number in range(50)]
    kills = [(one.kind, kill.victim) for one in asked for kill in one.kills]
    assert set(kills) == {(kind, victim) for kind, victims in rounds.VICTIMS.items() for victim in victims}
    assert {kill.number for one in asked for kill in one.kills} == {SIGKILL, SIGTERM}


def test_every_moment_will_do():
    """SIGKILL or a full disk before an operation on the file system; here some of them, all with `make test-chaos`."""
    command = [sys.executable, str(HERE / "moments.py"), "kill", "full", "repair", "--every", "29", "--first", "7"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.count(", 0 with another end") == 3
