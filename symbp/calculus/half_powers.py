"""half_powers: x^(3/2) and its like are powers of the root that is at hand.

::

    s[n]    = 1/sqrt(v[n] + ε)                        s[n]    = 1/sqrt(v[n] + ε)
    g[n, j] = a[n, j] (v[n] + ε)^(-3/2)        ─►     g[n, j] = a[n, j] s[n]³

A power with a broken exponent takes as long as twenty products, and keeps the loop around it from
running along vector registers. The derivative of a normalisation holds the power -3/2 of a variance
beside its power -1/2.
"""

from collections.abc import Iterator

import sympy
from sympy.core.expr import Expr

from symbp.calculus.share import canonical
from symbp.notation.equation import Equation, Origin
from symbp.notation.index import Index
from symbp.notation.naming import fresh_name
from symbp.notation.program import Program
from symbp.notation.tensor import Element, Tensor

__all__ = ["half_powers"]

# A base, by its form, and whether it is divided by.
_Key = tuple[Expr, bool]


def half_powers(program: Program) -> Program:
    """Return an equivalent program whose half powers are square roots and whole powers of these.

    Parameters
    ----------
    program : Program
        A program whose bodies are written out (see :mod:`symbp.calculus.expand`).

    Returns
    -------
    Program
        A base has its root as a tensor of its own where several equations need a power of it, or
        where a power is needed for more elements than the base has.
    """
    higher: dict[_Key, set[int]] = {}
    users: dict[_Key, set[int]] = {}
    repeated: set[_Key] = set()
    example: dict[_Key, tuple[Expr, tuple[Index, ...]]] = {}
    for position, equation in enumerate(program.equations):
        for node, key, order in _half_powers(equation.body):
            users.setdefault(key, set()).add(position)
            example.setdefault(key, (node.base, order))
            if abs(node.exp) != sympy.Rational(1, 2):
                higher.setdefault(key, set()).add(position)
                if set(order) < set(equation.domain):
                    repeated.add(key)
    wanted = [key for key in higher if len(users[key]) > 1 or key in repeated]
    if not wanted:
        return program
    names = {tensor.name for tensor in program.tensors}
    roots: dict[_Key, Tensor] = {}
    made: dict[int, list[Equation]] = {}
    for key in wanted:
        base, order = example[key]
        fresh = tuple(index.fresh() for index in order)
        root = roots[key] = Tensor(fresh_name(f"root{len(roots) + 1}", names), fresh)
        half = sympy.Rational(-1 if key[1] else 1, 2)
        body = sympy.Pow(base.xreplace(dict(zip(order, fresh, strict=True))), half)
        defined = Equation(root.element, body, origin=Origin("half_powers"))
        made.setdefault(min(users[key]), []).append(defined)
    result: list[Equation] = []
    for position, equation in enumerate(program.equations):
        result += made.get(position, [])
        mapping = {
            node: roots[key][order] ** int(2 * abs(node.exp))
            for node, key, order in _half_powers(equation.body)
            if key in roots
        }
        if mapping:
            equation = equation.replace(body=equation.body.xreplace(mapping))
        result.append(equation)
    return program.replace(equations=tuple(result))


def _half_powers(body: Expr) -> Iterator[tuple[sympy.Pow, _Key, tuple[Index, ...]]]:
    """Yield the powers to an odd number of halves in a body, of what can be read anywhere."""
    for node in dict.fromkeys(sympy.preorder_traversal(body)):
        if (
            isinstance(node, sympy.Pow)
            and isinstance(node.exp, sympy.Rational)
            and node.exp.q == 2
            and node.base.has(Element)
            and all(element.is_plain for element in node.base.atoms(Element))
        ):
            form, order = canonical(node.base)
            yield node, (form, bool(node.exp < 0)), order
