"""Forms of expressions that a reader knows by name, found by comparing structure.

The softmax, for one: ``exp(z[j] - LogSumExp(z[i], i))`` whatever the indices are called.
"""

import sympy
from sympy.core.expr import Expr

from symbp.calculus.share import canonical
from symbp.notation.arithmetic import Plus
from symbp.notation.equation import indices_of
from symbp.notation.functions import where
from symbp.notation.index import Index
from symbp.notation.prime import Prime
from symbp.notation.reductions import LogSumExp, Reduction
from symbp.notation.tensor import Element

__all__ = ["freshened", "is_indicator", "softmax_argument", "weight"]


def softmax_argument(node: Expr) -> tuple[Expr, LogSumExp] | None:
    """Return ``x`` and ``LogSumExp(x', …)`` of ``x - LogSumExp(x', …)``, else None."""
    if not isinstance(node, sympy.Add):
        return None
    for term in node.args:
        reduction = -term
        if not isinstance(reduction, LogSumExp):
            continue
        x = Plus(*(other for other in node.args if other is not term))
        inner = freshened(reduction.body)
        form, order = canonical(freshened(x))
        other, names = canonical(inner)
        free = set(indices_of(x)) | set(indices_of(inner))
        pairs = [pair for pair in zip(order, names, strict=False) if free & set(pair)]
        if form == other and all((b in reduction.bound) != (a is b) for a, b in pairs):
            return x, reduction
    return None


def is_indicator(node: Expr) -> bool:
    """Whether an expression is 1 where a condition holds and 0 elsewhere."""
    return isinstance(node, where) and node.args[1] == 1 and node.args[2] == 0


def freshened(node: Expr) -> Expr:
    """Return the expression with new bound indices, so that nothing put in can be captured."""
    if not node.has(Reduction):
        return node
    if isinstance(node, Reduction):
        fresh = tuple(index.fresh() for index in node.bound)
        body = freshened(node.body).xreplace(dict(zip(node.bound, fresh, strict=True)))
        return type(node)(body, *fresh)
    return node.func(*(freshened(argument) for argument in node.args))


def weight(node: Expr) -> int:
    """Return how much there is to read in an expression: the size of its tree, roughly."""
    if isinstance(node, (Element, Index)) or node.is_Number:
        return 1
    if isinstance(node, Prime):
        return 2 + sum(weight(argument) for argument in node.application.args)
    if isinstance(node, sympy.Pow) and node.args[1].is_negative:
        return 2 + weight(1 / node)
    return 1 + sum(weight(argument) for argument in node.args)
