"""share: compute a value once, across the forward and the backward equations.

Three rewrites, each on whole equations so that nothing is ever hoisted out of its sum:
a function application that some tensor already holds is read from it (``σ'(z)`` becomes
``a(1-a)`` because ``a = σ(z)`` is at hand); one that several equations need gets a tensor of its
own; and of two equations that say the same, one goes.
"""

from collections.abc import Iterator

import sympy
from sympy.core.expr import Expr

from symbp.notation.by_identity import noted, remembered
from symbp.notation.equation import Equation, Origin, indices_of
from symbp.notation.forms import Form, check_door
from symbp.notation.functions import (
    leaky_relu,
    maximum,
    minimum,
    relu,
    where,
)
from symbp.notation.index import Index
from symbp.notation.naming import fresh_name
from symbp.notation.program import Program
from symbp.notation.singular import absorbing_product, half_reciprocal
from symbp.notation.tensor import Element, Tensor

__all__ = ["canonical", "share"]

# Cheaper to compute again than to load.
CHEAP = (
    where,
    absorbing_product,
    half_reciprocal,
    relu,
    leaky_relu,
    maximum,
    minimum,
    sympy.Abs,
    sympy.sign,
    sympy.floor,
    sympy.ceiling,
    sympy.Mod,
)

_places: dict[tuple[int, object], Index] = {}


def share(program: Program) -> Program:
    """Return an equivalent program that computes each expensive value once.

    Parameters
    ----------
    program : Program
        A program whose bodies are written out (see :mod:`symbp.calculus.expand`).
    """
    check_door("share", program.forms, Form.NORMALISED | Form.EXPANDED)
    equations = list(program.equations)
    equations = _read_known_values(equations)
    equations = _lift_common(equations, {tensor.name for tensor in program.tensors})
    equations = _drop_duplicates(equations, set(program.roots))
    passed = program.passed | Form.NORMALISED | Form.EXPANDED | Form.SHARED
    return program.replace(equations=tuple(equations), passed=passed)


def canonical(expression: Expr) -> tuple[Expr, tuple[Index, ...]]:
    """Return the expression with its indices replaced by standard ones, and the originals.

    Two expressions that differ only in the names of their indices have the same form.
    """
    order: dict[Index, None] = {}

    def visit(node: sympy.Basic) -> None:
        if isinstance(node, Index):
            order.setdefault(node)
        for argument in node.args:
            visit(argument)

    visit(expression)
    mapping = {}
    for position, index in enumerate(order):
        place = (position, index.extent)
        if place not in _places:
            _places[place] = Index(f"_{position}", index.extent)
        mapping[index] = _places[place]
    return expression.xreplace(mapping), tuple(order)


# Most equations come again, with another pass or entry point; their bodies are the same objects.
@remembered(4096)
def _forms(body: Expr) -> tuple[tuple[Expr, Expr, tuple[Index, ...]], ...]:
    """Return the applications and powers in a body, each with its canonical form and indices."""
    nodes = sympy.preorder_traversal(body)
    found = dict.fromkeys(n for n in nodes if isinstance(n, (sympy.Function, sympy.Pow)))
    return tuple((node, *canonical(node)) for node in found)


def _is_expensive(node: Expr) -> bool:
    if isinstance(node, sympy.Pow):
        return not node.exp.is_Integer and node.has(Element)
    return not isinstance(node, CHEAP)


def _expensive_forms(body: Expr) -> Iterator[tuple[Expr, Expr, tuple[Index, ...]]]:
    """Yield the expensive function applications in a body, largest first."""
    return (found for found in _forms(body) if _is_expensive(found[0]))


def _single(equations: list[Equation]) -> set[Tensor]:
    count: dict[Tensor, int] = {}
    for equation in equations:
        count[equation.tensor] = count.get(equation.tensor, 0) + 1
    return {tensor for tensor, number in count.items() if number == 1}


