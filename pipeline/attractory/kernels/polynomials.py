"""Evaluation of a step's polynomials: for all lanes at their own times, and for one lane at many sample times.

Both evaluate by Horner's rule with fused multiply-adds at x = (n dt - t) - t_low, so a sample has the same bits whichever of them makes it.
Coefficients lie as rows of `width` doubles: row v (order + 1) + k holds the coefficients of order k of variable v.
"""

from __future__ import annotations

from attractory.kernels.lanes import Lanes
from attractory.kernels.stepping import splat



def emit_evaluate(width: int, variables: int, order: int) -> str:
    """evaluate(x, c, z): row v of z is the polynomial of variable v at x, each lane at its own."""
    lanes = Lanes(width)
    x = lanes.load("%x", 0)
    for variable in range(variables):
        first = variable * (order + 1)
        value = lanes.load("%c", first + order)
        for k in range(order - 1, -1, -1):
            value = lanes.fma(value, x, lanes.load("%c", first + k))
        lanes.store(value, "%z", variable)
    return lanes.function("evaluate", ["x", "c", "z"])


def emit_sample(width: int, variables: int, order: int, number: str) -> str:
    """sample_<number>(c, lane, t, t_low, dt, first, last, out, offset, stride): samples first <= n < last of one lane.

    out[offset + v * stride + n], doubles or floats, gets variable v at time n dt; t + t_low is where the step began.
    """
    lanes = Lanes(width)
    times = _sample_times(lanes)
    for variable in range(variables):
        _one_variable(lanes, times, variable * (order + 1), order, number)
    body = "\n".join(lanes.lines)
    size = f"<{width} x {number}>"
    return f"""define void @sample_{number}(ptr noalias %c, i64 %lane, double %t, double %tlow, double %dt, i64 %first, i64 %last, ptr noalias %out, i64 %offset, i64 %stride) {{
entry:
  %scratch = alloca {size}, align 64
  br label %block
block:
  %n = phi i64 [ %first, %entry ], [ %next, %stored ]
  %next = add i64 %n, {width}
  %whole = icmp sle i64 %next, %last
  %left = sub i64 %last, %n
  %many = select i1 %whole, i64 {width}, i64 %left
{body}
  br label %stored
stored:
  %more = icmp slt i64 %next, %last
  br i1 %more, label %block, label %done
done:
  ret void
}}
"""


def _sample_times(lanes: Lanes) -> str:
    width = lanes.width
    numbers = splat(lanes, "i64", "%n")
    steps = "<" + ", ".join(f"i64 {place}" for place in range(width)) + ">"
    indices = lanes.integral("add", numbers, steps)
    times = lanes.mul(lanes.emit(f"sitofp {lanes.integers} {indices} to {lanes.vector}"), splat(lanes, "double", "%dt"))
    return lanes.sub(lanes.sub(times, splat(lanes, "double", "%t")), splat(lanes, "double", "%tlow"))


def _one_variable(lanes: Lanes, times: str, first: int, order: int, number: str) -> None:
    value = _broadcast(lanes, first + order)
    for k in range(order - 1, -1, -1):
        value = lanes.fma(value, times, _broadcast(lanes, first + k))
    variable = first // (order + 1)
    if number == "float":
        value = lanes.emit(f"fptrunc {lanes.vector} {value} to <{lanes.width} x float>")
    row = lanes.emit(f"mul i64 %stride, {variable}")
    place = lanes.emit(f"add i64 {lanes.emit(f'add i64 {row}, %offset')}, %n")
    pointer = lanes.emit(f"getelementptr {number}, ptr %out, i64 {place}")
    kind = f"<{lanes.width} x {number}>"
    # A whole vector goes out at once; the last, partial one through memory.
    name = f"v{variable}"
    lanes.lines.append(f"""  br i1 %whole, label %full{name}, label %part{name}
full{name}:
  store {kind} {value}, ptr {pointer}, align 4
  br label %next{name}
part{name}:
  store {kind} {value}, ptr %scratch, align 64
  br label %copy{name}
copy{name}:
  %i{name} = phi i64 [ 0, %part{name} ], [ %j{name}, %copy{name} ]
  %from{name} = getelementptr {number}, ptr %scratch, i64 %i{name}
  %to{name} = getelementptr {number}, ptr {pointer}, i64 %i{name}
  %x{name} = load {number}, ptr %from{name}
  store {number} %x{name}, ptr %to{name}
  %j{name} = add i64 %i{name}, 1
  %go{name} = icmp slt i64 %j{name}, %many
  br i1 %go{name}, label %copy{name}, label %next{name}
next{name}:""")


def _broadcast(lanes: Lanes, row: int) -> str:
    place = lanes.emit(f"add i64 %lane, {row * lanes.width}")
    pointer = lanes.emit(f"getelementptr double, ptr %c, i64 {place}")
    return splat(lanes, "double", lanes.emit(f"load double, ptr {pointer}"))
