"""Publishing: a finished store becomes a versioned folder that a stranger can use, check and cite.

version.py       the version, from what decides the bytes
origin.py changes.py    what a version is made from, and what is different from the one before it
content.py       every file of a version, in the order in which it is written
card.py datasheet.py citation.py croissant.py datacite.py ro_crate.py pictures.py    one file each for what is said
tables.py the_well.py dysts_json.py starter.py    the same trajectories in other forms, and a cut of them
destination.py hub.py    a folder, an object store, a repository of the hub: what a reader sees is whole
run.py           the stage
"""

from attractory.stages.publish.run import Asked, Published, publish

__all__ = ["Asked", "Published", "publish"]
