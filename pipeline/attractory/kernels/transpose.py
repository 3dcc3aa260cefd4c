"""From samples side by side in lanes to lanes side by side in samples: blocks of eight by eight, in registers.

A buffer holds sample after sample, in each variable after variable, in each lane after lane; memory is (trajectory, variable, time)."""

from __future__ import annotations

from attractory.kernels.lanes import ALIGNED, Lanes, Value
from attractory.kernels.loops import emit_loop
from attractory.kernels.sampling import NUMBERS

BLOCK = 8
# lanes: numbers of the buffer from one variable to the next; sample: from one sample to the next; row: of the memory, from one variable to
# the next; trajectory: from one trajectory to the next. Then how many variables, blocks of lanes and blocks of samples there are.
SIZES = ("lanes", "sample", "row", "trajectory", "variables", "lane_blocks", "sample_blocks")


def emit_put(dtype: str) -> str:
    """put(z, out, sizes): whole blocks of samples of whole blocks of lanes to their rows of `out`; sizes as `SIZES`."""
    lanes, number = Lanes(BLOCK), NUMBERS[dtype]
    for place, name in enumerate(SIZES):
        lanes.lines.append(f"  %{name}.place = getelementptr i64, ptr %sizes, i64 {place}\n  %{name} = load i64, ptr %{name}.place")

    def block(at: tuple[Value, Value, Value]) -> None:
        variable, lane, sample = at
        first = [lanes.emit(f"mul i64 {name}, {BLOCK}") for name in (lane, sample)]
        begin = _sum(lanes, (variable, "%lanes"), (first[1], "%sample"), plus=first[0])
        rows = [_row(lanes, _sum(lanes, (str(place), "%sample"), plus=begin), number) for place in range(BLOCK)]
        to = _sum(lanes, (first[0], "%trajectory"), (variable, "%row"), plus=first[1])
        for place, values in enumerate(_transposed(lanes, rows, number)):
            spot = _sum(lanes, (str(place), "%trajectory"), plus=to)
            pointer = lanes.emit(f"getelementptr {number}, ptr %out, i64 {spot}")
            lanes.lines.append(f"  store <{BLOCK} x {number}> {values}, ptr {pointer}, align {8 if number == 'double' else 4}")

    def nested(names: tuple[str, ...], at: tuple[Value, ...]) -> None:
        if not names:
            block((at[0], at[1], at[2]))
            return

        def once(index: Value, carried: list[Value]) -> list[Value]:
            nested(names[1:], (*at, index))
            return carried

        emit_loop(lanes, f"%{names[0]}", (), once)

    nested(("variables", "lane_blocks", "sample_blocks"), ())
    return f"define void @put(ptr noalias %z, ptr noalias %out, ptr noalias %sizes) {ALIGNED} {{\n{lanes.joined()}\n  ret void\n}}\n"


def _sum(lanes: Lanes, *products: tuple[Value, Value], plus: Value) -> Value:
    for a, b in products:
        plus = lanes.emit(f"add i64 {plus}, {lanes.emit(f'mul i64 {a}, {b}')}")
    return plus


def _row(lanes: Lanes, place: Value, number: str) -> Value:
    pointer = lanes.emit(f"getelementptr double, ptr %z, i64 {place}")
    value = lanes.emit(f"load {lanes.vector}, ptr {pointer}, align 8")
    return value if number == "double" else lanes.emit(f"fptrunc {lanes.vector} {value} to <{BLOCK} x float>")


def _transposed(lanes: Lanes, rows: list[Value], number: str) -> list[Value]:
    """Three rounds of exchanges between rows that are 1, 2 and 4 apart."""
    kind = f"<{BLOCK} x {number}>"
    for apart in (1, 2, 4):
        masks = []
        for half in (0, apart):
            picked = [(place & ~apart) + half + (BLOCK if place & apart else 0) for place in range(BLOCK)]
            masks.append(f"<{BLOCK} x i32> <{', '.join(f'i32 {place}' for place in picked)}>")
        for place in range(BLOCK):
            if place & apart:
                continue
            pair = rows[place], rows[place + apart]
            rows[place], rows[place + apart] = (lanes.emit(f"shufflevector {kind} {pair[0]}, {kind} {pair[1]}, {mask}") for mask in masks)
    return rows
