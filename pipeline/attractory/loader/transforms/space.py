"""Other coordinates: affine maps, other orders of the variables, and the symmetries that the catalog states."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

import numpy as np

from attractory import layout
from attractory.errors import RequestError, StoreError
from attractory.expressions.parser import Apply, Chain, Name, Names, Number, Tree, names_in, parse
from attractory.loader.batch import Batch
from attractory.loader.chance import Chance
from attractory.loader.transforms.known import Known, Member, real

LONGEST_ORDER = 24  # of a symmetry: how often it may be applied before it is the identity again


@dataclass(frozen=True)
class Affine:
    """A random affine map of each window's state: scaled by a factor in each direction, turned, moved.

    scale: from the smallest to the largest factor, drawn evenly in its logarithm; directions are the variables. shift: standard deviation
    of what is added to each variable. turned: by a random rotation of the real variables. `batch.metadata["affine"]` (window, variable,
    variable) and `["shift"]` are what was done: new = state @ affine + shift.
    """

    scale: tuple[float, float] = (1.0, 1.0)
    shift: float = 0.0
    turned: bool = False

    def __post_init__(self) -> None:
        low, high = self.scale
        if not 0 < low <= high or not self.shift >= 0:
            message = f"Affine(scale={self.scale!r}, shift={self.shift!r}): expected 0 < smallest <= largest, and a shift not below zero."
            raise RequestError(message)

    def __call__(self, batch: Batch, chance: Chance) -> Batch:
        width = batch.mask.shape[1]
        factors = np.exp(chance.uniform("scale", width, low=math.log(self.scale[0]), high=math.log(self.scale[1])))
        matrix = factors[:, :, None] * (rotations(batch.mask, chance) if self.turned else np.eye(width))
        moved = np.where(batch.mask, self.shift * chance.normal("shift", width), 0)
        state = np.matmul(batch.state, matrix.astype(batch.state.dtype)) + moved[:, None].astype(batch.state.dtype)
        metadata = {**batch.metadata, "affine": matrix, "shift": moved}
        return replace(batch, state=np.where(real(batch), state, 0).astype(batch.state.dtype, copy=False), metadata=metadata)


def rotations(mask: np.ndarray, chance: Chance) -> np.ndarray:
    """Random rotations (window, variable, variable) of the variables that are real, even over all rotations; the others stay.

    The orthogonal factor of normal numbers, its signs settled by the triangular one, is even over all orthogonal matrices (Stewart, SIAM J.
    Numer. Anal. 17, 403 (1980)); one row's sign makes the determinant one.
    """
    width = mask.shape[1]
    both = mask[:, :, None] & mask[:, None, :]
    drawn = np.where(both, chance.normal("rotation", width, width).astype(np.float64), np.eye(width))
    orthogonal, triangular = np.linalg.qr(drawn)
    orthogonal *= np.sign(np.diagonal(triangular, axis1=1, axis2=2))[:, None, :]
    first = np.argmax(mask, axis=1)
    rows = np.arange(len(mask))
    orthogonal[rows, :, first] *= np.where(mask.any(axis=1), np.sign(np.linalg.det(orthogonal)), 1.0)[:, None]
    found: np.ndarray = orthogonal
    return found


@dataclass(frozen=True)
class Permute:
    """The real variables of each window in a random order; `batch.metadata["order"]` (window, variable) says which came from where."""

    def __call__(self, batch: Batch, chance: Chance) -> Batch:
        width = batch.mask.shape[1]
        # Onto the places that are real, in order, come the real variables by their numbers; the others keep theirs.
        numbers = np.where(batch.mask, chance.uniform("permute", width), 2.0 + np.arange(width))
        places = np.argsort(np.where(batch.mask, np.arange(width), width + np.arange(width)), axis=1)
        order = np.empty(batch.mask.shape, np.int64)
        np.put_along_axis(order, places, np.argsort(numbers, axis=1), axis=1)
        state = np.take_along_axis(batch.state, order[:, None, :], axis=2)
        return replace(batch, state=state, metadata={**batch.metadata, "order": order})


@dataclass(frozen=True)
class Symmetry:
    """Each window moved by symmetries of its system, as the catalog states them: another trajectory of the same system.

    Of a symmetry that is the identity when it is done n times, 0 to n - 1 times are drawn evenly; one without end is done once or not at
    all. It is for states as stored: before Standardise, not after.
    """

    def __call__(self, batch: Batch, _chance: Chance) -> Batch:
        return batch

    def prepared(self, known: Known) -> StoredSymmetry:
        """With the symmetries of each system.

        Raises:
            RequestError: some of a system's variables are left out.
        """
        return StoredSymmetry({code: found for code, member in known.members.items() if (found := _images(member))})


@dataclass(frozen=True)
class Image:
    """One symmetry: the trees of the variables' images, the numbers of its names, and how often it may be done."""

    variables: tuple[str, ...]
    trees: tuple[Tree, ...]
    values: Mapping[str, float]
    ranges: Mapping[int, tuple[float, float]] = field(default_factory=dict)  # of coordinates on a circle
    order: int = 2

    @property
    def parameters(self) -> set[str]:
        """The parameters that it depends on."""
        return {name for tree in self.trees for name in names_in(tree)} - {*self.variables}

    def of(self, states: np.ndarray) -> np.ndarray:
        """The images of states (…, variable)."""
        names = {**self.values, **{name: states[..., place] for place, name in enumerate(self.variables)}}
        found = np.stack([np.broadcast_to(_value(tree, names), states.shape[:-1]) for tree in self.trees], axis=-1)
        for place, (low, high) in self.ranges.items():
            found[..., place] = low + np.mod(found[..., place] - low, high - low)
        return found


