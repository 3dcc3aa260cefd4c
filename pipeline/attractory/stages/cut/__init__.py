"""A part of a finished store as a store of its own.

selection.py     which systems, granularities and trajectories
smaller.py       the part, from the files of the whole
"""

from attractory.stages.cut.selection import Selection, Wish, named, select
from attractory.stages.cut.smaller import Whole, needed_documents, needed_shards, needed_small, write_part

__all__ = ["Selection", "Whole", "Wish", "named", "needed_documents", "needed_shards", "needed_small", "select", "write_part"]
