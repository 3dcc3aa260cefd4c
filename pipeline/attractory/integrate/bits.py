"""The lowest bit that is set, as one machine instruction inside compiled loops: lanes with work to do are visited without a look at the
others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from llvmlite import ir
from numba import types
from numba.core.typing.templates import Signature
from numba.extending import intrinsic


@intrinsic
def _lowest_bit(typing_context: Any, bits: Any) -> tuple[Signature, Any]:

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.int64), generate


lowest_bit: Callable[[int], int] = cast(Any, _lowest_bit)  # the number of the lowest bit of an int64 that is not zero
