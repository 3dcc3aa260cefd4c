"""Loops in the text of a function: over the members of a group by a table of rows, or over all variables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from attractory.kernels.lanes import Lanes, Value, literal

Body = Callable[[Value, list[Value]], list[Value]]


def emit_loop(lanes: Lanes, count: int | Value, initial: Sequence[Value], body: Body) -> list[Value]:
    """Emits body(number, carried) for the numbers 0 to count - 1; returns what the last one carries. count is at least one."""
    before, loop, after = lanes.labels("before", "loop", "after")
    carried = [f"%{loop}.carried{place}" for place in range(len(initial))]
    lanes.begin(before)
    lanes.begin(loop)
    head = len(lanes.lines)
    following = body(f"%{loop}.number", carried)
    last = lanes.block
    phis = [f"  %{loop}.number = phi i64 [ 0, %{before} ], [ %{loop}.next, %{last} ]"]
    for name, first, new in zip(carried, initial, following, strict=True):
        phis.append(f"  {name} = phi {lanes.vector} [ {first}, %{before} ], [ {new}, %{last} ]")
    lanes.lines[head:head] = phis
    lanes.lines.append(
        f"  %{loop}.next = add i64 %{loop}.number, 1\n  %{loop}.more = icmp ult i64 %{loop}.next, {count}\n"
        f"  br i1 %{loop}.more, label %{loop}, label %{after}"
    )
    lanes.begin(after, falls_through=False)
    return following


def emit_each(lanes: Lanes, count: int, body: Callable[[Value], None]) -> None:
    """Emits body(number) for the numbers 0 to count - 1; nothing where there are none."""

    def nothing_carried(number: Value, carried: list[Value]) -> list[Value]:
        body(number)
        return carried

    if count == 1:
        body("0")
    elif count:
        emit_loop(lanes, count, (), nothing_carried)


def times(lanes: Lanes, number: Value, factor: int) -> Value:
    """number * factor, of 64-bit integers."""
    return str(int(number) * factor) if number.isdigit() else lanes.emit(f"mul i64 {number}, {factor}")


Members = tuple[tuple[int, ...], ...]


@dataclass
class Tables:
    """Constants of a module: tables of rows and of doubles, each named, each once."""

    name: str = "table"
    text: list[str] = field(default_factory=list)
    known: dict[Members, str] = field(default_factory=dict)

    def rows(self, members: Members) -> str:
        """The name of a table [member][column] of numbers below 2**31."""
        if members not in self.known:
            self.known[members] = self._add("i32", [f"i32 {row}" for member in members for row in member])
        return self.known[members]

    def doubles(self, values: Sequence[float]) -> str:
        """The name of a table of doubles."""
        return self._add("double", [f"double {literal(value)}" for value in values])

    def _add(self, kind: str, entries: Sequence[str]) -> str:
        name = f"@{self.name}{len(self.text)}"
        self.text.append(f"{name} = private constant [{len(entries)} x {kind}] [{', '.join(entries)}]\n")
        return name


def emit_members(lanes: Lanes, tables: Tables, members: Members, body: Callable[[list[Value]], None], *, count: int | None = None) -> None:
    """Emits body(numbers) for each member, or for the first `count` of them. A single member's numbers stand in the code."""
    count = len(members) if count is None else count
    if count == 1:
        body([str(row) for row in members[0]])
    elif count:
        name, columns = tables.rows(members), len(members[0])

        def member(number: Value) -> None:
            first = lanes.emit(f"getelementptr i32, ptr {name}, i64 {times(lanes, number, columns)}")
            body([_entry(lanes, first, column) for column in range(columns)])

        emit_each(lanes, count, member)


def _entry(lanes: Lanes, first: Value, column: int) -> Value:
    place = lanes.emit(f"getelementptr i32, ptr {first}, i64 {column}")
    return lanes.emit(f"zext i32 {lanes.emit(f'load i32, ptr {place}')} to i64")


def load_double(lanes: Lanes, table: str, number: Value) -> Value:
    """A double of a table in every lane."""
    return lanes.splat(lanes.emit(f"load double, ptr {lanes.emit(f'getelementptr double, ptr {table}, i64 {number}')}"))
