"""A flow's functions as loops over its variables and over groups of its nodes: code whose length does not grow with the system.

Straight-line code of a thousand variables takes minutes to compile and outgrows the instruction cache. Here each group of `groups.Layout`
is a loop over its members, unrolled only over the terms of one coefficient; the orders follow each other as in `TaylorSeries`, whose
recurrences these are (compare heyoka's compact mode: Biscani and Izzo, MNRAS 504, 2614 (2021))."""

from __future__ import annotations

from collections.abc import Sequence

from attractory.kernels.branches import Branched
from attractory.kernels.groups import Group, Layout
from attractory.kernels.lanes import Lanes, Value, row_pointer
from attractory.kernels.loops import Tables, emit_each, emit_members, load_double, times
from attractory.kernels.member import emit_member
from attractory.kernels.step_size_loops import emit_disagreement_loop, emit_step_size_loop

# The arguments of the two functions, here and in straight-line code.
COEFFICIENTS = ("p", "y", "t", "m", "c", "h", "time", "rate", "y_low")
MODES = ("p", "y", "t", "m", "c", "y_low")


def compact_text(graph: Branched, variables: int, order: int, width: int) -> tuple[str, int]:
    """(coefficients and modes in LLVM IR, the rows that the array c has in all)."""
    layout, tables = Layout(graph, variables, order), Tables()
    text = _emit_coefficients(layout, tables, width) + _emit_modes(layout, tables, width)
    return "".join(tables.text) + text, layout.rows


def _emit_coefficients(layout: Layout, tables: Tables, width: int) -> str:
    lanes, order = Lanes(width), layout.order
    _emit_leaves(lanes, layout, tables)
    _emit_groups(lanes, tables, layout.order_zero, 0, order)
    for k in range(1, order):
        _emit_groups(lanes, tables, layout.higher_orders, k, order)
    for group in layout.higher_orders:
        _emit_group(lanes, tables, group, (order, order), group.last)
    sized, variables = layout.graph.sized, layout.variables
    counts = "" if len(sized) == variables else tables.doubles([float(place in sized) for place in range(variables)])
    lanes.store(emit_step_size_loop(lanes, variables, order, counts), "%h", 0)
    doubtful = emit_disagreement_loop(lanes, variables, order, counts)
    return lanes.returning("coefficients", COEFFICIENTS, lanes.packed(doubtful))


def _emit_modes(layout: Layout, tables: Tables, width: int) -> str:
    """modes(p, y, t, m, c, y_low), with the table of coefficients as scratch memory."""
    lanes = Lanes(width)
    if layout.graph.switches:
        _emit_leaves(lanes, layout, tables)
        _emit_groups(lanes, tables, layout.turns, 0, layout.order)
    return lanes.function("modes", MODES)


def _emit_groups(lanes: Lanes, tables: Tables, groups: Sequence[Group], k: int, order: int) -> None:
    for group in groups:
        _emit_group(lanes, tables, group, (k, order), len(group.members))


def _emit_group(lanes: Lanes, tables: Tables, group: Group, orders: tuple[int, int], count: int) -> None:
    """The first `count` members at the order orders[0] of orders[1]."""
    emit_members(lanes, tables, group.members, lambda rows: emit_member(lanes, group.pattern, *orders, rows), count=count)


def _emit_leaves(lanes: Lanes, layout: Layout, tables: Tables) -> None:
    """The state, the parameters, the time and the constants, each to its row."""

    def variable(number: Value) -> None:
        row = row_pointer(lanes, "%c", times(lanes, number, layout.order + 1))
        lanes.store(lanes.load(row_pointer(lanes, "%y", number), 0), row, 0)

    emit_each(lanes, layout.variables, variable)
    _emit_rows(lanes, tables, "%p", layout.leaves("parameter"))
    _emit_rows(lanes, tables, "%t", layout.leaves("time"))
    _emit_rows(lanes, tables, "%y_low", layout.leaves("low"))
    constants = layout.constants()
    if constants:
        name = tables.doubles([value for value, _ in constants])

        def constant(rows: list[Value]) -> None:
            lanes.store(load_double(lanes, name, rows[0]), row_pointer(lanes, "%c", rows[1]), 0)

        emit_members(lanes, tables, tuple((place, row) for place, (_, row) in enumerate(constants)), constant)


def _emit_rows(lanes: Lanes, tables: Tables, pointer: str, places: Sequence[tuple[int, ...]]) -> None:
    """Rows of an argument to rows of the table."""

    def move(rows: list[Value]) -> None:
        lanes.store(lanes.load(row_pointer(lanes, pointer, rows[0]), 0), row_pointer(lanes, "%c", rows[1]), 0)

    emit_members(lanes, tables, tuple(places), move)
