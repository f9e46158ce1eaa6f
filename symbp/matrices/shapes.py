"""The shape of every node of a formula, with letters for extents.

An extent is a tuple of letters: ``("m",)``, and ``("n", "m")`` for what ``vec`` and ``kron`` make
of two, the slower first; ``()`` is 1. Unknown extents, of ``eye`` and ``vector(1)``, are found by
unification.
"""

from collections.abc import Iterable, Mapping

from symbp.matrices.functions import ELEMENTWISE, OF_SQUARE
from symbp.matrices.tree import Tree
from symbp.notation.errors import NotationError, UnsupportedError, suggest

__all__ = ["Extent", "Shape", "Shapes"]

Extent = tuple[str, ...]
Shape = tuple[Extent, Extent]
ONE: Extent = ()


class Shapes:
    """The shapes of one formula, found as its nodes are visited from the left.

    Each visit is remembered in order, since two equal nodes, such as two ``eye``, can have
    different shapes.
    """

    def __init__(self, declared: Mapping[str, tuple[str, ...]]) -> None:
        self.declared = declared
        self.letters = {letter for shape in declared.values() for letter in shape}
        self.known: dict[str, Extent] = {}
        self.unknown = 0

    def fresh(self) -> Extent:
        """Return an extent that is not known yet."""
        self.unknown += 1
        return (f"?{self.unknown}",)

    def resolve(self, extent: Iterable[str]) -> Extent:
        """Return an extent with what is known of it."""
        out: list[str] = []
        for letter in extent:
            out += self.resolve(self.known[letter]) if letter in self.known else (letter,)
        return tuple(out)

    def found(self, extent: Iterable[str], where: Tree) -> Extent:
        """Return an extent of which nothing is unknown, or say that the formula does not tell."""
        result = self.resolve(extent)
        if any(letter[0] == "?" for letter in result):
            raise UnsupportedError(f"the extent of {where} does not follow from the formula")
        return result

    def unify(self, a: Extent, b: Extent, where: Tree) -> None:
        """Make two extents equal, or say that they differ."""
        a, b = self.resolve(a), self.resolve(b)
        while a and b and a[0] == b[0]:
            a, b = a[1:], b[1:]
        while a and b and a[-1] == b[-1]:
            a, b = a[:-1], b[:-1]
        if not a and not b:
            return
        for one, other in ((a, b), (b, a)):
            if len(one) == 1 and one[0][0] == "?" and other and one[0] not in other:
                self.known[one[0]] = other
                return
        if len(a) == len(b) and any(letter[0] == "?" for letter in a + b):
            for x, y in zip(a, b, strict=True):
                self.unify((x,), (y,), where)
            return
        if sorted(a) == sorted(b):
            raise UnsupportedError(f"in {where}: axes of {said(a)} and {said(b)} in another order")
        raise NotationError(f"in {where}: the extents {said(a)} and {said(b)} differ")

    def scalar(self, shape: Shape) -> bool:
        """Whether a shape is 1 by 1."""
        return not self.resolve(shape[0]) and not self.resolve(shape[1])

    def infer(self, tree: Tree) -> "Shaped":
        """Return the tree with the shape of each node."""
        parts = tuple(self.infer(part) for part in tree.args)
        return Shaped(tree, self._shape(tree, [part.shape for part in parts]), parts)

    def _shape(self, tree: Tree, shapes: list[Shape]) -> Shape:
        head = tree.head
        if head == "number":
            return ONE, ONE
        if head == "eye":
            extent = self.fresh()
            return extent, extent
        if head == "symbol":
            return self._declared(str(tree.value))
        if head == "neg":
            return shapes[0]
        if head == "'":
            return shapes[0][1], shapes[0][0]
        if head == "call":
            return self._call(tree, str(tree.value), shapes)
        left, right = shapes
        if head in ("+", "-", ".*", "./"):
            self.unify(left[0], right[0], tree)
            self.unify(left[1], right[1], tree)
            return left
        if head == "*":
            if self.scalar(left):
                return right
            if self.scalar(right):
                return left
            self.unify(left[1], right[0], tree)
            return left[0], right[1]
        if not self.scalar(right):
            raise NotationError(f"in {tree}: expected a scalar to the right of {head}")
        if head == "^" and not self.scalar(left):
            raise NotationError(f"in {tree}: ^ is for scalars; write .^ or a product")
        return left

    def _declared(self, name: str) -> Shape:
        if name in self.declared:
            rows, columns = (*((letter,) for letter in self.declared[name]), ONE, ONE)[:2]
            return rows, columns
        if name in self.letters:
            return ONE, ONE
        raise NotationError(f"{name} has no shape: {suggest(name, self.declared)}")

    def _call(self, tree: Tree, name: str, shapes: list[Shape]) -> Shape:
        rows, columns = shapes[0]
        if name in ELEMENTWISE or name not in KNOWN:
            return rows, columns
        if name in ("sum", "norm1"):
            return ONE, ONE
        if name in ("vector", "matrix"):
            if not self.scalar(shapes[0]):
                raise NotationError(f"in {tree}: {name} takes a scalar")
            return self.fresh(), ONE if name == "vector" else self.fresh()
        if name == "kron":
            return rows + shapes[1][0], columns + shapes[1][1]
        if not self.resolve(rows):
            raise NotationError(
                f"in {tree}: {name} takes a column or a matrix, not a scalar or row"
            )
        if name in OF_SQUARE:
            self.unify(rows, columns, tree)
            return (rows, columns) if name in ("inv", "adj") else (ONE, ONE)
        is_vector = not self.resolve(columns)
        if name in ("norm2", "normF"):
            if is_vector != (name == "norm2"):
                kind = "a matrix, use normF" if name == "norm2" else "a vector, use norm2"
                raise NotationError(f"in {tree}: the argument is {kind}")
            return ONE, ONE
        if name == "diag":
            if not is_vector:
                self.unify(rows, columns, tree)
            return rows, rows if is_vector else ONE
        if name == "softmax":
            return rows, columns
        return columns + rows, ONE  # vec: the columns stacked, so the column is the slower index


KNOWN = {
    "sum", "norm1", "vector", "matrix", "kron", "norm2", "normF", "diag", "softmax", "vec",
    *OF_SQUARE,
}  # fmt: skip


class Shaped:
    """A node with its shape, which :meth:`Shapes.resolve` completes, and its parts."""

    __slots__ = ("parts", "shape", "tree")

    def __init__(self, tree: Tree, shape: Shape, parts: tuple["Shaped", ...]) -> None:
        self.tree, self.shape, self.parts = tree, shape, parts


def said(extent: Extent) -> str:
    """Return an extent as text: ``m*n``, and ``1`` for none."""
    return "*".join(extent) or "1"
