"""What every part of a recipe is made of: frozen, without unknown keys, numbers that are finite."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

# Far above what a disk holds, and far below what a 64-bit count does.
MOST = 10**12


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise PydanticCustomError("not_finite", "expected a finite number")
    return value


Text = Annotated[str, Field(strict=True)]
Count = Annotated[int, Field(strict=True, ge=1, le=MOST)]
Number = Annotated[float, Field(strict=True), AfterValidator(_finite)]
Positive = Annotated[Number, Field(gt=0)]


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def rising(low: float, high: float) -> None:
    """Nothing, where low is below high; a sentence for the recipe's reader otherwise."""
    if not low < high:
        raise PydanticCustomError("measure", "found [{low}, {high}], expected the lower end first", {"low": low, "high": high})
