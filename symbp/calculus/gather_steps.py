"""gather_steps: what each step of a recurrence adds to another step is collected where it is read.

::

    c̄[n, t, j] = a(t)
    c̄[n, t - 1, j] += where(t > 0, b(t), 0)      c̄[n, t, j] = a(t) + where(t < T - 1, b(t + 1), 0)
    h̄[n, T - 1, j] = g[n, j]                ─►   h̄[n, t, j] = where(t > T - 2, g[n, j], 0)

The adjoint of ``h[t - 1]`` adds to the step before. Collected, it is one value for each step:
nothing has to be set to 0 before, or read and written again, and most of it stays in registers.
"""

import sympy
from sympy.core.expr import Expr

from symbp.notation.arithmetic import Plus
from symbp.notation.dependence import offset, time_axis
from symbp.notation.equation import Equation, Origin
from symbp.notation.functions import where
from symbp.notation.index import Index
from symbp.notation.naming import fresh_name
from symbp.notation.program import Program
from symbp.notation.tensor import Element, Tensor

__all__ = ["gather_steps"]


def gather_steps(program: Program) -> Program:
    """Return an equivalent program whose adjoints of steps have an equation each.

    Parameters
    ----------
    program : Program
        Contractions have equations of their own (see :mod:`symbp.calculus.contract`).
    """
    kept = {*program.roots, *(tensor for _, tensor in program.updates)}
    names = {tensor.name for tensor in program.tensors}
    made: dict[Tensor, list[Equation]] = {}
    for equation in program.equations:
        made.setdefault(equation.tensor, []).append(equation)
    result: list[Equation] = []
    done: set[Tensor] = set()
    for equation in program.equations:
        tensor = equation.tensor
        if tensor in kept or not _is_scattered_by_steps(made[tensor]):
            result.append(equation)
        elif tensor not in done:
            done.add(tensor)
            result += _collected(made[tensor], names)
    return program.replace(equations=tuple(result))


def _is_scattered_by_steps(equations: list[Equation]) -> bool:
    """Whether there are scatters into a tensor, and all are over steps."""
    axis = time_axis(equations[0].tensor)
    if axis is None or not isinstance(equations[0].tensor.shape[axis], int):
        return False
    return any(e.is_scatter for e in equations) and all(_fits(e, axis) for e in equations)


def _fits(equation: Equation, axis: int) -> bool:
    if equation.lhs.is_plain:
        return equation.operation == "sum"
    if equation.reduce:
        return False
    place, rest = equation.lhs.args[axis], [a for i, a in enumerate(equation.lhs.args) if i != axis]
    extents = (e for i, e in enumerate(equation.tensor.shape) if i != axis)
    plain = all(
        isinstance(each, Index) and each.extent == extent
        for each, extent in zip(rest, extents, strict=True)
    )
    if not plain or len(set(rest)) != len(rest):
        return False
    if place.is_Integer:
        return True
    step = _step(place)
    return step is not None and step not in rest and step.extent == equation.tensor.shape[axis]


def _step(place: Expr) -> Index | None:
    """Return the index t of ``t + number``."""
    indices = place.atoms(Index)
    if len(indices) != 1 or place.atoms(Element):
        return None
    (index,) = indices
    return index if offset(place, index) is not None else None


def _collected(equations: list[Equation], names: set[str]) -> list[Equation]:
    """Return the equations that give a tensor the sum of all that others give it."""
    tensor = equations[0].tensor
    axis = time_axis(tensor)
    assert axis is not None
    lhs = tensor[tuple(index.fresh() for index in tensor.indices)]
    step = lhs.args[axis]
    assert isinstance(step, Index)
    before: list[Equation] = []
    terms: list[Expr] = []
    for equation in equations:
        if equation.reduce:
            # A product stays one: it gets a tensor of its own, which is read like any other.
            own = Tensor(
                fresh_name(f"{tensor.name}_sum", names),
                tensor.indices,
                adjoint_of=tensor.adjoint_of,
            )
            same = [e for e in before if e.tensor is own]
            before.append(equation.replace(lhs=own[equation.lhs.args], accumulate=bool(same)))
            terms.append(own[lhs.args])
            continue
        terms.append(_at(equation, axis, lhs.args, step))
    body = terms[0] if len(terms) == 1 else Plus(*terms)
    return [*before, Equation(lhs, body, origin=Origin("gather_steps", equations[0]))]


def _at(equation: Equation, axis: int, places: tuple[Expr, ...], step: Index) -> Expr:
    """Return what an equation adds to an element, 0 where it adds nothing."""
    given = equation.lhs.args
    names = {a: b for i, (a, b) in enumerate(zip(given, places, strict=True)) if i != axis}
    last = step.extent - 1
    place = given[axis]
    if place.is_Integer:
        first = final = int(place)
    else:
        old = _step(place)
        assert old is not None
        distance = offset(place, old)
        assert distance is not None
        names[old] = step - distance
        first, final = max(0, distance), min(last, last + distance)
    body = equation.body.xreplace(names)
    conditions = []
    if first > 0:
        conditions.append(step > first - 1)
    if final < last:
        conditions.append(step < final + 1)
    if not conditions:
        return body
    return where(sympy.And(*conditions), _without_guards(body, step, first, final), 0)


def _without_guards(body: Expr, step: Index, first: int, final: int) -> Expr:
    """Return a body without the conditions on a step that hold from a first to a final one."""
    mapping: dict[Expr, Expr] = {}
    for node in body.atoms(where):
        condition = node.args[0]
        if condition.free_symbols == {step} and not condition.atoms(Element):
            truths = {bool(condition.subs(step, each)) for each in range(first, final + 1)}
            if len(truths) == 1:
                mapping[node] = node.args[1] if truths.pop() else node.args[2]
    while mapping and body.has(*mapping):
        body = body.xreplace(mapping)
    return body
