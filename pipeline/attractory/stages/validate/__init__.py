"""Validation: every check over a finished store, and the report of what they found.

rule.py        a check as an object, the evidence that it looks at
rules.py       every rule of ours: the one list
run.py         the referee: every rule over a store, here or on Dask
passes.py      one pass over the numbers, piece by piece, for all rules that gather
report.py      a check's verdict, the report, report.json; pages and tables of it: stages/report/
demands.py     what a recipe tightens or leaves out
user_rules.py  rules from a file that the command line names
stored.py      the store as records; the systems come from the store itself
summary.py     what the cheap rules ask about each trajectory
reference.py   the second opinion on a trajectory, by SciPy
numbers.py truth.py splits.py labels.py integrity.py ...    the rules, a list RULES each
"""

from attractory.stages.validate.report import Check, Report
from attractory.stages.validate.rule import Evidence, Rule, ShardStates
from attractory.stages.validate.run import Asked, validate

__all__ = ["Asked", "Check", "Evidence", "Report", "Rule", "ShardStates", "validate"]
