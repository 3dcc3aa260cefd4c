"""Arrays that compiled code uses without counting references.

numba counts a reference to every array of a record for each call that the record is passed to, and takes it back: two atomic
instructions an array. With some forty arrays these took a fifth of a whole integration. Whoever calls a driver keeps the arrays for as
long as it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from llvmlite import ir
from numba import types
from numba.core.typing.templates import Signature
from numba.extending import intrinsic


def _unowned(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    """The same array without an owner: counting its references does nothing."""
    array = context.make_array(kind)(context, builder, value=value)
    for owner in ("meminfo", "parent"):
        setattr(array, owner, ir.Constant(getattr(array, owner).type, None))
    return array._getvalue()


@intrinsic
def _borrowed(typing_context: Any, record: Any) -> tuple[Signature, Any]:

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        value = arguments[0]
        for place, kind in enumerate(record.types):
            if isinstance(kind, types.Array):
                value = builder.insert_value(value, _unowned(context, builder, kind, builder.extract_value(value, place)), place)
        return value

    return record(record), generate


borrowed: Callable[[Any], Any] = cast(Any, _borrowed)  # a named tuple whose arrays somebody else keeps
