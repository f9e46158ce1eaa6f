"""The sizes of a program as symbols: n_1, n_2, … for extents that are numbers.

Two extents are one size when an index runs over both, not when their numbers are equal: a
network 3-3-3 has three sizes. Sizes are numbered in the order in which they first appear, the
inputs' first, so that the layers of a network are n_1, n_2, ….
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import sympy
from sympy.core.expr import Expr

from symbp.calculus.per_example import whole_body
from symbp.notation.equation import Equation, elements_of
from symbp.notation.index import Extent, Index
from symbp.notation.linear_algebra import Implicit, Unknown
from symbp.notation.naming import fresh_name
from symbp.notation.program import Program
from symbp.notation.reductions import Reduction
from symbp.notation.tensor import Element, Tensor

__all__ = ["Sizes", "axes_of", "sizes_of"]

# An index, an axis of a tensor, or what an index adds to a subscript: tensor, axis, name, factor.
Key = Index | tuple[Tensor, int] | tuple[Tensor, int, str, Expr]


@dataclass(frozen=True, eq=False)
class Sizes:
    """The size of each index and axis, as a symbol.

    Attributes
    ----------
    symbols : dict of (Index or (Tensor, int)) to Symbol
        The size that an index or an axis of a tensor has; an extent known at run time is its
        own symbol.
    values : dict of Symbol to int
        The number that each size stands for, in the order of the symbols; run-time extents are
        not in it.
    """

    symbols: dict[Key, sympy.Symbol]
    values: dict[sympy.Symbol, int]

    def of_index(self, index: Index) -> sympy.Symbol:
        """Return the size of an index."""
        found = self.symbols.get(index)
        if found is None:  # a copy, of what is counted but stands in no equation
            found = next(
                symbol
                for key, symbol in self.symbols.items()
                if isinstance(key, Index) and key.origin == index.origin
            )
        return found


def sizes_of(program: Program, others: Iterable[Equation] = ()) -> Sizes:
    """Return the sizes of a program.

    Parameters
    ----------
    program : Program
        Numbers the sizes: inputs first, then in the order of the equations.
    others : iterable of Equation
        Equations over the same tensors, such as those of the gradient.

    Examples
    --------
    >>> import symbp as bp
    >>> sizes_of(bp.mlp(3, 3, 3)).values
    {n_1: 3, n_2: 3, n_3: 3}
    """
    equations = [*program.equations, *others]
    parent: dict[Key, Key] = {}
    extents: dict[Key, Extent] = {}

    def root(key: Key) -> Key:
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    def add(key: Key, extent: Extent) -> None:
        parent.setdefault(key, key)
        extents.setdefault(key, extent)

    for first, second in _joined(equations):
        add(second, second.extent)
        is_axis = not isinstance(first, Index) and len(first) == 2
        add(first, first[0].shape[first[1]] if is_axis else second.extent)
        if first != second and extents[first] == extents[second]:
            parent[root(first)] = root(second)
    counted = {root(index) for equation in equations for index in _domains(equation)}
    counted |= {root((p, axis)) for p in program.parameters for axis in range(p.rank)}
    taken = {str(extent) for extent in extents.values()}
    symbols: dict[Key, sympy.Symbol] = {}
    values: dict[sympy.Symbol, int] = {}
    # Those that no sum or left-hand side runs over (an image's) come last: no formula has them.
    keys = [*((x, axis) for x in program.inputs for axis in range(x.rank)), *_all(equations)]
    for key in sorted(keys, key=lambda key: root(key) not in counted):
        top = root(key)
        if top in symbols:
            continue
        extent = extents[top]
        if isinstance(extent, int):
            name = fresh_name(f"n_{len(values) + 1}", taken)
            symbols[top] = sympy.Symbol(name, integer=True, positive=True)
            values[symbols[top]] = extent
        else:
            symbols[top] = extent
    return Sizes({key: symbols[root(key)] for key in parent}, values)


def axes_of(program: Program, sizes: Sizes) -> dict[sympy.Symbol, tuple[Index, Tensor | None]]:
    """Return for each size an index that has it, and a tensor with this index, if there is one."""
    found: dict[sympy.Symbol, tuple[Index, Tensor | None]] = {}
    for tensor in (*program.parameters, *program.tensors):
        for axis, index in enumerate(tensor.indices):
            symbol = sizes.symbols.get((tensor, axis))
            if symbol is not None:
                found.setdefault(symbol, (index, tensor))
    for key, symbol in sizes.symbols.items():
        if isinstance(key, Index):
            found.setdefault(symbol, (key, None))
    return found


def _joined(equations: Sequence[Equation]) -> Iterator[tuple[Key, Index]]:
    """Yield what has one size: an index, and each axis that it stands in plainly.

    The offsets of a window, as p in ``x[h + p]``, stand in no axis plainly; copies of them that
    passes made are known by their name and factor in the same axis.
    """
    for equation in equations:
        for element in _elements(equation):
            for axis, index in enumerate(element.tensor.indices):
                yield (element.tensor, axis), index
                subscript = element.args[axis]
                if isinstance(subscript, Index):
                    yield (element.tensor, axis), subscript
                    continue
                source = element.tensor.adjoint_of or element.tensor
                for symbol, factor in sympy.expand(subscript).as_coefficients_dict().items():
                    if isinstance(symbol, Index):
                        yield (source, axis, symbol.name, factor), symbol
        for index in sorted(equation.body.atoms(Index), key=lambda index: index.dummy_index):
            yield index, index
        for solved in whole_body(equation).atoms(Implicit):
            # A matrix is square, and its rows and columns are numbered outside, too.
            yield solved.rows, solved.columns
            places = getattr(solved.body, "places", ())
            places = (solved.body.place,) if isinstance(solved.body, Unknown) else places
            yield from ((index, solved.columns) for index in places)
        for index in equation.domain:
            yield index, index


def _elements(equation: Equation) -> list[Element]:
    reads = sorted(equation.reads(), key=lambda e: (e.serial, e.tensor.serial, str(e)))
    return [equation.lhs, *reads]


def _domains(equation: Equation) -> list[Index]:
    reductions = whole_body(equation).atoms(Reduction)
    return [*equation.domain, *(index for node in reductions for index in node.bound)]


def _all(equations: Sequence[Equation]) -> Iterator[Key]:
    """Yield every index and axis in the order in which they appear."""
    for equation in equations:
        elements = elements_of(equation.body)
        for element in (equation.lhs, *elements, *_elements(equation)):
            yield from ((element.tensor, axis) for axis in range(element.tensor.rank))
            yield from (index for index in element.args if isinstance(index, Index))
        yield from sorted(_domains(equation), key=lambda index: index.dummy_index)
        yield from sorted(equation.body.atoms(Index), key=lambda index: index.dummy_index)
