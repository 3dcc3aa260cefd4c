"""Text to a small typed tree: the only way in which an expression from a file or a user enters the package.

The text is scanned first (length, characters, nesting), then parsed with `ast`, and the syntax tree is translated against a white list.
Nothing is ever evaluated, so a text from a stranger can at worst be refused. Standard library only: the loader uses this module too.
"""

from __future__ import annotations

import ast
import keyword
import math
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import NoReturn

from attractory.errors import ExpressionError, nearest

MAX_LENGTH = 20_000  # characters: the longest right-hand side of the field's collections has about 1,000
MAX_DEPTH = 64  # brackets in brackets; Python's own parser gives up at 200
MAX_PREFIXES = 8  # signs before one operand
MAX_NUMBER_LENGTH = 64  # characters of one literal: 17 digits decide a double

CONSTANTS = {"pi": math.pi, "e": math.e}
UNBOUNDED = 1_000
FUNCTIONS: dict[str, tuple[int, int]] = {  # name: fewest and most arguments
    **{name: (1, 1) for name in ("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh")},
    **{name: (1, 1) for name in ("exp", "log", "log10", "sqrt", "abs", "sign", "floor")},
    "atan2": (2, 2),
    "mod": (2, 2),
    "min": (2, UNBOUNDED),
    "max": (2, UNBOUNDED),
    "heaviside": (1, 2),
    "where": (3, 3),
    "sum": (2, 2),
}
RESERVED = frozenset(FUNCTIONS) | {"t"}


@dataclass(frozen=True, slots=True)
class Number:
    """A literal, or one of the constants pi and e; integers stay integers, because indices and exponents ask for them."""

    value: int | float
    column: int


@dataclass(frozen=True, slots=True)
class Name:
    """A declared name; `indices` are the trees in its square brackets."""

    name: str
    indices: tuple[Tree, ...]
    column: int


@dataclass(frozen=True, slots=True)
class Chain:
    """Operations of one precedence in a row, done from the left: first, then (operation, operand) after (operation, operand)."""

    first: Tree
    rest: tuple[tuple[str, Tree], ...]
    column: int


@dataclass(frozen=True, slots=True)
class Apply:
    """A function, a sign, a power, a comparison or a logical operation and its arguments."""

    operation: str
    arguments: tuple[Tree, ...]
    column: int


@dataclass(frozen=True, slots=True)
class Sum:
    """sum(body, index): the body added up over every value of the index, in order."""

    body: Tree
    index: str
    column: int


@dataclass(frozen=True, slots=True)
class Delayed:
    """x(t - tau), or x[i](t - tau): the state `name` as it was at the time that the tree `time` gives."""

    name: str
    time: Tree
    column: int
    indices: tuple[Tree, ...] = ()


Tree = Number | Name | Chain | Apply | Sum | Delayed


def _no_reason(_name: str) -> None:
    return None


@dataclass(frozen=True)
class Names:
    """What an expression may use.

    `lists` must be indexed and the others must not; `bound` indices have a value, other `indices` get theirs in sum(). `unusable` gives the
    reason why a name that is known may not stand here ("which is declared below it."), or None.
    """

    scalars: Collection[str]
    lists: Collection[str] = ()
    integers: Collection[str] = ()  # usable inside square brackets, beside the bound indices
    indices: Collection[str] = ()
    bound: Collection[str] = ()
    states: Collection[str] = ()  # what x(t - tau) may delay
    delays: bool = False
    words: str = "state variable or parameter"
    unusable: Callable[[str], str | None] = _no_reason

    def all(self) -> set[str]:
        return {*self.scalars, *self.lists, *self.bound, *CONSTANTS}


@dataclass(frozen=True)
class Expression:
    """A parsed text, with where it stands so that later stages can say so."""

    text: str
    where: str
    tree: Tree

    def refusal(self, sentence: str, column: int) -> ExpressionError:
        return _refusal(self.where, self.text, sentence, column)


