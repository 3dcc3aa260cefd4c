"""Killed at moments that nobody chose: the short form of `make test-chaos`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from signal import SIGKILL, SIGTERM

import pytest

from attractory.stages.slices import Slice, generate_slice

HERE = Path(__file__).parent


@pytest.mark.parametrize(
    "kill",
    [("worker", SIGKILL, "rows", 20, 0.0), ("client", SIGKILL, "rows", 10, 0.01), ("client", SIGTERM, "rows", 5, 0.0)],
    ids=["a worker", "the scheduler, which is the command", "SIGTERM to the command"],
)
def test_a_run_that_was_killed_goes_on(rounds, quiet, tmp_path, kill):
    """Two workers; a run outlives one of them. Ended by SIGTERM it says so with 3. What was done is kept, and every byte is the same."""
    dataset = rounds.Dataset.at(tmp_path / "tiny")
    one = rounds.Round(0, "workers", (rounds.Kill(*kill),))
    (told,) = rounds.play(one, dataset, quiet.files(), resume=lambda: generate_slice(dataset.folder, Slice(1, 1)).kept)
    codes = {"worker": "exit 0", "client": "exit -9" if kill[1] == SIGKILL else "exit 3"}
    assert told.startswith(f"{kill[1].name} to the {kill[0]}")
    assert codes[kill[0]] in told


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