@dataclass(frozen=True)
class StoredSymmetry:
    """Symmetry, for the systems of some windows."""

    images: Mapping[int, tuple[Image, ...]]  # by code

    def __call__(self, batch: Batch, chance: Chance) -> Batch:
        state = batch.state.copy()
        for code, images in self.images.items():
            mine = np.flatnonzero((batch.system == code) & batch.mask.any(axis=1))
            for number, image in enumerate(images):
                times = chance.whole(f"symmetry {number}", image.order)
                for done in range(1, image.order):
                    rows = mine[times[mine] >= done]
                    width = len(image.variables)
                    state[rows, :, :width] = image.of(state[rows, :, :width].astype(np.float64)).astype(state.dtype)
        return replace(batch, state=np.where(real(batch), state, 0).astype(state.dtype, copy=False))


def _images(member: Member) -> tuple[Image, ...]:
    record = member.system.attributes.get(layout.RECORD) or {}
    found = []
    for number, texts in enumerate(record.get("symmetries") or ()):
        if any("[" in name for name in texts):
            continue  # of a list of variables, written for all of them at once
        if set(member.variables) != set(member.system.variables):
            message = f"Symmetry: {member.system.name} needs all of its variables; variables= leaves some out."
            raise RequestError(message)
        image = _image(member, texts, where=f"{member.system.name}: symmetries.{number}")
        # Where parameters are drawn, one that depends on them is another one for each trajectory.
        if layout.PARAMETER_FAMILY not in member.system.attributes or not image.parameters:
            found.append(image)
    return tuple(found)


def _image(member: Member, texts: Mapping[str, Any], *, where: str) -> Image:
    variables = member.variables
    values = {name: float(value) for name, value in member.system.parameters.items() if isinstance(value, int | float)}
    names = Names(scalars={*values, *variables}, words="variable or parameter")
    trees = tuple(parse(str(texts.get(name, name)), names, where=where).tree for name in variables)
    ranges = {variables.index(name): ends for name, ends in member.system.wrap.items()}
    image = Image(variables, trees, values, ranges)
    return replace(image, order=_order(image))


def _order(image: Image) -> int:
    """How often it is done until nothing has changed, tried on three states; 2 (once or not at all) where that takes too long."""
    begin = np.random.default_rng(0).uniform(0.2, 0.9, (3, len(image.variables)))
    states = begin
    for times in range(1, LONGEST_ORDER + 1):
        states = image.of(states)
        if np.allclose(states, begin, atol=1e-9):
            return times
    return 2


_OPERATIONS: Mapping[str, Any] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "pow": np.power, "neg": np.negative, "pos": np.positive,
    "sin": np.sin, "cos": np.cos, "tan": np.tan, "exp": np.exp, "log": np.log, "sqrt": np.sqrt, "abs": np.abs, "mod": np.mod,
}  # fmt: skip


def _value(tree: Tree, values: Mapping[str, Any]) -> Any:
    """The value of an expression over arrays."""
    match tree:
        case Number(value=value):
            return value
        case Name(name=name):
            return values[name]
        case Chain(first=first, rest=rest):
            return reduce(lambda left, step: _OPERATIONS[step[0]](left, _value(step[1], values)), rest, _value(first, values))
        case Apply(operation=operation, arguments=arguments) if operation in _OPERATIONS:
            return _OPERATIONS[operation](*(_value(argument, values) for argument in arguments))
    message = "Symmetry: an image in the store is of a form that is not known here. Leave the system out with systems=."
    raise StoreError(message)
