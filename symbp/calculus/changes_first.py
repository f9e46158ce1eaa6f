"""changes_first: what is added to a table is computed before a table that it depends on changes.

::

    U_next[user[n], k] += -η δ[n] V[item[n], k]        change[n, k] = -η δ[n] V[item[n], k]
    V_next[item[n], k] += -η δ[n] U[user[n], k]   ─►   V_next[item[n], k] += -η δ[n] U[user[n], k]
                                                       U_next[user[n], k] += change[n, k]

Each table stands in the way of the other, and one of them would be copied as a whole. With the
changes of a batch stored, both are updated where they lie.
"""

from symbp.calculus.in_place import in_place_updates
from symbp.calculus.lookups import looks_up
from symbp.notation.equation import Equation, Origin, indices_of
from symbp.notation.naming import fresh_name
from symbp.notation.program import Program
from symbp.notation.tensor import Element, Tensor

__all__ = ["changes_first"]


def changes_first(program: Program) -> Program:
    """Return an equivalent program whose tables need no copy.

    Parameters
    ----------
    program : Program
        In which scatters are added straight onto the tables that they change.
    """
    names = {tensor.name for tensor in program.tensors}
    while True:
        _, copied = in_place_updates(program)
        olds = {old for old, _ in program.updates}
        found = next((e for e in program.equations if _is_in_the_way(e, copied, olds)), None)
        if found is None:
            return program
        program = _with_change(program, found, names)


def _is_in_the_way(equation: Equation, copied: set[Tensor], olds: set[Tensor]) -> bool:
    """Whether an equation adds to looked-up rows of a copy, and reads what is updated."""
    return (
        equation.tensor in copied
        and equation.accumulate
        and looks_up(equation)
        and any(element.tensor in olds for element in equation.body.atoms(Element))
    )


def _with_change(program: Program, equation: Equation, names: set[str]) -> Program:
    left = tuple(i for subscript in equation.lhs.args for i in indices_of(subscript))
    domain = tuple(dict.fromkeys(left))
    fresh = tuple(index.fresh() for index in domain)
    change = Tensor(fresh_name(f"{equation.tensor.name}_change", names), fresh)
    origin = Origin("change", equation)
    computed = Equation(change[domain], equation.body, equation.reduce, origin=origin)
    added = equation.replace(body=change[domain], reduce=())
    at = next(place for place, e in enumerate(program.equations) if e is equation)
    equations = [*program.equations[:at], computed, added, *program.equations[at + 1 :]]
    return program.replace(equations=tuple(equations), passed=program.passed)
