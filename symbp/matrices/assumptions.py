"""What is assumed of the values of a formula: read, drawn at random, and checked.

An assumption is a property of a symbol, ``A symmetric``, which also shortens answers, or of an
expression, ``b - A*x positive``, which says where the formula is defined.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import numpy as np

from symbp.matrices.evaluate import Array, Evaluator
from symbp.matrices.parser import parse
from symbp.matrices.shapes import Shapes
from symbp.matrices.tree import Tree
from symbp.notation.errors import SymbpError, UnsupportedError, suggest

__all__ = ["EQUALITIES", "Assumptions", "drawn"]

Random = np.random.Generator
Holds = Callable[[Array], bool]


def _rank(x: Array) -> bool:
    s = np.linalg.svd(x, compute_uv=False)
    return bool(s.min() > 0.03 * s.max())


def _square(x: Array) -> bool:
    return bool(x.shape[0] == x.shape[1])


def _symmetric(x: Array) -> bool:
    return _square(x) and bool(np.allclose(x, x.T, atol=1e-12))


HOLDS: dict[str, Holds] = {
    "positive definite": lambda x: _symmetric(x) and bool(np.linalg.eigvalsh(x).min() > 0.05),
    "rows sum to 1": lambda x: bool(np.allclose(x.sum(axis=1), 1)),
    "sums to 1": lambda x: bool(np.isclose(x.sum(), 1)),
    "full column rank": lambda x: x.shape[0] >= x.shape[1] and _rank(x),
    "full row rank": lambda x: x.shape[0] <= x.shape[1] and _rank(x),
    "in (0,1)": lambda x: bool(np.all((x > 0) & (x < 1))),
    "in {-1,1}": lambda x: bool(np.all(np.abs(x) == 1)),
    "in {0,1}": lambda x: bool(np.all((x == 0) | (x == 1))),
    "symmetric": _symmetric,
    "orthogonal": lambda x: _square(x) and bool(np.allclose(x @ x.T, np.eye(len(x)))),
    "diagonal": lambda x: _square(x) and bool(np.all(x == np.diag(np.diag(x)))),
    "invertible": lambda x: _square(x) and bool(np.linalg.cond(x) < 50),
    "positive": lambda x: bool(np.all(x > 0.02)),
    "nonzero": lambda x: bool(np.all(np.abs(x) > 0.02)),
}
# What makes two expressions equal, and so shortens; it does not hold while a variable varies.
EQUALITIES = frozenset({
    "symmetric", "positive definite", "orthogonal", "diagonal", "sums to 1", "rows sum to 1",
    "in {0,1}", "in {-1,1}",
})  # fmt: skip
SQUARE = {"symmetric", "positive definite", "orthogonal", "diagonal", "invertible"}
MOST_TRIES = 3000
# After so many, what is assumed of an expression, such as C − diag(x) positive definite, is looked
# for among values that are smaller or larger.
FIRST_TRIES = 100
MOVABLE = {"symmetric", "positive definite", "positive", "diagonal", "invertible", "nonzero"}

Given = Mapping[str, str | Collection[str]] | Iterable[str] | str | None


class Assumptions:
    """Assumptions as they were given, of symbols (``facts``) and of expressions (``others``)."""

    def __init__(self, given: Given, names: Collection[str]) -> None:
        self.facts: dict[str, frozenset[str]] = {}
        self.others: list[tuple[Tree, str]] = []
        for text in _texts(given):
            tree, fact = _read(text)
            if tree.head == "symbol":
                name = str(tree.value)
                if name not in names:
                    raise SymbpError(f"assumption {text!r}: {name} is not in the formula")
                self.facts[name] = self.facts.get(name, frozenset()) | {fact}
            else:
                self.others.append((tree, fact))

    def of(self, name: str) -> frozenset[str]:
        """Return what is assumed of a symbol."""
        return self.facts.get(name, frozenset())

    def square(self) -> list[str]:
        """Return the symbols that are square matrices by what is assumed of them."""
        return [name for name, facts in self.facts.items() if facts & SQUARE]


def _several(facts: object) -> bool:
    return isinstance(facts, Collection) and not isinstance(facts, str)


def _texts(given: Given) -> list[str]:
    if given is None:
        return []
    if isinstance(given, str):
        return [given]
    if isinstance(given, Mapping):
        return [
            f"{name} {fact}"
            for name, facts in given.items()
            for fact in (
                facts if isinstance(facts, Collection) and facts != str(facts) else [facts]
            )
        ]
    if not isinstance(given, Iterable):
        raise SymbpError(f"assume={given!r}: expected text, such as 'A symmetric', or a list of it")
    texts = list(given)
    # A set has no order, and answers do not depend on it.
    return sorted(texts) if isinstance(given, (set, frozenset)) else texts


def _read(text: str) -> tuple[Tree, str]:
    if isinstance(text, str):
        for fact in HOLDS:
            if text.endswith(" " + fact):
                return parse(text[: -len(fact) - 1].removesuffix(" is")), fact
    word = str(text).partition(" ")[2] or str(text)
    raise SymbpError(f"assumption {text!r}: expected 'A symmetric', {suggest(word, HOLDS)}")


def _draw(facts: Collection[str], shape: tuple[int, int], rng: Random, way: int) -> Array:
    """Return a random value with the properties; ``way`` widens the choice if it is free."""
    value: Array = rng.normal(scale=0.7, size=shape)
    if not facts and way == 1:
        value = rng.uniform(0.4, 2.0, size=shape)
    if not facts and way == 2 and shape[0] == shape[1] > 1:
        value = value @ value.T / shape[0] + 0.6 * np.eye(shape[0])
    for fact in facts:
        if fact == "symmetric":
            value = (value + value.T) / 2
        elif fact == "positive definite":
            value = value @ value.T / shape[0] + 0.6 * np.eye(shape[0])
        elif fact == "orthogonal":
            value = np.linalg.qr(value)[0]
        elif fact == "positive":
            value = rng.uniform(0.4, 2.0, size=shape)
        elif fact == "in (0,1)":
            value = rng.uniform(0.1, 0.9, size=shape)
        elif fact == "in {-1,1}":
            value = rng.choice([-1.0, 1.0], size=shape)
        elif fact == "in {0,1}":
            value = rng.choice([0.0, 1.0], size=shape)
        elif fact in ("sums to 1", "rows sum to 1"):
            value = rng.uniform(0.2, 1.0, size=shape)
            value = value / value.sum(axis=1 if fact[0] == "r" else None, keepdims=True)
    return np.diag(np.diag(value)) if "diagonal" in facts else value


def _moved(value: Array, facts: Collection[str], rng: Random) -> Array:
    """Return a value scaled, and its diagonal moved, where what is assumed of it still holds."""
    if not MOVABLE.issuperset(facts):
        return value
    value = value * rng.choice([0.2, 1.0, 3.0])
    if value.shape[0] == value.shape[1] > 1:
        value = value + np.eye(value.shape[0]) * rng.choice([0.0, 3.0])
    return value


def drawn(
    declared: Mapping[str, tuple[str, ...]],
    assumptions: Assumptions,
    rng: Random,
    way: int = 0,
    undefined: Any = None,
) -> tuple[dict[str, int], dict[str, Array]]:
    """Return sizes and values under which all assumptions hold.

    Parameters
    ----------
    declared : mapping of str to tuple of str
        The extents of each symbol: letters, or numbers as text.
    assumptions : Assumptions
    rng : numpy.random.Generator
    way : int
        0: values of which nothing is assumed are normal; 1: positive; 2: matrices are positive
        definite.

    Raises
    ------
    UnsupportedError
        No such values were found.
    """
    letters = sorted({letter for shape in declared.values() for letter in shape})
    # The order of facts that a set has would change the values.
    order = {name: sorted(assumptions.of(name), key=list(HOLDS).index) for name in declared}
    nodes = []
    for tree, fact in assumptions.others:
        shapes = Shapes(declared)
        nodes.append((shapes, shapes.infer(tree), fact))
    for attempt in range(MOST_TRIES):
        pool = rng.permutation([2, 3, 4, 5] if len(letters) <= 4 else range(2, 2 + len(letters)))
        free = iter(pool)
        sizes = {x: int(x) if x.isdigit() else int(next(free)) for x in letters}
        values = {
            name: _draw(order[name], (*(sizes[x] for x in shape), 1, 1)[:2], rng, way)  # type: ignore[arg-type]
            for name, shape in declared.items()
        }
        if nodes and attempt >= FIRST_TRIES:
            values = {name: _moved(values[name], order[name], rng) for name in declared}
        if all(HOLDS[fact](values[name]) for name in declared for fact in order[name]) and all(
            HOLDS[fact](Evaluator(shapes, sizes, undefined).value(node, values))
            for shapes, node, fact in nodes
        ):
            return sizes, values
    raise UnsupportedError("no values were found under which all assumptions hold")
