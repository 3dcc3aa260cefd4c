"""Read a store: open it, choose windows, draw batches in a fixed global order.

files     where bytes come from            disk_cache  remote shards on this machine's disk
codecs    bytes of a chunk -> numbers      arrays      one stored array, by chunks
metadata  records of systems               stores      several stores as one
choice    which systems are meant          spans       how long windows are
table     window number -> place           sampling    what an epoch draws
order     a permutation of (seed, epoch)   epochs      the orders made of it
rounds    which positions a rank draws     place       where an epoch is, and its state
asked     variables and dtype as asked     pool        decoded chunks in memory; decoders: the threads
mapped    chunks that need no decoding     decoded_cache  the pools of a dataset
gather    places -> samples                labels      what is known beside the states
source    places -> batches                guard       whether a store is still the one that was opened
late_checks                                large shards are checked while they are used
batch     what is drawn                    windows     the iterable and its state
request   from arguments to all of this    dataset     the door: open(), Dataset
items     windows and batches by number    chance      random numbers of transforms
transforms                                 what is done to whole batches
torch_windows, torch_items, jax_windows, tf_windows, grain_windows, hf_windows, lightning_windows    the same for each framework
"""

from __future__ import annotations

from attractory.loader.batch import Batch
from attractory.loader.dataset import Dataset, open
from attractory.loader.windows import Windows

__all__ = ["Batch", "Dataset", "Windows", "open"]
