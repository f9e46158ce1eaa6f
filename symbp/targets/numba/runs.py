"""runs: statements one after another that are written as one line.

Of a function that is written out by element there are many: numbers that are loaded or stored, sums
that start from 0, the terms of a sum.
"""

from collections.abc import Iterable, Iterator, Sequence, Set
from typing import Literal

from symbp.loops.nodes import Accumulate, Allocate, Assign, Statement, View
from symbp.notation.equation import Equation
from symbp.notation.tensor import Element, Tensor

__all__ = ["Kind", "runs"]

Kind = Literal["", "moves", "zeros", "terms", "elements"]


def runs(
    statements: Iterable[Statement], scalars: Set[Tensor], in_loop: bool
) -> Iterator[tuple[Kind, list[Statement]]]:
    """Yield statements in their order, those together that are of one kind.

    ========  ====================================================================
    moves     numbers are read from memory into registers, or stored
    zeros     registers are set to 0
    terms     a register is set, or added to, and added to again, in any order
    elements  several elements of what one equation defines, each in a register, are set
    (none)    one statement of any other kind
    ========  ====================================================================

    Parameters
    ----------
    statements : iterable of Statement
        One after another.
    scalars : set of Tensor
        Those that are numbers in the memory of an argument.
    in_loop : bool
        Whether they stand in a loop, where the order of a sum's terms matters.
    """
    run: list[Statement] = []
    kind: Kind = ""
    for statement in statements:
        if isinstance(statement, Allocate) and not statement.array.rank:
            yield "", [statement]  # takes no line
            continue
        own = _kind(statement, scalars)
        joins = own == kind and own not in ("", "terms")
        if own == "" and in_loop and run and kind in ("", "terms"):
            joins = _continues(run[-1], statement)
            own = "terms" if joins else own
        if own == "" and run and kind in ("", "elements"):
            joins = _is_beside(run, statement)
            own = "elements" if joins else own
        if run and not joins:
            yield kind if len(run) > 1 else "", run
            run = []
        run.append(statement)
        kind = own
    if run:
        yield kind if len(run) > 1 else "", run


def _kind(statement: Statement, scalars: Set[Tensor]) -> Kind:
    if isinstance(statement, View):
        return "" if statement.array.rank else "moves"
    if not isinstance(statement, Assign) or statement.target.tensor.rank:
        return ""
    value, target = statement.value, statement.target.tensor
    if isinstance(value, Element) and not value.tensor.rank:
        return "moves" if (target in scalars) != (value.tensor in scalars) else ""
    return "zeros" if value == 0 and target not in scalars else ""


def _continues(before: Statement, statement: Statement) -> bool:
    """Whether a statement adds a term to what the one before it has set or added to."""
    if not isinstance(statement, Accumulate) or not _is_sum(statement):
        return False
    if not isinstance(before, Assign | Accumulate) or before.target != statement.target:
        return False
    own = statement.target.tensor
    apart = all(element.tensor is not own for element in statement.value.atoms(Element))
    return apart and (isinstance(before, Assign) or _is_sum(before))


def _is_sum(statement: Accumulate) -> bool:
    register = not statement.target.tensor.rank
    return register and statement.operation == "sum" and statement.free_order


def _is_beside(run: Sequence[Statement], statement: Statement) -> bool:
    """Whether a statement sets another element of what the statements before it set."""
    if not _sets_element(statement) or not all(map(_sets_element, run)):
        return False
    assert isinstance(statement, Assign)
    first = run[0]
    assert isinstance(first, Assign)
    set_before = {each.target.tensor for each in run if isinstance(each, Assign)}
    read = {element.tensor for element in statement.value.atoms(Element)}
    return (
        _source(statement) is _source(first) and not (read | {statement.target.tensor}) & set_before
    )


def _sets_element(statement: Statement) -> bool:
    return (
        isinstance(statement, Assign)
        and not statement.target.tensor.rank
        and _source(statement) is not None
    )


def _source(statement: Assign) -> Equation | None:
    """Return the equation of whole tensors of which a statement computes one element."""
    origin = statement.equation.origin if statement.equation is not None else None
    return origin.source if origin is not None and origin.rule == "unroll" else None
