"""Logarithms as sums of known parts, and how such a sum is written without cancellation.

A quantity made of exponentials is out of range long before its logarithm is. A :data:`Form` is a
logarithm as a sum ``Σ c·atom``: of plain terms (the exponents that were written), of ``softplus``
and ``log_sum_exp`` (the logarithms of sums of exponentials). Products of quantities are sums of
forms, so that what cancels on paper cancels here: ``x - softplus(x)`` is ``-softplus(-x)``, whose
digits are right where ``x - x`` has none left.
"""

import sys
from collections.abc import Iterable
from functools import reduce
from operator import add
from typing import Any

import sympy
from sympy.core.expr import Expr

from symbp.notation.collected import factors
from symbp.notation.functions import (
    expm1,
    log1p,
    log_sum_exp,
    maximum,
    relu,
    sigmoid,
    softplus,
    where,
)
from symbp.notation.standard import Abs, exp, log, tanh
from symbp.notation.tensor import Element

__all__ = [
    "Form", "build", "combined", "computed_log_sum", "is_nonnegative", "is_separated", "linear",
    "log1m_exp", "log_of_softplus", "log_of_sum", "log_sech_squared", "ratio",
    "without_cancellation",
]  # fmt: skip

#: From each atom to its coefficient; the atom 1 stands for a number.
Form = dict[Expr, Expr]

_ONE = sympy.S.One
# Below this the logarithm of softplus(u) is u to the last digit.
_LINEAR_BELOW = -40
# From here on 1 - exp(u) is -u to the last digit, and u itself soon below the range.
_TINY = sympy.Float(1e-200)
_HALF = sympy.Float("0.69314718055994530942")


def combined(form: Form, other: Form, times: Expr = _ONE) -> Form:
    """Return the sum of a form and a multiple of another."""
    result = dict(form)
    for atom, coefficient in other.items():
        total = result.get(atom, sympy.S.Zero) + coefficient * times
        if total == 0:
            result.pop(atom, None)
        else:
            result[atom] = total
    return result


def build(form: Form) -> Expr:
    """Return a form as an expression, its terms in their order."""
    parts = [c if atom == 1 else c * atom for atom, c in _separated(form).items()]
    return reduce(add, parts, sympy.S.Zero)


def _separated(form: Form) -> Form:
    """Return the form with the linear parts of softplus first, where some are subtracted.

    ``softplus(a) - softplus(b)`` has the derivative ``σ(a) - σ(b)``, which loses its digits where
    both are near 1. As ``max(a, 0) - max(b, 0)`` and what is left of each, none is lost.
    """
    atoms = [atom for atom in form if isinstance(atom, softplus)]
    chosen = _opposite(form)
    result = {atom: c for atom, c in form.items() if atom not in chosen}
    for atom in atoms:
        if atom in chosen:
            result = combined(result, {maximum(atom.args[0], 0): form[atom]})
    for atom in atoms:
        if atom in chosen:
            result = combined(result, {softplus(-Abs(atom.args[0])): form[atom]})
    return result


def _opposite(form: Form) -> set[Expr]:
    """Return the softplus of a form that are added and subtracted, of what they share."""
    atoms = [atom for atom in form if isinstance(atom, softplus)]
    return {
        atom
        for one in atoms
        for other in atoms
        if form[one] > 0 > form[other] and one.atoms(Element) & other.atoms(Element)
        for atom in (one, other)
    }


def is_separated(form: Form) -> bool:
    """Whether the linear parts of a form are written by themselves."""
    return bool(_opposite(form))


def linear(node: Expr) -> Form:
    """Return the terms of a sum, with numbers in front as coefficients; what looks inside no
    product but ``-(a + b)``, as multiplying a sum out loses digits.
    """  # noqa: D205 - one thought
    if node.is_number:
        return {} if node == 0 else {_ONE: node}
    if isinstance(node, sympy.Add):
        result: Form = {}
        for term in node.args:
            result = combined(result, linear(term))
        return result
    if isinstance(node, sympy.Mul):
        coefficient, rest = node.as_coeff_Mul()
        if coefficient != 1 and (coefficient == -1 or not isinstance(rest, sympy.Add)):
            return combined({}, linear(rest), coefficient)
    return {node: _ONE}


