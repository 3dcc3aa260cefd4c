"""Trees to nodes: names become what they stand for, indexed names the element meant, sums their terms."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from attractory.errors import ExpressionError
from attractory.expressions.graph import GraphBuilder, reachable
from attractory.expressions.parser import Apply, Chain, Delayed, Expression, Name, Number, Sum, Tree, children

# Tree nodes expanded for one system, some 0.7 s: sums in sums could ask for any number. Lorenz96 of 10,000 variables has 240,000.
MAX_TERMS = 250_000

Symbol = int | tuple["Symbol", ...]  # a node, or a list of nodes (of lists of nodes)


@dataclass(frozen=True)
class Scope:
    """What names stand for. An index of a `cyclic` list is taken modulo its size; of any other it must be within.

    `delayed` gives the node of a variable's past from (the variable's node, the lag's node)."""

    symbols: Mapping[str, Symbol]
    cyclic: frozenset[str] = frozenset()
    sizes: Mapping[str, int] = field(default_factory=dict)
    integers: Mapping[str, int] = field(default_factory=dict)
    delayed: Callable[[int, int], int] | None = None


@dataclass
class Budget:
    """How much has been expanded for one system, by all that expand for it."""

    terms: int = 0


class Expander:
    """Puts expressions into a builder's graph; its state is what is being expanded, and how much has been."""

    def __init__(self, builder: GraphBuilder, scope: Scope, budget: Budget | None = None) -> None:
        self.builder, self.scope = builder, scope
        self.budget = budget or Budget()

    def node(self, expression: Expression) -> int:
        """The node of an expression without free indices; errors as for `nodes`."""
        return next(self.nodes(expression, ({},)))

    def nodes(self, expression: Expression, bindings: Sequence[Mapping[str, int]]) -> Iterator[int]:
        """The nodes of an expression, one for each set of values of its indices.

        Raises:
            ExpressionError: division by a constant zero, an index that is out of range, more terms than a system may have.
        """
        self.budget.terms += self._size(expression.tree) * len(bindings)
        if self.budget.terms > MAX_TERMS:
            sentence = f"stands for too many terms: with it the system has {self.budget.terms:,}, and at most {MAX_TERMS:,} are expanded."
            sentence += " A sum that is the same for all equations is written once, under definitions."
            raise expression.refusal(sentence, 0)
        for bound in bindings:
            self.expression, self.bound = expression, dict(bound)
            yield self._node(expression.tree)

    def _size(self, tree: Tree) -> int:
        """How many nodes of the tree are visited once its sums are written out."""
        inside = 1 + sum(self._size(child) for child in children(tree))
        return inside * self.scope.sizes[tree.index] if isinstance(tree, Sum) else inside

    def _refusal(self, tree: Tree, sentence: str) -> ExpressionError:
        return self.expression.refusal(sentence, tree.column)

    def _node(self, tree: Tree) -> int:
        match tree:
            case Number(value=value):
                return self._constant(tree, value)
            case Name():
                return self._name(tree)
            case Chain(first=first, rest=rest):
                node = self._node(first)
                for operation, operand in rest:
                    node = self._add(tree, operation, node, self._node(operand))
                return node
            case Apply(operation="where", arguments=(condition, a, b)):
                return self._where(tree, condition, (a, b))
            case Apply(operation=operation, arguments=arguments):
                return self._apply(tree, operation, [self._node(argument) for argument in arguments])
            case Sum():
                return self._sum(tree)
            case Delayed():
                return self._delayed(tree)

    def _constant(self, tree: Tree, value: float) -> int:
        try:
            return self.builder.const(float(value))
        except OverflowError:
            raise self._refusal(tree, "holds a number that is too large for a double.") from None

    def _add(self, tree: Tree, operation: str, *args: int) -> int:
        try:
            return self.builder.add(operation, *args)
        except ExpressionError as error:
            raise self._refusal(tree, str(error)) from None

    def _apply(self, tree: Tree, operation: str, args: list[int]) -> int:
        if operation == "heaviside" and len(args) == 1:
            args.append(self.builder.const(0.5))
        if operation not in ("min", "max"):
            return self._add(tree, operation, *args)
        node = args[0]
        for arg in args[1:]:
            node = self._add(tree, operation, node, arg)
        return node

    def _where(self, tree: Tree, condition: Tree, branches: tuple[Tree, Tree]) -> int:
        """Only the branch taken, where the condition is a constant: `where(i > 0, 1/i, 0)` is never 1/0."""
        test = self._node(condition)
        known = self.builder.value(test)
        if known is not None:
            return self._node(branches[0] if known else branches[1])
        return self._add(tree, "where", test, self._node(branches[0]), self._node(branches[1]))

    def _delayed(self, tree: Delayed) -> int:
        """The past of a state: its time is t less a lag, and the lag is made of numbers and parameters alone."""
        if self.scope.delayed is None:
            raise self._refusal(tree, f"uses the delayed state {tree.name}(t - …), which may stand in equations and definitions alone.")
        current = self._name(Name(tree.name, tree.indices, tree.column))
        lag = self._lag(tree, tree.time)
        found = {self.builder.nodes[node].op for node in reachable(self.builder, (lag,))}
        if found & {"time", "variable"}:
            raise self._refusal(tree, f"reads {tree.name!r} with a delay that depends on t or a state; delays must be constant.")
        known = self.builder.value(lag)
        if known is not None and known <= 0:
            raise self._refusal(tree, f"reads {tree.name!r} at t {-known:+g}; a delay must be above zero, as in {tree.name}(t - 1).")
        return self.scope.delayed(current, lag)

    def _lag(self, tree: Delayed, time: Tree) -> int:
        """The node of tau in t - tau."""
        if not isinstance(time, Chain) or any(operation not in ("add", "sub") for operation, _ in time.rest):
            sentence = (
                f"reads {tree.name!r} at a time that is not t less a delay. Write {tree.name} for now, {tree.name}(t - tau) for the past."
            )
            raise self._refusal(tree, sentence)
        lag: int | None = None
        for operation, operand in time.rest:
            node = self._node(operand)
            if lag is None:
                lag = node if operation == "sub" else self._add(tree, "neg", node)
            else:
                lag = self._add(tree, "add" if operation == "sub" else "sub", lag, node)
        return self.builder.const(0.0) if lag is None else lag

    def _sum(self, tree: Sum) -> int:
        node: int | None = None
        for value in range(self.scope.sizes[tree.index]):
            self.bound[tree.index] = value
            term = self._node(tree.body)
            node = term if node is None else self._add(tree, "add", node, term)
        del self.bound[tree.index]
        return self.builder.const(0.0) if node is None else node

    def _name(self, tree: Name) -> int:
        symbol = self.scope.symbols.get(tree.name)
        if symbol is None:
            return self.builder.const(float(self.bound[tree.name]))
        for index in tree.indices:
            symbol = self._element(tree, symbol, self._integer(index))
        if isinstance(symbol, tuple):
            raise self._refusal(tree, f"uses {tree.name!r} with too few indices; each element is a list.")
        return symbol

    def _element(self, tree: Name, symbol: Symbol, index: int) -> Symbol:
        if not isinstance(symbol, tuple):
            raise self._refusal(tree, f"uses {tree.name!r} with too many indices.")
        if tree.name in self.scope.cyclic:
            return symbol[index % len(symbol)]
        if not 0 <= index < len(symbol):
            sentence = f"uses {tree.name}[{index}], but {tree.name!r} has {len(symbol)} elements, 0 to {len(symbol) - 1}."
            raise self._refusal(tree, sentence)
        return symbol[index]

    def _integer(self, tree: Tree) -> int:
        match tree:
            case Number(value=value):
                return int(value)
            case Name(name=name):
                return self.bound[name] if name in self.bound else self.scope.integers[name]
            case Apply(arguments=(operand,)):
                return -self._integer(operand)
            case Chain(first=first, rest=rest):
                value = self._integer(first)
                for operation, operand in rest:
                    value = self._combined(tree, operation, value, self._integer(operand))
                return value
        raise self._refusal(tree, "has an index that is not an integer.")

    def _combined(self, tree: Tree, operation: str, a: int, b: int) -> int:
        if operation in ("floordiv", "rem") and b == 0:
            raise self._refusal(tree, "divides by zero in an index.")
        match operation:
            case "add":
                return a + b
            case "sub":
                return a - b
            case "mul":
                return a * b
            case "floordiv":
                return a // b
        return a % b
