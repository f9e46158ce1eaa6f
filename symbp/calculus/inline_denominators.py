"""inline_denominators: a quotient in one equation, where its denominator has one of its own.

Written as ``s = 1 + |z|`` and ``a = z/s``, the derivative of ``a`` by ``z`` is a sum over two paths
whose terms cancel for large ``z``, but no equation holds both. With the definition of ``s`` in
``a = z/(1 + |z|)`` the quotient rule sees all of it, and :mod:`symbp.calculus.quotients` brings its
terms over one denominator. Only arithmetic is inlined, which is computed again to the same bits.
"""

from collections.abc import Mapping

import sympy
from sympy.core.expr import Expr

from symbp.notation.dependence import definitions
from symbp.notation.derivative import Derivative, differentiated_by
from symbp.notation.equation import Equation, Origin
from symbp.notation.forms import Form, check_door
from symbp.notation.program import Program
from symbp.notation.tensor import Element, Tensor

__all__ = ["inline_denominators"]

# What is computed again must stay cheaper than what is gained by it.
_MOST_OPERATIONS = 12
_DEEPEST = 4


def inline_denominators(program: Program) -> Program:
    """Return an equivalent program whose quotients show what numerator and denominator share.

    Parameters
    ----------
    program : Program
        A normalised program that is not differentiated yet.

    Returns
    -------
    Program
        Every tensor keeps its equation.

    Examples
    --------
    >>> import symbp as bp
    >>> z, s, a = bp.parameter("z"), bp.tensor("s"), bp.tensor("a")
    >>> equations = [bp.Equation(s, 1 + abs(z)), bp.Equation(a, z / s)]
    >>> print(inline_denominators(bp.Program(equations, cost=a)))
    s = 1 + Abs(z)
    a = z/(1 + Abs(z))
    """
    check_door("inline_denominators", program.forms, Form.NORMALISED, Form.DIFFERENTIATED)
    count = {tensor: len(places) for tensor, places in definitions(program.equations).items()}
    # What is differentiated by stands in the equations between, by its name.
    variables = differentiated_by(program.equations)
    known = {
        equation.tensor: equation
        for equation in program.equations
        if count[equation.tensor] == 1
        and equation.is_elementwise
        and equation.lhs.is_plain
        and not equation.body.has(equation.tensor)
        and equation.tensor not in variables
        and _is_arithmetic(equation.body)
    }
    equations = tuple(_inlined(equation, known) for equation in program.equations)
    kept = program.passed & ~Form.SHARED
    same = all(new is old for new, old in zip(equations, program.equations, strict=True))
    return program if same else program.replace(equations=equations, passed=kept)


def _inlined(equation: Equation, known: Mapping[Tensor, Equation]) -> Equation:
    body = equation.body
    if isinstance(body, Derivative):
        return equation
    powers = [p for p in body.atoms(sympy.Pow) if _is_reciprocal(p)]
    # s = 1/(1 + |z|) is a denominator, too, in a = z*s.
    defined = [e for e in body.atoms(Element) if e.tensor in known]
    powers += [e for e in defined if _is_reciprocal(known[e.tensor].body)]
    mapping: dict[Expr, Expr] = {}
    for quotient in sorted(powers, key=sympy.default_sort_key):
        below = {quotient} if isinstance(quotient, Element) else quotient.args[0].atoms(Element)
        above = body.xreplace({quotient: sympy.S.One}).atoms(Element)
        if not any(e.tensor in known for e in below) or below & above:
            continue  # what they share is in sight
        opened = {element: _opened(element, known, 0) for element in below | above}
        read = {element: opened[element].atoms(Element) for element in opened}
        shared = set().union(*(read[e] for e in below)) & set().union(*(read[e] for e in above))
        mapping |= {e: opened[e] for e in opened if read[e] & shared and opened[e] != e}
    if not mapping or any(form.count_ops() > _MOST_OPERATIONS for form in mapping.values()):
        return equation
    return equation.replace(body=body.xreplace(mapping), origin=Origin("inline", equation))


def _is_reciprocal(node: Expr) -> bool:
    return isinstance(node, sympy.Pow) and bool(node.args[1].is_number and node.args[1].is_negative)


def _opened(node: Expr, known: Mapping[Tensor, Equation], depth: int) -> Expr:
    """Return an expression with the tensors in it that are arithmetic of others written out."""
    mapping = {}
    for element in node.atoms(Element):
        definition = known.get(element.tensor)
        if definition is not None and depth < _DEEPEST:
            names = dict(zip(definition.lhs.args, element.args, strict=True))
            mapping[element] = _opened(definition.body.xreplace(names), known, depth + 1)
    return node.xreplace(mapping) if mapping else node


def _is_arithmetic(node: Expr) -> bool:
    if isinstance(node, Element) or node.is_number:
        return True
    if isinstance(node, sympy.Pow):
        return bool(node.args[1].is_Rational) and _is_arithmetic(node.args[0])
    return isinstance(node, (sympy.Add, sympy.Mul, sympy.Abs)) and all(
        map(_is_arithmetic, node.args)
    )
