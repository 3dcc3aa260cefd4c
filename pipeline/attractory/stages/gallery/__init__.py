"""A static site of the catalog: a page for each system and one that lists them, to be read with no network."""

from attractory.stages.gallery.run import gallery as gallery
from attractory.stages.gallery.summary import GallerySummary as GallerySummary

__all__ = ["GallerySummary", "gallery"]