def parse(text: str, names: Names, *, where: str) -> Expression:
    """A number-valued expression. `where` begins each message, as in `catalog/flows/lorenz.yaml:14: equations.y`.

    Raises:
        ExpressionError: not in the language, or a name that is not declared.
    """
    translator = _Translator(_scanned(text, where), where, names)
    return Expression(translator.text, where, translator.number(translator.syntax()))


def parse_condition(text: str, names: Names, *, where: str) -> Expression:
    """A true-or-false expression: comparisons joined by and, or, not. Messages and errors as for `parse`."""
    translator = _Translator(_scanned(text, where), where, names)
    return Expression(translator.text, where, translator.condition(translator.syntax()))


def names_in(tree: Tree) -> set[str]:
    """Every declared name that a tree uses, those in square brackets included."""
    found: set[str] = set()
    stack: list[Tree] = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, Name | Delayed):
            found.add(node.name)
        stack.extend(children(node))
    return found


def children(tree: Tree) -> tuple[Tree, ...]:
    """The trees directly inside a tree."""
    match tree:
        case Number():
            return ()
        case Name(indices=indices):
            return indices
        case Chain(first=first, rest=rest):
            return (first, *(operand for _, operand in rest))
        case Apply(arguments=arguments):
            return arguments
        case Sum(body=body):
            return (body,)
        case Delayed(time=time, indices=indices):
            return (*indices, time)


def _refusal(where: str, text: str, sentence: str, column: int) -> ExpressionError:
    start = max(0, column - 30)
    excerpt = ("…" if start else "") + text[start : start + 60] + ("…" if len(text) > start + 60 else "")
    return ExpressionError(f"{where} {sentence} (column {column + 1} of {excerpt!r})")


# --- the scan: what must be known before Python's parser may see the text ---------------------------------------------------------------

_TOKEN = re.compile(
    r"(?P<space>\s+)|(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>\w+)|(?P<open>[(\[])|(?P<close>[)\]])"
    r"|(?P<operator>\*\*|//|<=|>=|==|!=|[-+*/%<>,])",
    re.ASCII,
)
_WORDS = frozenset({"and", "or", "not"})
_PREFIXES = frozenset({"+", "-", "not"})
_HINTS = {
    "^": " Write ** for a power.",
    "=": " Write == to compare.",
    "&": " Write 'and'.",
    "|": " Write 'or'.",
    "!": " Write 'not'.",
    ".": " Names have no attributes.",
    "'": " There are no strings.",
    '"': " There are no strings.",
    "{": " Write ( and ) to group.",
    "}": " Write ( and ) to group.",
}


def _scanned(text: str, where: str) -> str:
    """The text with plain spaces, after its length, characters and nesting were found to be within bounds."""
    if len(text) > MAX_LENGTH:
        message = f"{where} is {len(text):,} characters long; an expression has at most {MAX_LENGTH:,}. Name its parts under definitions."
        raise ExpressionError(message)
    depth = prefixes = position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            found = text[position]
            raise _refusal(where, text, f"holds {found!r}, which is not in the language.{_HINTS.get(found, '')}", position)
        kind, token = str(match.lastgroup), match.group()
        if kind in ("number", "name"):
            _check_token(text, where, match)
        depth += (kind == "open") - (kind == "close")
        if kind != "space":
            prefixes = prefixes + 1 if token in _PREFIXES else 0
        if depth > MAX_DEPTH or prefixes > MAX_PREFIXES:
            raise _refusal(where, text, f"nests deeper than {MAX_DEPTH} brackets or {MAX_PREFIXES} signs; name its parts.", position)
        position = match.end()
    return "".join(" " if character.isspace() else character for character in text)


