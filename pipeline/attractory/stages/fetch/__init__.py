"""A part of a published dataset, as a store of its own: what is asked for is transferred, and nothing else.

published.py     where a URL's version is, and its files, each compared with the digest that is known of it
run.py           the stage
"""

from attractory.stages.fetch.run import Fetched, fetch

__all__ = ["Fetched", "fetch"]
