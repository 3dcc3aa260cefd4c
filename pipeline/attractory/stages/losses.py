"""Blocks that could not be made while all the others were: kept by key and reason, and told at the end of the run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from attractory.errors import AttractoryError, IncompleteRunError, InterruptedRunError
from attractory.stages.place import FULL
from attractory.store import Block
from attractory.store.files import Place

SHOWN = 10
ENDED_WORKERS = "its worker ended several times without a word, as a process does that takes more memory than the machine has"


@dataclass(frozen=True)
class Loss:
    """A block that was tried as often as is allowed, and why the last try failed; `killed` where its worker ended without a word."""

    block: Block
    reason: str
    killed: bool = False

    def __str__(self) -> str:
        return f"{self.block.key}: {self.reason}"


def ends_the_run(error: BaseException) -> bool:
    """Whether every other block would fail in the same way: a signal, or a full disk."""
    return isinstance(error, InterruptedRunError) or (isinstance(error, OSError) and error.errno in FULL)


def reason_of(error: BaseException) -> str:
    """One line: the error's kind and the first line of what it says."""
    said = str(error).strip().splitlines()
    return f"{type(error).__name__}: {said[0]}" if said else type(error).__name__


def lost(store: Place, losses: Sequence[Loss], *, tasks: int) -> AttractoryError:
    """The error that a run with losses ends with: InterruptedRunError where nothing but killed workers is among them, as another run may
    well have the memory that this one lacked; else IncompleteRunError."""
    kind = InterruptedRunError if all(loss.killed for loss in losses) else IncompleteRunError
    more = [f"  … and {len(losses) - SHOWN} more"] if len(losses) > SHOWN else []
    head = f"{store}: {len(losses)} of {tasks} blocks could not be made; all others are kept."
    lines = [head, *(f"  {loss}" for loss in losses[:SHOWN]), *more, "The same command tries these again."]
    return kind("\n".join(lines))
