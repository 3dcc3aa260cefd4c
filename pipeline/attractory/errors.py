"""The mistakes that a user can make, and the exit code that each one ends the command line with.

Every message says where, what was found, what was expected and what to do; `AttractoryError` is the parent of all of them, so that a
caller who wants one `except` has it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from itertools import islice

# The nearest of so many is found in some milliseconds; whoever declares more has to look by themselves.
_MOST_CHOICES = 500
_LONGEST_CHOICE = 100


class AttractoryError(Exception):
    """Anything that a user can cause; the message is what the user reads."""

    exit_code = 2


class RequestError(AttractoryError):
    """What was asked for is wrong: no such name, an argument of the wrong shape or size, a place that is not what it should be."""


class CatalogError(RequestError):
    """A catalog entry cannot be used; the message begins with `file:line: key`."""


class ExpressionError(CatalogError):
    """An expression is not in the language, or names something that is not declared."""


class RecipeError(RequestError):
    """A recipe cannot be used; the message begins with `file:line: key`."""


class StoreError(RequestError):
    """A path is not a finished store of this format version, or holds no such system, granularity or split."""


class MissingExtraError(RequestError, ImportError):
    """A part of Attractory was used whose packages are not installed."""

    def __init__(self, what: str, package: str, *, extra: str = "pipeline") -> None:
        super().__init__(f"{what} needs the package {package!r}, which is not installed. Run: pip install 'attractory[{extra}]'")


class IntegrationError(AttractoryError):
    """No trajectory could be integrated, or none stayed where it was asked to stay."""

    exit_code = 1


class DamageError(AttractoryError):
    """Stored data are damaged or incomplete: a shard is truncated, a digest differs, a row is missing."""

    exit_code = 1


class IncompleteRunError(AttractoryError):
    """Some blocks of a run failed again and again; all others are kept, and the same command tries the failed ones again."""

    exit_code = 1


class CheckFailedError(AttractoryError):
    """The data or the catalog failed a check that they were asked to pass."""

    exit_code = 1


class InterruptedRunError(AttractoryError):
    """A run was stopped from outside (a signal, a full disk); what is done is kept and the same command goes on from there."""

    exit_code = 3


class UnreachableError(InterruptedRunError):
    """An object store did not do what it was asked, after several tries; what is done is kept and the same command goes on from there."""


def nearest(name: str, valid: Iterable[str]) -> str:
    """The end of a message about an unknown name: ` Did you mean 'rho'?`, or nothing where no valid name is near."""
    choices = list(islice(valid, _MOST_CHOICES))
    name = name[:_LONGEST_CHOICE]
    close = difflib.get_close_matches(name, choices, n=1, cutoff=0.6)
    if not close:
        folded = {choice.casefold(): choice for choice in choices}
        close = [folded[near] for near in difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)]
    return f" Did you mean {close[0]!r}?" if close else ""
