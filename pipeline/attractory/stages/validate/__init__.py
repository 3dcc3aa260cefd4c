"""Validation: every check over a finished store, and the report of what they found.

report.py      a check's verdict, the report, report.json, the table
stored.py      the store as records; the systems come from the store itself
summary.py     one pass over the numbers, shard by shard
reference.py   the second opinion on a trajectory, by SciPy
numbers.py truth.py splits.py labels.py integrity.py    the checks, one file a group
"""

from attractory.stages.validate.report import Check, Report
from attractory.stages.validate.run import validate

__all__ = ["Check", "Report", "validate"]
