"""Certifying: until when stored trajectories are the true solutions of their equations, by an independent integration in many digits.

equations.py         a system's graph as heyoka's expressions, its switches as modes and events
values.py            a graph's values in many digits, by mpmath
flow_reference.py    a flow and its twin, by heyoka
map_reference.py     a map and its twin, by iteration
reference.py         what the two have in common: problem, stretch, how many digits
judgement.py         stored samples against the reference: accurate_until and what it is
sample.py            which trajectories are looked at
kept.py              what an interrupted run has found
outcome.py           per system: numbers, table, attributes of the array
run.py               the stage
"""

from attractory.stages.certify.outcome import Outcome
from attractory.stages.certify.run import certify

__all__ = ["Outcome", "certify"]