def _read_known_values(equations: list[Equation]) -> list[Equation]:
    """Replace each function application that a tensor is defined to be by that tensor."""
    single = _single(equations)
    known: dict[Expr, tuple[Element, tuple[Index, ...]]] = {}
    for equation in equations:
        body = equation.body
        if (
            equation.tensor in single
            and equation.is_elementwise
            and isinstance(body, (sympy.Function, sympy.Pow))
            and set(indices_of(body)) == set(equation.lhs.args)
        ):
            _, form, order = _forms(body)[0]
            known.setdefault(form, (equation.lhs, order))

    def rewrite(equation: Equation) -> Equation:
        mapping: dict[Expr, Expr] = {}
        for node, form, order in _forms(equation.body) if known else ():
            found = known.get(form)
            if found is None or found[0].tensor is equation.tensor:
                continue
            lhs, names = found
            mapping[node] = lhs.xreplace(dict(zip(names, order, strict=True)))
        if not mapping:
            return equation
        return equation.replace(body=equation.body.xreplace(mapping))

    return [rewrite(equation) for equation in equations]


def _lift_common(equations: list[Equation], names: set[str]) -> list[Equation]:
    """Give an expensive application that several equations need a tensor of its own."""
    users: dict[Expr, list[int]] = {}
    example: dict[Expr, tuple[Expr, tuple[Index, ...]]] = {}
    for position, equation in enumerate(equations):
        for node, form, order in _expensive_forms(equation.body):
            if any(not element.is_plain for element in node.atoms(Element)):
                continue  # it may be guarded, and must not be evaluated outside its guard
            if not order and not node.has(Element):
                continue
            users.setdefault(form, [])
            if position not in users[form]:
                users[form].append(position)
            example.setdefault(form, (node, order))
    made: dict[Expr, Tensor] = {}
    new: dict[int, list[Equation]] = {}
    for form, positions in users.items():
        if len(positions) < 2:
            continue
        node, order = example[form]
        name = fresh_name(f"shared{len(made) + 1}", names)
        fresh = tuple(index.fresh() for index in order)
        tensor = Tensor(name, fresh)
        made[form] = tensor
        body = node.xreplace(dict(zip(order, fresh, strict=True)))
        definition = Equation(tensor.element, body, origin=Origin("share"))
        new.setdefault(positions[0], []).append(definition)
    result: list[Equation] = []
    for position, equation in enumerate(equations):
        result.extend(_replace_lifted(d, made, d.tensor) for d in reversed(new.get(position, [])))
        result.append(_replace_lifted(equation, made, None))
    return result


def _replace_lifted(
    equation: Equation, made: dict[Expr, Tensor], itself: Tensor | None
) -> Equation:
    mapping: dict[Expr, Expr] = {}
    for node, form, order in _expensive_forms(equation.body) if made else ():
        tensor = made.get(form)
        if tensor is not None and tensor is not itself:
            mapping[node] = tensor[order]
    return equation.replace(body=equation.body.xreplace(mapping)) if mapping else equation


def _drop_duplicates(equations: list[Equation], kept: set[Tensor]) -> list[Equation]:
    """Drop the tensors whose only equation says what an earlier one says."""
    single = _single(equations)
    seen: dict[object, Tensor] = {}
    same: dict[Tensor, Tensor] = {}
    result = []
    for equation in equations:
        equation = _renamed(equation, same)
        if equation.tensor in single and equation.lhs.is_plain:
            key = _meaning(equation)
            earlier = seen.get(key)
            if earlier is not None and equation.tensor not in kept:
                same[equation.tensor] = earlier
                continue
            seen.setdefault(key, equation.tensor)
        result.append(equation)
    return [_renamed(equation, same) for equation in result]


@noted
def _meaning(equation: Equation) -> object:
    mapping = {}
    for position, index in enumerate(equation.domain):
        place = (position, index.extent)
        if place not in _places:
            _places[place] = Index(f"_{position}", index.extent)
        mapping[index] = _places[place]
    return (
        tuple(mapping[index] for index in equation.lhs.args),
        equation.body.xreplace(mapping),
        frozenset(mapping[index] for index in equation.reduce),
        equation.operation,
    )


def _renamed(equation: Equation, same: dict[Tensor, Tensor]) -> Equation:
    if not same:
        return equation
    mapping = {
        element: same[element.tensor][element.args]
        for element in equation.body.atoms(Element)
        if element.tensor in same
    }
    return equation.replace(body=equation.body.xreplace(mapping)) if mapping else equation