def ratio(form: Form, part: Form) -> Expr:
    """Return the multiple of ``part`` that ``form`` holds, 0 where it holds none.

    A multiple of the smallest size whose terms are all in the form with one sign.
    """
    found = sympy.S.Zero
    for atom, coefficient in part.items():
        if atom not in form:
            return sympy.S.Zero
        here = form[atom] / coefficient
        if found != 0 and (here > 0) != (found > 0):
            return sympy.S.Zero
        if found == 0 or abs(here) < abs(found):
            found = here
    return found


def without_cancellation(form: Form) -> tuple[Form, bool]:
    """Return a form whose logarithms of sums do not cancel against plain terms, and whether it
    is another: ``softplus(x) - x`` becomes ``softplus(-x)``, ``log_sum_exp(a, b) - a`` likewise.
    """  # noqa: D205 - one thought
    changed = False
    for atom in [a for a in form if isinstance(a, log_sum_exp)]:
        for argument in atom.args:
            member = linear(argument)
            held = ratio(form, member)
            coefficient = form.get(atom, sympy.S.Zero)
            if held == 0 or coefficient == 0 or (held > 0) == (coefficient > 0):
                continue
            size = min(abs(held), abs(coefficient))
            size = size if coefficient > 0 else -size
            form = combined(form, {atom: -size})
            form = combined(form, member, size)
            rest = [build(combined(linear(other), member, -_ONE)) for other in atom.args]
            form = combined(form, {log_of_sum(rest): size})
            changed = True
    for atom in [a for a in form if isinstance(a, log_sum_exp)]:
        taken = _shifted(form, atom)
        if taken is not None:
            form, changed = taken, True
    for atom in [a for a in form if isinstance(a, softplus)]:
        taken = _taken_in(form, atom)
        if taken is not None:
            form, changed = taken, True
    for atom in [a for a in form if isinstance(a, softplus)]:
        if atom in form:
            form, different = _with_softplus(form, atom)
            changed = changed or different
    return form, changed


def log_of_sum(exponents: Iterable[Expr]) -> Expr:
    """Return ``log Σ exp(u)`` of two or more exponents as one function."""
    ordered = sorted(exponents, key=sympy.default_sort_key)
    if len(ordered) == 2 and 0 in ordered:
        return softplus(next((u for u in ordered if u != 0), sympy.S.Zero))
    return log_sum_exp(*ordered)


def computed_log_sum(*exponents: Expr) -> Expr:
    """Return ``log Σ exp(u)`` in functions for which there is code.

    The largest term is 1, and apart, so that nothing small beside it is lost.
    """
    largest = reduce(maximum, exponents)
    finite = sympy.Lt(Abs(largest), sys.float_info.max)
    if len(exponents) == 2:
        rest = softplus(-Abs(exponents[0] - exponents[1]))
    else:
        equal = [sympy.Eq(u, largest) for u in exponents]
        ties = reduce(add, (where(same, 1, 0) for same in equal))
        small = (where(same, 0, exp(u - largest)) for same, u in zip(equal, exponents, strict=True))
        rest = log1p(reduce(add, small, ties - 1))
    return where(finite, largest + rest, largest)


def _shifted(form: Form, atom: Expr) -> Form | None:
    """Return the form with its plain terms taken into a ``log_sum_exp``, if they cancel there."""
    read, c = atom.atoms(Element), form[atom]
    plain = {a: form[a] for a in form if isinstance(a, Element) and a in read}
    if not plain or not atom.has(softplus):
        return None
    shift = combined({}, plain, 1 / c)
    shifted = [without_cancellation(combined(linear(a), shift)) for a in atom.args]
    if not any(changed for _, changed in shifted):
        return None
    rest = combined(combined(form, plain, -_ONE), {atom: -c})
    return combined(rest, {log_of_sum(build(each) for each, _ in shifted): c})


