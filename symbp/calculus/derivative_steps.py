"""One derivative of one tensor by one other, as equations: in reverse or in forward mode.

``∂u[n]/∂x[n, i]`` with n shared is, in reverse mode, the adjoint of x for the root Σ_n u[n]; in
forward mode it is the tangent of u along unit vectors, the same for every n. What is an axis of u
only has a root for each of its values; what is an axis of x only, a tangent.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import sympy

from symbp.calculus.forward import forward
from symbp.calculus.replicate import replicate
from symbp.calculus.reverse import reverse
from symbp.calculus.unit_seeds import without_seeds
from symbp.notation.coupling import carriers
from symbp.notation.equation import Equation, Origin
from symbp.notation.functions import where
from symbp.notation.index import Index
from symbp.notation.naming import fresh_name
from symbp.notation.program import Program
from symbp.notation.tensor import Element, Tensor

__all__ = ["Directions", "forward_step", "reverse_step"]

# A tensor of tangents along unit vectors: what they are, and the axes that count them.
Directions = dict[Tensor, tuple[object, tuple[Index, ...]]]


def reverse_step(
    program: Program, of: Element, by: Element, shared: Sequence[Index], names: set[str]
) -> tuple[list[Equation], Element]:
    """Return equations of the derivative in reverse mode, and the element that it is.

    Parameters
    ----------
    program : Program
        Normalised, of what defines ``of``.
    of, by : Element
        What is differentiated, and by what.
    shared : sequence of Index
        Stand on both sides for one value.
    names : set of str
        In use; those of new tensors are added.
    """
    own = {a: Index(a.name, a.extent) for a in of.args if isinstance(a, Index)}
    axes = [a for a in own if a not in shared]
    place = Element(of.tensor, *(own.get(a, a) for a in of.args))
    body: Any = place
    seed = None
    if axes:
        inner = tuple(own[a] for a in axes)
        seed = Tensor(fresh_name(f"{of.tensor.name}_seed", names), inner, "input")
        body = seed.element * place
    root = Tensor(fresh_name(f"{of.tensor.name}_root", names))
    total = Equation(root.element, body, tuple(own.values()), origin=Origin("root"))
    whole = program.replace(
        equations=(*program.equations, total), cost=root, output=None, passed=program.passed
    )
    derived = reverse(whole, [by.tensor])
    ((_, result),) = derived.gradients
    new: list[Equation] = list(derived.equations[len(whole.equations) :])
    outer = tuple(Index(a.name, a.extent) for a in axes)
    made: Mapping[Tensor, Tensor] = {}
    if seed is not None:
        units = Tensor(seed.name, (*outer, *seed.indices))
        part, made = replicate(program.replace(equations=tuple(new)), {seed: units}, outer)
        own_places = tuple(Index(i.name, i.extent) for i in seed.indices)
        same = (sympy.Eq(a, b) for a, b in zip(outer, own_places, strict=True))
        unit = where(sympy.And(*same), 1, 0)
        new = [
            Equation(units[(*outer, *own_places)], unit, origin=Origin("basis")),
            *part.equations,
        ]
    result = made.get(result, result)
    replicas = set(made.values())
    new = without_seeds(new, [result])
    told = _Told(program, of, by, shared)

    def partial_of(tensor: Tensor) -> tuple[Element, ...] | None:
        below = tensor.adjoint_of
        if below is None:
            return None
        count = len(outer) if tensor in replicas else 0
        mapping: dict[Any, Any] = dict(zip(axes, tensor.indices, strict=False)) if count else {}
        if axes and not count:
            return None
        for index in shared:
            axis = told.axis(index, below)
            if axis is None:
                return None
            mapping[index] = tensor.indices[count + axis]
        above = Element(of.tensor, *(mapping.get(a, a) for a in of.args))
        return above, Element(below, *tensor.indices[count:])

    new, renamed = _renamed(new, partial_of, names)
    final = renamed.get(result, result)
    leading = tuple(axes) if result in replicas else ()
    return new, Element(final, *leading, *by.args)


def forward_step(
    program: Program,
    of: Element,
    by: Element,
    shared: Sequence[Index],
    names: set[str],
    directions: Directions,
) -> tuple[list[Equation], Element]:
    """Return equations of the derivative in forward mode, and the element that it is.

    Parameters
    ----------
    program, of, by, shared, names
        As for :func:`reverse_step`.
    directions : dict
        Tensors that are tangents along all unit vectors of some tensor; new ones are added. A
        tangent of such a one along the same vectors needs no axis of its own.
    """
    axes = tuple(a for a in by.args if isinstance(a, Index) and a not in shared)
    leaf = program.replace(
        equations=tuple(e for e in program.equations if e.tensor is not by.tensor),
        passed=program.passed,
    )
    derived, tangents = forward(leaf, [by.tensor], of=[of.tensor])
    seed, result = tangents[by.tensor], tangents[of.tensor]
    old = {*(e.tensor for e in leaf.equations), by.tensor}
    program_of_new = derived.replace(
        equations=tuple(e for e in derived.equations if e.tensor not in old), cost=None, output=None
    ).prune([result])
    new: list[Equation] = list(program_of_new.equations)
    pattern = (by.tensor, tuple("shared" if a in shared else a for a in by.args))
    key = (
        by.tensor,
        tuple(axes.index(a) if a in axes else p for a, p in zip(by.args, pattern[1], strict=True)),
    )
    known = {t: r for t, (k, r) in directions.items() if k == key}
    carried = of.tensor in known and of.args[-len(axes) :] == axes if axes else False
    outer = known[of.tensor] if carried else tuple(Index(a.name, a.extent) for a in axes)
    has_axes = {tangents[t]: r for t, r in known.items() if t in tangents and r == outer}
    made: dict[Tensor, Tensor] = {}
    units = seed
    if axes:
        units = Tensor(seed.name, (*seed.indices, *outer))
        new, made = _extended(new, {seed: units}, outer, set(has_axes))
    own = tuple(Index(i.name, i.extent) for i in seed.indices)
    conditions = []
    for position, a in enumerate(by.args):
        if a in axes:
            conditions.append(sympy.Eq(own[position], outer[axes.index(a)]))
        elif a not in shared:
            conditions.append(sympy.Eq(own[position], a))
    unit = where(sympy.And(*conditions), 1, 0) if conditions else sympy.S.One
    tail = outer if axes else ()
    basis = Tensor(fresh_name(units.name, names), units.indices)
    mapping = {units: basis}
    new = [e.with_tensors(mapping) for e in new]
    first = Equation(basis[(*own, *tail)], unit, origin=Origin("basis"))
    result = made.get(result, result)
    new = without_seeds([first, *new], [result])
    sources = {made.get(tangent, tangent): tensor for tensor, tangent in tangents.items()}
    extended = set(made.values())
    told = _Told(leaf, of, by, shared)

    def partial_of(tensor: Tensor) -> tuple[Element, ...] | None:
        source = sources.get(tensor)
        if source is None:
            return None
        mapping: dict[Any, Any] = {}
        for index in shared:
            axis = told.axis(index, source)
            if axis is None:
                return None
            mapping[index] = tensor.indices[axis]
        if axes:
            if tensor not in extended and tensor not in has_axes:
                return None
            mapping |= dict(zip(axes, tensor.indices[-len(axes) :], strict=True))
        above = Element(source, *tensor.indices[: source.rank])
        return above, Element(by.tensor, *(mapping.get(a, a) for a in by.args))

    new, renamed = _renamed(new, partial_of, names)
    final = renamed.get(result, result)
    for tensor in (*extended, *has_axes):
        directions[renamed.get(tensor, tensor)] = (key, outer)
    at = of.args if carried or result not in extended else (*of.args, *axes)
    return new, Element(final, *at)


class _Told:
    """Which axis of each tensor between two has a shared index."""

    def __init__(self, program: Program, of: Element, by: Element, shared: Sequence[Index]) -> None:
        self.found = {index: carriers(program.equations, by, index, of.tensor) for index in shared}

    def axis(self, index: Index, tensor: Tensor) -> int | None:
        return self.found[index].get(tensor)


def _extended(
    equations: Sequence[Equation],
    seeds: dict[Tensor, Tensor],
    added: tuple[Index, ...],
    having: set[Tensor],
) -> tuple[list[Equation], dict[Tensor, Tensor]]:
    """Return equations with axes more on all that depends on seeds and does not have them yet."""
    made: dict[Tensor, Tensor] = dict(seeds)
    reached = set(seeds)
    changed = True
    while changed:  # a recurrence needs more than one sweep
        changed = False
        for equation in equations:
            tensor = equation.tensor
            if tensor in reached or not any(
                e.tensor in reached or e.tensor in having or set(added) & set(e.args)
                for e in equation.reads()
            ):
                continue
            reached.add(tensor)
            if tensor not in having:
                made[tensor] = Tensor(tensor.name, (*tensor.indices, *added), tensor.role)
            changed = True

    def rewritten(node: Any) -> Any:
        if not node.has(Element):
            return node
        if isinstance(node, Element):
            if node.tensor not in made:
                return node
            return Element(made[node.tensor], *node.args, *added, serial=node.serial)
        return node.func(*(rewritten(argument) for argument in node.args))

    return [e.replace(lhs=rewritten(e.lhs), body=rewritten(e.body)) for e in equations], made


def _renamed(
    equations: list[Equation], partial_of: Any, names: set[str]
) -> tuple[list[Equation], dict[Tensor, Tensor]]:
    """Return the equations with tensors that know what they are the derivatives of."""
    renamed: dict[Tensor, Tensor] = {}
    for equation in equations:
        tensor = equation.tensor
        if tensor in renamed:
            continue
        parts = partial_of(tensor)
        stem = tensor.name if parts is None else _name(parts)
        renamed[tensor] = Tensor(fresh_name(stem, names), tensor.indices, partial_of=parts)
    return [equation.with_tensors(renamed) for equation in equations], renamed


def _name(parts: tuple[Element, ...]) -> str:
    """Return a name such as ``du_dx0``, and ``d2u_dx0_dx0`` of a second derivative."""
    above, *below = parts
    while above.tensor.partial_of is not None:
        above, *before = above.tensor.partial_of
        below = [*before, *below]
    order = str(len(below)) if len(below) > 1 else ""
    places = [[str(a) for a in element.args if a.is_Integer] for element in below]
    named = (f"d{e.tensor.name}{'_'.join(p)}" for e, p in zip(below, places, strict=True))
    return f"d{order}{above.tensor.name}_{'_'.join(named)}"
