"""The step size and its check as loops over the variables: the same arithmetic as in `step_size`, and the same bits."""

from __future__ import annotations

from attractory.kernels.lanes import Lanes, Value, row_pointer
from attractory.kernels.loops import emit_loop, load_double, times
from attractory.kernels.step_size import disagreement_limit, far_apart, step_from_norms


def emit_step_size_loop(lanes: Lanes, variables: int, order: int, counts: str) -> Value:
    """The step, as `emit_step_size` gives it, from the rows of the table; counts names a table of 1 and 0: whether a size counts."""
    zero = lanes.constant(0.0)

    def widen(number: Value, carried: list[Value]) -> list[Value]:
        *norms, total = carried
        series = row_pointer(lanes, "%c", times(lanes, number, order + 1))
        values = [lanes.load(series, k) for k in (0, order - 1, order)]
        for value in values:
            total = lanes.fma(value, zero, total)
        values[0] = _counted(lanes, values[0], counts, number)
        return [
            *(lanes.intrinsic("maxnum", norm, lanes.intrinsic("fabs", value)) for norm, value in zip(norms, values, strict=True)),
            total,
        ]

    *norms, total = emit_loop(lanes, variables, [zero] * 4, widen)
    return lanes.add(total, step_from_norms(lanes, norms, order))


def _counted(lanes: Lanes, value: Value, counts: str, number: Value) -> Value:
    return lanes.mul(value, load_double(lanes, counts, number)) if counts else value


def emit_disagreement_loop(lanes: Lanes, variables: int, order: int, counts: str) -> Value:
    """The lanes whose last step has to be taken back, as `emit_disagreement` gives them: booleans."""
    zero = lanes.constant(0.0)

    def norm(number: Value, carried: list[Value]) -> list[Value]:
        value = _counted(lanes, lanes.load(row_pointer(lanes, "%c", times(lanes, number, order + 1)), 0), counts, number)
        return [lanes.intrinsic("maxnum", carried[0], lanes.intrinsic("fabs", value))]

    (size,) = emit_loop(lanes, variables, [zero], norm)
    step, limit = lanes.load("%time", 2), disagreement_limit(lanes, size, order)

    def compare(number: Value, carried: list[Value]) -> list[Value]:
        rate = lanes.load(row_pointer(lanes, "%c", times(lanes, number, order + 1)), 1)
        reached = lanes.load(row_pointer(lanes, "%rate", number), 0)
        far = lanes.select(far_apart(lanes, rate, reached, step, limit), lanes.constant(1.0), zero)
        return [lanes.intrinsic("maxnum", carried[0], far)]

    (disagree,) = emit_loop(lanes, variables, [zero], compare)
    return lanes.logic("and", lanes.compare("ogt", disagree, zero), lanes.compare("ogt", step, zero))
