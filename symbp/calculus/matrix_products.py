"""products: see a contraction as one matrix product, or as a few in a loop.

The indices of ``lhs = Σ_k first · second`` fall into batch (in all three), rows (first and lhs),
columns (second and lhs) and summed (first and second). A group is one BLAS dimension when its
axes stand next to each other, in the same order, in both of its tensors, and a matrix is
addressable when one of its groups has unit stride. Indices that prevent this are looped over.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from symbp.calculus.contract import is_contraction, split_scalars, typical_size
from symbp.notation.by_identity import noted
from symbp.notation.equation import Equation
from symbp.notation.index import Index
from symbp.notation.tensor import Element

__all__ = ["MatrixProduct", "as_column_sum", "as_product", "group_at", "is_innermost"]


@dataclass(frozen=True)
class MatrixProduct:
    """A matrix product ``lhs = alpha Σ_k first · second``, once per value of ``loops``.

    ``rows``, ``columns`` and ``summed`` are the index groups m, n and k; ``columns`` is empty
    for a matrix times a vector. Where ``first`` is None it stands for a row of ones: the columns
    of the second are summed.
    """

    equation: Equation
    loops: tuple[Index, ...]
    first: Element | None
    second: Element
    rows: tuple[Index, ...]
    columns: tuple[Index, ...]
    summed: tuple[Index, ...]


# Many equations stand in several functions of a module, and several passes ask.
@noted
def as_product(equation: Equation, fixed: frozenset[Index] = frozenset()) -> MatrixProduct | None:
    """Return the matrix product that an equation is, or None when it is none.

    Parameters
    ----------
    equation : Equation
        A contraction of two plain tensors (see :mod:`symbp.calculus.contract`).
    fixed : frozenset of Index
        Indices of enclosing loops: the steps of a recurrence.
    """
    if not is_contraction(equation):
        return None
    _, factors = split_scalars(equation.body)
    first, second = factors
    a, b, c = (set(element.args) - fixed for element in (first, second, equation.lhs))
    batch = a & b & c
    free = [i for i in equation.domain if i in (a | b | c) - batch]
    best: MatrixProduct | None = None
    lowest = 0.0
    for count in range(len(free)):
        for extra in itertools.combinations(free, count):
            loops = batch | set(extra)
            cost = float(typical_size(index.extent for index in loops))
            if best is not None and cost >= lowest:
                continue
            product = _product(equation, first, second, loops, fixed)
            if product is None:
                continue
            if not product.columns:
                cost *= 2  # a matrix times a vector moves more memory for its work
            if best is None or cost < lowest:
                best, lowest = product, cost
    return best


@noted
def as_column_sum(equation: Equation) -> MatrixProduct | None:
    """Return ``lhs[j] (+)= alpha Σ_n second[n, j]`` as a product with a row of ones, if it is that.

    A loop would add every row to the sums in memory; a product keeps them in registers. None for
    short rows, and where the second is not a plain tensor.
    """
    _, factors = split_scalars(equation.body)
    if equation.operation != "sum" or len(factors) != 1 or not equation.lhs.args:
        return None
    (second,) = factors
    columns = equation.lhs.args
    if (
        not isinstance(second, Element)
        or not (second.is_plain and equation.lhs.is_plain)
        or not equation.reduce
        or second.args != (*equation.reduce, *columns)
        or any(not isinstance(index.extent, int) for index in (*equation.reduce[1:], *columns))
    ):
        return None
    # Of many positions, which a loop adds to memory one after another, half as many columns do.
    least = _SHORT_ROW if len(equation.reduce) == 1 else _SHORT_ROW // 2
    if typical_size(index.extent for index in columns) < least:
        return None
    return MatrixProduct(equation, (), None, second, (), columns, equation.reduce)


# Sums of fewer columns than fill a vector register are left to a loop.
_SHORT_ROW = 16


def _product(
    equation: Equation,
    first: Element,
    second: Element,
    loops: set[Index],
    fixed: frozenset[Index],
) -> MatrixProduct | None:
    excluded = loops | fixed
    lhs = equation.lhs
    a, b, c = (set(element.args) - excluded for element in (first, second, lhs))
    if not a & b:
        return None
    rows, columns = _ordered(a & c, lhs), _ordered(b & c, lhs)
    summed = _ordered(a & b, first)
    if columns and (not rows or group_at(lhs, columns) is None or is_innermost(lhs, rows)):
        # Row-major results have the columns innermost; a lone vector of columns becomes rows.
        first, second, rows, columns = second, first, columns, rows
        summed = _ordered(a & b, first)
    if not rows:
        return None
    for element, groups in (
        (first, (rows, summed)), (second, (summed, columns)), (lhs, (rows, columns))
    ):  # fmt: skip
        present = [group for group in groups if group]
        if any(group_at(element, group) is None for group in present):
            return None
        if len(present) == 2 and not any(is_innermost(element, group) for group in present):
            return None
    if columns and not is_innermost(lhs, columns):
        return None
    ordered = tuple(index for index in equation.domain if index in loops)
    return MatrixProduct(equation, ordered, first, second, rows, columns, summed)


def _ordered(indices: set[Index], element: Element) -> tuple[Index, ...]:
    return tuple(index for index in element.args if index in indices)


def group_at(element: Element, group: Sequence[Index]) -> tuple[int, int] | None:
    """Return the first and last axis of a group whose axes are adjacent and in order."""
    positions = [element.args.index(index) for index in group]
    if positions != list(range(positions[0], positions[0] + len(positions))):
        return None
    # Rows beyond the batch's last would fall inside the run, but for arrays that have none.
    gaps = any(not isinstance(index.extent, int) for index in group[1:])
    if gaps and not (_has_steps_first(element) and positions == [0, 1]):
        return None
    return positions[0], positions[-1]


def _has_steps_first(element: Element) -> bool:
    """Whether an array has its steps before its examples (:mod:`symbp.loops.dense_steps`)."""
    indices = element.tensor.indices
    return element.tensor.role == "intermediate" and indices[0].sequential


def is_innermost(element: Element, group: Sequence[Index]) -> bool:
    """Return whether a group's axes are adjacent, in order, and the last: it has unit stride."""
    place = group_at(element, group)
    return place is not None and place[1] == len(element.args) - 1
