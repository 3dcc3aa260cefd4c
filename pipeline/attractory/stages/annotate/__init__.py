"""`attractory annotate`: invariants are computed from a system's equations and written into its entry.

run         entries to annotations, on Dask; what is current is kept
recheck     the same computed anew with another seed, and compared
estimates   one system to its estimates: which, and with how much work
written     an estimate as the mapping that an entry holds
summary     what comes out: records, lines, documents
"""

from attractory.stages.annotate.estimates import CORE_SECONDS, Work, estimate_invariants
from attractory.stages.annotate.recheck import check_annotations
from attractory.stages.annotate.run import annotate
from attractory.stages.annotate.summary import AnnotateSummary, RecheckSummary
from attractory.stages.annotate.written import as_invariant

__all__ = [
    "CORE_SECONDS",
    "AnnotateSummary",
    "RecheckSummary",
    "Work",
    "annotate",
    "as_invariant",
    "check_annotations",
    "estimate_invariants",
]
