"""Mutated catalog files, each of which must be accepted, or refused in sentences that name file and line, in little time and memory.

    python tests/catalog/fuzz.py --files 10000 --seed 0          # all that a reader does which does not integrate
    python tests/catalog/fuzz.py --files 2000 --check 20         # and `attractory check` of 20 files that were accepted
    python tests/catalog/fuzz.py --show 1234                     # one file, as it was tried

Files are tried in a child process, so that one which kills it or never ends is found too. Exit code 1 where there is an offender.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import select
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mutations import catalogue, mutated

CATALOG = Path(__file__).resolve().parents[2] / "catalog"
MOST_SECONDS = 1.0  # of the processor
MOST_MIB = 200  # resident, with Python and its libraries
MOST_LINE = 1_000  # characters: more is no sentence
MOST_LINES = 100
PATIENCE = 30  # seconds without a word from the child
MEMORY = 4 * 2**30  # of address space, where the child is stopped
LINE = re.compile(r"(:\d+: |: is larger than )")


@dataclass(frozen=True)
class Tried:
    """What became of one file."""

    number: int
    verdict: str  # accepted, refused, or offends
    seconds: float
    mib: float
    words: str  # the refusal, or what is wrong


def main() -> int:
    options = _options()
    if options.show is not None:
        sys.stdout.buffer.write(mutated(options.seed, options.show, catalogue(CATALOG)))
        return 0
    if options.child is not None:
        return _child(options.seed, range(options.child, options.files))
    found = list(_all(options.seed, options.files))
    _say(_summary(found))
    offenders = [one for one in found if one.verdict == "offends"]
    wrong = _checked(options.seed, [one.number for one in found if one.verdict == "accepted"][: options.check])
    return 1 if offenders or wrong else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=1_000, help="how many")
    parser.add_argument("--seed", type=int, default=0, help="of the mutations")
    parser.add_argument("--check", type=int, default=0, metavar="N", help="run `attractory check` on N of the accepted ones")
    parser.add_argument("--show", type=int, metavar="K", help="print file K and leave")
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


# --- the parent ---------------------------------------------------------------------------------------------------------------------


def _all(seed: int, files: int) -> Iterator[Tried]:
    """Every file, in a child that is started again behind a file that ended it."""
    number = 0
    while number < files:
        for one in _run(seed, number, files):
            yield one
            number = one.number + 1


def _run(seed: int, first: int, files: int) -> Iterator[Tried]:
    command = [sys.executable, __file__, "--child", str(first), "--files", str(files), "--seed", str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        for number in range(first, files):
            heard, _, _ = select.select([child.stdout], [], [], PATIENCE)
            line = child.stdout.readline() if heard else ""
            if not line:
                child.kill()
                last = child.stderr.read().strip().splitlines()[-1:] or [""]
                yield Tried(number, "offends", PATIENCE, 0.0, f"the process {'ended' if heard else 'did not answer'}: {last[0][:300]}")
                return
            yield Tried(**json.loads(line))


def _summary(found: list[Tried]) -> str:
    counts = {verdict: sum(one.verdict == verdict for one in found) for verdict in ("accepted", "refused", "offends")}
    slow, large = max(found, key=lambda one: one.seconds), max(found, key=lambda one: one.mib)
    lines = [
        f"{len(found)} files: {counts['accepted']} accepted, {counts['refused']} refused, {counts['offends']} offend",
        f"slowest: file {slow.number}, {slow.seconds:.2f} s; largest: file {large.number}, {large.mib:.0f} MiB",
        f"mean {sum(one.seconds for one in found) / len(found) * 1e3:.1f} ms; above half a second: {_listed(found, 0.5)}",
    ]
    return "\n".join([*lines, *(f"OFFENDS file {one.number}: {one.words}" for one in found if one.verdict == "offends")])


def _listed(found: list[Tried], seconds: float) -> str:
    return ", ".join(f"{one.number} ({one.seconds:.2f})" for one in found if one.seconds > seconds) or "none"


# --- the child ----------------------------------------------------------------------------------------------------------------------


def _child(seed: int, numbers: range) -> int:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    warnings.simplefilter("error")  # a warning about somebody's file is no sentence about it
    entries = catalogue(CATALOG)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file.yaml"
        for number in numbers:
            path.write_bytes(mutated(seed, number, entries))
            _say(json.dumps(vars(tried(number, path, use_entry))))
    return 0


def tried(number: int, path: Path, use: Callable[[Path], None]) -> Tried:
    """What becomes of one file, in the time and memory that its use takes."""
    from attractory.errors import AttractoryError

    _reset_peak()
    begun = time.process_time()
    verdict, words = "accepted", ""
    try:
        use(path)
    except AttractoryError as error:
        verdict, words = "refused", str(error)
    except BaseException as error:  # noqa: BLE001  # whatever it is, it is what this looks for
        verdict, words = "offends", f"{type(error).__name__}: {str(error)[:300]}"
    seconds, mib = time.process_time() - begun, _peak()
    wrong = {"refused": _unfit, "accepted": _contradiction}.get(verdict, _as_said)(words, path)
    if seconds > MOST_SECONDS:
        wrong = f"took {seconds:.1f} s ({verdict}: {words[:200]})"
    if mib > MOST_MIB:
        wrong = f"took {mib:.0f} MiB ({verdict}: {words[:200]})"
    return Tried(number, "offends" if wrong else verdict, seconds, mib, (wrong or words)[:2_000])


def _as_said(words: str, _path: Path) -> str:
    return words


def use_entry(path: Path) -> None:
    """All that is made of an entry and does not integrate."""
    from attractory.catalog import read_system
    from attractory.expressions import System

    system = System.from_record(read_system(path))
    assert len(system.digest) == 64
    assert system.definition.variables
    if system.kind != "delay":
        assert system.rhs(system.initial).shape == (system.dimension,)
    system.conserved_quantities(system.initial)


def _contradiction(_words: str, path: Path) -> str:
    """What others say against an entry that was accepted: the schema, and the same entry once written and read again."""
    from attractory.catalog import SystemRecord, entry_text, read_system, read_yaml
    from attractory.catalog.reading import parse_yaml
    from attractory.errors import CatalogError

    if not _validator().is_valid(read_yaml(path)[0]):
        return "is accepted, and the schema refuses it"
    record = read_system(path)
    try:
        again: Any = parse_yaml(entry_text(record), str(path))[0]
    except CatalogError as error:
        return f"is refused once written: {error}"
    return "" if SystemRecord.from_mapping(again) == record else "is another record once written and read again"


def _validator() -> Any:
    from attractory.catalog import json_schema

    if not _KEPT:
        from jsonschema import Draft202012Validator

        _KEPT.append(Draft202012Validator(json_schema()))
    return _KEPT[0]


_KEPT: list[Any] = []  # of this process: making it takes longer than most files


def _unfit(words: str, path: Path) -> str:
    """What is wrong with a refusal: each line begins with file and line, and is a sentence in length."""
    lines = words.splitlines()
    if len(lines) > MOST_LINES:
        return f"has {len(lines)} lines of problems: {lines[0][:200]}"
    for line in lines:
        if not line.startswith(str(path)) or not LINE.match(line.removeprefix(str(path))):
            return f"is refused without file and line: {line[:300]!r}"
        if len(line) > MOST_LINE:
            return f"is refused in {len(line)} characters: {line[:200]!r}"
    return "" if lines else "is refused without a word"


def _reset_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def _peak() -> float:
    """The most memory that was resident since the last reset, in MiB."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found.group(1)) / 1024 if found else 0.0


# --- attractory check ---------------------------------------------------------------------------------------------------------------


def _checked(seed: int, numbers: list[int]) -> int:
    """How many accepted files `attractory check` breaks on: it integrates, so it may fail them, in sentences. Told as they come."""
    entries, broken = catalogue(CATALOG), 0
    command = "import sys; from attractory.console import run; sys.exit(run(['check', '--workers', '1', sys.argv[1]]))"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file.yaml"
        for number in numbers:
            path.write_bytes(mutated(seed, number, entries))
            begun = time.monotonic()
            ran = subprocess.run([sys.executable, "-c", command, str(path)], capture_output=True, text=True, check=False)
            wrong = ran.returncode not in (0, 1, 2) or "Traceback" in ran.stderr
            broken += wrong
            said = ((ran.stdout + ran.stderr).strip().splitlines() or [""])[0][:200]
            _say(f"{'OFFENDS ' * wrong}check of file {number}: exit {ran.returncode}, {time.monotonic() - begun:.1f} s: {said}")
    return broken


if __name__ == "__main__":
    sys.exit(main())
