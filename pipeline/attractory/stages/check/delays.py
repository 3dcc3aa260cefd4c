"""The same promises for delay systems, whose state is their past."""

from __future__ import annotations

from collections.abc import Iterator

from attractory.expressions.system import System
from attractory.stages.check.look import Look
from attractory.stages.check.report import Finding


def delay_findings(system: System, look: Look) -> Iterator[Finding]:
    yield from ()
