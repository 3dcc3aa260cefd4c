"""Trees as text with as few brackets as the order of the operations allows: what all targets share."""

from __future__ import annotations

import textwrap
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from attractory.expressions.export.equations import Equations
from attractory.expressions.parser import Apply, Chain, Delayed, Name, Number, Sum, Tree

# How tightly a text holds together, from a choice (which every operation takes apart) to what never needs brackets.
CHOICE, OR, AND, NOT, COMPARISON, SUM, QUOTIENT, PRODUCT, SIGN, POWER, ATOM = range(11)
LEVELS = {"add": SUM, "sub": SUM, "mul": PRODUCT, "div": PRODUCT, "floordiv": PRODUCT, "rem": PRODUCT, "and": AND, "or": OR}
COMPARISONS = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}


class Piece(NamedTuple):
    """A text and how tightly it holds together."""

    text: str
    level: int


class Writer(ABC):
    """One system's trees in one language; a language has its own signs and functions in a class of its own.

    `names` gives the name that a declared name has in the text.
    """

    signs: Mapping[str, str] = {
        "add": " + ",
        "sub": " - ",
        "mul": "*",
        "div": "/",
        "floordiv": "//",
        "rem": " % ",
        "and": " and ",
        "or": " or ",
    }
    comparisons: Mapping[str, str] = COMPARISONS

    def __init__(self, equations: Equations, names: Mapping[str, str]) -> None:
        self.equations, self.names = equations, names

    def text(self, tree: Tree, least: int = CHOICE) -> str:
        """The tree, in brackets where it holds together less tightly than `least`."""
        return self.bracketed(self.piece(tree), least)

    def bracketed(self, piece: Piece, least: int) -> str:
        return piece.text if piece.level >= least else f"({piece.text})"

    def piece(self, tree: Tree) -> Piece:
        match tree:
            case Number(value=value):
                return Piece(self.number(value), ATOM)
            case Name():
                return Piece(self.name(tree), ATOM)
            case Chain(first=first, rest=rest):
                piece = self.piece(first)
                for operation, operand in rest:
                    piece = self.joined(operation, piece, self.piece(operand))
                return piece
            case Apply(operation=operation, arguments=arguments):
                return self.applied(operation, arguments)
            case Sum():
                return self.total(tree)
            case Delayed():
                return self.delayed(tree)

    def applied(self, operation: str, arguments: tuple[Tree, ...]) -> Piece:
        match operation:
            case "neg":
                return self.negative(*arguments)
            case "not":
                return self.negation(*arguments)
            case "pow":
                return self.power(*arguments)
            case "where":
                return self.choice(*arguments)
            case _ if operation in COMPARISONS:
                return self.comparison(operation, *arguments)
        return self.function(operation, arguments)

    def number(self, value: float) -> str:
        return repr(value)

    @abstractmethod
    def name(self, tree: Name) -> str: ...

    minus = "-"
    below_minus = SIGN  # what a minus may stand before without brackets

    def negative(self, operand: Tree) -> Piece:
        """Never two signs in a row, which Julia does not read."""
        piece = self.piece(operand)
        least = ATOM + 1 if piece.text.startswith(self.minus) else self.below_minus
        return Piece(self.minus + self.bracketed(piece, least), SIGN)

    def negation(self, operand: Tree) -> Piece:
        return Piece("not " + self.text(operand, NOT), NOT)

    def joined(self, operation: str, left: Piece, right: Piece) -> Piece:
        """Left and right by one operation of a chain, which is done from the left."""
        level = LEVELS[operation]
        # -b after a sign would read badly, and a chain on the right keeps its brackets, or other roundings would come out
        least = ATOM + 1 if right.text.startswith(self.minus) else level + 1
        return Piece(f"{self.bracketed(left, level)}{self.signs[operation]}{self.bracketed(right, least)}", level)

    @abstractmethod
    def power(self, base: Tree, exponent: Tree) -> Piece: ...

    @abstractmethod
    def choice(self, condition: Tree, a: Tree, b: Tree) -> Piece: ...

    def comparison(self, operation: str, a: Tree, b: Tree) -> Piece:
        return Piece(f"{self.text(a, SUM)} {self.comparisons[operation]} {self.text(b, SUM)}", COMPARISON)

    @abstractmethod
    def function(self, operation: str, arguments: tuple[Tree, ...]) -> Piece: ...

    @abstractmethod
    def total(self, tree: Sum) -> Piece: ...

    @abstractmethod
    def delayed(self, tree: Delayed) -> Piece: ...


def spelled(equations: Equations, taken: Collection[str]) -> dict[str, str]:
    """A name for every declared name that none of `taken` and no other has: `np` becomes `np_`."""
    names: dict[str, str] = {"t": "t"}
    used = {*taken, *equations.declared}
    for name in equations.declared:
        names[name] = name if name not in taken else _fresh(name, used)
        used.add(names[name])
    return names


def _fresh(name: str, used: Collection[str]) -> str:
    while name in used:
        name += "_"
    return name


def enclosed(parts: Iterable[str], *, start: str, end: str, width: int = 100) -> list[str]:
    """`start a, b end` on one line where it fits, else one part a line, indented by four more."""
    items = list(parts)
    line = start + ", ".join(items) + end
    if len(line) <= width or not items:
        return [line]
    indent = " " * (len(start) - len(start.lstrip()) + 4)
    return [start.rstrip(), *(f"{indent}{item}," for item in items), " " * (len(indent) - 4) + end.lstrip()]


def filled(parts: Iterable[str], *, start: str, end: str, width: int = 100) -> list[str]:
    """As `enclosed`, but with as many parts on a line as fit: for numbers."""
    items = list(parts)
    line = start + ", ".join(items) + end
    if len(line) <= width:
        return [line]
    return [start, *textwrap.wrap(", ".join(items) + ",", width, initial_indent="    ", subsequent_indent="    "), end]
