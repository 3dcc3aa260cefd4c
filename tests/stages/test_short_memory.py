"""What a scheduler keeps of the messages that it has sent."""

from __future__ import annotations

import asyncio
from collections import deque
from types import SimpleNamespace

from attractory.stages.clusters.short_memory import KEPT, ShortMemory


def test_a_scheduler_keeps_few_messages_to_each_worker():
    """Workers that are there and workers that come: the newest messages stay, none of a worker that is gone is looked for."""
    there, new = (SimpleNamespace(recent_message_log=deque(range(1000), maxlen=1000)) for _ in range(2))
    scheduler, plugin = SimpleNamespace(stream_comms={"there": there}), ShortMemory()
    asyncio.run(plugin.start(scheduler))
    scheduler.stream_comms["new"] = new
    plugin.add_worker(scheduler, "new")
    plugin.add_worker(scheduler, "gone")
    for worker in (there, new):
        worker.recent_message_log.append("last")
        assert len(worker.recent_message_log) == KEPT
        assert worker.recent_message_log[-1] == "last"
