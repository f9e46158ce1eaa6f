"""The tree of a matrix formula: what is parsed, evaluated and printed, and how long it is.

A node is a number, a symbol, ``eye``, a call, a sign, a transpose or an operator. Nodes are
compared by what they say; ``nodes`` counts leaves, operators and calls, and is the measure by
which one form of an answer is shorter than another.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

__all__ = ["EYE", "Tree", "call", "negated", "number", "operation", "symbol", "transposed", "walk"]

LEVEL = {
    "+": 1, "-": 1, "*": 2, "/": 2, ".*": 2, "./": 2, "neg": 3, "^": 4, ".^": 4, "'": 4,
}  # fmt: skip
# A little more than nothing: between forms of one length, the one that a book would print.
TIE = {"eye": 60, "neg": 12, "'": 3, "diag": 4, "tr": 2, ".*": 1, "/": -1}


@dataclass(frozen=True, slots=True)
class Tree:
    """A node: ``head`` is "number", "symbol", "eye", "neg", "'", "call" or an operator."""

    head: str
    args: tuple["Tree", ...] = ()
    value: Fraction | str | None = None
    nodes: int = field(init=False, compare=False)
    cost: int = field(init=False, compare=False)

    def __post_init__(self) -> None:
        own = self.value if self.head == "call" else self.head
        object.__setattr__(self, "nodes", 1 + sum(part.nodes for part in self.args))
        cost = 100 + TIE.get(str(own), 0) + sum(part.cost for part in self.args)
        if self.head == "'" and self.args[0].head in ("*", ".*"):
            cost += 8  # (A x)ᵀ x reads worse than xᵀ A x
        object.__setattr__(self, "cost", cost)

    def __str__(self) -> str:
        """Return the tree in the language again."""
        if self.head == "number":
            return _written(self.value)
        if self.head in ("symbol", "eye"):
            return "eye" if self.head == "eye" else str(self.value)
        if self.head == "call":
            return f"{self.value}({', '.join(map(str, self.args))})"
        if self.head == "neg":
            return "-" + _inside(self.args[0], 3)
        if self.head == "'":
            return _inside(self.args[0], 4) + "'"
        level = LEVEL[self.head]
        gap = " " if level == 1 else ""
        right = _inside(self.args[1], level + 1 if level < 4 else 5)
        first = self.args[0]
        if level == 2 and _mixed(self.head, first):
            return f"({first}){self.head}{right}"
        return f"{_inside(first, level)}{gap}{self.head}{gap}{right}"


def _mixed(head: str, left: Tree) -> bool:
    """Whether (W*x).*y is meant: read from the left it is so anyway, but by few."""
    if left.head not in LEVEL or LEVEL[left.head] != 2 or left.head[0] == head[0] == ".":
        return False
    if head[0] != "." and left.head[0] != ".":
        return False
    return not (left.head == "*" and left.args[0].head in ("number", "neg"))


def _written(value: Fraction | str | None) -> str:
    assert isinstance(value, Fraction)
    if value.denominator == 1:
        return str(value.numerator)
    digits = 0
    while (value * 10**digits).denominator != 1:
        digits += 1
    whole = str(value.numerator * 10**digits // value.denominator).rjust(digits + 1, "0")
    return f"{whole[:-digits]}.{whole[-digits:]}"


def _inside(part: Tree, level: int) -> str:
    return f"({part})" if LEVEL.get(part.head, 9) < level else str(part)


EYE = Tree("eye")


def number(value: int | Fraction) -> Tree:
    """Return a number: an integer, or the quotient of two; a negative one has a sign."""
    value = Fraction(value)
    if value < 0:
        return negated(number(-value))
    if value.denominator == 1:
        return Tree("number", value=value)
    return operation("/", number(value.numerator), number(value.denominator))


def symbol(name: str) -> Tree:
    """Return a symbol."""
    return Tree("symbol", value=name)


def call(name: str, *args: Tree) -> Tree:
    """Return the call of a function."""
    return Tree("call", args, name)


def operation(operator: str, left: Tree, right: Tree) -> Tree:
    """Return a binary operation."""
    return Tree(operator, (left, right))


def transposed(tree: Tree) -> Tree:
    """Return the transpose of a matrix or vector, without doubling."""
    if tree.head == "'":
        return tree.args[0]
    if tree.head == "eye":
        return tree
    first = tree
    while first.head in ("*", "/", ".*", "./"):
        first = first.args[0]
    if first.head == "neg":
        return Tree("neg", (transposed(negated(tree)),))
    return Tree("'", (tree,))


def negated(tree: Tree) -> Tree:
    """Return a tree times −1; the sign stands at the first factor, where it is read."""
    if tree.head == "neg":
        return tree.args[0]
    if tree.head in ("*", "/", ".*", "./"):
        return Tree(tree.head, (negated(tree.args[0]), tree.args[1]))
    return Tree("neg", (tree,))


def walk(tree: Tree) -> Iterator[Tree]:
    """Yield all nodes, each before its parts, from the left."""
    yield tree
    for part in tree.args:
        yield from walk(part)
