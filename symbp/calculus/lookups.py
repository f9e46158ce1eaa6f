"""lookups: tables of which a batch reads a few rows, and what changes in a step but these rows.

The gradient of such a table is made of scatters alone, ``G[user[n], k] += δ[n, k]``: it is 0 but in
the rows that the batch has looked up. Where an update changes no other row, a step need not go over
the table.
"""

import math
from collections.abc import Sequence

import sympy

from symbp.calculus.contract import typical_size
from symbp.calculus.share import canonical
from symbp.notation.equation import Equation, Origin, indices_of
from symbp.notation.index import Index
from symbp.notation.naming import fresh_name
from symbp.notation.program import Program
from symbp.notation.tensor import Element, Tensor

__all__ = ["is_sparse", "looked_up", "looks_up", "lookup_equations", "reason_for_all_rows"]


def looks_up(equation: Equation) -> bool:
    """Whether an equation adds to places that only the data tells."""
    return any(subscript.has(Element) for subscript in equation.lhs.args)


def is_sparse(equation: Equation) -> bool:
    """Whether an equation adds to a few places, which the data tells, of many.

    Where a batch adds more often than there are places, going over all of them costs nothing more,
    and in single precision a sum of its own keeps digits that a parameter would lose.
    """
    if not looks_up(equation) or equation.operation != "sum":
        return False
    rows = [axis for axis, subscript in enumerate(equation.lhs.args) if subscript.has(Element)]
    shape = equation.tensor.shape
    if not all(isinstance(shape[axis], int) for axis in rows):
        return False
    told = {index for axis in rows for index in indices_of(equation.lhs.args[axis])}
    return math.prod(int(shape[axis]) for axis in rows) >= typical_size(i.extent for i in told)


def looked_up(program: Program) -> dict[Tensor, Tensor]:
    """Return the parameters of which a batch looks up rows, each with its gradient."""
    found: dict[Tensor, Tensor] = {}
    updated = {old for old, _ in program.updates}
    for equation in program.equations:
        of = equation.tensor.adjoint_of
        if of in updated and looks_up(equation):
            assert of is not None
            found[of] = equation.tensor
    return found


def lookup_equations(
    name: str, table: Tensor, writers: Sequence[Equation], names: set[str]
) -> tuple[list[Equation], Element] | None:
    """Return equations that count how often each row of a table is looked up.

    Parameters
    ----------
    name : str
        Of the tensor that counts, if it is free.
    table : Tensor
        What is looked up.
    writers : sequence of Equation
        Those of its gradient.
    names : set of str
        All names that are taken.

    Returns
    -------
    (list of Equation, Element) or None
        The equations, and the count at the table's own indices; None if some term of the gradient
        is no scatter to places that the data tells.
    """
    if not writers or not all(map(looks_up, writers)):
        return None
    axes = [
        axis
        for axis, extent in enumerate(table.shape)
        if any(_elsewhere(writer.lhs.args[axis], extent) for writer in writers)
    ]
    counts = Tensor(fresh_name(name, names), tuple(table.indices[axis].fresh() for axis in axes))
    found: dict[object, Equation] = {}
    for writer in writers:
        places = tuple(writer.lhs.args[axis] for axis in axes)
        inside = [index for place in places for index in indices_of(place)]
        mapping: dict[Index, Index] = {index: index.fresh() for index in dict.fromkeys(inside)}
        renamed = tuple(place.xreplace(mapping) for place in places)
        form, _ = canonical(counts[renamed])
        origin = Origin("lookup", writer)
        found.setdefault(
            form, Equation(counts[renamed], sympy.S.One, accumulate=bool(found), origin=origin)
        )
    return list(found.values()), counts[tuple(table.indices[axis] for axis in axes)]


def _elsewhere(subscript: sympy.Expr, extent: object) -> bool:
    """Whether a subscript is not an index that takes all values of its axis."""
    return not (isinstance(subscript, Index) and subscript.extent == extent)


def reason_for_all_rows(program: Program, parameter: Tensor, gradient: Tensor) -> str:
    """Return why a step goes over all rows of a table.

    Parameters
    ----------
    program : Program
        With an update; nothing is folded yet.
    parameter, gradient : Tensor
        The table, and its gradient.
    """
    writers = program.equations_of(gradient)
    whole = next((writer for writer in writers if not looks_up(writer)), None)
    if whole is not None:
        return f"{gradient.name} has a term for every row, {_shown(whole)}"
    if not all(map(is_sparse, writers)):
        return "it has no more rows than a batch looks up"
    following = next(new for old, new in program.updates if old is parameter)
    for equation in program.equations:
        if equation.tensor is following:
            continue
        if any(element.tensor is gradient for element in equation.reads()):
            return (
                f"{equation.tensor.name} depends on all of {gradient.name}, not on the rows that a "
                f"batch looks up alone"
            )
    return f"{following.name} differs from {parameter.name} in every row"


def _shown(equation: Equation) -> str:
    names = ", ".join(i.name for i in equation.lhs.args if isinstance(i, Index))
    return f"that of {equation.tensor.name}[{names}]"
