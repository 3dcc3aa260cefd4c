"""A published dataset made again from its recipe and its catalog, and compared with its digests; nothing is written.

compare.py       the digests of every file of a store, as this machine makes them
why.py           what may have made a file different
run.py           the stage
"""

from attractory.stages.reproduce.run import Reproduction, reproduce

__all__ = ["Reproduction", "reproduce"]
