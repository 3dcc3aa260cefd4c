"""Entries from strangers: each is read, or refused in sentences, in little time and memory. What a fuzz once found stays here."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from attractory.catalog import SystemRecord, read_system
from attractory.errors import AttractoryError, CatalogError, nearest
from attractory.expressions import System

Write = Callable[..., Path]
PATIENCE = 2.0  # seconds of the processor: twice what the fuzz allows, since other tests share the machine


def test_mutated_files_are_accepted_or_refused_in_sentences() -> None:
    """400 of them; `python tests/catalog/fuzz.py --files 10000` tries more. Each offender is named with what is wrong."""
    script = Path(__file__).with_name("fuzz.py")
    ran = subprocess.run([sys.executable, str(script), "--files", "400"], capture_output=True, text=True, check=False, timeout=300)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    counts = re.match(r"400 files: (\d+) accepted, (\d+) refused, 0 offend\n", ran.stdout)
    assert counts
    assert int(counts[1]) > 20  # both happen, or the mutations are all alike
    assert int(counts[2]) > 200


WRONG = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import fuzz
from attractory.errors import CatalogError

def slow(path):
    begun = time.process_time()
    while time.process_time() < begun + 1.05:
        pass

def large(path):
    bytearray(b"x") * 250_000_000

def broken(path):
    raise KeyError("x")

def nowhere(path):
    raise CatalogError("somewhere")

Path(sys.argv[2]).write_text("name: One\\nkind: map\\nequations: {x: x}\\ninitial: {x: 1}\\n")
for use in (slow, large, broken, nowhere):
    found = fuzz.tried(0, Path(sys.argv[2]), use)
    print(found.verdict, found.words)
"""


def test_the_fuzz_finds_what_is_slow_large_or_broken(write: Write) -> None:
    """Its limits are those that it says, and a failure that is no sentence is one that it sees."""
    command = [sys.executable, "-c", WRONG, str(Path(__file__).parent), str(write("name: ["))]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    wanted = (
        r"offends took 1\.\d s",
        r"offends took [23]\d\d MiB",
        "offends KeyError: 'x'",
        "offends .*without file and line",
    )
    assert [bool(re.match(words, line)) for words, line in zip(wanted, lines, strict=True)] == [True] * 4


def entry(**keys: object) -> dict[str, object]:
    return {"name": "Mine", "kind": "flow", "equations": {"x": "-x"}, "initial": {"x": 1}, **keys}


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        # What would take seconds: sums in sums, of the equations and of the initial state together.
        ({"indices": {"i": 1000}, "equations": {"x[i]": "sum(x[i], i)"}}, "'i', which already has a value here"),
        ({"indices": {"i": 500, "j": 500}, "equations": {"x[i]": "sum(x[j], j)"}}, "too many terms: with it the system has 750,000"),
        (
            {"indices": {"i": 90, "j": 90, "k": 90}, "equations": {"x": "1", "y": "1"}, "initial": {"x": "sum(sum(i, j), i)"}},
            r"initial: has no value for y",
        ),
        (
            {
                "indices": {"i": 200, "j": 200},
                "equations": {f"x{k}": "1" for k in range(9)},
                "initial": {f"x{k}": "sum(sum(1, i), j)" for k in range(9)},
            },
            r"initial\.x\d stands for too many terms.*written once, under definitions",
        ),
        # What is no number, or none that a double holds.
        ({"wrap": {"x": [0, "1e308*1e308"]}}, r"wrap\.x .*mul of 1e\+308, 1e\+308, that is not a finite number"),
        ({"wrap": {"x": ["-1.5e308", "1.5e308"]}}, r"wrap\.x is a range beyond what doubles hold"),
        ({"wrap": {"x": [0, "*".join(["1e300"] * 900)]}}, r"wrap\.x .* is not a finite number"),
        ({"equations": {"x": "10**10**10"}}, "has a power of a power without brackets"),
        ({"parameters": {"a": "10**(10**10)"}}, "pow of 10, 1e"),
        ({"indices": {"i": "1e9"}, "equations": {"x[i]": "1"}}, r"indices\.i is 1000000000\.0, expected an integer from 1 to 10,000"),
    ],
)  # fmt: skip
def test_what_would_take_long_or_is_no_number_is_refused(keys: dict[str, object], message: str) -> None:
    """In a sentence with the key, before the work is done."""
    begun = time.process_time()
    with pytest.raises(AttractoryError, match=message):
        _ = System.from_record(SystemRecord.from_mapping(entry(**keys))).definition
    assert time.process_time() - begun < PATIENCE


def test_an_initial_state_may_be_a_sum() -> None:
    """Its indices have the sizes that the entry gives."""
    record = SystemRecord.from_mapping(entry(indices={"i": 4}, initial={"x": "sum(i, i)"}))
    assert System.from_record(record).initial[0] == 0 + 1 + 2 + 3


def test_thousands_of_parameters_variables_or_circles_are_read_in_a_moment() -> None:
    """Nothing is looked up once for each of each: what is read has some thousand keys at most."""
    many = 1_500
    entries = (
        entry(parameters={f"p{k}": f"p{k - 1} + 1" if k else 1 for k in range(many)}),
        entry(equations={f"x{k}": f"-x{k}" for k in range(many)}, initial={f"x{k}": 1 for k in range(many)}),
        entry(definitions={f"d{k}": f"d{k - 1}*d{k - 1}" if k else "x" for k in range(many)}),
        entry(indices={"i": 10_000}, equations={"x[i]": "x[i+1]"}, wrap={"x[i]": [0, "2*pi"]}, kind="map"),
    )
    for each in entries:
        begun = time.process_time()
        assert System.from_record(SystemRecord.from_mapping(each)).definition.variables
        assert time.process_time() - begun < PATIENCE


def test_few_problems_are_told_of_many(write: Write) -> None:
    """A person mends the first ones and looks again; each line is a line, whatever the names in the file are."""
    path = write("name: Mine\nkind: map\nequations: {x: x}\ninitial: {x: 1}\nunbounded: [" + ", ".join(f"z{k}" for k in range(99)) + "]\n")
    with pytest.raises(CatalogError) as caught:
        read_system(path)
    lines = str(caught.value).splitlines()
    assert len(lines) == 21
    assert lines[0].startswith(f"{path}:5: unbounded.z0: 'z0' is not a state variable")
    assert lines[-1] == f"{path}:1: has more problems than these."
    odd = write('name: Mine\nkind: map\nequations: {x: x}\ninitial: {x: 1, "y\\n\\u2028' + "z" * 3000 + '": 1}\n')
    with pytest.raises(CatalogError) as caught:
        read_system(odd)
    assert len(str(caught.value).splitlines()) == 1
    assert len(str(caught.value)) < 800


def test_the_nearest_of_very_many_names_is_not_looked_for() -> None:
    """Comparing thousands of names with thousands would take minutes."""
    names = [f"name{k}" for k in range(5_000)]
    begun = time.process_time()
    assert nearest("nam1", names) == " Did you mean 'name1'?"
    nearest("x" * 100_000, names)
    assert time.process_time() - begun < 0.5
