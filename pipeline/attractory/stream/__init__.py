"""Training on trajectories that are integrated while they are needed, and never seen twice.

generated   trajectories of an epoch, in place of an array of a store
endless     windows of one epoch after the other
door        attractory.stream: from a recipe to windows

It stands above the loader, whose windows, orders, states and adapters it uses, and above the stages, whose recipes it reads.
"""

from __future__ import annotations

from attractory.stream.door import Stream, stream
from attractory.stream.endless import EndlessWindows

__all__ = ["EndlessWindows", "Stream", "stream"]
