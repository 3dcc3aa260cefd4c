"""Read a store: open it, choose windows, draw batches in a fixed global order.

files     where bytes come from            codecs    bytes of a chunk -> numbers
arrays    one stored array, by chunks      metadata  records of systems and granularities
table     window number -> place           order     the permutation of (seed, epoch)
rounds    which positions a rank draws     pool      decoded chunks in memory
gather    places -> samples                batch     what is drawn
windows   the iterable and its state       dataset   the door: open(), Dataset
torch_windows, jax_windows                 the same batches in a framework's arrays
"""

from __future__ import annotations

from attractory.loader.batch import Batch
from attractory.loader.dataset import Dataset, open
from attractory.loader.windows import Windows

__all__ = ["Batch", "Dataset", "Windows", "open"]
