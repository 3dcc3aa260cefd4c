"""The console script: one command run, its answer printed, its outcome as an exit code.

It stands apart from `cli.py` so that an installation of the loader alone says what it lacks, in one line.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
import tempfile
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from attractory.errors import AttractoryError, InterruptedRunError, MissingExtraError, RequestError

if TYPE_CHECKING:
    from attractory.cli import Answer

INTERNAL = 70  # EX_SOFTWARE of sysexits.h: a fault of ours
FULL = (errno.ENOSPC, errno.EDQUOT)
PIPE_WIDTH = 160  # columns of a table that is not shown on a terminal


def main() -> NoReturn:
    """Run the command line of this process, and leave with its exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the same end as Ctrl-C: KeyboardInterrupt, then exit code 3
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # `attractory systems | head`: nobody reads on, which is no fault
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """The exit code of one command; its answer goes to standard output, everything else to standard error."""
    as_json = "--json" in arguments
    try:
        answer = _command(arguments)
        if isinstance(answer, int):  # help and the version have printed themselves
            return answer
        _print(answer, as_json=as_json)
    except BrokenPipeError:
        return 0
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last stop: whatever happened becomes one message and one exit code
        return _refused(error, as_json=as_json, debug="--debug" in arguments)
    return answer.exit_code


def _command(arguments: list[str]) -> Answer | int:
    try:
        from attractory import cli
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.partition(".")[0] == "attractory":
            raise
        raise MissingExtraError("The command `attractory`", missing.name) from missing
    return cli.answer(arguments)


def _print(answer: Answer, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(answer.document, ensure_ascii=False, indent=1, allow_nan=False) + "\n")
        return
    from rich.console import Console

    console = Console(markup=False, emoji=False, highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)
    with console.capture() as shown:  # written by ourselves, so that a reader who leaves early is met in one place
        for part in answer.page:
            console.print(part, soft_wrap=isinstance(part, str))
    sys.stdout.write(shown.get())


def _refused(error: BaseException, *, as_json: bool, debug: bool) -> int:
    kind, message, code = _outcome(error)
    if debug:
        traceback.print_exception(error, file=sys.stderr)
    elif code == INTERNAL:
        message += f" The traceback is in {_kept_traceback(error)}; please report it."
    sys.stderr.write(f"attractory: {message}\n")
    if as_json:
        sys.stdout.write(json.dumps({"error": {"kind": kind, "message": message, "exit_code": code}}, ensure_ascii=False) + "\n")
    return code


def _outcome(error: BaseException) -> tuple[str, str, int]:
    """The error's kind, what a person reads, and the exit code."""
    if isinstance(error, AttractoryError):
        return type(error).__name__, str(error), error.exit_code
    if isinstance(error, KeyboardInterrupt):
        return InterruptedRunError.__name__, "interrupted. The same command goes on from what is done.", InterruptedRunError.exit_code
    if isinstance(error, OSError) and error.errno in FULL:
        message = f"{error}. Make room; the same command goes on from what is done."
        return InterruptedRunError.__name__, message, InterruptedRunError.exit_code
    if isinstance(error, PermissionError | FileNotFoundError | NotADirectoryError | IsADirectoryError):
        return RequestError.__name__, str(error), RequestError.exit_code
    return type(error).__name__, f"an error of ours: {type(error).__name__}: {error}.", INTERNAL


def _kept_traceback(error: BaseException) -> Path:
    handle, path = tempfile.mkstemp(prefix="attractory-", suffix=".traceback.txt")
    with open(handle, "w", encoding="utf-8") as file:
        traceback.print_exception(error, file=file)
    return Path(path)
