"""A system as LaTeX: aligned equations."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping

from attractory.expressions.export.equations import Equation, Equations
from attractory.expressions.export.glyphs import GREEK, Glyph, glyphs
from attractory.expressions.export.writer import ATOM, COMPARISON, POWER, PRODUCT, SIGN, SUM, Piece, Writer
from attractory.expressions.parser import Delayed, Name, Number, Sum, Tree

_FUNCTIONS = {
    **{name: rf"\{name}" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "min", "max")},
    **{"asin": r"\arcsin", "acos": r"\arccos", "atan": r"\arctan", "log": r"\ln", "log10": r"\log_{10}"},
    **{"sign": r"\operatorname{sgn}", "heaviside": r"\operatorname{H}", "mod": r"\operatorname{mod}", "atan2": r"\operatorname{atan2}"},
}
_AROUND = {"sqrt": (r"\sqrt{", "}"), "abs": (r"\left|", r"\right|"), "floor": (r"\left\lfloor ", r" \right\rfloor")}
_WORD = r"\mathrm{"
_ENDS_WITH_WORD = re.compile(r"\\mathrm\{[^{}]*\}(_\{[^{}]*\})?\Z")
_LETTERS = {"eps": r"\epsilon", "lamb": r"\lambda", "omicron": "o"}


class LatexWriter(Writer):
    signs: Mapping[str, str] = {**Writer.signs, "mul": " ", "and": r" \land ", "or": r" \lor "}
    below_minus = PRODUCT
    comparisons: Mapping[str, str] = {"lt": "<", "le": r"\le", "gt": ">", "ge": r"\ge", "eq": "=", "ne": r"\ne"}

    def __init__(self, equations: Equations) -> None:
        super().__init__(equations, {})
        self.glyphs = glyphs(equations.declared, _shown, lists=equations.lists)

    def bracketed(self, piece: Piece, least: int) -> str:
        return piece.text if piece.level >= least else rf"\left({piece.text}\right)"

    def piece(self, tree: Tree) -> Piece:
        if isinstance(tree, Number) and "e" in repr(tree.value):
            digits, _, power = repr(tree.value).partition("e")
            return Piece(rf"{digits} \times 10^{{{int(power)}}}", PRODUCT)
        return super().piece(tree)

    def number(self, value: float) -> str:
        return r"\pi" if value == math.pi else repr(value)

    def name(self, tree: Name) -> str:
        return self.symbol(tree.name, ", ".join(self.index(index, self.equations.indexed.get(tree.name)) for index in tree.indices))

    def index(self, tree: Tree, size: int | None) -> str:
        """An index as written: the page says that the indices of variables are cyclic."""
        return self.text(tree).replace(" ", "") if size is not None else self.text(tree)

    def symbol(self, name: str, indices: str = "", *, above: str = "{}") -> str:
        """A declared name, with a dot or the like above its stem."""
        stem, subscript = self.glyphs[name]
        below = ", ".join(part for part in (_subscript(subscript), indices) if part)
        return above.format(_stem(stem)) + (f"_{{{below}}}" if below else "")

    def joined(self, operation: str, left: Piece, right: Piece) -> Piece:
        if operation == "div":
            return Piece(rf"\frac{{{left.text}}}{{{right.text}}}", POWER)
        if operation == "rem":
            return Piece(rf"{self.bracketed(left, PRODUCT)} \bmod {self.bracketed(right, SIGN)}", PRODUCT)
        if operation == "floordiv":
            return Piece(rf"\left\lfloor \frac{{{left.text}}}{{{right.text}}} \right\rfloor", ATOM)
        if operation == "mul" and right.text[0].isdigit() and right.level > PRODUCT:
            return Piece(rf"{self.bracketed(left, PRODUCT)} \cdot {right.text}", PRODUCT)
        joined = super().joined(operation, left, right)
        if operation == "mul" and (_ENDS_WITH_WORD.search(left.text) or right.text.startswith(_WORD)):
            start = self.bracketed(left, PRODUCT)
            return Piece(rf"{start} \,{joined.text.removeprefix(start)}", PRODUCT)  # or one word would run into the other
        return joined

    def negation(self, operand: Tree) -> Piece:
        return Piece(rf"\lnot \left({self.text(operand)}\right)", COMPARISON)

    def power(self, base: Tree, exponent: Tree) -> Piece:
        return Piece(f"{self.text(base, ATOM)}^{{{self.text(exponent)}}}", POWER)

    def choice(self, condition: Tree, a: Tree, b: Tree) -> Piece:
        cases = rf"{self.text(a)} & \text{{if }} {self.text(condition)} \\ {self.text(b)} & \text{{otherwise}}"
        return Piece(rf"\begin{{cases}} {cases} \end{{cases}}", SUM)

    def function(self, operation: str, arguments: tuple[Tree, ...]) -> Piece:
        inside = ", ".join(map(self.text, arguments))
        if operation in _AROUND:
            start, end = _AROUND[operation]
            return Piece(start + inside + end, ATOM)
        return Piece(rf"{_FUNCTIONS[operation]}\left({inside}\right)", POWER)

    def total(self, tree: Sum) -> Piece:
        index = self.symbol(tree.index)
        return Piece(rf"\sum_{{{index}=0}}^{{{self.equations.sizes[tree.index] - 1}}} {self.text(tree.body, PRODUCT)}", COMPARISON)

    def delayed(self, tree: Delayed) -> Piece:
        return Piece(rf"{self.name(Name(tree.name, tree.indices, tree.column))}\left({self.text(tree.time)}\right)", POWER)


def latex_text(equations: Equations) -> str:
    """LaTeX of the package amsmath: the equations, then the definitions, in one `aligned`."""
    writer = LatexWriter(equations)
    lines = [*(_line(writer, equation) for equation in equations.equations), *_definitions(writer)]
    return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}\n"


def _line(writer: LatexWriter, equation: Equation) -> str:
    index = writer.symbol(equation.index) if equation.index else ""
    is_map = writer.equations.kind == "map"
    left = writer.symbol(equation.name, index, above="{}'" if is_map else r"\dot{{{}}}")
    line = f"{left} &= {writer.text(equation.tree)}"
    if is_map and equation.wrap:
        low, high = map(writer.text, equation.wrap)
        line += rf" \quad \left(\mathrm{{mod}}\ [{low}, {high})\right)"
    if equation.index:
        cyclic = r" \text{ (cyclic)}" if writer.equations.is_cyclic else ""
        line += rf", \qquad {index} = 0, \ldots, {equation.size - 1}{cyclic}"
    return line


def _definitions(writer: LatexWriter) -> Iterator[str]:
    for name, tree in writer.equations.definitions:
        yield f"{writer.symbol(name)} &= {writer.text(tree)}"


def _stem(stem: str) -> str:
    if stem in GREEK:
        return _LETTERS.get(stem, rf"\{stem}")
    return stem if len(stem) == 1 else rf"\mathrm{{{_escaped(stem)}}}"


def _subscript(subscript: str) -> str:
    return subscript if subscript.isdigit() or len(subscript) < 2 else rf"\mathrm{{{_escaped(subscript)}}}"


def _escaped(text: str) -> str:
    return text.replace("_", r"\_")


def _shown(glyph: Glyph) -> str:
    return f"{_stem(glyph.stem)}_{glyph.subscript}"
