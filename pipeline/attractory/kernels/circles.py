"""Samples of coordinates on a circle, as vector code: the integration's own coordinate, in its two parts, less whole turns.

The state itself never turns back. Twice whole turns are taken off: of the state at the beginning of the step, to which the polynomial is
then added in full precision, and of their sum."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attractory.expressions.circles import Circle
from attractory.kernels.lanes import Lanes, Value
from attractory.kernels.loops import Tables, emit_each, emit_members, load_double

_NUMBERS = ("low", "high", "bottom", "limit", "width", "width_low", "inverse")


class Circles:
    """The circles of a flow whose samples are of this dtype; `text` are the constants that the code below reads."""

    def __init__(self, circles: Sequence[Circle], variables: int, dtype: str) -> None:
        self.variables = variables
        self.members = tuple((one.variable, place) for place, one in enumerate(circles))
        on_circles = {one.variable for one in circles}
        self.others = tuple((variable,) for variable in range(variables) if variable not in on_circles)
        self.tables = Tables(name="circles")
        rows = [(one.low, one.high, *one.stored(dtype), *one.width, 1.0 / one.width[0]) for one in circles]
        self.names = {name: self.tables.doubles(column) for name, column in zip(_NUMBERS, zip(*rows, strict=True), strict=False)}

    @property
    def text(self) -> str:
        return "".join(self.tables.text)

    def each(self, lanes: Lanes, other: Callable[[Value], None], on_circle: Callable[[Value, Value], None]) -> None:
        """Emits other(variable) for those on no circle, and on_circle(variable, circle)."""
        if not self.members:
            emit_each(lanes, self.variables, other)
            return
        emit_members(lanes, self.tables, self.others, lambda rows: other(rows[0]))
        emit_members(lanes, self.tables, self.members, lambda rows: on_circle(rows[0], rows[1]))

    def sample(self, lanes: Lanes, circle: Value, begin: tuple[Value, Value], rise: tuple[Value, Value]) -> Value:
        """The coordinate begin[0] + begin[1] + rise[0] * rise[1] in its range, such that it is in the range when it is stored, too."""
        number = {name: load_double(lanes, table, circle) for name, table in self.names.items()}
        start = lanes.add(_turned(lanes, begin[0], number), begin[1])
        value = _turned(lanes, lanes.fma(*rise, start), number)
        outside = lanes.logic("or", lanes.compare("oge", value, number["limit"]), lanes.compare("olt", value, number["bottom"]))
        return lanes.select(outside, number["bottom"], value)


def _turned(lanes: Lanes, value: Value, number: dict[str, Value]) -> Value:
    """The value less as many turns as bring it into its range, to rounding; what lies there stays as it is, to the bit."""
    turns = lanes.intrinsic("floor", lanes.mul(lanes.sub(value, number["low"]), number["inverse"]))
    inside = lanes.logic("and", lanes.compare("oge", value, number["low"]), lanes.compare("olt", value, number["high"]))
    back = lanes.neg(turns)
    turned = lanes.fma(back, number["width_low"], lanes.fma(back, number["width"], value))
    return lanes.select(inside, value, turned)
