"""textbook: equations in the forms in which books print them, before they are differentiated.

A quotient of exponentials is a softmax, and the cost of a logit is one of its probability: with
``a = σ(z)``, ``softplus(z) = -ln(1 - a)`` and ``z = ln a - ln(1 - a)``. Both are identities; what
is compiled keeps the forms that cannot overflow.
"""

from collections.abc import Sequence

import sympy
from sympy.core.expr import Expr

from symbp.derivations.patterns import softmax_argument
from symbp.notation.arithmetic import Plus
from symbp.notation.collected import factors, product_of, sum_of, terms
from symbp.notation.declarations import tensor
from symbp.notation.equation import Equation, Origin
from symbp.notation.functions import sigmoid, softplus
from symbp.notation.program import Program
from symbp.notation.reductions import LogSumExp, Sum
from symbp.notation.standard import exp, log
from symbp.notation.tensor import Element, Tensor

__all__ = ["textbook_forms"]


def textbook_forms(program: Program) -> Program:
    """Return an equivalent program whose softmaxes and costs of logits read as in books.

    Parameters
    ----------
    program : Program
        As its author wrote it, of one example or of a batch.

    Examples
    --------
    >>> import symbp as bp
    >>> z, p = bp.input("z", *bp.indices("n k", "N", 3)), bp.tensor("p", *bp.indices("n k", "N", 3))
    >>> n, k = p.indices
    >>> l = k.fresh()
    >>> body = bp.exp(z[n, k]) / bp.Sum(bp.exp(z[n, l]), l)
    >>> print(textbook_forms(bp.Program([bp.Equation(p[n, k], body)])))
    p[n, k] = exp(z[n, k] - LogSumExp(z[n, k], k))
    """
    probabilities = _Probabilities(program)
    equations: list[Equation] = []
    for equation in program.equations:
        body = _with_softmax(equation.body)
        if equation.tensor is program.cost:
            body = probabilities.in_terms_of(body)
            equations += probabilities.new
        changed = body != equation.body
        origin = Origin("textbook", equation)
        equations.append(equation.replace(body=body, origin=origin) if changed else equation)
    return program.replace(equations=tuple(equations))


def _with_softmax(node: Expr) -> Expr:
    if not node.args or not node.has(sympy.exp):
        return node
    if isinstance(node, sympy.Mul):
        parts = list(factors(node))
        for above in [part for part in parts if isinstance(part, sympy.exp)]:
            for below in parts:
                found = _softmax(above, below)
                if found is not None:
                    rest = [part for part in parts if part not in (above, below)]
                    return product_of(*map(_with_softmax, rest), found)
    arguments = [_with_softmax(argument) for argument in node.args]
    return node if arguments == list(node.args) else node.func(*arguments)


def _softmax(above: Expr, below: Expr) -> Expr | None:
    """Return ``exp(z - logsumexp(z))`` of ``exp(z)`` and ``1/Σ exp(z)``."""
    if not isinstance(below, sympy.Pow) or below.args[1] != -1:
        return None
    total = below.args[0]
    if not isinstance(total, Sum) or not isinstance(total.body, sympy.exp):
        return None
    whole = above.args[0] - LogSumExp(total.body.args[0], *total.bound)
    return None if softmax_argument(whole) is None else exp(whole)


class _Probabilities:
    """Writes a cost of logits in terms of ``a = σ(z)``, which it defines where nothing does."""

    def __init__(self, program: Program) -> None:
        self.names = {each.name for each in program.tensors}
        self.known: dict[Tensor, Tensor] = {}
        self.new: list[Equation] = []
        for equation in program.equations:
            body = equation.body
            z = body.args[0] if isinstance(body, sigmoid) else None
            if isinstance(z, Element) and z.is_plain and z.args == equation.lhs.args:
                self.known[z.tensor] = equation.tensor

    def in_terms_of(self, node: Expr) -> Expr:
        """Return an expression in which sums of logits and their softplus are logarithms of a."""
        if not node.has(softplus):
            return node
        found = self._entropy(node)
        if found is not None:
            return found
        arguments = [self.in_terms_of(argument) for argument in node.args]
        if arguments == list(node.args):
            return node
        if isinstance(node, Sum):
            numbers = [part for part in factors(arguments[0]) if part.is_number]
            rest = [part for part in factors(arguments[0]) if not part.is_number]
            return product_of(*numbers, node.func(product_of(*rest), *arguments[1:]))
        return node.func(*arguments)

    def _entropy(self, node: Expr) -> Expr | None:
        """Return ``-(β ln a + α ln(1 - a))`` of a sum of multiples of z and softplus(±z)."""
        logits = {
            part
            for use in node.atoms(softplus)
            for part in (use.args[0], -use.args[0])
            if isinstance(part, Element) and part.is_plain
        }
        if len(logits) != 1 or not isinstance(node, sympy.Add):
            return None
        (z,) = logits
        if z.tensor not in self.known and not self._is_logit(z.tensor):
            return None
        of_one: list[Expr] = []
        of_other: list[Expr] = []
        for term in terms(node):
            split = _multiple(term, z)
            if split is None:
                return None
            coefficient, kind = split
            of_one += [coefficient] * (kind == "of -z") + [-coefficient] * (kind == "z")
            of_other += [coefficient] * (kind in ("of z", "z"))
        a = self._probability(z.tensor)[z.args]
        total = Plus(product_of(sum_of(*of_one), log(a)), product_of(sum_of(*of_other), log(1 - a)))
        return product_of(-1, total)

    @staticmethod
    def _is_logit(z: Tensor) -> bool:
        """Whether a tensor is the pre-activation of a layer, whose activation is unsaid."""
        return z.adjoint_symbol is not None and isinstance(z.label, int) and z.symbol == "z"

    def _probability(self, z: Tensor) -> Tensor:
        if z not in self.known:
            name = f"a{z.name[1:]}" if z.name.startswith("z") else f"{z.name}_probability"
            while name in self.names:
                name += "_"
            self.known[z] = tensor(name, *z.indices, symbol="a", label=z.label)
            self.new.append(Equation(self.known[z].element, sigmoid(z.element)))
        return self.known[z]


def _multiple(term: Expr, z: Element) -> tuple[Expr, str] | None:
    """Return a coefficient, and which of z, softplus(z) and softplus(-z) it multiplies."""
    kinds = {z: "z", softplus(z): "of z", softplus(-z): "of -z"}
    parts: Sequence[Expr] = factors(term)
    found = [part for part in parts if part in kinds]
    rest = product_of(*(part for part in parts if part not in found))
    return (rest, kinds[found[0]]) if len(found) == 1 and not rest.has(z.tensor.element) else None
