"""Functions that kernels call instead of containing them, because they are long and rarely needed.

A module's text names them as `Lanes.call` writes it; `library` gives the definitions that a text needs."""

from __future__ import annotations

import re
from collections.abc import Callable

from attractory.kernels.lanes import PREFIX, literal

# The first 1,280 binary digits of 2/pi behind a word of zeros, the highest first (as many as the largest double needs).
_TWO_OVER_PI = (
    0x0000000000000000,
    0xA2F9836E4E441529, 0xFC2757D1F534DDC0, 0xDB6295993C439041, 0xFE5163ABDEBBC561, 0xB7246E3A424DD2E0,
    0x06492EEA09D1921C, 0xFE1DEB1CB129A73E, 0xE88235F52EBB4484, 0xE99C7026B45F7E41, 0x3991D639835339F4,
    0x9C845F8BBDF9283B, 0x1FF897FFDE05980F, 0xEF2F118B5A0A6D1F, 0x6D367ECF27CB09B7, 0x4F463F669E5FEA2D,
    0x7527BAC7EBE5F17B, 0x3D0739F78A5292EA, 0x6BFB5FB11F8D5D08, 0x56033046FC7B6BAB, 0xF0CFBC209AF4361D,
)  # fmt: skip
_HALF_PI = (1.5707963267948966, 6.123233995736766e-17)  # pi/2 in two parts


def library(text: str) -> str:
    """The definitions of all functions of this module that the text calls."""
    called = sorted(set(re.findall(rf"@{re.escape(PREFIX)}(\w+)\.v(\d+)\(", text)))
    shared = _angle_of_one() if any(name == "angle" for name, _ in called) else ""
    return shared + "".join(_FUNCTIONS[name](int(width)) for name, width in called)


def _angle(width: int) -> str:
    """(r, excess, a double with n in its low bits): x = n pi/2 + r - excess for `width` numbers from 2**24 on; NaN for infinities."""
    vector, record = f"<{width} x double>", ", ".join([f"<{width} x double>"] * 3)
    memory = "\n".join(f"  %{name} = alloca {vector}" for name in ("x.m", "r.m", "e.m", "n.m"))
    places = "\n".join(f"  %{name}.p = getelementptr double, ptr %{name}.m, i64 %i" for name in ("x", "r", "e", "n"))
    results = "\n".join(f"  %{name} = load {vector}, ptr %{name}.m" for name in ("r", "e", "n"))
    return f"""
define internal {{ {record} }} @{PREFIX}angle.v{width}({vector} %x) noinline cold {{
entry:
{memory}
  store {vector} %x, ptr %x.m
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
{places}
  call void @{PREFIX}angle(ptr %x.p, ptr %r.p, ptr %e.p, ptr %n.p)
  %next = add i64 %i, 1
  %again = icmp ult i64 %next, {width}
  br i1 %again, label %loop, label %end
end:
{results}
  %a = insertvalue {{ {record} }} poison, {vector} %r, 0
  %b = insertvalue {{ {record} }} %a, {vector} %e, 1
  %c = insertvalue {{ {record} }} %b, {vector} %n, 2
  ret {{ {record} }} %c
}}
"""


