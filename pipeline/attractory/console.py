"""The console script. It stands apart from `cli.py` so that an installation of the loader alone says what it lacks, in one line."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line, and leave with its exit code; 2 where the extra `pipeline` is not installed."""
    try:
        from attractory import cli
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.partition(".")[0] == "attractory":
            raise
        from attractory.errors import MissingExtraError

        sys.exit(_refuse(MissingExtraError("The command `attractory`", missing.name)))
    sys.exit(cli.main())


def _refuse(error: Exception) -> int:
    sys.stderr.write(f"attractory: {error}\n")
    return 2
