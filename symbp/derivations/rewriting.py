"""rewriting: what the logarithm of a softmax is where it is differentiated as a difference.

A cost prints as ``-Σ y ln a``; it is differentiated as ``-Σ y (z - ξ)`` with ``ξ = ln Σ exp z``. A
reader is told that ``ln a = z - ξ``.
"""

from collections.abc import Iterable, Mapping, Sequence

import sympy
from sympy.core.expr import Expr

from symbp.calculus.per_example import whole_body
from symbp.derivations.patterns import freshened, softmax_argument
from symbp.notation.equation import Equation
from symbp.notation.reductions import LogSumExp
from symbp.notation.tensor import Element, Tensor

__all__ = ["logarithms"]


def logarithms(
    printed: Expr,
    kept: Mapping[Tensor, Equation],
    normal: Mapping[Tensor, Sequence[Equation]],
    introduced: Iterable[Tensor],
) -> list[tuple[Expr, Expr]]:
    """Return the logarithms of softmaxes in a printed body, each with the difference that it is.

    Parameters
    ----------
    printed : SymPy expression
        The right side of an equation as the derivation prints it.
    kept : mapping of Tensor to Equation
        What the tensors are that it prints.
    normal : mapping of Tensor to sequence of Equation
        The normalised equations.
    introduced : iterable of Tensor
        Those that are introduced to differentiate it, ξ among them.
    """
    sums = {
        tensor: normal[tensor][0]
        for tensor in introduced
        if [equation.operation for equation in normal.get(tensor, ())] == ["logsumexp"]
    }
    found: dict[Expr, Expr] = {}
    for logarithm in sorted(printed.atoms(sympy.log), key=sympy.default_sort_key):
        of = logarithm.args[0]
        if not isinstance(of, Element) or not of.is_plain or of.tensor not in kept:
            continue
        body = kept[of.tensor].body
        parts = softmax_argument(body.args[0]) if isinstance(body, sympy.exp) else None
        if parts is None:
            continue
        argument, reduction = parts
        for tensor, equation in sums.items():
            places = _places(equation, reduction)
            if places is not None:
                difference = argument - tensor[places]
                names = dict(zip(kept[of.tensor].lhs.args, of.args, strict=True))
                found[logarithm] = difference.xreplace(names)
    return list(found.items())


def _places(equation: Equation, reduction: LogSumExp) -> tuple[Expr, ...] | None:
    """Return at which places of ξ a reduction is what it holds; None where it holds another."""
    if len(equation.reduce) != len(reduction.bound):
        return None
    body = freshened(whole_body(equation).args[0])
    names = dict(zip(equation.reduce, reduction.bound, strict=True))
    free = [index for index in equation.lhs.args if index not in names]
    own = [e for e in sympy.preorder_traversal(reduction.body) if isinstance(e, Element)]
    given = [e for e in sympy.preorder_traversal(body) if isinstance(e, Element)]
    for mine, other in zip(given, own, strict=False):
        if mine.tensor is not other.tensor:
            return None
        names.update((a, b) for a, b in zip(mine.args, other.args, strict=True) if a in free)
    if freshened(body.xreplace(names)) != freshened(reduction.body):
        return None
    return tuple(names.get(index, index) for index in equation.lhs.args)
