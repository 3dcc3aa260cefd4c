"""Systems of linear equations as straight-line vector code: LU with partial pivoting that each lane decides for itself.

Rows stay in their places and are swapped by selects, so every lane runs the same instructions and its numbers depend on its own matrix
alone. Entries that are structurally zero are None and cost nothing; columns are eliminated in the order that has fewest rows to compare
(a cheap form of Markowitz, Management Science 3, 255 (1957)), which for a sparse matrix leaves few swaps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from attractory.kernels.lanes import Lanes, Value

Entry = Value | None


@dataclass(frozen=True)
class _Elimination:
    """One column: the place of its pivot, the swaps with it (place, condition), what is added to others (place, minus the factor), the
    row of U to the right of the pivot, and 1 / pivot."""

    column: int
    pivot: int
    swaps: tuple[tuple[int, Value], ...]
    factors: tuple[tuple[int, Value], ...]
    row: tuple[tuple[int, Value], ...]
    reciprocal: Value


class LinearSystem:
    """The factors of a square matrix [equation][unknown]; `solve` may be called for any number of right-hand sides."""

    def __init__(self, lanes: Lanes, matrix: Sequence[Sequence[Entry]]) -> None:
        self.lanes = lanes
        self.entries = [list(row) for row in matrix]
        self.rows, self.columns = list(range(len(matrix))), list(range(len(matrix)))
        self.eliminations = [self._eliminate(self._next_column()) for _ in matrix]

    def solve(self, right: Sequence[Value]) -> list[Value]:
        """The unknowns of one right-hand side."""
        lanes, values = self.lanes, list(right)
        for step in self.eliminations:
            for row, larger in step.swaps:
                values[step.pivot], values[row] = self._swapped(larger, values[step.pivot], values[row])
            for row, factor in step.factors:
                values[row] = lanes.fma(factor, values[step.pivot], values[row])
        unknowns: dict[int, Value] = {}
        for step in reversed(self.eliminations):
            rest = values[step.pivot]
            for column, entry in step.row:
                rest = lanes.fma(lanes.neg(entry), unknowns[column], rest)
            unknowns[step.column] = lanes.mul(rest, step.reciprocal)
        return [unknowns[column] for column in range(len(values))]

    def _candidates(self, column: int) -> list[int]:
        return [row for row in self.rows if self.entries[row][column] is not None]

    def _next_column(self) -> int:
        return min(self.columns, key=lambda column: (len(self._candidates(column)), column))

    def _eliminate(self, column: int) -> _Elimination:
        candidates = self._candidates(column)
        pivot = column if column in candidates else candidates[0]
        others = [row for row in candidates if row != pivot]
        swaps = tuple((row, self._bring_up(column, pivot, row)) for row in others)
        self.rows.remove(pivot)
        self.columns.remove(column)
        reciprocal = self.lanes.div(self.lanes.constant(1.0), self._entry(pivot, column))
        row_of_u = tuple((place, entry) for place in self.columns if (entry := self.entries[pivot][place]) is not None)
        factors = tuple((row, self._subtract(column, row, reciprocal, row_of_u)) for row in others)
        return _Elimination(column, pivot, swaps, factors, row_of_u, reciprocal)

    def _bring_up(self, column: int, pivot: int, row: int) -> Value:
        """Swaps two rows in the lanes where the second has the larger entry; returns in which."""
        lanes = self.lanes
        sizes = [lanes.intrinsic("fabs", self._entry(place, column)) for place in (row, pivot)]
        larger = lanes.compare("ogt", *sizes)
        for place in self.columns:
            above, below = self.entries[pivot][place], self.entries[row][place]
            if above is not None or below is not None:
                zero = lanes.constant(0.0)
                self.entries[pivot][place], self.entries[row][place] = self._swapped(larger, above or zero, below or zero)
        return larger

    def _subtract(self, column: int, row: int, reciprocal: Value, row_of_u: Sequence[tuple[int, Value]]) -> Value:
        """Takes the pivot's row from another one; returns minus its factor."""
        lanes = self.lanes
        factor = lanes.neg(lanes.mul(self._entry(row, column), reciprocal))
        for place, entry in row_of_u:
            old = self.entries[row][place]
            self.entries[row][place] = lanes.mul(factor, entry) if old is None else lanes.fma(factor, entry, old)
        return factor

    def _swapped(self, condition: Value, a: Value, b: Value) -> tuple[Value, Value]:
        return self.lanes.select(condition, b, a), self.lanes.select(condition, a, b)

    def _entry(self, row: int, column: int) -> Value:
        value = self.entries[row][column]
        if value is None:
            message = f"entry ({row}, {column}) is structurally zero"
            raise RuntimeError(message)
        return value


def size_of_code(pattern: Sequence[set[int]], solves: int) -> int:
    """Instructions of the factors and so many solutions of a matrix with entries in these columns of each row; never far too few."""
    rows, columns, total = [set(row) for row in pattern], set(range(len(pattern))), 0
    open_rows = set(range(len(pattern)))
    while columns:
        column = min(columns, key=lambda place: (sum(place in rows[row] for row in open_rows), place))
        candidates = [row for row in open_rows if column in rows[row]]
        merged = set.union(*(rows[row] for row in candidates)) & columns
        pivot = column if column in candidates else min(candidates)
        for row in candidates:
            rows[row] = merged - {column}
        total += (len(candidates) - 1) * (4 * len(merged) + 4 * solves) + len(merged) * 2 * solves
        open_rows.remove(pivot)
        columns.remove(column)
    return total
