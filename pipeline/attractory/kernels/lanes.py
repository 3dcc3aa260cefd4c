"""Text of LLVM IR for W numbers at once: each method appends one instruction and returns the name of its result.

Only operations that IEEE 754 defines to the last bit are emitted (add, subtract, multiply, divide, square root, fused multiply-add,
comparisons, bit operations), without fast-math flags: what comes out does not depend on the instruction set that LLVM lowers them to."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

PREFIX = "attractory."  # of functions outside a kernel, see library.py
# LLVM keeps what registers cannot hold on the stack, which a caller aligns to 16 bytes only: about half of all processes, by where the
# system put their stack, had vectors across two cache lines, and steps took 1.4 times as long. The function aligns the stack itself.
ALIGNED = "alignstack(64)"

Value = str  # the name of an SSA value, or a constant


def literal(number: float) -> str:
    """A double as LLVM's hexadecimal literal: exact, also for infinities and NaN."""
    return "0x" + struct.pack(">d", number).hex().upper()


@dataclass
class Lanes:
    """The body of one function on vectors of `width` doubles.

    across: how many a row of an array holds, where a function works on a part of all lanes; 0 where it works on all.
    """

    width: int
    lines: list[str] = field(default_factory=list)
    count: int = 0
    block: str = ""  # the label of the block that is being written, empty before the first
    across: int = 0

    @property
    def vector(self) -> str:
        return f"<{self.width} x double>"

    @property
    def row(self) -> str:
        """What lies from one row of an array to the next."""
        return f"<{self.across or self.width} x double>"

    @property
    def integers(self) -> str:
        return f"<{self.width} x i64>"

    @property
    def booleans(self) -> str:
        return f"<{self.width} x i1>"

    def emit(self, instruction: str) -> Value:
        """Any instruction that has a result."""
        self.count += 1
        name = f"%v{self.count}"
        self.lines.append(f"  {name} = {instruction}")
        return name

    def of_width(self, width: int) -> Lanes:
        """More instructions of the same function, on vectors of another width."""
        return Lanes(width, self.lines, 10_000_000 + self.count)

    # constants
    def constant(self, number: float) -> Value:
        return f"splat (double {literal(number)})"

    def integer(self, number: int) -> Value:
        return f"splat (i64 {number})"

    # arithmetic
    def add(self, a: Value, b: Value) -> Value:
        return self.emit(f"fadd {self.vector} {a}, {b}")

    def sub(self, a: Value, b: Value) -> Value:
        return self.emit(f"fsub {self.vector} {a}, {b}")

    def mul(self, a: Value, b: Value) -> Value:
        return self.emit(f"fmul {self.vector} {a}, {b}")

    def div(self, a: Value, b: Value) -> Value:
        return self.emit(f"fdiv {self.vector} {a}, {b}")

    def neg(self, a: Value) -> Value:
        return self.emit(f"fneg {self.vector} {a}")

    def fma(self, a: Value, b: Value, c: Value) -> Value:
        return self.intrinsic("fma", a, b, c)

    def intrinsic(self, name: str, *arguments: Value) -> Value:
        listed = ", ".join(f"{self.vector} {argument}" for argument in arguments)
        return self.emit(f"call {self.vector} @llvm.{name}.v{self.width}f64({listed})")

    def two_sum(self, a: Value, b: Value) -> tuple[Value, Value]:
        """(a + b rounded, what the rounding lost), exactly (Knuth, The Art of Computer Programming 2, 4.2.2)."""
        total = self.add(a, b)
        back = self.sub(total, a)
        return total, self.add(self.sub(a, self.sub(total, back)), self.sub(b, back))

    def polynomial(self, x: Value, coefficients: Sequence[float]) -> Value:
        """Horner's rule, the coefficient of the highest power first."""
        result = self.constant(coefficients[0])
        for coefficient in coefficients[1:]:
            result = self.fma(result, x, self.constant(coefficient))
        return result

    def dot(self, pairs: Sequence[tuple[Value, Value]], accumulators: int = 3) -> Value:
        """The sum of products in one fixed order: `accumulators` interleaved chains, added pairwise at the end."""
        chains: list[Value] = []
        for place, (a, b) in enumerate(pairs):
            if place < accumulators:
                chains.append(self.mul(a, b))
            else:
                chains[place % accumulators] = self.fma(a, b, chains[place % accumulators])
        while len(chains) > 1:
            chains = [self.add(*chains[i : i + 2]) if i + 1 < len(chains) else chains[i] for i in range(0, len(chains), 2)]
        return chains[0]

    # choices
    def compare(self, condition: str, a: Value, b: Value) -> Value:
        return self.emit(f"fcmp {condition} {self.vector} {a}, {b}")

    def select(self, condition: Value, a: Value, b: Value) -> Value:
        return self.emit(f"select {self.booleans} {condition}, {self.vector} {a}, {self.vector} {b}")

    def logic(self, operation: str, a: Value, b: Value) -> Value:
        return self.emit(f"{operation} {self.booleans} {a}, {b}")

    def invert(self, a: Value) -> Value:
        return self.logic("xor", a, "splat (i1 true)")

    # bits
    def bits(self, a: Value) -> Value:
        return self.emit(f"bitcast {self.vector} {a} to {self.integers}")

    def number(self, a: Value) -> Value:
        return self.emit(f"bitcast {self.integers} {a} to {self.vector}")

    def integral(self, operation: str, a: Value, b: Value) -> Value:
        return self.emit(f"{operation} {self.integers} {a}, {b}")

    def compare_integers(self, condition: str, a: Value, b: Value) -> Value:
        return self.emit(f"icmp {condition} {self.integers} {a}, {b}")

    @property
    def alignment(self) -> int:
        """What every row of an array that begins at a multiple of 64 bytes has: a compiler told of more joins narrow rows and faults."""
        size = 8 * self.width
        return min(64, size & -size)

    # blocks
    def labels(self, *names: str) -> list[str]:
        """Labels that nothing else in this function has."""
        self.count += 1
        return [f"{name}{self.count}" for name in names]

    def begin(self, label: str, *, falls_through: bool = True) -> None:
        """A new block, which the one before it runs into unless that has its own end."""
        self.lines += [f"  br label %{label}"] * falls_through + [f"{label}:"]
        self.block = label

    def call(self, name: str, arguments: Sequence[Value], results: int) -> list[Value]:
        """The results of a function of library.py."""
        record = "{ " + ", ".join([self.vector] * results) + " }"
        listed = ", ".join(f"{self.vector} {argument}" for argument in arguments)
        made = self.emit(f"call {record} @{PREFIX}{name}.v{self.width}({listed})")
        return [self.emit(f"extractvalue {record} {made}, {place}") for place in range(results)]

    def any(self, condition: Value) -> Value:
        """One boolean: whether a condition holds in some lane."""
        bits = self.emit(f"bitcast {self.booleans} {condition} to i{self.width}")
        return self.emit(f"icmp ne i{self.width} {bits}, 0")

    # memory: row `index` of an array of vectors
    def load(self, pointer: str, index: int) -> Value:
        place = self.emit(f"getelementptr {self.row}, ptr {pointer}, i64 {index}")
        return self.emit(f"load {self.vector}, ptr {place}, align {self.alignment}")

    def store(self, value: Value, pointer: str, index: int) -> None:
        place = self.emit(f"getelementptr {self.row}, ptr {pointer}, i64 {index}")
        self.lines.append(f"  store {self.vector} {value}, ptr {place}, align {self.alignment}")

    def load_integers(self, pointer: str, index: int) -> Value:
        place = self.emit(f"getelementptr {self.integers}, ptr {pointer}, i64 {index}")
        return self.emit(f"load {self.integers}, ptr {place}, align {self.alignment}")

    def store_integers(self, value: Value, pointer: str, index: int) -> None:
        place = self.emit(f"getelementptr {self.integers}, ptr {pointer}, i64 {index}")
        self.lines.append(f"  store {self.integers} {value}, ptr {place}, align {self.alignment}")

    # between one number and all lanes
    def load_number(self, pointer: str, place: int) -> Value:
        """One double, as `splat` takes it."""
        return self.emit(f"load double, ptr {self.emit(f'getelementptr double, ptr {pointer}, i64 {place}')}")

    def splat(self, scalar: Value) -> Value:
        """The same double in every lane."""
        first = self.emit(f"insertelement {self.vector} poison, double {scalar}, i64 0")
        return self.emit(f"shufflevector {self.vector} {first}, {self.vector} poison, <{self.width} x i32> zeroinitializer")

    def packed(self, booleans: Value) -> Value:
        """The lanes' booleans as the bits of an i64, lane 0 the lowest."""
        small = self.emit(f"bitcast {self.booleans} {booleans} to i{self.width}")
        return self.emit(f"zext i{self.width} {small} to i64")

    def returning(self, name: str, pointers: Sequence[str], result: Value) -> str:
        """The whole function: it returns an i64."""
        listed = ", ".join(f"ptr noalias %{pointer}" for pointer in pointers)
        return f"define i64 @{name}({listed}) {ALIGNED} {{\n{self.joined()}\n  ret i64 {result}\n}}\n"

    def in_parts(self, name: str, pointers: Sequence[str], result: Value) -> str:
        """As `returning`, of all lanes, from the body for `width` of them: it runs for one part after the other."""
        if not self.across or self.across == self.width:
            return self.returning(name, pointers, result)
        whole, bits = Lanes(self.across), "0"
        for first in range(0, self.across, self.width):
            places = [whole.emit(f"getelementptr double, ptr %{pointer}, i64 {first}") for pointer in pointers]
            made = whole.emit(f"call i64 @{name}.part({', '.join(f'ptr {place}' for place in places)})")
            bits = whole.emit(f"or i64 {bits}, {whole.emit(f'shl i64 {made}, {first}')}")
        part = self.returning(f"{name}.part", pointers, result).replace("define", "define internal", 1)
        return part + whole.returning(name, pointers, bits)

    def joined(self) -> str:
        return "\n".join(self.lines)

    def function(self, name: str, pointers: Sequence[str]) -> str:
        """The whole function: void, of pointers that do not overlap."""
        listed = ", ".join(f"ptr noalias %{pointer}" for pointer in pointers)
        return f"define void @{name}({listed}) {ALIGNED} {{\n{self.joined()}\n  ret void\n}}\n"


def row_pointer(lanes: Lanes, pointer: str, row: Value | int) -> Value:
    """The address of a row; loads and stores beside it count from there."""
    return lanes.emit(f"getelementptr {lanes.row}, ptr {pointer}, i64 {row}")


INTRINSICS = {"fabs": 1, "floor": 1, "sqrt": 1, "maxnum": 2, "minnum": 2, "copysign": 2, "fma": 3}


def declarations(width: int) -> str:
    """The intrinsics that functions made here may call."""
    vector = f"<{width} x double>"
    lines = [f"declare {vector} @llvm.{name}.v{width}f64({', '.join([vector] * count)})" for name, count in INTRINSICS.items()]
    return "\n".join(lines) + "\n"
