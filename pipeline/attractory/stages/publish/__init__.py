"""Publishing: a finished store becomes a versioned folder that a stranger can use, check and cite.

version.py       the version, from what decides the bytes
content.py       every file of a version, in the order in which it is written
card.py citation.py croissant.py pictures.py parquet.py    one file each for what is made
destination.py   a folder or an object store: what a reader sees is whole
run.py           the stage
"""

from attractory.stages.publish.run import Published, publish

__all__ = ["Published", "publish"]
