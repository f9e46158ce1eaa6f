"""inline_reshapes: what only gives elements another number of axes is read, or written, in place.

::

    z[n, t, a, j] = s[n, t, 64*a + j]            i[n, t, j] = σ(s[n, t, j])
    i[n, t, j] = σ(z[n, t, 0, j])          ─►

    z̄[n, t, 0, j] = ī[n, t, j]·…                 s̄[n, t, j] = ī[n, t, j]·…
    s̄[n, t, 64*a + j] = z̄[n, t, a, j]

Each way one copy of everything less, and its memory. Nothing changes where the copy is a factor of
a sum, or is one itself: a matrix product needs plain operands.
"""

from collections.abc import Iterable

from symbp.notation.equation import Equation
from symbp.notation.index import Index
from symbp.notation.program import Program
from symbp.notation.tensor import Element, Tensor

__all__ = ["inline_reshapes"]


def inline_reshapes(program: Program) -> Program:
    """Return an equivalent program without copies that only reshape.

    Parameters
    ----------
    program : Program
        Its reductions stand in equations of their own.
    """
    kept = {*program.roots, *(tensor for _, tensor in program.updates)}
    equations = list(program.equations)
    for equation in program.equations:
        if equation.tensor in kept or equation.tensor.role != "intermediate":
            continue
        body = equation.body
        if equation.reduce or not isinstance(body, Element):
            continue
        if sum(other.tensor is equation.tensor for other in equations) > 1:
            continue
        if equation.lhs.is_plain and _is_reshape(body, equation.lhs.args):
            equations = _read_in_place(equations, equation, body)
        elif body.is_plain and body.tensor not in kept and _is_reshape(equation.lhs, body.args):
            equations = _written_in_place(equations, equation, body)
    return program.replace(equations=tuple(equations))


def _read_in_place(equations: list[Equation], copy: Equation, source: Element) -> list[Equation]:
    """Return the equations with the copy's readers reading what it copies."""
    readers = [e for e in equations if _reads(e, copy.tensor)]
    if source.is_plain or any(e.reduce for e in readers):
        return equations
    return _substituted([e for e in equations if e is not copy], copy.lhs, source, readers)


def _written_in_place(equations: list[Equation], copy: Equation, source: Element) -> list[Equation]:
    """Return the equations with what the copy reads written where the copy writes."""
    made = [e for e in equations if e.tensor is source.tensor]
    readers = [e for e in equations if e is not copy and _reads(e, source.tensor)]
    if source.tensor.role != "intermediate" or any(e.reduce for e in (*made, *readers)):
        return equations
    if not made or any(e.lhs.is_plain for e in made):
        return equations  # what is written whole is best written along memory
    rest = [e for e in equations if e is not copy]
    return _substituted(rest, source, copy.lhs, (*made, *readers))


def _reads(equation: Equation, tensor: Tensor) -> bool:
    return any(element.tensor is tensor for element in equation.reads())


def _substituted(
    equations: list[Equation], old: Element, new: Element, changed: Iterable[Equation]
) -> list[Equation]:
    """Return equations with elements of one tensor written as elements of another."""

    def put(element: Element) -> Element:
        names = dict(zip(old.args, element.args, strict=True))
        element = new.xreplace(names)
        return element

    wanted = set(map(id, changed))
    result = []
    for equation in equations:
        if id(equation) in wanted:
            mapping = {e: put(e) for e in equation.reads() if e.tensor is old.tensor}
            lhs = put(equation.lhs) if equation.tensor is old.tensor else equation.lhs
            equation = equation.replace(lhs=lhs, body=equation.body.xreplace(mapping))
        result.append(equation)
    return result


def _is_reshape(element: Element, indices: tuple[Index, ...]) -> bool:
    """Whether an element names each place of its tensor once, as some indices count.

    Each subscript is one index, or several as the digits of a number: ``64*a + j`` with 64 j.
    """
    left = list(indices)
    for subscript, extent in zip(element.args, element.tensor.shape, strict=True):
        if subscript in left:
            if subscript.extent != extent:
                return False
            left.remove(subscript)
            continue
        if subscript.atoms(Element) or not isinstance(extent, int):
            return False
        digits = sorted(
            (i for i in left if subscript.has(i)),
            key=lambda i: int(subscript.coeff(i)) if subscript.coeff(i).is_Integer else 0,
        )
        weight, total = 1, 0
        for index in digits:
            if subscript.coeff(index) != weight or not isinstance(index.extent, int):
                return False
            total = total + weight * index
            weight *= index.extent
            left.remove(index)
        if weight != extent or subscript - total != 0:
            return False
    return not left
