"""Code on expansions in memory: each method appends a call and gives the address of its result.

The longer an expansion, the less the way through memory costs beside its arithmetic, and the shorter the text that LLVM has to compile:
a product of eight words is seven hundred instructions, written once."""

from __future__ import annotations

from collections.abc import Sequence

from attractory.kernels.lanes import ALIGNED, Lanes, Value

PREFIX = "wide."  # of the functions in routines.py and elementary.py: @wide.NAME.WORDS


class Body:
    """The body of one function on expansions of `count` words, in lanes; addresses are those of their first words.

    stride: words from one row of a table to the next, a number or a value; the count may become less in the course of a function, and
    then only the first words of what is there are read and written.
    """

    def __init__(self, lanes: Lanes, count: int, stride: Value | int | None = None) -> None:
        self.lanes = lanes
        self.count = count
        self.stride = count if stride is None else stride
        self.words = count  # that a slot has room for
        self.slots: list[str] = []
        self.used: list[Value] = []
        self.free: list[Value] = []
        self.constants: dict[tuple[float, ...], Value] = {}

    def slot(self) -> Value:
        """Memory for one expansion, the function's own, until it is released."""
        self.used.append(self.free.pop() if self.free else self._new_slot())
        return self.used[-1]

    def release(self, mark: int) -> None:
        """Gives back all slots but the first `mark` that are in use."""
        self.free += self.used[mark:]
        del self.used[mark:]

    def _new_slot(self) -> Value:
        name = f"%slot{len(self.slots)}"
        self.slots.append(f"  {name} = alloca [{self.words} x {self.lanes.vector}], align 64")
        return name

    def load(self, address: Value) -> list[Value]:
        return [self.lanes.load(address, place) for place in range(self.count)]

    def first_word(self, address: Value) -> Value:
        return self.lanes.load(address, 0)

    def store(self, words: Sequence[Value], address: Value) -> None:
        """Keeps an expansion; words that are missing are zero."""
        for place in range(self.count):
            self.lanes.store(words[place] if place < len(words) else self.lanes.constant(0.0), address, place)

    def kept(self, words: Sequence[Value]) -> Value:
        address = self.slot()
        self.store(words, address)
        return address

    def constant(self, words: Sequence[float]) -> Value:
        """A number that is the same in all lanes; only where the code has not branched yet."""
        key = tuple(words)
        if key not in self.constants:
            self.constants[key] = self._new_slot()
            self.store([self.lanes.constant(word) for word in key], self.constants[key])
        return self.constants[key]

    def call(self, name: str, *arguments: Value | tuple[str, Value], into: Value | None = None) -> Value:
        """Calls a function; an argument is an address, or a value with its type."""
        result = into or self.slot()
        listed = ", ".join(f"ptr {a}" if isinstance(a, str) else " ".join(a) for a in (result, *arguments))
        self.lanes.lines.append(f"  call void @{PREFIX}{name}.{self.count}({listed})")
        return result

    def scaled(self, address: Value, factor: Value, *, into: Value | None = None) -> Value:
        """Times a double, one in each lane."""
        return self.call("scale", address, (self.lanes.vector, factor), into=into)

    def doubled(self, address: Value, power: int = 1) -> Value:
        """Times a power of two, without rounding."""
        return self.shifted(address, self.lanes.constant(2.0**power))

    def shifted(self, address: Value, factor: Value, *, into: Value | None = None) -> Value:
        """Times a power of two, one in each lane, without rounding."""
        result = into or self.slot()
        self.store([self.lanes.mul(word, factor) for word in self.load(address)], result)
        return result

    def chosen(self, condition: Value, a: Value, b: Value) -> Value:
        """a where the condition holds, else b."""
        pairs = zip(self.load(a), self.load(b), strict=True)
        return self.kept([self.lanes.select(condition, first, second) for first, second in pairs])

    def absolute(self, address: Value) -> Value:
        below = self.lanes.compare("olt", self.first_word(address), self.lanes.constant(0.0))
        return self.chosen(below, self.call("neg", address), address)

    def row(self, base: Value, index: Value | int) -> Value:
        """The address of an expansion in a table of them."""
        known = isinstance(index, int) and isinstance(self.stride, int)
        number = str(int(index) * int(self.stride)) if known else self.whole("mul", index, self.stride)
        return self.lanes.emit(f"getelementptr {self.lanes.vector}, ptr {base}, i64 {number}")

    def whole(self, operation: str, a: Value | int, b: Value | int) -> Value:
        """Arithmetic on one i64 for all lanes."""
        return self.lanes.emit(f"{operation} i64 {a}, {b}")

    def function(self, name: str, parameters: str, *, internal: bool = False, result: Value | None = None) -> str:
        """The whole function; it returns an i64 where there is a result."""
        lines = "\n".join(["entry:", *self.slots, *self.lanes.lines])
        kind, end = ("void", "ret void") if result is None else ("i64", f"ret i64 {result}")
        return f"define {'internal ' * internal}{kind} @{name}({parameters}) {ALIGNED} {{\n{lines}\n  {end}\n}}\n"


class Loop:
    """A loop over an i64 from `first` to `last` (none where first > last) that carries vectors along.

    with Loop(body, first, last, carried) as loop: ... loop.index, loop.values ...; loop.next(new values); afterwards loop.results.
    """

    def __init__(self, body: Body, first: Value | int, last: Value | int, carried: Sequence[Value], *, step: int = 1) -> None:
        self.lanes, self.bounds, self.step = body.lanes, (first, last), step
        self.carried = list(carried)
        self.next_values: list[Value] = []
        self.results: list[Value] = []

    def __enter__(self) -> Loop:
        lanes = self.lanes
        before, self.head, self.inside, self.end = lanes.labels("before", "head", "inside", "end")
        lanes.begin(before)
        lanes.begin(self.head)
        self.place = len(lanes.lines)
        self.index = f"%{self.head}.index"
        self.values = [f"%{self.head}.value{i}" for i in range(len(self.carried))]
        self.before = before
        condition = "sle" if self.step > 0 else "sge"
        again = lanes.emit(f"icmp {condition} i64 {self.index}, {self.bounds[1]}")
        lanes.lines.append(f"  br i1 {again}, label %{self.inside}, label %{self.end}")
        lanes.begin(self.inside, falls_through=False)
        return self

    def next(self, values: Sequence[Value]) -> None:
        self.next_values = list(values)

    def __exit__(self, *_: object) -> None:
        lanes = self.lanes
        following = lanes.emit(f"add i64 {self.index}, {self.step}")
        latch = self.head + ".back"
        lanes.begin(latch)
        lanes.lines.append(f"  br label %{self.head}")
        entries = [f"  {self.index} = phi i64 [ {self.bounds[0]}, %{self.before} ], [ {following}, %{latch} ]"]
        entries += [
            f"  {value} = phi {lanes.vector} [ {start}, %{self.before} ], [ {new}, %{latch} ]"
            for value, start, new in zip(self.values, self.carried, self.next_values, strict=True)
        ]
        lanes.lines[self.place : self.place] = entries
        lanes.begin(self.end, falls_through=False)
        self.results = self.values
