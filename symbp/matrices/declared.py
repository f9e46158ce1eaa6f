"""The shapes of symbols that were not declared, where the formula tells them.

A capital letter is a matrix and a small one a vector or a scalar, unless the formula says
otherwise. Of all choices that fit, the one with the fewest exceptions is taken; extents get the
letters m, n, p, ….
"""

from collections.abc import Collection, Mapping
from itertools import product

from symbp.matrices.shapes import Shapes
from symbp.matrices.tree import Tree, symbol, walk
from symbp.notation.errors import NotationError, SymbpError

__all__ = ["completed", "read_shape"]

LETTERS = "mnpqrstuvwkhlabcdefgijxyzo"
MOST_CHOICES = 3000


def read_shape(name: str, given: object) -> tuple[str, ...]:
    """Return a declared shape as letters: ``("m", "n")``, ``"m,n"``, ``(3, 4)``, ``()``."""
    parts = given
    if isinstance(given, str):
        parts = [part.strip() for part in given.split(",")] if given.strip() else []
    elif isinstance(given, int) and not isinstance(given, bool):
        parts = [given]
    if not isinstance(parts, (tuple, list)) or len(parts) > 2:
        raise SymbpError(f"shape of {name}: expected () or up to two extents, got {given!r}")
    out = []
    for part in parts:
        text = str(part)
        if not (text.isdigit() and int(text) > 0) and not text.isidentifier():
            raise SymbpError(f"shape of {name}: expected letters or positive ints, got {given!r}")
        out.append(text)
    while out and out[-1] == "1":
        out.pop()
    if "1" in out:
        raise SymbpError(f"shape of {name}: a row is the transpose of a column, got {given!r}")
    return tuple(out)


def completed(
    tree: Tree, given: Mapping[str, tuple[str, ...]], square: Collection[str] = ()
) -> dict[str, tuple[str, ...]]:
    """Return the shapes of all symbols, in the order of the formula.

    Parameters
    ----------
    tree : Tree
    given : mapping of str to tuple of str
        The shapes that are declared.
    square : collection of str, optional
        The symbols that are assumed to be square matrices.

    Raises
    ------
    SymbpError
        A shape was given for something that is not in the formula, or two choices fit alike.
    """
    names = list(dict.fromkeys(str(n.value) for n in walk(tree) if n.head == "symbol"))
    letters = {letter for shape in given.values() for letter in shape}
    for name in given:
        if name not in names:
            raise SymbpError(f"shape of {name}: there is no {name} in the formula")
        if name in letters:
            raise SymbpError(f"{name} is a symbol and an extent: give the extent another letter")
    for name in square:
        shape = given.get(name, ("n", "n"))
        if len(shape) != 2 or shape[0] != shape[1]:
            raise SymbpError(f"shape of {name}: it is assumed to be square, got {shape}")
    open_names = [name for name in names if name not in given and name not in letters]
    if not open_names:
        return {name: given[name] for name in names if name in given}
    found: list[tuple[int, tuple[int, ...], dict[str, tuple[str, ...]]]] = []
    problem: NotationError | None = None
    ranked = sorted(
        product(*(_ranks(name) for name in open_names)),
        key=lambda choice: sum(cost for _, cost in choice),
    )
    for choice in ranked[:MOST_CHOICES]:
        cost = sum(part for _, part in choice)
        if found and cost > found[0][0]:
            break
        ranks = tuple(rank for rank, _ in choice)
        try:
            of = dict(zip(open_names, ranks, strict=True))
            fitting = _fitted(tree, names, given, of, square)
        except NotationError as error:
            problem = problem or error
            continue
        found.append((cost, ranks, fitting))
    if not found:
        assert problem is not None
        raise problem
    if len(found) > 1:
        differ = [
            name
            for n, name in enumerate(open_names)
            if len({ranks[n] for _, ranks, _ in found}) > 1
        ]
        raise SymbpError(
            f"the shapes of {', '.join(differ)} do not follow from the formula; declare them, "
            f"as {differ[0]}=() for a scalar or {differ[0]}=('n',) for a vector"
        )
    return found[0][2]


def _ranks(name: str) -> list[tuple[int, int]]:
    """Return the ranks that a name can have, each with how unusual it is."""
    if name[:1].isupper():
        return [(2, 0), (1, 5), (0, 6)]
    return [(1, 0), (0, 1), (2, 7)]


def _fitted(
    tree: Tree,
    names: list[str],
    given: Mapping[str, tuple[str, ...]],
    ranks: Mapping[str, int],
    square: Collection[str],
) -> dict[str, tuple[str, ...]]:
    """Return the shapes with the fewest coincidences that fit, for given numbers of axes."""
    shapes = Shapes(dict(given))
    trial = {name: tuple(shapes.fresh()[0] for _ in range(rank)) for name, rank in ranks.items()}
    shapes.declared = {**given, **trial}
    for name in square:
        if name in trial:
            if len(trial[name]) != 2:
                raise NotationError(f"{name} is assumed to be square")
            shapes.unify(trial[name][:1], trial[name][1:], symbol(name))
    shapes.infer(tree)
    taken = {*names, *(letter for shape in given.values() for letter in shape)}
    free = iter([x for x in LETTERS if x not in taken] + [f"n{k}" for k in range(1, 60)])
    letters: dict[str, str] = {}
    out: dict[str, tuple[str, ...]] = {}
    for name in names:
        if name not in shapes.declared:
            continue
        extents = []
        for extent in shapes.declared[name]:
            resolved = shapes.resolve((extent,))
            if len(resolved) != 1:
                raise NotationError(
                    f"{name}: its extents would be a product, as kron and vec make them, or 1; "
                    f"declare the shapes, or write kron(A, B)*vec(X) as vec(B*X*A')"
                )
            (atom,) = resolved
            if atom[0] == "?":
                if atom not in letters:
                    letters[atom] = next(free)
                atom = letters[atom]
            extents.append(atom)
        out[name] = tuple(extents)
    return out