def _angle_of_one() -> str:
    """Multiplies the digits of x with those of 2/pi that matter modulo 4 (Payne and Hanek, SIGNUM Newsletter 18, 19 (1983)).

    192 bits of 2/pi times the 53 of x; the 128 highest of the product, two of them before the point, are kept: no double comes nearer to
    a multiple of pi/2 than 2**-61 of its quarter turns, so 64 good bits remain.
    """
    digits = ", ".join(f"i64 {word}" for word in _TWO_OVER_PI)
    count = len(_TWO_OVER_PI)
    words = "\n".join(f"  %p{i} = getelementptr i64, ptr %first, i64 {i}\n  %a{i} = load i64, ptr %p{i}" for i in range(4))
    window = "\n".join(f"  %w{i} = call i64 @llvm.fshl.i64(i64 %a{i}, i64 %a{i + 1}, i64 %shift)" for i in range(3))
    return f"""
declare i64 @llvm.fshl.i64(i64, i64, i64)
declare double @llvm.fma.f64(double, double, double)
@{PREFIX}two_over_pi = private constant [{count} x i64] [{digits}]
define internal void @{PREFIX}angle(ptr %x.p, ptr %r.p, ptr %e.p, ptr %n.p) noinline cold {{
  %bits = load i64, ptr %x.p
  %field.high = lshr i64 %bits, 52
  %field = and i64 %field.high, 2047
  %infinite = icmp eq i64 %field, 2047
  ; the weight of the last digit of x, its place in the table
  %usable = icmp ugt i64 %field, 1047
  %used = select i1 %usable, i64 %field, i64 1047
  %position = sub i64 %used, 1013
  %word = lshr i64 %position, 6
  %shift = and i64 %position, 63
  %first = getelementptr i64, ptr @{PREFIX}two_over_pi, i64 %word
{words}
{window}
  %digits = and i64 %bits, 4503599627370495
  %m = or i64 %digits, 4503599627370496
  %m.wide = zext i64 %m to i128
  %top = mul i64 %m, %w0
  %top.wide = zext i64 %top to i128
  %high = shl i128 %top.wide, 64
  %w1.wide = zext i64 %w1 to i128
  %middle = mul i128 %m.wide, %w1.wide
  %w2.wide = zext i64 %w2 to i128
  %bottom = mul i128 %m.wide, %w2.wide
  %low = lshr i128 %bottom, 64
  %part = add i128 %high, %middle
  %product = add i128 %part, %low
  ; quarter turns, to the nearest, and what is left of one
  %one.wide = zext i64 1 to i128
  %half = shl i128 %one.wide, 125
  %nudged = add i128 %product, %half
  %turns.wide = lshr i128 %nudged, 126
  %whole = shl i128 %turns.wide, 126
  %left = sub i128 %product, %whole
  %turns = trunc i128 %turns.wide to i64
  %negative = icmp slt i64 %bits, 0
  %left.turned = sub i128 0, %left
  %fraction = select i1 %negative, i128 %left.turned, i128 %left
  %turns.turned = sub i64 0, %turns
  %n = select i1 %negative, i64 %turns.turned, i64 %turns
  ; the fraction as a sum of four exact doubles of 32 bits, then of two
  %upper.wide = ashr i128 %fraction, 64
  %upper = trunc i128 %upper.wide to i64
  %lower = trunc i128 %fraction to i64
  %i0 = ashr i64 %upper, 32
  %i1 = and i64 %upper, 4294967295
  %i2 = lshr i64 %lower, 32
  %i3 = and i64 %lower, 4294967295
{_scaled_integers()}
  %t = fadd double %d0, %d1
  %t.back = fsub double %d0, %t
  %t.low = fadd double %t.back, %d1
  %u = fadd double %d2, %d3
  %u.back = fsub double %d2, %u
  %u.low = fadd double %u.back, %d3
  %h = fadd double %t, %u
  %h.back = fsub double %t, %h
  %h.part = fadd double %h.back, %u
  %lows = fadd double %t.low, %u.low
  %h.low = fadd double %h.part, %lows
  ; times pi/2
  %a = fmul double %h, {literal(_HALF_PI[0])}
  %a.turned = fneg double %a
  %a.low = call double @llvm.fma.f64(double %h, double {literal(_HALF_PI[0])}, double %a.turned)
  %b.low = call double @llvm.fma.f64(double %h, double {literal(_HALF_PI[1])}, double %a.low)
  %c.low = call double @llvm.fma.f64(double %h.low, double {literal(_HALF_PI[0])}, double %b.low)
  %r = fadd double %a, %c.low
  %r.back = fsub double %r, %a
  %excess = fsub double %r.back, %c.low
  %r.known = select i1 %infinite, double {literal(float("nan"))}, double %r
  store double %r.known, ptr %r.p
  store double %excess, ptr %e.p
  %n.bits = add i64 %n, {0x4338000000000000}
  store i64 %n.bits, ptr %n.p
  ret void
}}
"""


def _scaled_integers() -> str:
    lines = []
    for place, exponent in enumerate((-30, -62, -94, -126)):
        lines.append(f"  %f{place} = sitofp i64 %i{place} to double")
        lines.append(f"  %d{place} = fmul double %f{place}, {literal(2.0**exponent)}")
    return "\n".join(lines)


_FUNCTIONS: dict[str, Callable[[int], str]] = {"angle": _angle}
