"""Two SHA-256 at a time, by the processor's own instructions for it: each waits for itself alone, and fills the other's waits.

One SHA-256 is a chain of instructions of which each needs the one before, so that half of what the processor could do is left undone. The
digests are those of any other implementation, and `attractory.store.digests` takes hashlib's where these instructions are missing.

Source: FIPS 180-4; the order of the state's words in registers is that of Intel's SHA extensions.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

import llvmlite.binding as llvm

from attractory.kernels.machine import MachineCode, Pointer, Target, compile_functions

BLOCK_BYTES = 64
_WORDS, _BYTES = "<4 x i32>", "<16 x i8>"
_PRIMES = [number for number in range(2, 312) if all(number % smaller for smaller in range(2, number))]  # the first 64


@cache
def has_instructions() -> bool:
    """Whether this processor has them."""
    return bool(llvm.get_host_cpu_features().get("sha"))


def initial_state() -> list[int]:
    """The eight words before the first block: the first 32 bits behind the point of the square roots of the first eight primes."""
    return [_root(prime, 2) for prime in _PRIMES[:8]]


@cache
def constants() -> tuple[int, ...]:
    """One word for each of the 64 rounds: the same of the cube roots of the first 64 primes."""
    return tuple(_root(prime, 3) for prime in _PRIMES)


@cache
def compiled() -> MachineCode:
    """one(state, data, blocks) and two(state, data, state, data, blocks): so many blocks more, of one message and of two."""
    signatures = {
        "one": ctypes.CFUNCTYPE(None, Pointer, Pointer, ctypes.c_int64),
        "two": ctypes.CFUNCTYPE(None, Pointer, Pointer, Pointer, Pointer, ctypes.c_int64),
    }
    declared = [
        f"declare {_WORDS} @llvm.x86.sha256{name}({', '.join([_WORDS] * count)})"
        for name, count in (("rnds2", 3), ("msg1", 2), ("msg2", 2))
    ]
    text = "\n".join([_Function("one", 1).text(), _Function("two", 2).text(), *declared])
    return compile_functions(text, signatures, Target())


def _root(prime: int, degree: int) -> int:
    """The first 32 bits behind the point of a root, by halving."""
    low, high = 0, prime << 32
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**degree <= prime << (32 * degree) else (low, middle)
    return low % 2**32


class _Function:
    """The text of a function that goes on with so many messages side by side."""

    def __init__(self, name: str, streams: int) -> None:
        self._name, self._streams = name, range(streams)
        self._lines: list[str] = []
        self._count = 0

    def text(self) -> str:
        arguments = ", ".join(f"ptr noalias %state{stream}, ptr noalias %data{stream}" for stream in self._streams)
        self._lines = [f"define void @{self._name}({arguments}, i64 %blocks) {{\nentry:"]
        before = [self._read(stream) for stream in self._streams]
        self._lines.append("  %none = icmp eq i64 %blocks, 0\n  br i1 %none, label %end, label %block")
        self._lines.append("block:\n  %index = phi i64 [0, %entry], [%next, %block]")
        for stream, words in zip(self._streams, before, strict=True):
            for name, word in zip(("abef", "cdgh"), words, strict=True):
                self._lines.append(f"  %{name}{stream} = phi {_WORDS} [{word}, %entry], [%{name}{stream}.next, %block]")
        self._block()
        self._lines.append(
            "  %next = add i64 %index, 1\n  %more = icmp ult i64 %next, %blocks\n  br i1 %more, label %block, label %done\ndone:"
        )
        for stream in self._streams:
            self._write(stream)
        self._lines.append("  br label %end\nend:\n  ret void\n}")
        return "\n".join(self._lines)

    def _block(self) -> None:
        """64 rounds, four at a time, of every message in turn."""
        states = [(f"%abef{stream}", f"%cdgh{stream}") for stream in self._streams]
        words = [self._words(stream) for stream in self._streams]
        for group in range(16):
            for stream in self._streams:
                states[stream] = self._four_rounds(states[stream], words[stream][group % 4], group)
                if group < 12:
                    words[stream][group % 4] = self._later_words(words[stream], group)
        for stream, (abef, cdgh) in zip(self._streams, states, strict=True):
            self._lines.append(f"  %abef{stream}.next = add {_WORDS} {abef}, %abef{stream}")
            self._lines.append(f"  %cdgh{stream}.next = add {_WORDS} {cdgh}, %cdgh{stream}")

    def _four_rounds(self, state: tuple[str, str], words: str, group: int) -> tuple[str, str]:
        four = ", ".join(f"i32 {word}" for word in constants()[4 * group : 4 * group + 4])
        message = self._emit(f"add {_WORDS} {words}, <{four}>")
        abef, cdgh = state
        later = self._call("rnds2", cdgh, abef, message)
        return self._call("rnds2", abef, later, self._shuffled(message, message, (2, 3, 0, 1))), later

    def _later_words(self, words: list[str], group: int) -> str:
        """Four words of the schedule from the sixteen before them."""
        first, second, third, fourth = (words[(group + place) % 4] for place in range(4))
        partial = self._emit(f"add {_WORDS} {self._call('msg1', first, second)}, {self._shuffled(third, fourth, (1, 2, 3, 4))}")
        return self._call("msg2", partial, fourth)

    def _words(self, stream: int) -> list[str]:
        """A block's sixteen words, which lie with their highest byte first."""
        begin, found = self._emit(f"shl i64 %index, {BLOCK_BYTES.bit_length() - 1}"), []
        order = ", ".join(f"i32 {4 * (place // 4) + 3 - place % 4}" for place in range(16))
        for part in range(4):
            place = self._emit(f"add i64 {begin}, {16 * part}")
            read = self._emit(f"load {_BYTES}, ptr {self._emit(f'getelementptr i8, ptr %data{stream}, i64 {place}')}, align 1")
            turned = self._emit(f"shufflevector {_BYTES} {read}, {_BYTES} {read}, <16 x i32> <{order}>")
            found.append(self._emit(f"bitcast {_BYTES} {turned} to {_WORDS}"))
        return found

    def _read(self, stream: int) -> tuple[str, str]:
        """The words a to h of a state as the instructions want them: a, b, e, f in one register, the others in another, last first."""
        first, second = (self._emit(f"load {_WORDS}, ptr {self._half(stream, half)}, align 4") for half in range(2))
        return self._shuffled(first, second, (5, 4, 1, 0)), self._shuffled(first, second, (7, 6, 3, 2))

    def _write(self, stream: int) -> None:
        registers = f"%abef{stream}.next", f"%cdgh{stream}.next"
        for half, order in enumerate(((3, 2, 7, 6), (1, 0, 5, 4))):
            self._lines.append(f"  store {_WORDS} {self._shuffled(*registers, order)}, ptr {self._half(stream, half)}, align 4")

    def _half(self, stream: int, half: int) -> str:
        return self._emit(f"getelementptr i8, ptr %state{stream}, i64 {16 * half}")

    def _shuffled(self, first: str, second: str, order: tuple[int, ...]) -> str:
        places = ", ".join(f"i32 {place}" for place in order)
        return self._emit(f"shufflevector {_WORDS} {first}, {_WORDS} {second}, {_WORDS} <{places}>")

    def _call(self, name: str, *values: Any) -> str:
        return self._emit(f"call {_WORDS} @llvm.x86.sha256{name}({', '.join(f'{_WORDS} {value}' for value in values)})")

    def _emit(self, instruction: str) -> str:
        self._count += 1
        self._lines.append(f"  %v{self._count} = {instruction}")
        return f"%v{self._count}"
