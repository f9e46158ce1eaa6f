"""Forms of a piece: as it is or transposed, with its sign or the other; the shortest of each."""

from collections.abc import Iterable
from typing import NamedTuple

from symbp.matrices.tree import Tree, call, negated, number, operation, transposed

__all__ = ["Forms", "better", "forms", "multiplied", "ones", "squared_norm"]


class Forms(NamedTuple):
    """Trees of one value: ``plain``, ``turned`` (transposed), and both times −1."""

    plain: Tree
    turned: Tree
    minus: Tree
    minus_turned: Tree

    def of(self, turned: bool, minus: bool = False) -> Tree:
        """Return one of the four."""
        return self[int(turned) + 2 * int(minus)]

    def transposed(self) -> "Forms":
        """Return the forms of the transpose."""
        return Forms(self.turned, self.plain, self.minus_turned, self.minus)

    def negated(self) -> "Forms":
        """Return the forms of −1 times it."""
        return Forms(self.minus, self.minus_turned, self.plain, self.turned)

    @property
    def cost(self) -> int:
        """The cost of the cheaper sign."""
        return min(self.plain.cost, self.minus.cost)


def better(trees: Iterable[Tree]) -> Tree:
    """Return the cheapest tree; of equals the first."""
    return min(trees, key=lambda tree: tree.cost)


def forms(
    plain: Iterable[Tree] = (),
    turned: Iterable[Tree] = (),
    minus: Iterable[Tree] = (),
    minus_turned: Iterable[Tree] = (),
    *,
    scalar: bool = False,
) -> Forms:
    """Return the shortest forms, each perhaps made of another by ``'`` or a sign."""
    lists = [list(plain), list(turned), list(minus), list(minus_turned)]
    best: list[Tree | None] = [better(trees) if trees else None for trees in lists]
    if scalar:
        best = [best[0], best[0], best[2], best[2]]
    for _ in range(2):
        for n in range(4):
            own = best[n]
            options = [] if own is None else [own]
            across = best[n ^ 1]
            if across is not None:
                options.append(across if scalar else transposed(across))
            opposite = best[n ^ 2]
            if opposite is not None:
                options.append(negated(opposite))
            if options:
                best[n] = better(options)
    assert all(tree is not None for tree in best)
    return Forms(*best)  # type: ignore[arg-type]


def multiplied(left: Tree, right: Tree) -> Tree:
    """Return a matrix product, from the left: ``A*(B*c)`` is ``A*B*c``, X⁻¹Y⁻¹ = (YX)⁻¹."""
    if right.head == "eye":
        return left
    if left.head == "eye":
        return right
    if right.head == "neg" and left.head != "neg":
        return negated(multiplied(left, right.args[0]))
    if right.head == "*":
        return multiplied(multiplied(left, right.args[0]), right.args[1])
    last = left.args[1] if left.head == "*" else left
    if _is_inverse(last) and _is_inverse(right):
        if last == right:
            return operation("*", left, right)
        both = call("inv", multiplied(right.args[0], last.args[0]))
        return multiplied(left.args[0], both) if left.head == "*" else both
    return operation("*", left, right)


def _is_inverse(tree: Tree) -> bool:
    return tree.head == "call" and tree.value == "inv"


def squared_norm(tree: Tree, name: str = "norm2") -> Tree:
    """Return ‖v‖²."""
    if tree.head == "neg":
        tree = tree.args[0]
    return operation("^", call(name, tree), number(2))


def ones(rank: int) -> Tree:
    """Return the vector or matrix of ones."""
    return call("vector" if rank == 1 else "matrix", number(1))
