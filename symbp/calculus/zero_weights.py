"""zero_weights: products that a weight of 0 makes 0, before and after stabilising.

A cross-entropy weighs logarithms of probabilities with targets, and a target of 0 hides a logarithm
of 0. ``xlogy(y, p)`` is opened to the product of ``y`` and ``log p``, so that the logarithm can be
stabilised, and closed again where it was not; where the logarithm is always finite, as that of the
sigmoid of a layer is, the product becomes a plain one, which costs nothing.
"""

from collections.abc import Callable
from typing import Any

import sympy
from sympy.core.expr import Expr

from symbp.calculus.ranges import Ranges
from symbp.notation.arithmetic import product_of
from symbp.notation.equation import Equation
from symbp.notation.functions import log1p
from symbp.notation.program import Program
from symbp.notation.singular import absorbing_product, plainly, xlog1py, xlogy
from symbp.notation.standard import log
from symbp.notation.tensor import Element, Tensor

__all__ = ["closed", "opened", "plain_program"]


def opened(program: Program) -> Program:
    """Return the program with a logarithm of its own in each ``xlogy`` and ``xlog1py``."""

    def rule(node: Any) -> Any:
        if isinstance(node, xlogy):
            return absorbing_product(node.args[0], log(node.args[1]))
        if isinstance(node, xlog1py):
            return absorbing_product(node.args[0], log1p(node.args[1]))
        return node

    return _mapped(program, lambda body: _rewritten(body, (xlogy, xlog1py), rule))


def closed(program: Program) -> Program:
    """Return the program with plain products where nothing is hidden, else with ``xlogy``."""
    if not any(equation.body.has(absorbing_product) for equation in program.equations):
        return program
    ranges, defined = Ranges(program), _definitions(program)

    def rule(node: Any) -> Any:
        if not isinstance(node, absorbing_product):
            return node
        weight, value = node.args
        if ranges.of(value).finite and not _is_given(value, defined, set()):
            return product_of(weight, value)
        if isinstance(value, sympy.log):
            return xlogy(weight, value.args[0])
        return xlog1py(weight, value.args[0]) if isinstance(value, log1p) else node

    return _mapped(program, lambda body: _rewritten(body, (absorbing_product,), rule))


def plain_program(program: Program) -> Program:
    """Return the program as it prints: with textbook formulas (see :func:`plainly`)."""
    return _mapped(program, plainly)


def _mapped(program: Program, change: Callable[[Expr], Expr]) -> Program:
    equations = []
    for equation in program.equations:
        body = change(equation.body)
        equations.append(equation if body is equation.body else equation.replace(body=body))
    if all(new is old for new, old in zip(equations, program.equations, strict=True)):
        return program
    return program.replace(equations=tuple(equations), derived=program.derived)


def _rewritten(node: Any, kinds: tuple[type, ...], rule: Callable[[Any], Any]) -> Any:
    if node.is_Atom or isinstance(node, Element) or not node.has(*kinds):
        return node
    arguments = [_rewritten(argument, kinds, rule) for argument in node.args]
    # A factor that becomes a product is multiplied from left to right with the others.
    flat = isinstance(node, sympy.Mul) and not any(isinstance(a, sympy.Mul) for a in node.args)
    return rule(product_of(*arguments) if flat else node.func(*arguments))


def _definitions(program: Program) -> dict[Tensor, list[Equation]]:
    defined: dict[Tensor, list[Equation]] = {}
    for equation in program.equations:
        defined.setdefault(equation.tensor, []).append(equation)
    return defined


def _is_given(value: Expr, defined: dict[Tensor, list[Equation]], above: set[Tensor]) -> bool:
    """Whether an expression is made of data element by element: they may hold an infinity.

    So do logits that a mask was added to. What sums over products, as a layer does, counts as
    finite, and so do its parameters.
    """
    for element in value.atoms(Element):
        tensor = element.tensor
        if tensor in above or tensor.role == "constant":
            continue
        if tensor not in defined:
            if tensor.role != "parameter" or not above:
                return True
            continue
        for equation in defined[tensor]:
            if equation.reduce and equation.operation == "sum":
                continue
            if _is_given(equation.body, defined, above | {tensor}):
                return True
    return False
