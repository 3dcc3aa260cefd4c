"""`attractory check`: catalog entries can be read, and each system does what its entry says.

run          entries to results, by as many processes as are asked for
entry        one entry to its result: which checks, in which order
report       what comes out: records, table, document
reading      expressions that cannot be read
limits       how much an entry may cost
statements   what needs no trajectory: symmetries, conserved quantities, circles, avoid, ranges
look         the first trajectory, from the catalogued state, and its variants'
ensemble     states drawn as the engine draws them, on their way
period       the mean time between maxima
twins        growth rates, from trajectories side by side
returns      what comes to rest, and what comes back
classes      from growth, rest and return to a class of behaviour
annotated    the annotated leading exponent
behaviour    gathers these until a class is sure
delays       the same for delay systems
"""

from attractory.stages.check.report import Checked, Finding, Result
from attractory.stages.check.run import check

__all__ = ["Checked", "Finding", "Result", "check"]