def _check_token(text: str, where: str, match: re.Match[str]) -> None:
    token, column = match.group(), match.start()
    if match.lastgroup == "number":
        if len(token) > MAX_NUMBER_LENGTH:
            sentence = f"holds a number of {len(token):,} characters; {MAX_NUMBER_LENGTH} are more than a double can tell apart."
            raise _refusal(where, text, sentence, column)
        if re.match(r"\w", text[match.end() :]):
            raise _refusal(where, text, f"has {token!r} run into a name. Write * for a product and numbers in decimal.", column)
    elif token.startswith("_"):
        raise _refusal(where, text, f"uses {token!r}, which is not a name: names begin with a letter.{nearest(token, FUNCTIONS)}", column)
    elif keyword.iskeyword(token) and token not in _WORDS:
        raise _refusal(where, text, f"uses {token!r}, a reserved word that cannot be a name or a function.", column)


# --- the translation: Python's syntax tree against the white list -----------------------------------------------------------------------

_CHAINS: dict[type[ast.operator], str] = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div"}
_INTEGER_CHAINS: dict[type[ast.operator], str] = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.FloorDiv: "floordiv", ast.Mod: "rem"}
_COMPARISONS: dict[type[ast.cmpop], str] = {ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge", ast.Eq: "eq", ast.NotEq: "ne"}


class _Translator:
    """One text's translation; the methods follow the grammar: a number, a condition, an integer in square brackets."""

    def __init__(self, text: str, where: str, names: Names) -> None:
        self.text, self.where, self.names = text, where, names
        self.bound = set(names.bound)

    def refuse(self, node: ast.AST, sentence: str) -> NoReturn:
        raise _refusal(self.where, self.text, sentence, getattr(node, "col_offset", 1) - self.indent)

    def syntax(self) -> ast.expr:
        stripped = self.text.strip()
        self.indent = -(len(self.text) - len(self.text.lstrip()))  # Python's parser refuses leading spaces, but columns count them
        if not stripped:
            message = f"{self.where} is empty; an expression was expected."
            raise ExpressionError(message)
        try:
            return ast.parse(stripped, mode="eval").body
        except SyntaxError as error:
            column = max((error.offset or 1) - 1, 0) - self.indent
            raise _refusal(self.where, self.text, f"is not an expression: {error.msg}.", column) from None
        except (RecursionError, MemoryError, ValueError):
            message = f"{self.where} has too many operations in one expression. Name its parts under definitions."
            raise ExpressionError(message) from None

    def number(self, node: ast.expr) -> Tree:
        column = node.col_offset - self.indent
        match node:
            case ast.Constant():
                return self.literal(node, column)
            case ast.Name():
                return self.name(node, (), column)
            case ast.Subscript():
                return self.subscript(node, column)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return Apply("neg", (self.number(operand),), column)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.number(operand)
            case ast.BinOp(op=ast.Pow()):
                return self.power(node, column)
            case ast.BinOp(op=op) if type(op) in _CHAINS:
                return self.chain(node, column)
            case ast.BinOp():
                self.refuse(node, "uses an operator that is not in the language. Write mod(a, b) for %, floor(a/b) for //.")
            case ast.Call():
                return self.call(node, column)
            case ast.Compare() | ast.BoolOp() | ast.UnaryOp():
                self.refuse(node, "has a condition where a number was expected. Write where(condition, 1, 0).")
        self.refuse(node, f"holds {_described(node)}, which is not in the language.")

    def literal(self, node: ast.Constant, column: int) -> Number:
        value = node.value
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.refuse(node, f"holds {value!r}, which is not a number.")
        if isinstance(value, float) and not math.isfinite(value):
            self.refuse(node, "holds a number that is too large for a double.")
        return Number(value, column)

    def name(self, node: ast.Name, indices: tuple[Tree, ...], column: int) -> Tree:
        name, names = node.id, self.names
        if name in names.lists:
            if not indices:
                self.refuse(node, f"uses {name!r} without an index; it is a list. Write {name}[…].")
            return Name(name, indices, column)
        if indices and (name in names.scalars or name in self.bound):
            self.refuse(node, f"indexes {name!r}, which is a single number.")
        if name in names.scalars or name in self.bound:
            return Name(name, indices, column)
        if name in CONSTANTS and not indices:
            return Number(CONSTANTS[name], column)
        if name in names.indices:
            self.refuse(node, f"uses the index {name!r}, which has no value here; it has one in x[{name}] and in sum(…, {name}).")
        if reason := names.unusable(name):
            self.refuse(node, f"uses {name!r}, {reason}")
        if name in FUNCTIONS:
            self.refuse(node, f"uses the function {name!r} without arguments.")
        self.refuse(node, f"uses {name!r}, which is not a {names.words}.{nearest(name, names.all())}")

    def subscript(self, node: ast.Subscript, column: int) -> Tree:
        indices: list[Tree] = []
        base: ast.expr = node
        while isinstance(base, ast.Subscript):
            indices.append(self.integer(base.slice))
            base = base.value
        if not isinstance(base, ast.Name):
            self.refuse(node, "indexes something that is not a name.")
        return self.name(base, tuple(reversed(indices)), column)

    def power(self, node: ast.BinOp, column: int) -> Tree:
        exponent = node.right
        while isinstance(exponent, ast.UnaryOp):
            exponent = exponent.operand
        if isinstance(exponent, ast.BinOp) and isinstance(exponent.op, ast.Pow) and not self.is_bracketed(exponent):
            self.refuse(node, "has a power of a power without brackets. Write (a**b)**c or a**(b**c).")
        return Apply("pow", (self.number(node.left), self.number(node.right)), column)

    def is_bracketed(self, node: ast.expr) -> bool:
        """Whether the operand was written in brackets of its own, which the syntax tree does not keep."""
        return self.text[: node.col_offset - self.indent].rstrip().endswith("(")

    def chain(self, node: ast.expr, column: int) -> Tree:
        """a + b - c as one row: a loop down the left side, so that a sum of a thousand terms is not a thousand calls deep."""
        rest: list[tuple[str, Tree]] = []
        while isinstance(node, ast.BinOp) and type(node.op) in _CHAINS:
            rest.append((_CHAINS[type(node.op)], self.number(node.right)))
            node = node.left
        return Chain(self.number(node), tuple(reversed(rest)), column)

    def call(self, node: ast.Call, column: int) -> Tree:
        if isinstance(node.func, ast.Subscript):
            return self.delayed_element(node, node.func, column)
        if not isinstance(node.func, ast.Name):
            self.refuse(node, "calls something that is not a function. Write * for a product.")
        name = node.func.id
        if node.keywords or any(isinstance(argument, ast.Starred) for argument in node.args):
            self.refuse(node, f"calls {name!r} with a named or starred argument; arguments are expressions in order.")
        if name not in FUNCTIONS:
            return self.delayed(node, name, column)
        fewest, most = FUNCTIONS[name]
        if not fewest <= len(node.args) <= most:
            expected = str(fewest) if fewest == most else f"{fewest} or more" if most == UNBOUNDED else f"{fewest} to {most}"
            self.refuse(node, f"calls {name!r} with {len(node.args)} arguments; it takes {expected}.")
        if name == "sum":
            return self.sum(node, column)
        first = self.condition(node.args[0]) if name == "where" else self.number(node.args[0])
        return Apply(name, (first, *(self.number(argument) for argument in node.args[1:])), column)

    def sum(self, node: ast.Call, column: int) -> Tree:
        body, index = node.args
        if not isinstance(index, ast.Name) or index.id not in self.names.indices:
            self.refuse(index, f"sums over something that is not an index; the indices are {_listed(self.names.indices)}.")
        if index.id in self.bound:
            self.refuse(index, f"sums over {index.id!r}, which already has a value here. Declare a second index.")
        self.bound.add(index.id)
        tree = Sum(self.number(body), index.id, column)
        self.bound.discard(index.id)
        return tree

    def delayed(self, node: ast.Call, name: str, column: int) -> Tree:
        """x(t - tau), where a system has delays; else the most likely mistake, in words."""
        names = self.names
        if name in names.states and len(node.args) == 1 and _begins_with_time(node.args[0]):
            if name in names.lists:
                self.refuse(node, f"uses {name!r} without an index; it is a list. Write {name}[…](t - …).")
            self.check_delays(node, name)
            return Delayed(name, self.number(node.args[0]), column)
        if name in names.all() and name in names.states and names.delays:
            sentence = (
                f"reads {name!r} at a time that does not begin with t. A delayed state is {name}(t - tau), with tau a number or parameter."
            )
            self.refuse(node, sentence)
        if name in names.all():
            self.refuse(node, f"calls {name!r}, which is not a function. Write {name}*(…) for a product.")
        self.refuse(node, f"calls {name!r}, which is not a function.{nearest(name, FUNCTIONS)}")

    def delayed_element(self, node: ast.Call, element: ast.Subscript, column: int) -> Tree:
        """x[i](t - tau)."""
        tree = self.subscript(element, column)
        if (
            not isinstance(tree, Name)
            or tree.name not in self.names.states
            or node.keywords
            or len(node.args) != 1
            or not _begins_with_time(node.args[0])
        ):
            self.refuse(node, "calls something that is not a function. Write * for a product.")
        self.check_delays(node, tree.name)
        return Delayed(tree.name, self.number(node.args[0]), column, tree.indices)

    def check_delays(self, node: ast.Call, name: str) -> None:
        if not self.names.delays:
            self.refuse(node, f"uses the delayed state {name}(t - …), which only kind delay has. Write kind: delay, and a history.")

    def condition(self, node: ast.expr) -> Tree:
        column = node.col_offset - self.indent
        match node:
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARISONS:
                return Apply(_COMPARISONS[type(op)], (self.number(left), self.number(right)), column)
            case ast.Compare():
                self.refuse(node, "compares in a chain or with a word. Write a < b and b < c.")
            case ast.BoolOp(op=op, values=values):
                joined = tuple((_logical(op), self.condition(value)) for value in values[1:])
                return Chain(self.condition(values[0]), joined, column)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return Apply("not", (self.condition(operand),), column)
        self.refuse(node, "has a number where a condition was expected. Write a comparison, as in x > 0.")

    def integer(self, node: ast.expr) -> Tree:
        """What may stand in square brackets: integers, indices and integer parameters under + - * // %."""
        column = node.col_offset - self.indent
        match node:
            case ast.Constant(value=int(value)) if not isinstance(value, bool):
                return Number(value, column)
            case ast.Name(id=name) if name in self.bound or name in self.names.integers:
                return Name(name, (), column)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return Apply("neg", (self.integer(operand),), column)
            case ast.BinOp(op=op) if type(op) in _INTEGER_CHAINS:
                return self.integer_chain(node, column)
            case ast.Name(id=name):
                hint = nearest(name, {*self.bound, *self.names.integers})
                self.refuse(node, f"uses {name!r} as an index, which is not an index or an integer parameter here.{hint}")
        self.refuse(node, "has an index that is not made of integers, indices and + - * // %.")

    def integer_chain(self, node: ast.expr, column: int) -> Tree:
        rest: list[tuple[str, Tree]] = []
        while isinstance(node, ast.BinOp) and type(node.op) in _INTEGER_CHAINS:
            rest.append((_INTEGER_CHAINS[type(node.op)], self.integer(node.right)))
            node = node.left
        return Chain(self.integer(node), tuple(reversed(rest)), column)


def _logical(operator: ast.boolop) -> str:
    return "and" if isinstance(operator, ast.And) else "or"


def _begins_with_time(node: ast.expr) -> bool:
    while isinstance(node, ast.BinOp):
        node = node.left
    return isinstance(node, ast.Name) and node.id == "t"


def _described(node: ast.expr) -> str:
    words = {"Attribute": "an attribute", "Tuple": "a list of values", "List": "a list", "Starred": "a star"}
    return words.get(type(node).__name__, f"a {type(node).__name__}")


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names)) or "none"