def _taken_in(form: Form, atom: Expr) -> Form | None:
    """Return the form with ``softplus(a - b) - a`` as ``log_sum_exp(-a, -b)``, if there is one."""
    w, c = linear(atom.args[0]), form[atom]
    if len(w) < 2 or ratio(form, w) != 0:
        return None
    shared = {a: form[a] for a in w if a in form and a != 1 and form[a] == -c * w[a]}
    if not shared:
        return None
    rest = combined({}, shared, 1 / c)
    form = combined(combined(form, shared, -_ONE), {atom: -c})
    return combined(form, {log_of_sum((build(rest), build(combined(rest, w)))): c})


def _with_softplus(form: Form, atom: Expr) -> tuple[Form, bool]:
    """Return the form with ``a·w + b·softplus(w) + c·softplus(-w)`` in the terms that add up."""
    w = linear(atom.args[0])
    mirrored = softplus(-atom.args[0])
    a, b, c = ratio(form, w), form[atom], form.get(mirrored, sympy.S.Zero)
    # w = softplus(w) - softplus(-w)
    up, down, plain = b + a, c - a, sympy.S.Zero
    if up * down < 0:
        # One of the two and w: what is left of the smaller goes into w.
        plain = up if abs(up) <= abs(down) else -down
        up, down = up - plain, down + plain
    if (plain, up, down) == (a, b, c):
        return form, False
    rest = combined(form, w, plain - a)
    rest = combined(rest, {atom: up - b})
    return combined(rest, {mirrored: down - c}), True


def log_of_softplus(u: Expr) -> Expr:
    """Return ``log softplus(u)``, which is ``u`` far to the left."""
    return where(sympy.Lt(u, _LINEAR_BELOW), u, log(softplus(u)))


def log1m_exp(u: Expr, log_size: Expr | None = None) -> Expr:
    """Return ``log(1 - exp(u))`` for negative ``u`` (Maechler, 2012).

    Where the logarithm of ``-u`` is known, it is all that is left far to the left.
    """
    parts: tuple[Any, ...] = u.args if isinstance(u, sympy.Mul) else ()
    if len(parts) == 2 and parts[0] == -1 and isinstance(parts[1], softplus):
        return -softplus(-parts[1].args[0])
    result = where(sympy.Gt(u, -_HALF), log(-expm1(u)), log1p(-exp(u)))
    form = linear(u)
    if all(isinstance(atom, softplus) and c.is_number and c < 0 for atom, c in form.items()):
        # 1 - (1 - p)·(1 - q), both p and q below the range
        logs = [log(-c) + log_of_softplus(atom.args[0]) for atom, c in form.items()]
        small = computed_log_sum(*logs) if len(logs) > 1 else logs[0]
        return where(sympy.Gt(u, -_TINY), small, result)
    if log_size is not None:
        return where(sympy.Lt(log_size, _LINEAR_BELOW), log_size, result)
    return result


def log_sech_squared(u: Expr) -> Expr:
    """Return ``log(1 - tanh(u)**2)``."""
    far = sympy.log(4) - softplus(2 * u) - softplus(-2 * u)
    return where(sympy.Lt(Abs(u), 1), log1p(-(tanh(u) ** 2)), far)


def is_nonnegative(node: Expr) -> bool:
    """Whether an expression cannot be negative, as far as can be seen."""
    if node.is_number:
        return bool(node >= 0)
    if isinstance(node, (sympy.exp, sympy.Abs, softplus, sigmoid, relu)):
        return True
    if isinstance(node, log_sum_exp):
        return any(argument.is_number and argument >= 0 for argument in node.args)
    if isinstance(node, sympy.Pow):
        base, exponent = node.args
        return bool(exponent.is_even) or is_nonnegative(base)
    if isinstance(node, sympy.Mul):
        return all(is_nonnegative(factor) for factor in factors(node))
    if isinstance(node, sympy.Add):
        return all(is_nonnegative(term) for term in node.args)
    return False
